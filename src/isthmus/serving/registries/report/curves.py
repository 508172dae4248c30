"""Kaplan-Meier curves as SVG, with the numbers at risk below, and what is told of each curve."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from markupsafe import Markup

from isthmus.research.methods.survival import Curve, kaplan_meier
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.page.words import Speech, percent
from isthmus.serving.registries.kept import Kept, Numbers
from isthmus.serving.registries.report.tables import Mask as Which
from isthmus.serving.registries.report.tables import Row, Table, spelled
from isthmus.serving.shown import Mask, mask_of

MONTH = 365.25 / 12
WIDTH, HEIGHT, LEFT, RIGHT, TOP, ROW, AXIS = 760, 330, 190, 24, 12, 20, 62
COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")
DASHES = ("", "8 3", "2 3", "8 3 2 3")
TICKS = 8
STEPS = (3, 6, 12, 24, 36, 60, 120, 240)  # months between two of them
YEARS = (1, 3, 5)
ALL = mask_of(synthetic=True)
KEPT = 0.05
"""The picture ends where fewer than this share of the patients is still looked at, at a whole year."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One curve with its name; times in months."""

    name: str
    times: Numbers
    events: Which
    curve: Curve

    def at_risk(self, month: float) -> int:
        """Patients looked at for so many months or longer."""
        return int((self.times >= month).sum())

    def at(self, month: float) -> tuple[float, float, float] | None:
        """Survival with its interval; None beyond the last patient."""
        if not self.times.size or month > self.times.max():
            return None
        place = int(np.searchsorted(self.curve.times, month, side="right")) - 1
        return tuple(float(one[place]) for one in (self.curve.survival, self.curve.lower, self.curve.upper))  # type: ignore[return-value]  # three numbers, as the tuple of three arrays has


def curves(kept: Kept, endpoint: str, parts: Sequence[tuple[str, Which]]) -> list[Drawn]:
    """The curves of an end point for parts of the patients; those who have no time in it are left out."""
    rows = kept.table("endpoint", ["person_id", f"{endpoint}_days", f"{endpoint}_event"]).sort_by("person_id")
    days = np.array([float("nan") if one is None else one for one in rows.column(1).to_pylist()], dtype=np.float64)
    ended = np.array([one == 1 for one in rows.column(2).to_pylist()], dtype=np.bool_)
    found = []
    for name, mask in parts:
        held = mask & ~np.isnan(days)
        if held.any():
            times, events = days[held] / MONTH, ended[held]
            found.append(Drawn(name, times, events, kaplan_meier(times, events)))
    return found


def told(found: Sequence[Drawn], speech: Speech, label: str) -> Table:
    """Patients, events, median and survival after some years, each with its 95 % interval."""
    columns = [(label, ""), (speech("col.patients"), ""), (speech("col.events"), ""), (speech("col.median"), "")]
    columns += [(speech("col.years", year), "") for year in YEARS]
    rows = []
    for one in found:
        middle = one.curve.median()
        cells = [(f"{one.times.size:,}", ""), (f"{int(one.events.sum()):,}", ""),
                 (spelled(middle) if middle is not None else speech("not.reached"), "")]  # fmt: skip
        for year in YEARS:
            value = one.at(12.0 * year)
            cells.append((percent(value[0]), f"{percent(value[1], 0)}–{percent(value[2], 0)}") if value else ("–", ""))
        rows.append(Row(one.name, cells))
    return Table(columns, rows, [speech("survival.note")])


