"""How much work a registry is, and that neither the number of items nor that of parts changes what is found."""

from pathlib import Path

import pytest

from lib import registries as lib
from lib.registries import ALBUMIN, GRAM_PER_LITRE, item, measured

PEOPLE = range(1, 8)
ROWS = [
    measured(one, ALBUMIN, f"2020-03-{day:02}", 30.0 + one + day, GRAM_PER_LITRE) for one in PEOPLE for day in (1, 9)
]


def _pack(folder: Path, items: int) -> Path:
    asked = [
        item(f"albumin_{at}", "number", f"measurement {ALBUMIN}", unit="g/L", pick=("first", "last")[at % 2])
        for at in range(items)
    ]
    twice = [item(f"twice_{at}", "number", "derived", unit="g/L") for at in range(items)]
    formulas = "\n".join(f"twice_{at}: {{is: albumin_{at} * 2}}" for at in range(items))
    return lib.write(folder, {"laboratory": asked, "person": twice}, derived_yaml=formulas)


def test_the_number_of_statements_does_not_grow_with_the_number_of_items(tmp_path: Path) -> None:
    data = lib.tables(PEOPLE, measurement=ROWS)
    few, _ = lib.built(tmp_path, _pack(tmp_path / "few", 2), data)
    many, tables = lib.built(tmp_path, _pack(tmp_path / "many", 60), data)
    assert many.steps == few.steps
    assert tables["person"][0]["twice_59"] == 2 * tables["laboratory"][0]["albumin_59"]


@pytest.mark.parametrize("parts", [2, 7, 20])
def test_the_parts_give_together_what_one_gives(tmp_path: Path, parts: int) -> None:
    data, pack = lib.tables(PEOPLE, measurement=ROWS), _pack(tmp_path / "pack", 3)
    one, whole = lib.built(tmp_path, pack, data)
    several, pieces = lib.built(tmp_path, pack, data, parts=parts)
    assert pieces == whole
    assert (several.patients, several.rows) == (one.patients, one.rows)


def test_nobody_is_a_registry_too(tmp_path: Path) -> None:
    registry, tables = lib.built(tmp_path, _pack(tmp_path / "pack", 1), lib.tables(()))
    assert registry.patients == 0
    assert tables["laboratory"] == []
    assert tables["completeness"] == []
