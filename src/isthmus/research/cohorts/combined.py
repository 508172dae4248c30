"""Cohorts that are no definition of events, as they are written: days of others, and patients of a registry.

Of others: `any of`, `all of`, `at least 2 of`, `of` and `without`; of a registry: `registry` and `where`.
"""

import re

from isthmus.research.cohorts.cursor import Cursor
from isthmus.research.cohorts.definition import NEVER, Combination, Registered

TOGETHER = re.compile(r"(any|all|at least (\d+)) of")
WITHOUT = "without"
REGISTRY = "registry"


def made_of_others(root: Cursor) -> bool:
    """Whether a phenotype is made of the days of other cohorts."""
    return WITHOUT in root.value or any(TOGETHER.fullmatch(str(key)) for key in root.value)


def read(root: Cursor, *, name: str) -> Combination:
    """The combination that a phenotype is. Raises DefinitionError."""
    title = root["title"].text("")
    if WITHOUT in root.value:
        root.map(("title", "of", WITHOUT), of="a cohort without the days of others")
        if not root["of"]:
            raise root.error("there is no 'of'.", "Name the cohort of which days are taken away.")
        base, others = called(root["of"]), called(root[WITHOUT])
        if set(base) & set(others):
            raise root[WITHOUT].error("a cohort without its own days is empty.", "Name other cohorts.")
        return Combination(name, dict.fromkeys(base, 1) | dict.fromkeys(others, NEVER), 1, title)
    (key,) = (str(key) for key in root.value if TOGETHER.fullmatch(str(key))) if _once(root) else ("",)
    root.map(("title", key), of="a combination of cohorts")
    parts = dict.fromkeys(called(root[key]), 1)
    match = TOGETHER.fullmatch(key)
    assert match is not None
    need = len(parts) if match[1] == "all" else int(match[2] or 1)
    if not 1 <= need <= len(parts):
        raise root[key].error(f"{need} of {len(parts)} cohorts is never.", "Ask for at least 1, at most all of them.")
    return Combination(name, parts, need, title)


def registered(root: Cursor, *, name: str) -> Registered:
    """The patients of a registry of whom something holds. Raises DefinitionError."""
    root.map((REGISTRY, "where", "title"), of="patients of a registry")
    if not root["where"]:
        raise root.error("there is no 'where'.", "Say what holds: where: child_pugh_grade = 'A'; all: where: true.")
    where = root["where"].value
    text = str(where).lower() if isinstance(where, bool) else root["where"].text()
    return Registered(name, root[REGISTRY].text(), text, root["title"].text(""), f"{root.file}: where")


def called(at: Cursor) -> list[str]:
    """The names of cohorts: one, or a list. A number is a name."""
    if not isinstance(at.value, list):
        return [cohort_name(at)]
    found = [cohort_name(one) for one in at.items()]
    if not found:
        raise at.error("no cohort is named.", "Name cohorts by their files without the ending.")
    return found


def cohort_name(at: Cursor) -> str:
    """The name of a cohort; a number is one too."""
    return str(at.value) if isinstance(at.value, int) and not isinstance(at.value, bool) else at.text()


def _once(root: Cursor) -> bool:
    found = [str(key) for key in root.value if TOGETHER.fullmatch(str(key))]
    if len(found) > 1:
        raise root.error(
            f"{' and '.join(found)} are said together.", "Write one, and the other as a cohort of its own."
        )
    return True
