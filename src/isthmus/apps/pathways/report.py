"""What an evaluation shows: rules, hospitals, patients, variants with what followed them; plain values, no page."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from isthmus.apps.contract.research import Funnel, funnel, survival
from isthmus.apps.pathways.evaluate import Evaluation
from isthmus.apps.pathways.pack import Rule
from isthmus.apps.pathways.statements import CAUSES, MET, NOT_ASSESSABLE, STATES, VIOLATED

EPOCH = date(1970, 1, 1)
WINSORISED = 0.1
FEWEST_HOSPITALS = 3
VARIANTS = 12
"""Variants that are told apart; the rest are told together."""
YEAR = 365.25
LEVELS = (0.95, 0.998)
Row = dict[str, Any]
Justified = Mapping[tuple[int, str, date], Row]
"""Deviations that somebody gave a reason for, by person, rule and day of the pathway's beginning."""


@dataclass(frozen=True, slots=True)
class Hospital:
    """How often a rule was met at a hospital, of those that could be judged, and whether that lies outside the limits.

    `outside`: 0.95 or 0.998 where the share lies beyond those limits of the other hospitals, else 0.
    """

    name: str
    met: int
    violated: int
    outside: float

    @property
    def judged(self) -> int:
        """How many could be judged."""
        return self.met + self.violated


@dataclass(frozen=True, slots=True)
class Followed:
    """A rule: how often what became of it, why it was not judged, and its hospitals with what is expected of them."""

    rule: Rule
    states: Mapping[str, int]
    causes: Mapping[str, int]
    justified: int
    hospitals: Sequence[Hospital]
    expected: Funnel | None

    @property
    def share(self) -> float | None:
        """The share met of those that could be judged; None where none could."""
        judged = self.states["met"] + self.states["violated"]
        return self.states["met"] / judged if judged else None


@dataclass(frozen=True, slots=True)
class Variant:
    """One order of treatments, who had it, and what followed: crude, for the groups differ before they are treated."""

    path: tuple[int, ...]
    n: int
    deaths: int
    alive: tuple[float | None, float | None]
    median_years: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """All of it. `patients` has a row for each episode."""

    evaluation: Evaluation
    edition: int
    rules: Sequence[Followed]
    patients: Sequence[Row]
    variants: Sequence[Variant]
    others: int


def report(evaluation: Evaluation, edition: int, justified: Justified | None = None) -> Report:
    """What an evaluation of an edition shows."""
    given = justified or {}
    results = evaluation.results.to_pylist()
    begun = {row["episode"]: row["day"] for row in evaluation.episodes.to_pylist()}
    names = {rule.number: rule.name for rule in evaluation.pack.rules.values()}
    for row in results:
        row["reason"] = given.get((row["person_id"], names[row["rule"]], day_of(begun[row["episode"]])))
    by_rule: dict[int, list[Row]] = defaultdict(list)
    for row in results:
        by_rule[row["rule"]].append(row)
    rules = [_followed(rule, by_rule[rule.number]) for rule in evaluation.pack.rules.values()]
    variants, others = _variants(evaluation)
    return Report(evaluation, edition, rules, list(_patients(evaluation, results, names)), variants, others)


def day_of(day: int) -> date:
    """Days since 1970 as a date."""
    return EPOCH + timedelta(days=day)


def _followed(rule: Rule, rows: Sequence[Row]) -> Followed:
    states = Counter(STATES[row["state"]] for row in rows)
    causes = Counter(CAUSES[row["cause"]] for row in rows if row["state"] == NOT_ASSESSABLE)
    counted: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        if row["state"] in (MET, VIOLATED):
            counted[row["hospital"] or ""][row["state"] == VIOLATED] += 1
    hospitals, expected = _hospitals(counted)
    justified = sum(row["reason"] is not None and row["state"] == VIOLATED for row in rows)
    return Followed(rule, {name: states[name] for name in STATES}, dict(causes), justified, hospitals, expected)


