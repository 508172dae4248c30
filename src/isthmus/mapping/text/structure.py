"""Notes in, findings out: the rule layer, put together.

Notes are taken together until a page holds `PAGE` characters, so that memory stays flat whatever the number of notes;
a longer note has a page of its own. Nothing is kept between pages, so several processes may share the work.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from isthmus.mapping.text.assertion import Scope
from isthmus.mapping.text.boundary import Bounds, bounds, headings, is_latin
from isthmus.mapping.text.finding import Rows, batch, joined, of_entities, of_hits, of_sizes
from isthmus.mapping.text.lexicon import Lexicon, lexicon
from isthmus.mapping.text.page import BREAK, Codes, Ints, Mask, Page, fold
from isthmus.mapping.text.pattern import Hit, matched
from isthmus.mapping.text.quantity import measured, quantities, sizes
from isthmus.mapping.text.span import Spans, apart, longest

PAGE = 1 << 18
"""Characters that are worked on together."""


def structure(note_id: pa.Array, text: pa.Array) -> Iterator[pa.RecordBatch]:
    """Findings of notes, in batches with the schema `FINDING`, ordered by note and place.

    `note_id` are int64, `text` strings; a missing text is an empty one. The same notes give the same findings, whatever
    page they fall on.
    """
    identities = np.asarray(note_id.cast(pa.int64()))
    begin, size = 0, 0
    texts: list[str] = []
    for number, note in enumerate(_texts(text)):
        if texts and size + len(note or "") > PAGE:
            yield _page(texts, identities[begin:number])
            begin, size, texts = number, 0, []
        texts.append(note or "")
        size += len(note or "") + 1
    if texts:
        yield _page(texts, identities[begin:])


def _texts(text: pa.Array) -> Iterator[str | None]:
    """The texts, a thousand at a time: all of them together as Python strings would fill the memory."""
    for offset in range(0, len(text), 1_000):
        yield from text.slice(offset, 1_000).to_pylist()


def _page(texts: Sequence[str], identities: Ints) -> pa.RecordBatch:
    page, words = fold(texts), lexicon()
    found = whole(page, Spans(*words.trie.find(page.codes)), words)
    marks = bounds(page)
    titles = headings(page, found, words)
    free = found.where(apart(found, titles.cover(len(page.codes))))
    entities, ahead, behind = chosen(free, words, page.codes)
    hits = matched(page, found, words)
    rows = _rows(page, entities, hits, marks, words)
    return batch(page, rows, Scope(ahead, behind, marks, words), titles, identities)


def whole(page: Page, found: Spans, words: Lexicon) -> Spans:
    """Occurrences that are not a part of a longer Latin word, and abbreviations of two letters only in capitals."""
    codes = page.codes
    latin = is_latin(codes)
    first, last = latin[found.start], latin[found.end - 1]
    prior = np.where(found.start > 0, codes[found.start - 1], ord(BREAK))
    digit = (prior >= ord("0")) & (prior <= ord("9"))
    short = found.end - found.start <= 2
    cut = (first & (is_latin(prior) | (digit & short))) | (last & latin[found.end])
    kept = found.where(~cut)
    small = np.flatnonzero(words.capital[kept.what] > 0)
    written = page.written(kept.start[small], kept.end[small])
    capital = np.ones(len(kept), dtype=bool)
    capital[small] = [word.isupper() for word in written]
    return kept.where(capital)


def chosen(found: Spans, words: Lexicon, codes: Codes) -> tuple[Spans, Spans, Spans]:
    """Entities (`what`: meaning), cues for what follows, cues for what stands before (`what`: cue); no overlaps.

    Names of body parts come second: in 右肝癌 the cancer is kept and not the right liver, which would split it. Cues of
    one letter come last: the 后 of 腹膜后 tells no time.
    """
    meaning = words.entity[found.what]
    is_cue = (words.ahead[found.what] >= 0) | (words.behind[found.what] >= 0)
    is_part = (meaning >= 0) & words.having(("anatomy",))[meaning] & ~is_cue
    is_letter = is_cue & (meaning < 0) & (found.end - found.start == 1)
    taken = np.zeros(len(codes), dtype=bool)
    kept = []
    for rank in ((is_cue | (meaning >= 0)) & ~is_part & ~is_letter, is_part, is_letter):
        spans = found.where(rank)
        spans = spans.where(apart(spans, taken))
        spans = spans.where(longest(spans))
        taken |= spans.cover(len(codes))
        kept.append(spans)
    everything = Spans(*(np.concatenate([getattr(one, name) for one in kept]) for name in ("start", "end", "what")))
    everything = everything.where(np.argsort(everything.start, kind="stable"))
    entities = _numbered(everything, words.entity)
    return (
        entities.where(~_repeated(entities, codes)),
        _numbered(everything, words.ahead),
        _numbered(everything, words.behind),
    )


def _repeated(entities: Spans, codes: Codes) -> Mask:
    """Entities that only repeat the one before them in brackets, as in `总胆红素(TBIL)`."""
    repeated = np.zeros(len(entities), dtype=bool)
    if len(entities) > 1:
        same = entities.what[1:] == entities.what[:-1]
        repeated[1:] = same & (entities.start[1:] == entities.end[:-1] + 1) & (codes[entities.end[:-1]] == ord("("))
    return repeated


def _numbered(spans: Spans, column: Ints) -> Spans:
    kept = spans.where(column[spans.what] >= 0)
    return Spans(kept.start, kept.end, column[kept.what])


def _rows(page: Page, entities: Spans, hits: Sequence[Hit], marks: Bounds, words: Lexicon) -> Rows:
    """Entities with what was measured of them, hits of rules, and sizes of lesions, in the order of their places."""
    taken = Spans.of([(hit.start, hit.end, hit.meaning) for hit in hits]).cover(len(page.codes))
    found = quantities(page, taken | entities.cover(len(page.codes)), entities.end)
    owner = measured(page, entities, found, marks, words)
    length = sizes(entities, found, marks, words)
    size = of_sizes(words.codes["tumour_size"], found, length)
    return joined([of_entities(entities, owner, found), of_hits(hits), size])
