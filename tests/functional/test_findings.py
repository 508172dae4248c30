"""Findings from outside: told with file, column and line; explained, said to be mended, verified by an edition."""

from pathlib import Path

import pytest

from isthmus.cdm.tables import TABLES
from isthmus.flow import start
from isthmus.flow.quality import quality
from isthmus.flow.workspace import Workspace
from isthmus.quality.findings.finding import GRADES, Language
from isthmus.serving.card.card import card
from isthmus.serving.card.write import values
from lib import packs
from lib.command import complaint, run
from lib.harbour import write_csv
from lib.workspace import add, made

PACK = (
    packs.BAY_LIS
    + """\
    set:
      measurement_date: reported
      measurement_concept_id: concept(代码, 'lab', 代码)
      measurement_source_value: 代码
      value_as_number: number(结果)
      value_source_value: 结果
      unit_source_value: 单位
== codes/lab.csv
code,name,concept_id
ALB,albumin,3024561
"""
)
HEAD = ["序号", "病人号", "代码", "结果", "单位", "报告时间"]


def _row(number: int, **other: str) -> list[str]:
    told = {"序号": str(number), "病人号": f"P{number % 5}", "代码": "ALB", "结果": f"{40 + number % 7}", "单位": "g/L",
            "报告时间": f"2024-03-{1 + number % 28:02}"}  # fmt: skip
    return [{**told, **other}[name] for name in HEAD]


def _results() -> list[list[str]]:
    rows = [_row(number) for number in range(60)]
    rows[10] = _row(10, 结果="g/L", 单位="41")
    rows[20] = _row(20, 报告时间="1900-01-01")
    rows[30] = _row(30, 报告时间="2024-02-30")
    rows[40] = _row(40, 代码="XX1")
    rows[50] = [*_row(50), "surplus"]
    rows.append(_row(5))  # delivered twice
    rows.append(_row(6, 结果="99"))  # another content under the number of another
    return rows


