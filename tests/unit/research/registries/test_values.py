"""What a row of OMOP becomes as a value of an item, and which of several values is taken."""

from pathlib import Path
from typing import Any

import pytest

from isthmus.cdm.starter import BY_TEXT
from lib import registries as lib
from lib.registries import (
    ALBUMIN,
    BILIRUBIN,
    CANCER,
    GRAM_PER_DECILITRE,
    GRAM_PER_LITRE,
    MILLIGRAM_PER_DECILITRE,
    STAGE,
    STAGE_A,
    STAGE_B,
    item,
    measured,
    observed,
)  # fmt: skip

LISTS = "list,code,en,zh,concepts,texts\nstage,A,stage A,A期,22,early | I\nstage,B,stage B,B期,23,\n"
NUMBER = f"measurement {ALBUMIN}"


def _value(tmp_path: Path, one: dict[str, str], **data: list[dict[str, Any]]) -> Any:
    """The value that an item has for the one patient, whose index is 2020-03-01."""
    folder = lib.write(tmp_path / "tiny", {"laboratory": [one]}, lists_csv=LISTS)
    _, tables = lib.built(tmp_path, folder, lib.tables(**data))
    return tables["laboratory"][0][one["item"]]


SERIES = [
    measured(1, ALBUMIN, day, value, GRAM_PER_LITRE)
    for day, value in (("2020-01-01", 40.0), ("2020-02-27", 30.0), ("2020-03-10", 35.0), ("2020-09-01", 50.0))
]


@pytest.mark.parametrize(
    ("pick", "window", "value"),
    [
        ("nearest", "", 30.0), ("first", "", 40.0), ("last", "", 50.0), ("lowest", "", 30.0), ("highest", "", 50.0),
        ("nearest", "0..", 35.0), ("last", "..0", 30.0), ("first", "-30..30", 30.0), ("highest", "-5..9", 35.0),
        ("nearest", "300..", None),
    ],
)  # fmt: skip
def test_the_pick_and_the_window_choose_a_value(
    tmp_path: Path, pick: str, window: str, value: float | None
) -> None:  # fmt: skip
    asked = item("albumin", "number", NUMBER, unit="g/L", pick=pick, window=window)
    assert _value(tmp_path, asked, measurement=SERIES) == value


def test_a_count_is_of_days(tmp_path: Path) -> None:
    again = measured(1, ALBUMIN, "2020-09-01", 51.0, GRAM_PER_LITRE)
    asked = item("albumins", "whole", NUMBER, pick="count", window="0..")
    assert _value(tmp_path, asked, measurement=[*SERIES, again]) == 2


def test_an_earlier_source_goes_before_a_nearer_value_of_a_later_one(tmp_path: Path) -> None:
    rows = [measured(1, 77, "2020-12-01", 20.0, GRAM_PER_LITRE), *SERIES]
    assert _value(tmp_path, item("albumin", "number", f"measurement 77 | {NUMBER}", unit="g/L"), measurement=rows) == 20


def test_what_a_source_coded_goes_before_what_was_read_from_a_note(tmp_path: Path) -> None:
    noted = measured(1, ALBUMIN, "2020-03-01", 1.0, GRAM_PER_LITRE, measurement_type_concept_id=BY_TEXT)
    rows = [*SERIES, noted]
    assert _value(tmp_path, item("albumin", "number", NUMBER, unit="g/L"), measurement=rows) == 30
    assert _value(tmp_path, item("albumin", "number", f"{NUMBER} by text", unit="g/L"), measurement=rows) == 1


@pytest.mark.parametrize(
    ("concept", "unit", "text", "wanted", "value"),
    [
        (ALBUMIN, GRAM_PER_DECILITRE, "", "g/L", 35.0),
        (ALBUMIN, 0, "g/dl", "g/L", 35.0),
        (BILIRUBIN, MILLIGRAM_PER_DECILITRE, "", "umol/L", 3.5 * 17.104),
        (ALBUMIN, 0, "", "g/L", None),
        (ALBUMIN, 0, "", "1", 3.5),
        (ALBUMIN, 0, "", "%", None),
        (ALBUMIN, GRAM_PER_DECILITRE, "", "s", None),
    ],
)
def test_units_are_converted_or_the_number_is_set_aside(
    tmp_path: Path, concept: int, unit: int, text: str, wanted: str, value: float | None
) -> None:
    rows = [measured(1, concept, "2020-03-01", 3.5, unit, unit_source_value=text or None)]
    found = _value(tmp_path, item("albumin", "number", f"measurement {concept}", unit=wanted), measurement=rows)
    assert found == (None if value is None else pytest.approx(value, rel=1e-4))


