"""Identifiers and partial dates, drawn as small tables: what is typed, what it means, and why it is refused."""

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.base.errors import PackError
from isthmus.cdm.identity.area import areas, read
from isthmus.cdm.identity.date import dates
from isthmus.cdm.identity.document import documents, insurances
from isthmus.cdm.identity.organisation import organisations
from isthmus.cdm.identity.phone import phones
from isthmus.cdm.identity.resident import check_digits, residents
from isthmus.simulation.population import resident_number


def shown(found: pa.Table, *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in found.to_pylist()]


def test_a_resident_number_says_birth_sex_and_area() -> None:
    texts = pa.array(["11010519491231002X", "１１０１０５ 19491231 002x", "310104197503123455", "110105491231002"])
    assert shown(residents(texts), "number", "birth_date", "sex", "area", "kind", "reason") == [
        ("11010519491231002X", dt.date(1949, 12, 31), "F", "110105", "resident", None),
        ("11010519491231002X", dt.date(1949, 12, 31), "F", "110105", "resident", None),
        ("310104197503123455", dt.date(1975, 3, 12), "M", "310104", "resident", None),
        ("11010519491231002X", dt.date(1949, 12, 31), "F", "110105", "resident", None),
    ]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (None, "missing"), ("", "missing"), (" - ", "missing"), ("1101051949", "length"),
        ("11010519491231002Y", "characters"),
        ("1101051949123100X2", "characters"), ("110105194912310021", "check-digit"),
        ("11010519490231002X", "birth-date"),
        ("110105194913310020", "birth-date"), ("170105194912310020", "area"), ("110105490231002", "birth-date"),
        ("不详不详不详不详不详不详不详不详不详", "characters"),
    ],
)  # fmt: skip
def test_a_bad_resident_number_is_refused_with_the_reason(number: str | None, reason: str) -> None:
    found = residents(pa.array([number], pa.string()))
    assert shown(found, "number", "birth_date", "sex", "reason") == [(None, None, None, reason)]


def test_the_record_may_say_otherwise() -> None:
    numbers = pa.array(["11010519491231002X"] * 5)
    birth = pa.array([dt.date(1949, 12, 31), dt.date(1949, 12, 30), None, dt.date(1950, 1, 1), dt.date(1949, 12, 31)])
    sex = pa.array(["F", "F", "M", "M", None])
    found = residents(numbers, birth=birth, sex=sex)
    assert found["differs"].to_pylist() == [None, "birth-date", "sex", "both", None]
    assert found["reason"].null_count == 5


def test_permits_have_the_same_form_and_a_centenarian_had_a_special_order_number() -> None:
    found = residents(pa.array(["810000199408230021", "830000199201300022", "110105900101998"]))
    assert found["kind"].to_pylist() == ["permit", "permit", "resident"]
    assert found["birth_date"].to_pylist()[2] == dt.date(1890, 1, 1)


def test_nobody_is_born_after_the_day_of_the_record() -> None:
    numbers = pa.array(["11010519491231002X"])
    assert residents(numbers, on=np.datetime64("1949-12-30"))["reason"].to_pylist() == ["birth-date"]
    assert residents(numbers, on=np.datetime64("1949-12-31"))["reason"].to_pylist() == [None]


def test_numbers_of_simulated_people_are_good() -> None:
    """The simulation computes check digits by itself."""
    rng = np.random.default_rng(3)
    birth = rng.integers(-18_000, 18_000, 500)
    numbers = resident_number(rng.integers(0, 20, 500), birth, rng.integers(0, 995, 500))
    found = residents(numbers, birth=pa.array(birth.astype(np.int32), pa.int32()).cast(pa.date32()))
    assert found["reason"].null_count == found["differs"].null_count == 500


