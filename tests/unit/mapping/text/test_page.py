"""Folding makes spellings alike and keeps every position."""

import numpy as np

from isthmus.mapping.text.page import fold, folded


def _spans(text: str, word: str) -> tuple[int, int]:
    """The place of a folded word in the original text."""
    page = fold(["前一份", text])
    start = page.text.index(word)
    places = np.array([start]), np.array([start + len(word)])
    note = page.note(places[0])
    assert note.tolist() == [1]
    return int(page.within(places[0], note)[0]), int(page.ends(places[1], note)[0])


def test_full_width_and_capitals_are_made_plain() -> None:
    assert folded("ＡＦＰ：４００ｎｇ／ｍＬ") == "afp:400ng/ml"
    assert folded("ＢＣＬＣ（Ｂ）期，") == "bclc(b)期,"
    assert folded("3×4cm") == "3x4cm"


def test_a_power_is_not_run_into_its_base() -> None:
    assert folded("10⁹/L") == "10⁹/l"


def test_a_letter_whose_small_form_is_two_letters_stays_one() -> None:
    assert len(folded("İ")) == 1


def test_invisible_letters_are_taken_out_and_positions_kept() -> None:
    text = "见\u200b肝\ufeff癌\u200d。"
    assert _spans(text, "肝癌") == (2, 5)
    assert text[2:5] == "肝\ufeff癌"


def test_control_characters_become_spaces() -> None:
    assert folded("肝\x00癌\x07") == "肝 癌 "
    assert fold(["a\x1eb"]).text == "a b\x1e"


def test_letters_beyond_the_basic_plane_keep_the_positions_behind_them() -> None:
    text = "😀𠮷肝癌"
    assert _spans(text, "肝癌") == (2, 4)


def test_empty_notes_have_their_place() -> None:
    page = fold(["", "肝", ""])
    assert page.starts.tolist() == [0, 1, 3, 4]
    assert page.note(np.array([1])).tolist() == [1]
