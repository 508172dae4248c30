"""What of a wide table is carried on to the rules."""

from pathlib import Path

from isthmus.mapping.pack import load
from isthmus.mapping.plan import WIDE, RecordPlan, plan
from lib import packs

COUNTED = """
== pack.yaml
pack: p
format: {kind: csv}
== page.yaml
source: {files: ["*.csv"]}
key: number
person: number
into:
  other:
    table: condition_occurrence
    each: {count: 60, code: "C{n:02}", name: "N{n:02}"}
    when: item.code is not null
    set:
      condition_source_value: item.code || item.name
      condition_start_date: date(day)
      condition_concept_id: "0"
      condition_type_concept_id: "32823"
"""


def _planned(folder: Path, count: int) -> RecordPlan:
    pack = load("p", (packs.write(folder, "p", COUNTED.replace("count: 60", f"count: {count}")).parent,))
    numbered = [f"{letter}{n:02}" for letter in "CN" for n in range(1, count + 1)]
    columns = ["number", "day", *numbered, *(f"unread{n}" for n in range(500))]
    return plan(pack, pack.records[0], columns)


def test_columns_that_are_taken_by_number_are_carried_and_others_are_not(tmp_path: Path) -> None:
    carried = _planned(tmp_path, 60).source.sql("duckdb").partition("AS _key")[0]
    assert all(f'"{name}"' in carried for name in ("day", "C01", "C60", "N33"))
    assert '"unread7"' not in carried


def test_a_record_is_wide_by_what_is_carried(tmp_path: Path) -> None:
    assert _planned(tmp_path / "wide", 60).wide
    assert not _planned(tmp_path / "narrow", (WIDE - 20) // 2).wide