def test_a_unit_that_nobody_told_is_the_one_that_the_pack_assumes(tmp_path: Path) -> None:
    head = f"{lib.HEAD}assumed unit: {{albumin: g/dL}}\n"
    folder = lib.write(tmp_path / "tiny", {"laboratory": [item("albumin", "number", NUMBER, unit="g/L")]}, head)
    _, tables = lib.built(tmp_path, folder, lib.tables(measurement=[measured(1, ALBUMIN, "2020-03-01", 3.5)]))
    assert tables["laboratory"][0]["albumin"] == 35.0


def test_what_is_set_aside_is_told_with_reason_and_place(tmp_path: Path) -> None:
    asked = [item("albumin", "number", NUMBER, unit="g/L"), item("stage", "choice", "observation 21", list="stage")]
    folder = lib.write(tmp_path / "tiny", {"laboratory": asked}, lists_csv=LISTS)
    rows = [
        measured(1, ALBUMIN, "2020-03-01", 3.5), measured(1, ALBUMIN, "2020-03-02", 3.5, 8555),
        measured(1, ALBUMIN, "2020-03-03", None, GRAM_PER_LITRE, value_source_value="haemolysed"),
    ]  # fmt: skip
    stage = [observed(1, STAGE, "2020-03-04", value_as_string="late")]
    _, tables = lib.built(tmp_path, folder, lib.tables(measurement=rows, observation=stage))
    assert [(row["item"], row["reason"], row["place"]) for row in tables["set_aside"]] == [
        ("albumin", "unit not told", 20200301), ("albumin", "unit does not convert", 20200302),
        ("albumin", "no number", 20200303), ("stage", "not in list", 20200304),
    ]  # fmt: skip


def test_a_number_that_a_repair_took_away_is_not_read_from_the_text(tmp_path: Path) -> None:
    folder = lib.write(tmp_path / "tiny", {"laboratory": [item("albumin", "number", NUMBER, unit="g/L")]})
    taken = measured(1, ALBUMIN, "2020-03-03", None, GRAM_PER_LITRE, value_source_value="5200")
    _, tables = lib.built(tmp_path, folder, lib.tables(measurement=[taken]))
    assert tables["laboratory"][0]["albumin"] is None
    assert [row["reason"] for row in tables["set_aside"]] == ["no number"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"value_as_concept_id": STAGE_A}, "A"), ({"value_as_concept_id": STAGE_B}, "B"),
        ({"value_as_string": "EARLY"}, "A"), ({"value_as_string": "b"}, "B"), ({"value_as_string": "A期"}, "A"),
        ({"value_as_concept_id": 999}, None), ({"value_as_string": "late"}, None),
    ],
)  # fmt: skip
def test_a_choice_is_told_by_concept_or_text(tmp_path: Path, said: dict[str, Any], code: str | None) -> None:
    rows = [observed(1, STAGE, "2020-03-01", **said)]
    assert _value(tmp_path, item("stage", "choice", f"observation {STAGE}", list="stage"), observation=rows) == code


def test_the_lowest_of_a_choice_is_the_first_of_its_list(tmp_path: Path) -> None:
    rows = [observed(1, STAGE, day, value_as_concept_id=one)
            for day, one in (("2020-03-01", STAGE_B), ("2020-05-01", STAGE_A))]  # fmt: skip
    asked = item("stage", "choice", f"observation {STAGE}", list="stage", pick="lowest")
    assert _value(tmp_path, asked, observation=rows) == "A"


def test_many_are_all_codes_in_order(tmp_path: Path) -> None:
    rows = [observed(1, STAGE, "2020-03-01", value_as_concept_id=one) for one in (STAGE_B, STAGE_A, STAGE_B)]
    assert _value(tmp_path, item("stage", "many", f"observation {STAGE}", list="stage"), observation=rows) == "A|B"


