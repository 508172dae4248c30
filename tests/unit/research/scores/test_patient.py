"""One patient's score: units, dates, what is refused, what is told of it."""

from datetime import date

import pytest

from isthmus.base.errors import UsageError
from isthmus.research.scores.patient import score


def test_it_tells_what_went_in_with_units_and_dates() -> None:
    told = score("albi", {"bilirubin": (2.1, "mg/dL", date(2024, 3, 1)), "albumin": (34, "g/L", date(2024, 3, 2))})
    assert (told.rule, told.version, told.value, told.grade, told.title_zh) == ("albi", "2015", -1.8636, "2", "2 级")
    bilirubin, albumin = told.inputs
    assert (bilirubin.value, bilirubin.unit, bilirubin.day) == (pytest.approx(35.91), "umol/L", date(2024, 3, 1))
    assert (bilirubin.told, bilirubin.told_unit, bilirubin.assumed) == (2.1, "mg/dL", False)
    assert (albumin.value, albumin.unit) == (34, "g/L")
    assert str(told) == "albi 2015: -1.8636, 2"


def test_what_is_missing_is_told_and_not_guessed() -> None:
    told = score("albi", {"bilirubin": (20, "umol/L"), "albumin": None})
    assert (told.calculable, told.value, told.grade, told.missing) == (False, None, None, ("albumin",))
    assert str(told) == "albi 2015: not calculable; missing: albumin"


def test_a_value_outside_its_range_is_told_and_not_used() -> None:
    told = score("albi", {"bilirubin": (20, "umol/L"), "albumin": (4.1, "g/L")})
    assert (told.calculable, told.missing) == (False, ("albumin",))
    assert told.reasons == {"albumin": "outside 5 to 80 g/L"}
    assert score("albi", {"bilirubin": (20, "umol/L"), "albumin": (4.1, "g/L")}, ranges=False).grade == "3"


@pytest.mark.parametrize(
    ("rule", "item", "value", "unit"),
    [
        ("asap", "pivka", 1, "ng/mL"),
        ("galad", "dcp", 53, "mAU/mL"),
        ("albi", "bilirubin", 20, "g/L/h"),
        ("palbi", "platelets", 150, "g/L"),
        ("meld", "inr", 14, "s"),
        ("amap", "bilirubin", 20, "what"),
    ],
)
def test_a_unit_that_does_not_convert_is_refused(rule: str, item: str, value: float, unit: str) -> None:
    told = score(rule, {item: (value, unit)})
    assert not told.calculable
    assert item in told.missing
    assert told.reasons[item].startswith(f"told in {unit}, which is not converted into ")


def test_a_number_without_its_unit_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"albumin needs a unit: \(34, 'g/L'\)"):
        score("albi", {"albumin": 34})
    with pytest.raises(UsageError, match=r"albi has no input 'albumine'\. Its inputs: bilirubin, albumin"):
        score("albi", {"albumine": (34, "g/L")})
    with pytest.raises(UsageError, match=r"there is no score 'albo'\. There are: child_pugh, "):
        score("albo", {})


def test_what_is_assumed_is_marked() -> None:
    told = score("meld", {"bilirubin": (3.0, "mg/dL"), "inr": 1.5, "creatinine": (132.6, "μmol/L")})
    assert told.value == 19
    assert {one.name: one.assumed for one in told.inputs}["dialysis"] is True
    assert (
        score("meld", {"bilirubin": (3.0, "mg/dL"), "inr": 1.5, "creatinine": (1.5, "mg/dL"), "dialysis": True}).value
        == 28
    )


@pytest.mark.parametrize(
    ("item", "value", "reason"),
    [
        ("ps", 7, "outside 0 to 4, or not whole"),
        ("ps", 1.5, "outside 0 to 4, or not whole"),
        ("child_pugh", "D", "none of A, B, C"),
        ("macrovascular", "perhaps", "not yes or no"),
        ("nodules", float("nan"), "outside 1 to 200, or not whole"),
        ("largest", (float("inf"), "cm"), "outside 0.05 to 50 cm"),
    ],
)
def test_what_is_not_admitted_is_named(item: str, value: object, reason: str) -> None:
    told = score("cnlc", {item: value})
    assert item not in [one.name for one in told.inputs]
    assert told.reasons[item].startswith(reason)


def test_a_stage_needs_no_more_than_decides_it() -> None:
    assert score("cnlc", {"ps": 3}).grade == "IV"
    assert score("cnlc", {"ps": 3}).missing == ()
    assert score("tnm8", {"metastasis": True}).grade == "IVB"
    assert score("cnlc", {"child_pugh": "A", "macrovascular": True, "extrahepatic": False}).missing == ("ps",)


def test_a_variant_is_asked_for_by_name() -> None:
    told = {
        "bilirubin": (20, "umol/L"),
        "albumin": (29, "g/L"),
        "inr": 1.0,
        "ascites": "none",
        "encephalopathy": "none",
    }
    assert score("child_pugh", told).value == 6
    assert score("child_pugh@albumin-30", told).value == 7
    assert score("child_pugh@albumin-30", told).version == "albumin-30"
