"""The committee against every order of events: whatever is admitted, no grant comes from its own people."""

from dataclasses import replace
from datetime import timedelta
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.base.errors import RefusedError
from isthmus.gate.committee.case import fold, step
from isthmus.gate.committee.event import ROLES, Actor, Event, acts
from isthmus.gate.committee.state import Case
from lib.committee import APPLICATION, START

PEOPLE = ["ann", "bo", "cai", "dan", "eva", "fei", "gus", "hua", "ida", "jin"]
SITES = ["east", "west", "north"]
ENDING = {"withdraw", "return", "reject", "revoke"}
DECIDING = {"match", "return", "vote", "clear", "veto", "grant", "reject", "resume"}


def _event(draw: Random, phase: str) -> Event:
    """Any act by anybody in any role; likelier one that the phase and the role admit, so that cases get somewhere."""
    likely = [name for name, act in acts().items() if phase in act.phases]
    likely = [name for name in likely if name not in ENDING or draw.random() < 0.1]
    act = draw.choice(likely if likely and draw.random() < 0.9 else sorted(acts()))
    role = draw.choice(sorted(acts()[act].roles if draw.random() < 0.9 else ROLES))
    person = draw.choice(PEOPLE)
    until = START + timedelta(days=draw.choice([3, 100, 200]))
    people = frozenset(draw.sample(PEOPLE, draw.randint(0, 1))) | {person}
    return Event(
        act=act,
        by=Actor(person, role, frozenset(draw.sample(SITES, draw.randint(1, 3)))),
        at=START,
        reason="why" if draw.random() < 0.95 else "",
        application=replace(APPLICATION, applicant=person, people=people, until=until),
        answers={site: draw.choice(["yes", "yes", "no", "person"]) for site in SITES},
        favour=draw.random() < 0.8,
        sites=frozenset(draw.sample(SITES, draw.randint(0, 2))),
        until=until - timedelta(days=1),
        id="grant",
    )


def _admitted(seed: int) -> tuple[list[Event], list[Case]]:
    """Sixty random tries; those that were admitted, and the case after each of them (and before the first)."""
    draw = Random(seed)
    events: list[Event] = []
    cases = [Case()]
    at = START
    for _ in range(60):
        at += timedelta(hours=draw.choice([0, 1, 12]))
        event = replace(_event(draw, cases[-1].phase), at=at)
        try:
            cases.append(step(cases[-1], event))
        except RefusedError as refused:
            assert str(refused).endswith(".")
        else:
            events.append(event)
    return events, cases


_histories = st.builds(_admitted, st.integers(0, 2**32))


def test_random_histories_meet_every_act() -> None:
    done = {event.act for seed in range(60) for event in _admitted(seed)[0]}
    assert done == set(acts())


@settings(max_examples=60)
@given(_histories)
def test_nobody_of_a_grant_ever_took_part_in_deciding_it(history: tuple[list[Event], list[Case]]) -> None:
    events, cases = history
    for number, case in enumerate(cases):
        if case.grant is not None:
            decided = {event.by.person for event in events[:number] if event.act in DECIDING}
            assert not decided & case.grant.people


@settings(max_examples=60)
@given(_histories)
def test_a_grant_has_its_votes_and_no_site_that_said_no(history: tuple[list[Event], list[Case]]) -> None:
    events, _ = history
    for number, event in enumerate(events):
        if event.act != "grant":
            continue
        grant = fold(events[: number + 1]).grant
        handed_in = max(place for place in range(number) if events[place].act in {"submit", "amend"})
        turn = events[handed_in:number]
        asked = events[handed_in].application
        answers = next(one.answers for one in turn if one.act == "match")
        favour = {one.by.person for one in turn if one.act == "vote" and one.favour}
        against = {one.by.person for one in turn if one.act == "vote" and not one.favour}
        cleared = {site for one in turn if one.act == "clear" for site in one.sites if site in one.by.sites}
        vetoed = {site for one in turn if one.act == "veto" for site in one.sites}
        assert grant is not None
        assert asked is not None
        assert len(favour) >= 2
        assert len(favour) > len(against)
        assert grant.sites == {
            site
            for site, answer in answers.items()
            if site not in vetoed and (answer == "yes" or (answer == "person" and site in cleared))
        }
        assert (grant.people, grant.until, grant.columns) == (asked.people, asked.until, asked.columns)


@settings(max_examples=60)
@given(_histories, st.integers(-300, 300))
def test_what_has_ended_or_is_stopped_allows_nothing(history: tuple[list[Event], list[Case]], days: int) -> None:
    _, cases = history
    at = START + timedelta(days=days)
    for case in cases:
        if case.standing(at) == "active":
            assert case.grant is not None
            assert case.grant.start <= at < case.grant.until
            assert case.grant.open_sites


@settings(max_examples=60)
@given(_histories)
def test_a_stop_holds_until_the_role_that_made_it_lifts_it(history: tuple[list[Event], list[Case]]) -> None:
    events, cases = history
    stops: set[tuple[str, str]] = set()
    for event, before, after in zip(events, cases, cases[1:], strict=False):
        granted = before.grant.sites if before.grant else frozenset()
        meant = {(site, event.by.role) for site in (event.sites or event.by.sites or granted) & granted}
        stops |= meant if event.act == "suspend" else set()
        stops -= meant if event.act == "resume" else set()
        if after.grant is not None:
            assert not after.grant.open_sites & {site for site, _ in stops}
            if event.act == "revoke":
                assert not after.grant.open_sites & {site for site, _ in meant}


@settings(max_examples=60)
@given(_histories)
def test_a_case_is_its_events(history: tuple[list[Event], list[Case]]) -> None:
    events, cases = history
    assert fold(events) == cases[-1]
