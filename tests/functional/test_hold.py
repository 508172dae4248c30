"""A delivery that makes a site's quality worse than it may publishes nothing, until it is mended or accepted."""

import re
from pathlib import Path

import pytest

from isthmus.flow.hold import Held, HeldError
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from isthmus.serving.web.counted import worse
from isthmus.serving.web.runs import Run
from isthmus.serving.web.shell.words import speech
from lib import packs
from lib.command import complaint, run
from lib.copies import copied
from lib.harbour import write_csv
from lib.reader import Reader, opened
from lib.workspace import made, rows

PACK = (
    """
== pack.yaml
pack: bay-lis
format: {kind: csv}
"""
    + packs.PATIENTS
    + """
== result.yaml
source: {files: ["result*.csv"]}
key: number
person: id
version: sent
into:
  - table: measurement
    set:
      measurement_date: date(day)
      measurement_concept_id: "3024561"
      value_as_number: number(value)
      value_source_value: value
      unit_source_value: unit
"""
)
HEAD = ["number", "id", "day", "value", "unit", "sent"]


def _results(start: int, *, swapped: bool, sent: int = 1) -> list[list[str]]:
    pairs = [("g/L", "41") if swapped else ("41", "g/L") for _ in range(20)]
    return [[str(start + at), "P1", "2024-03-05", *pair, str(sent)] for at, pair in enumerate(pairs)]


@pytest.fixture
def bay(tmp_path: Path) -> Workspace:
    copied("held", _bay, tmp_path)
    return Workspace(tmp_path / "ws")


def _bay(tmp_path: Path) -> None:
    write_csv(tmp_path / "in" / "patient.csv", [["id"], ["P1"]])
    write_csv(tmp_path / "in" / "result_1.csv", [HEAD, *_results(0, swapped=False)])
    opened = made(
        tmp_path / "ws", {"lis": (tmp_path / "in", packs.write(tmp_path / "packs", "bay-lis", PACK))}, site="bay"
    )
    assert run("ingest", opened.root, "--json").code == 0
    settings = opened.root / "sites" / "bay.toml"
    settings.write_text("worse = 5\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")


def _bad(bay: Workspace) -> str:
    write_csv(bay.root.parent / "in" / "result_2.csv", [HEAD, *_results(20, swapped=True)])
    return complaint(run("ingest", bay.root), 6)


def test_what_is_worse_is_told_and_nothing_is_published(bay: Workspace) -> None:
    before = bay.lake.editions.numbers()
    said = _bad(bay)
    assert "no edition is published" in said
    assert re.search(
        r"Result and unit stand in each other's place "
        r"\(20 of 40, \+50\.0 points; lis/result_2\.csv \[unit\], as in line \d+\)\.",
        said,
    )
    assert "Correct the export of these rows" in said
    assert "so does what other sites delivered" in said
    assert "what succeeded is published" not in said
    assert "--accept bay" in said
    assert bay.lake.editions.numbers() == before
    assert len(rows(bay, "measurement")) == 20
    assert "no edition is published" in complaint(run("ingest", bay.root), 6)  # it is told until something changes
    (fault,) = [fault for one in verify(bay) for fault in one.faults]
    assert "is not published yet (interrupted, or held back)" in fault


def test_what_is_held_back_is_told_in_both_languages(bay: Workspace) -> None:
    _bad(bay)
    done = run("ingest", bay.root, "--json")
    told = done.document()["held"]["bay"]
    assert told["en"].startswith("no edition is published") and "result_2.csv" in told["en"]
    assert told["zh"].startswith("未发布新版次") and "结果与单位两列互换（40 行中有 20 行，+50.0 个百分点" in told["zh"]
    assert (
        re.search(r"lis/result_2\.csv \[unit\]，如第 \d+ 行", told["zh"]) and "其他医院的交付也随之等待" in told["zh"]
    )
    assert "--accept bay" in told["zh"]


def test_pages_tell_what_is_held_back_in_the_language_of_their_reader(bay: Workspace) -> None:
    _bad(bay)
    app = opened(bay.root)
    worse(app.state.house, "bay")
    app.state.house.memory.wait(600)
    said, wrong = {"en": "Result and unit stand in each other", "zh": "结果与单位两列互换。"}, "Rows of measurement"
    for language, sentence in said.items():
        page = Reader(app, language=language).get("/sites/bay").text
        assert sentence in page and "result_2.csv" in page
        assert wrong not in page
    held = HeldError({"bay": Held("bay", 5.0, worse(app.state.house, "bay") or (), 1, "ws")})
    # Who does not mend what a site delivers is led to the file of a real patient, and not to the line.
    (one,) = worse(app.state.house, "bay") or ()
    assert re.search(r"line \d", one.where()) and not re.search(r"line \d", one.where(row=False))
    assert "result_2.csv" in held.says(row=False) and not re.search(r"line \d", held.says(row=False))
    run_of = Run("replay bay")
    run_of.end(held)
    assert "未发布新版次" in run_of.told(speech("", "zh"))["fault"]
    assert "no edition is published" in run_of.told(speech("", "en"))["fault"]
    app.state.house.close()


