"""What `isthmus cohorts` answers, prints and writes beside the counts: incidence, overlap, who is in a cohort."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from isthmus.base.durable import replaced
from isthmus.base.errors import UsageError
from isthmus.gate.desk import Desk
from isthmus.research.cohorts.definition import Cohort
from isthmus.research.cohorts.describe import SECTIONS, describe
from isthmus.research.cohorts.overlap import overlap
from isthmus.research.cohorts.words import label
from isthmus.research.incidence.design import Design
from isthmus.research.incidence.rates import incidence
from isthmus.serving.cli.output import table

MOST = 10  # rows of a section that are shown; all are written
RATES = ("target", "outcome", "at_risk", "who", "persons", "days", "persons_with", "outcomes")
MEASURES = ("proportion", "rate", "interval")
SHARED = ("one", "other", "persons_one", "persons_other", "both", "together", "one_first", "same_day", "other_first")


@dataclass(frozen=True, slots=True)
class Beside:
    """What is asked beside counts: a design of incidence, the overlap, one or two cohorts to describe."""

    design: Design | None = None
    overlap: bool = False
    described: tuple[str, ...] = ()

    def check(self, cohorts: Sequence[Cohort]) -> None:
        """Raises UsageError where cohorts are to be described that are not there, or too many."""
        absent = [name for name in self.described if name not in {one.name for one in cohorts}]
        if absent or len(self.described) > 2:
            what = f"there is no cohort {', '.join(absent)}" if absent else "more than two cohorts are to be described"
            raise UsageError(f"{what}. Say --describe NAME, or --describe NAME,OTHER, as the definitions are called.")

    def answer(self, desk: Desk, cohorts: Sequence[Cohort]) -> dict[str, pa.Table]:
        """The tables asked for, by name, from the stays on a desk."""
        names = [one.name for one in cohorts]
        numbers = {name: number for number, name in enumerate(names, start=1)}
        found = {}
        if self.design is not None:
            found["incidence"] = incidence(desk, self.design, numbers).table
        if self.overlap:
            found["overlap"] = overlap(desk, names)
        if self.described:
            found["description"] = describe(desk, [numbers[name] for name in self.described])
        return found


def write(tables: Mapping[str, pa.Table], folder: Path) -> list[Path]:
    """Write each table as CSV under its name; the files."""
    written = []
    for name, rows in tables.items():
        with replaced(folder / f"{name}.csv") as stream:
            csv.write_csv(rows, stream, csv.WriteOptions(quoting_style="needed"))
        written.append(folder / f"{name}.csv")
    return written


def show(tables: Mapping[str, pa.Table], beside: Beside, language: str) -> None:
    """Print the tables for people."""
    if "incidence" in tables:
        heads = [label(name, language) for name in (*RATES, *MEASURES)]
        rows = [_rate(row, language) for row in tables["incidence"].to_pylist()]
        table((beside.design and beside.design.title) or label("incidence", language), heads, rows)
    if "overlap" in tables:
        rows = [[row[name] for name in SHARED] for row in tables["overlap"].to_pylist()]
        table(label("overlap", language), [label(name, language) for name in SHARED], rows)
    if "description" in tables:
        _show_description(tables["description"], beside.described, language)


def _rate(row: dict[str, Any], language: str) -> Sequence[object]:
    who = [
        row["subgroup"], row["age_group"], None if row["sex"] is None else label(str(row["sex"]), language),
        None if row["year"] is None else str(row["year"]),
    ]  # fmt: skip
    counts = [row[name] for name in RATES if name != "who"]
    said = ", ".join(one for one in who if one) or label("everybody", language)
    interval = "" if row["rate"] is None else f"{row['rate_low']:.2f} – {row['rate_high']:.2f}"
    return *counts[:3], said, *counts[3:], _number(row["proportion"]), _number(row["rate"]), interval


def _show_description(rows: pa.Table, names: Sequence[str], language: str) -> None:
    """Sections with what is most frequent in them."""
    heads = [label("what", language), label("window", language), *names]
    heads += [label("difference", language)] if len(names) == 2 else []
    shown: list[Sequence[object]] = []
    left: dict[tuple[str, object], int] = {}
    for row in rows.to_pylist():
        key = (row["section"], row["low"])
        left[key] = left.get(key, 0) + 1
        if left[key] <= MOST:
            shown.append(_told(row, names, language))
    table(label("description", language), heads, shown)


def _told(row: dict[str, Any], names: Sequence[str], language: str) -> Sequence[object]:
    section = label(row["section"], language)
    name = label(str(row["concept_id"]), language, otherwise=row["name"]) if row["section"] == "sex" else row["name"]
    values = [_value(row, place) for place in range(1, len(names) + 1)]
    window = "" if row["low"] is None else f"{row['low']} – {row['high']}"
    differs = [_number(row["difference"])] if len(names) == 2 else []
    return f"{section}: {name}".rstrip(": ") if row["section"] in SECTIONS else name, window, *values, *differs


def _value(row: dict[str, Any], place: int) -> str:
    count, value, spread = (row[f"{name}_{place}"] for name in ("n", "value", "spread"))
    if row["section"] == "all" or value is None:
        return f"{count:,}"
    if row["section"] == "age":
        return f"{value:.1f}" if spread is None else f"{value:.1f} ± {spread:.1f}"
    return f"{count:,} ({value:.1%})"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
