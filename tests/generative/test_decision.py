"""The decision on a request beside another evaluator, Cedar, which knows the rules as policies and shares no code.

Cedar passes over a policy whose condition fails to evaluate, and would then allow: any error counts as a refusal.
"""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import cedarpy
from hypothesis import given
from hypothesis import strategies as st

from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import HIGHEST, grades
from isthmus.gate.grade.decision import Allowed, Refused, Request, decide
from lib.committee import START

PAIRS = 10_000
BATCH = 500

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
forbid (principal, action, resource) when { resource.revoked };
forbid (principal, action, resource) unless { context.sites.isEmpty() == false };
forbid (principal, action, resource) when { resource.suspended.containsAll(context.sites) };
"""

PEOPLE = ["ann", "bo", "cai"]
SITES = ["east", "west", "north"]
KINDS = ["HMB", "DS", "MDS"]
READ = ["person", "visit_occurrence", "note", "death", "location"]


def _columns(draw: Random, tables: list[str], share: float) -> dict[str, frozenset[str]]:
    chosen = {name: [one.name for one in TABLES[name].columns if draw.random() < share] for name in tables}
    return {name: frozenset(columns) for name, columns in chosen.items() if columns}


def _some(draw: Random, words: list[str]) -> frozenset[str]:
    return frozenset(draw.sample(words, draw.randint(1, len(words))))


def _pair(draw: Random) -> tuple[Grant, Request]:
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
        asked = {name: frozenset(one for one in columns if _need(name, one) <= 3) for name, columns in asked.items()}
    return grant, Request(
        person=draw.choice(sorted(grant.people) if draw.random() < 0.9 else PEOPLE),
        kind=draw.choice(sorted(grant.kinds) if draw.random() < 0.9 else KINDS),
        at=START + timedelta(hours=draw.randint(-4, 120)),
        columns=asked,
        sites=None if draw.random() < 0.6 else _some(draw, SITES),
    )


def _need(table: str, column: str) -> int:
    """The least grade at which a column is readable, from the table of grades; beyond the highest for what never is."""
    line = grades()[(table, column)]
    if line.measure == "never":
        return HIGHEST + 1
    return line.grade if line.after is None else line.after


def _cedar(number: int, grant: Grant, request: Request) -> tuple[dict[str, object], dict[str, object]]:
    def seconds(moment: datetime) -> int:
        return int((moment - START).total_seconds())

    def names(columns: dict[str, frozenset[str]]) -> list[str]:
        return sorted(f"{table}.{column}" for table, some in columns.items() for column in some)

    entity = {
        "uid": {"type": "Grant", "id": str(number)},
        "attrs": {
            "people": [{"__entity": {"type": "User", "id": one}} for one in sorted(grant.people)],
            "kinds": sorted(grant.kinds),
            "sites": sorted(grant.sites),
            "suspended": sorted((grant.suspended & grant.sites) | (set(SITES) - grant.sites)),
            "columns": names(dict(grant.columns)),
            "tables": sorted(grant.columns),
            "start": seconds(grant.start),
            "until": seconds(grant.until),
            "grade": grant.grade,
            "revoked": grant.revoked,
        },
        "parents": [],
    }
    columns = dict(request.columns)
    context = {
        "kind": request.kind,
        "at": seconds(request.at),
        "sites": sorted(grant.sites if request.sites is None else request.sites),
        "columns": names(columns),
        "tables": sorted(columns),
        "need": max([_need(table, one) for table, some in columns.items() for one in some], default=1),
    }
    asked = {
        "principal": f'User::"{request.person}"',
        "action": 'Action::"read"',
        "resource": f'Grant::"{number}"',
        "context": context,
    }
    return entity, asked


def test_ten_thousand_decisions_are_those_of_another_evaluator() -> None:
    draw = Random(20270104)
    outcome = {True: 0, False: 0}
    for _ in range(PAIRS // BATCH):
        pairs = [_pair(draw) for _ in range(BATCH)]
        entities, requests = zip(*(_cedar(number, *pair) for number, pair in enumerate(pairs)), strict=True)
        answers = cedarpy.is_authorized_batch(list(requests), POLICIES, json.dumps(entities))
        for (grant, request), answer in zip(pairs, answers, strict=True):
            theirs = answer.allowed and not answer.diagnostics.errors
            ours = decide(grant, request)
            assert isinstance(ours, Allowed) == theirs, (grant, request, ours)
            outcome[theirs] += 1
            if isinstance(ours, Allowed):
                assert ours.sites == (grant.sites if request.sites is None else request.sites) - grant.suspended
                assert all(set(columns) <= grant.columns[table] | {"site"} for table, columns in ours.columns.items())
                assert all(request.columns[table] <= set(columns) for table, columns in ours.columns.items())
    assert min(outcome.values()) > PAIRS / 5


def test_an_error_of_the_other_evaluator_is_a_refusal() -> None:
    grant, request = _pair(Random(1))
    entity, asked = _cedar(0, grant, request)
    del entity["attrs"]["suspended"]  # type: ignore[attr-defined]
    (answer,) = cedarpy.is_authorized_batch([asked], POLICIES, json.dumps([entity]))
    assert answer.diagnostics.errors, "the trap: Cedar skips the rule that forbids, and may allow"


@given(st.integers(0, 2**32), st.sampled_from(["revoked", "person", "kind", "late", "early", "none"]))
def test_what_is_not_granted_reads_nothing(seed: int, how: str) -> None:
    grant, request = _pair(Random(seed))
    changed = {
        "revoked": (replace(grant, revoked=True), request),
        "person": (grant, replace(request, person="zoe")),
        "kind": (grant, replace(request, kind="CC")),
        "late": (grant, replace(request, at=grant.until)),
        "early": (grant, replace(request, at=grant.start - timedelta(microseconds=1))),
        "none": (None, request),
    }
    found = decide(*changed[how])
    assert isinstance(found, Refused)
    assert found.why
    assert found.next
