"""Findings as an Arrow table: one row for each thing found, with its span, its value and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from isthmus.mapping.text.assertion import Assertions, Scope, assertions
from isthmus.mapping.text.boundary import sections
from isthmus.mapping.text.lexicon import KINDS, Lexicon
from isthmus.mapping.text.page import Ints, Mask, Page
from isthmus.mapping.text.pattern import Hit
from isthmus.mapping.text.quantity import SIGNS, Floats, Quantities, codes
from isthmus.mapping.text.span import Spans

WORD = pa.dictionary(pa.int32(), pa.string())
FINDING = pa.schema(
    [
        ("note_id", pa.int64()), ("start", pa.int64()), ("end", pa.int64()), ("text", pa.string()), ("kind", WORD),
        ("code", WORD), ("concept_id", pa.int64()), ("finding", WORD), ("section", WORD), ("negated", pa.bool_()),
        ("uncertain", pa.bool_()), ("family", pa.bool_()), ("temporal", WORD), ("time", pa.string()),
        ("value", pa.string()), ("number", pa.float64()), ("high", pa.float64()), ("operator", WORD), ("unit", WORD),
        ("value_start", pa.int64()), ("value_end", pa.int64()), ("rule", WORD),
    ]
)  # fmt: skip
"""A finding. `start` and `end` (exclusive) count code points of the note's own text, and so do `value_start` and
`value_end`, the span of a measured value. `unit` is UCUM; `temporal` is present, past or planned; `value` is a word
(a stage, a result) or the value as written, `number` and `high` are numbers, of lengths in centimetres; `finding`
names the item of the liver layer; `rule` says what found it. What is not known is null."""

TEMPORAL = ("present", "past", "planned")
NEAR_TIME = 40


@dataclass(frozen=True, slots=True)
class Rows:
    """Findings of one page as columns. Positions are the page's, -1 for none; `what` of the spans is the meaning."""

    spans: Spans
    word: Sequence[str]
    number: Floats
    high: Floats
    operator: Ints
    unit: Ints
    value_start: Ints
    value_end: Ints


def of_entities(entities: Spans, owner: Ints, found: Quantities) -> Rows:
    """Entities, each with the quantity that was measured of it (`owner`, -1 for none)."""
    return _with_values(entities, owner, found)


def of_sizes(meaning: int, found: Quantities, length: Ints) -> Rows:
    """Sizes of lesions: the span of each length is the finding."""
    spans = Spans(found.spans.start[length], found.spans.end[length], np.full(len(length), meaning, dtype=np.int64))
    return _with_values(spans, length, found)


def of_hits(hits: Sequence[Hit]) -> Rows:
    """What anchored rules found."""
    count = len(hits)
    columns = np.array([(hit.start, hit.end, hit.meaning) for hit in hits], dtype=np.int64).reshape(-1, 3)
    none = np.full(count, -1, dtype=np.int64)
    return Rows(
        Spans(columns[:, 0], columns[:, 1], columns[:, 2]),
        [hit.value for hit in hits],
        np.array([hit.number for hit in hits], dtype=np.float64),
        np.array([hit.high for hit in hits], dtype=np.float64),
        np.zeros(count, dtype=np.int64), none, none, none,
    )  # fmt: skip


def _with_values(spans: Spans, owner: Ints, found: Quantities) -> Rows:
    has = owner >= 0
    at = np.where(has, owner, 0)
    if not len(found.spans):
        found = _empty()
        at = np.zeros(len(owner), dtype=np.int64)
    return Rows(
        spans,
        [""] * len(owner),
        np.where(has, found.value[at], np.nan),
        np.where(has, found.high[at], np.nan),
        np.where(has, found.operator[at], 0),
        np.where(has, found.unit[at], -1),
        np.where(has, found.spans.start[at], -1),
        np.where(has, found.spans.end[at], -1),
    )


def _empty() -> Quantities:
    none, nan = np.full(1, -1, dtype=np.int64), np.full(1, np.nan)
    return Quantities(Spans(none, none, none), nan, nan, none, none, np.zeros(1, dtype=bool))


def joined(parts: Sequence[Rows]) -> Rows:
    """Rows of several kinds, in the order of their places."""
    spans = Spans(*(np.concatenate([getattr(part.spans, name) for part in parts]) for name in ("start", "end", "what")))
    order = np.lexsort((spans.what, -spans.end, spans.start))
    words = [word for part in parts for word in part.word]
    columns = (
        np.concatenate([getattr(part, name) for part in parts])[order]
        for name in ("number", "high", "operator", "unit", "value_start", "value_end")
    )
    return Rows(spans.where(order), [words[number] for number in order.tolist()], *columns)


