"""Who is left out of what is evaluated: the people whose last word on consent, of any registry, is a refusal."""

from collections.abc import Iterable

from isthmus.flow.workspace import Workspace
from isthmus.gate.office.session import Granted
from isthmus.gate.session import Session
from isthmus.research.registries.enrolment.model import REFUSED, WITHDRAWN
from isthmus.research.registries.enrolment.ruling import CONSENT, Ruling, consents
from isthmus.serving.registries import rulings
from isthmus.serving.registries.rulings import StandIn

OUT = (REFUSED, WITHDRAWN)


def withdrawn(opened: Workspace, session: Session | Granted) -> frozenset[int]:
    """Persons, under their numbers in a session, who refused or withdrew in some registry and have not come back.

    Who evaluates more than a registry asks all of them: somebody who withdrew from one wants to be left alone.
    """
    named = {one.subject for one in opened.decisions.all() if one.kind == CONSENT}
    said = {name: rulings.rulings(opened, name) for name in sorted(named)}
    if isinstance(session, Granted) and (people := {one.person for each in said.values() for one in each}):
        rows = session.persons("consents: of whom something was said", identities=people).rows.to_pylist()
        known = {one["person_id"]: StandIn(one["number"], one["days"]) for one in rows}
        said = {name: rulings.seen(each, known) for name, each in said.items()}
    return frozenset(person for each in said.values() for person in _out(each))


def _out(said: Iterable[Ruling]) -> set[int]:
    """Whose newest word is a refusal; of words of one day it is a refusal that counts, then the later one."""
    newest: dict[int, tuple[object, ...]] = {}
    for row in consents(said).to_pylist():
        word = row["since"], row["state"] in OUT, row["number"]
        newest[row["person_id"]] = max(newest.get(row["person_id"], word), word)
    return {person for person, (_, is_out, _) in newest.items() if is_out}
