"""A knowledge pack of the user's: named by a setting, read with those that come along, anew when it has changed."""

from datetime import datetime
from pathlib import Path

import pytest

from isthmus.apps import advice
from isthmus.apps.contract import InputError, PackError
from isthmus.apps.contract.trial import Trial
from lib.advised import person, request

PACK = """pack: ours
version: "1"
title: {en: Ours, zh: 本院}
about: What this hospital asks of everybody.
needs: [liver]
sources:
  house: {title: Our own rule, checked: [{what: all, how: read, against: our handbook}]}
"""
RULES = """rules:
  ask_of_the_old:
    version: "1"
    title: {en: asking the old, zh: 询问高龄患者}
    hooks: [patient-view]
    when: age >= AGE
    indicator: info
    summary: {en: "{age} years: ask about falls", zh: "{age} 岁：询问跌倒史"}
    source: house
    strength: strong
    examples: [{with: {age: 99}, fires: yes}, {with: {age: 3}, fires: no}]
"""


def written(folder: Path, age: int) -> Path:
    (folder / "ours").mkdir(parents=True, exist_ok=True)
    (folder / "ours/pack.yaml").write_text(PACK, encoding="utf-8")
    (folder / "ours/rules.yaml").write_text(RULES.replace("AGE", str(age)), encoding="utf-8")
    return folder


def trial(**settings: str) -> Trial:
    rows = {"person": [person(1)]}
    at = datetime.fromisoformat("2024-03-31T12:00")
    return Trial(Path(advice.__file__).parent, rows, package=advice.__name__, settings=settings, at=at)


def shown(made: Trial) -> list[str]:
    return [
        one["extension"]["org.isthmus.advice"]["rule"] for one in made.serve("advice-patient-view", request())["cards"]
    ]


def test_a_rule_of_ones_own_is_told_and_follows_its_file(tmp_path: Path) -> None:
    folder = written(tmp_path / "knowledge", 18)
    with trial() as made:
        assert "ask_of_the_old" not in shown(made)
    with trial(knowledge=str(folder)) as made:
        assert "ask_of_the_old" in shown(made)
        listed = {one["rule"] for one in made.get("api/rules").body["rules"]}
        assert {"ask_of_the_old", "surveillance_cirrhosis"} <= listed
        written(folder, 98)
        assert "ask_of_the_old" not in shown(made)


def test_a_wrong_pack_and_an_empty_folder_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "knowledge", 18)
    (folder / "ours/rules.yaml").write_text(RULES.replace("AGE", "AGES"), encoding="utf-8")
    with trial(knowledge=str(folder)) as made, pytest.raises(PackError, match=r"ours/rules.yaml:\d+: "):
        shown(made)
    with trial(knowledge=str(tmp_path / "nowhere")) as made, pytest.raises(InputError, match="holds no pack"):
        shown(made)


def test_the_graph_opens_with_the_concept_of_the_setting() -> None:
    pages = {}
    for start in ("liver_cancer", "cirrhosis", "no such concept"):
        with trial(start=start) as made:
            pages[start] = made.get("graph").body
    assert pages["liver_cancer"] != pages["cirrhosis"]
    assert "<svg" in pages["no such concept"]


def test_a_pack_is_checked_beside_the_others_of_ones_own(tmp_path: Path) -> None:
    """It may build on them, and the rules that its relations make are among those that it is told to bring."""
    folder = written(tmp_path / "knowledge", 18)
    head = PACK.replace("pack: ours", "pack: more").replace("[liver]", "[liver, ours]")
    line = "celecoxib,contraindicated_in,cirrhosis,warning,label,house,It harms the kidneys.,损害肾脏。,"
    relations = f"from,relation,to,indicator,strength,source,en,zh,about\n{line}\n"
    more = {"name": "more", "files": {"pack.yaml": head.replace("house:", "house2:"), "relations.csv": relations}}
    with trial(knowledge=str(folder)) as made:
        told = made.post("api/check", more)
    assert (told.status, told.body["faults"]) == (200, [])
    assert [one["rule"] for one in told.body["rules"]] == ["contraindication.celecoxib.cirrhosis"]
    with trial() as made:
        assert "ours" in str(made.post("api/check", more).body["faults"])
