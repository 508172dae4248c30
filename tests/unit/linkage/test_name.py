"""Chinese names in their normal form."""

import pyarrow as pa
import pytest

from isthmus.linkage.name import SUFFIXES, names, newborn


def _read(written: str) -> dict[str, str | None]:
    found = names(pa.array([written, None, "王伟"]))
    return {suffix: column[0].as_py() for suffix, column in zip(SUFFIXES, found, strict=True)}


@pytest.mark.parametrize("written", ["张小明", "張小明", " 张 小明", "张·小明", "张小明 "])
def test_one_way_of_writing(written: str) -> None:
    assert _read(written)[""] == "张小明"


def test_a_name_is_taken_apart() -> None:
    read = _read("欧阳修文")
    assert (read["_surname"], read["_first"], read["_second"]) == ("欧阳", "修", "文")
    assert read["_sound"] == "ouyangxiuwen"


def test_surnames_have_their_own_readings() -> None:
    assert _read("曾宪")["_sound"] == "zengxian"
    assert _read("单宇")["_sound"] == "shanyu"


@pytest.mark.parametrize("written", ["ZHANG XIAOMING", "Xiaoming Zhang", "Zhang Xiao Ming"])
def test_latin_letters_have_only_a_sound(written: str) -> None:
    read = _read(written)
    assert read["_sound"] == _read("张小明")["_sound"]
    assert read[""] is None


def test_near_sounds_are_one() -> None:
    assert _read("林胜")["_near"] == _read("宁森")["_near"]
    assert _read("张忠")["_near"] == "zanzon"


@pytest.mark.parametrize(
    ("written", "mother", "rank"),
    [
        ("梁韵之子", "梁韵", None),
        ("梁小韵之长女", "梁小韵", "1"),
        ("梁韵次子", "梁韵", "2"),
        ("梁韵女婴", "梁韵", None),
    ],
)
def test_a_newborn_has_only_its_mothers_name(written: str, mother: str, rank: str | None) -> None:
    read = _read(written)
    assert (read[""], read["_sound"], read["_mother"], read["_rank"]) == (None, None, mother, rank)
    assert newborn(pa.array([written])).all()


@pytest.mark.parametrize("written", ["王子", "张女", "李小明"])
def test_short_names_are_no_newborns(written: str) -> None:
    assert _read(written)[""] == written


@pytest.mark.parametrize("written", ["无名男", "未知", "不详", "无", "", "测试病人"])
def test_nobody_has_no_name(written: str) -> None:
    assert set(_read(written).values()) == {None}


def test_columns_are_as_long_as_what_is_read() -> None:
    assert {len(column) for column in names(pa.array([None, None], pa.string()))} == {2}
