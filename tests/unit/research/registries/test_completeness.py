"""How complete a registry is, why not, and what to mend first."""

from pathlib import Path
from typing import Any

from isthmus.research.registries.build import build
from isthmus.research.registries.pack import load
from isthmus.research.registries.worklist import OpenCode
from lib import cdm
from lib import registries as lib
from lib.registries import ALBUMIN, BILIRUBIN, GRAM_PER_LITRE, MILLIGRAM_PER_DECILITRE, item, measured

ITEMS = [
    item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L", window="-30..30") | {"zh": "白蛋白"},
    item("bilirubin", "number", f"measurement {BILIRUBIN}", unit="umol/L", need="wanted"),
    item("albi", "number", "derived", unit="1"), item("remark", "text", need="optional"),
    item("later", "number", f"measurement {ALBUMIN}", unit="g/L", since="2021-01-01"),
]  # fmt: skip
ALBI = "albi: {score: albi, with: {albumin: albumin, bilirubin: bilirubin}}"
PEOPLE = (1, 2, 3, 4)
# 1 has both; 2 lacks bilirubin; 3 has an albumin of another time; of 4 the unit of albumin is not told.
ROWS = [
    measured(1, ALBUMIN, "2020-03-01", 40.0, GRAM_PER_LITRE),
    measured(1, BILIRUBIN, "2020-03-01", 1.0, MILLIGRAM_PER_DECILITRE),
    measured(2, ALBUMIN, "2020-03-01", 40.0, GRAM_PER_LITRE),
    measured(3, ALBUMIN, "2020-09-01", 40.0, GRAM_PER_LITRE),
    measured(3, BILIRUBIN, "2020-03-01", 1.0, MILLIGRAM_PER_DECILITRE),
    measured(4, ALBUMIN, "2020-03-01", 40.0),
    measured(4, 0, "2020-03-01", 40.0, measurement_source_value="血清白蛋白"),
]


def _tables(tmp_path: Path, codes: list[OpenCode] | None = None) -> dict[str, list[dict[str, Any]]]:
    folder = lib.write(tmp_path / "tiny", {"laboratory": ITEMS}, derived_yaml=ALBI)
    found: dict[str, list[dict[str, Any]]] = {}
    with cdm.desk(tmp_path, lib.tables(PEOPLE, measurement=ROWS)) as desk:
        build(
            desk, load(folder), lambda name, rows: found.setdefault(name, []).extend(rows.to_pylist()), parts=2,
            codes=codes,
        )  # fmt: skip
    return found


def test_what_is_filled_is_counted_by_item_site_and_period(tmp_path: Path) -> None:
    rows = {(row["item"], row["period"]): row for row in _tables(tmp_path)["completeness"]}
    found = {name: (rows[name, "2020"]["rows"], rows[name, "2020"]["filled"]) for name, _ in rows}
    assert found == {"albumin": (4, 2), "bilirubin": (4, 2), "albi": (4, 1)}
    assert rows["albumin", "2020"]["share"] == 0.5
    assert rows["albumin", "2020"]["site"] == "h1"


def test_the_work_list_tells_what_is_missing_and_what_waits_for_it(tmp_path: Path) -> None:
    rows = {row["item"]: row for row in _tables(tmp_path)["worklist"]}
    albumin, bilirubin = rows["albumin"], rows["bilirubin"]
    assert (albumin["patients"], albumin["missing"], albumin["blocked"], albumin["blocked_alone"]) == (4, 2, 2, 1)
    assert (bilirubin["missing"], bilirubin["blocked"], bilirubin["blocked_alone"]) == (2, 2, 1)
    assert "albi" not in rows


def test_the_work_list_tells_why_what_was_found_could_not_be_taken(tmp_path: Path) -> None:
    rows = {row["item"]: row for row in _tables(tmp_path)["worklist"]}
    assert rows["albumin"]["found_but"] == "outside the window: 1; unit not told: 1"


def test_the_work_list_names_open_codes_that_are_like_the_item(tmp_path: Path) -> None:
    rows = {row["item"]: row for row in _tables(tmp_path)["worklist"]}
    assert rows["albumin"]["may_be"] == "血清白蛋白 (measurement, 1 rows)"
    assert rows["bilirubin"]["may_be"] == ""


def test_each_source_tells_what_it_gave(tmp_path: Path) -> None:
    rows = {(row["item"], row["found_in"]): row for row in _tables(tmp_path)["source"]}
    albumin, form = rows["albumin", "measurement"], rows["albumin", "form"]
    assert (albumin["rows"], albumin["set_aside"], albumin["taken"], albumin["known"]) == (4, 1, 2, True)
    assert (form["rows"], form["taken"], form["known"]) == (0, 0, True)


def test_names_of_open_codes_may_come_from_the_exports(tmp_path: Path) -> None:
    codes = [OpenCode("h1", "measurement", "L12", "Total Bilirubin", 30), OpenCode("h2", "x", "L12", "bilirubin", 3)]
    rows = {row["item"]: row for row in _tables(tmp_path, codes)["worklist"]}
    assert rows["bilirubin"]["may_be"] == "Total Bilirubin (L12, measurement, 30 rows)"
