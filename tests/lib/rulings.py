"""Random grants and requests, and what another evaluator, Cedar, says of them and of each row.

Cedar knows the rules as policies and shares no code with the gate. It passes over a policy whose condition fails to
evaluate, and would then allow: any error counts as a refusal.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import cedarpy

from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import HIGHEST, grades
from isthmus.gate.grade.decision import Request
from isthmus.gate.grade.keys import Keys
from lib.committee import START

POLICIES = """
permit (principal, action == Action::"read", resource)
when {
    resource.people.contains(principal) &&
    resource.kinds.contains(context.kind) &&
    resource.start <= context.at && context.at < resource.until &&
    resource.sites.containsAll(context.sites) &&
    resource.columns.containsAll(context.columns) &&
    resource.tables.containsAll(context.tables) &&
    context.need <= resource.grade
};
forbid (principal, action == Action::"read", resource) when { resource.revoked };
forbid (principal, action == Action::"read", resource) unless { context.sites.isEmpty() == false };
forbid (principal, action == Action::"read", resource) when { resource.suspended.containsAll(context.sites) };
permit (principal, action == Action::"row", resource)
when { resource.sites.contains(context.site) && context.sites.contains(context.site) };
forbid (principal, action == Action::"row", resource) when { resource.suspended.contains(context.site) };
forbid (principal, action == Action::"row", resource) when { resource.grade < 5 && context.special };
"""
PEOPLE = ["ann", "bo", "cai"]
SITES = ["east", "west", "north"]
KINDS = ["HMB", "DS", "MDS"]
READ = ["person", "visit_occurrence", "note", "death", "location", "condition_occurrence"]
SPECIAL = frozenset({439727})
MAIL = "ann@example.org"
"""Stands in every text that has to be masked, behind letters that are no identifier."""
Row = Mapping[str, Any]


def _columns(draw: Random, tables: list[str], share: float) -> dict[str, frozenset[str]]:
    chosen = {name: [one.name for one in TABLES[name].columns if draw.random() < share] for name in tables}
    return {name: frozenset(columns) for name, columns in chosen.items() if columns}


def _some(draw: Random, words: list[str]) -> frozenset[str]:
    return frozenset(draw.sample(words, draw.randint(1, len(words))))


def pair(draw: Random) -> tuple[Grant, Request]:
    """A grant and a request: about half of them fit."""
    grant = Grant(
        id="grant",
        people=_some(draw, PEOPLE),
        kinds=_some(draw, KINDS),
        sites=_some(draw, SITES),
        columns=_columns(draw, draw.sample(READ, draw.randint(2, 5)), 0.8),
        start=START,
        until=START + timedelta(days=draw.randint(1, 9)),
        release="default",
        grade=draw.choice([1, 2, 3, 3, 4, 4, 5]),
        suspended=_some(draw, SITES) if draw.random() < 0.2 else frozenset(),
        revoked=draw.random() < 0.05,
    )
    names = list(grant.columns) if draw.random() < 0.9 else READ
    asked = _columns(draw, draw.sample(names, min(len(names), draw.randint(1, 2))), 0.15)
    if draw.random() < 0.8:
        asked = {name: columns & grant.columns.get(name, frozenset()) for name, columns in asked.items()}
    if draw.random() < 0.7:  # of what can be read at grade 3, so that many are allowed
        asked = {name: frozenset(one for one in columns if need(name, one) <= 3) for name, columns in asked.items()}
    return grant, Request(
        person=draw.choice(sorted(grant.people) if draw.random() < 0.9 else PEOPLE),
        kind=draw.choice(sorted(grant.kinds) if draw.random() < 0.9 else KINDS),
        at=START + timedelta(hours=draw.randint(-4, 120)),
        columns=asked,
        sites=None if draw.random() < 0.6 else _some(draw, SITES),
    )


def need(table: str, column: str) -> int:
    """The least grade at which a column is readable, from the table of grades; beyond the highest for what never is."""
    line = grades()[(table, column)]
    if line.measure == "never":
        return HIGHEST + 1
    return line.grade if line.after is None else line.after


def entity(number: int, grant: Grant) -> dict[str, Any]:
    """A grant as Cedar has it."""
    return {
        "uid": {"type": "Grant", "id": str(number)},
        "attrs": {
            "people": [{"__entity": {"type": "User", "id": one}} for one in sorted(grant.people)],
            "kinds": sorted(grant.kinds),
            "sites": sorted(grant.sites),
            "suspended": sorted((grant.suspended & grant.sites) | (set(SITES) - grant.sites)),
            "columns": _names(grant.columns),
            "tables": sorted(grant.columns),
            "start": _seconds(grant.start),
            "until": _seconds(grant.until),
            "grade": grant.grade,
            "revoked": grant.revoked,
        },
        "parents": [],
    }


def question(number: int, grant: Grant, request: Request) -> dict[str, Any]:
    """A request as Cedar has it."""
    context = {
        "kind": request.kind,
        "at": _seconds(request.at),
        "sites": sorted(grant.sites if request.sites is None else request.sites),
        "columns": _names(request.columns),
        "tables": sorted(request.columns),
        "need": max([need(table, one) for table, some in request.columns.items() for one in some], default=1),
    }
    return {
        "principal": f'User::"{request.person}"', "action": 'Action::"read"', "resource": f'Grant::"{number}"',
        "context": context,
    }  # fmt: skip


def allowed(pairs: Sequence[tuple[Grant, Request]]) -> list[bool]:
    """Which of the requests Cedar allows."""
    entities = [entity(number, grant) for number, (grant, _) in enumerate(pairs)]
    return _answers([question(number, *one) for number, one in enumerate(pairs)], entities)


def seen(grant: Grant, request: Request, table: str, rows: Sequence[Row]) -> list[Row]:
    """Which of the rows of a table Cedar lets be seen. Each kind of row is asked once."""
    sites = sorted(grant.sites if request.sites is None else request.sites)
    kinds = sorted({(str(row["site"]), _is_special(table, row)) for row in rows})
    asked = [
        {
            "principal": f'User::"{request.person}"', "action": 'Action::"row"', "resource": 'Grant::"0"',
            "context": {"site": site, "special": special, "sites": sites},
        }
        for site, special in kinds
    ]  # fmt: skip
    may = dict(zip(kinds, _answers(asked, [entity(0, grant)]), strict=True))
    return [row for row in rows if may[(str(row["site"]), _is_special(table, row))]]


def told(table: str, row: Row, columns: Iterable[str], grade: int, keys: Keys) -> dict[str, Any]:
    """What of a row may be told at a grade, from the table of grades alone, value by value."""
    return {name: _told(table, row, name, grade, keys) for name in columns}


def _told(table: str, row: Row, name: str, grade: int, keys: Keys) -> Any:
    value, line = row.get(name), grades()[(table, name)]
    if value is None or (line.measure not in {"pseudonymise", "mask"} and line.grade <= grade):
        return value
    if line.measure == "mask":
        return value.replace(MAIL, "[email]")
    if line.measure == "pseudonymise":
        return keys.pseudonym(value, line.width)
    if line.measure == "shift":
        return value + timedelta(days=keys.days(row["person_id"]))
    assert line.measure == "generalise", line
    if isinstance(value, int):
        return value // int(line.width) * int(line.width)
    return round(value, int(line.width)) if isinstance(value, float) else value[: int(line.width)]


def _is_special(table: str, row: Row) -> bool:
    return any(value in SPECIAL and grades()[(table, name)].special for name, value in row.items())


def _answers(asked: list[dict[str, Any]], entities: list[dict[str, Any]]) -> list[bool]:
    found = cedarpy.is_authorized_batch(asked, POLICIES, json.dumps(entities))
    return [bool(one.allowed and not one.diagnostics.errors) for one in found]


def _seconds(moment: datetime) -> int:
    return int((moment - START).total_seconds())


def _names(columns: Mapping[str, frozenset[str]]) -> list[str]:
    return sorted(f"{table}.{column}" for table, some in columns.items() for column in some)


VALUES = {"integer": (1900, 2026), "bigint": (10**9, 10**10), "float": (-90, 90)}


def population(draw: Random) -> dict[str, list[Row]]:
    """A few rows of every table of READ at every site, with a value or none in every column."""
    return {
        table: [
            {**{one.name: _value(draw, one.name, one.type) for one in TABLES[table].columns}, "site": SITES[number % 3]}
            for number in range(9)
        ]
        for table in READ
    }


def _value(draw: Random, name: str, kind: str) -> Any:
    if name == "person_id":
        return draw.choice([3_301_020_001, 3_301_020_002, 3_301_020_003, 3_301_020_004])
    if draw.random() < 0.15:
        return None
    if name.endswith("_concept_id"):
        return draw.choice([8507, 316866, 201826, *SPECIAL])
    if kind in VALUES:
        low, high = VALUES[kind]
        return draw.randint(low, high) + (0.26 if kind == "float" else 0)
    if kind == "date":
        return date(2020, 1, 1) + timedelta(days=draw.randint(0, 2000))
    if kind == "datetime":
        return datetime(2020, 1, 1) + timedelta(minutes=draw.randint(0, 2_000_000))  # noqa: DTZ001  local at the site
    if name in {"note_title", "note_text"}:
        return "".join(draw.choice("abcdef") for _ in range(8)) + f" {MAIL}"
    return "".join(draw.choice("abcdef0123456789") for _ in range(8))
