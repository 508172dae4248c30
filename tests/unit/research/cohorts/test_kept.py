"""Cohorts kept with an edition: found again, brought up to date from what changed, and always what a full run finds."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from benchmarks import dense

from isthmus.base.errors import IntegrityError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.joined import ALIAS, SCHEMA
from isthmus.gate.session import Session, open_session
from isthmus.lake.delta import DataFile
from isthmus.lake.lake import Lake
from isthmus.research.cohorts import phenotype
from isthmus.research.cohorts.concepts import step
from isthmus.research.cohorts.definition import Cohort, Control, Definition
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.cohorts.kept import Renewed, fingerprint, renewed
from lib.oracle import made

ON_DESK = "SELECT cohort FROM result ORDER BY cohort"
PERSONS, SHARE = 60, 5  # one person in five gets other rows
OF_OTHERS = {"any": "{any of: ['1', '2', '3', c1]}", "late": "{of: any, only: [{cohort: '4', exactly: 0}], take: last}"}


Tables = dict[str, pa.Table]


def _random(folder: Path, asked: Sequence[Cohort], seed: int) -> Tables:
    """Tables of a random CDM, whole as the model says."""
    pools = dense.pools(one for one in asked if isinstance(one, Definition) and one.name.isdecimal())
    dense.write(folder, pools, persons=PERSONS, seed=seed, rate=0.2)
    found = {}
    for path in sorted(folder.glob("*.parquet")):
        schema = QUESTIONS[path.stem].schema().to_pyarrow()
        table = pq.read_table(path)
        for name in schema.names:
            if name not in table.column_names:
                table = table.append_column(name, pa.nulls(table.num_rows, schema.field(name).type))
        found[path.stem] = table.select(schema.names).cast(schema)
    return found


class _House:
    """A lake whose editions are made of files by hand."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root)

    def file(self, name: str, table: pa.Table, mark: str) -> DataFile:
        path = f"{name}/{mark}.parquet"
        (self.lake.root / name).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, self.lake.root / path)
        return DataFile(name, path, "", table.num_rows, (self.lake.root / path).stat().st_size)

    def publish(self, files: Sequence[DataFile]) -> None:
        tables = {one.table: (1, [other for other in files if other.table == one.table]) for one in files}
        self.lake.editions.publish(tables, batches=[], notes={})

    def session(self, edition: int | None = None) -> Session:
        return open_session(self.lake, synthetic=True, edition=edition)


def _parted(table: pa.Table) -> tuple[pa.Table, pa.Table]:
    """The rows of persons who stay as they are, and of those who do not."""
    person = table.column("person_id")
    moving = pc.equal(pc.subtract(person, pc.multiply(pc.divide(person, SHARE), SHARE)), 0)
    return table.filter(pc.invert(moving)), table.filter(moving)


@pytest.fixture(scope="module")
def asked() -> list[Cohort]:
    _, read = made(seed=815, definitions=12)
    controls = [Control("c1", 1001, first=True, descendants=False), Control("c2", 1002, first=False)]
    return [
        *read,
        *controls,
        *(phenotype.read(text.encode(), name=name, file=name) for name, text in OF_OTHERS.items()),
    ]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory, asked: list[Cohort]) -> tuple[Tables, Tables]:
    """Before and after."""
    folder = tmp_path_factory.mktemp("tables")
    return _random(folder / "1", asked, 1), _random(folder / "2", asked, 2)


@pytest.fixture
def house(tmp_path: Path, tables: tuple[Tables, Tables]) -> _House:
    """Edition 1; 2, in which some persons have other rows; 3, in which some are one with others; 4, new concepts."""
    made = _House(tmp_path / "lake")
    before, after = tables
    owned = [name for name in before if "person_id" in QUESTIONS[name].columns]
    stays = [made.file(name, table, "all") for name, table in before.items() if name not in owned]
    stays += [made.file(name, _parted(before[name])[0], "stays") for name in owned]
    was, now = (
        [made.file(name, _parted(rows[name])[1], mark) for name in owned]
        for rows, mark in ((before, "was"), (after, "now"))
    )
    made.publish([*stays, *was])
    made.publish([*stays, *now])
    joined = pa.table({"person_id": [2, 7, 8], "person": [3, 3, 14]}, schema=SCHEMA)
    joining = [made.file(ALIAS, joined, "joined")]
    made.publish([*stays, *now, *joining])
    made.publish([*stays, *now, *joining, made.file("concept", before["concept"], "again")])
    return made


