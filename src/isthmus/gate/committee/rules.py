"""Why an event is refused in a case, if it is: one small function a rule, asked in order."""

from collections.abc import Callable, Mapping

from isthmus.gate.committee.event import BOUND, Event, acts
from isthmus.gate.committee.state import Case, Policy

Rule = Callable[[Case, Event, Policy], str | None]


def refusal(case: Case, event: Event, policy: Policy) -> str | None:
    """Why the event may not happen and what to do next, in one or two sentences; None when it may."""
    for rule in (_known, _phase, _grant, _order, _reason, _four_eyes, _sites):
        if why := rule(case, event, policy):
            return why
    own = _OWN.get(event.act)
    return own(case, event, policy) if own else None


def touched(case: Case, event: Event) -> frozenset[str]:
    """The sites of the grant that a suspension, its end or a revocation is about."""
    granted = case.grant.sites if case.grant else frozenset()
    return (event.sites or event.by.sites or granted) & granted


def _known(case: Case, event: Event, policy: Policy) -> str | None:
    act = acts().get(event.act)
    if act is None:
        return f"there is no act '{event.act}'. Known are {', '.join(acts())}."
    if event.by.role not in act.roles:
        return f"a {event.by.role} is not one who {act.does}. Ask a {' or '.join(sorted(act.roles))}."
    return None


def _phase(case: Case, event: Event, policy: Policy) -> str | None:
    act = acts()[event.act]
    if case.phase not in act.phases:
        final = case.phase in {"rejected", "withdrawn", "revoked"}
        then = "it is closed: apply anew, in a case of its own" if final else act.next
        return f"the case is {case.phase}, and nobody {act.does} then. What next: {then}."
    return None


def _grant(case: Case, event: Event, policy: Policy) -> str | None:
    if acts()[event.act].grant and case.grant is None:
        return f"nothing has been granted yet. What next: {acts()[event.act].next}."
    return None


def _order(case: Case, event: Event, policy: Policy) -> str | None:
    if case.at is not None and event.at < case.at:
        return "the event is older than the one before it. Check the clock, and record it with the present time."
    return None


def _reason(case: Case, event: Event, policy: Policy) -> str | None:
    if acts()[event.act].reason and not event.reason.strip():
        return f"who {acts()[event.act].does} says why. Add a reason."
    return None


def _four_eyes(case: Case, event: Event, policy: Policy) -> str | None:
    if acts()[event.act].decides and event.by.person in case.beneficiaries:
        return f"{event.by.person} would use what is decided here. Somebody who would not has to do it."
    return None


def _sites(case: Case, event: Event, policy: Policy) -> str | None:
    """Who speaks for sites speaks for those only."""
    if event.by.role not in BOUND:
        return None
    meant = event.sites or event.by.sites
    if event.act == "shorten" and case.grant:
        meant = case.grant.sites
    if not meant:
        return f"this {event.by.role} speaks for no site. Have an administrator enter the sites."
    if foreign := sorted(meant - event.by.sites):
        return f"this {event.by.role} does not speak for {', '.join(foreign)}. Ask the one who does."
    return None


def _application(case: Case, event: Event, policy: Policy) -> str | None:
    asked = event.application
    if asked is None:
        return "no application was handed in. Add it."
    if asked.applicant != event.by.person:
        return f"the application is {asked.applicant}'s. Applicants hand in their own."
    if case.phase == "returned" and case.application and case.application.applicant != asked.applicant:
        return f"the application is {case.application.applicant}'s to change. Apply in a case of your own."
    if case.phase == "granted" and case.grant and event.by.person not in case.grant.people:
        return "other terms are asked for by people of the grant. Apply in a case of your own."
    if both := sorted(asked.people & case.deciders):
        return f"{both[0]} has taken part in deciding this case, and cannot be one of its people. Leave {both[0]} out."
    if not event.at < asked.until <= event.at + policy.longest:
        return f"a grant ends after today and within {policy.longest.days} days. Choose an end in between."
    return None


