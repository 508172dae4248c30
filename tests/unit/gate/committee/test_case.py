"""The committee: a case from application to grant and to its end, and what is refused with which words."""

from dataclasses import replace
from datetime import timedelta

import pytest

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.committee.application import Application, compare
from isthmus.gate.committee.case import fold, step
from isthmus.gate.committee.event import BOUND, ROLES, Actor, Event, acts
from isthmus.gate.committee.state import Case, Policy
from isthmus.gate.use.purpose import Conditions
from lib.committee import (
    ADMINISTRATOR,
    APPLICANT,
    APPLICATION,
    COLLEAGUE,
    COMMISSION,
    EAST,
    END,
    MEMBERS,
    START,
    STEWARD,
    done,
    granted,
    matched,
    submitted,
    to_grant,
    to_review,
    voted,
)


def test_a_case_ends_with_a_grant_for_the_sites_that_are_left() -> None:
    case = fold(to_grant())
    assert case.phase == "granted"
    assert case.grant is not None
    assert case.grant.sites == {"east", "west"}, "north's conditions do not fit"
    assert case.grant.people == {"ann", "bo"}
    assert case.grant.columns == APPLICATION.columns
    assert (case.grant.start, case.grant.until) == (START, END)


def test_a_site_that_waits_for_its_steward_is_not_in_the_grant() -> None:
    events = [event for event in to_grant() if event.act != "clear"]
    grant = fold(events).grant
    assert grant is not None
    assert grant.sites == {"east"}


def test_one_veto_keeps_a_site_out_however_many_vote() -> None:
    votes = [voted(member) for member in MEMBERS]
    grant = fold([*to_review(), done("veto", EAST, "east"), done("clear", STEWARD, "west"), *votes, granted()]).grant
    assert grant is not None
    assert grant.sites == {"west"}


def _refused(events: list[Event], last: Event, policy: Policy | None = None) -> str:
    case = fold(events)
    with pytest.raises(RefusedError) as refused:
        step(case, last, policy or Policy())
    return str(refused.value)


@pytest.mark.parametrize(
    ("events", "last", "words"),
    [
        (to_review(), granted(), "votes in favour: 0, against: 0; a grant needs 2. Wait for more votes."),
        ([*to_review(), voted(MEMBERS[0])], granted(), "votes in favour: 1, against: 0"),
        ([*to_review(), voted(MEMBERS[0])], voted(MEMBERS[0]), "has voted"),
        (to_review(), voted(Actor("ann", "committee")), "ann would use what is decided here"),
        (to_review(), voted(Actor("bo", "committee")), "bo would use what is decided here"),
        (to_review(), voted(COLLEAGUE), "Ask a committee"),
        (to_review(), done("clear", EAST, "west"), "does not speak for west"),
        (to_review(), done("clear", Actor("ann", "steward", frozenset({"west"})), "west"), "ann would use"),
        (to_review(), done("clear", Actor("x", "steward", frozenset({"north"})), "north"), "waits for a person"),
        ([*to_review(), done("clear", STEWARD, "west")], voted(Actor("fei", "committee")), "answered for a site"),
        ([submitted()], voted(MEMBERS[0]), "the case is submitted, and nobody votes then"),
        (to_grant(), voted(MEMBERS[2]), "the case is granted"),
        ([submitted()], matched(answers={"east": "yes"}), "Compare every site"),
        ([submitted()], done("withdraw", COLLEAGUE), "Only the applicant"),
        (to_review(), done("suspend", ADMINISTRATOR), "nothing has been granted yet"),
        ([submitted()], submitted(), "wait until the committee has decided"),
        (to_grant(), done("suspend", STEWARD, "east"), "does not speak for east"),
        (to_grant(), done("resume", EAST), "no steward has suspended it"),
        ([*to_grant(), done("revoke", MEMBERS[0])], done("resume", MEMBERS[0]), "apply anew"),
        (to_review(), Event(act="vote", by=MEMBERS[0], at=START, favour=True), "Add a reason"),
        (to_review(), voted(MEMBERS[0], at=START - timedelta(hours=1)), "older than the one before"),
        ([], Event(act="burn", by=APPLICANT, at=START), "there is no act 'burn'"),
        ([], submitted(replace(APPLICATION, until=START)), "Choose an end in between"),
        ([], submitted(replace(APPLICATION, until=START + timedelta(days=400))), "within 366 days"),
        ([], Event(act="submit", by=COLLEAGUE, at=START, application=APPLICATION), "the application is ann's"),
    ],
)  # fmt: skip
def test_a_refusal_says_why_and_what_next(events: list[Event], last: Event, words: str) -> None:
    said = _refused(events, last)
    assert words in said
    assert said.count(".") >= 1
    assert said.endswith(".")


