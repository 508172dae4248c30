"""One person's events as a grant holds them: which kinds it holds, and the statements that ask for them.

A statement names what is granted and nothing else, and is answered by the gate, which logs it first. Persons are named
by the pseudonyms that the use of the grant gives.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import readable
from isthmus.gate.grade.keys import FORM

ITSELF = ("gender_concept_id", "year_of_birth")  # what is told of the person beside the events


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of event: its table and the columns that say when, what and how much ('': there is none)."""

    kind: str
    table: str
    start: str
    end: str
    concept: str
    value: str
    unit: str
    as_concept: str


@cache
def kinds() -> Sequence[Kind]:
    """All kinds, in the order in which they are shown."""
    text = (Path(__file__).parent / "pages/patient_kinds.csv").read_text(encoding="utf-8")
    return [Kind(**row) for row in csv.DictReader(text.splitlines())]


def held(grant: Grant, table: str) -> Mapping[str, str]:
    """The columns of a table that the grant holds at its grade, each with what is done to it."""
    return readable(table, grant.columns.get(table, frozenset()), grant.grade)


def shown(grant: Grant) -> list[Kind]:
    """The kinds of which the grant holds whose they are, when and what they were."""
    return [one for one in kinds() if {"person_id", one.start, one.concept} - {""} <= held(grant, one.table).keys()]


def is_shifted(grant: Grant) -> bool:
    """Whether the days of events are moved under the grant."""
    return any(held(grant, one.table).get(one.start) == "shift" for one in shown(grant))


def columns(grant: Grant) -> dict[str, list[str]]:
    """By table the columns that a person's page reads, as far as the grant holds them."""
    found = {"person": ["person_id", *(one for one in ITSELF if one in held(grant, "person"))]}
    for one in shown(grant):
        there = held(grant, one.table)
        named = ("person_id", one.start, one.end, one.concept, one.value, one.unit, one.as_concept, "site")
        found[one.table] = [name for name in dict.fromkeys(named) if name == "site" or name in there]
    return found


def events(grant: Grant) -> str:
    """The statement for the events of the one person whose rows are there, in the order of their days; the first row is
    the person, without a day."""
    arms = [_itself(grant), *(_arm(one, held(grant, one.table)) for one in shown(grant))]
    return "\nUNION ALL\n".join(arms) + "\nORDER BY day NULLS FIRST, kind, called"


def people(grant: Grant, most: int, after: str = "") -> str:
    """The statement for a page of persons in the order of their pseudonyms, with how many events of each kind."""
    columns = [one for one in ITSELF if one in held(grant, "person")]
    later = f" WHERE person_id > '{_named(after)}'" if after else ""
    chosen = ", ".join(["person_id", *columns])
    joins, counts, days = [], [], []
    for one in shown(grant):
        joins.append(
            f"LEFT JOIN (SELECT person_id, count(*) AS n, min({one.start}) AS first, max({one.start}) AS last"
            f" FROM {one.table} WHERE person_id IN (SELECT person_id FROM chosen) GROUP BY person_id) {one.kind}"
            f" ON {one.kind}.person_id = p.person_id"
        )
        counts.append(f"coalesce({one.kind}.n, 0) AS {one.kind}")
        days.append(one.kind)
    first = f"least({', '.join(f'{one}.first' for one in days)}) AS first" if days else "NULL AS first"
    last = f"greatest({', '.join(f'{one}.last' for one in days)}) AS last" if days else "NULL AS last"
    told = ", ".join(["p.person_id", *_about(columns), *counts, first, last])
    sex = "LEFT JOIN concept g ON g.concept_id = p.gender_concept_id" if "gender_concept_id" in columns else ""
    return (
        f"WITH chosen AS (SELECT DISTINCT {chosen} FROM person{later} ORDER BY person_id LIMIT {most})\n"
        f"SELECT {told} FROM chosen p {sex} {' '.join(joins)} ORDER BY p.person_id"
    )


def _about(columns: Sequence[str]) -> Iterator[str]:
    yield "g.concept_name AS sex" if "gender_concept_id" in columns else "NULL AS sex"
    yield "p.year_of_birth AS born" if "year_of_birth" in columns else "NULL AS born"


def _itself(grant: Grant) -> str:
    columns = held(grant, "person")
    sex = "g.concept_name" if "gender_concept_id" in columns else "NULL"
    born = "CAST(e.year_of_birth AS DOUBLE)" if "year_of_birth" in columns else "CAST(NULL AS DOUBLE)"
    join = " LEFT JOIN concept g ON g.concept_id = e.gender_concept_id" if "gender_concept_id" in columns else ""
    return (
        f"SELECT 'person' AS kind, CAST(NULL AS DATE) AS day, CAST(NULL AS DATE) AS until, 0 AS concept, "
        f"CAST({sex} AS VARCHAR) AS called, {born} AS value, CAST(NULL AS VARCHAR) AS unit, "
        f"CAST(NULL AS VARCHAR) AS result, CAST(NULL AS VARCHAR) AS site "
        f"FROM person e{join}"
    )


def _arm(one: Kind, columns: Mapping[str, str]) -> str:
    def given(name: str, nothing: str) -> str:
        return f"e.{name}" if name and name in columns else f"CAST(NULL AS {nothing})"

    joins = [f"LEFT JOIN concept c ON c.concept_id = {given(one.concept, 'INTEGER')}"]
    unit = result = "CAST(NULL AS VARCHAR)"
    if one.unit in columns:
        joins.append(f"LEFT JOIN concept u ON u.concept_id = e.{one.unit} AND u.concept_id <> 0")
        unit = "u.concept_code"
    if one.as_concept in columns:
        joins.append(f"LEFT JOIN concept r ON r.concept_id = e.{one.as_concept} AND r.concept_id <> 0")
        result = "r.concept_name"
    return (
        f"SELECT '{one.kind}', {given(one.start, 'DATE')}, {given(one.end, 'DATE')}, "
        f"coalesce({given(one.concept, 'INTEGER')}, 0), c.concept_name, {given(one.value, 'DOUBLE')}, {unit}, "
        f"{result}, e.site FROM {one.table} e {' '.join(joins)}"
    )


def _named(pseudonym: str) -> str:
    """A pseudonym, which alone goes into a statement. Raises ValueError for anything else."""
    if not FORM.fullmatch(pseudonym):
        raise ValueError("no pseudonym")
    return pseudonym
