"""In which order cohorts are found that are made of, or ask for, other cohorts."""

from collections.abc import Iterable, Mapping, Sequence

from isthmus.base.errors import InputError
from isthmus.research.cohorts.concepts import criteria
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Cohort, Combination, Control, Registered


def needs(one: Cohort) -> list[str]:
    """The names of the cohorts that a cohort is made of, or asks for, each once."""
    if isinstance(one, Combination):
        return list(one.parts)
    if isinstance(one, Control | Registered):
        return []
    return list(dict.fromkeys(name for criterion in criteria(one) for name in criterion.cohorts))


def levels(cohorts: Sequence[Cohort]) -> list[list[Cohort]]:
    """Cohorts by how deep they stand on others, those on none first. Raises InputError where that has no end."""
    known, wrong = settled(cohorts)
    if wrong:
        raise InputError(str(wrong[0]))
    depth: dict[str, int] = {}
    for one in known:
        depth[one.name] = 1 + max((depth[name] for name in needs(one)), default=-1)
    return [[one for one in known if depth[one.name] == at] for at in range(1 + max(depth.values(), default=-1))]


def settled(
    cohorts: Iterable[Cohort], files: Mapping[str, str] | None = None
) -> tuple[list[Cohort], list[DefinitionError]]:
    """Cohorts in an order in which each stands behind what it needs; and why others cannot be found.

    `files` has the files of cohorts, for what is said of those.
    """
    waiting = list(cohorts)
    given = {one.name for one in waiting}
    found: list[Cohort] = []
    done: set[str] = set()
    while True:
        ready = [one for one in waiting if done.issuperset(needs(one))]
        if not ready:
            return found, [_why(one, given, done, files or {}) for one in waiting]
        found += ready
        done |= {one.name for one in ready}
        waiting = [one for one in waiting if one.name not in done]


def _why(one: Cohort, given: set[str], done: set[str], files: Mapping[str, str]) -> DefinitionError:
    absent = [name for name in needs(one) if name not in given]
    if absent:
        what = f"it asks for the cohort {absent[0]}, which no definition that was given has as its name."
        mend = "Name the other definition too; a cohort is called by its file without the ending."
    else:
        open_ones = ", ".join(name for name in needs(one) if name not in done)
        what = f"it asks for {open_ones}, which cannot be found, or in the end asks for this one."
        mend = "Mend the others first, and let no cohort be made of itself."
    return DefinitionError(f"{files.get(one.name, one.name)}: {what} {mend}")