def test_a_first_delivery_is_worse_than_nothing(tmp_path: Path) -> None:
    write_csv(tmp_path / "in" / "patient.csv", [["id"], ["P1"]])
    write_csv(tmp_path / "in" / "result_1.csv", [HEAD, *_results(0, swapped=True)])
    lis = (tmp_path / "in", packs.write(tmp_path / "packs", "bay-lis", PACK))
    opened_at = made(tmp_path / "ws", {"lis": lis}, site="bay")
    settings = opened_at.root / "sites" / "bay.toml"
    settings.write_text("worse = 5\n" + settings.read_text(encoding="utf-8"), encoding="utf-8")
    assert run("ingest", opened_at.root).code == 0
    assert len(rows(opened_at, "measurement")) == 20


def test_a_mended_delivery_is_published_with_what_waited(bay: Workspace) -> None:
    _bad(bay)
    write_csv(bay.root.parent / "in" / "result_3.csv", [HEAD, *_results(20, swapped=False, sent=2)])
    assert run("ingest", bay.root).code == 0
    assert len(rows(bay, "measurement")) == 40
    assert {row["unit_source_value"] for row in rows(bay, "measurement")} == {"g/L"}


def test_what_is_accepted_is_published_as_it_is(bay: Workspace) -> None:
    _bad(bay)
    assert run("ingest", bay.root, "--accept", "bay").code == 0
    assert len(rows(bay, "measurement")) == 40
    write_csv(bay.root.parent / "in" / "result_4.csv", [HEAD, *_results(40, swapped=False)])
    assert run("ingest", bay.root).code == 0  # it is measured against what was accepted


def test_other_acts_do_not_publish_what_is_held_back(bay: Workspace) -> None:
    _bad(bay)
    before = bay.lake.editions.numbers()
    run("remap", bay.root, "--all")
    assert bay.lake.editions.numbers() == before
    assert len(rows(bay, "measurement")) == 20


def test_what_is_held_back_is_no_finding_of_the_edition_before(bay: Workspace) -> None:
    again = _results(20, swapped=True)
    write_csv(bay.root.parent / "in" / "result_2.csv", [HEAD, *again, again[0]])  # one of them twice
    complaint(run("ingest", bay.root), 6)
    before = {one["kind"] for one in run("findings", bay.root, "--json").document()}
    assert not before & {"exchangedFields", "repeats"}
    assert run("ingest", bay.root, "--accept", "bay").code == 0
    found = {one["kind"]: one["rows"] for one in run("findings", bay.root, "--json").document()}
    assert (found["exchangedFields"], found["repeats"]) == (20, 1)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("{rest}\nworse = 5\n", "'worse' stands below [[feed]]"),
        ("wors = 5\n{rest}", "a site has no setting 'wors'"),
        ("worse = '5'\n{rest}", "worse must be per cent points"),
        ("worse = nan\n{rest}", "worse must be per cent points"),
        ("worse = -1\n{rest}", "worse must be per cent points"),
        ("worse = true\n{rest}", "worse must be per cent points"),
    ],
)
def test_a_limit_that_would_hold_nothing_back_is_refused_and_not_passed_over(
    bay: Workspace, written: str, told: str
) -> None:
    before = bay.lake.editions.numbers()
    settings = bay.root / "sites" / "bay.toml"
    rest = settings.read_text(encoding="utf-8").replace("worse = 5\n", "")
    settings.write_text(written.format(rest=rest), encoding="utf-8")
    write_csv(bay.root.parent / "in" / "result_2.csv", [HEAD, *_results(20, swapped=True)])
    assert told in complaint(run("ingest", bay.root), 3)
    assert bay.lake.editions.numbers() == before


def test_a_setting_that_is_none_and_a_site_that_is_not_there_are_told(bay: Workspace) -> None:
    assert "east" in complaint(run("ingest", bay.root, "--accept", "east"), 3)
    settings = bay.root / "sites" / "bay.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("worse = 5", "worse = 500"), encoding="utf-8")
    assert "worse must be per cent points" in complaint(run("ingest", bay.root), 3)
