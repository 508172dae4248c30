"""The tables of the report: patients by site and period, Table 1, counts, completeness, work list, findings."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.serving.page.words import Speech, percent
from isthmus.serving.registries.kept import Kept, Numbers

MEASURED = ("number", "whole")
SITES, WORK = 20, 40
"""Columns of hospitals and rows of work that the page shows; the files hold all."""

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Row:
    """A row: `kind` is head, sub (indented), or plain; every cell is a number and a smaller word beside it."""

    label: str
    cells: Sequence[tuple[str, str]]
    kind: str = "plain"
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Columns and rows, as texts."""

    columns: Sequence[tuple[str, str]]
    rows: Sequence[Row]
    notes: Sequence[str] = field(default=())


class Tables:
    """Makes the tables of one registry in one language."""

    def __init__(self, kept: Kept, speech: Speech) -> None:
        self.kept = kept
        self.w = speech
        self.language = speech.language

    def patients(self) -> Table:
        """Patients by site and period of the index."""
        index = self.kept.patients.column("index_date")
        year = pc.cast(pc.year(index), pa.string())
        if self.kept.pack.period == "quarter":
            year = pc.binary_join_element_wise(year, pc.cast(pc.quarter(index), pa.string()), "-Q")
        sites = self.kept.patients.column("site").to_pylist()
        counts = Counter(zip(sites, year.to_pylist(), strict=True))
        periods = sorted({period for _, period in counts})
        rows = [
            Row(site or self.w("unknown"), [(f"{whole:,}", "")] + [(f"{counts[site, one]:,}", "") for one in periods])
            for site, whole in sorted(Counter(sites).items(), key=lambda one: one[0] or "")
        ]
        totals = Counter(period for _, period in counts.elements())
        rows.append(
            Row(self.w("all"), [(f"{len(sites):,}", ""), *((f"{totals[one]:,}", "") for one in periods)], "head")
        )
        return Table([(self.w("col.site"), ""), (self.w("all"), ""), *((one, "") for one in periods)], rows)

    def divided(self, by: str) -> list[tuple[str, Mask]]:
        """All patients, then those of each code of a column that occurs, then those without one."""
        whole = np.ones(self.kept.patients.num_rows, dtype=np.bool_)
        parts = [(self.w("all"), whole)]
        if by:
            places, codes = self.kept.coded(by)
            parts += [
                (self.kept.called(by, code, self.language), places == at)
                for at, code in enumerate(codes) if (places == at).any()
            ]  # fmt: skip
            if (places < 0).any():
                parts.append((self.w("unknown"), places < 0))
        return parts

    def baseline(self, rows: Sequence[str], by: str) -> Table:
        """Table 1: medians with quartiles, or numbers with their share of those known, over all and by a column."""
        parts = self.divided(by)
        columns = [(self.kept.label(by, self.language) if by else "", "")]
        columns += [(name, f"n = {int(mask.sum()):,}") for name, mask in parts]
        masks = [mask for _, mask in parts]
        return Table(columns, [row for one in rows for row in self._rows(one, masks)], [self.w("baseline.note")])

    def stages(self, columns: Sequence[str]) -> Table:
        """How many patients each stage or grade has, of the columns by which the report divides."""
        whole = np.ones(self.kept.patients.num_rows, dtype=np.bool_)
        rows = [row for one in columns for row in self._rows(one, [whole])]
        return Table([(self.w("col.item"), ""), (self.w("col.patients"), f"n = {len(whole):,}")], rows)

    def _rows(self, column: str, masks: Sequence[Mask]) -> Iterator[Row]:
        item = self.kept.item(column)
        label = self.kept.label(column, self.language)
        if item is not None and item.type in MEASURED:
            values = self.kept.numbers(column)
            unit = "" if item.unit in {"", "1"} else self.w.name("unit", item.unit)
            yield Row(label, [median(values[mask]) for mask in masks], "head", unit)
            missing = np.isnan(values)
        elif item is not None and item.type in {"date", "text"}:
            missing = np.asarray(self.kept.column(column).is_null().to_numpy(), dtype=np.bool_)
            yield Row(label, [_counted(int((mask & ~missing).sum()), int(mask.sum())) for mask in masks], "head")
        else:
            shares, missing = self._shares(column)
            whole = len(shares) > 1 or not missing.any()  # of whom only a yes is told, a share of those told is none
            yield Row(label, [("", "")] * len(masks), "head")
            for name, held in shares:
                yield Row(name, [_counted(int((mask & held).sum()), int((mask & ~missing).sum()) if whole else 0)
                                 for mask in masks], "sub")  # fmt: skip
        if missing.any():
            yield Row(self.w("unknown"), [(f"{int((mask & missing).sum()):,}", "") for mask in masks], "sub quiet")

    def _shares(self, column: str) -> tuple[list[tuple[str, Mask]], Mask]:
        item = self.kept.item(column)
        if item is None or item.type != "many":
            places, codes = self.kept.coded(column)
            held = [(code, places == at) for at, code in enumerate(codes)]
            missing = places < 0
        else:
            values = self.kept.column(column).to_pylist()
            parts = [set((one or "").split("|")) - {""} for one in values]
            codes = self.kept.codes(column, sorted(set().union(*parts)))
            held = [(code, np.array([code in one for one in parts], dtype=np.bool_)) for code in codes]
            missing = np.array([not one for one in parts], dtype=np.bool_)
        named = [(self.kept.called(column, code, self.language), mask) for code, mask in held if mask.any()]
        return named, missing

    def lines(self) -> Table:
        """Regimens by line of treatment."""
        rows = self.kept.table("line", ["line", "regimen"])
        counts = Counter(zip(rows.column("regimen").to_pylist(), rows.column("line").to_pylist(), strict=True))
        lines = sorted({line for _, line in counts})
        whole = Counter(regimen for regimen, _ in counts.elements())
        names = {one.name: one.names[self.language] or one.name for one in self.kept.pack.regimens}
        rows = []
        for one, count in whole.most_common(WORK):
            cells = [(f"{counts[one, line]:,}", "") for line in lines]
            rows.append(Row(names.get(one, one or ""), [*cells, (f"{count:,}", "")]))
        columns = [(self.w("col.regimen"), ""), *((self.w("line", n=line), "") for line in lines), (self.w("all"), "")]
        return Table(columns, rows, [self.w("lines.note")])

    def responses(self, item: str) -> Table:
        """Best responses by line: of those assessed, who responded, with an interval, and who did not progress."""
        group = self.kept.place(item)
        rows = self.kept.table(group, ["line", item])
        counts = Counter(zip(rows.column("line").to_pylist(), rows.column(item).to_pylist(), strict=True))
        codes = self.kept.codes(item)
        shown = []
        for line in sorted({line for line, _ in counts}):
            of = {code: counts[line, code] for code in codes}
            whole, assessed = sum(n for (at, _), n in counts.items() if at == line), sum(of.values())
            response = of["CR"] + of["PR"]
            held = response + of.get("SD", 0)
            cells = [(f"{whole:,}", ""), (f"{assessed:,}", ""), *((f"{of[code]:,}", "") for code in codes)]
            cells.append((percent(response / assessed), interval(response, assessed)) if assessed else ("–", ""))
            cells.append((percent(held / assessed), "") if assessed else ("–", ""))
            shown.append(Row(self.w("line", n=line), cells))
        columns = [("", ""), (self.w("col.lines"), ""), (self.w("col.assessed"), "")]
        columns += [(code, "") for code in codes] + [(self.w("col.orr"), ""), (self.w("col.dcr"), "")]
        return Table(columns, shown, [self.w("response.note")])

    def completeness(self, need: str) -> tuple[Table, Table]:
        """Item by hospital, and hospital by period: the share filled and the rows behind it, in every cell."""
        rows = [one for one in self.kept.table("completeness").to_pylist() if one["need"] == need]
        by_item, by_site = _summed(rows, "item", "site"), _summed(rows, "site", "period")
        sizes = Counter(one or "" for one in self.kept.patients.column("site").to_pylist())
        shown = sorted(sorted(sorted(sizes), key=lambda site: -sizes[site])[:SITES])
        notes = [self.w("completeness.note")]
        if len(sizes) > len(shown):
            notes.append(self.w("completeness.more", shown=len(shown), n=len(sizes)))
        items = [one for one in self.kept.pack.items if (one, None) in by_item]
        periods = sorted({str(one["period"]) for one in rows})
        whole = (self.w("all"), "")
        first = [
            Row(self.kept.label(one, self.language), [_filled(by_item.get((one, site))) for site in (*shown, None)])
            for one in items
        ]
        second = [
            Row(site or self.w("unknown"), [_filled(by_site.get((site, period))) for period in (None, *periods)])
            for site in sorted(sizes)
        ]
        return (
            Table([(self.w("col.item"), ""), *((one or self.w("unknown"), "") for one in shown), whole], first, notes),
            Table([(self.w("col.site"), ""), whole, *((one, "") for one in periods)], second),
        )

    def work(self) -> Table:
        """What is missing, what holds up most patients first."""
        rows = self.kept.table("worklist").to_pylist()
        columns = [(self.w(f"col.{one}"), "") for one in ("item", "site", "missing", "blocked", "last", "found", "may")]
        shown = [
            Row(one[self.language] or one["en"] or one["item"], [
                (one["site"] or "", ""),
                (f"{one['missing']:,}", percent(one["share"], 0)), (f"{one['blocked_alone']:,}", ""),
                (f"{one['last_core']:,}", ""), (one["found_but"] or "", ""), (one["may_be"] or "", ""),
            ])
            for one in rows[:WORK]
        ]  # fmt: skip
        notes = [self.w("work.more", shown=len(shown), n=len(rows))] if len(rows) > len(shown) else []
        return Table(columns, shown, notes)

    def findings(self) -> Table:
        """What the rules found, by severity and number."""
        rules = self.kept.table("rule").to_pylist()
        order = ("error", "warning", "note")
        found = [one for one in rules if one["faults"]]
        found.sort(key=lambda one: (order.index(one["severity"]), -one["faults"], one["rule"]))
        columns = [(self.w(f"col.{one}"), "") for one in ("rule", "severity", "faults", "mend")]
        clean = len(rules) - len(found)
        return Table(columns, [
            Row(one[self.language] or one["en"] or one["rule"], [
                (self.w(f"severity.{one['severity']}"), ""), (f"{one['faults']:,}", ""),
                (one[f"mend_{self.language}"] or one["mend_en"] or "", ""),
            ], beside=one["rule"])
            for one in found
        ], [self.w("findings.clean", clean)])  # fmt: skip