@pytest.fixture(scope="module")
def bay(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("findings")
    write_csv(root / "in" / "patient.csv", [["病人号"], *([f"P{at}"] for at in range(5))])
    write_csv(root / "in" / "result.csv", [HEAD, *_results()])
    opened = made(root / "ws", {"lis": (root / "in", packs.write(root / "packs", "bay-lis", PACK))}, site="bay")
    assert run("ingest", opened.root, "--json").code == 0
    return opened


def _listed(bay: Workspace, *words: str) -> dict[tuple[str, str], dict[str, object]]:
    found = run("findings", bay.root, "--json", *words).document()
    return {(one["kind"], one["field"]): one for one in found}


def test_what_is_wrong_is_told_with_file_column_and_line(bay: Workspace) -> None:
    found = _listed(bay)
    expected = {
        ("exchangedFields", "unit_source_value"): (1, 12, ["单位"]),
        ("placeholderDay", "measurement_date"): (1, 22, ["报告时间"]),
        ("quarantine.unreadable", ""): (1, 32, ["报告时间"]),
        ("quarantine.wrong-width", ""): (1, 52, []),
        ("codes", "measurement_concept_id"): (1, 42, ["代码"]),
        ("conflicts", ""): (1, 8, []),
    }
    for key, (rows, line, columns) in expected.items():
        one = found[key]
        assert (one["rows"], one["site"], one["state"], one["since"]) == (rows, "bay", "open", one["since"]), key
        (place,) = one["places"]  # type: ignore[misc]  # a list, from JSON
        assert (place["feed"], place["file"], place["line"], place["columns"]) == ("lis", "result.csv", line, columns)
    (again,) = found["repeats", ""]["places"]  # type: ignore[misc]  # a list, from JSON
    assert again["rows"] == 1
    assert "line 12" in run("findings", bay.root).out


def test_every_finding_leads_to_a_file_also_of_rows_that_are_not_there(bay: Workspace) -> None:
    found = run("findings", bay.root, "--json").document()
    assert {one["kind"] for one in found if one["rows"] and not any(at["file"] for at in one["places"])} == set()
    lacking = next(one for one in found if one["kind"] == "measurePersonCompleteness")
    assert lacking["places"][0]["line"]
    shown = run("trace", bay.root, lacking["places"][0]["table"], lacking["places"][0]["row_id"], "--json")
    assert shown.code == 0, shown


def test_no_value_of_a_patient_stands_in_a_finding(bay: Workspace) -> None:
    told = str(run("findings", bay.root, "--json").document())
    for value in ("P1", "P3", "2024-02-30", "41", "XX1"):
        assert f"'{value}'" not in told


def test_a_finding_is_explained_claimed_and_verified_by_the_next_edition(bay: Workspace) -> None:
    found = _listed(bay)
    ids = {key[0]: str(one["id"]) for key, one in found.items()}
    run(
        "findings",
        bay.root,
        "--explain",
        ids["placeholderDay"],
        "--reason",
        "unknown day of old results",
        "--author",
        "li",
    )
    run("findings", bay.root, "--assign", ids["exchangedFields"], "--to", "LIS team", "--author", "li")
    run("findings", bay.root, "--assign", ids["quarantine.unreadable"], "--to", "LIS team", "--author", "li")
    said = run("findings", bay.root, "--mended", ids["quarantine.unreadable"], "--author", "li")
    assert "The next edition will show." in said.out
    run("findings", bay.root, "--mended", ids["quarantine.wrong-width"], "--author", "li")
    states = {key[0]: (one["state"], one["owner"]) for key, one in _listed(bay).items()}
    assert states["placeholderDay"][0] == "explained"
    assert states["exchangedFields"] == ("assigned", "LIS team")
    assert states["quarantine.unreadable"] == ("mended", "LIS team")
    write_csv(bay.root.parent / "in" / "result_2.csv", [HEAD, _row(30), _row(100, 报告时间="2024-05-05")])
    assert run("ingest", bay.root, "--json").code == 0
    after = _listed(bay)
    assert after["quarantine.wrong-width", ""]["again"] is True  # it is still there
    assert after["quarantine.wrong-width", ""]["state"] == "open"
    assert ("quarantine.unreadable", "") not in after
    (gone,) = run("findings", bay.root, "--state", "verified", "--json").document()
    assert (gone["kind"], gone["until"]) == ("quarantine.unreadable", 3)
    assert after["placeholderDay", "measurement_date"]["state"] == "explained"
    assert set(after["placeholderDay", "measurement_date"]["trend"]) == {"1", "2", "3"}  # type: ignore[call-overload]  # a mapping, from JSON


def _said(workspace: Workspace, kind: str) -> dict[str, object]:
    """The one finding of a kind, also where it is gone."""
    listed = [*run("findings", workspace.root, "--json").document(),
              *run("findings", workspace.root, "--state", "verified", "--json").document()]  # fmt: skip
    (one,) = [one for one in listed if one["kind"] == kind]
    return dict(one)


def test_a_record_that_could_not_be_read_is_gone_when_its_file_comes_again_in_whole(tmp_path: Path) -> None:
    whole = [_row(number) for number in range(200)]
    ragged = [*whole[:50], [*whole[50], "surplus"], *whole[51:]]
    write_csv(tmp_path / "in" / "patient.csv", [["病人号"], *([f"P{at}"] for at in range(5))])
    write_csv(tmp_path / "in" / "result.csv", [HEAD, *ragged])
    lis = (tmp_path / "in", packs.write(tmp_path / "packs", "bay-lis", PACK))
    opened = made(tmp_path / "ws", {"lis": lis}, site="bay")
    assert run("ingest", opened.root).code == 0
    assert _said(opened, "quarantine.wrong-width")["rows"] == 1

    write_csv(tmp_path / "in" / "result.csv", [HEAD, *ragged, _row(200)])  # again, with what is new
    assert run("ingest", opened.root).code == 0
    again = _said(opened, "quarantine.wrong-width")
    assert (again["rows"], again["state"]) == (1, "open")

    write_csv(tmp_path / "in" / "result_of_today.csv", [HEAD, whole[50]])  # a delivery of some rows
    assert run("ingest", opened.root).code == 0
    assert _said(opened, "quarantine.wrong-width")["state"] == "open"

    mended = [*whole, _row(200)]
    mended[60] = _row(60, 结果="55")  # and another row was corrected beside it
    write_csv(tmp_path / "in" / "result.csv", [HEAD, *mended])
    run("findings", opened.root, "--mended", str(again["id"]))
    assert run("ingest", opened.root).code == 0
    gone = _said(opened, "quarantine.wrong-width")
    assert (gone["state"], gone["until"]) == ("verified", 5)
    assert "gone in e000005" in run("findings", opened.root, "--state", "verified").out
    assert run("quarantine", opened.root, "--json").document()  # nothing that was delivered is lost


def test_the_worst_of_all_sites_come_first_with_their_mend(tmp_path: Path) -> None:
    lis = packs.write(tmp_path / "packs", "bay-lis", PACK)
    opened = start.new(tmp_path / "ws")
    for site, count in (("bay", 1), ("cape", 4)):
        rows = [_row(number) for number in range(20)]
        bad = [[*_row(20 + at), "surplus"] for at in range(count)]
        write_csv(tmp_path / site / "patient.csv", [["病人号"], *([f"P{at}"] for at in range(6))])
        write_csv(tmp_path / site / "result.csv", [HEAD, *rows, *bad])
        add(opened, {"lis": (tmp_path / site, lis)}, site=site)
    assert run("ingest", opened.root).code == 0
    found = run("findings", opened.root, "--json").document()
    assert [(one["site"], one["rows"]) for one in found[:2]] == [("cape", 4), ("bay", 1)]
    order = [(GRADES.index(one["grade"]), -one["rows"]) for one in found]
    assert order == sorted(order)
    assert "Quote fields that hold the delimiter" in run("findings", opened.root).out


@pytest.mark.parametrize(
    ("words", "told", "code"),
    [
        (("--explain", "0123456789"), "needs its reason", 2),
        (("--assign", "0123456789"), "--to NAME", 2),
        (("--mended", "0123456789"), "no finding 0123456789", 3),
        (("--mended", "a", "--explain", "b"), "choose one of", 2),
        (("--state", "gone"), "no state 'gone'", 2),
        (("--site", "east"), "east", 3),
    ],
)
def test_wrong_use_is_told(bay: Workspace, words: tuple[str, ...], told: str, code: int) -> None:
    assert told in complaint(run("findings", bay.root, *words), code)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_scorecard_is_written_as_a_page_and_as_a_sheet(bay: Workspace, tmp_path: Path, language: str) -> None:
    page, sheet = tmp_path / "card.html", tmp_path / "card.pdf"
    for path in (page, sheet):
        assert run("scorecard", bay.root, "bay", "--out", path, "--language", language, "--quiet").code == 0
    text = page.read_text(encoding="utf-8")
    sentence = {"en": "Result and unit stand in each other", "zh": "结果与单位两列互换。"}[language]
    assert sentence in text
    assert "result.csv [单位]" in text
    assert "P1" not in text
    assert sheet.read_bytes().startswith(b"%PDF-")
    assert len(sheet.read_bytes()) > 5_000


@pytest.mark.parametrize(
    ("language", "said"), [("en", "No row of this hospital is in the edition"), ("zh", "没有该院的任何记录，无法检查")]
)
def test_a_hospital_without_rows_has_passed_nothing(
    bay: Workspace, tmp_path: Path, language: Language, said: str
) -> None:
    add(bay, {}, site="empty")
    told = values(card(bay, "empty"), language)
    assert told["share"] == "–"
    assert said in told["none"]
    assert run("scorecard", bay.root, "empty", "--out", tmp_path / "c.pdf", "--language", language).code == 0
    (bay.root / "sites" / "empty.toml").unlink()


def test_the_share_of_a_scorecard_is_of_checks_that_looked_at_its_rows(bay: Workspace) -> None:
    found = quality(bay, site="bay")
    own = [one for one in found.results if one.check.type.name not in ("cdmTable", "cdmField")
           and TABLES[one.check.table].group != "vocabulary" and one.counts and one.counts.of]  # fmt: skip
    told = card(bay, "bay")
    assert (told.passed, told.failed) == tuple(
        sum(one.status == status for one in own) for status in ("passed", "failed")
    )
    assert told.failed > 0
    assert told.asked < len(found.ids("passed") | found.ids("failed")) / 2


def test_a_scorecard_of_nobody_and_in_no_form_is_refused(bay: Workspace, tmp_path: Path) -> None:
    assert "east" in complaint(run("scorecard", bay.root, "east", "--out", tmp_path / "a.html"), 3)
    assert "neither .html nor .pdf" in complaint(run("scorecard", bay.root, "bay", "--out", tmp_path / "a.doc"), 2)
    assert "no scorecard in 'fr'" in complaint(
        run("scorecard", bay.root, "bay", "--out", tmp_path / "a.pdf", "--language", "fr"), 2
    )
