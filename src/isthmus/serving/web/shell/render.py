"""A view and a template made HTML: what templates may call, and how numbers, days and shares are written."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from isthmus.serving.page.words import Speech, percent
from isthmus.serving.web.shell import icons, style
from isthmus.serving.web.shell.refusals import translated
from isthmus.serving.web.shell.table import Kind
from isthmus.serving.web.shell.words import HERE, PAGES

OF_PAGES = frozenset({"table", "chart", "lang", "_next"})
"""What a page may be asked and its files need not be told."""


@cache
def environment() -> Environment:
    """Where templates are found and what they may call."""
    made = Environment(
        loader=FileSystemLoader([HERE, PAGES]), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    made.filters |= {"number": number, "percent": percent, "day": day, "moment": moment, "short": short, "shown": shown}
    made.globals |= {
        "icon": icons.icon, "translated": translated, "asset": style.named, "tone": tone, "step": step,
        "queried": queried, "charted": charted, "purposes": purposes,
    }  # fmt: skip
    return made


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """The HTML of a template."""
    return environment().get_template(template).render(values)


def number(value: Any) -> str:
    """A count or a measure, in groups of three; a dash where there is none; what is masked stays as it is."""
    if value is None:
        return "–"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")


def short(value: Any) -> str:
    """A large count in few characters."""
    if not isinstance(value, int | float) or abs(value) < 100_000:
        return number(value)
    for size, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g} {name}"
    return number(value)


def day(value: Any) -> str:
    """A day, as it is sorted."""
    return "–" if value in (None, "") else str(value)[:10]


def moment(value: Any) -> str:
    """A moment in UTC, to the minute."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, date):
        return value.isoformat()
    return "–" if value in (None, "") else str(value)[:16].replace("T", " ")


def queried(table: str, asked: Mapping[str, str]) -> str:
    """What stands behind the address of a table's file: which table, and what the page itself was asked."""
    given = {"table": table} if table else {}
    given |= {key: value for key, value in asked.items() if key not in OF_PAGES}
    return f"?{urlencode(given)}" if given else ""


def charted(chart: str, asked: Mapping[str, str]) -> str:
    """What stands behind the address of a chart's file: which chart, and what the page itself was asked."""
    return f"?{urlencode({'chart': chart} | {key: value for key, value in asked.items() if key not in OF_PAGES})}"


def shown(value: Any, kind: Kind) -> str:
    """A value of a column, as its kind is written."""
    match kind:
        case "count" | "tally":
            return number(value)
        case "value":
            return "–" if value is None else f"{value:.6g}"
        case "day" | "latest":
            return day(value)
        case "moment":
            return moment(value)
        case "code":
            return Markup("<code>{}</code>").format("" if value is None else value)
        case "list":
            return ", ".join(map(str, value or ()))
        case _:
            return "–" if value is None else str(value)


TONES: Mapping[str, frozenset[str]] = {
    "ok": frozenset(
        {"delivered", "passed", "verified", "active", "granted", "mapped", "yes", "published", "on", "good", "open-ok",
         "cleared", "same", "confirmed", "allowed", "ok", "released", "delivered-out"}
    ),
    "warn": frozenset(
        {"late", "waiting", "review", "assigned", "person", "suspended", "care", "kept", "medium", "checking", "open",
         "explained", "mended", "returned", "moderate", "minor", "unsure", "convention", "differs"}
    ),
    "bad": frozenset(
        {"held", "failed", "blocked", "revoked", "refused", "rejected", "quarantined", "no", "high", "critical",
         "serious", "major", "vetoed", "grave", "fatal"}
    ),
}  # fmt: skip


def tone(state: str) -> str:
    """Which colour and shape a state has."""
    return next((name for name, states in TONES.items() if state in states), "note")


def step(share: float | None) -> str:
    """Which of nine steps of the ramp a share is on, as the class of a cell."""
    return "none" if share is None else f"q{min(8, max(0, round(share * 8)))}"


def purposes(kinds: Iterable[str], w: Speech) -> str:
    """Kinds of purpose as people call them, each with its code."""
    named = ((one, w.name("purpose", one)) for one in sorted(kinds))
    return w("comma").join(code if name == code else f"{name} ({code})" for code, name in named)


def drawn(text: str) -> Markup:
    """SVG that was drawn by us of our own words and numbers."""
    return Markup(text)
