"""Front pages as a hospital uploads them (Chinese headings, GB18030): judged from the landing, scored, told."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from isthmus.flow.rules import judge, lots
from isthmus.flow.rules.judge import judged
from isthmus.flow.workspace import Workspace
from isthmus.intake import formats
from isthmus.intake.record import Batch, Format, Part, Reject
from lib.command import run
from lib.harbour import write_csv
from lib.pages import PAGE
from lib.workspace import made

# Points of the scoring standard of 2016 that are lost: sex 1; department of discharge 2; of the group
# "others" each 0.5, but no more than 4; the state on admission 2.
LOST = {"A12C": "", "B16C": "", "C05C": "", **dict.fromkeys(("A11", "A22", "A23C", "A19C", "A26", "A27", "A28C", "A24",
        "A25C", "A32"), "")}  # fmt: skip
LOST_POINTS = 1 + 2 + 2 + 4


def _headings() -> dict[str, str]:
    text = files("isthmus.mapping.packs").joinpath("hqms/fields.csv").read_text("utf-8-sig")
    return {row["code"]: row["name"] for row in csv.DictReader(text.splitlines())}


@pytest.fixture(scope="module")
def bay(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("pages")
    names = _headings()
    columns = [column for column in PAGE if column in names]
    pages = [PAGE, {**PAGE, **LOST, "A48": "8", "A20": "-"}, {**PAGE, "A48": "9", "B20": "9"}]
    rows = [[page[column] for column in columns] for page in pages]
    write_csv(
        root / "in" / "住院病案首页.csv", [[names[column] for column in columns], *rows, rows[0]], encoding="gb18030"
    )
    opened = made(root / "ws", {"his": (root / "in", "hqms")}, site="bay")
    assert run("ingest", opened.root, "--json").code == 0
    return opened


def test_the_score_is_the_mean_of_what_pages_keep_of_the_points_that_can_be_judged(bay: Workspace) -> None:
    (found,) = judged(bay, "bay")
    assert found.records == 3  # the first page came twice
    assert found.score is not None
    assert found.judged <= 64
    assert found.judged - found.score == pytest.approx((LOST_POINTS + 2) / 3)  # 2: the days of stay are wrong
    told = run("quality", bay.root, "--site", "bay", "--evidence", bay.root / "evidence", "--json").document()
    assert (told["score"], told["points_judged"]) == (found.score, found.judged)


def test_however_little_is_held_at_a_time_the_outcome_is_the_same(
    bay: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    edition, read = bay.lake.editions.current(), formats.read
    assert edition is not None
    (whole,) = (one for one in judge._sets(bay, edition, "bay") if one.records)

    def by_record(part: Part, fmt: Format) -> Iterator[Batch | Reject]:
        for item in read(part, fmt):
            if isinstance(item, Batch):
                yield from (replace(item, rows=item.rows.slice(at, 1)) for at in range(item.rows.num_rows))
            else:
                yield item

    monkeypatch.setattr(formats, "read", by_record)
    for limit, most in (("ROWS", 2), ("VALUES", 1)):
        with monkeypatch.context() as small:
            small.setattr(lots, limit, most)
            assert {one.rows.num_rows for one in lots.lots(bay, edition, "bay", whole.rules)} == {most}
            (found,) = (one for one in judge._sets(bay, edition, "bay") if one.records)
            assert (found.records, found.outcomes) == (whole.records, whole.outcomes)
            assert found.score == pytest.approx(whole.score)


def test_columns_are_known_by_their_chinese_names(bay: Workspace) -> None:
    (found,) = judged(bay, "bay")
    lacking = {one.rule_id for one in found.outcomes.values() if one.why and one.why[0] == "no column"}
    assert lacking == {"H22"}  # transfusions are columns of later uploads


def test_broken_rules_lead_to_file_and_line(bay: Workspace) -> None:
    found = {one["kind"]: one for one in run("findings", bay.root, "--site", "bay", "--json").document()}
    one = found["frontpage.H27"]
    (place,) = one["places"]
    assert (one["rows"], one["of"], place["file"], place["line"]) == (1, 3, "住院病案首页.csv", 4)
    assert one["grade"] == "convention"
    assert "frontpage.H02.A12C" in found
    assert "rules.empty" not in found  # no field is empty in all pages


def test_results_are_kept_with_the_edition(bay: Workspace) -> None:
    edition = bay.lake.editions.current()
    assert edition is not None
    kept = [path.name for path in Path(bay.lake.root / "editions").glob(f"{edition.number:06}.rules-*-site-bay.*")]
    assert len(kept) == 1
    assert judged(bay, "bay") == judged(bay, "bay")
