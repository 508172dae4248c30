"""Which of the simulation's errors could be told at all: by a judge that knows how the simulation draws its numbers.

Of units the judge is given what no detector has: the distribution that each result is drawn from, the patient's own
course of liver disease, how often units are wrong (3 of 1,000), and how many digits each laboratory prints. A result is
decidable when the judge would call it wrong, for that is likelier than not (Bayes). What it cannot tell is lost to
everybody: a number that was written as below the analyser's limit, or a factor within what the body does. Of silent
days it is given how many patients are usual on such a day, and how many days were silent.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq
from scipy import stats

from isthmus.simulation import assay, catalogue, dirt

Floats = npt.NDArray[np.float64]
Below = Callable[[Floats], Floats]
"""The share of true results up to a number."""
WRONG = assay.RATES[dirt.UNIT]
LIKELIER = 0.5
STEPS = np.arange(-60, 61)  # of the last digit, around the one true result that would be written so but for rounding
WEEKS = 6  # before and after a day, that tell what is usual on it
COLUMNS = [
    "site", "feed", "keyspace", "person_key", "concept_id", "unit_concept_id", "date", "value", "true_value",
    "source_key",
]  # fmt: skip


def wrong_units(truth: Path) -> list[dict[str, Any]]:
    """The results in a wrong unit that an export holds, each with `test` and with `chance`, what the judge says."""
    table = pq.read_table(truth / "event.parquet", columns=[*COLUMNS, "table", "recoverable", "covered", "error"])
    chosen = (pc.field("error") == "units") & pc.field("recoverable") & pc.field("covered")
    chosen &= (pc.field("table") == "measurement") & pc.is_valid(pc.field("value"))
    rows: list[dict[str, Any]] = table.filter(chosen).select(COLUMNS).to_pylist()
    ill = {_whose(one): one for one in pq.read_table(truth / "liver.parquet").to_pylist()}
    tests = catalogue.tests()
    by_concept = {int(concept): row for row, concept in enumerate(tests.codes.concept)}
    for row in rows:
        row["test"] = by_concept[row["concept_id"]]
        other = row["unit_concept_id"] == catalogue.units().concept[tests.other_unit[row["test"]]]
        row["chance"] = chance(row["test"], row["value"], other=other, ill=ill.get(_whose(row)))
    return rows


def chance(test: int, number: float, *, other: bool, ill: Mapping[str, Any] | None) -> float:
    """How likely a written number is in the other unit than in the one beside it (`other`: the test's second unit)."""
    right, wrong = (_likely(test, number, other=other, swapped=swapped, ill=ill) for swapped in (False, True))
    return WRONG * wrong / (WRONG * wrong + (1 - WRONG) * right) if wrong else 0.0


def silent_days(truth: Path) -> dict[tuple[str, str], float]:
    """By site and ISO day of a laboratory's outages: how likely a day without any patient is one."""
    made = pq.read_table(truth / "errors.parquet", filters=pc.field("kind") == "missing-day").to_pylist()
    chosen = (pc.field("table") == "measurement") & (pc.field("feed") == "lis")
    table = pq.read_table(truth / "event.parquet", columns=["site", "person_key", "date", "table", "feed"])
    came = table.filter(chosen).group_by(["site", "date", "person_key"]).aggregate([])
    each = Counter(zip(came["site"].to_pylist(), map(str, came["date"].to_pylist()), strict=True))
    span = (date.fromisoformat(max(day for _, day in each)) - date.fromisoformat(min(day for _, day in each))).days
    often = dirt.OUTAGES / span
    found = {}
    for one in made:
        day = date.fromisoformat(one["key"])
        near = [each[one["site"], str(day + timedelta(days=7 * week))] for week in range(-WEEKS, WEEKS + 1) if week]
        found[one["site"], one["key"]] = often / (often + (1 - often) * float(np.exp(-np.mean(near))))
    return found


def _likely(test: int, number: float, *, other: bool, swapped: bool, ill: Mapping[str, Any] | None) -> float:
    """How often a true result is written as this number, with its own unit or, `swapped`, with the other one."""
    tests = catalogue.tests()
    times = float(tests.factor[test]) if other != swapped else 1.0
    decimals = 2 if swapped else int((tests.other_decimals if other else tests.decimals)[test])
    printed = float(tests.factor[test]) if other else 1.0
    bottom = round(assay.LOWEST.get(tests.key[test], -np.inf) * printed, 3)
    top = round(assay.HIGHEST.get(tests.key[test], np.inf) * printed, 3)
    step = 10.0 ** -float(tests.decimals[test])
    below = list(_drawn(test, ill))
    if number <= bottom or number >= top:
        edge = np.array([(bottom if number <= bottom else top) / times])
        return float(np.mean([float(one(edge)[0]) for one in below]) if number <= bottom
                     else np.mean([1 - float(one(edge)[0]) for one in below]))  # fmt: skip
    value = np.round(number / times / step + STEPS) * step
    printed_so = abs(round(number, decimals) - number) < 1e-9 * max(number, 1.0)
    same = (np.abs(value * times - number) <= 0.5 * 10.0**-decimals + 1e-9 * max(number, 1.0)) & printed_so
    edges = np.stack([value[same] - step / 2, value[same] + step / 2])
    return float(np.mean([(one(edges[1]) - one(edges[0])).sum() for one in below]))


def _drawn(test: int, ill: Mapping[str, Any] | None) -> Iterator[Below]:
    """What a result is drawn from, in the test's first unit: of a person of ordinary health, or of one's course."""
    tests = catalogue.tests()
    mean, deviation = float(tests.mean[test]), float(tests.sd[test])
    usual = _floored(stats.norm(mean, deviation).cdf, 0.15 * mean)
    course = [] if ill is None else list(_courses(tests.key[test], ill))
    for one in course or [usual]:
        yield from (usual, one)


def _courses(key: str, ill: Mapping[str, Any]) -> Sequence[Below]:
    """The same of a patient's own course, where the test follows it (see simulation/course.py)."""
    if key == "ALB":
        return [stats.norm(ill["albumin"], 1.2).cdf]
    if key in ("TBIL", "DBIL"):
        level, spread = (ill["bilirubin"], 0.12) if key == "TBIL" else (0.4 * ill["bilirubin"], 1e-4)
        return [stats.lognorm(spread, scale=level).cdf]
    if key == "AFP":
        return [stats.lognorm(0.25, scale=one).cdf for one in (ill["afp"], min(0.1 * ill["afp"], 12) + 1)]
    if key == "PLT":
        return [stats.norm(148 - 12 * (ill["points"] - 5), 45).cdf]
    return []


def _floored(below: Below, floor: float) -> Below:
    return lambda value: np.where(value < floor - 1e-9, 0.0, below(value))


def _whose(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row["site"]), str(row["keyspace"]), str(row["person_key"])
