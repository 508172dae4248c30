"""Events of a case, and the table of who may do what when."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib import resources

from isthmus.gate.committee.application import Application
from isthmus.gate.use.match import Answer

ROLES = frozenset(
    {
        *("patient", "delegate", "steward", "platform", "user"),
        *("committee", "checker", "auditor", "commission", "administrator"),
    }
)
BOUND = frozenset({"steward", "commission"})
"""Roles that speak for some sites only: a steward for the hospital, a health commission for those of its region."""


@dataclass(frozen=True, slots=True)
class Act:
    """A line of `acts.csv`. `decides`: nobody does it in a case of their own. `next`: what to do in another phase."""

    name: str
    roles: frozenset[str]
    phases: frozenset[str]
    decides: bool
    reason: bool
    grant: bool
    does: str
    next: str


@cache
def acts() -> Mapping[str, Act]:
    """All acts by name."""
    text = resources.files("isthmus.gate.committee").joinpath("acts.csv").read_text(encoding="utf-8")
    return {
        row["act"]: Act(
            row["act"],
            frozenset(row["roles"].split()),
            frozenset(row["phases"].split()),
            row["decides"] == "yes",
            row["reason"] == "yes",
            row["grant"] == "yes",
            row["does"],
            row["next"],
        )
        for row in csv.DictReader(text.splitlines())
    }


@dataclass(frozen=True, slots=True)
class Actor:
    """A person in one role. `sites` are those for which a steward or a health commission speaks."""

    person: str
    role: str
    sites: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that somebody does in a case, at a time in UTC.

    submit and amend bring `application`, match `answers` (site → answer), vote `favour`, shorten `until`, grant `id`.
    clear and veto name `sites`; suspend, resume and revoke name some, or none for all.
    """

    act: str
    by: Actor
    at: datetime
    reason: str = ""
    application: Application | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    favour: bool = False
    sites: frozenset[str] = frozenset()
    until: datetime | None = None
    id: str = ""