@pytest.mark.parametrize(
    ("source", "said", "value"),
    [
        (f"condition {CANCER}", {}, True), (f"condition {STAGE}", {}, None),
        (f"observation {STAGE}", {"value_as_concept_id": 45877994}, True),
        (f"observation {STAGE}", {"value_as_string": "否"}, False),
        (f"observation {STAGE}", {"value_as_number": 0.0}, False),
        (f"observation {STAGE}", {"value_as_string": "perhaps"}, None),
        (f"observation {STAGE} = {STAGE_B}", {"value_as_concept_id": STAGE_B}, True),
        (f"observation {STAGE} = {STAGE_B}", {"value_as_concept_id": STAGE_A}, None),
    ],
)  # fmt: skip
def test_yes_and_no(tmp_path: Path, source: str, said: dict[str, Any], value: bool | None) -> None:
    rows = [observed(1, STAGE, "2020-03-01", **said)] if said else []
    assert _value(tmp_path, item("known", "yesno", source), observation=rows) is value


def test_an_observation_says_something_by_itself_a_test_without_a_result_does_not(tmp_path: Path) -> None:
    bare = {"observation": [observed(1, STAGE, "2020-03-01")], "measurement": [measured(1, 5, "2020-03-01", None)]}
    assert _value(tmp_path, item("known", "yesno", f"observation {STAGE}"), **bare) is True
    assert _value(tmp_path, item("known", "yesno", "measurement 5"), **bare) is None


@pytest.mark.parametrize(("month", "day", "born"), [(2, 30, "None"), (None, None, "1950-07-01"), (2, 1, "1950-02-01")])
def test_a_birthday_that_cannot_be_is_none(tmp_path: Path, month: int, day: int, born: str) -> None:
    folder = lib.write(tmp_path / "tiny", {"person": [item("birth", "date", "person birth")]})
    data = lib.tables()
    data["person"] = [data["person"][0] | {"month_of_birth": month, "day_of_birth": day}]
    assert str(lib.built(tmp_path, folder, data)[1]["person"][0]["birth"]) == born


def test_what_lies_below_a_concept_counts_where_it_is_asked_for(tmp_path: Path) -> None:
    below = {
        "concept_ancestor": [{"ancestor_concept_id": 500, "descendant_concept_id": CANCER,
                              "min_levels_of_separation": 1}]
    }  # fmt: skip
    assert _value(tmp_path, item("known", "yesno", "condition 500 and below"), **below) is True
    assert _value(tmp_path, item("known", "yesno", "condition 500"), **below) is None


def test_a_form_goes_before_all_sources(tmp_path: Path) -> None:
    form = measured(1, 0, "2020-08-01", 44.0, GRAM_PER_LITRE, measurement_source_value="tiny:albumin")
    day = observed(1, 0, "2020-08-01", observation_source_value="tiny:seen", value_as_string="2020/02/03")
    assert _value(tmp_path, item("albumin", "number", NUMBER, unit="g/L"), measurement=[*SERIES, form]) == 44
    assert str(_value(tmp_path, item("seen", "date"), observation=[day])) == "2020-02-03"


def test_an_item_holds_between_its_days(tmp_path: Path) -> None:
    asked = item("albumin", "number", NUMBER, unit="g/L", since="2020-03-01", until="2020-08-31", pick="last")
    assert _value(tmp_path, asked, measurement=SERIES) == 35


def test_every_value_leads_to_its_source(tmp_path: Path) -> None:
    folder = lib.write(tmp_path / "tiny", {"laboratory": [item("albumin", "number", NUMBER, unit="g/dL")]})
    _, tables = lib.built(tmp_path, folder, lib.tables(measurement=SERIES))
    (row,) = tables["value"]
    assert (row["item"], row["value_number"], row["unit"], str(row["day"])) == ("albumin", 3.0, "g/dL", "2020-02-27")
    assert (row["written_number"], row["site"], row["part_id"], row["place"]) == (30.0, "h1", 1, 20200227)
    assert [row["value_number"] for row in tables["event"]] == [4.0, 3.0, 3.5, 5.0]
