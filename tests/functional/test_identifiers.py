"""Where identifiers stand in a published edition of simulated hospitals: in `identity`, and in free text."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.base.identity import digest63
from isthmus.flow.workspace import Workspace
from lib import hospitals, leaks
from lib.workspace import rows

PACKS = {"sim-his", "sim-lis", "sim-emr", "sim-vendor", "sim-fhir", "sim-hl7"}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Hospitals in every dialect, with clean and with wrong records, linked."""
    root = tmp_path_factory.mktemp("simulated")
    opened = hospitals.simulated(root, patients=500)
    assert {feed.pack for site in opened.sites() for feed in site.feeds} == PACKS
    return root


def test_no_column_but_those_of_identity_holds_an_identifier(
    simulated: Path, record_property: Callable[[str, object], None]
) -> None:
    """Hits in free text are counted and told. A hospital's record number is the source value of its person.

    It stands in `person_source_value`, and in `location_source_value` of a home, which no grant reads.
    """
    opened = Workspace(simulated / "ws")
    identifiers = leaks.told(simulated / "sim" / "truth", opened)
    assert min(len(identifiers[kind]) for kind in ("resident id", "phone", "name", "address", "record number")) > 400
    found = leaks.leaks(opened, identifiers)
    free = [one for one in found if (one.table, one.column) in leaks.FREE]
    for one in free:
        record_property(f"{one.table}.{one.column}: {one.kind}", one.texts)
    assert {one.kind for one in free} <= {"name", "record number"}
    others = [one for one in found if one not in free]
    assert not [one for one in others if one.kind != "record number"]
    assert {one.column for one in others} <= {"person_source_value", "location_source_value"}


def test_the_search_finds_what_stands_there(simulated: Path) -> None:
    """The test above could fail: where `identity` is searched for, all of it is found."""
    opened = Workspace(simulated / "ws")
    identifiers = leaks.told(simulated / "sim" / "truth", opened)
    row = next(one for one in rows(opened, "identity") if one["resident_id"] and one["address"])
    texts = [row["name"], f"tel. {row['phone']}!", row["resident_id"], f"lives at {row['address']}"]
    kinds = {kind for text in texts for kind, _ in leaks.hits([text], identifiers)}
    assert {"name", "phone", "resident id", "address"} <= kinds
    assert not leaks.hits(["Hepatocellular carcinoma", "地高辛片"], identifiers)


def test_people_of_several_hospitals_are_found_in_every_dialect(simulated: Path) -> None:
    """Against the truth of the exports: nobody is merged with someone else."""
    truth = pq.read_table(simulated / "sim" / "truth" / "person.parquet").to_pylist()
    true = {digest63(one["site"], one["keyspace"], "person", one["person_key"]): one["person"] for one in truth}
    links = rows(Workspace(simulated / "ws"), "person_link")
    assert {one["person_id"] for one in links} <= true.keys()
    by_person: dict[int, set[int]] = {}
    by_truth: dict[int, set[int]] = {}
    for one in links:
        by_person.setdefault(one["person"], set()).add(true[one["person_id"]])
        by_truth.setdefault(true[one["person_id"]], set()).add(one["person"])
    assert all(len(several) == 1 for several in by_person.values())
    assert sum(len(several) > 1 for several in by_truth.values()) <= 0.02 * len(by_truth)
