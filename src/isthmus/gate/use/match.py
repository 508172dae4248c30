"""Matching a purpose with the conditions of a site.

Every condition gives an answer with its reason. The whole is `no` if one of them is, else `person` if one of them is,
else `yes`: nothing is allowed that no rule allows, and what no rule can judge goes to people.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from isthmus.gate.use.purpose import Conditions, Fact, Purpose, codes, kinds, read, topics

Answer = Literal["yes", "no", "person"]
Ancestors = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Reason:
    """What one condition answers, why, and what the applicant can do next (empty for a yes)."""

    about: str
    answer: Answer
    why: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Match:
    """The answer of one site's conditions to a purpose, with a reason for each of them."""

    answer: Answer
    reasons: tuple[Reason, ...]


def match(purpose: Purpose, conditions: Conditions, ancestors: Ancestors = lambda term: frozenset()) -> Match:
    """Does the purpose fit the conditions? `ancestors` gives all terms above a disease, in the site's hierarchy."""
    reasons = [*_kinds(purpose, conditions, ancestors), *_modifiers(purpose, conditions), *_unruled(purpose)]
    if not reasons:
        reasons = [Reason("", "person", "neither purpose nor conditions say anything", "state the kind of purpose")]
    answers = {reason.answer for reason in reasons}
    answer: Answer = "no" if "no" in answers else "person" if "person" in answers else "yes"
    return Match(answer, tuple(reasons))


@cache
def _covers() -> Mapping[tuple[str, str], str]:
    return {(row["permission"], row["kind"]): row["answer"] for row in read("covers.csv")}


def _kinds(purpose: Purpose, conditions: Conditions, ancestors: Ancestors) -> Iterator[Reason]:
    """Each kind of the purpose must be covered by one of the permissions. An unnamed kind is covered by those that
    cover any. Where neither side speaks of kinds, only the modifiers are judged, if there are any."""
    permissions = conditions.permissions
    if not permissions:
        if purpose.kinds:
            yield Reason("", "person", "the site has stated no permission", "the site states for what its data serve")
        elif not conditions.codes and not conditions.waived:
            yield Reason("", "person", "the site has stated no condition", "the site states for what its data serve")
        return
    for kind in sorted(purpose.kinds) or [""]:
        covering = {one: _covers().get((one, kind), "") for one in sorted(permissions)}
        full = [one for one, how in covering.items() if how == "yes"]
        if full:
            yield Reason(full[0], "yes", f"{codes()[full[0]].label} covers {kinds().get(kind, 'any research')}")
        elif "diseases" in covering.values():
            yield _diseases(purpose.diseases, conditions.diseases, ancestors)
        elif not kind:
            yield Reason("", "person", "the purpose names no kind of use", "state the kind of purpose")
        else:
            allowed = " and ".join(codes()[one].label for one in sorted(permissions))
            why = f"the site allows {allowed}, which does not cover {kinds()[kind]}"
            yield Reason(kind, "no", why, "narrow the purpose to what the site allows, or leave the site out")


def _diseases(wanted: frozenset[str], allowed: frozenset[str], ancestors: Ancestors) -> Reason:
    if not wanted or not allowed:
        who = "purpose" if not wanted else "site"
        return Reason("DS", "person", f"the {who} names no disease", codes()["DS"].next)
    outside = [one for one in sorted(wanted) if one not in allowed and not ancestors(one) & allowed]
    if outside:
        why = f"{', '.join(outside)} is not at or below a disease that the site allows"
        return Reason("DS", "no", why, codes()["DS"].next)
    return Reason("DS", "yes", "every disease of the purpose is at or below one that the site allows")


def _modifiers(purpose: Purpose, conditions: Conditions) -> Iterator[Reason]:
    for one in sorted(conditions.waived):
        yield Reason(one, "yes", f"the site does not ask for: {codes()[one].label}")
    for one in sorted(conditions.codes - conditions.permissions):
        code = codes()[one]
        for how in code.judged:
            name, _, argument = how.partition(":")
            answer, why = _JUDGES[name](purpose, conditions, argument or one)
            yield Reason(one, answer, f"{code.label}: {why}", "" if answer == "yes" else code.next)


def _unruled(purpose: Purpose) -> Iterator[Reason]:
    for topic in sorted(purpose.topics):
        yield Reason(topic, "person", f"the purpose concerns {topics()[topic]}", "the committee decides")
    if purpose.other:
        yield Reason("other", "person", "the purpose says something in words only", "the committee decides")


Judged = tuple[Answer, str]
Judge = Callable[[Purpose, Conditions, str], Judged]


def _fact(purpose: Purpose, conditions: Conditions, name: str) -> Judged:
    said: Fact = getattr(purpose, name)
    words = name.replace("_", " ")
    if said is None:
        return "person", f"the application does not say whether it is {words}"
    return ("yes", f"it is {words}") if said else ("no", f"it is not {words}")


def _without(purpose: Purpose, conditions: Conditions, kind: str) -> Judged:
    named = kind in purpose.kinds
    return ("no", f"the purpose is {kinds()[kind]}") if named else ("yes", f"the purpose is not {kinds()[kind]}")


def _agreed(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
    return ("yes", "agreed to") if code in purpose.agreed else ("no", "not agreed to")


def _document(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
    """A program can see that a document is named, not that it is what it should be."""
    return ("person", "the approval that is named has to be looked at") if purpose.ethics else ("no", "none is named")


def _person(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
    return "person", "the site's words have to be read"


def _embargo(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
    if conditions.embargo is None:
        return "person", "the site names no date"
    if purpose.no_publication_before is None:
        return "no", "no date before which nothing is published was agreed to"
    late = purpose.no_publication_before >= conditions.embargo
    return ("yes", "the date agreed to is late enough") if late else ("no", "the date agreed to is too early")


def _months(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
    if conditions.months is None or purpose.months is None:
        who = "site" if conditions.months is None else "application"
        return "person", f"the {who} names no number of months"
    short = purpose.months <= conditions.months
    return ("yes", "it is kept") if short else ("no", f"{purpose.months} months are asked, {conditions.months} allowed")


def _among(name: str) -> Judge:
    def judge(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
        wanted, allowed = getattr(purpose, name), getattr(conditions, name)
        if not wanted or not allowed:
            return "person", f"the {'application' if not wanted else 'site'} names no {name}"
        outside = sorted(wanted - allowed)
        return ("no", f"{', '.join(outside)} is not among them") if outside else ("yes", "all are among them")

    return judge


def _places(purpose: Purpose, conditions: Conditions, code: str) -> Judged:
    if not purpose.places or not conditions.places:
        return "person", f"the {'application' if not purpose.places else 'site'} names no region"
    outside = [one for one in sorted(purpose.places) if not one.startswith(tuple(conditions.places))]
    return ("no", f"{', '.join(outside)} is outside of them") if outside else ("yes", "all are inside of them")


_JUDGES: Mapping[str, Judge] = {
    "fact": _fact,
    "without": _without,
    "agreed": _agreed,
    "document": _document,
    "person": _person,
    "embargo": _embargo,
    "months": _months,
    "people": _among("people"),
    "projects": _among("projects"),
    "institutions": _among("institutions"),
    "places": _places,
}
