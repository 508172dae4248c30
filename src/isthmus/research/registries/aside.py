"""Who is left out of what is evaluated of many: who refused or withdrew, and of a disease those who do not have it."""

from collections.abc import Iterable

from isthmus.flow.workspace import Workspace
from isthmus.gate.office.session import Granted
from isthmus.research.registries.enrolment import said as rulings
from isthmus.research.registries.enrolment.model import REFUSED, WITHDRAWN
from isthmus.research.registries.enrolment.ruling import DUPLICATE, REFUTED, Ruling, cases, consents
from isthmus.research.registries.enrolment.said import StandIn

OUT = (REFUSED, WITHDRAWN)
NO_CASE = (REFUTED, DUPLICATE)


def left_out(opened: Workspace, granted: Granted | None, registry: str = "", people: int = 1) -> frozenset[int]:
    """Persons, under their numbers in a session, who refused or withdrew in some registry and have not come back.

    Who evaluates more than a registry asks all of them: somebody who withdrew from one wants to be left alone. With
    `registry` also those whose case was refuted in it, or called a duplicate, by so many `people` as it asks for.
    `granted` is the session of a grant.
    """
    found = said = rulings.every(opened)
    if granted is not None and (named := {one.person for each in said.values() for one in each}):
        rows = granted.persons("rulings: of whom something was said", identities=named).rows.to_pylist()
        known = {one["person_id"]: StandIn(one["number"], one["days"]) for one in rows}
        found = {name: rulings.seen(each, known) for name, each in said.items()}
    return frozenset(
        {person for each in found.values() for person in _out(each)} | _no_case(found.get(registry, ()), people)
    )


def _out(said: Iterable[Ruling]) -> set[int]:
    """Whose newest word is a refusal; of words of one day it is a refusal that counts, then the later one."""
    newest: dict[int, tuple[object, ...]] = {}
    for row in consents(said).to_pylist():
        word = row["since"], row["state"] in OUT, row["number"]
        newest[row["person_id"]] = max(newest.get(row["person_id"], word), word)
    return {person for person, (_, is_out, _) in newest.items() if is_out}


def _no_case(said: Iterable[Ruling], people: int) -> set[int]:
    return {row["person_id"] for row in cases(said, people).to_pylist() if row["state"] in NO_CASE}
