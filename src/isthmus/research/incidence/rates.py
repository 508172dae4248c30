"""From a design and the stays on a desk to persons at risk, days, cases, proportions and rates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import stats

from isthmus.base.errors import InputError
from isthmus.gate.desk import Desk
from isthmus.research.cohorts.concepts import step
from isthmus.research.incidence import statements
from isthmus.research.incidence.design import Design

FAR = 2_000_000_000  # later than any day, older than any person
DAYS_OF_YEAR = 365.25
PER = 100.0  # persons, and years of persons, to which proportion and rate are referred
SURE = 0.95
STEPS = (
    ("observed", statements.OBSERVED), ("exposed", statements.EXPOSED), ("spell", statements.SPELL),
    ("losing", statements.LOSING), ("lost", statements.LOST), ("burden", statements.BURDEN),
    ("cell", statements.CELL), ("total", statements.TOTAL), ("less", statements.LESS),
)  # fmt: skip
SCHEMAS = {
    "risk": pa.schema(
        [("target", pa.int32()), ("cohort", pa.int32()), ("time", pa.int32()), ("start_of_end", pa.bool_()),
         ("start_days", pa.int32()), ("end_of_end", pa.bool_()), ("end_days", pa.int32())]
    ),
    "outcome": pa.schema(
        [("outcome", pa.int32()), ("cohort", pa.int32()), ("clean", pa.int32()), ("unless", pa.int32())]
    ),
    "subgroup": pa.schema([("subgroup", pa.int32()), ("cohort", pa.int32())]),
    "asked": pa.schema([("target", pa.int32()), ("outcome", pa.int32()), ("time", pa.int32())]),
    "kind": pa.schema([("age", pa.bool_()), ("sex", pa.bool_()), ("year", pa.bool_())]),
    "age_group": pa.schema([("age_group", pa.int32()), ("low", pa.int32()), ("high", pa.int32())]),
    "study": pa.schema([("earliest", pa.int32()), ("latest", pa.int32())]),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Incidence:
    """The answer. `table` has a row for every combination asked and everything that divides it.

    `target, outcome, at_risk, subgroup` are names (`subgroup` null: everybody), `age_group` is `18-44`, `sex` the
    concept, `year` that in which the time at risk began; null: not divided by it. `persons`, `days`, `persons_with`
    and `outcomes` are without what clean windows and `unless` exclude, those that end with `_before` with it.
    `proportion` is per 100 persons, `rate` per 100 years of persons, with its exact 95 % interval (Garwood 1936).
    """

    design: Design
    table: pa.Table


def incidence(desk: Desk, design: Design, cohorts: Mapping[str, int]) -> Incidence:
    """Answer a design from the table `result` of a desk; `cohorts` has the number of each cohort in it.

    Raises InputError when a cohort that the design names is not there.
    """
    for name, rows in _parameters(design, cohorts).items():
        desk.lay(name, pa.Table.from_pylist(rows, schema=SCHEMAS[name]))
    for name, sql in STEPS:
        desk.make(name, step(sql))
    found = desk.take(step(statements.RATES))
    desk.drop(*SCHEMAS, *(name for name, _ in STEPS))
    return Incidence(design, _named(found, design))


def _parameters(design: Design, cohorts: Mapping[str, int]) -> dict[str, list[dict[str, object]]]:
    absent = sorted(design.cohorts() - set(cohorts))
    if absent:
        raise InputError(
            f"the design of incidence names {', '.join(absent)}, which no definition has as its name. "
            "Name definitions by their files without the ending, and give all of them to the command."
        )
    targets, outcomes, times = (_numbers(one) for one in (design.targets, design.outcomes, design.at_risk))
    earliest, latest = design.study
    return {
        "risk": _times_at_risk(design, cohorts, targets, times),
        "outcome": [
            {
                "outcome": outcomes[name], "cohort": cohorts[one.cohort], "clean": one.clean,
                "unless": None if one.unless is None else cohorts[one.unless],
            }
            for name, one in design.outcomes.items()
        ],
        "subgroup": [
            {"subgroup": number, "cohort": cohorts[design.subgroups[name]]}
            for name, number in _numbers(design.subgroups).items()
        ],
        "asked": [
            {"target": targets[target], "outcome": outcomes[outcome], "time": times[time]}
            for target, outcome, time in design.asked()
        ],
        "kind": [{"age": age, "sex": sex, "year": year} for age, sex, year in design.strata.kinds()],
        "age_group": [
            {"age_group": number, "low": -FAR if low is None else low, "high": FAR if high is None else high}
            for number, low, high in design.strata.groups()
        ],
        "study": [{"earliest": -FAR if earliest is None else earliest, "latest": FAR if latest is None else latest}],
    }  # fmt: skip


def _times_at_risk(
    design: Design, cohorts: Mapping[str, int], targets: Mapping[str, int], times: Mapping[str, int]
) -> list[dict[str, object]]:
    """One row for each target with each of its times at risk."""
    return [
        {
            "target": targets[target], "cohort": cohorts[design.targets[target]], "time": times[time],
            "start_of_end": design.at_risk[time].start_of_end, "start_days": design.at_risk[time].start_days,
            "end_of_end": design.at_risk[time].end_of_end, "end_days": design.at_risk[time].end_days,
        }
        for target, time in dict.fromkeys((target, time) for target, _, time in design.asked())
    ]  # fmt: skip


def _numbers(names: Mapping[str, object]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names, start=1)}


def _named(found: pa.Table, design: Design) -> pa.Table:
    """The answer with names in the place of numbers, and what is computed from the counts."""
    groups = {number: _group(low, high) for number, low, high in design.strata.groups()}
    said: dict[str, pa.Array] = {}
    for column, names in (("target", design.targets), ("outcome", design.outcomes), ("time", design.at_risk)):
        said["at_risk" if column == "time" else column] = _called(found, column, list(names))
    said["subgroup"] = _called(found, "subgroup", [None, *design.subgroups], first=0)
    said["age_group"] = pa.array([groups.get(one) for one in found.column("age_group").to_pylist()], pa.string())
    counts = {name: found.column(name) for name in found.column_names[5:]}
    persons, days, ill, outcomes = (
        counts[name].to_numpy().astype(np.float64) for name in ("persons", "days", "persons_with", "outcomes")
    )
    years = days / DAYS_OF_YEAR
    low, high = interval(outcomes)
    measures = {
        "proportion": _per(ill, persons), "rate": _per(outcomes, years), "rate_low": _per(low, years),
        "rate_high": _per(high, years),
    }  # fmt: skip
    return pa.table(said | counts | measures)


def interval(counts: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The exact 95 % interval of Poisson counts (Garwood 1936): from 0 where nothing was counted."""
    tail = (1 - SURE) / 2
    low = np.where(counts > 0, stats.chi2.ppf(tail, 2 * np.maximum(counts, 1)) / 2, 0.0)
    return low, stats.chi2.ppf(1 - tail, 2 * (counts + 1)) / 2


def _per(counts: npt.NDArray[np.float64], of: npt.NDArray[np.float64]) -> pa.Array:
    """Counts per 100 of what they are referred to; null where that is nothing."""
    known = of > 0
    return pa.array(PER * counts / np.where(known, of, 1.0), pa.float64(), mask=~known)


def _called(found: pa.Table, column: str, names: Sequence[str | None], first: int = 1) -> pa.Array:
    return pa.array([names[one - first] for one in found.column(column).to_pylist()], pa.string())


def _group(low: int | None, high: int | None) -> str:
    if low is None:
        return f"<{high}"
    return f"{low}+" if high is None else f"{low}-{high - 1}"
