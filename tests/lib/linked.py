"""Hospitals that share their patients, for tests of the linkage: registrations as CSV, one folder a hospital."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from isthmus.base.durable import sha256_of
from isthmus.base.identity import digest63
from isthmus.flow import start
from isthmus.flow.ingest import publish
from isthmus.flow.schema import PERSON_ALIAS
from isthmus.flow.workspace import Workspace
from isthmus.lake.delta import DataFile
from isthmus.simulation.identities import Identities, identities
from lib import packs, workspace

PACK = """
== pack.yaml
pack: registrations
== registration.yaml
source: {files: ["*.csv"]}
key: record_id
person: record_id
into:
  - table: person
    set:
      gender_concept_id: case sex when 'M' then 8507 when 'F' then 8532 else 0 end
      gender_source_value: sex
      year_of_birth: coalesce(year(date(birth_date)), 1900)
      person_source_value: record_id
  - table: visit_occurrence
    set:
      visit_concept_id: 9202
      visit_start_date: date(seen)
      visit_end_date: date(seen)
  - table: identity
    set: {record_number: record_id, name: name, sex: sex, birth_date: birth_date, resident_id: resident_id,
          phone: phone, address: address}
"""


def people(persons: int = 250, sites: int = 3, seed: int = 7) -> Identities:
    """People known to several hospitals, with the truth."""
    return identities(persons=persons, sites=sites, seed=seed)


def hospitals(root: Path, known: pa.Table) -> Workspace:
    """A workspace with a site for each hospital of the registrations; nothing is ingested yet."""
    opened = start.new(root / "ws", synthetic=True)
    pack = packs.write(root / "packs", "registrations", PACK)
    for site in pc.unique(known["site"]).to_pylist():
        workspace.add(opened, {"his": (root / "in" / site, pack)}, site=site)
        (root / "in" / site).mkdir(parents=True, exist_ok=True)
    return opened


def deliver(root: Path, known: pa.Table, name: str) -> None:
    """Put registrations into the folders of their hospitals, as a file of this name."""
    for site in pc.unique(known["site"]).to_pylist():
        rows = known.filter(pc.equal(known["site"], site)).drop_columns(["site"])
        csv.write_csv(rows, root / "in" / site / name)


def person_of(site: str, record: int) -> int:
    """The number that a site's person gets."""
    return digest63(site, "hospital", "person", str(record))


def numbers(opened: Workspace, known: pa.Table) -> dict[int, int]:
    """By record of the registrations the number of its person in the newest edition."""
    links = {row["person_id"]: row["person"] for row in workspace.rows(opened, "person_link")}
    keys = zip(known["record_id"].to_pylist(), known["site"].to_pylist(), strict=True)
    return {record: links[person_of(site, record)] for record, site in keys if person_of(site, record) in links}


def groups(person: Mapping[int, Any]) -> set[frozenset[int]]:
    """Records by person, whatever their numbers."""
    found: dict[Any, set[int]] = {}
    for record, one in person.items():
        found.setdefault(one, set()).add(record)
    return {frozenset(one) for one in found.values()}


def identity_ids(opened: Workspace) -> dict[int, int]:
    """The id of each record of identity, by the number that its hospital gave."""
    return {int(row["record_number"]): row["identity_id"] for row in workspace.rows(opened, "identity")}


def events(opened: Workspace, edition: int) -> Iterable[tuple[str, int, int]]:
    """What happened to persons in an edition."""
    told = workspace.rows(opened, "person_event")
    return [(row["event"], row["person"], row["other"]) for row in told if row["edition"] == edition]


def alias(opened: Workspace, persons: Mapping[int, int]) -> None:
    """Publish an edition that joins persons so."""
    draft = opened.lake.root / "draft.parquet"
    pq.write_table(pa.table([list(persons), list(persons.values())], schema=PERSON_ALIAS), draft)
    path = opened.lake.root / "person_alias" / f"{sha256_of(draft)}.parquet"
    path.parent.mkdir(exist_ok=True)
    file = DataFile("person_alias", f"person_alias/{path.name}", None, len(persons), draft.stat().st_size)
    draft.rename(path)
    with opened.lake.writing():
        opened.lake.deltas.commit("person_alias", PERSON_ALIAS, add=[file], remove=[], batch="test")
        publish(opened, [])
