"""The decision: may this person, for this purpose, now, read these columns at these sites under this grant?

Plain values in and out, so that a second, independent evaluator can be asked the same. What no rule allows is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import Measure, graded, readable

PUBLIC = frozenset(name for name, table in TABLES.items() if table.group == "vocabulary")
"""Tables that say nothing about anybody, read under any grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Who asks what. `kind` is a kind of purpose, `columns` what the question names, `sites` None for all granted.

    A table whose set of columns is empty is read without naming a column, as in counting its rows.
    """

    person: str
    kind: str
    at: datetime
    columns: Mapping[str, frozenset[str]]
    sites: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What may be read: sites, and for each table its readable columns with what is done to them."""

    sites: frozenset[str]
    columns: Mapping[str, Mapping[str, Measure]]


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal: a word of the ledger's list of reasons, why, and what to do next."""

    reason: str
    why: str
    next: str


def decide(grant: Grant | None, request: Request) -> Allowed | Refused:
    """The decision on a request. It looks at nothing but its arguments."""
    if refused := _who(grant, request):
        return refused
    assert grant is not None  # or it was refused
    wanted = grant.sites if request.sites is None else request.sites
    sites = wanted & grant.open_sites
    if request.sites is not None and wanted - grant.sites:
        outside = ", ".join(sorted(wanted - grant.sites))
        return Refused("row", f"the grant does not hold the site {outside}", "ask of the sites of the grant")
    if not sites:
        return Refused("suspended", "every site asked for is suspended", "ask the stewards of the sites")
    columns: dict[str, Mapping[str, Measure]] = {}
    for table, named in request.columns.items():
        found = _table(grant, table, named)
        if isinstance(found, Refused):
            return found
        columns[table] = found
    return Allowed(sites, columns)


def _who(grant: Grant | None, request: Request) -> Refused | None:
    if grant is None:
        return Refused("grant", "there is no grant", "apply for one")
    if grant.revoked:
        return Refused("revoked", "the grant was revoked", "apply anew")
    if not grant.start <= request.at < grant.until:
        return Refused("expired", "the grant is not in force at this time", "ask for other terms, or apply anew")
    if request.person not in grant.people:
        return Refused("person", "you are not among the people of the grant", "have its applicant ask for other terms")
    if request.kind not in grant.kinds:
        allowed = ", ".join(sorted(grant.kinds))
        return Refused("purpose", f"the grant is for {allowed}, not for {request.kind}", "apply for that purpose")
    return None


def _table(grant: Grant, table: str, named: frozenset[str]) -> Mapping[str, Measure] | Refused:
    if table in PUBLIC:
        return readable(table, frozenset(column.name for column in TABLES[table].columns), 1)
    granted = grant.columns.get(table)
    if granted is None:
        return Refused("table", f"the grant does not hold {table}", "leave it out, or ask for other terms")
    found = readable(table, granted | {"site"}, grant.grade)
    if missing := named - found.keys():
        return _column(table, granted, missing, grant.grade)
    return found


def _column(table: str, granted: frozenset[str], missing: frozenset[str], grade: int) -> Refused:
    if outside := sorted(missing - granted):
        names = ", ".join(f"{table}.{column}" for column in outside)
        return Refused("column", f"the grant does not hold {names}", "select the columns of the grant before joining")
    name = min(missing)
    why = f"{table}.{name} is of grade {graded(table, name).grade}, the grant of grade {grade}"
    return Refused("grade", why, "leave it out, or apply for the higher grade")
