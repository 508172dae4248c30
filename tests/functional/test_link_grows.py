"""Records that come little by little are linked as if they had come at once; what was made is made once."""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from benchmarks.linked import put

from isthmus.base.identity import digest63
from isthmus.flow import start
from isthmus.flow.link import link
from isthmus.flow.linking import forms
from isthmus.flow.linking.verdict import decide
from isthmus.flow.schema import IDENTITY
from isthmus.flow.workspace import Workspace
from isthmus.linkage import normal
from lib import linked
from lib.workspace import rows

KNOWN = linked.people(persons=400, sites=4, seed=11)
TRUTH = KNOWN.truth["person"].to_pylist()
RECORDS = KNOWN.records


def _sites_persons(seed: int) -> list[int]:
    """What the sites call their persons: half of those who come again are known by their number."""
    drawn, known, found = random.Random(seed), {}, []
    for row, (site, truth) in enumerate(zip(RECORDS["site"].to_pylist(), TRUTH, strict=True)):
        number = known.get((site, truth)) if drawn.random() < 0.5 else None
        found.append(number or digest63("person", str(row)))
        known[site, truth] = found[-1]
    return found


def _merges(persons: Sequence[int], seed: int, count: int) -> list[tuple[int, int]]:
    """Merges that hospitals report: of two numbers of one person, and now and then of two people."""
    drawn, found = random.Random(seed), []
    for row in drawn.sample(range(len(persons)), count):
        alike = [at for at, truth in enumerate(TRUTH) if truth == TRUTH[row] and persons[at] != persons[row]]
        other = drawn.choice(alike) if alike and drawn.random() < 0.8 else drawn.randrange(len(persons))
        if persons[other] != persons[row]:
            found.append((persons[row], persons[other]))
    return found


def _groups(opened: Workspace) -> set[frozenset[int]]:
    return linked.groups({row["identity_id"]: row["person"] for row in rows(opened, "person_link")})


def _cut(opened: Workspace) -> set[tuple[int, int, str]]:
    return {(row["l"], row["r"], row["cut"]) for row in rows(opened, "person_pair") if row["cut"] is not None}


def _are_near(opened: Workspace, one: int, other: int) -> bool:
    return one >= other or any({row["l"], row["r"]} & {one, other} for row in rows(opened, "person_pair"))


def _forms(opened: Workspace) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (opened.root / "linkage" / "forms").glob("*/*.parquet")}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.prove) for seed in range(1, 20))])
def test_record_by_record_gives_the_persons_that_all_at_once_gives(seed: int, tmp_path: Path) -> None:
    persons = _sites_persons(seed)
    merges = _merges(persons, seed, 12)
    drawn = random.Random(seed)
    cuts = sorted(drawn.sample(range(len(RECORDS) // 2, len(RECORDS)), 4))
    grown, at_once = (start.new(tmp_path / name, synthetic=True) for name in ("grown", "once"))
    for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(RECORDS)], strict=True)):
        some = merges[number::5]
        put(grown, RECORDS.slice(begin, end - begin), persons[begin:end], some)
        if number == 2:  # what people say stands as well
            ids = [digest63(str(one)) for one in RECORDS["record_id"].slice(0, 400).to_pylist()]
            decide(grown, (ids[7], ids[30]), same=True, joined=False, author="ann", reason="seen")
        assert link(grown).edition is not None
    bit_by_bit = _groups(grown), _cut(grown)
    strangers = next((one, other) for one in ids for other in ids if not _are_near(grown, one, other))
    decide(grown, strangers, same=False, joined=False, author="ann", reason="to have all clustered anew")
    link(grown)
    assert (_groups(grown), _cut(grown)) == bit_by_bit
    put(at_once, RECORDS, persons, merges)
    shutil.copytree(grown.root / "linkage", at_once.root / "linkage")  # the same model
    decide(at_once, (ids[7], ids[30]), same=True, joined=False, author="ann", reason="seen")
    link(at_once)
    # How rare a name is, is told by the records that are there when a pair is scored.
    assert len(_groups(grown) ^ _groups(at_once)) <= len(_groups(grown)) // 100


def test_forms_are_made_once_and_anew_when_they_are_gone_or_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, persons = start.new(tmp_path / "ws", synthetic=True), _sites_persons(1)
    most = len(RECORDS) - 30
    put(opened, RECORDS.slice(0, most), persons[:most])
    link(opened)
    first = _forms(opened)
    assert len(first) == 1
    put(opened, RECORDS.slice(most), persons[most:])
    made: list[int] = []
    real = normal.normal
    monkeypatch.setattr(forms, "normal", lambda table, fields: (made.append(len(table)), real(table, fields))[1])
    link(opened)
    last = {digest63(str(one)) for one in RECORDS["record_id"].slice(most).to_pylist()}
    standing = {row["record_id"] for row in rows(opened, "person_link")} & last
    assert [count for count in made if count] == [len(standing)], "what was made before was made again"
    assert first.items() < _forms(opened).items()
    was = _groups(opened)
    shutil.rmtree(opened.root / "linkage" / "forms")
    assert link(opened).edition is None
    assert _groups(opened) == was
    monkeypatch.setattr(forms, "VERSION", normal.VERSION + 1)
    before = set((opened.root / "linkage" / "forms").iterdir())
    assert link(opened).edition is None
    assert not before & set((opened.root / "linkage" / "forms").iterdir()), "forms of former rules were kept"


def test_the_forms_of_records_that_are_gone_go_too(tmp_path: Path) -> None:
    opened, persons = start.new(tmp_path / "ws", synthetic=True), _sites_persons(1)
    put(opened, RECORDS, persons)
    link(opened)
    gone = opened.lake.deltas.files("identity")[0]
    with opened.lake.writing():
        opened.lake.deltas.commit("identity", IDENTITY, add=[], remove=[gone], batch="gone")
    link(opened)
    links = rows(opened, "person_link")
    assert {row["identity_id"] for row in links} == {row["identity_id"] for row in rows(opened, "identity")}
    there = [pq.read_table(path)["record_id"] for path in (opened.root / "linkage" / "forms").glob("*/*.parquet")]
    assert sorted(one for some in there for one in some.to_pylist()) == sorted({row["record_id"] for row in links})