def drawn(found: Sequence[Drawn], speech: Speech, title: str, mask: Mask = ALL) -> Markup:
    """The picture: curves, censored patients as ticks, and below each tick of time how many are still at risk.

    Where counts are masked, those at risk are, a curve ends where they are hidden, and nobody has a tick.
    """
    end, ticks = _times(found)
    height = TOP + HEIGHT + AXIS + ROW * (len(found) + 1)

    def across(month: float) -> float:
        return LEFT + month / end * (WIDTH - LEFT - RIGHT)

    def down(share: float) -> float:
        return TOP + (1 - share) * HEIGHT

    body = [*_axes(ticks, speech, across(0), across(end))]
    body += [_text(across(tick), TOP + HEIGHT + 18, f"{tick}") for tick in ticks]
    for at, one in enumerate(found):
        colour, dash = LIGHT[COLOURS[at % len(COLOURS)]], DASHES[at // len(COLOURS) % len(DASHES)]
        body.append(_curve(one, min(end, _shown(one, mask)), end, colour, dash, ticks=mask.rules is None))
        y = TOP + HEIGHT + AXIS + ROW * (at + 1)
        body.append(f'<path d="M4,{y - 4}h22" stroke="{colour}" stroke-width="3" stroke-dasharray="{dash}"/>')
        body.append(_text(32, y, _short(one.name), "start", LIGHT["ink"]))
        body += [_text(across(tick), y, _counted(mask.count(one.at_risk(tick)))) for tick in ticks]
    head = f'<svg class="chart" role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {height}">'
    return Markup(head + "".join(body) + "</svg>")  # numbers and our own words; names are escaped where they are set


def points(found: Sequence[Drawn], mask: Mask = ALL) -> tuple[list[dict[str, Any]], int]:
    """The picture as rows, and the month at which it ends: `group, month` with `survival, low, high` of each step, with
    `survival, censored` where anybody's follow-up ended, and with `at_risk`, a count to be masked, at each tick.

    Where counts are masked, a curve ends where the picture ends it, its steps are told to a tenth of a month, and
    nobody's end of follow-up is told.
    """
    end, ticks = _times(found)
    rows: list[dict[str, Any]] = []
    for one in found:
        until, curve = min(end, _shown(one, mask)), one.curve
        for month, share, low, high in zip(curve.times, curve.survival, curve.lower, curve.upper, strict=True):
            if month <= until:
                rows.append(_point(one, month, mask, survival=share, low=low, high=high))
        ended = np.unique(one.times[~one.events], return_counts=True) if mask.rules is None else ((), ())
        for month, count in zip(*ended, strict=True):
            here = one.at(float(month)) if month <= end else None
            if here is not None:
                rows.append(_point(one, month, mask, survival=here[0], censored=int(count)))
        rows += [_point(one, tick, mask, at_risk=one.at_risk(tick)) for tick in ticks]
    return rows, end


def _point(one: Drawn, month: float, mask: Mask, **said: float) -> dict[str, Any]:
    told = dict.fromkeys(("survival", "low", "high", "at_risk", "censored")) | said
    shares = {
        key: None if told[key] is None else round(float(told[key] or 0.0), 4) for key in ("survival", "low", "high")
    }
    return {"group": one.name, "month": round(float(month), 2 if mask.rules is None else 1), **told, **shares}


def _times(found: Sequence[Drawn]) -> tuple[int, list[int]]:
    """The month at which the picture ends, and those that it names."""
    longest = np.concatenate([one.times for one in found])
    end = 12 * max(1, int(np.ceil(np.quantile(longest, 1 - KEPT) / 12)))
    return end, months(end)


def months(end: int) -> list[int]:
    """The months that a picture names which ends at one."""
    return list(range(0, end + 1, next((one for one in STEPS if end / one <= TICKS), STEPS[-1])))


def _axes(ticks: Sequence[int], speech: Speech, low: float, high: float) -> Iterator[str]:
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = TOP + (1 - share) * HEIGHT
        yield f'<path d="M{low:.1f},{y:.1f}H{high:.1f}" stroke="{LIGHT["line"]}" fill="none"/>'
        yield _text(low - 8, y + 4, f"{share:.0%}", "end")
    yield _text((low + high) / 2, TOP + HEIGHT + 38, speech("axis.months"))
    yield _text(4, TOP + HEIGHT + AXIS - 2, speech("axis.risk"), "start", LIGHT["ink"])


def _shown(one: Drawn, mask: Mask) -> float:
    """Up to which month a curve may be drawn: as long as more are looked at than are hidden."""
    if mask.rules is None or one.times.size <= mask.rules.hide:
        return float("inf")
    return float(np.sort(one.times)[-mask.rules.hide - 1])


def _counted(count: int | str | None) -> str:
    return f"{count:,}" if isinstance(count, int) else count or ""


def _curve(one: Drawn, last: float, end: float, colour: str, dash: str, *, ticks: bool) -> str:
    def place(month: float, share: float) -> tuple[float, float]:
        return LEFT + month / end * (WIDTH - LEFT - RIGHT), TOP + (1 - share) * HEIGHT

    path = "M{:.1f},{:.1f}".format(*place(0, 1))
    for month, share in zip(one.curve.times[1:], one.curve.survival[1:], strict=True):
        x, y = place(min(float(month), last), float(share))
        path += f"H{x:.1f}" + (f"V{y:.1f}" if month <= last else "")
        if month > last:
            break
    else:
        path += "" if ticks else f"H{place(last, 0)[0]:.1f}"  # between two steps nothing is told, so it goes on level
    marks = ""
    for month in np.unique(one.times[~one.events]) if ticks else ():
        if month <= end:
            x, y = place(float(month), one.at(float(month))[0])  # type: ignore[index]  # a time of a patient has one
            marks += f"M{x:.1f},{y - 4:.1f}v8"
    line = f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}"/>'
    return line + f'<path d="{marks}" fill="none" stroke="{colour}" stroke-width="1"/>'


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = LIGHT["ink2"]) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12"'
    return f'<text {place} fill="{colour}">{escape(text)}</text>'


def _short(name: str) -> str:
    """A name that fits beside the numbers at risk: Chinese signs take twice the room."""
    room = 21
    kept = ""
    for sign in name:
        room -= 2 if ord(sign) > 0x2E80 else 1
        if room < 0:
            return kept.rstrip() + "…"
        kept += sign
    return kept
