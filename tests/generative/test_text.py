"""The rule layer against slow and obvious oracles, on texts that nobody would write."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.mapping.text.page import fold, folded
from isthmus.mapping.text.span import Spans, longest
from isthmus.mapping.text.tagger.bio import Entity, ended, entities, plain
from isthmus.mapping.text.tagger.feature import tags_of
from isthmus.mapping.text.trie import build
from lib.notes import findings

PIECES = st.sampled_from(
    [
        *(
            "无",
            "否认",
            "肝癌",
            "？",
            "（-）",
            "，",
            "。",
            "\n",
            "父亲",
            "AFP",
            "1210",
            "ng/ml",
            "约",
            "3.5",
            "×",
            "cm",
        ),
        *("结节", "BCLC", "B期", "两", "枚", "既往史：", " ", "no ", "mass ", "\u200b", "\x00", "ＨＣＣ", "😀", "TACE"),
        *("后", "10^9/L", "Ⅱ", "a"),
    ]
)
NOTES = st.lists(st.one_of(st.text(max_size=30), st.lists(PIECES, max_size=25).map("".join)), max_size=5)


@settings(max_examples=150, deadline=None)
@given(NOTES)
def test_every_finding_stands_where_it_says(notes: list[str]) -> None:
    for row in findings(*notes):
        written = notes[row["note_id"]].replace("\x1e", " ")
        assert written[row["start"] : row["end"]] == row["text"] != ""
        if row["value_start"] is not None:
            assert written[row["value_start"] : row["value_end"]] == row["value"]


@settings(max_examples=80, deadline=None)
@given(NOTES)
def test_a_note_alone_gives_what_it_gives_among_others(notes: list[str]) -> None:
    together = findings(*notes)
    for number, note in enumerate(notes):
        alone = [{**row, "note_id": number} for row in findings(note)]
        assert alone == [row for row in together if row["note_id"] == number]


@given(st.sets(st.text("abc肝癌", min_size=1, max_size=4), max_size=12), st.text("abc肝癌x", max_size=40))
def test_the_trie_finds_every_occurrence(words: set[str], text: str) -> None:
    terms = sorted(words)
    page = fold([text])
    starts, ends, numbers = build(terms).find(page.codes)
    got = [(int(s), int(e), terms[int(n)]) for s, e, n in zip(starts, ends, numbers, strict=True)]
    wanted = {(s, s + len(t), t) for t in terms for s in range(len(text)) if text.startswith(t, s)}
    assert set(got) == wanted
    assert got == sorted(got, key=lambda one: (one[0], -one[1]))


@given(st.text())
def test_folding_keeps_the_order_and_place_of_letters(text: str) -> None:
    page = fold([text])
    assert page.text == folded(text.replace("\x1e", " ")) + "\x1e"
    kept = page.origin[: len(page.codes)]
    assert (np.diff(kept) > 0).all()


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=20))
def test_the_longest_spans_do_not_overlap_and_leave_no_room(pairs: list[tuple[int, int]]) -> None:
    spans = Spans.of([(start, start + size, 0) for start, size in pairs])
    kept = spans.where(longest(spans))
    assert (kept.start[1:] >= kept.end[:-1]).all()
    for start, end in zip(spans.start, spans.end, strict=True):
        assert ((kept.start < end) & (kept.end > start)).any()


@given(st.lists(st.sampled_from(["O", "B-x", "I-x", "B-y", "I-y"]), max_size=12))
def test_labels_mark_the_same_with_ends_and_without(labels: list[str]) -> None:
    marked = entities(labels)
    written = ["O"] * len(labels)
    for one in marked:
        written[one.start : one.end] = [f"B-{one.type}"] + [f"I-{one.type}"] * (one.end - one.start - 1)
    assert entities(written) == marked
    assert plain(ended(written)) == written
    assert all(isinstance(one, Entity) for one in marked)


@given(st.dictionaries(st.text("ab", min_size=1, max_size=3), st.just("w"), max_size=4), st.text("abc", max_size=15))
def test_words_cover_a_sentence_from_either_side(words: dict[str, str], text: str) -> None:
    for backwards in (False, True):
        tags = tags_of(text, words, 3, backwards=backwards)
        assert len(tags) == len(text)
        starts = [place for place, tag in enumerate(tags) if tag[0] in "BS"]
        for start in starts:
            end = start + 1
            while tags[start][0] == "B" and tags[end - 1][0] != "E":
                end += 1
            assert text[start:end] in words
