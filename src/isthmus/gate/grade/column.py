"""The grade of each column, and the measure under which it may be read at a granted grade."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Literal, cast

HIGHEST = 5
ALWAYS = frozenset({"pseudonymise", "mask"})  # identities and texts are never read as they are, under no grant
NEVER = "never"  # an identifier that nothing lowers: under no grant, of whatever grade
Measure = Literal["allow", "pseudonymise", "generalise", "shift", "mask", "drop", "never", "veil"]
"""What is done to a column. No line of the table says "veil": a question that only counts identities may have it."""


@dataclass(frozen=True, slots=True)
class Graded:
    """A line of `column.csv`. `after` is the grade once the measure was taken (None: the measure is to drop it).

    `width` belongs to the measure: years of a band, characters that stay, decimals that stay, or the kind of identity.
    `special`: its concepts may name a disease of the highest grade, by which a whole row is withheld.
    """

    grade: int
    measure: Measure
    width: str = ""
    after: int | None = None
    special: bool = False


UNKNOWN = Graded(HIGHEST, "drop")
"""What is not in the table is of the highest grade."""


@cache
def grades() -> Mapping[tuple[str, str], Graded]:
    """All lines by table and column; the table `*` stands for columns that rows of every site have."""
    text = resources.files("isthmus.gate.grade").joinpath("column.csv").read_text(encoding="utf-8")
    return {
        (row["table"], row["column"]): Graded(
            int(row["grade"]),
            cast(Measure, row["measure"]),
            row["width"],
            int(row["after"]) if row["after"] else None,
            row["special"] == "yes",
        )
        for row in csv.DictReader(text.splitlines())
    }


def graded(table: str, column: str) -> Graded:
    """The line for a column, the highest grade where there is none."""
    return grades().get((table, column)) or grades().get(("*", column), UNKNOWN)


def measure(table: str, column: str, grade: int) -> Measure:
    """What is done to a column before it is read under a grant of this grade."""
    found = graded(table, column)
    if found.measure == NEVER:
        return "drop"
    if found.measure not in ALWAYS and found.grade <= grade:
        return "allow"
    if found.after is not None and found.after <= grade:
        return found.measure
    return "drop"


@lru_cache(maxsize=4096)
def readable(table: str, columns: frozenset[str], grade: int) -> Mapping[str, Measure]:
    """Those of the columns that can be read at this grade, with what is done to each. Nothing is done to `site`."""
    measures = {column: measure(table, column, grade) for column in sorted(columns)}
    return {column: one for column, one in measures.items() if one != "drop"}


MASKED = frozenset(table for (table, _), one in grades().items() if one.measure == "mask")
"""Tables with texts that are masked before they are read."""
