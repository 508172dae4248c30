"""Cohorts as a workspace defines them, in its folder `cohorts`, and what was counted of them in an edition, once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isthmus.base.errors import IsthmusError
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Cohort, Registered
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.cohorts.kept import fingerprint, renewed
from isthmus.research.cohorts.overlap import overlap
from isthmus.research.cohorts.steps import Step, steps
from isthmus.research.registries.enrolment.said import rulings
from isthmus.research.registries.subgroups import with_members
from isthmus.serving.web.house import House

FOLDER = "cohorts"


@dataclass(frozen=True, slots=True)
class Counted:
    """Records and persons of each cohort, its steps, and the persons shared by two; `fault` where that failed."""

    numbers: Mapping[str, tuple[int, int]]
    walks: Mapping[str, Sequence[Step]]
    shared: Sequence[Mapping[str, object]]
    fault: str = ""


def defined(house: House) -> tuple[Sequence[Cohort], Sequence[DefinitionError]]:
    """The cohorts of the workspace, and the definitions that are refused; none where there is no such folder.

    Read anew when a file of the folder changed.
    """
    folder = house.workspace.root / FOLDER
    found = sorted(one for one in folder.rglob("*") if one.is_file() and one.suffix in files.READERS)
    if not found:
        return (), ()
    state = tuple((str(one), one.stat().st_mtime_ns, one.stat().st_size) for one in found)
    return house.memory.once(("cohorts", state), lambda: files.read([folder]))


def counted(house: House, cohorts: Sequence[Cohort], number: int) -> Counted | None:
    """What is counted of cohorts in an edition, beside the requests; None until it is there.

    Raises RefusedError where patients are real: those are counted under a grant, on the command line.
    """
    open_session(house.workspace.lake, synthetic=house.synthetic, edition=number)
    key = ("cohorts counted", number, fingerprint(cohorts), tuple(one.name for one in cohorts))
    return house.memory.known(key) or house.memory.later(key, lambda: _counted(house, cohorts, number))


def _counted(house: House, cohorts: Sequence[Cohort], number: int) -> Counted:
    session = open_session(house.workspace.lake, synthetic=house.synthetic, edition=number)
    try:
        with session.desk() as desk:
            asked = with_members(desk, cohorts, [house.workspace.root / "registries"],
                                 lambda name: rulings(house.workspace, name))  # fmt: skip
            if any(isinstance(one, Registered) for one in cohorts):  # what a registry says is not kept
                answer = evaluate(desk, asked)
            else:
                answer = renewed(session, desk, asked).cohorts
            shared = overlap(desk, [one.name for one in cohorts]).to_pylist() if len(cohorts) > 1 else []
            walked = steps(desk, asked)
    except IsthmusError as error:
        return Counted({}, {}, (), str(error))
    numbers = {name: (records, people) for name, records, people in files.counted(answer)}
    return Counted(numbers, dict(zip((one.name for one in cohorts), walked, strict=True)), shared)
