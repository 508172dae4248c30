"""What is to be done: by the risk and the risk of bleeding (`matrix.csv`), less what is contraindicated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from isthmus.apps.contract.documents import Faults, sheet
from isthmus.apps.contract.research import shipped_scores
from isthmus.apps.vte.evidence.chart import Judged
from isthmus.apps.vte.evidence.definition import SCORED, Definition

HERE = Path(__file__).parent
MEANS = ("drug", "mechanical")
RISKS, BLEEDING = ("low", "moderate", "high"), ("low", "high")
GROUPED = SCORED[:4]
"""The scores of which a grade is a risk of thrombosis."""


@dataclass(frozen=True, slots=True)
class Barred:
    """Something that forbids a means of prophylaxis. `holds` is None where it cannot be told."""

    means: str
    name: str
    words: Mapping[str, str]
    holds: bool | None
    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done. `means` are those of which one is asked for; empty words: nothing can be said."""

    risk: str | None
    bleeding: str | None
    means: tuple[str, ...]
    words: Mapping[str, str]
    barred: tuple[Barred, ...]


@cache
def groups() -> Mapping[tuple[str, str], str]:
    """low, moderate or high by the name of a score and its grade (`groups.csv`)."""
    return read_groups(HERE / "groups.csv")


def read_groups(path: Path) -> Mapping[tuple[str, str], str]:
    """The groups of a file. Raises PackError with every fault: each grade of each score stands once, in a group."""
    faults, columns = Faults(), ("score", "grade", "risk")
    found = sheet.keyed(sheet.read(path, file=path.name, columns=columns, needed=columns), *columns[:2])
    for row in found.values():
        name = f"{row['score']} {row['grade']}"
        grades = [one.grade for one in shipped_scores()[row["score"]].grades] if row["score"] in GROUPED else []
        if row["score"] not in GROUPED:
            faults.add(row.place(), f"{name}: that score is not asked here.", f"Write one of: {', '.join(GROUPED)}.")
        elif row["grade"] not in grades:
            faults.add(row.place(), f"{name}: the score has no such grade.", f"Write one of: {', '.join(grades)}.")
        if row["risk"] not in RISKS:
            faults.add(row.place(), f"{name}: '{row['risk']}' is no group.", f"Write one of: {', '.join(RISKS)}.")
    told = {(row["score"], row["grade"]): row["risk"] for row in found.values()}
    for score in GROUPED:
        for one in shipped_scores()[score].grades:
            if (score, one.grade) not in told:
                faults.add(f"{path.name}:1", f"the grade {one.grade} of {score} has no group.", "Add a line for it.")
    faults.tell()
    return told


@cache
def _cells() -> Mapping[tuple[str, str], Mapping[str, str]]:
    return read_cells(HERE / "matrix.csv")


def read_cells(path: Path) -> Mapping[tuple[str, str], Mapping[str, str]]:
    """The matrix of a file. Raises PackError with every fault: each pair of groups stands once, and can be followed."""
    faults, columns = Faults(), ("risk", "bleeding", *MEANS, "en", "zh")
    rows = sheet.keyed(sheet.read(path, file=path.name, columns=columns, needed=columns), *columns[:2]).values()
    cells = {(row["risk"], row["bleeding"]): row for row in rows}
    for row in rows:
        name, asked = f"{row['risk']} {row['bleeding']}", [row[one] for one in MEANS]
        if row["risk"] not in RISKS or row["bleeding"] not in BLEEDING:
            faults.add(row.place(), f"{name}: there is no such pair.", f"Write {', '.join(RISKS)}; low or high.")
        if not set(asked) <= {"yes", "no", "either"}:
            faults.add(row.place(), f"{name}: {' and '.join(asked)} is no answer.", "Write yes, no or either.")
        elif asked.count("either") == 1:
            faults.add(row.place(), f"{name}: one of the two is asked for by one alone.", "Write either twice, or yes.")
        if not row["en"] or not row["zh"]:
            faults.add(row.place(), f"{name}: it has no words in both languages.", "Fill `en` and `zh`.")
    for pair in product(RISKS, BLEEDING):
        if pair not in cells:
            faults.add(f"{path.name}:1", f"nothing is said of {' '.join(pair)}.", "Add a line for that pair.")
    faults.tell()
    return cells


def action(risk: str | None, bleeding: str | None, barred: Sequence[Barred] = ()) -> Action:
    """The cell of the matrix. One that is not known leaves what both of its possibilities have in common."""
    cells = [cell for (one, other), cell in _cells().items() if one == (risk or one) and other == (bleeding or other)]
    same = {cell["en"]: cell for cell in cells}
    (words,) = ({"en": cell["en"], "zh": cell["zh"]} for cell in same.values()) if len(same) == 1 else ({},)
    means = tuple(one for one in MEANS if all(cell[one] != "no" for cell in cells))
    return Action(risk, bleeding, means, words, tuple(one for one in barred if one.holds is not False))


def barriers(made: Definition, judged: Judged) -> list[Barred]:
    """Every contraindication with whether it holds for a patient."""
    values = {name: one.value for name, one in judged.facts.items()}
    found = []
    for means, listed in made.barred.items():
        for name, (expression, words) in listed.items():
            value = expression.value(values)
            holds = value if isinstance(value, bool) else None
            found.append(Barred(means, name, words, holds, expression.names))
    return found
