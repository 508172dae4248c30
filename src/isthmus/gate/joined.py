"""One person at the door: tables of an edition with the persons of all sites joined as the edition's linkage says.

An edition's `person_alias` names the sites' persons who are one with another, or have another number; it is small, and
an edition without it is read as it lies. Events get the person's number. `person` and `death` have one row a person, of
the values that survive by the rules of `survivorship.csv`; observation periods that touch become one.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files

import pyarrow as pa
from sqlglot import exp, parse_one

from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.tables import TABLES
from isthmus.gate.grade.column import MASKED
from isthmus.gate.text import own
from isthmus.lake.asking import Reading
from isthmus.lake.edition import Edition

ALIAS, JOINING, WHOLE = "person_alias", "isthmus_alias", "isthmus_whole_"
"""The table that joins, its name in views, and what the name of a table as it lies in the edition begins with."""
SCHEMA = pa.schema([("person_id", pa.int64()), ("person", pa.int64())])
EVENTS = """
    SELECT e.* REPLACE (coalesce(a.person, e.person_id) AS person_id)
    FROM {whole} e LEFT JOIN {alias} a ON a.person_id = e.person_id
"""
# Of each group of columns the row that speaks for the person: one that says something; by most votes, or the row whose
# own number the person has; then the fullest, then the one with the smallest id.
SURVIVING = """
    SELECT {columns} FROM {whole} ANTI JOIN {alias} USING (person_id)
    UNION ALL
    SELECT {chosen} FROM (
        SELECT *, {ranks} FROM (
            SELECT e.*, a.person AS _person, e.person_id = a.person AS _own, {filled} AS _filled, {votes}
            FROM {whole} e JOIN {alias} a ON a.person_id = e.person_id
        )
    ) GROUP BY _person
"""
RANK = (
    "row_number() OVER (PARTITION BY _person ORDER BY {silent}, {first} DESC, _own DESC, _filled DESC, person_id, "
    "part_id, place) AS _rank_{at}"
)
# Days that follow each other without a gap are one period, as they are within a site.
PERIODS = """
    SELECT {columns} FROM {whole} ANTI JOIN {alias} USING (person_id)
    UNION ALL
    SELECT {chosen} FROM (
        SELECT *, row_number() OVER (PARTITION BY _person, _island ORDER BY observation_period_start_date,
            observation_period_id) AS _rank
        FROM (
            SELECT *, sum(_fresh) OVER (PARTITION BY _person ORDER BY observation_period_start_date,
                observation_period_id ROWS UNBOUNDED PRECEDING) AS _island
            FROM (
                SELECT e.*, a.person AS _person, CASE WHEN e.observation_period_start_date <= max(
                    e.observation_period_end_date) OVER (PARTITION BY a.person ORDER BY e.observation_period_start_date,
                    e.observation_period_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) + 1 THEN 0 ELSE 1 END
                    AS _fresh
                FROM {whole} e JOIN {alias} a ON a.person_id = e.person_id
            )
        )
    ) GROUP BY _person, _island
"""


def views_of(edition: Edition, tables: Iterable[str]) -> Mapping[str, exp.Query]:
    """What questions read as these tables: by name of those that change where the edition's persons are joined.

    A view reads the table as it lies under the name WHOLE + table, and ALIAS as JOINING.
    """
    if not any(one.rows for one in edition.files(ALIAS)):
        return {}
    return {name: _view(name) for name in tables if "person_id" in QUESTIONS[name].columns}


def reading_of(edition: Edition, tables: Iterable[str]) -> Reading:
    """What a question reads as these tables of an edition, its persons joined.

    With tables of texts comes what is known of their persons, by which the gate masks them.
    """
    names = sorted(tables)
    views = views_of(edition, names)
    read = {
        f"{WHOLE}{name}" if name in views else name: (name, QUESTIONS[name].schema().to_pyarrow()) for name in names
    }
    joining = bool(views) or (MASKED.intersection(names) and any(one.rows for one in edition.files(ALIAS)))
    read |= {JOINING: (ALIAS, SCHEMA)} if joining else {}
    if MASKED.intersection(names):
        read |= {name: (table, schema) for name, table, schema in own.reads()}
        views = {**views, own.KNOWN.get_name(): own.known(JOINING if joining else "")}
    return Reading(read, views)


@cache
def _view(table: str) -> exp.Query:
    if table in rules():
        sql = _surviving(table)
    elif table == "observation_period":
        dates = {"observation_period_start_date": "min", "observation_period_end_date": "max"}
        whole = {name: f"{how}({name})" for name, how in dates.items()} | {"person_id": "_person"}
        chosen = [whole.get(name) or _first(name, "_rank") for name in _columns(table)]
        sql = PERIODS.format(columns=_listed(table), chosen=", ".join(chosen), **_names(table))
    else:
        sql = EVENTS.format(**_names(table))
    tree = parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def _surviving(table: str) -> str:
    groups = rules()[table]
    chosen = {
        name: _first(name, f"_rank_{at}") for at, (names, _) in enumerate(groups) for name in names
    }  # fmt: skip
    ranks, votes = [], []
    for at, (names, rule) in enumerate(groups):
        silent = f"{names[0]} IS NULL" + (f" OR {names[0]} = 0" if names[0].endswith("_concept_id") else "")
        agreed = ", ".join(f"e.{name}" for name in _voted(names))
        votes.append(f"count(*) OVER (PARTITION BY a.person, {agreed}) AS _votes_{at}")
        ranks.append(RANK.format(silent=silent, first=f"_votes_{at}" if rule == "most" else "_own", at=at))
    filled = " + ".join(f"CASE WHEN e.{name} IS NULL THEN 0 ELSE 1 END" for name in TABLES[table].schema.names)
    said = ", ".join("_person" if name == "person_id" else chosen[name] for name in _columns(table))
    return SURVIVING.format(
        columns=_listed(table), chosen=said, ranks=", ".join(ranks), votes=", ".join(votes), filled=filled,
        **_names(table),
    )  # fmt: skip


def _voted(names: Sequence[str]) -> Sequence[str]:
    """The columns of a group that records agree on: its first, and what else is a part of a date."""
    return [name for name in names if name == names[0] or name.endswith("_of_birth")]


def _first(name: str, rank: str) -> str:
    return f"max({name}) FILTER (WHERE {rank} = 1)"


def _columns(table: str) -> list[str]:
    """The columns in the order of the table's files, the site last."""
    return [*TABLES[table].schema.names, "part_id", "place", "mapping_id", "site"]


def _listed(table: str) -> str:
    return ", ".join(_columns(table))


def _names(table: str) -> dict[str, str]:
    return {"whole": f"{WHOLE}{table}", "alias": JOINING}


@cache
def rules() -> Mapping[str, Sequence[tuple[Sequence[str], str]]]:
    """By table the groups of columns that are taken from one row, and the rule that chooses it: most, or own."""
    text = (files("isthmus.gate") / "survivorship.csv").read_text(encoding="utf-8")
    found: dict[str, list[tuple[Sequence[str], str]]] = {}
    for row in csv.DictReader(text.splitlines()):
        found.setdefault(row["table"], []).append((row["columns"].split(), row["rule"]))
    return found
