"""The rule sets by name, read from their files."""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

# A record belongs to the first of these that it fits: reports of a laboratory name orders too.
SETS = ("frontpage", "settlement", "labreport", "order")
DIMENSIONS = ("completeness", "consistency", "integration", "timeliness")
TYPES = ("required", "conditional", "validity", "logic")
# How far a rule was checked: C computed here, S its text was seen in a copy of somebody else's, K known in the field
# and seen nowhere; none was held against the official text.
CHECKED = ("C", "S", "K")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: of the records for which `asked` holds, those are wrong for which `wrong` does.

    Either may count several things of a record instead (a whole number). `field` is the column that it is about; a file
    without it cannot be asked. `en` and `zh` say what is wrong.
    """

    rule_id: str
    field: str
    type: str
    dimension: str
    en: str
    zh: str
    asked: str
    wrong: str
    source: str
    checked: str

    def says(self, language: str) -> str:
        """What is wrong, in a sentence."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, slots=True)
class Point:
    """Points that a record has where none of some rules is broken; of a group no more than its cap are lost."""

    group: str
    points: float
    rules: Sequence[str]
    en: str
    zh: str
    source: str
    checked: str


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules about one kind of record.

    `needs`: the columns by which its records are known; `columns`: other names of each column; `lists`: elements of
    numbered columns (`count`, by part the pattern of its column, and `main`, which comes first); `let`: expressions by
    name, or a list of columns, which stands for how many of them there are; `known`: what `concept(code, name)` looks
    up, by name.
    """

    name: str
    title: Mapping[str, str]
    needs: Sequence[str]
    columns: Mapping[str, Sequence[str]]
    lists: Mapping[str, Mapping[str, Any]]
    let: Mapping[str, str | Sequence[str]]
    known: Mapping[str, Mapping[str, str]]
    rules: Sequence[Rule]
    points: Sequence[Point]
    whole: int
    caps: Mapping[str, float]

    def rule(self, rule_id: str) -> Rule:
        """The rule of that id. Raises KeyError."""
        return next(one for one in self.rules if one.rule_id == rule_id)


@cache
def sets() -> Mapping[str, RuleSet]:
    """All rule sets by name."""
    return MappingProxyType({name: _read(name) for name in SETS})


@cache
def sources() -> Mapping[str, Mapping[str, str]]:
    """Where rules, points, items and requirements come from, by the name in their column `source`: in two languages."""
    rows = csv.DictReader(_text("sources.csv").splitlines())
    return MappingProxyType({row["id"]: {"en": row["en"], "zh": row["zh"]} for row in rows})


@cache
def digest() -> str:
    """What tells one state of the rules from another."""
    folder = files("isthmus.quality.rules")
    parts = sorted(one.name for one in folder.iterdir() if one.name.endswith((".csv", ".yaml")))
    return hashlib.sha256("\0".join(_text(name) for name in parts).encode()).hexdigest()


@cache
def rule(rule_id: str) -> Rule:
    """The rule of that id, of whichever set. Raises KeyError."""
    return {one.rule_id: one for every in sets().values() for one in every.rules}[rule_id]


def _read(name: str) -> RuleSet:
    head = yaml.load(_text(f"{name}.yaml"), yaml.CSafeLoader)
    rules = tuple(Rule(*row.values()) for row in csv.DictReader(_text(f"{name}.csv").splitlines()))
    points = tuple(
        Point(**{**row, "points": float(row["points"]), "rules": tuple(row["rules"].split())})  # type: ignore[arg-type]  # the file has these columns
        for row in (csv.DictReader(_text(f"{name}.points.csv").splitlines()) if "points" in head else ())
    )
    return RuleSet(
        name, head["title"], tuple(head["needs"]), head.get("columns", {}), head.get("lists", {}), head.get("let", {}),
        head.get("known", {}), rules, points, head.get("points", 0), head.get("caps", {}),
    )  # fmt: skip


def _text(name: str) -> str:
    return (files("isthmus.quality.rules") / name).read_text(encoding="utf-8")
