"""The registries that come along: that they hold together, and that published studies could be done with them."""

import csv
import re
from collections import Counter
from functools import cache

import pytest

from isthmus.research.registries import layer
from isthmus.research.registries.difference import counted, differences
from isthmus.research.registries.pack import Pack, load
from isthmus.research.scores.reader import shipped
from lib.tree import ROOT

PACKS = ("tumour", "liver", "stomach", "colorectum", "pancreas", "oesophagus", "biliary")
STUDIES = ROOT / "docs" / "reference" / "liver-studies.csv"
CANCERS = ROOT / "docs" / "reference" / "registries.md"
# Which types of items hold what a study needs.
FITTING = {
    "number": {"number", "whole"}, "code": {"choice", "many"}, "yes or no": {"yesno"}, "date": {"date"},
    "text": {"text"},
}  # fmt: skip

pack = cache(load)


def covered(of: Pack, kind: str, item: str) -> bool:
    """Whether the pack has what a study needs, in a form that fits."""
    if kind == "end point":
        return item in of.endpoints
    return item in of.items and of.items[item].type in FITTING[kind]


@cache
def elements() -> list[dict[str, str]]:
    with STUDIES.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_all_that_come_along_are_known_here() -> None:
    assert set(layer.shipped()) == set(PACKS)


@pytest.mark.parametrize("name", PACKS)
def test_a_registry_has_its_groups_and_no_name_twice(name: str) -> None:
    found = pack(name)
    assert len(found.groups) == 14
    assert {one.group for one in found.items.values()} == set(found.groups)
    for language in ("en", "zh"):
        names = Counter(one.names[language].casefold() for one in found.items.values())
        assert [one for one, times in names.items() if times > 1] == []


@pytest.mark.parametrize("name", PACKS)
def test_every_list_is_used_and_every_item_says_where_it_comes_from(name: str) -> None:
    found = pack(name)
    assert set(found.lists) - {one.list for one in found.items.values()} == set()
    assert [one.name for one in found.items.values() if not one.references] == []


@pytest.mark.parametrize("name", PACKS)
def test_no_item_is_a_numbered_copy_of_another(name: str) -> None:
    stems = Counter(re.sub(r"_?\d+$", "", one) for one in pack(name).items)
    assert [one for one, times in stems.items() if times > 4] == []


def test_the_liver_is_asked_for_more_than_the_largest_registry_of_its_country() -> None:
    """The China Liver Cancer Study collects 643 items."""
    assert len(pack("liver").items) >= 643


def test_the_liver_works_out_every_score_and_stage() -> None:
    """Variants (`NAME@VARIANT`) are for data that were classified by them; ECOG itself is an item.

    Scores of thrombosis and bleeding are of any stay in hospital, not of the liver.
    """
    used = {one.score for one in pack("liver").formulas.values() if one.score}
    stays = {"padua", "caprini", "improve_bleeding", "bleeding_medical", "bleeding_surgical"}
    assert {name for name in shipped() if "@" not in name} - used == {"ecog", *stays}


def test_the_liver_is_held_against_rules_that_say_how_to_mend() -> None:
    rules = pack("liver").quality
    assert len(rules) >= 40
    assert [one.name for one in rules if not (one.mends["en"] and one.mends["zh"] and one.says["zh"])] == []


def test_what_ten_published_studies_used_is_covered() -> None:
    assert len({row["study"] for row in elements()}) == 10
    found = [covered(pack("liver"), row["kind"], row["item"]) for row in elements()]
    assert sum(found) / len(found) >= 0.95


def test_what_a_study_names_is_an_item_that_fits() -> None:
    wrong = [row for row in elements() if row["item"] and not covered(pack("liver"), row["kind"], row["item"])]
    assert wrong == []


@pytest.mark.parametrize("name", PACKS[1:])
def test_the_page_counts_what_a_registry_adds_and_overrides(name: str) -> None:
    found = counted(differences(pack(name)))["item"]
    row = f"| `{name}` | {len(pack(name).items)} | {found['added']} | {found['overridden']} | {found['dropped']} |"
    assert row in CANCERS.read_text(encoding="utf-8")
