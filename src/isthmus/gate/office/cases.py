"""Cases of the committee in records and log: each act is admitted by `committee.case.step`, or refused by it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.committee.application import Application, compare
from isthmus.gate.committee.case import fold, step
from isthmus.gate.committee.event import BOUND, acts
from isthmus.gate.committee.state import Case
from isthmus.gate.office.unit import Draft, Office, numbered
from isthmus.gate.office.written import application, event, plain
from isthmus.gate.use.match import Ancestors, Match
from isthmus.gate.use.purpose import Conditions, codes
from isthmus.ledger.entry import Value
from isthmus.records.models import Account, Act

GENERAL = "DUO:0000042"  # logged as purpose where no kind of it has a code of its own
LOGGED: Mapping[str, tuple[str, str]] = {
    "submit": ("object", "minted"),
    "amend": ("object", "active"),
    "match": ("object", "active"),
    "withdraw": ("object", "withdrawn"),
    "return": ("decision", "returned"),
    "vote": ("decision", "approved"),
    "clear": ("decision", "conditional"),
    "veto": ("decision", "vetoed"),
    "reject": ("decision", "rejected"),
    "grant": ("grant", "granted"),
    "shorten": ("grant", "amended"),
    "suspend": ("grant", "suspended"),
    "resume": ("grant", "resumed"),
    "revoke": ("grant", "revoked"),
}
"""As what each act is logged: kind of entry, and its word."""
FEW = 20  # cases that are read one by one
BODIES = {"steward": "site", "commission": "commission"}


@dataclass(frozen=True, slots=True)
class File:
    """A case with the identifier of its application and what was done in it."""

    id: str
    case: Case
    acts: Sequence[Act]

    @property
    def asked(self) -> Application:
        """What is asked for, or was."""
        assert self.case.application is not None  # every case begins with one
        return self.case.application


def files(office: Office, known: dict[str, File] | None = None) -> list[File]:
    """All cases, oldest first.

    `known` are cases as they were read before: acts are added and never changed, so that only those with more acts are
    read again. It is brought up to date.
    """
    held = {} if known is None else known
    counts = office.acts.counted("use")
    stale = [name for name, many in counts.items() if name not in held or len(held[name].acts) != many]
    if len(stale) > FEW:
        grouped: dict[str, list[Act]] = {}
        for act in office.acts.all("use"):
            grouped.setdefault(act.subject, []).append(act)
        fresh = {name: File(name, _folded(found), found) for name, found in grouped.items()}
    else:
        fresh = {name: file(office, name) for name in stale}
    held.update(fresh)
    return [held[name] for name in counts]


def file(office: Office, name: str) -> File:
    """One case, by its application. Raises InputError when there is none."""
    subject = office.named(name, "AP")
    found = office.acts.of(subject)
    if not found:
        raise InputError("there is no such case. `isthmus use list` shows all.")
    return File(subject, _folded(found), found)


def granted(office: Office, grant: str) -> File | None:
    """The case in which a grant was given, if there is one: as it is now, and read again only when an act was added."""
    kept: File | None = office.kept.get(grant)
    if kept is None:
        found = office.acts.subjects(kind="use", grant=grant, act="grant")
        if not found:
            return None
        kept = file(office, found[0])
    elif office.acts.count(kind="use", subject=kept.id) != len(kept.acts):
        kept = file(office, kept.id)
    office.kept[grant] = kept
    return kept


def apply(office: Office, person: Account, body: Mapping[str, Any]) -> str:
    """Hand in an application; the identifier of its case."""
    application(body, person.name)  # what is missing is told before anything is minted
    name = office.mint("AP")
    do(office, File(name, Case(), ()), person, "submit", {"application": dict(body)})
    return name


def do(office: Office, held: File, person: Account, act: str, body: Mapping[str, Any], *, role: str = "") -> Case:
    """One act in a case; the case after it. Raises RefusedError, which says why and what next."""
    chosen = _role(person, act, role)
    whole = {name: value for name, value in body.items() if value}
    if chosen in BOUND:
        whole["speaks"] = sorted(person.sites)
    if act == "grant":
        whole["grant"] = office.mint("GR")
    at = now()
    tried = Act(
        subject=held.id, number=numbered(held.acts), at=at, person=person.name, role=chosen, act=act,
        body=json.loads(json.dumps(plain(whole))),
    )  # fmt: skip
    after = step(held.case, event(tried))
    grant = after.grant.id if after.grant and LOGGED[act][0] == "grant" else ""
    draft = Draft(
        subject=held.id, kind="use", act=act, logged=LOGGED[act][0], number=tried.number, grant=grant, role=chosen,
        body=tried.body, fields=_fields(office, held.id, act, chosen, after, tried.body),
    )  # fmt: skip
    office.enter(person, draft, at=at)
    office.log.publish()
    return after


def answers(
    held: File, stated: Mapping[str, Conditions], ancestors: Ancestors = lambda term: frozenset()
) -> dict[str, Match]:
    """What each site's conditions answer to the purpose of a case."""
    if missing := sorted(held.asked.sites - set(stated)):
        raise InputError(
            f"there is no site '{missing[0]}' here. Return the application, to name sites of the workspace."
        )
    return compare(held.asked, stated, ancestors)


def _role(person: Account, act: str, role: str) -> str:
    """The role in which somebody acts: the one that was named, or the first of theirs that may."""
    if act not in acts():
        raise InputError(f"there is no act '{act}'. Known are {', '.join(acts())}.")
    if role and role not in person.roles:
        raise RefusedError(f"{person.name} is no {role}. Name one of: {', '.join(person.roles)}.")
    fitting = [one for one in person.roles if one in acts()[act].roles]
    return role or (fitting[0] if fitting else person.roles[0])


def _folded(found: Sequence[Act]) -> Case:
    return fold(event(act) for act in found)


def _fields(
    office: Office, subject: str, act: str, role: str, after: Case, body: Mapping[str, Any]
) -> dict[str, Value]:
    """The fields of an act's entry."""
    kind, word = LOGGED[act]
    if kind == "object":
        return {"act": word, "object": subject}
    if kind == "decision":
        if act == "vote" and not body.get("favour"):
            word = "rejected"
        return {
            "act": word, "body": BODIES.get(role, "committee"), "decision": office.mint("DE"), "subject": subject,
        }  # fmt: skip
    grant = after.grant
    assert grant is not None  # acts on grants have one
    named = [codes()[one].code for one in sorted(grant.kinds) if one in codes()]
    return {
        "act": word, "grant": grant.id, "application": subject, "purpose": named[0] if named else GENERAL,
        "until": _second(grant.until),
    }  # fmt: skip


def _second(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
