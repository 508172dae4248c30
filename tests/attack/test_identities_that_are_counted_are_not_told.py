"""A statement that only counts and compares identities reads them veiled, not as pseudonyms; nobody can see which.

Statements are put together at random, of uses that tell of an identity and of uses that do not. Each is answered with
veiled identities where that is thought harmless, and with pseudonyms: the answers are the same, in whatever order. Were
a veiled identity told, ordered by, or compared with a number, they would differ.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import duckdb
import pytest

from isthmus.base.clock import now
from isthmus.base.errors import IsthmusError
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.decision import Allowed, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import RAW, Use, lent
from isthmus.gate.joined import reading_of
from isthmus.gate.office.asking import Asker
from isthmus.gate.office.unit import Office
from isthmus.lake.locked import Locked, straight
from isthmus.lake.plain import plain
from lib import granted

TABLES = ("person", "visit_occurrence")
STATEMENTS = 60
IDENTITIES = {"person_id", "visit_occurrence_id"}
Answer = Counter[tuple[Any, ...]] | str
Ask = Callable[[str, bool], Answer]
# What a statement may do with an identity of `t`; half of them tell something of it.
VALUES = (
    "count(distinct t.{i})", "count({i})", "count(*)", "count(t.{i}) filter (where {w})", "min(t.{i})", "max({i})",
    "count(distinct t.{i} || '')", "any_value(t.{i}) is null", "count(case when t.{i} is null then 1 end)",
    "sum(length(t.{i}::varchar))", "string_agg(t.{i}::varchar, ',' order by t.{i})", "mode(t.{i})",
)  # fmt: skip
WHERE = (
    "true", "t.{i} is not null", "t.{i} = t.{i}", "t.{i} is distinct from t.{i}", "t.{i}::varchar > '5'",
    "t.{i} in (select {i} from visit_occurrence where visit_concept_id > 0)",
    "t.{i} not in (select {i} from visit_occurrence where visit_concept_id < 0)",
    "t.{i} in (select visit_concept_id from visit_occurrence)",
    "exists (select 1 from visit_occurrence e where e.{i} = t.{i})",
)  # fmt: skip
FROM = (
    "{t} t", "{t} t join visit_occurrence v using ({i})", "{t} t left join visit_occurrence v on v.{i} = t.{i}",
    "(select distinct {i} from {t}) t", "(select {i}, count(*) as k from {t} group by 1 having count(*) > 1) t",
    "(select {i} from {t} order by 1 limit 3) t", "(select {i} from {t} union all select {i} from visit_occurrence) t",
    "{t} t semi join visit_occurrence v on t.{i} = v.{i}", "(select * from {t}) t", "(select {i} as {i} from {t}) t",
)  # fmt: skip
GROUP = ("", "", "group by t.{i}", "group by {i}", "group by length(t.{i}::varchar)")


def _statement(chance: random.Random) -> str:
    values = ", ".join(chance.sample(VALUES, chance.randint(1, 3)))
    parts = f"select {values} from {chance.choice(FROM)} where {chance.choice(WHERE)} {chance.choice(GROUP)}"
    named = {"i": chance.choice(("person_id", "person_id", "visit_occurrence_id")), "t": chance.choice(TABLES)}
    return parts.replace("{w}", chance.choice(WHERE)).format(**named)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Use, Allowed]:
    house = granted.granted(tmp_path_factory.mktemp("veiled"))
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    account = office.accounts.get("ann")
    assert account is not None
    with office.open():
        grant = Asker(account, house.grant, "HMB").standing(office)
        keys = Keys(office.secret, house.grant)
    found = decide(grant, Request(person="ann", kind="HMB", at=now(), columns=dict.fromkeys(TABLES, frozenset[str]())))
    assert isinstance(found, Allowed)
    return opened, Use(grant=grant, person="ann", kind="HMB", keys=keys), found


@pytest.fixture(scope="module")
def ask(made: tuple[Workspace, Use, Allowed]) -> Ask:
    opened, use, allowed = made
    edition = opened.lake.editions.current()
    assert edition is not None

    def answered(sql: str, veil: bool) -> Answer:
        found = plain(sql, allowed.columns)
        if found is None:
            return "not plain"
        columns = dict.fromkeys(found.tables, found.columns)
        over, kept = lent(allowed, use, columns, found.counted if veil else frozenset())
        reading = reading_of(edition, found.tables).renamed(RAW, QUESTIONS)
        with straight(opened.lake, edition, over, kept, reading) as engine:
            return _rows(engine, sql)

    return answered


def _rows(engine: Locked, sql: str) -> Answer:
    try:
        rows = engine.rows(sql, most=10_000, seconds=20).to_pylist()
    except IsthmusError as error:
        return type(error).__name__
    return Counter(tuple(str(value) for value in row.values()) for row in rows)


def test_answers_are_those_of_pseudonyms(made: tuple[Workspace, Use, Allowed], ask: Ask) -> None:
    chance = random.Random(1)
    veiled: list[str] = []
    while len(veiled) < STATEMENTS:
        sql = _statement(chance)
        found = plain(sql, made[2].columns)
        if found is not None and found.counted & IDENTITIES:
            veiled.append(sql)
    answers = [(sql, ask(sql, True), ask(sql, False)) for sql in veiled]
    assert [sql for sql, hidden, plainly in answers if hidden != plainly] == []
    assert sum(isinstance(answer, Counter) and bool(answer) for _, answer, _ in answers) > STATEMENTS // 2


def test_groups_come_in_no_order_of_identities(made: tuple[Workspace, Use, Allowed]) -> None:
    """Rows of a group by person come in another order with each veil, as the engine's hash of it has it."""
    opened, use, allowed = made
    edition = opened.lake.editions.current()
    assert edition is not None
    orders: set[Sequence[int]] = set()
    sql = "select min(year_of_birth), count(*) from person group by person_id"
    for _ in range(8):
        found = plain(sql, allowed.columns)
        assert found is not None
        again = replace(use, keys=Keys(bytes(32), "use"))
        over, kept = lent(allowed, again, dict.fromkeys(found.tables, found.columns), found.counted)
        reading = reading_of(edition, found.tables).renamed(RAW, QUESTIONS)
        with straight(opened.lake, edition, over, kept, reading) as engine:
            orders.add(tuple(engine.rows(sql, most=1000, seconds=20).column(0).to_pylist()))
    assert len(orders) > 4


def test_the_engine_knows_no_range_of_veiled_identities(made: tuple[Workspace, Use, Allowed]) -> None:
    """It would group and give small ranges in the order of their values."""
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT range AS person_id FROM range(100)")
        for column, how in (("person_id", "PERFECT_HASH_GROUP_BY"), ("xor(person_id, 5)", " HASH_GROUP_BY")):
            plan = connection.execute(f"EXPLAIN SELECT count(*) FROM t GROUP BY {column}").fetchall()[0][1]
            assert how in plan