def test_nobody_who_voted_becomes_one_of_the_people_later() -> None:
    wider = replace(APPLICATION, people=frozenset({"ann", "cai"}))
    amend = Event(act="amend", by=APPLICANT, at=START, application=wider)
    assert "cai has taken part in deciding this case" in _refused(to_grant(), amend)


def test_a_grant_stands_while_its_amendment_is_decided() -> None:
    wider = replace(APPLICATION, sites=frozenset({"east"}), until=END + timedelta(days=30))
    amend = Event(act="amend", by=APPLICANT, at=START, application=wider)
    open_case = fold([*to_grant(), amend])
    assert open_case.phase == "submitted"
    assert open_case.standing(START) == "active"
    assert not open_case.votes, "votes are of one round"
    rejected = fold([*to_grant(), amend, matched(answers={"east": "no"}), done("reject", MEMBERS[0])])
    assert (rejected.phase, rejected.grant) == ("granted", fold(to_grant()).grant)
    votes = [voted(MEMBERS[0]), voted(MEMBERS[2])]
    again = fold([*to_grant(), amend, matched(answers={"east": "yes"}), *votes, granted(name="second")])
    assert again.grant is not None
    assert (again.grant.id, again.grant.sites, again.grant.until) == ("second", {"east"}, END + timedelta(days=30))


def test_a_suspension_works_at_once_and_only_who_made_it_lifts_it() -> None:
    events = [*to_grant(), done("suspend", EAST), done("suspend", COMMISSION)]
    case = fold(events)
    assert case.grant is not None
    assert case.grant.open_sites == frozenset()
    assert case.standing(START) == "suspended"
    lifted = fold([*events, done("resume", EAST)])
    assert lifted.standing(START) == "suspended", "the commission's stands"
    both = fold([*events, done("resume", EAST), done("resume", COMMISSION)])
    assert both.standing(START) == "active"


def test_a_suspended_site_stays_so_under_an_amended_grant() -> None:
    amend = Event(act="amend", by=APPLICANT, at=START, application=APPLICATION)
    votes = [voted(MEMBERS[0]), voted(MEMBERS[1])]
    case = fold([*to_grant(), done("suspend", EAST), amend, matched(), *votes, granted(name="second")])
    assert case.standing(START) == "suspended"


def test_a_site_takes_itself_out_and_the_others_stay() -> None:
    case = fold([*to_grant(), done("revoke", EAST)])
    assert case.grant is not None
    assert case.grant.open_sites == {"west"}
    assert fold([*to_grant(), done("revoke", EAST), done("revoke", STEWARD)]).standing(START) == "revoked"


def test_a_grant_ends_by_itself() -> None:
    case = fold(to_grant())
    assert case.standing(END - timedelta(microseconds=1)) == "active"
    assert case.standing(END) == "expired"
    sooner = Event(act="shorten", by=MEMBERS[0], at=START, reason="enough", until=START + timedelta(days=1))
    assert step(case, sooner).standing(START + timedelta(days=1)) == "expired"
    later = replace(sooner, until=END + timedelta(days=1))
    assert "A later end is asked for with `amend`" in _refused(to_grant(), later)


def test_a_health_commission_stops_a_use_in_its_region_only() -> None:
    region = Actor("jin", "commission", frozenset({"west"}))
    case = fold([*to_grant(), done("suspend", region)])
    assert case.grant is not None
    assert case.grant.open_sites == {"east"}


# Rows: act. Columns: phase in which a case is. + somebody may do it then, . nobody.
PHASES = """
          new submitted review returned granted rejected withdrawn revoked
submit     +      .        .      +        .       .         .        .
withdraw   .      +        +      +        .       .         .        .
match      .      +        .      .        .       .         .        .
return     .      +        +      .        .       .         .        .
vote       .      .        +      .        .       .         .        .
clear      .      .        +      .        .       .         .        .
veto       .      .        +      .        .       .         .        .
grant      .      .        +      .        .       .         .        .
reject     .      .        +      .        .       .         .        .
amend      .      .        .      .        +       .         .        .
shorten    .      .        .      .        +       .         .        .
suspend    .      .        .      .        +       .         .        .
resume     .      .        .      .        +       .         .        .
revoke     .      .        .      .        +       .         .        .
"""
# Rows: act. Who may do it at all; and whether also in a case of one's own.
WHO = {
    "submit": ({"user"}, True),
    "withdraw": ({"user"}, True),
    "match": ({"platform"}, False),
    "return": ({"committee"}, False),
    "vote": ({"committee"}, False),
    "clear": ({"steward"}, False),
    "veto": ({"steward", "commission"}, False),
    "grant": ({"committee"}, False),
    "reject": ({"committee"}, False),
    "amend": ({"user"}, True),
    "shorten": ({"committee", "commission"}, True),
    "suspend": ({"committee", "steward", "commission", "administrator"}, True),
    "resume": ({"committee", "steward", "commission", "administrator"}, False),
    "revoke": ({"committee", "steward", "commission"}, True),
}


