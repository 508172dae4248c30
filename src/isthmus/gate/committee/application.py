"""What is applied for and what is granted, as values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from types import MappingProxyType

from isthmus.base.errors import InputError
from isthmus.cdm.tables import TABLES
from isthmus.gate.use.match import Ancestors, Match, match
from isthmus.gate.use.purpose import Conditions, Purpose

Columns = Mapping[str, frozenset[str]]
LOOSE, TOLD = Decimal(10), Decimal("0.001")
"""An epsilon above this, or a delta that is not below, promises nobody anything."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much differential privacy may be spent on tables with noise; nothing where nothing was asked for."""

    epsilon: Decimal = Decimal(0)
    delta: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """Who wants which columns of which tables at which sites, for what, until when, and what may leave.

    `people` are all who would work with the data, the applicant among them. `until` is in UTC; at that moment the
    grant has ended. `grade` is the highest grade of data asked for (1 to 5), `release` the name of the rules under
    which results leave, `budget` how much may leave with noise instead. Raises InputError that tells every part
    which is missing or names what the model does not have.
    """

    applicant: str
    people: frozenset[str]
    purpose: Purpose
    summary: str
    sites: frozenset[str]
    columns: Columns
    until: datetime
    release: str = "default"
    grade: int = 3
    budget: Budget = Budget()

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        faults = [*self._missing(), *self._unknown()]
        if self.applicant not in self.people:
            faults.append("the applicant is not among the people of the application. Add the applicant to them")
        if self.grade not in range(1, 6):
            faults.append(f"there is no grade {self.grade}. Ask for one from 1 (public) to 5 (strictest)")
        if not 0 <= self.budget.epsilon <= LOOSE or not 0 <= self.budget.delta < TOLD:
            faults.append(f"a budget of privacy has an epsilon from 0 to {LOOSE} and a delta below {TOLD}")
        if faults:
            raise InputError(f"{'; '.join(faults)}.")

    def _missing(self) -> Iterator[str]:
        missing = [name for name in ("applicant", "people", "summary", "sites", "columns") if not getattr(self, name)]
        if not self.purpose.kinds:
            missing.append("kind of purpose")
        missing += [f"columns of {table}" for table, columns in self.columns.items() if not columns]
        if missing:
            yield f"the application is not complete: {', '.join(missing)} missing. Add what is missing"

    def _unknown(self) -> Iterator[str]:
        for table, columns in self.columns.items():
            if table not in TABLES:
                yield f"there is no table '{table}' in the OMOP CDM 5.4. {_near(table, TABLES)}"
                continue
            known = [*(column.name for column in TABLES[table].columns), "site"]
            for column in sorted(columns - set(known)):
                yield f"{table} has no column '{column}' in the OMOP CDM 5.4. {_near(column, known)}"


def _near(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {close[0]}" if close else "Name tables and columns of the model"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What was granted, in force from `start` up to `until` (UTC, not included)."""

    id: str
    people: frozenset[str]
    kinds: frozenset[str]
    sites: frozenset[str]
    columns: Columns
    start: datetime
    until: datetime
    release: str
    grade: int
    budget: Budget = Budget()
    suspended: frozenset[str] = frozenset()
    revoked: bool = False

    @property
    def open_sites(self) -> frozenset[str]:
        """The sites that can be read now, as far as nothing else stands against it."""
        return frozenset() if self.revoked else self.sites - self.suspended


def compare(application: Application, conditions: Mapping[str, Conditions], ancestors: Ancestors) -> dict[str, Match]:
    """The purpose against the conditions of every site applied for; a site that has stated none has a person decide."""
    silent = Conditions(codes=frozenset())
    return {
        site: match(application.purpose, conditions.get(site, silent), ancestors) for site in sorted(application.sites)
    }
