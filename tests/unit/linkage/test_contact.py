"""Resident numbers, telephones and addresses in their normal forms."""

import pyarrow as pa
import pytest

from isthmus.linkage.contact import address, phone, resident

VALID = "11010519491231002X"  # the example of GB 11643


def _resident(number: str | None, birth: str | None = "1949-12-31", name: str = "王伟") -> tuple[object, ...]:
    columns = resident(pa.array([number]), pa.array([birth], pa.string()), pa.array([name]))
    return tuple(column[0].as_py() for column in columns)


def test_both_forms_are_one_number() -> None:
    assert _resident("110105491231002") == _resident(VALID.lower()) == (VALID, VALID, VALID)


def test_a_number_with_a_slip_keeps_its_letters() -> None:
    assert _resident("110105194912310202")[::2] == (None, None)
    assert _resident("110105194912310202")[1] == "110105194912310202"
    assert _resident("1101051949123102X")[1] == "1101051949123102X"


def test_a_parents_number_is_not_the_childs() -> None:
    assert _resident(VALID, birth="1975-03-01") == (None, None, VALID)


def test_a_newborn_is_believed_its_own_number_only() -> None:
    assert _resident(VALID, birth=None, name="王芳之子") == (None, None, VALID)
    assert _resident("110105194912310202", name="王芳之子") == (None, None, None)


@pytest.mark.parametrize("written", ["无", "", None, "000000000000000000", "身份证"])
def test_what_is_no_number_says_nothing(written: str | None) -> None:
    assert _resident(written) == (None, None, None)


def test_telephones() -> None:
    read = phone(pa.array(["+86 139-1234-5678", "1391234567", "无", "13800138000", None]))[0]
    assert read.to_pylist() == ["13912345678", "1391234567", None, None, None]


def test_ways_of_writing_an_address_are_one() -> None:
    places = [
        "广东省东莞市光明大道368号荷塘家园7幢2单元1304室",
        "东莞市光明大道368号荷塘家园7-2-1304",
        "光明大道368号荷塘家园7号楼2单元1304",
    ]
    place, area, words, numbers = address(pa.array(places))
    assert len(set(place.to_pylist())) == 1
    assert area.to_pylist() == ["441900", "441900", None]
    assert words[0].as_py() == "光明大道荷塘家园"
    assert numbers[0].as_py() == "368-7-2-1304"


def test_no_address() -> None:
    assert [column.to_pylist() for column in address(pa.array(["不详", None]))] == [[None, None]] * 4