def _in_phase(phase: str) -> Case:
    reject = done("reject", MEMBERS[2])
    against = [voted(member, favour=False) for member in MEMBERS[:2]]
    return fold(
        {
            "new": [],
            "submitted": [submitted()],
            "review": to_review(),
            "returned": [submitted(), done("return", MEMBERS[0])],
            "granted": to_grant(),
            "rejected": [*to_review(), *against, reject],
            "withdrawn": [submitted(), done("withdraw", APPLICANT)],
            "revoked": [*to_grant(), done("revoke", MEMBERS[0])],
        }[phase]
    )


def _ready(phase: str, act: str, by: Actor) -> tuple[Case, Event]:
    """A case of that phase in which nothing but person, role or phase stands against the act."""
    case = _in_phase(phase)
    if act in {"grant", "reject"} and phase == "review":
        case = fold([*to_review(), *(voted(one, favour=act == "grant") for one in MEMBERS[:2])])
    if act == "resume" and phase == "granted":
        case = step(case, done("suspend", by)) if by.role in WHO["suspend"][0] else case
    who = replace(APPLICATION, applicant=by.person, people=frozenset({by.person}))
    sites = {"clear": ("west",), "veto": ("west",)}.get(act, ())
    event = replace(done(act, by, *sites), favour=True, application=who, id="grant", until=START + timedelta(days=1))
    return case, replace(event, answers={"east": "yes", "west": "person", "north": "no"})


def _does(case: Case, event: Event) -> bool:
    try:
        step(case, event)
    except RefusedError:
        return False
    return True


def test_the_whole_matrix_of_role_phase_and_four_eyes() -> None:
    head, *rows = [line.split() for line in PHASES.strip().splitlines()]
    assert {row[0] for row in rows} == set(acts()) == set(WHO)
    seen = 0
    for act, *cells in rows:
        for phase, cell in zip(head, cells, strict=True):
            for role in sorted(ROLES):
                for person in ("ann", "zoe"):
                    sites = frozenset({"east", "west", "north"}) if role in BOUND else frozenset()
                    case, event = _ready(phase, act, Actor(person, role, sites))
                    own = person in case.beneficiaries
                    roles, in_own = WHO[act]
                    users_own = act in {"withdraw", "amend"} or (act, phase) == ("submit", "returned")
                    may = cell == "+" and role in roles and (own if users_own else in_own or not own)
                    assert _does(case, event) == may, (act, phase, role, person)
                    seen += 1
    assert seen == 14 * 8 * 10 * 2


def test_sites_that_state_nothing_wait_for_a_person() -> None:
    found = compare(APPLICATION, {"east": Conditions(codes=frozenset({"HMB"}))}, lambda term: frozenset())
    assert {site: one.answer for site, one in found.items()} == {"east": "yes", "west": "person", "north": "person"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"summary": ""}, "not complete: summary missing"),
        ({"columns": {}}, "columns missing"),
        ({"columns": {"person": frozenset()}}, "columns of person missing"),
        ({"columns": {"patient": frozenset({"id"})}}, "there is no table 'patient'"),
        ({"columns": {"person": frozenset({"name"})}}, "person has no column 'name'"),
        ({"columns": {"person": frozenset({"gender"})}}, r"no column 'gender'.* Did you mean gender_concept_id\."),
        ({"columns": {"visits": frozenset({"all"})}, "summary": ""}, "summary missing.*; there is no table 'visits'"),
        ({"people": frozenset({"bo"})}, "the applicant is not among the people"),
        ({"grade": 6}, "there is no grade 6"),
    ],
)
def test_an_application_is_complete(changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        replace(APPLICATION, **changes)
    assert isinstance(APPLICATION, Application)
