"""The four dimensions of the EMR grading, on the worked example: 1,000 laboratory results, of which 930 have a code of
the dictionary (0.93), 880 value, unit and range (0.88), 905 join to an order (0.905), and 3,640 of 4,000 times are in
order (ordered, sampled, received, reported: 0.91).

Source: the worked example beside the formulas of the grading standard of 2018 (国卫办医函〔2018〕1079号); the formulas
are known in the field and were not held against the official text.
"""

import csv
import re
from pathlib import Path

import pytest

from isthmus.flow.rules.grading import dimensions, graded
from isthmus.flow.rules.judge import judged
from isthmus.flow.workspace import Workspace
from isthmus.quality.rules.catalogue import sources
from lib import packs
from lib.command import complaint, run
from lib.harbour import write_csv
from lib.workspace import made

LIS = """
== pack.yaml
pack: ward-lis
format: {kind: csv}
== lab.yaml
source: {files: ["lab*.csv"]}
optional: [参考范围, 单位, 医嘱号, 开立时间, 采样时间, 接收时间]
key: 序号
person: 病人号
into:
  - table: measurement
    set:
      measurement_date: date(报告时间)
      measurement_concept_id: concept(项目代码, 'lab')
      measurement_source_value: 项目代码
      value_as_number: number(结果)
      value_source_value: 结果
== order.yaml
source: {files: ["order*.csv"]}
key: 医嘱号
person: 病人号
into:
  - table: observation
    set:
      observation_date: date(开始时间)
      observation_source_value: 药品名称
== codes/lab.csv
code,name,concept_id
ALB,albumin,3024561
"""
LAB = [
    "序号",
    "病人号",
    "项目代码",
    "结果",
    "单位",
    "参考范围",
    "医嘱号",
    "开立时间",
    "采样时间",
    "接收时间",
    "报告时间",
]
TIMES = ["2024-03-01 08:00:00", "2024-03-01 09:00:00", "2024-03-01 10:00:00", "2024-03-01 11:00:00"]


def _result(number: int) -> list[str]:
    """Of a thousand 70 codes are unknown, 120 units missing, 95 orders not found, 360 receptions before sampling."""
    times = [*TIMES]
    if number % 25 < 9:  # 360 of 1,000
        times[2] = "2024-03-01 08:30:00"
    return [
        str(number), f"P{number % 50}", "ALB" if number >= 70 else "XX", "40", "" if number < 120 else "g/L", "35-55",
        f"O{number}" if number >= 95 else f"none{number}", *times,
    ]  # fmt: skip


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("grading")
    write_csv(root / "in" / "lab.csv", [LAB, *(_result(number) for number in range(1000))])
    orders = [
        [f"O{number}", f"P{number % 50}", "药", "1", "2024-03-01 08:00:00", "2024-03-02"] for number in range(95, 1000)
    ]
    write_csv(root / "in" / "order.csv", [["医嘱号", "病人号", "药品名称", "数量", "开始时间", "停止时间"], *orders])
    opened = made(root / "ws", {"lis": (root / "in", packs.write(root / "packs", "ward-lis", LIS))}, site="ward")
    assert run("ingest", opened.root, "--json").code == 0
    return opened


@pytest.mark.parametrize(
    ("item", "asked", "ratio"),
    [("G.lab.dictionary", 1000, 0.93), ("G.lab.complete", 1000, 0.88), ("G.lab.order", 1000, 0.905),
     ("G.lab.times", 4000, 0.91)],
)  # fmt: skip
def test_the_worked_example(ward: Workspace, item: str, asked: int, ratio: float) -> None:
    found = {one.item_id: one for one in graded(ward, "ward", judged(ward, "ward"))}
    assert (found[item].asked, found[item].ratio) == (asked, pytest.approx(ratio, abs=1e-12))
    assert found[item].passes


def test_the_same_code_counted_in_the_lake_gives_the_same_ratio(ward: Workspace) -> None:
    found = {one.item_id: one for one in graded(ward, "ward", [])}
    assert found["C.test"].ratio == pytest.approx(0.93, abs=1e-12)
    assert found["I.test"].ratio == 0.0  # no visit is delivered
    by_name = {one.name: one for one in dimensions(list(found.values()))}
    assert by_name["integration"].passed == 0


def test_a_day_without_time_is_not_before_a_time_of_that_day(ward: Workspace) -> None:
    orders = {one.item_id: one for one in graded(ward, "ward", judged(ward, "ward"))}["G.order.times"]
    assert (orders.asked, orders.right) == (905, 905)


def test_the_ratios_of_an_evidence_pack_are_printed_for_people(ward: Workspace, tmp_path: Path) -> None:
    printed = run("quality", ward.root, "--site", "ward", "--evidence", tmp_path / "evidence")
    assert printed.code == 0, printed
    found = {one.name: one for one in dimensions(graded(ward, "ward", judged(ward, "ward")))}
    assert found["timeliness"].ratio == pytest.approx((3640 + 905) / (4000 + 905))
    assert "0.9266" in next(line for line in printed.out.splitlines() if "timeliness" in line)
    assert "evidence.zh.pdf" in printed.out


def test_the_evidence_pack_holds_the_ratios_with_their_source_and_no_value(ward: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "evidence"
    told = run("quality", ward.root, "--site", "ward", "--evidence", folder, "--json").document()
    assert {Path(one).name for one in told["files"]} == {path.name for path in folder.iterdir()}
    with (folder / "grading.csv").open(encoding="utf-8-sig", newline="") as stream:
        rows = {row["id"]: row for row in csv.DictReader(stream)}
    assert (rows["G.lab.order"]["right"], rows["G.lab.order"]["asked"], rows["G.lab.order"]["checked"]) == (
        "905",
        "1000",
        "K",
    )
    cited = sources()["emr2018.chain"]
    assert (rows["G.lab.order"]["source"], rows["G.lab.order"]["source_zh"]) == (cited["en"], cited["zh"])
    with (folder / "rules.csv").open(encoding="utf-8-sig", newline="") as stream:
        places = {row["id"]: row["places"] for row in csv.DictReader(stream)}
    assert places["G.lab.complete"] == "lis/lab.csv:2"  # line 1 is the heading
    for language, word in (("en", "Evidence for ratings"), ("zh", "评级佐证材料")):
        text = (folder / f"evidence.{language}.html").read_text("utf-8")
        assert word in text
        assert "0.9050" in text
        number = re.search(rf"\[(\d+)\] {re.escape(cited[language])}<", text)
        assert number is not None
        assert f"K [{number[1]}]" in text  # the rule leads to its source
        assert (folder / f"evidence.{language}.pdf").read_bytes().startswith(b"%PDF")
        assert not any(value in text for value in ("P7", "O120", "none5", "2024-03-01"))
    assert "--site" in complaint(run("quality", ward.root, "--evidence", folder), 2)


def test_broken_rules_are_findings_with_file_line_and_mend(ward: Workspace) -> None:
    found = {one["kind"]: one for one in run("findings", ward.root, "--json").document()}
    times = found["labreport.G.lab.times"]
    (place,) = times["places"]
    assert (times["rows"], times["of"], place["file"], place["line"]) == (360, 4000, "lab.csv", 2)
    assert times["mend"]["zh"]
    assert found["labreport.G.lab.order"]["rows"] == 95
    assert "labreport.G.lab.dictionary" not in found  # the codes are told by code system
