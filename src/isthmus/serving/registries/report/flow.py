"""How patients came into the registry and how many of them a question can be asked of: numbers, and a picture.

Each step counts those of the step before of whom more is known; beside it stands who was left, and why.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from markupsafe import Markup

from isthmus.research.registries.enrolment.ruling import CANDIDATE, CONFIRMED, DUPLICATE, FOUND, REFUTED
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.page.words import Speech
from isthmus.serving.registries.kept import Kept
from isthmus.serving.registries.report.tables import Mask, Row, Table

TREATED, FOLLOWED = "first_treatment", "os_days"
WAITING = (CANDIDATE, REFUTED, DUPLICATE, "out", "withheld")
WIDTH, BOX, TALL, SIDE, GAP, LINE = 760, 350, 44, 380, 26, 19


@dataclass(frozen=True, slots=True)
class Step:
    """So many patients; `left`: who of the step before is not among them, by reason."""

    name: str
    count: int
    left: Sequence[tuple[str, int]]


def steps(kept: Kept, speech: Speech, by: str) -> list[Step]:
    """From the candidates to those of whom stage (a column `by`, if any), treatment and follow-up are known."""
    cases = kept.about.get("cases") or {}
    found = sum(cases.get(state, 0) for state in (FOUND, CONFIRMED, *WAITING[:-1]))
    patients = kept.patients.num_rows
    left = [(speech(f"flow.{state}"), cases[state]) for state in WAITING if cases.get(state)]
    made = [Step(speech("flow.candidates"), found, ())] if cases else []
    made.append(Step(speech("flow.enrolled"), patients, left))
    held = np.ones(patients, dtype=np.bool_)
    for name, known in _known(kept, by):
        label = kept.label(by, speech.language) if name == "stage" else ""
        now = held & known
        lost = int(held.sum() - now.sum())
        made.append(Step(speech(f"flow.{name}", label=label), int(now.sum()),
                         [(speech(f"flow.{name}.left"), lost)] if lost else ()))  # fmt: skip
        held = now
    return made


def _known(kept: Kept, by: str) -> Iterator[tuple[str, Mask]]:
    if by:
        yield "stage", kept.coded(by)[0] >= 0
    if TREATED in kept.pack.items and kept.pack.items[TREATED].group in kept.groups:
        yield "treated", kept.coded(TREATED)[0] >= 0
    if "os" in kept.pack.endpoints:
        days = kept.table("endpoint", ["person_id", FOLLOWED]).sort_by("person_id").column(FOLLOWED)
        yield "followed", np.array([(one or 0) > 0 for one in days.to_pylist()], dtype=np.bool_)


def told(found: Sequence[Step], speech: Speech) -> Table:
    """The steps as a table; reasons stand between the step that they left and the next."""
    rows: list[Row] = []
    for one in found:
        rows += [Row(name, [(f"{count:,}", "")], "sub quiet") for name, count in one.left]
        rows.append(Row(one.name, [(f"{one.count:,}", "")], "head"))
    return Table([(speech("col.step"), ""), (speech("col.patients"), "")], rows, [speech("flow.note")])


def drawn(found: Sequence[Step], title: str) -> Markup:
    """The steps as boxes below each other; who is left out stands beside the arrow that leaves them."""
    parts: list[str] = []
    y = 2
    for at, one in enumerate(found):
        if at:
            room = max(GAP, LINE * len(one.left) + 14)
            parts += [_arrow(y, room), *_beside(one.left, y, room)]
            y += room
        parts += _box(one, y)
        y += TALL
    head = f'<svg class="chart" role="img" aria-label="{escape(title)}" viewBox="0 0 {WIDTH} {y + 4}">'
    return Markup(head + "".join(parts) + "</svg>")  # numbers and our own words; names are escaped where they are set


def _box(one: Step, y: int) -> Iterator[str]:
    yield (
        f'<rect x="1" y="{y}" width="{BOX}" height="{TALL}" rx="8" fill="{LIGHT["surface"]}" stroke="{LIGHT["c1"]}"/>'
        f'<text x="14" y="{y + 27}" font-size="13" fill="{LIGHT["ink"]}">{escape(one.name)}</text>'
        f'<text x="{BOX - 12}" y="{y + 28}" font-size="15" font-weight="600" text-anchor="end" '
        f'fill="{LIGHT["ink"]}">{one.count:,}</text>'
    )


def _arrow(y: int, room: int) -> str:
    x = BOX / 2
    return f'<path d="M{x},{y}V{y + room - 3}M{x - 4},{y + room - 8}l4,6l4,-6" stroke="{LIGHT["ink3"]}" fill="none"/>'


def _beside(left: Sequence[tuple[str, int]], y: int, room: int) -> Iterator[str]:
    middle = y + room / 2
    if left:
        yield f'<path d="M{BOX / 2},{middle:.0f}H{SIDE}" stroke="{LIGHT["line2"]}" fill="none"/>'
    for at, (name, count) in enumerate(left):
        line = middle + 4 + LINE * (at - (len(left) - 1) / 2)
        yield (
            f'<text x="{SIDE + 8}" y="{line:.0f}" font-size="12.5" fill="{LIGHT["ink2"]}">'
            f"{escape(name)}: {count:,}</text>"
        )
