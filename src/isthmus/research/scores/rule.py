"""A score as it was read: inputs, steps, points, grades, examples."""

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.research.expression import Expression, Kind
from isthmus.research.expression.node import Scalar


@dataclass(frozen=True, slots=True)
class Input:
    """One thing that a score needs.

    `unit`: UCUM, empty for what has none; `equals`: one of its units is taken for so many of `unit`. `low` and `high`
    are admitted themselves. `codes` are all that may be said (texts, or numbers). `otherwise` is taken where nothing is
    told; `optional`: the score does without.
    """

    name: str
    title: str
    title_zh: str
    kind: Kind
    unit: str = ""
    analyte: str = ""
    equals: tuple[str, float] | None = None
    low: float | None = None
    high: float | None = None
    whole: bool = False
    codes: tuple[Scalar, ...] = ()
    otherwise: Scalar = None
    optional: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Checked:
    """What of a rule was held against what: `how` is `read` (that text was seen) or `recalled` (known, not re-read)."""

    what: str
    how: str
    against: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Up to a limit: below it when `strict`, else with it; None for everything that is left."""

    limit: float | None
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Points:
    """How many points an input or step gives: by cuts in rising order, or by its codes."""

    item: str
    cuts: tuple[tuple[Cut, float], ...] = ()
    codes: tuple[tuple[Scalar, float], ...] = ()

    @property
    def possible(self) -> tuple[float, ...]:
        """All points that may be given."""
        return tuple(points for _, points in (*self.cuts, *self.codes))


@dataclass(frozen=True, slots=True)
class Grade:
    """One grade: by a cut of the value, or by a condition; neither means all that is left."""

    grade: str
    title: str
    title_zh: str
    cut: Cut | None = None
    when: Expression | None = None


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: what is told (as `patient.Told` takes it) and what must come out."""

    place: str
    given: Mapping[str, object]
    value: float | None
    places: int
    grade: str | None
    missing: tuple[str, ...]
    steps: Mapping[str, tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Score:
    """A score or stage of one version. `round`: decimals of the value that is told; grades look at the exact one."""

    name: str
    version: str
    title: str
    title_zh: str
    family: str
    source: str
    checked: tuple[Checked, ...]
    about: str
    partial: str
    inputs: Mapping[str, Input]
    let: Mapping[str, Expression]
    points: tuple[Points, ...]
    value: Expression | None
    unit: str
    round: int | None
    grades: tuple[Grade, ...]
    examples: tuple[Example, ...]
    place: str

    @property
    def has_value(self) -> bool:
        """Whether it is a number and not only a grade."""
        return self.value is not None or bool(self.points)