def _full(session: Session, asked: Sequence[Cohort]) -> list[object]:
    with session.desk() as desk:
        return _listed(evaluate(desk, asked).rows)


def _renewed(session: Session, asked: Sequence[Cohort]) -> tuple[Renewed, list[object]]:
    """What came of it, and the cohorts of the stays that are on the desk afterwards."""
    with session.desk() as desk:
        return renewed(session, desk, asked), desk.take(step(ON_DESK)).column("cohort").to_pylist()


def _listed(rows: pa.Table) -> list[object]:
    return list(zip(*(column.to_pylist() for column in rows.columns), strict=True))


def test_what_is_kept_is_found_again_and_brought_up_to_date(house: _House, asked: list[Cohort]) -> None:
    first, _ = _renewed(house.session(1), asked)
    assert (first.looked_at, first.since) == (None, None)
    again, on_desk = _renewed(house.session(1), asked)
    assert (again.looked_at, again.since) == (0, 1)
    assert _listed(again.cohorts.rows) == _listed(first.cohorts.rows) == _full(house.session(1), asked)
    assert on_desk == again.cohorts.rows.column("cohort").to_pylist()
    second, on_desk = _renewed(house.session(2), asked)
    assert (second.looked_at, second.since) == (PERSONS // SHARE, 1)
    assert _listed(second.cohorts.rows) == _full(house.session(2), asked)
    assert on_desk == second.cohorts.rows.column("cohort").to_pylist()
    assert _listed(second.cohorts.rows) != _listed(first.cohorts.rows)
    assert second.cohorts.counts.num_rows > 4


def test_persons_who_are_joined_are_looked_at_under_both_numbers(house: _House, asked: list[Cohort]) -> None:
    _renewed(house.session(2), asked)
    third, _ = _renewed(house.session(3), asked)
    assert (third.looked_at, third.since) == (5, 2)  # 2 and 7 are 3, 8 is 14
    assert _listed(third.cohorts.rows) == _full(house.session(3), asked)


def test_an_edition_between_that_kept_nothing_does_no_harm(house: _House, asked: list[Cohort]) -> None:
    _renewed(house.session(1), asked)
    third, _ = _renewed(house.session(3), asked)
    assert third.since == 1
    assert third.looked_at == PERSONS // SHARE + 5
    assert _listed(third.cohorts.rows) == _full(house.session(3), asked)


def test_everybody_is_looked_at_where_the_vocabulary_changed(house: _House, asked: list[Cohort]) -> None:
    _renewed(house.session(3), asked)
    fourth, _ = _renewed(house.session(4), asked)
    assert (fourth.looked_at, fourth.since) == (None, None)


def test_other_definitions_are_found_anew(house: _House, asked: list[Cohort]) -> None:
    _renewed(house.session(1), asked)
    other, _ = _renewed(house.session(1), asked[:3])
    assert other.looked_at is None


def test_what_was_kept_and_altered_is_refused(house: _House, asked: list[Cohort]) -> None:
    _renewed(house.session(1), asked)
    (kept,) = house.lake.editions.folder.glob("000001.cohorts-*.parquet")
    kept.write_bytes(kept.read_bytes()[:-1])
    with pytest.raises(IntegrityError, match="was altered"):
        _renewed(house.session(2), asked)


def test_a_fingerprint_is_of_what_is_said_and_not_of_what_it_is_called() -> None:
    texts = [
        "{title: a, concepts: {x: [1, 2]}, enter: [{condition: x}]}",
        "{title: b, concepts: {y: [2, 1]}, enter: [{condition: y}]}",
        "{title: a, concepts: {x: [1]}, enter: [{condition: x}]}",
    ]
    prints = [fingerprint([phenotype.read(text.encode(), name="1", file="1.yaml")]) for text in texts]
    assert prints[0] == prints[1] != prints[2]
