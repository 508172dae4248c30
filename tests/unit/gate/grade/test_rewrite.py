"""A question is answered from what was granted, and from nothing else."""

import hashlib
import hmac
from dataclasses import replace
from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.questions import QUESTIONS, concept, condition_occurrence, death, location, person, visit_occurrence
from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import HIGHEST, grades, measure
from isthmus.gate.grade.keys import REACH, Keys
from isthmus.gate.grade.rewrite import Use, rewritten
from lib.asked import asked
from lib.committee import END, START

SECRET = bytes(range(32))
KEYS = Keys(SECRET, "study")
ALL = {name: frozenset(column.name for column in table.columns) for name, table in TABLES.items()}
GRANT = Grant(
    id="grant",
    people=frozenset({"ann"}),
    kinds=frozenset({"HMB"}),
    sites=frozenset({"east", "west"}),
    columns=ALL,
    start=START,
    until=END,
    release="default",
    grade=3,
)
USE = Use(grant=GRANT, person="ann", kind="HMB", keys=KEYS)
PEOPLE = [
    {"person_id": 1, "year_of_birth": 1961, "gender_concept_id": 8507, "site": "east"},
    {"person_id": 2, "year_of_birth": 1978, "gender_concept_id": 8532, "site": "west"},
    {"person_id": 3, "year_of_birth": 1990, "gender_concept_id": 8532, "site": "north"},
]
VISITS = [
    {"visit_occurrence_id": 10, "person_id": 1, "visit_start_date": date(2026, 1, 3), "site": "east"},
    {"visit_occurrence_id": 11, "person_id": 1, "visit_start_date": date(2026, 3, 1), "site": "east"},
    {"visit_occurrence_id": 12, "person_id": 2, "visit_start_date": date(2026, 2, 1), "site": "west"},
    {"visit_occurrence_id": 13, "person_id": 3, "visit_start_date": date(2026, 2, 1), "site": "north"},
]


def _ask(question: ir.Table, use: Use = USE, at: datetime = START, **tables: object) -> list[dict[str, object]]:
    found = rewritten(question, use, at)
    return asked(found.question, found.kept, **tables)  # type: ignore[arg-type]


def _with(**changes: object) -> Use:
    return replace(USE, grant=replace(GRANT, **changes))


def test_rows_come_from_granted_sites_only() -> None:
    found = _ask(person.group_by("site").agg(people=person.count()).order_by("site"), person=PEOPLE)
    assert found == [{"site": "east", "people": 1}, {"site": "west", "people": 1}]


def test_a_suspended_site_is_gone_at_once() -> None:
    question = person.count().as_table()
    assert [*_ask(question, _with(suspended=frozenset({"west"})), person=PEOPLE)[0].values()] == [1]


def test_a_whole_table_is_no_more_than_its_granted_columns() -> None:
    use = _with(columns={"person": frozenset({"year_of_birth", "month_of_birth"})})
    found = _ask(person.order_by("year_of_birth"), use, person=PEOPLE)
    assert found == [{"site": "east", "year_of_birth": 1961}, {"site": "west", "year_of_birth": 1978}]


def test_a_pseudonym_is_the_hmac_that_is_written_down() -> None:
    key = hmac.new(SECRET, b"isthmus:person:study", hashlib.sha256).digest()
    expected = [hmac.new(key, identity, hashlib.sha256).hexdigest()[:32] for identity in (b"1", b"2")]
    found = _ask(person.select("person_id", "year_of_birth").order_by("year_of_birth"), person=PEOPLE)
    assert [row["person_id"] for row in found] == expected == [KEYS.pseudonym(1), KEYS.pseudonym(2)]


def test_pseudonyms_join_within_a_use_and_never_across_uses() -> None:
    joined = person.join(visit_occurrence, person.person_id == visit_occurrence.person_id)
    question = joined.select(person.person_id, visit_occurrence.visit_occurrence_id)
    here = _ask(question, person=PEOPLE, visit_occurrence=VISITS)
    there = _ask(question, replace(USE, keys=Keys(SECRET, "other")), person=PEOPLE, visit_occurrence=VISITS)
    assert len(here) == len(there) == 3
    assert not {cell for row in here for cell in row.values()} & {cell for row in there for cell in row.values()}
    assert KEYS.pseudonym(1, "person") != KEYS.pseudonym(1, "thing")


def test_changing_the_secret_changes_no_count() -> None:
    counts = visit_occurrence.group_by("person_id").agg(visits=visit_occurrence.count())
    question = counts.group_by("visits").agg(people=counts.count()).order_by("visits")
    rotated = replace(USE, keys=Keys(bytes(32), "study"))
    assert _ask(question, visit_occurrence=VISITS) == _ask(question, rotated, visit_occurrence=VISITS)


