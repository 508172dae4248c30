"""What the page shows, as plain values: counted once here, so that charts, tables and sentences cannot disagree."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from isthmus.cdm.tables import TABLES
from isthmus.flow.ingest import Report
from isthmus.flow.lists import Waiting
from isthmus.flow.start import VOCABULARY
from isthmus.records.store import total
from isthmus.research.methods.survival import Curve, Numbers
from isthmus.serving.demonstration import Demo
from isthmus.serving.truth import Score

OUTCOMES = ("mapped", "kept", "quarantined", "duplicate", "superseded")
GOOD = 0.99
REASONS = 8
UNREADABLE = "unreadable or missing"
MONTH = 365.25 / 12
THREE_YEARS = 36.0
YEAR = 12.0

Estimate = tuple[float, tuple[float, float] | None]


class Segment(NamedTuple):
    """A piece of a stacked bar: where it begins and how wide it is, in percent."""

    outcome: str
    begin: float
    width: float


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed: files landed and what became of its records."""

    site: str
    feed: str
    pack: str
    files: int
    counts: Mapping[str, int]

    @property
    def records(self) -> int:
        """Records read."""
        return sum(self.counts.values())

    def segments(self) -> list[Segment]:
        """The stacked bar of its outcomes; what is there at all is wide enough to be seen."""
        present = [name for name in OUTCOMES if self.counts[name]]
        widths = {name: max(100 * self.counts[name] / self.records, 0.8) for name in present}
        scale, begin, found = sum(widths.values()) / 100, 0.0, []
        for name in present:
            width = widths[name] / scale
            found.append(Segment(name, round(begin, 2), round(width, 2)))
            begin += width
        return found


@dataclass(frozen=True, slots=True)
class TableRow:
    """One OMOP table of the edition; `share` is its rows in percent of the largest table's."""

    name: str
    rows: int
    share: float
    score: Score | None


