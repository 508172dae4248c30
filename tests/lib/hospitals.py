"""Simulated hospitals in a workspace with one edition; also under a grant, with people in every role."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from isthmus.base.progress import Silence
from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.simulation.world import simulate
from lib import granted
from lib.copies import copied
from lib.granted import House

WIDE: Mapping[str, str] = dict.fromkeys(
    [
        *("person", "death", "visit_occurrence", "condition_occurrence", "measurement", "drug_exposure"),
        *("procedure_occurrence", "note"),
    ],
    "all",
)
"""A grant over all that the FHIR facade can tell."""


def simulated(
    folder: Path,
    *,
    patients: int,
    sites: int = 4,
    seed: int = 11,
    synthetic: bool = True,
    linked: bool = True,
    pathways: bool = False,
) -> Workspace:
    """Hospitals of the simulation: in `sim` their exports and the truth, in `ws` the workspace."""

    def make(root: Path) -> None:
        sim = root / "sim"
        simulate(sim, sites=sites, patients=patients, seed=seed, progress=Silence(), pathways=pathways)
        opened = start.new(root / "ws", synthetic=synthetic)
        for site in _sites(sim):
            opened.keep_site(site if synthetic else replace(site, conditions={"codes": ["HMB"]}))
        assert not ingest(opened).failed
        if linked:
            link(opened)

    copied(("simulated", patients, sites, seed, synthetic, linked, pathways), make, folder)
    return Workspace(folder / "ws")


def _sites(sim: Path) -> list[Site]:
    feeds = pq.read_table(sim / "truth" / "feed.parquet").to_pylist()
    return [
        Site(
            name, name,
            tuple(Feed(one["name"], str(sim / "exports" / one["folder"]), one["pack"])
                  for one in feeds if one["site"] == name),
        )
        for name in sorted({one["site"] for one in feeds})
    ]  # fmt: skip


def hospitals(
    folder: Path, *, patients: int, sites: int = 4, tables: Mapping[str, str | Sequence[str]] = WIDE
) -> House:
    """The same of patients that are not declared invented, with a grant over tables of all sites."""

    def make(root: Path) -> House:
        opened = simulated(root, patients=patients, sites=sites, synthetic=False)
        names = sorted(one.name for one in opened.sites())
        house = granted.staffed(opened, names[0])
        return granted.decided(granted.applied(house, root, sites=names, tables=dict(tables)))

    return granted.copied_house(("hospitals", patients, sites, repr(tables)), make, folder)