def test_no_pseudonym_is_found_by_trying_numbers_without_the_key() -> None:
    seen = {KEYS.pseudonym(identity) for identity in range(330102_0000, 330102_0000 + 2000)}
    tried = {hashlib.sha256(str(number).encode()).hexdigest()[:32] for number in range(3301020000, 3301022000)}
    tried |= {Keys(bytes(32), "study").pseudonym(number) for number in range(3301020000, 3301022000)}
    assert len(seen) == 2000
    assert not seen & tried


@given(st.integers(0, 2**63 - 1), st.sampled_from(["study", "other"]))
@settings(max_examples=25, deadline=None)
def test_python_and_the_engine_agree(identity: int, name: str) -> None:
    keys = Keys(SECRET, name)
    row = {"person_id": identity, "death_date": date(2026, 6, 1), "site": "east"}
    (found,) = _ask(death.select("person_id", "death_date"), replace(USE, keys=keys), death=[row])
    assert found == {
        "person_id": keys.pseudonym(identity),
        "death_date": date(2026, 6, 1) + timedelta(days=keys.days(identity)),
    }
    assert abs(keys.days(identity)) <= REACH


def test_shifts_keep_intervals_and_move_the_dates() -> None:
    question = visit_occurrence.select("person_id", "visit_start_date").order_by("visit_start_date")
    found = _ask(question, visit_occurrence=VISITS)
    mine = [row["visit_start_date"] for row in found if row["person_id"] == KEYS.pseudonym(1)]
    assert mine[1] - mine[0] == date(2026, 3, 1) - date(2026, 1, 3)  # type: ignore[operator]
    assert mine[0] == date(2026, 1, 3) + timedelta(days=KEYS.days(1))
    days = [KEYS.days(number) for number in range(4000)]
    assert len(set(days)) == 2 * REACH + 1, "every shift occurs"
    assert abs(sum(days) / len(days)) < 10


def test_a_missing_date_stays_missing_and_a_time_moves_by_whole_days() -> None:
    when = datetime(2026, 1, 3, 23, 59, 1)  # noqa: DTZ001  local time at the site
    rows = [
        {"person_id": 1, "visit_start_datetime": when, "site": "east"},
        {"person_id": 2, "visit_start_datetime": None, "site": "west"},
    ]
    found = _ask(visit_occurrence.select("person_id", "visit_start_datetime"), visit_occurrence=rows)
    by_person = {row["person_id"]: row["visit_start_datetime"] for row in found}
    moved = when + timedelta(days=KEYS.days(1))
    assert by_person == {KEYS.pseudonym(1): moved, KEYS.pseudonym(2): None}


def test_age_and_area_are_generalised_at_lower_grades() -> None:
    use = _with(grade=2)
    assert [row["year_of_birth"] for row in _ask(person.select("year_of_birth"), use, person=PEOPLE)] == [1960, 1970]
    place = {"zip": "310053", "latitude": 30.1873, "site": "east"}
    assert _ask(location.select("zip", "latitude"), location=[place]) == [{"zip": "3100", "latitude": 30.2}]


def test_rows_of_special_diseases_are_withheld_below_the_highest_grade() -> None:
    rows = [
        {"condition_occurrence_id": 1, "person_id": 1, "condition_concept_id": 439727, "site": "east"},
        {"condition_occurrence_id": 2, "person_id": 1, "condition_concept_id": 316866, "site": "east"},
        {"condition_occurrence_id": 3, "person_id": 1, "site": "east"},
    ]
    question = condition_occurrence.count().as_table()
    special = replace(USE, special=frozenset({439727}))
    assert [*_ask(question, special, condition_occurrence=rows)[0].values()] == [2]
    highest = replace(special, grant=replace(GRANT, grade=HIGHEST))
    assert [*_ask(question, highest, condition_occurrence=rows)[0].values()] == [3]


def test_the_vocabulary_is_read_under_any_grant() -> None:
    use = _with(columns={"person": frozenset({"person_id"})})
    assert _ask(concept.select("concept_name"), use, concept=[{"concept_id": 1, "concept_name": "x"}])


COUNT = person.count().as_table()


