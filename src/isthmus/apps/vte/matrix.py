"""What is to be done: by the risk and the risk of bleeding (`matrix.csv`), less what is contraindicated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from isthmus.apps.contract.documents import sheet
from isthmus.apps.vte.evidence.chart import Judged
from isthmus.apps.vte.evidence.definition import Definition

HERE = Path(__file__).parent
MEANS = ("drug", "mechanical")


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
    columns = ("score", "grade", "risk")
    rows = sheet.read(HERE / "groups.csv", file="groups.csv", columns=columns, needed=columns)
    return {(row["score"], row["grade"]): row["risk"] for row in rows}


@cache
def _cells() -> Mapping[tuple[str, str], Mapping[str, str]]:
    columns = ("risk", "bleeding", "drug", "mechanical", "en", "zh")
    rows = sheet.read(HERE / "matrix.csv", file="matrix.csv", columns=columns, needed=columns)
    return {(row["risk"], row["bleeding"]): row for row in rows}


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
