"""Where a case stands: a fold over its events.

    new → submitted → review → granted | rejected        submitted, review → returned → submitted
    granted → (amend) submitted … granted, with the old grant in force until there is a new one
    granted → revoked; a grant expires by itself, which needs no event

A refused event changes nothing. Nobody decides on what they would use, and nobody who has decided on a case can become
one of its people later.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import reduce
from types import MappingProxyType

from isthmus.base.errors import RefusedError
from isthmus.gate.committee.application import Grant
from isthmus.gate.committee.event import Event
from isthmus.gate.committee.rules import refusal, touched
from isthmus.gate.committee.state import POLICY, Case, Policy


def step(case: Case, event: Event, policy: Policy = POLICY) -> Case:
    """The case after one more event. Raises RefusedError, which says why and what next; the case is unchanged then."""
    why = refusal(case, event, policy)
    if why:
        raise RefusedError(why)
    after = _EFFECTS[event.act](case, event)
    return replace(after, at=event.at)


def fold(events: Iterable[Event], policy: Policy = POLICY) -> Case:
    """The case after all its events, in order. Raises RefusedError at the first that was not allowed."""
    return reduce(lambda case, event: step(case, event, policy), events, Case())


def _handed_in(case: Case, event: Event) -> Case:
    return Case(
        phase="submitted",
        application=event.application,
        deciders=case.deciders,
        grant=case.grant,
        stops=case.stops,
    )


def _left(case: Case, phase: str) -> Case:
    """A round that ended without a grant: an older grant stands as it was, and its people stay bound by it."""
    return replace(case, phase="granted" if case.grant else phase)


def _withdrawn(case: Case, event: Event) -> Case:
    return _left(case, "withdrawn")


def _matched(case: Case, event: Event) -> Case:
    return replace(case, phase="review", answers=MappingProxyType(dict(event.answers)))


def _decided(case: Case, event: Event) -> Case:
    return replace(case, deciders=case.deciders | {event.by.person})


def _returned(case: Case, event: Event) -> Case:
    return replace(_decided(case, event), phase="returned")


def _voted(case: Case, event: Event) -> Case:
    votes = MappingProxyType({**case.votes, event.by.person: event.favour})
    return replace(_decided(case, event), votes=votes)


def _cleared(case: Case, event: Event) -> Case:
    return replace(_decided(case, event), cleared=case.cleared | event.sites, spoken=case.spoken | {event.by.person})


def _vetoed(case: Case, event: Event) -> Case:
    return replace(_decided(case, event), vetoed=case.vetoed | event.sites, spoken=case.spoken | {event.by.person})


def _granted(case: Case, event: Event) -> Case:
    asked = case.application
    assert asked is not None  # the phase says so
    grant = Grant(
        id=event.id,
        people=asked.people,
        kinds=asked.purpose.kinds,
        sites=case.open_sites,
        columns=asked.columns,
        start=event.at,
        until=asked.until,
        release=asked.release,
        grade=asked.grade,
        budget=asked.budget,
        suspended=frozenset(site for site, _ in case.stops),
    )
    return replace(_decided(case, event), phase="granted", grant=grant)


def _rejected(case: Case, event: Event) -> Case:
    return _left(_decided(case, event), "rejected")


def _changed(case: Case, **changes: object) -> Case:
    assert case.grant is not None  # the table says so
    return replace(case, grant=replace(case.grant, **changes))  # type: ignore[arg-type]  # the fields of a grant


def _shortened(case: Case, event: Event) -> Case:
    return _changed(case, until=event.until)


def _suspended(case: Case, event: Event) -> Case:
    return _stopped(case, case.stops | {(site, event.by.role) for site in touched(case, event)})


def _resumed(case: Case, event: Event) -> Case:
    lifted = {(site, event.by.role) for site in touched(case, event)}
    return _stopped(_decided(case, event), case.stops - lifted)


def _stopped(case: Case, stops: frozenset[tuple[str, str]]) -> Case:
    return replace(_changed(case, suspended=frozenset(site for site, _ in stops)), stops=stops)


def _revoked(case: Case, event: Event) -> Case:
    assert case.grant is not None  # the table says so
    left = case.grant.sites - touched(case, event)
    if left:
        return _changed(case, sites=left)
    return replace(_changed(case, sites=left, revoked=True), phase="revoked")


_EFFECTS: Mapping[str, Callable[[Case, Event], Case]] = {
    "submit": _handed_in,
    "amend": _handed_in,
    "withdraw": _withdrawn,
    "match": _matched,
    "return": _returned,
    "vote": _voted,
    "clear": _cleared,
    "veto": _vetoed,
    "grant": _granted,
    "reject": _rejected,
    "shorten": _shortened,
    "suspend": _suspended,
    "resume": _resumed,
    "revoke": _revoked,
}