@dataclass(slots=True)
class Reason:
    """Quarantined records of one reason, over sites and kinds of records."""

    slug: str
    column: str
    records: int = 0
    sites: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    example: tuple[str, str] = ("", "")
    example_site: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One curve: months, survival, interval, and the patients at risk; `three` is survival at three years."""

    name: str
    patients: int
    deaths: int
    median: float | None
    three: Estimate | None
    months: Sequence[float]
    survival: Sequence[float]
    lower: Sequence[float]
    upper: Sequence[float]
    censored: Sequence[tuple[float, float]]
    at_risk: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class View:
    """Everything that is counted for the page."""

    hospitals: int
    feeds: Sequence[FeedRow]
    all: FeedRow
    parts: int
    delivered: int
    repeated: int
    refused: Sequence[str]
    tables: Sequence[TableRow]
    rows: int
    recall: float | None
    precision: float | None
    reasons: Sequence[Reason]
    hidden: int
    stages: Sequence[Stage]
    ticks: Sequence[int]


def view(shown: Demo) -> View:
    """Count what is shown."""
    feeds = _feeds(shown)
    tables = list(_tables(shown))
    reasons = _reasons(shown.quarantine)
    ticks = _ticks(shown.study.curves.values())
    landed = [one for many in shown.report.landed.values() for one in many]
    everything = {name: sum(one.counts[name] for one in feeds) for name in OUTCOMES}
    agree = sum(one.agree for one in shown.scores)
    return View(
        hospitals=len({one.site for one in feeds}), feeds=feeds,
        all=FeedRow("", "", "", sum(one.files for one in feeds), everything),
        parts=sum(len(parts) for parts in shown.report.accounts.values()),
        delivered=sum(one.delivered for one in landed), repeated=sum(one.repeated for one in landed),
        refused=[text for one in landed for text in one.refused],
        tables=tables, rows=sum(one.rows for one in tables),
        recall=_share(agree, sum(one.expected for one in shown.scores)),
        precision=_share(agree, sum(one.found for one in shown.scores)),
        reasons=reasons[:REASONS], hidden=max(0, len(reasons) - REASONS),
        stages=[_stage(name, curve, ticks) for name, curve in sorted(shown.study.curves.items())], ticks=ticks,
    )  # fmt: skip


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _feeds(shown: Demo) -> list[FeedRow]:
    packs = {(one.site, one.name): one.pack for one in shown.summary.feeds}
    keys = sorted({**packs, **shown.report.accounts}, key=lambda key: key[0])
    return [_feed(shown.report, site, feed, packs.get((site, feed), "")) for site, feed in keys]


def _feed(report: Report, site: str, feed: str, pack: str) -> FeedRow:
    outcomes = total(report.accounts.get((site, feed), ())).values()
    counts = {name: sum(kind.get(name, 0) for kind in outcomes) for name in OUTCOMES}
    files = sum(one.new for one in report.landed.get(site, ()) if one.feed == feed)
    return FeedRow(site, feed, pack, files, counts)


def _tables(shown: Demo) -> Iterator[TableRow]:
    scores = {one.table: one for one in shown.scores}
    filled = {
        name: rows for name, rows in shown.edition.tables.items()
        if (rows or name in scores) and name in TABLES and name not in VOCABULARY
    }  # fmt: skip
    most = max(filled.values(), default=0) or 1
    for name, rows in sorted(filled.items(), key=lambda one: (-one[1], one[0])):
        yield TableRow(name, rows, max(100 * rows / most, 0.5) if rows else 0.0, scores.get(name))


def _reasons(waiting: Sequence[Waiting]) -> list[Reason]:
    """Reasons of one class added up; the place is that of the largest group."""
    found: dict[tuple[str, str], Reason] = {}
    for one in sorted(waiting, key=lambda each: -each.records):
        head, _, tail = one.reason.partition(": ")
        unreadable = tail == UNREADABLE
        key = ("unreadable", head) if unreadable else (head, "")
        reason = found.setdefault(key, Reason(*key))
        if not reason.example[0]:
            file, _, place = one.example.rpartition(" at ")
            reason.example, reason.example_site = (file, place), one.site
        reason.records += one.records
        reason.sites.add(one.site)
        reason.kinds |= {one.kind} - {"", "row"}
    return sorted(found.values(), key=lambda one: (-one.records, one.slug, one.column))


def _ticks(curves: Iterable[Curve]) -> list[int]:
    """Months at which patients at risk are told: every one, two … years, so that there are at most nine."""
    longest = max((float(curve.times[-1]) for curve in curves), default=0.0) / MONTH
    years = max(1, math.ceil(longest / YEAR - 0.25))
    step = math.ceil(years / 8)
    return [int(YEAR) * year for year in range(0, years + 1, step)]


def _stage(name: str, curve: Curve, ticks: Sequence[int]) -> Stage:
    months = curve.times / MONTH
    before = np.concatenate([[1.0], curve.survival[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        died = np.rint(np.nan_to_num(curve.at_risk * (1 - curve.survival / before)))
    left = -np.diff(np.append(curve.at_risk[1:], 0.0)) - died[1:]
    median = curve.median()
    kept = _thinned(months)
    return Stage(
        name=name, patients=int(curve.at_risk[0]), deaths=int(died.sum()),
        median=None if median is None else median / MONTH,
        three=_at(curve, months, THREE_YEARS),
        months=[round(float(one), 2) for one in months[kept]],
        survival=[round(float(one), 4) for one in curve.survival[kept]],
        lower=[round(float(one), 4) for one in curve.lower[kept]],
        upper=[round(float(one), 4) for one in curve.upper[kept]],
        censored=sorted(
            {
                (round(float(month), 1), round(float(survival), 4))
                for month, survival, gone in zip(months[1:], curve.survival[1:], left, strict=True)
                if gone > 0
            }
        ),
        at_risk={tick: _left(curve, months, tick) for tick in ticks},
    )  # fmt: skip


def _thinned(months: Numbers) -> list[int]:
    """The last step in each tenth of a month: what the eye can see, however many patients there are."""
    bins = np.floor(months * 10)
    last = np.append(np.flatnonzero(np.diff(bins)), len(months) - 1)
    return sorted({0, *(int(one) for one in last)})


def _left(curve: Curve, months: Numbers, month: int) -> int:
    at = int(np.searchsorted(months, month, side="left"))
    return int(curve.at_risk[at]) if at < len(months) else 0


def _at(curve: Curve, months: Numbers, month: float) -> Estimate | None:
    """Survival and its interval at a month (none when all have died); None when nobody was followed so long."""
    if months[-1] < month and curve.survival[-1] > 0:
        return None
    at = int(np.searchsorted(months, month, side="right")) - 1
    if curve.survival[at] == 0:
        return 0.0, None
    return float(curve.survival[at]), (float(curve.lower[at]), float(curve.upper[at]))