@settings(deadline=None)  # the machine may be busy
@given(st.integers(10**16, 10**17 - 1), st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(first: int, place: int, change: int) -> None:
    """MOD 11-2 catches every error in one place, and so does the slow, obvious sum here."""
    digits = str(first)
    check = check_digits(pa.array([digits])).to_pylist()[0]
    assert check == "10X98765432"[sum(int(digit) * pow(2, 17 - at, 11) for at, digit in enumerate(digits)) % 11]
    other = digits[:place] + str((int(digits[place]) + change) % 10) + digits[place + 1 :]
    assert check_digits(pa.array([other])).to_pylist()[0] != check


def test_a_credit_code_of_an_organisation_is_checked() -> None:
    texts = pa.array(
        ["91350100M000100Y43", "91350100m000100y43", "91350100M000100Y44", "91350100I000100Y43", "9135", None]
    )
    assert shown(organisations(texts), "code", "area", "reason") == [
        ("91350100M000100Y43", "350100", None), ("91350100M000100Y43", "350100", None), (None, None, "check-digit"),
        (None, None, "characters"), (None, None, "length"), (None, None, "missing"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "number", "kind", "extension", "reason"),
    [
        ("13812345678", "+8613812345678", "mobile", None, None),
        ("+86 138-1234-5678", "+8613812345678", "mobile", None, None),
        ("０１０－６２３４５６７８", "+861062345678", "landline", None, None),
        ("(0571) 87654321转123", "+8657187654321", "landline", "123", None),
        ("400-812-3123", "+864008123123", "service", None, None),
        ("+852 9123 4567", "+85291234567", "mobile", None, None),
        ("87654321", None, None, None, "no-area-code"),
        ("13000000000", None, None, None, "placeholder"),
        ("1381234567", None, None, None, "form"),
        ("12812345678", None, None, None, "form"),
        ("无", None, None, None, "form"),
        (None, None, None, None, "missing"),
    ],
)
def test_a_telephone_number_is_read(
    typed: str | None, number: str | None, kind: str | None, extension: str | None, reason: str | None
) -> None:
    found = phones(pa.array([typed], pa.string()))
    assert shown(found, "number", "kind", "extension", "reason") == [(number, kind, extension, reason)]


@pytest.mark.parametrize(
    ("typed", "kind", "reason"),
    [
        ("A123456(3)", "hong-kong-card", None), ("A123456(4)", None, "check-digit"), ("E12345678", "passport", None),
        ("EA1234567", "passport", None), ("H12345678", "home-return-permit", None), ("12345678", "taiwan-permit", None),
        ("C12345678", "border-permit", None), ("1234567(8)", "macao-card", None), ("X1", None, "form"),
        ("", None, "missing"),
    ],
)  # fmt: skip
def test_other_papers_are_told_by_their_form(typed: str, kind: str | None, reason: str | None) -> None:
    assert shown(documents(pa.array([typed])), "kind", "reason") == [(kind, reason)]


@pytest.mark.parametrize(
    ("typed", "kind", "reason"),
    [
        ("11010519491231002X", "resident", None), ("110105194912310021", None, "check-digit"),
        ("A12345678", "card", None),
        ("11000000000000000000000001", "person", None), ("99000000000000000000000001", None, "area"),
        ("123456", "local", None), ("?", None, "form"), (None, None, "missing"),
    ],
)  # fmt: skip
def test_a_number_of_medical_insurance_is_read(typed: str | None, kind: str | None, reason: str | None) -> None:
    assert shown(insurances(pa.array([typed], pa.string())), "kind", "reason") == [(kind, reason)]


@pytest.mark.parametrize(
    ("address", "area", "level", "reason"),
    [
        ("浙江省杭州市西湖区文三路1号", "330100", "prefecture", None), ("北京市海淀区中关村", "110108", "county", None),
        ("北京海淀区", "110108", "county", None), ("上海市市辖区浦东新区", "310115", "county", None),
        ("广西南宁", "450100", "prefecture", None), ("吉林省吉林市", "220200", "prefecture", None),
        ("恩施州", "422800", "prefecture", None), ("海南藏族自治州", "632500", "prefecture", None),
        ("江苏省北京路3号", "320000", "province", None), ("香港", "810000", "province", None),
        ("和平区新华路", None, None, "ambiguous"), ("朝阳", None, None, "ambiguous"), ("美国", None, None, "unknown"),
        ("", None, None, "missing"),
    ],
)  # fmt: skip
def test_an_address_leads_to_an_area(address: str, area: str | None, level: str | None, reason: str | None) -> None:
    assert shown(areas(pa.array([address])), "area", "level", "reason") == [(area, level, reason)]


def test_a_list_of_the_user_adds_counties(tmp_path: Path) -> None:
    path = tmp_path / "counties.csv"
    path.write_text("code,name\n330106,西湖区\n360103,西湖区\n", encoding="utf-8")
    known = read(path)
    found = areas(pa.array(["浙江省杭州市西湖区文三路", "南昌市西湖区", "西湖区"]), known)
    assert shown(found, "area", "reason") == [("330106", None), ("360103", None), (None, "ambiguous")]


@pytest.mark.parametrize(
    ("lines", "said"),
    [("33010,西湖区\n", "counties.csv:2: an area needs a code of six digits"), ("330106,\n", "counties.csv:2"),
     ("330106,西湖区\n330106,西湖\n", "counties.csv:3: the code 330106 stands twice")],
)  # fmt: skip
def test_a_bad_list_of_areas_is_refused_with_the_line(lines: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "counties.csv"
    path.write_text("code,name\n" + lines, encoding="utf-8")
    with pytest.raises(PackError, match=said):
        read(path)


@pytest.mark.parametrize(
    ("typed", "earliest", "latest", "precision", "approximate"),
    [
        ("2019", "2019-01-01 00:00:00", "2019-12-31 23:59:59", "year", False),
        ("二〇一九年", "2019-01-01 00:00:00", "2019-12-31 23:59:59", "year", False),
        ("约2018年", "2018-01-01 00:00:00", "2018-12-31 23:59:59", "year", True),
        ("2018年左右", "2018-01-01 00:00:00", "2018-12-31 23:59:59", "year", True),
        ("circa 2018", "2018-01-01 00:00:00", "2018-12-31 23:59:59", "year", True),
        ("2019-00-00", "2019-01-01 00:00:00", "2019-12-31 23:59:59", "year", False),
        ("2019-??-??", "2019-01-01 00:00:00", "2019-12-31 23:59:59", "year", False),
        ("２０１９年３月", "2019-03-01 00:00:00", "2019-03-31 23:59:59", "month", False),
        ("2019-03", "2019-03-01 00:00:00", "2019-03-31 23:59:59", "month", False),
        ("201902", "2019-02-01 00:00:00", "2019-02-28 23:59:59", "month", False),
        ("2020-02-UN", "2020-02-01 00:00:00", "2020-02-29 23:59:59", "month", False),
        ("二零一九年十二月", "2019-12-01 00:00:00", "2019-12-31 23:59:59", "month", False),
        ("2019年3月中旬", "2019-03-01 00:00:00", "2019-03-31 23:59:59", "month", False),
        ("Mar 2019", "2019-03-01 00:00:00", "2019-03-31 23:59:59", "month", False),
        ("20190305", "2019-03-05 00:00:00", "2019-03-05 23:59:59", "day", False),
        ("二○一九年十月二十三日", "2019-10-23 00:00:00", "2019-10-23 23:59:59", "day", False),
        ("March 5, 2019", "2019-03-05 00:00:00", "2019-03-05 23:59:59", "day", False),
        ("05-Mar-2019", "2019-03-05 00:00:00", "2019-03-05 23:59:59", "day", False),
        ("2019-3-5 8:30", "2019-03-05 08:30:00", "2019-03-05 08:30:59", "minute", False),
        ("2019年3月5日 8时30分", "2019-03-05 08:30:00", "2019-03-05 08:30:59", "minute", False),
        ("2019-03-05T12:30:45.5+08:00", "2019-03-05 12:30:45", "2019-03-05 12:30:45", "second", False),
        ("20190305123045", "2019-03-05 12:30:45", "2019-03-05 12:30:45", "second", False),
    ],
)
def test_a_date_is_as_precise_as_its_text(
    typed: str, earliest: str, latest: str, precision: str, approximate: bool
) -> None:
    found = dates(pa.array([typed])).to_pylist()[0]
    assert (str(found["earliest"]), str(found["latest"])) == (earliest, latest)
    assert (found["precision"], found["approximate"], found["reason"]) == (precision, approximate, None)


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("2019-02-30", "no-such-day"), ("2019-13-01", "no-such-day"), ("2019-03-05 25:00", "no-such-time"),
        ("05/03/2019", "day-or-month"), ("19-03-05", "two-digit-year"), ("19年3月", "two-digit-year"),
        ("1900-01-01", "placeholder"), ("9999-12-31", "placeholder"), ("不详", "form"), ("", "missing"),
        (None, "missing"),
    ],
)  # fmt: skip
def test_nothing_is_guessed_about_a_date(typed: str | None, reason: str) -> None:
    found = dates(pa.array([typed], pa.string()))
    assert shown(found, "earliest", "precision", "reason") == [(None, None, reason)]


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.one_of(st.none(), st.text(max_size=24)), max_size=8))
def test_any_text_is_taken(texts: list[str | None]) -> None:
    column = pa.array(texts, pa.string())
    for read_column in (dates, residents, organisations, phones, documents, insurances, areas):
        found = read_column(column)
        assert found.num_rows == len(texts)
        assert all(row["reason"] is None or next(iter(row.values())) is None for row in found.to_pylist())


@settings(deadline=None)  # the machine may be busy
@given(st.dates(dt.date(1850, 1, 1), dt.date(2090, 1, 1)))
def test_every_day_is_read_in_every_form(day: dt.date) -> None:
    forms = [f"{day.year}-{day.month}-{day.day}", f"{day:%Y%m%d}", f"{day.year}年{day.month}月{day.day}日",
             f"{day:%Y/%m/%d}", f"{day:%Y.%m.%d}", f"{day:%d %b %Y}", f"{day:%B} {day.day}, {day.year}"]  # fmt: skip
    found = dates(pa.array(forms)).to_pylist()
    assert {row["earliest"].date() if row["reason"] is None else row["reason"] for row in found} <= {day, "placeholder"}
