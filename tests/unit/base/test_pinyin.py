"""The readings of characters are those that pypinyin gives."""

from pypinyin import Style, pinyin

from isthmus.base.pinyin import characters, phrases


def test_each_character_is_read_as_pypinyin_reads_it() -> None:
    some = [letter for number, letter in enumerate(characters()) if number % 7 == 0]
    assert len(some) > 5_000
    told = {letter: pinyin(letter, style=Style.NORMAL, errors="ignore")[0][0] for letter in some}
    assert {letter: characters()[letter] for letter in some} == told


def test_a_phrase_is_read_otherwise_than_its_characters() -> None:
    assert [one[0] for one in phrases()["膀胱"]] == ["páng", "guāng"]
    assert characters()["膀"] == "bang"
    assert characters()["绿"] == "lv"
