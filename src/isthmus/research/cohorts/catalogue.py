"""What a criterion may ask of each kind of event, as data: `domains.csv`, `attributes.csv`, `refused.csv`.

`domains.csv`: an event domain of Circe, its table, and the columns that give id, concepts, start, end and visit; their
order is the order of domains where events tie. `attributes.csv`: an attribute, its kind, and its meaning as an
expression over the event (`c`, with `start_day` and `end_day` as days since 1970), its person (`p`), visit (`v`),
provider (`r`) and care site (`s`). `refused.csv`: what Circe can say and nothing can answer.

Beside the domains of Circe stands one of ours, `Cohort`: the stays in other cohorts of the same run; and beside what
Circe asks of a person, the site that the person is of.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent
DEMOGRAPHIC = "Demographic"
COHORT, PERSON = "Cohort", "Person"
MEMBER = "member"
"""The table of stays in cohorts that were found before, on the desk of a run."""
KINDS = frozenset(
    {
        "integer", "decimal", "date", "concepts", "selection", "codeset", "text", "flag",  # tests of an event
        "first", "adjustment", "period", "exclude",  # that change what is tested
        "count",  # columns whose distinct values may be counted
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attribute:
    """One thing that may be asked of an event. `meaning` is SQL; of an exclusion, the attribute that it turns round."""

    name: str
    kind: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Domain:
    """A kind of event: where its rows are, and what may be asked of them. Absent columns are empty texts."""

    name: str
    order: int
    table: str
    id: str
    concept: str
    source: str
    source_attribute: str
    start: str
    end: str
    visit: str
    attributes: Mapping[str, Attribute]
    counts: Mapping[str, Attribute]


@cache
def domains() -> Mapping[str, Domain]:
    """Every kind of event by its name in Circe."""
    found = {}
    for order, row in enumerate(_rows("domains.csv")):
        name = row.pop("domain")
        found[name] = Domain(name=name, order=order, **row, attributes=_of(name, False), counts=_of(name, True))
    return MappingProxyType(found)


@cache
def kinds() -> Mapping[str, Domain]:
    """Every kind of event by its name: those of Circe, and stays in other cohorts."""
    stay = Domain(
        name=COHORT, order=len(domains()), table=MEMBER, id="member_id", concept="cohort", source="",
        source_attribute="", start="start_date", end="end_date", visit="", attributes=_of(COHORT, False),
        counts=_of(COHORT, True),
    )  # fmt: skip
    return MappingProxyType({**domains(), COHORT: stay})


@cache
def persons() -> Mapping[str, Attribute]:
    """What may be asked of the person at an index event: what Circe asks, and what is ours."""
    return MappingProxyType({**demographics(), **_of(PERSON, False)})


@cache
def demographics() -> Mapping[str, Attribute]:
    """What Circe may ask of the person at an index event."""
    return _of(DEMOGRAPHIC, False)


@cache
def refused() -> Mapping[tuple[str, str], str]:
    """Why an attribute of a domain (or the whole domain, under an empty name) has no answer here."""
    return MappingProxyType({(row["domain"], row["attribute"]): row["cause"] for row in _rows("refused.csv")})


@cache
def _attributes() -> Mapping[str, list[Attribute]]:
    found: dict[str, list[Attribute]] = {}
    for row in _rows("attributes.csv"):
        found.setdefault(row["domain"], []).append(Attribute(row["attribute"], row["kind"], row["meaning"]))
    return found


def _of(domain: str, counted: bool) -> Mapping[str, Attribute]:
    chosen = [one for one in _attributes()[domain] if (one.kind == "count") == counted]
    return MappingProxyType({one.name: one for one in chosen})


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
