"""Checks as values: those of the OHDSI Data Quality Dashboard, 27 types and what each of them is run on, and our own.

`types.yaml` says what a type of check counts; `checks.csv` has a row for every check of CDM 5.3 and 5.4 with its limit
and its threshold. Names, ids, thresholds and places in Kahn's framework are those of the dashboard, version 2.8.4 (see
NOTICE). `rules.yaml` and `rules.csv` are the same for checks of our own; their level is RULE.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from isthmus.base.errors import UsageError

DQD_VERSION = "2.8.4"
VERSIONS = ("5.3", "5.4")
RULE = "RULE"  # the level of our own checks


@dataclass(frozen=True, slots=True)
class Type:
    """A type of check.

    `level` is TABLE, FIELD, CONCEPT or RULE. `over` names the source that `violated` counts in, `among` that of `of`;
    both counts are SQL over roles (see types.yaml). `given` says what the value of a check is: a column, columns with
    blanks between, a limit, a word, concepts or nothing; `takes` what a field of text is read as: a day, a number or
    what it is; `never` the type of column that cannot be wrong; `blank` is "right" where a row without a value never
    is.
    """

    name: str
    level: str
    context: str
    category: str
    subcategory: str
    severity: str
    sql_file: str
    says: str
    over: str
    violated: str = ""
    among: str = "rows"
    of: str = ""
    given: str = ""
    takes: str = ""
    never: str = ""
    blank: str = ""
    where: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """One check: its type, and what it is run on.

    `concepts` are the concepts that a check of level CONCEPT is about. `value` is what the type needs beside the field:
    a second field (`table.column` where it is in another table), a limit, a word, or concepts with blanks between.
    `threshold` is the per cent of rows that may be wrong; None counts as 0.
    """

    type: Type
    table: str
    field: str
    concepts: tuple[int, ...]
    value: str
    threshold: float | None

    @property
    def check_id(self) -> str:
        """The id that the dashboard gives it: `field_isrequired_person_person_id`."""
        concepts = ",".join(map(str, self.concepts))
        parts = (self.type.level, self.type.name, self.table, self.field, concepts)
        return "_".join(part for part in parts if part).lower()

    @property
    def target(self) -> tuple[str, str]:
        """Table and column that the check looks at beside its own field; empty texts where there are none."""
        if self.type.given != "column" or not self.value:
            return "", ""
        table, _, column = self.value.rpartition(".")
        return table or self.table, column

    @property
    def compared(self) -> Sequence[str]:
        """The columns beside its field in which rows have to be the same to be counted."""
        return self.value.split() if self.type.given == "columns" else ()

    @property
    def sentence(self) -> str:
        """What is wrong with the rows that it counts."""
        concepts = ", ".join(map(str, self.concepts))
        return self.type.says.format(table=self.table, field=self.field, value=self.value, concept=concepts)


@cache
def types() -> Mapping[str, Type]:
    """The types of check by name, in the order of the dashboard."""
    return _types("types.yaml")


@cache
def checks(version: str) -> Sequence[Check]:
    """The dashboard's checks of a version of the CDM (5.3 or 5.4). Raises UsageError for another."""
    return _checks("checks.csv", types(), version)


@cache
def rules(version: str) -> Sequence[Check]:
    """Our own checks of a version of the CDM. Raises UsageError for another than 5.3 and 5.4."""
    return _checks("rules.csv", _types("rules.yaml"), version)


@cache
def digest(version: str) -> str:
    """What tells one state of the check set of a version from another."""
    names = ("types.yaml", "checks.csv", "rules.yaml", "rules.csv")
    texts = (DQD_VERSION, version, *map(_text, names))
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def _types(name: str) -> Mapping[str, Type]:
    told: Mapping[str, Any] = yaml.load(_text(name), yaml.CSafeLoader)
    return {name: _type(name, **body) for name, body in told.items()}


def _checks(name: str, kinds: Mapping[str, Type], version: str) -> Sequence[Check]:
    if version not in VERSIONS:
        raise UsageError(f"there are no checks for CDM {version}. Known: {', '.join(VERSIONS)}.")
    rows = csv.DictReader(_text(name).splitlines())
    return tuple(_check(row, kinds[row["check"]]) for row in rows if version in row["versions"].split())


def _type(name: str, *, kahn: Sequence[str], **body: Any) -> Type:
    context, category, subcategory = kahn
    return Type(name=name, context=context, category=category, subcategory=subcategory, **body)


def _check(row: Mapping[str, str], kind: Type) -> Check:
    concepts = tuple(int(one) for one in row["concept"].split(",") if one)
    threshold = float(row["threshold"]) if row["threshold"] else None
    check = Check(kind, row["table"], row["field"], concepts, row["value"], threshold)
    table, column = check.target
    named = [f"its {table}"] if column == check.field else []
    special: Mapping[str, Any] | None = next((kind.where[one] for one in (*named, table) if one in kind.where), None)
    return check if special is None else replace(check, type=replace(kind, **special))


def _text(name: str) -> str:
    return (files("isthmus.quality.checks") / name).read_text(encoding="utf-8")
