"""Simulated hospitals that are not declared invented, linked, with people in every role and a grant over their data."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from isthmus.base.progress import Silence
from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.flow.workspace import Feed, Site
from isthmus.simulation.world import simulate
from lib import granted
from lib.granted import House

WIDE: Mapping[str, str] = dict.fromkeys(
    [
        *("person", "death", "visit_occurrence", "condition_occurrence", "measurement", "drug_exposure"),
        *("procedure_occurrence", "note"),
    ],
    "all",
)
"""A grant over all that the FHIR facade can tell."""


def hospitals(root: Path, *, patients: int, sites: int = 4, tables: Mapping[str, str | Sequence[str]] = WIDE) -> House:
    """The hospitals, their edition, and the grant."""
    simulate(root / "sim", sites=sites, patients=patients, seed=11, progress=Silence())
    opened = start.new(root / "ws", synthetic=False)
    feeds = pq.read_table(root / "sim" / "truth" / "feed.parquet").to_pylist()
    names = sorted({one["site"] for one in feeds})
    for name in names:
        mine = [one for one in feeds if one["site"] == name]
        exports = root / "sim" / "exports"
        parts = tuple(Feed(one["name"], str(exports / one["folder"]), one["pack"]) for one in mine)
        opened.keep_site(replace(Site(name, name, parts), conditions={"codes": ["HMB"]}))
    assert not ingest(opened).failed
    link(opened)
    return granted.decided(granted.applied(granted.staffed(opened, names[0]), root, sites=names, tables=dict(tables)))
