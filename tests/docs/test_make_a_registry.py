"""The seventh registry of docs/how-to/make-a-registry.md is made as the page says, with its faults and without."""

import re
from pathlib import Path

import pytest

from isthmus.base.errors import PackError
from isthmus.research.registries.difference import counted, differences
from isthmus.research.registries.pack import load
from lib import registries as lib
from lib.registries import observed
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "how-to" / "make-a-registry.md").read_text(encoding="utf-8")
LUNG = 258369


def written(folder: Path) -> Path:
    """The files of the page, each named by its first line."""
    for body in re.findall(r"```(?:yaml|csv)\n# (.*?)```", TEXT, flags=re.DOTALL):
        name, content = body.split("\n", 1)
        path = folder / name
        if name in {"registry.yaml", "lists.csv", "derived.yaml", "quality.csv"} or name.startswith("items/"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    return folder


def mended(folder: Path) -> Path:
    """What the page tells to put right."""
    head = folder / "registry.yaml"
    head.write_text(head.read_text(encoding="utf-8").replace("occult_bloood", "occult_blood"), encoding="utf-8")
    items = folder / "items" / "molecular.csv"
    first, *rest, last = items.read_text(encoding="utf-8").splitlines()
    lines = [f"{first},from", *(f"{line}," for line in rest), f"{last},derived"]
    items.write_text("\n".join(lines), encoding="utf-8")
    return folder


def test_the_page_tells_the_faults_as_they_are_told(tmp_path: Path) -> None:
    with pytest.raises(PackError) as told:
        load(written(tmp_path / "lung"))
    assert str(told.value) in TEXT


def test_the_registry_adds_overrides_and_drops_what_the_page_counts(tmp_path: Path) -> None:
    pack = load(mended(written(tmp_path / "lung")))
    assert counted(differences(pack))["item"] == {"added": 9, "overridden": 2, "dropped": 1}
    assert "9 items added, 2 overridden, 1 dropped" in TEXT
    assert pack.items["smoking_pack_years"].need == "core"
    assert pack.items["smoking_pack_years"].names["zh"] == "吸烟包年"


def test_the_registry_is_built(tmp_path: Path) -> None:
    data = lib.tables()
    data["concept"].append({"concept_id": LUNG, "concept_name": "lung cancer", "domain_id": "Condition"})
    data["condition_occurrence"][0]["condition_concept_id"] = LUNG
    told = {"egfr": "19del", "smoking": "1"}
    data["observation"] = [
        observed(1, 0, "2020-03-02", observation_source_value=f"lung:{name}", value_as_string=value)
        for name, value in told.items()
    ]
    registry, tables = lib.built(tmp_path, mended(written(tmp_path / "lung")), data)
    assert registry.patients == 1
    assert tables["molecular"][0]["egfr"] == "19del"
    assert tables["molecular"][0]["targetable"] is True
    assert tables["aetiology"][0]["smoking"] == "never"
