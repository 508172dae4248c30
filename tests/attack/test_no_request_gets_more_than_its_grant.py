"""Random requests under real grants, through the whole session: what is answered, what is refused, what the log has.

Grants are in force, suspended, revoked, expired; who asks may be somebody else, for another purpose. Another evaluator
(`lib/rulings.py`) says which requests are answered and which rows they may have.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.tables import TABLES
from isthmus.flow.workspace import Workspace
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.decision import Request
from isthmus.gate.grade.keys import Keys
from isthmus.gate.office import asking, cases
from isthmus.gate.office.asking import Asker
from isthmus.gate.office.quota import Quota
from isthmus.gate.office.session import Granted, open_granted
from isthmus.gate.office.unit import Office
from lib import granted, rulings, workspace
from lib.granted import SITE, House

READ = ("person", "visit_occurrence", "condition_occurrence", "measurement")
STATES = ("active", "active", "active", "suspended", "revoked", "expired", "unknown")
WAYS = ("expression", "plain", "among copies")
KINDS = ("HMB", "DS", "MDS")


@dataclass(slots=True)
class Asked:
    """A workspace with grants in every state, and what came of the requests."""

    house: House
    opened: Workspace
    office: Office
    grants: list[tuple[str, str]]
    rows: Mapping[str, Sequence[Mapping[str, Any]]]
    outcomes: Counter[str] = field(default_factory=Counter)

    def size(self) -> int:
        """Entries in the log."""
        with self.office.open() as office:
            assert office._log is not None
            return office._log.size


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Asked:
    house = granted.peopled(tmp_path_factory.mktemp("requests"), patients=5)
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    draw = Random(5)
    grants = [(state, "" if state == "unknown" else _grant(office, draw, state)) for state in STATES * 2]
    return Asked(house, opened, office, grants, {name: workspace.rows(opened, name) for name in READ})


def _grant(office: Office, draw: Random, state: str) -> str:
    """A grant of random columns and grade, given and stopped as people do it."""
    by = {one.name: one for one in office.accounts.all()}
    tables = {name: [one.name for one in TABLES[name].columns if draw.random() < 0.8] for name in draw.sample(READ, 3)}
    body = {
        "people": draw.sample(["ann", "bo"], 1), "purpose": {"kinds": sorted(draw.sample(KINDS[:2], 1))},
        "summary": "a study", "sites": [SITE], "tables": tables, "until": granted.UNTIL,
        "grade": draw.choice([2, 3, 4]),
    }  # fmt: skip
    with office.open():
        name = cases.apply(office, by["ann"], body)
        for who, act, said in (
            ("platform", "match", {"answers": {SITE: "yes"}}), ("cai", "vote", {"favour": True, "reason": "of use"}),
            ("dan", "vote", {"favour": True, "reason": "of use"}), ("eve", "grant", {}),
        ):  # fmt: skip
            case = cases.do(office, cases.file(office, name), by[who], act, said)
        if state in {"suspended", "revoked"}:
            who, act = {"suspended": ("stew", "suspend"), "revoked": ("cai", "revoke")}[state]
            cases.do(office, cases.file(office, name), by[who], act, {"reason": "an incident", "sites": [SITE]})
    assert case.grant is not None
    return case.grant.id


def _ask(made: Asked, draw: Random, monkeypatch: pytest.MonkeyPatch) -> None:
    """One request, and everything that has to be true of it."""
    state, name = draw.choice(made.grants)
    account = made.office.accounts.get(draw.choice(["ann", "ann", "bo", "cai"]))
    assert account is not None
    with made.office.open() as office:
        name = name or office.mint("GR")
        grant = Asker(account, name, "").standing(office)
    at = asking.now() if state != "expired" else grant.until + timedelta(days=1) if grant else None
    kind = min(grant.kinds) if grant and draw.random() < 0.85 else draw.choice(KINDS)
    table, columns = _columns(draw, grant)
    session = open_granted(made.office, made.opened.lake, account, name, kind=kind)
    way, before = draw.choice(WAYS), made.size()
    with monkeypatch.context() as patch:
        if at is not None and state == "expired":
            patch.setattr(asking, "now", lambda: at)
        found = _answer(session, table, sorted(columns), way)
    request = Request(person=account.name, kind=kind, at=at or asking.now(), columns={table: frozenset(columns)})
    # Of SQL the tables are decided on; a column that is not there is a mistake in a question that was asked.
    opens = grant is not None and rulings.allowed([(grant, replace(request, columns={table: frozenset()}))])[0]
    may = grant is not None and rulings.allowed([(grant, request)])[0]
    assert (found is not None) == may, (state, grant, request)
    assert made.size() == before + (2 if may or (way != "expression" and opens) else 1), (
        "a question is one entry, its session another"
    )
    made.outcomes["answered" if may else state if state != "active" else "not granted"] += 1
    if found is not None and grant is not None:
        _compare(made, grant, request, found.to_pylist())


def _columns(draw: Random, grant: Grant | None) -> tuple[str, list[str]]:
    table = draw.choice(list(grant.columns) if grant and draw.random() < 0.9 else READ)
    there = [one.name for one in TABLES[table].columns]
    if grant and table in grant.columns and draw.random() < 0.8:
        there = [one for one in there if one in grant.columns[table] and rulings.need(table, one) <= grant.grade]
    return table, draw.sample(there, min(len(there), draw.randint(1, 4)))


def _answer(session: Granted, table: str, columns: list[str], way: str) -> pa.Table | None:
    try:
        if way != "expression":
            copied = ", range(1)" if way == "among copies" else ""
            return session.sql(f"select {', '.join(columns)} from {table}{copied}")
        return session.ask(QUESTIONS[table].select(*columns))
    except RefusedError as error:
        assert "What next" in str(error)
    except InputError as error:
        assert way != "expression"
        assert "isthmus use show" in str(error)
    return None


def _compare(made: Asked, grant: Grant, request: Request, found: Sequence[Mapping[str, Any]]) -> None:
    ((table, columns),) = request.columns.items()
    keys = Keys(_secret(made.office), grant.id)
    rows = rulings.seen(grant, request, table, made.rows[table])
    expected = [rulings.told(table, row, sorted(columns), grant.grade, keys) for row in rows]
    assert Counter(map(repr, map(_sorted, found))) == Counter(map(repr, map(_sorted, expected)))


def _sorted(row: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted(row.items())


def _secret(office: Office) -> bytes:
    with office.open():
        return office.secret


def _requests(made: Asked, monkeypatch: pytest.MonkeyPatch, many: int, seed: int) -> Counter[str]:
    monkeypatch.setattr(asking, "quota", lambda settings: Quota(rows=10**9, seconds=10**9))
    monkeypatch.setattr(rulings, "SITES", [SITE])
    monkeypatch.setattr(rulings, "SPECIAL", frozenset())
    draw, held = Random(seed), replace(made, outcomes=Counter())
    for _ in range(many):
        _ask(held, draw, monkeypatch)
    return held.outcomes


def test_sixty_requests_get_what_is_granted_and_nothing_else(made: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes = _requests(made, monkeypatch, 60, seed=1)
    assert set(outcomes) == {"answered", "not granted", "suspended", "revoked", "expired", "unknown"}


@pytest.mark.prove
def test_five_thousand_requests_get_what_is_granted_and_nothing_else(
    made: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes = _requests(made, monkeypatch, 5_000, seed=2)
    print(f"\n{dict(outcomes)}")  # noqa: T201
    assert min(outcomes.values()) > 100
