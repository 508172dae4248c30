"""Releases in records and log: a table is checked by machine, then by people, then leaves with a manifest.

The machine holds a table against the rules of its grant, and against every table that has left before, of this use and
of others. It does so when a release is asked for, and once more before it leaves, for others may have left meanwhile.
"""

import csv
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.base.clock import now
from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, IntegrityError, RefusedError
from isthmus.gate.committee.application import Grant
from isthmus.gate.office.cases import granted
from isthmus.gate.office.unit import Draft, Office, numbered
from isthmus.gate.release import check, differencing
from isthmus.gate.release.counts import HIDDEN, REDACTED, parsed, shown
from isthmus.gate.release.differencing import Cell
from isthmus.gate.release.request import Event, Request, Said, fold, step
from isthmus.gate.release.rules import Rules, Verdict, rules, together
from isthmus.ledger.entry import Value
from isthmus.records.models import Account, Act

NAME = "table.csv"
WORDS = {
    "request": "requested", "refused": "refused", "approve": "passed", "change": "returned", "reject": "refused",
    "return": "returned", "withdraw": "withdrawn", "release": "delivered",
}  # fmt: skip
"""As what each act, and each thing that a checker says, is logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that is to leave. `counts` names its column of counts of `unit`, `totals` rows that sum the others (from
    0); `where` says of whom the whole table is. Every other column is a dimension. Of a table with noise there are no
    counts, and `private` says what was spent on it (`gate/office/private.py`)."""

    columns: Mapping[str, Sequence[str]]
    counts: str
    context: str
    edition: int
    unit: str = "persons"
    totals: tuple[int, ...] = ()
    where: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    private: Mapping[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        """The table as CSV in UTF-8. What a spreadsheet would take for a formula is made a text."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([_tame(name) for name in self.columns])
        writer.writerows([_tame(cell) for cell in row] for row in zip(*self.columns.values(), strict=True))
        return stream.getvalue().encode()


@dataclass(frozen=True, slots=True)
class Held:
    """A release with what was done to it, and where it stands."""

    id: str
    grant: str
    request: Request
    acts: Sequence[Act]

    @property
    def body(self) -> Mapping[str, Any]:
        """What was asked for."""
        return self.acts[0].body


def fitted(rows: pa.Table, counts: str, applied: Rules) -> dict[str, list[str]]:
    """The columns of an answer as text, with its counts hidden and rounded by the rules. InputError for no counts."""
    if counts not in rows.column_names or not pa.types.is_integer(rows.schema.field(counts).type):
        raise InputError(f"the answer has no column '{counts}' of whole numbers. Name the counts with --counts.")
    columns = {name: ["" if one is None else str(one) for one in rows[name].to_pylist()] for name in rows.column_names}
    true = np.array([one or 0 for one in rows[counts].to_pylist()], dtype=np.int64)
    columns[counts] = [REDACTED if one == HIDDEN else str(one) for one in shown(true, applied)]
    return columns


def read(path: Path) -> dict[str, list[str]]:
    """The columns of a CSV file. Raises InputError when it is none, or has no row."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            head, *body = list(csv.reader(stream))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:
        raise InputError(f"{path.name} cannot be read as CSV in UTF-8 ({type(error).__name__}).") from None
    if not body or len(set(head)) != len(head) or any(len(row) != len(head) for row in body):
        raise InputError(f"{path.name} needs a line of different names, and rows of that length. Correct it.")
    return {name: [row[place] for row in body] for place, name in enumerate(head)}


def rules_of(office: Office, grant: str) -> tuple[Grant, Rules]:
    """A grant that is in force and its rules of release. Raises RefusedError for another."""
    found = granted(office, grant)
    held = found.case.grant if found else None
    if found is None or held is None or held.id != grant:
        raise RefusedError("there is no grant of this name. What next: apply for one.")
    standing = found.case.standing(now())
    if standing != "active":
        raise RefusedError(f"the grant is {standing}, and nothing leaves under it. What next: ask for other terms.")
    return held, rules(held.release)


def request(office: Office, person: Account, grant: str, table: Table) -> tuple[str, Verdict]:
    """Ask that a table leaves; the identifier of the release, and what the machine says of it. Logged either way."""
    held, applied = rules_of(office, grant)
    if person.name not in held.people:
        raise RefusedError(f"{person.name} is not one of the people of the grant. One of them asks for release.")
    cells = [] if table.private else _cells(table, held.sites)
    content = table.content
    verdict = _verdict(office, table, cells, len(content), applied)
    name = office.mint("RE")
    body = {
        "path": NAME, "sha256": hashlib.sha256(content).hexdigest(), "machine": verdict.answer, "rules": applied.name,
        "people": sorted(held.people),
        "context": table.context, "edition": table.edition, "unit": table.unit, "query": table.query,
        "counts": table.counts, "cells": [[{key: sorted(one) for key, one in cell.where.items()}, cell.value]
                                          for cell in cells],
        **({"private": dict(table.private)} if table.private else {}),
        "findings": [f"{one.where}: {one.why}" for one in verdict.findings],
    }  # fmt: skip
    if verdict.answer == "fail":
        _enter(office, person, "refused", name, grant, body, number=1, reason="disclosure")
        return name, verdict
    with replaced(_place(office, name)) as stream:
        stream.write(content)
    _enter(office, person, "request", name, grant, body, number=1)
    return name, verdict


def refused(office: Office, person: Account, grant: str, body: Mapping[str, Any], reason: str) -> None:
    """Enter that a release was refused before there was a table."""
    _enter(office, person, "refused", office.mint("RE"), grant, body, number=1, reason=reason)


def releases(office: Office) -> list[Held]:
    """All releases that were asked for and not refused by the machine, oldest first."""
    held: dict[str, list[Act]] = {}
    for act in office.acts.all("release"):
        held.setdefault(act.subject, []).append(act)
    return [_held(found) for found in held.values() if found[0].act == "request"]


def release(office: Office, name: str) -> Held:
    """One release. Raises InputError when there is none."""
    found = office.acts.of(office.named(name, "RE"))
    if not found or found[0].act != "request":
        raise InputError("there is no such release waiting or done. `isthmus release list` shows all.")
    return _held(found)


def say(office: Office, held: Held, person: Account, said: Said, reason: str) -> Request:
    """What a checker says of a release, and why. Raises RefusedError for who may not check it."""
    _demand_checker(person)
    _, applied = rules_of(office, held.grant)
    event = Event(act="say", by=person.name, path=NAME, said=said, reason=reason)
    after = step(held.request, event, applied)
    if said == "reject":
        after = step(after, Event(act="reject", by=person.name, reason=reason), applied)
    number = numbered(held.acts)
    body = {"said": said, "reason": reason}
    _enter(office, person, said, held.id, held.grant, body, number=number, checker=person.actor)
    return after


def withdraw(office: Office, held: Held, person: Account) -> Request:
    """Take a release back that has not left."""
    after = step(held.request, Event(act="withdraw", by=person.name), rules(held.body["rules"]))
    _enter(office, person, "withdraw", held.id, held.grant, {}, number=numbered(held.acts))
    return after


def deliver(office: Office, held: Held, person: Account, out: Path, digest: str) -> Path:
    """Let a release leave into a new folder, with its manifest; `digest` is that of its edition's manifest.

    A second delivery of the same writes the same. Raises RefusedError when the checkers have not approved, or when what
    has left meanwhile would tell more together with it.
    """
    _demand_checker(person)
    _, applied = rules_of(office, held.grant)
    content = _content(office, held)
    if held.request.state != "released":
        _demand_no_difference(office, held, applied)
        after = step(held.request, Event(act="approve", by=person.name), applied)
        step(after, Event(act="release", by=person.name), applied)
        number = numbered(held.acts)
        _enter(office, person, "release", held.id, held.grant, {}, number=number, checker=person.actor)
        held = release(office, held.id)
    if out.exists():
        raise InputError(f"{out} is there already. Name a new folder.")
    with replaced(out / NAME) as stream:
        stream.write(content)
    with replaced(out / "manifest.json") as stream:
        stream.write(json.dumps(_manifest(held, digest), indent=2, ensure_ascii=False, sort_keys=True).encode())
    return out


def _manifest(held: Held, digest: str) -> dict[str, Any]:
    body = held.body
    return {
        "release": held.id,
        "grant": held.grant,
        "edition": {"number": body["edition"], "manifest_sha256": digest},
        "query_sha256": hashlib.sha256(body["query"].encode()).hexdigest() if body["query"] else None,
        "files": {NAME: {"sha256": body["sha256"], "context": body["context"], "counts": body["counts"]}},
        "rules": body["rules"],
        "differential_privacy": body.get("private"),
        "machine": {"answer": body["machine"], "findings": body["findings"]},
        "requested_by": held.acts[0].person,
        "checked_by": sorted({act.person for act in held.acts if act.act == "approve"}),
        "log": [{"act": act.act, "at": act.at.isoformat(), "entry": act.entry} for act in held.acts],
    }


def _verdict(office: Office, table: Table, cells: Sequence[Cell], size: int, applied: Rules) -> Verdict:
    """The rules, and what could be worked out with everything that has left before."""
    file = check.File(
        path=NAME, size=size, context=table.context, columns=table.columns,
        counts=frozenset({table.counts} if table.counts else ()), totals=table.totals, noisy=bool(table.private),
    )  # fmt: skip
    found = check.check(file, applied)
    if found.answer == "fail":  # what is not fit by itself is not compared
        return found
    return together([found, differencing.check(cells, _left(office, table.unit), applied)])


def _demand_no_difference(office: Office, held: Held, applied: Rules) -> None:
    earlier = _left(office, held.body["unit"])
    found = differencing.check(_kept(held.body), earlier, applied)
    if found.answer == "fail":
        why = found.findings[0].why
        raise RefusedError(f"together with what has left meanwhile, {why}. Reject it, and have it asked for anew.")


def _left(office: Office, unit: str) -> list[Cell]:
    """Cells of all releases that have left, of all uses."""
    gone = [held for held in releases(office) if held.request.state == "released" and held.body["unit"] == unit]
    return [cell for held in gone for cell in _kept(held.body)]


def _kept(body: Mapping[str, Any]) -> list[Cell]:
    return [Cell({name: frozenset(one) for name, one in where.items()}, value) for where, value in body["cells"]]


def _cells(table: Table, sites: Iterable[str]) -> list[Cell]:
    """What each row says of whom. Later editions hold the people of the earlier ones."""
    if table.counts not in table.columns:
        raise InputError(f"there is no column '{table.counts}'. Name the counts with --counts.")
    try:
        values = parsed(table.columns[table.counts])
    except ValueError:
        raise InputError(f"'{table.counts}' holds something else than whole numbers and {REDACTED}.") from None
    whole = {name: frozenset({value}) for name, value in table.where.items()}
    whole |= {"site": frozenset(sites), "edition": frozenset(str(one + 1) for one in range(table.edition))}
    names = [name for name in table.columns if name != table.counts]
    return [
        Cell({**whole, **{name: frozenset({table.columns[name][row]}) for name in names}}, int(value))
        for row, value in enumerate(values)
        if row not in table.totals
    ]


def _held(acts: Sequence[Act]) -> Held:
    first = acts[0]
    events = [event for act in acts for event in _events(act)]
    people = first.body["people"]
    return Held(first.subject, first.grant, fold(people, events, rules(first.body["rules"])), acts)


def _events(act: Act) -> list[Event]:
    by, reason = act.person, act.body.get("reason", "")
    if act.act == "request":
        put = Event(act="put", by=by, path=NAME, content=act.body["sha256"], machine=act.body["machine"])
        return [put, Event(act="submit", by=by)]
    if act.act in {"approve", "change", "reject"}:
        said = Event(act="say", by=by, path=NAME, said=act.body["said"], reason=reason)
        return [said, *([Event(act="reject", by=by, reason=reason)] if act.act == "reject" else [])]
    if act.act == "release":
        return [Event(act="approve", by=by), Event(act="release", by=by)]
    return [Event(act=act.act, by=by, reason=reason)]


def _enter(
    office: Office, person: Account, act: str, name: str, grant: str, body: Mapping[str, Any], *, number: int,
    checker: str = "", reason: str = "",
) -> None:  # fmt: skip
    fields: dict[str, Value] = {"act": WORDS[act], "release": name, "grant": grant}
    fields |= {"checker": checker} if checker else {}
    fields |= {"reason": reason} if reason else {}
    draft = Draft(
        subject=name, kind="release", act=act, logged="release", number=number, grant=grant, body=body, fields=fields
    )
    office.enter(person, draft)
    office.log.publish()


def _demand_checker(person: Account) -> None:
    if "checker" not in person.roles:
        raise RefusedError(f"{person.name} is no checker. Ask one; `isthmus people list` shows them.")


def _place(office: Office, name: str) -> Path:
    return office.root / "releases" / name.rpartition("/")[2] / NAME


def _content(office: Office, held: Held) -> bytes:
    try:
        content = _place(office, held.id).read_bytes()
    except OSError as error:
        raise InputError(f"the file of the release cannot be read ({error.strerror}). Restore `releases`.") from None
    if hashlib.sha256(content).hexdigest() != held.body["sha256"]:
        raise IntegrityError("the file of the release is not what was checked. Reject it, and ask for it anew.")
    return content


def _tame(cell: str) -> str:
    """A text that a spreadsheet would run as a formula, with an apostrophe before it."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
