"""Incidents in records and log: opened, contained, notified, closed; and drills, which do all of it but suspend.

    open → contained → notified → closed        an incident may be contained and notified of again, and closed from any

Containing suspends the grants that the incident is about, at once: the next question under them gets no row. Lifting
that is an act of the committee's cases, by the role that suspended. Nothing is sent: drafts of notices are files.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from isthmus.base.clock import now
from isthmus.base.errors import InputError, IsthmusError, RefusedError
from isthmus.gate.office import cases
from isthmus.gate.office.unit import Draft, Office, numbered
from isthmus.records.models import Account, Act

KINDS = ("disclosure", "access", "loss", "alteration", "misuse", "other")
ROLES = frozenset({"administrator", "platform", "steward", "commission", "auditor"})
"""Who may open, notify and close; whoever contains needs a role that may suspend besides."""
WORDS = {"open": "opened", "contain": "contained", "notify": "notified", "close": "closed"}
AFTER = {"open": "open", "contain": "contained", "notify": "notified", "close": "closed"}


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident with what was done about it. `since` to `until` (UTC) is when it may have happened."""

    id: str
    acts: Sequence[Act]

    @property
    def body(self) -> Mapping[str, Any]:
        """What was said when it was opened."""
        return self.acts[0].body

    @property
    def state(self) -> str:
        """Where it stands."""
        return AFTER[self.acts[-1].act]

    @property
    def drill(self) -> bool:
        """Whether it is an exercise."""
        return bool(self.body["drill"])

    @property
    def span(self) -> tuple[datetime, datetime]:
        """From when to when it may have happened."""
        return datetime.fromisoformat(self.body["since"]), datetime.fromisoformat(self.body["until"])

    @property
    def grants(self) -> Sequence[str]:
        """The grants that it is about."""
        return list(self.body["grants"])


def begin(office: Office, person: Account, said: Mapping[str, Any]) -> Incident:
    """Open an incident: `kind`, `what` happened, `grants`, `since`, `until` (now, if not said), `drill`."""
    demand(person)
    if said.get("kind") not in KINDS:
        raise InputError(f"an incident is one of {', '.join(KINDS)}. Name one with --kind.")
    if not str(said.get("what", "")).strip():
        raise InputError("say in --what what happened, without data of patients.")
    at = now()
    since, until = said.get("since") or at, said.get("until") or at
    if since > until:
        raise InputError("the incident ends before it begins. Correct --since or --until.")
    grants = [office.named(one, "GR") for one in said.get("grants") or ()]
    if unknown := [one for one in grants if cases.granted(office, one) is None]:
        raise InputError(f"there is no grant {unknown[0]}. `isthmus use list` shows all.")
    body = {
        "kind": said["kind"], "what": str(said["what"]), "grants": sorted(grants), "since": since.isoformat(),
        "until": until.isoformat(), "drill": bool(said.get("drill")),
    }  # fmt: skip
    name = office.mint("IN")
    _enter(office, person, "open", name, body, 1)
    return incident(office, name)


def incidents(office: Office) -> list[Incident]:
    """All incidents and drills, oldest first."""
    held: dict[str, list[Act]] = {}
    for act in office.acts.all("incident"):
        held.setdefault(act.subject, []).append(act)
    return [Incident(name, acts) for name, acts in held.items()]


def incident(office: Office, name: str) -> Incident:
    """One incident. Raises InputError when there is none."""
    subject = office.named(name, "IN")
    found = office.acts.of(subject)
    if not found:
        raise InputError("there is no such incident. `isthmus incident list` shows all.")
    return Incident(subject, found)


def contain(office: Office, held: Incident, person: Account, *, role: str = "") -> dict[str, str]:
    """Suspend the grants of an incident at once; by grant what became of it. In a drill, what would have become.

    Each grant is tried, and one that cannot be suspended holds up no other.
    """
    _demand_open(held, person)
    told = {name: _suspended(office, name, held, person, role) for name in held.grants}
    _enter(office, person, "contain", held.id, {"grants": told, "drill": held.drill}, numbered(held.acts))
    return told


def notify(office: Office, held: Incident, person: Account, drafts: Mapping[str, str]) -> Incident:
    """Note that drafts of notices were made: their names and SHA-256. Nobody has been told by that."""
    _demand_open(held, person)
    _enter(office, person, "notify", held.id, {"drafts": dict(drafts)}, numbered(held.acts))
    return incident(office, held.id)


def close(office: Office, held: Incident, person: Account, reason: str) -> Incident:
    """Close an incident, saying what was found and done."""
    _demand_open(held, person)
    if not reason.strip():
        raise InputError("who closes an incident says what was found and done. Add --reason.")
    _enter(office, person, "close", held.id, {"reason": reason}, numbered(held.acts))
    return incident(office, held.id)


def everything(office: Office, held: Incident, grants: Sequence[str]) -> list[Act]:
    """The acts of an incident and all acts under grants, oldest first."""
    found = {act.entry: act for act in held.acts}
    for name in grants:
        case = cases.granted(office, name)
        found |= {act.entry: act for act in (*(case.acts if case else ()), *office.acts.under(name))}
    return sorted(found.values(), key=lambda act: (act.at, act.subject, act.number))


def _suspended(office: Office, name: str, held: Incident, person: Account, role: str) -> str:
    case = cases.granted(office, name)
    assert case is not None  # it was there when the incident was opened, and cases do not go
    standing = case.case.standing(now())
    if standing != "active":
        return standing
    if held.drill:
        return "would be suspended"
    try:
        cases.do(office, case, person, "suspend", {"reason": f"incident {held.id}"}, role=role)
    except (RefusedError, InputError) as error:
        return f"not suspended: {error}"
    return "suspended"


def demand(person: Account) -> None:
    """Raise RefusedError for who may not act on incidents."""
    if not ROLES & set(person.roles):
        raise RefusedError(f"{person.name} may not act on incidents. Ask a {', a '.join(sorted(ROLES))}.")


def _demand_open(held: Incident, person: Account) -> None:
    demand(person)
    if held.state == "closed":
        raise IsthmusError("this incident is closed. Open another that names it in --what.")


def _enter(office: Office, person: Account, act: str, name: str, body: Mapping[str, Any], number: int) -> None:
    draft = Draft(
        subject=name, kind="incident", act=act, logged="incident", number=number, body=body,
        fields={"act": WORDS[act], "incident": name},
    )  # fmt: skip
    office.enter(person, draft)
    office.log.publish()
