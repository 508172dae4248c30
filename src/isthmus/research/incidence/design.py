"""A design of incidence as a value. Cohorts are called by their names, days are counted since 1970-01-01."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AtRisk:
    """From when to when a stay is at risk: days from the start (or `*_of_end`, the end) of the stay."""

    start_days: int = 0
    start_of_end: bool = False
    end_days: int = 0
    end_of_end: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is counted: the starts of stays in a cohort.

    After an outcome starts its person is not at risk of it, until `clean` days after it ended; nor during stays in the
    cohort `unless`.
    """

    cohort: str
    clean: int = 0
    unless: str | None = None


@dataclass(frozen=True, slots=True)
class Analysis:
    """Which targets, outcomes and times at risk are combined, by name: each with each."""

    targets: tuple[str, ...]
    outcomes: tuple[str, ...]
    at_risk: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Strata:
    """By what the answer is divided. Each entry of `ages` is a list of first years of age groups, ascending."""

    ages: tuple[tuple[int, ...], ...] = ()
    sex: bool = False
    year: bool = False

    def groups(self) -> list[tuple[int, int | None, int | None]]:
        """The age groups: number from 1, first year or None, first year of the next group or None."""
        found: list[tuple[int, int | None, int | None]] = []
        for breaks in self.ages:
            for low, high in zip((None, *breaks), (*breaks, None), strict=True):
                found.append((len(found) + 1, low, high))
        return found

    def kinds(self) -> list[tuple[bool, bool, bool]]:
        """Every combination that is answered, as (by age, by sex, by year); everybody together is the first."""
        return [
            (age, sex, year)
            for age in (False, True)
            for sex in (False, True)
            for year in (False, True)
            if age <= bool(self.ages) and sex <= self.sex and year <= self.year
        ]


@dataclass(frozen=True, slots=True)
class Design:
    """All that is asked. `study` are the first and last day that count, None where open."""

    targets: Mapping[str, str]  # name of the target: name of its cohort
    outcomes: Mapping[str, Outcome]
    at_risk: Mapping[str, AtRisk]
    analyses: tuple[Analysis, ...]
    subgroups: Mapping[str, str]
    strata: Strata = Strata()
    study: tuple[int | None, int | None] = (None, None)
    title: str = ""

    def cohorts(self) -> set[str]:
        """The names of all cohorts that are needed."""
        also = {one.unless for one in self.outcomes.values() if one.unless is not None}
        return {
            *self.targets.values(),
            *self.subgroups.values(),
            *(one.cohort for one in self.outcomes.values()),
            *also,
        }

    def asked(self) -> list[tuple[str, str, str]]:
        """Every combination of target, outcome and time at risk, once, in the order of the analyses."""
        return list(
            dict.fromkeys(
                (target, outcome, time)
                for one in self.analyses
                for target in one.targets
                for outcome in one.outcomes
                for time in one.at_risk
            )
        )
