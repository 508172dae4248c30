"""What is known of an outcome by groups, as it may be shown: numbers, a picture, and what can be relied on.

Of real patients a curve has a step only where more than so many events have come since the last as the rules of
release hide; numbers at risk are hidden and rounded as all counts are, nobody's own follow-up is marked, and a group
with too few patients or events has no curve.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from markupsafe import Markup

from isthmus.research.methods.survival import Curve
from isthmus.research.registries.figures import Figure
from isthmus.serving.page.words import Language, Speech
from isthmus.serving.registries.kept import Kept
from isthmus.serving.registries.report import curves
from isthmus.serving.registries.report.curves import Drawn
from isthmus.serving.registries.report.tables import Tables
from isthmus.serving.registries.report.write import texts
from isthmus.serving.shown import Mask


@dataclass(frozen=True, slots=True)
class Outlook:
    """Rows of a table, a drawing, and counts of patients: all, those with a time and a group, events, short times; the
    drawing as `points`, which end at the month `end`."""

    rows: Sequence[dict[str, Any]]
    drawing: Markup
    patients: int
    known: int
    events: int
    short: int
    points: Sequence[dict[str, Any]]
    end: int


def outlook(kept: Kept, figure: Figure, language: Language, mask: Mask) -> Outlook:
    """The outlook of a figure of survival."""
    speech = Speech(language, texts())
    parts = Tables(kept, speech).divided(figure.by)
    found = curves.curves(kept, figure.endpoint, parts[1:] if figure.by else parts)
    shown = [coarse(one, mask.rules.hide) for one in found] if mask.rules else found
    rows = [_row(one, whole) for one, whole in zip(shown, found, strict=True)]
    drawable = [one for one in shown if one is not None]
    last = np.concatenate([one.times for one in found]) if found else np.array([])
    ended = np.concatenate([one.events for one in found]) if found else np.array([], dtype=bool)
    drawing = curves.drawn(drawable, speech, figure.names[language], mask) if drawable else Markup("")
    return Outlook(
        rows, drawing, int(kept.about["patients"]), int(last.size), int(ended.sum()),
        int(((last < 12) & ~ended).sum()), *(curves.points(drawable, mask) if drawable else ((), 0)),
    )  # fmt: skip


def coarse(one: Drawn, hide: int) -> Drawn | None:
    """A curve whose steps hold more than `hide` events each; None where patients or events are too few to be shown."""
    died = np.cumsum(np.array([int((one.events & (one.times == at)).sum()) for at in one.curve.times]))
    if one.times.size <= hide or died[-1] <= hide:
        return None
    chosen, before = [0], 0
    for at, count in enumerate(died):
        if count - before > hide:
            chosen.append(at)
            before = int(count)
    curve = one.curve
    kept = (getattr(curve, name)[chosen] for name in ("times", "survival", "at_risk", "lower", "upper"))
    return replace(one, curve=Curve(*kept))


def _row(one: Drawn | None, whole: Drawn) -> dict[str, Any]:
    counts = {"group": whole.name, "patients": int(whole.times.size), "events": int(whole.events.sum())}
    if one is None:
        return counts | {"median": "–", "three": "–", "interval": ""}
    median, three = one.curve.median(), one.at(36.0)
    return counts | {
        "median": f"{median:.1f}" if median is not None else "–",
        "three": f"{100 * three[0]:.0f}%" if three else "–",
        "interval": f"{100 * three[1]:.0f}–{100 * three[2]:.0f}%" if three else "",
    }