def _withdraw(case: Case, event: Event, policy: Policy) -> str | None:
    if case.application and case.application.applicant != event.by.person:
        return f"the application is {case.application.applicant}'s. Only the applicant takes it back."
    return None


def _match(case: Case, event: Event, policy: Policy) -> str | None:
    if case.application and set(event.answers) != case.application.sites:
        return "the answers are not those of the sites applied for. Compare every site, and no other."
    return None


def _vote(case: Case, event: Event, policy: Policy) -> str | None:
    if event.by.person in case.votes:
        return f"{event.by.person} has voted. A vote stands until the application is handed in again."
    if event.by.person in case.spoken:
        return f"{event.by.person} has answered for a site, and does not vote as well. Another member votes."
    return None


def _clear(case: Case, event: Event, policy: Policy) -> str | None:
    if event.by.person in case.votes:
        return f"{event.by.person} has voted, and does not answer for a site as well. Another steward answers."
    wrong = sorted(site for site in event.sites if case.answers.get(site) != "person")
    if wrong or not event.sites:
        return f"{', '.join(wrong) or 'no site'} is not one that waits for a person. Name sites that do."
    return None


def _veto(case: Case, event: Event, policy: Policy) -> str | None:
    wrong = sorted(event.sites - set(case.answers))
    if wrong or not event.sites:
        return f"{', '.join(wrong) or 'no site'} is not applied for. Name sites of the application."
    return None


def _votes(case: Case) -> tuple[int, int]:
    favour = sum(case.votes.values())
    return favour, len(case.votes) - favour


def _grants(case: Case, event: Event, policy: Policy) -> str | None:
    favour, against = _votes(case)
    if favour < policy.quorum or favour <= against:
        need = max(policy.quorum, against + 1)
        return f"votes in favour: {favour}, against: {against}; a grant needs {need}. Wait for more votes."
    if not case.open_sites:
        return _no_site(case)
    if case.application and case.application.until <= event.at:
        return "the period applied for is over. Return the application for another end."
    if not event.id:
        return "the grant has no identifier. Mint one."
    return None


def _no_site(case: Case) -> str:
    waiting = sorted(site for site, answer in case.answers.items() if answer == "person")
    if waiting:
        return (
            f"no site is open yet: {', '.join(waiting)} waits for a person to answer. "
            "Ask its steward, who says so with `isthmus use clear`, or reject the case."
        )
    return "no site is left: each one's conditions or stewards stand against it. Narrow the purpose, or reject it."


def _reject(case: Case, event: Event, policy: Policy) -> str | None:
    favour, against = _votes(case)
    if case.open_sites and (against < favour or len(case.votes) < policy.quorum):
        return f"votes in favour: {favour}, against: {against}; and sites are left. Wait for more votes."
    return None


def _shorten(case: Case, event: Event, policy: Policy) -> str | None:
    if case.grant and (event.until is None or not event.at <= event.until < case.grant.until):
        return "the new end is not between now and the present end. A later end is asked for with `amend`."
    return None


def _touching(case: Case, event: Event, policy: Policy) -> str | None:
    granted = case.grant.sites if case.grant else frozenset()
    if not touched(case, event) or event.sites - granted:
        return "the grant does not hold all of these sites. Name sites of the grant."
    return None


def _resume(case: Case, event: Event, policy: Policy) -> str | None:
    if why := _touching(case, event, policy):
        return why
    if not any((site, event.by.role) in case.stops for site in touched(case, event)):
        return f"no {event.by.role} has suspended it. Ask whoever did."
    return None


_OWN: Mapping[str, Rule] = {
    "submit": _application,
    "amend": _application,
    "withdraw": _withdraw,
    "match": _match,
    "vote": _vote,
    "clear": _clear,
    "veto": _veto,
    "grant": _grants,
    "reject": _reject,
    "shorten": _shorten,
    "suspend": _touching,
    "resume": _resume,
    "revoke": _touching,
}
