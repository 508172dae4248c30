"""The session that is handed to an application: the only way to data."""

from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import ibis.expr.types as ir
import pyarrow as pa

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.desk import Desk as Desk
from isthmus.gate.grade.keys import Keys
from isthmus.gate.lean import Rows as Rows

tables = QUESTIONS
"""The tables of the lake by name, as unbound expressions of which questions are composed."""
PSEUDONYM = 20  # characters at least


def named(said: str) -> int | str:
    """Whom a request names: a number or, under a grant, a pseudonym (which may have digits only, but more of them)."""
    return int(said) if len(said) < PSEUDONYM and said.isascii() and said.removeprefix("-").isdigit() else said


def number_of(person: int | str) -> int:
    """The number under which a person of `Session.patient` stands at a desk: under a grant its pseudonym's."""
    return person if isinstance(person, int) else Keys.number(person)


class Session(Protocol):
    """What a manifest declares and a grant holds of one edition; of invented patients, what the manifest declares.

    Every method raises RefusedError, which says why and what to do next, for anything beyond.
    """

    @property
    def edition(self) -> int:
        """The number of the edition that is read."""

    def ask(self, question: ir.Table | str) -> pa.Table:
        """The rows of a question: an unbound expression over `tables`, or the text of one SELECT."""

    def steps(self, text: str, work: Callable[[Desk], pa.Table]) -> pa.Table:
        """The answer of several set-based steps at a desk; `text` says in words what is asked.

        Refused in a process of its own: only applications that run beside the gate may work at a desk.
        """

    def patient(self, person: int | str) -> Mapping[str, pa.Table]:
        """The rows of one person, by the tables of the manifest that have a person. Under a grant they are
        `Rows`, which tell the id of a single row faster than those of all."""

    def called(self, numbers: Collection[int]) -> Mapping[int, int | str]:
        """What persons are called whose numbers are those of a desk: as `patient` knows them, and as they are shown."""

    @property
    def stands(self) -> tuple[str, int]:
        """Under which grant it answers ("" for invented patients), and the number of the last word that people said of
        cases and consents: while both are the same, what was computed of an edition still holds."""

    def left_out(self, registry: str = "", people: int = 1) -> frozenset[int]:
        """Persons, under their numbers at a desk, who are left out of what is told of many: who refused or withdrew,
        and of the cases of a `registry` those that so many `people` refuted or called a duplicate.

        Refused in a process of its own, as `steps` is.
        """
