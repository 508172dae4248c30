"""The session of an application's call: of invented patients, or under the grant that it was enabled with."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ibis.expr.types as ir
import pyarrow as pa

from isthmus.apps.contract import InputError, Manifest, RefusedError, Session
from isthmus.apps.contract.manifest import RESULT
from isthmus.apps.contract.session import Desk
from isthmus.flow.workspace import Workspace
from isthmus.gate.declared import Declared, Invented
from isthmus.gate.office.asking import Within
from isthmus.gate.office.cases import granted
from isthmus.gate.office.people import is_in_use
from isthmus.gate.office.session import open_granted
from isthmus.gate.office.unit import Office
from isthmus.records.applications import State
from isthmus.research.registries.aside import left_out
from isthmus.research.registries.enrolment.said import last

Opened = Invented | Declared


class Late:
    """A session that is opened with its first question: many calls ask none."""

    def __init__(
        self, opening: Callable[[], Opened], edition: Callable[[], int], opened: Workspace, grant: str
    ) -> None:
        self._opening, self._number = opening, edition
        self._workspace, self._grant = opened, grant
        self._session: Opened | None = None

    @property
    def edition(self) -> int:
        """The number of the newest edition; 0 when nothing is published yet."""
        return self._session.edition if self._session else self._number()

    def ask(self, question: ir.Table | str) -> pa.Table:
        """The rows of a question."""
        return self._opened().ask(question)

    def steps(self, text: str, work: Callable[[Desk], pa.Table]) -> pa.Table:
        """The answer of several steps at a desk."""
        return self._opened().steps(text, work)

    def patient(self, person: int | str) -> Mapping[str, pa.Table]:
        """The rows of one person."""
        return self._opened().patient(person)

    def called(self, numbers: Collection[int]) -> Mapping[int, int | str]:
        """What persons of a desk are called."""
        return self._opened().called(numbers)

    @property
    def stands(self) -> tuple[str, int]:
        """Under which grant it answers, and the number of the last word about cases and consents."""
        return self._grant, last(self._workspace)

    def left_out(self, registry: str = "", people: int = 1) -> frozenset[int]:
        """Who is left out of what is told of many."""
        return left_out(self._workspace, self._opened().granted, registry, people)

    def _opened(self) -> Opened:
        if self._session is None:
            self._session = self._opening()
        return self._session


class Sessions:
    """Opens sessions over the newest edition of a workspace; one serves all calls that nothing tells apart.

    Each question is looked at anew in it (`gate/office/asking.py`), whoever asked before.
    """

    def __init__(self, opened: Workspace) -> None:
        self._opened = opened
        self._office = Office(opened.root, opened.records, opened.settings)
        self._edition: Any = None  # of the lake, which only the gate knows
        self._kept: dict[str, tuple[Sequence[object], Opened]] = {}  # by application, with what it was opened for

    def of(self, manifest: Manifest, state: State) -> Session:
        """The session of a call."""
        grant = "" if self._opened.synthetic else state.grant
        return Late(lambda: self._shared(manifest, state), self._number, self._opened, grant)

    def may_see(self, manifest: Manifest, state: State, person: str) -> bool:
        """Whether an account may see what an application answers: that is, the people of its grant."""
        if self._opened.synthetic or not manifest.reads:
            return True
        account = self._office.accounts.get(person) if person else None
        found = granted(self._office, self._office.named(state.grant, "GR")) if state.grant and account else None
        grant = found.case.grant if found else None
        return bool(account and grant and is_in_use(self._office, account) and person in grant.people)

    def demand_grade(self, manifest: Manifest, grant: str) -> None:
        """Raise RefusedError where a grant gives data of a lower grade than the application works with.

        Below it dates are moved and columns coarser: what it says of a patient would be wrong, and nobody would see it.
        """
        file = granted(self._office, self._office.named(grant, "GR"))
        found = file.case.grant if file else None
        if found is not None and found.grade < manifest.grade:
            raise RefusedError(
                f"{manifest.app} works with data of grade {manifest.grade}, and the grant {grant} gives grade "
                f"{found.grade}, where dates are moved and columns left out. Apply for one of grade {manifest.grade}."
            )

    def results(
        self, manifest: Manifest, state: State, parts: Sequence[int], most: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Persons and concepts of the results in some parts of deliveries, the newest `most`; how many more.

        They are of what the manifest declares and the grant holds, and of the newest edition.
        """
        declared = {**manifest.reads, "measurement": RESULT}
        rows = self._open(replace(manifest, reads=declared), state).brought("measurement", parts)
        met = rows.group_by(["person_id", "measurement_concept_id"]).aggregate([("measurement_date", "max")])
        newest = met.sort_by([("measurement_date_max", "descending"), ("person_id", "ascending")]).slice(0, most)
        found = [{"person": row["person_id"], "concept": row["measurement_concept_id"]} for row in newest.to_pylist()]
        return found, max(0, met.num_rows - most)

    def _shared(self, manifest: Manifest, state: State) -> Opened:
        """The session of an application, opened anew for another version, grant, person or edition."""
        edition = self._newest()
        opened_for = (manifest, state.grant, state.person, edition.digest if edition else "")
        kept = self._kept.get(manifest.app)
        if kept is None or kept[0] != opened_for:
            kept = self._kept[manifest.app] = opened_for, self._open(manifest, state)
        return kept[1]

    def _open(self, manifest: Manifest, state: State) -> Opened:
        edition = self._newest()
        if edition is None:
            raise InputError("nothing is published yet. Run `isthmus ingest` first.")
        if self._opened.synthetic:
            return Invented(self._opened.lake, edition, manifest.reads)
        account = self._office.accounts.get(state.person) if state.person else None
        if not state.grant or account is None:
            raise RefusedError(
                f"{manifest.app} was enabled without a grant, and reads no patients. Enable it with --grant and --as."
            )
        self.demand_grade(manifest, state.grant)
        within = Within(f"{manifest.app} {manifest.version}", manifest.reads)
        session = open_granted(
            self._office, self._opened.lake, account, state.grant, edition=edition.number, within=within
        )
        return Declared(session, manifest.reads)

    def _number(self) -> int:
        edition = self._newest()
        return edition.number if edition else 0

    def _newest(self) -> Any:
        numbers = self._opened.lake.editions.numbers()
        if numbers and (self._edition is None or self._edition.number != max(numbers)):
            self._edition = self._opened.lake.editions.get(max(numbers))
        return self._edition
