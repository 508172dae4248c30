"""Candidates, rulings and visits of a registry, over invented patients or over those of a grant.

Under a grant a person has a number of that grant and dates of that grant. What people say is kept of the person, and
told to each grant under its own numbers and dates; who rules under a grant is the account that shows itself.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import date, timedelta
from typing import NamedTuple

import pyarrow as pa

from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow.workspace import Workspace
from isthmus.gate.desk import Desk
from isthmus.gate.office.session import Granted
from isthmus.gate.session import Session
from isthmus.research.registries import cases
from isthmus.research.registries.build import build
from isthmus.research.registries.enrolment import said as rulings
from isthmus.research.registries.enrolment.ruling import Ruling
from isthmus.research.registries.enrolment.said import StandIn
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.plan import plan


class Candidates(NamedTuple):
    """Persons by state, the queue, and what each rule found of those in it."""

    counts: dict[str, int]
    queue: pa.Table
    evidence: pa.Table


class Enrolling:
    """The cases of one registry in one edition, as `session` may see them."""

    def __init__(self, opened: Workspace, pack: Pack, session: Session | Granted) -> None:
        self._opened = opened
        self._session = session
        self.pack = pack
        self.edition = session.edition.number

    def said(self, until: int | None = None) -> list[Ruling]:
        """What was said of persons of this session, in order, under their numbers here.

        With `until`, as it was after the decision of that number.
        """
        said = rulings.rulings(self._opened, self.pack.name, until)
        if not said or isinstance(self._session, Session):
            return said
        named = {one.person for one in said} | {one.of for one in said if one.of is not None}
        found, _ = self._session.persons(f"{self._title}: of whom something was said", identities=named)
        return rulings.seen(said, _by_identity(found))

    def candidates(self) -> Candidates:
        """Who was found; who refused or withdrew is only counted."""
        said = self.said()
        counts: dict[str, int] = {}

        def work(desk: Desk) -> dict[str, pa.Table]:
            made = plan(self.pack)
            found = cases.found(desk, self.pack)
            for name, rows in made.tables.items():
                desk.lay(name, rows)
            counts.update(cases.enrol(desk, made, found, said).counts)
            return dict(zip(("queue", "evidence"), cases.queue(desk), strict=True))

        taken = self._taken(f"{self._title}: candidates with their evidence", work)
        return Candidates(counts, taken["queue"], taken["evidence"])

    def visits(self, on: date | None) -> tuple[pa.Table, date | None]:
        """Every occasion of a visit as it stands on a day (the last observed one), and that day.

        Raises InputError where the pack asks for none, RefusedError where the grant moves dates: nobody can say then
        what is overdue.
        """
        if not self.pack.enrolment.visits:
            raise InputError(
                f"the registry {self.pack.name} asks for no visits. Write them into enrolment.yaml of the pack."
            )
        if isinstance(self._session, Granted) and self._session.persons(f"{self._title}: whether dates move").moved:
            raise RefusedError(
                "this grant moves the dates of each person by days of its own, so that nobody can say whose visit is "
                "overdue. Ask for a grant of grade 4, or see `isthmus cases ... list`."
            )
        said = self.said()
        days: list[date | None] = []

        def work(desk: Desk) -> dict[str, pa.Table]:
            pieces: list[pa.Table] = []
            built = build(
                desk, self.pack, lambda name, rows: pieces.append(rows) if name == "visit_due" else None, codes=(),
                rulings=said, on=on,
            )  # fmt: skip
            days.append(built.on)
            return {"visit_due": pa.concat_tables(pieces)} if pieces else {}

        taken = self._taken(f"{self._title}: visits", work)
        return taken.get("visit_due", pa.table({})), days[0]

    def rule(
        self, kind: str, answer: str, persons: Sequence[int], *, author: str, reason: str, day: date | None = None,
        of: int | None = None,
    ) -> None:  # fmt: skip
        """Say one thing of persons, under their numbers here. Durable when this returns.

        Raises InputError when the session has no such person.
        """
        asked = [*persons, *([] if of is None else [of])]
        known = self._known(asked, f"{self._title}: {answer} is said of {', '.join(map(str, persons))}")
        missing = [one for one in asked if one not in known]
        if missing:
            raise InputError(
                f"the edition{'' if isinstance(self._session, Session) else ', as the grant sees it,'} has no person "
                f"{min(missing)}. `isthmus cases WS PACK list` shows numbers."
            )
        days = {known[one][0]: day and day - timedelta(days=known[one][1]) for one in persons}
        rulings.say(
            self._opened, self.pack.name, kind, days, answer, author=author, reason=reason,
            of=None if of is None else known[of][0],
        )  # fmt: skip

    @property
    def _title(self) -> str:
        return f"cases of registry {self.pack.name} {self.pack.version} ({self.pack.digest})"

    def _known(self, numbers: Collection[int], text: str) -> dict[int, tuple[int, int]]:
        """By number the person, and by how many days its dates are moved."""
        if isinstance(self._session, Granted):
            found = self._session.persons(text, numbers=numbers).rows.to_pylist()
            return {one["number"]: (one["person_id"], one["days"]) for one in found}
        person = QUESTIONS["person"]
        asked = self._session.ask(person.filter(person.person_id.isin([*numbers])).select(person.person_id))
        return {one: (one, 0) for one in asked.column("person_id").to_pylist()}

    def _taken(self, text: str, work: Callable[[Desk], dict[str, pa.Table]]) -> dict[str, pa.Table]:
        if isinstance(self._session, Granted):
            return self._session.steps(text, work, sparse=True)
        with self._session.desk() as desk:
            return work(desk)


def _by_identity(people: pa.Table) -> dict[int, StandIn]:
    return {one["person_id"]: StandIn(one["number"], one["days"]) for one in people.to_pylist()}
