"""Every column that a registry has is in its dictionary, in both languages."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

from isthmus.research.registries import dictionary
from isthmus.research.registries.pack import Pack, load
from lib import registries as lib
from lib.registries import ALBUMIN, BILIRUBIN, STAGE, item

ITEMS = [
    item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L", window="-30..30", source="CNLC 2024|study")
    | {"zh": "白蛋白"},
    item("bilirubin", "number", f"measurement {BILIRUBIN}", unit="umol/L"),
    item("stage", "choice", f"observation {STAGE}", list="stage"), item("albi", "number", "derived", unit="1"),
]  # fmt: skip
LISTS = "list,code,en,zh,concepts,texts\nstage,A,early,早期,22,\nstage,B,late,晚期,23,\n"


def _pack(tmp_path: Path) -> Pack:
    return load(
        lib.write(
            tmp_path / "tiny", {"laboratory": ITEMS}, lists_csv=LISTS, endpoints_yaml="os: {events: [death]}",
            derived_yaml="albi: {score: albi, with: {albumin: albumin, bilirubin: bilirubin}}",
        )
    )  # fmt: skip


def _lines(pack: Pack) -> dict[str, dict[str, Any]]:
    return {row["item"]: row for row in csv.DictReader(StringIO(dictionary.sheet(pack)))}


def test_every_column_of_every_table_of_items_has_a_line(tmp_path: Path) -> None:
    pack = _pack(tmp_path)
    _, tables = lib.built(tmp_path, tmp_path / "tiny", lib.tables())
    known = {"person_id", "site", "index_date", "row", "dead", "death", "death_day_told", "last_contact"}
    columns = {name for group in (*pack.groups, "endpoint") for name in tables[group][0]}
    assert columns - known == set(_lines(pack))


def test_a_line_tells_names_codes_sources_and_formula(tmp_path: Path) -> None:
    lines = _lines(_pack(tmp_path))
    assert (lines["albumin"]["zh"], lines["albumin"]["unit"], lines["albumin"]["window"]) == (
        "白蛋白",
        "g/L",
        "-30..30",
    )
    assert lines["albumin"]["from"] == f"measurement {ALBUMIN}"
    assert lines["albumin"]["source"] == "CNLC 2024|study"
    assert (lines["stage"]["codes"], lines["stage"]["codes_zh"]) == ("A|B", "早期|晚期")
    assert lines["albi"]["formula"] == "albi(albumin: albumin, bilirubin: bilirubin)"


def test_the_pages_have_a_table_for_each_group(tmp_path: Path) -> None:
    pack = _pack(tmp_path)
    english, chinese = dictionary.document(pack, "en"), dictionary.document(pack, "zh")
    assert "## Laboratory" in english
    assert "| `stage` | stage | choice | A early; B late | nearest | core |  |" in english
    assert "## 检验" in chinese
    assert "| `albumin` | 白蛋白 | 数值 | g/L | 最接近 -30..30 | 核心 | CNLC 2024; study |" in chinese
