"""The map of the data from outside: what there is, where a column comes from, what a name leads to, its exports."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from isthmus.cdm.names import name_of
from isthmus.cdm.tables import TABLES
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.column import graded
from lib import packs
from lib.command import complaint, run
from lib.harbour import write_csv
from lib.workspace import made, rows

PACK = (
    packs.BAY_LIS
    + """\
    when: 结果 is not null
    set:
      measurement_date: reported
      measurement_concept_id: concept(代码, 'lab', 代码)
      measurement_source_value: 代码
      value_as_number: number(结果)
== page.yaml
source: {files: ["page*.csv"]}
key: 病人号 || '/page'
person: 病人号
into:
  - table: condition_occurrence
    each: {count: 12, code: "D{n:02}", name: "N{n:02}"}
    set: {condition_start_date: "date('2024-03-01')", condition_source_value: item.code}
== codes/lab.csv
code,name,concept_id
CREA,creatinine,3016723
"""
)
RESULTS = [
    ["1", "P1", "CREA", "88", "2024-03-01"], ["2", "P1", "CREA", "", "2024-03-02"],
    ["3", "P2", "CREA", "neg", "2024-03-09"], ["4", "P2", "CREA", "70", "9999-12-31"],
]  # fmt: skip


@pytest.fixture(scope="module")
def bay(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("map")
    write_csv(root / "in" / "patient.csv", [["病人号"], ["P1"], ["P2"]])
    write_csv(root / "in" / "result.csv", [["序号", "病人号", "代码", "结果", "报告时间"], *RESULTS])
    heads = [f"{letter}{number:02}" for number in range(1, 13) for letter in "DN"]
    write_csv(root / "in" / "page.csv", [["病人号", *heads], ["P1", "K74", "cirrhosis", *[""] * 22]])
    opened = made(root / "ws", {"lis": (root / "in", packs.write(root / "packs", "bay-lis", PACK))}, site="bay")
    assert run("ingest", opened.root, "--json").code == 0
    return opened


def _map(bay: Workspace, *words: str | Path) -> Any:
    return run("map", bay.root, *words, "--json").document()


def test_counts_filled_shares_and_freshness_are_those_of_the_rows(bay: Workspace) -> None:
    told = _map(bay)
    (feed,) = told["feeds"]
    assert (feed["files"], feed["records"], feed["last"]) == (3, 7, "2024-03-09")  # not the day that stands for none
    tables = {one["name"]: one for one in told["tables"]}
    for name in ("person", "measurement", "condition_occurrence"):
        there = rows(bay, name)
        assert tables[name]["rows"] == len(there)
        for column in tables[name]["columns"]:
            filled = sum(row[column["name"]] is not None for row in there) / len(there)
            assert column["filled"] == column["filled_by_site"]["bay"] == filled
            assert column["grade"] == graded(name, column["name"]).grade
    assert tables["measurement"]["last"] == "2024-03-09"


def test_a_column_leads_back_to_columns_rule_and_feed_and_forward_again(bay: Workspace) -> None:
    back = _map(bay, "measurement.measurement_date")["edges"]
    assert [(one["feed"], one["record"], one["columns"], one["sql"], one["when"]) for one in back] == [
        ("lis", "result", ["报告时间"], "reported", "结果 is not null")
    ]
    forward = _map(bay, "bay/lis.病人号")["edges"]
    assert {f"{one['table']}.{one['column']}" for one in forward} == {
        "person.person_id", "person.person_source_value", "measurement.person_id", "condition_occurrence.person_id",
        "condition_occurrence.condition_occurrence_id",
    }  # fmt: skip
    (numbered,) = _map(bay, "condition_occurrence.condition_source_value")["edges"]
    assert numbered["columns"] == [f"D{number:02}" for number in range(1, 13)]
    assert "D01 … D12" in run("map", bay.root, "condition_occurrence.condition_source_value").out
    assert "measurement" in run("map", bay.root, "observation_period").out  # it is made from tables with days


@pytest.mark.parametrize("text", ["肌酐", "creatinine", "jigan"])
def test_a_concept_is_found_in_english_chinese_and_pinyin_with_its_rows(bay: Workspace, text: str) -> None:
    first = _map(bay, "--find", text)["concepts"][0]
    count = sum(row["measurement_concept_id"] == 3016723 for row in rows(bay, "measurement"))
    assert (first["concept_id"], first["uses"]) == (
        3016723, [{"site": "bay", "table": "measurement", "rows": count}]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "place"),
    [("病人号", "bay/lis.病人号"), ("bingrenhao", "bay/lis.病人号"), ("数值结果", "measurement.value_as_number"),
     ("birth datetime", "person.birth_datetime"), ("bay", "bay")],
)  # fmt: skip
def test_names_of_the_map_are_found(bay: Workspace, text: str, place: str) -> None:
    assert place in [one["place"] for one in _map(bay, "--find", text)["named"]]


def test_what_is_not_there_is_said(bay: Workspace) -> None:
    assert "Nothing in the map" in run("map", bay.root, "--find", "zzzqqq").out
    for what, said in (("nowhere", "no table"), ("measurement.value", "value_as_number"), ("bay/his", "bay/lis"),
                       ("bay/lis.XX", "no rule reads")):  # fmt: skip
        assert said in complaint(run("map", bay.root, what), 3)
    assert "both" in complaint(run("map", bay.root, "person", "--find", "x"), 2)
    assert ".html" in complaint(run("map", bay.root, "--out", "map.pdf"), 2)


def test_events_have_what_openlineage_asks_for(bay: Workspace, tmp_path: Path) -> None:
    """The required fields of the OpenLineage 2-0-2 specification and of the facets that are used (openlineage.io)."""
    out = tmp_path / "events.ndjson"
    assert run("map", bay.root, "--openlineage", out).code == 0
    events = [orjson.loads(line) for line in out.read_bytes().splitlines()]
    assert [one["eventType"] for one in events] == ["START", "COMPLETE"] * (len(events) // 2)
    for one in events:
        assert datetime.fromisoformat(one["eventTime"]).tzinfo is not None
        UUID(one["run"]["runId"])
        assert {"namespace", "name"} <= one["job"].keys()
        assert re.match(r"\w+:", one["producer"])
        assert one["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/")
        for dataset in (*one["inputs"], *one["outputs"]):
            assert {"namespace", "name"} <= dataset.keys()
            for sort in ("facets", "inputFacets", "outputFacets"):
                assert all({"_producer", "_schemaURL"} <= facet.keys() for facet in dataset.get(sort, {}).values())
    ingest = next(one for one in events if one["job"]["name"] == "bay.ingest" and one["eventType"] == "COMPLETE")
    outputs = {one["name"]: one for one in ingest["outputs"]}
    assert outputs["measurement"]["outputFacets"]["outputStatistics"]["rowCount"] == len(rows(bay, "measurement"))
    fields = outputs["measurement"]["facets"]["columnLineage"]["fields"]
    (led,) = fields["value_as_number"]["inputFields"]
    assert {key: led[key] for key in ("namespace", "name", "field")} == {
        "namespace": f"isthmus://{bay.root.name}/bay", "name": "lis", "field": "结果"
    }  # fmt: skip
    assert led["transformations"][0]["type"] == "DIRECT"
    text = out.read_text()
    assert not any(value in text for value in ("P1", "CREA", "result.csv", "K74"))


@pytest.mark.parametrize(("language", "word"), [("en", "Map of the data"), ("zh", "数据地图")])
def test_the_page_holds_the_picture_and_no_row(bay: Workspace, tmp_path: Path, language: str, word: str) -> None:
    out = tmp_path / "map.html"
    assert run("map", bay.root, "--out", out, "--language", language).code == 0
    text = out.read_text("utf-8")
    assert word in text
    assert "<svg" in text
    assert name_of("measurement")[language] in text  # type: ignore[index]  # both languages are there
    assert "http" not in text.replace("http-equiv", "")
    assert not any(f">{value}<" in text for value in ("P1", "P2", "CREA", "K74"))


def test_every_clinical_column_has_a_name_in_both_languages() -> None:
    nameless = {
        f"{one.name}.{column.name}"
        for one in TABLES.values() if one.group in ("clinical", "system", "economics", "derived")
        for column in one.columns if name_of(one.name, column.name)["zh"] == column.name
    }  # fmt: skip
    assert nameless == {"fact_relationship.domain_concept_id_1", "fact_relationship.domain_concept_id_2"}