def median(values: Numbers) -> tuple[str, str]:
    """The median of the values that are there, and the quartiles."""
    known = values[~np.isnan(values)]
    if not known.size:
        return "–", ""
    low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
    return spelled(middle), f"{spelled(low)}–{spelled(high)}"


def interval(part: int, whole: int) -> str:
    """Wilson's 95 % interval of a share."""
    z, share = 1.959963984540054, part / whole
    middle = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z * float(np.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))) / (1 + z * z / whole)
    return f"{percent(max(0.0, middle - half), 0)}–{percent(min(1.0, middle + half), 0)}"


def spelled(value: float) -> str:
    """A number with the digits that say something."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _counted(count: int, whole: int) -> tuple[str, str]:
    return f"{count:,}", percent(count / whole) if whole else ""


def _filled(cell: tuple[int, int] | None) -> tuple[str, str]:
    filled, rows = cell or (0, 0)
    return percent(filled / rows, 0) if rows else "–", f"{filled:,}/{rows:,}"


def _summed(rows: Sequence[dict[str, Any]], row: str, column: str) -> dict[tuple[str, str | None], tuple[int, int]]:
    """Rows filled and rows, by two columns; under None the sum over the second."""
    filled, whole = Counter[tuple[str, str | None]](), Counter[tuple[str, str | None]]()
    for one in rows:
        for key in ((one[row] or "", one[column] or ""), (one[row] or "", None)):
            filled[key] += one["filled"]
            whole[key] += one["rows"]
    return {key: (filled[key], count) for key, count in whole.items()}