def _hospitals(counted: Mapping[str, Sequence[int]]) -> tuple[list[Hospital], Funnel | None]:
    """Hospitals by name, each compared with the others; and the funnel around the share of all."""
    names = sorted(counted)
    met = np.array([counted[name][0] for name in names], float)
    rows = met + np.array([counted[name][1] for name in names], float)
    outside = [0.0] * len(names)
    expected = None
    if len(names) >= FEWEST_HOSPITALS and 0 < met.sum() < rows.sum():
        share = float(met.sum() / rows.sum())
        z = (met / rows - share) / np.sqrt(share * (1 - share) / rows)
        low, high = np.quantile(z, [WINSORISED, 1 - WINSORISED])
        expected = Funnel(share, max(1.0, float(np.mean(np.clip(z, low, high) ** 2))), len(names), 0.0, 1.0)
        for at in range(len(names)):
            one = funnel(met, rows, at, winsorised=WINSORISED)
            if one is not None:
                outside[at] = max((level for level in LEVELS if one.chance < 1 - level), default=0.0)
    pairs = zip(names, outside, strict=True)
    return [Hospital(name, counted[name][0], counted[name][1], far) for name, far in pairs], expected


def _patients(evaluation: Evaluation, results: Sequence[Row], names: Mapping[int, str]) -> Iterator[Row]:
    """A row for each episode: what was met, what was violated since when, what could not be judged and why."""
    judged: dict[int, list[Row]] = defaultdict(list)
    for row in results:
        judged[row["episode"]].append(row)
    for episode in evaluation.episodes.to_pylist():
        rows = judged[episode["episode"]]
        met = sum(row["state"] == MET for row in rows)
        violated = [row for row in rows if row["state"] == VIOLATED]
        yield {
            "episode": episode["episode"], "person_id": episode["person_id"], "hospital": episode["hospital"] or "",
            "begins": day_of(episode["day"]), "met": met, "violated": len(violated),
            "score": round(met / (met + len(violated)), 4) if met or violated else None,
            "violations": [
                {"rule": names[row["rule"]], "day": day_of(row["day"]) if row["day"] is not None else None,
                 "due": day_of(row["due"]) if row["due"] is not None else None, "reason": row["reason"]}
                for row in violated
            ],
            "not_assessable": {
                names[row["rule"]]: CAUSES[row["cause"]] for row in rows if row["state"] == NOT_ASSESSABLE
            },
        }  # fmt: skip


def _variants(evaluation: Evaluation) -> tuple[list[Variant], int]:
    """The most frequent orders of treatment with crude survival since the beginning, and how many had another."""
    paths = evaluation.variants.column("path").to_pylist()
    counted = Counter(paths)
    chosen = sorted(counted, key=lambda path: (-counted[path], path))[:VARIANTS]
    episodes = evaluation.episodes.sort_by("episode")
    begin, last, death = (
        episodes.column(name).to_numpy(zero_copy_only=False).astype(float) for name in ("day", "last", "death")
    )
    died = ~np.isnan(death)
    times = np.maximum(np.where(died, death, last) - begin, 0)
    found = []
    for path in chosen:
        here = np.array([one == path for one in paths])
        curve = survival.kaplan_meier(times[here], died[here])
        median = curve.median()
        steps = tuple(int(one) for one in path.split(">") if one)
        alive = (_alive(curve, YEAR), _alive(curve, 3 * YEAR))
        found.append(
            Variant(steps, int(here.sum()), int(died[here].sum()), alive, None if median is None else median / YEAR)
        )
    return found, sum(counted.values()) - sum(counted[path] for path in chosen)


def _alive(curve: survival.Curve, days: float) -> float | None:
    """The share alive after so many days; None where nobody was followed so long."""
    if curve.times[-1] < days and curve.survival[-1] > 0:
        return None
    return float(curve.survival[np.searchsorted(curve.times, days, side="right") - 1])
