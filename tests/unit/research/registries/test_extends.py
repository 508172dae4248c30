"""A pack says only what differs from the one that it extends, and what differs can be told and counted."""

from pathlib import Path

from isthmus.research.registries import difference
from isthmus.research.registries.pack import Pack, load
from lib import registries as lib
from lib.registries import HEAD, item

BELOW_LISTS = "list,code,en,zh,concepts,texts\nstage,A,A,A,22,\nstage,B,B,B,23,\nside,left,left,左,,\n"
OWN = """
registry: own
version: "2"
title: {en: Another, zh: 另一个}
extends: tiny
cases:
  concepts: {cancer: [12]}
drop: [weight]
groups:
  - {group: person, en: People, zh: 人群, row: patient}
  - {group: late, en: Late, zh: 晚, row: patient}
"""


def _packs(tmp_path: Path) -> Pack:
    lib.write(
        tmp_path / "tiny",
        {
            "person": [item("weight", "number", "measurement 5", unit="kg"), item("name", "text")],
            "laboratory": [
                item("albumin", "number", "measurement 3024561", unit="g/L", window="-30..30"),
                item("stage", "choice", "observation 21", list="stage"),
                item("twice", "number", "derived", unit="g/L"),
            ],
        },
        lists_csv=BELOW_LISTS, derived_yaml="twice: {is: albumin * 2}",
    )  # fmt: skip
    changed = {"item": "albumin", "unit": "g/dL", "window": "-", "en": "Serum albumin"}
    lib.write(
        tmp_path / "own", {"laboratory": [changed], "late": [item("relapse", "date"), {"item": "stage"}]}, OWN,
        lists_csv="list,code,en,zh,concepts,texts\nstage,I,I,I,24,\n", derived_yaml="twice: {is: albumin * 3}",
    )  # fmt: skip
    return load(tmp_path / "own")


def test_a_row_replaces_the_cells_that_it_fills_and_a_dash_empties_one(tmp_path: Path) -> None:
    albumin = _packs(tmp_path).items["albumin"]
    assert (albumin.names, albumin.unit, albumin.low) == ({"en": "Serum albumin", "zh": "albumin"}, "g/dL", None)
    assert albumin.sources[0].concept_id == 3024561


def test_lists_and_formulas_are_replaced_whole_and_others_stay(tmp_path: Path) -> None:
    pack = _packs(tmp_path)
    assert [one.code for one in pack.lists["stage"]] == ["I"]
    assert [one.code for one in pack.lists["side"]] == ["left"]
    assert pack.formulas["twice"].expression == "albumin * 3"


def test_a_group_is_replaced_in_its_place_and_items_may_move(tmp_path: Path) -> None:
    pack = _packs(tmp_path)
    assert list(pack.groups) == ["person", "laboratory", "late"]
    assert pack.groups["person"].names["en"] == "People"
    assert pack.items["stage"].group == "late"
    assert "weight" not in pack.items


def test_the_cases_take_over_single_concept_sets(tmp_path: Path) -> None:
    pack = _packs(tmp_path)
    (concepts,) = pack.cases.sets.values()
    assert {one.concept_id for one in concepts} == {12}
    assert list(pack.lineage) == ["tiny", "own"]


def test_what_differs_is_counted(tmp_path: Path) -> None:
    counts = difference.counted(difference.differences(_packs(tmp_path)))
    assert counts["item"] == {"added": 1, "overridden": 2, "dropped": 1}
    assert counts["formula"] == {"added": 0, "overridden": 1, "dropped": 0}
    assert counts["code"] == {"added": 1, "overridden": 0, "dropped": 2}


def test_what_differs_names_both_sides_and_the_line(tmp_path: Path) -> None:
    found = {(one.name, one.column): one for one in difference.differences(_packs(tmp_path))}
    unit = found["albumin", "unit"]
    assert (unit.below, unit.here, unit.place) == ("g/L", "g/dL", "own/items/laboratory.csv:2")
    assert found["albumin", "window"].here == ""


def test_a_pack_that_extends_none_has_no_differences(tmp_path: Path) -> None:
    _packs(tmp_path)
    assert not difference.differences(load(tmp_path / "tiny"))


def test_any_byte_of_any_layer_changes_the_digest(tmp_path: Path) -> None:
    before = _packs(tmp_path).digest
    assert before == load(tmp_path / "own").digest
    (tmp_path / "tiny" / "registry.yaml").write_text(HEAD + "# more\n", encoding="utf-8")
    assert before != load(tmp_path / "own").digest