def batch(page: Page, rows: Rows, scope: Scope, titles: Spans, identities: Ints) -> pa.RecordBatch:
    """The rows of a page as a batch of the schema `FINDING`; `titles` are its headings, `identities` its notes' ids."""
    words, spans = scope.lexicon, rows.spans
    note = page.note(spans.start)
    section = sections(page, titles, spans.start)
    entity = words.having(kinds=KINDS)[spans.what]
    said = assertions(spans, scope, words.having(kinds=("test",))[spans.what])
    valued = rows.value_start >= 0
    first = np.where(valued, rows.value_start, spans.start)
    last = np.where(valued, rows.value_end, spans.end)
    columns = {
        "note_id": pa.array(identities[note]),
        "start": pa.array(page.within(spans.start, note)),
        "end": pa.array(page.ends(spans.end, note)),
        "text": pa.array(page.written(spans.start, spans.end), pa.string()),
        **_meant(spans.what, words),
        "section": _worded(section, words.sections, section > 0),
        "negated": pa.array(said.negated & entity),
        "uncertain": pa.array(said.uncertain),
        "family": pa.array(said.family | (section == _section(words, "family_history"))),
        "temporal": _temporal(said, spans.what, section, words),
        "time": _times(page, spans, scope),
        "value": _values(page, rows, said, valued),
        "number": _numbers(rows.number),
        "high": _numbers(rows.high),
        "operator": _worded(rows.operator, SIGNS, rows.operator > 0),
        "unit": _worded(rows.unit, codes(), rows.unit >= 0),
        "value_start": pa.array(page.within(first, note), mask=~valued),
        "value_end": pa.array(page.ends(last, note), mask=~valued),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in FINDING.names], schema=FINDING)


def _meant(what: Ints, words: Lexicon) -> dict[str, pa.Array]:
    """The columns that follow from the meaning alone."""
    of = {name: [getattr(one, name) for one in words.meanings] for name in ("kind", "code", "finding", "rule")}
    named = np.array([bool(one) for one in of["finding"]], dtype=bool)[what]
    columns = {name: _worded(what, values, named if name == "finding" else None) for name, values in of.items()}
    columns["concept_id"] = pa.array(np.array([one.concept_id for one in words.meanings], dtype=np.int64)[what])
    return columns


def _worded(numbers: Ints, values: Sequence[str], known: Mask | None = None) -> pa.Array:
    """Numbers of words as a dictionary column without repetitions; null where not known."""
    different = sorted(set(values))
    place = {value: number for number, value in enumerate(different)}
    of = np.array([place[value] for value in values], dtype=np.int32)
    index = of[np.where(numbers < 0, 0, numbers)]
    mask = None if known is None else ~known
    return pa.DictionaryArray.from_arrays(pa.array(index, mask=mask), pa.array(different, pa.string()))


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def _section(words: Lexicon, name: str) -> int:
    return words.sections.index(name)


def _temporal(said: Assertions, what: Ints, section: Ints, words: Lexicon) -> pa.Array:
    """Planned where a cue says so, or a treatment stands in a plan; past by a cue or by the section."""
    past = said.past | np.isin(section, [_section(words, name) for name in ("past_history", "personal_history")])
    meant = (section == _section(words, "plan")) & words.having(("procedure", "drug"))[what] & ~past
    return _worded(np.where(said.planned | meant, 2, np.where(past, 1, 0)), TEMPORAL)


def _times(page: Page, spans: Spans, scope: Scope) -> pa.Array:
    """The time last named before a finding in its sentence, as written."""
    when = scope.lexicon.having(kinds=("time",))[spans.what]
    times = spans.where(when)
    if not len(times):
        return pa.nulls(len(spans), pa.string())
    last = times.before(spans.start)
    near = (last >= 0) & ~when & (spans.start - times.end[last] <= NEAR_TIME)
    near &= scope.bounds.sentence[times.start[last]] == scope.bounds.sentence[spans.start]
    written = np.array([*page.written(times.start, times.end), ""], dtype=object)
    return pa.array(written[np.where(near, last, -1)], pa.string(), mask=~near)


def _values(page: Page, rows: Rows, said: Assertions, valued: Mask) -> pa.Array:
    """The word that a rule gave; the value as written; positive or negative where a test says only that."""
    values = np.array([*rows.word, ""], dtype=object)[:-1]
    values[said.present] = "positive"
    values[said.absent] = "negative"
    places = np.flatnonzero(valued)
    values[places] = np.array([*page.written(rows.value_start[places], rows.value_end[places]), ""], dtype=object)[:-1]
    return pa.array(values, pa.string(), mask=values == "")
