"""A committee for tests: people in their roles, an application, and events of a case that ends with a grant."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from isthmus.gate.committee.application import Application
from isthmus.gate.committee.event import Actor, Event
from isthmus.gate.use.match import Answer
from isthmus.gate.use.purpose import Purpose

START = datetime(2027, 1, 4, 9)  # noqa: DTZ001  times are UTC without a zone
END = START + timedelta(days=200)
ANSWERS: Mapping[str, Answer] = {"east": "yes", "west": "person", "north": "no"}

APPLICANT = Actor("ann", "user")
COLLEAGUE = Actor("bo", "user")
MEMBERS = (Actor("cai", "committee"), Actor("dan", "committee"), Actor("eva", "committee"))
STEWARD = Actor("fei", "steward", frozenset({"west"}))
EAST = Actor("gus", "steward", frozenset({"east"}))
COMMISSION = Actor("hua", "commission", frozenset({"east", "west"}))
ADMINISTRATOR = Actor("ida", "administrator")
PLATFORM = Actor("isthmus", "platform")

APPLICATION = Application(
    applicant="ann",
    people=frozenset({"ann", "bo"}),
    purpose=Purpose(kinds=frozenset({"HMB"})),
    summary="Liver cancer after hepatitis B",
    sites=frozenset(ANSWERS),
    columns={"person": frozenset({"person_id", "year_of_birth"}), "death": frozenset({"person_id", "death_date"})},
    until=END,
)


def submitted(application: Application = APPLICATION, at: datetime = START) -> Event:
    return Event(act="submit", by=Actor(application.applicant, "user"), at=at, application=application)


def matched(at: datetime = START, answers: Mapping[str, Answer] = ANSWERS) -> Event:
    return Event(act="match", by=PLATFORM, at=at, answers=answers)


def voted(by: Actor, *, favour: bool = True, at: datetime = START) -> Event:
    return Event(act="vote", by=by, at=at, favour=favour, reason="as the protocol says")


def granted(at: datetime = START, by: Actor = MEMBERS[0], name: str = "grant") -> Event:
    return Event(act="grant", by=by, at=at, id=name)


def done(act: str, by: Actor, *sites: str, at: datetime = START) -> Event:
    """An act that needs no more than its reason and perhaps sites."""
    return Event(act=act, by=by, at=at, reason="for a reason", sites=frozenset(sites))


def to_review() -> list[Event]:
    return [submitted(), matched()]


def to_grant(at: datetime = START) -> list[Event]:
    """A case in which east fits, west is answered for, north does not fit, and two members vote in favour."""
    events = [*to_review(), done("clear", STEWARD, "west"), voted(MEMBERS[0]), voted(MEMBERS[1]), granted()]
    return [replace(event, at=at) for event in events]