@pytest.mark.parametrize(
    ("question", "use", "at", "words"),
    [
        (COUNT, replace(USE, grant=None), START, "there is no grant. What next: apply for one"),
        (COUNT, USE, END, "not in force at this time"),
        (COUNT, USE, START - timedelta(seconds=1), "not in force at this time"),
        (COUNT, replace(USE, person="bo"), START, "not among the people of the grant"),
        (COUNT, replace(USE, kind="MDS"), START, "the grant is for HMB, not for MDS"),
        (COUNT, _with(revoked=True), START, "the grant was revoked"),
        (COUNT, _with(suspended=frozenset({"east", "west"})), START, "every site asked for is suspended"),
        (COUNT, _with(columns={"death": frozenset({"person_id"})}), START, "the grant does not hold person"),
        (
            person.filter(person.year_of_birth > 1970).select("year_of_birth", "gender_concept_id"),
            _with(columns={"person": frozenset({"year_of_birth"})}),
            START,
            "the grant does not hold person.gender_concept_id",
        ),
        (
            person.filter(person.gender_concept_id == 8507).count().as_table(),
            _with(columns={"person": frozenset({"person_id"})}),
            START,
            "the grant does not hold person.gender_concept_id",
        ),
        (person.select("month_of_birth"), USE, START, "person.month_of_birth is of grade 4, the grant of grade 3"),
        (person.select("person_source_value"), USE, START, "of grade 5"),
        (person.select("place"), USE, START, "the grant does not hold person.place"),
        (QUESTIONS["note"].select("note_text"), _with(grade=2), START, "note.note_text is of grade 4"),
        (person.filter(person.person_id % 2 == 0).select("year_of_birth"), USE, START, "Identities are pseudonyms"),
        (ibis.table(person.schema(), name="person"), USE, START, "which no grant gave"),
    ],
)
def test_a_refusal_says_why_and_what_next(question: ir.Table, use: Use, at: datetime, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        rewritten(question, use, at)


def test_every_column_of_the_model_has_a_grade_and_no_other_has() -> None:
    held = {key for key in grades() if key[0] != "*"}
    assert held == {(name, column.name) for name, table in TABLES.items() for column in table.columns}
    assert {key for key in grades() if key[0] == "*"} == {
        ("*", name) for name in ("site", "part_id", "place", "mapping_id")
    }


def test_what_is_not_in_the_table_is_of_the_highest_grade() -> None:
    assert measure("person", "nickname", 4) == "drop"


def test_no_identity_is_ever_read_as_it_is() -> None:
    for name, table in TABLES.items():
        for column in table.columns:
            points = column.foreign is not None and column.foreign[0] != "concept"
            personal = table.group not in {"vocabulary", "metadata"} and (column.key or points)
            if personal and column.type == "bigint" and column.name not in {"cohort_definition_id"}:
                assert {measure(name, column.name, grade) for grade in range(1, 6)} == {"drop", "pseudonymise"}, column


def test_no_text_and_no_source_number_is_ever_read_as_it_is() -> None:
    for table, column in (("note", "note_text"), ("note", "note_title"), ("observation", "value_as_string")):
        assert {measure(table, column, grade) for grade in range(1, 6)} == {"drop", "mask"}
    for table, column in (("person", "person_source_value"), ("provider", "provider_name"), ("note_nlp", "snippet")):
        assert {measure(table, column, grade) for grade in range(1, 6)} == {"drop"}


def test_no_date_of_a_person_is_read_as_it_is_below_grade_four() -> None:
    for name, table in TABLES.items():
        if table.person:
            for column in table.columns:
                if column.type in {"date", "datetime"}:
                    assert {measure(name, column.name, grade) for grade in (1, 2)} == {"drop"}
                    assert measure(name, column.name, 3) in {"shift", "drop"}


def test_a_higher_grade_never_takes_more_away() -> None:
    order = {"drop": 0, "mask": 1, "generalise": 1, "shift": 1, "pseudonymise": 1, "allow": 2}
    for table, column in grades():
        steps = [order[measure(table, column, grade)] for grade in range(1, 6)]
        assert steps == sorted(steps)


def test_keys_need_a_secret_and_a_use() -> None:
    with pytest.raises(InputError, match="a secret of 32 bytes"):
        Keys(b"short", "study")
    assert "isthmus" not in repr(vars(KEYS).keys())


_columns = st.lists(st.sampled_from(sorted(ALL["visit_occurrence"])), min_size=1, max_size=4, unique=True)


@settings(max_examples=40, deadline=None)
@given(_columns, st.frozensets(st.sampled_from(sorted(ALL["visit_occurrence"])), min_size=1), st.data())
def test_no_answer_holds_more_than_the_grant(wanted: list[str], granted: frozenset[str], data: st.DataObject) -> None:
    grade = data.draw(st.integers(1, 5))
    sites = data.draw(st.frozensets(st.sampled_from(["east", "west", "north"]), min_size=1))
    use = _with(columns={"visit_occurrence": granted}, grade=grade, sites=sites)
    may = {name for name in wanted if name in granted and measure("visit_occurrence", name, grade) != "drop"}
    if may != set(wanted):
        with pytest.raises(RefusedError):
            rewritten(visit_occurrence.select(*wanted), use, START)
        return
    found = _ask(visit_occurrence.select(*wanted), use, visit_occurrence=VISITS)
    rows = [row for row in VISITS if row["site"] in sites]
    assert len(found) == len(rows)
    raw = {str(row["person_id"]) for row in VISITS} | {str(row["visit_occurrence_id"]) for row in VISITS}
    assert not {str(cell) for row in found for cell in row.values()} & raw
    if "visit_start_date" in wanted and "person_id" in wanted and grade == 3:
        assert {(row["person_id"], row["visit_start_date"]) for row in found} == {
            (KEYS.pseudonym(row["person_id"]), row["visit_start_date"] + timedelta(days=KEYS.days(row["person_id"])))  # type: ignore[arg-type,operator]
            for row in rows
        }
