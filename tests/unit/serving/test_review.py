"""The one-key review, as a person's keys would drive it: every decision is durable at once, and can be undone."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from isthmus.base.errors import InputError
from isthmus.flow import start
from isthmus.flow.decided import TERM
from isthmus.flow.worklist.automatic import asked
from isthmus.flow.worklist.decide import read_choices
from isthmus.flow.worklist.items import Item
from isthmus.flow.worklist.mappers import Mappers, mappers
from isthmus.flow.workspace import Site, Workspace
from isthmus.records.models import Decision
from isthmus.serving.cli import sheet
from isthmus.serving.cli.keys import Stream
from isthmus.serving.cli.review import Review, Tally

LIVER = Item("his/diagnosis", "D1", "Fatty Liver", "condition_occurrence", "condition_concept_id", 40, ("a", "b"))
DRUGS = Item("his/drug", "D2", "oxaliplatin + 5-fluorouracil", "drug_exposure", "drug_concept_id", 20, ("a",))
CODE = Item("his/lab", "D3", "", "measurement", "measurement_concept_id", 10, ("b",))
AGAIN = Item("lis/lab", "D4", "FATTY LIVER", "condition_occurrence", "condition_concept_id", 5, ("b",))
FATTY_LIVER, ALBUMIN = 4059290, 3024561


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    return start.new(tmp_path / "ws", synthetic=True)


@pytest.fixture
def bench(opened: Workspace) -> Iterator[Mappers]:
    with mappers(opened) as found:
        yield found


def reviewed(opened: Workspace, bench: Mappers, pressed: str, *items: Item) -> tuple[Tally, list[Decision], str]:
    screen = io.StringIO()
    console = Console(file=screen, width=200)
    review = Review(opened, bench, items, Stream(io.StringIO(pressed)), console, "li")
    tally = review.run()
    return tally, opened.decisions.standing(TERM), screen.getvalue()


def test_a_digit_decides_n_settles_and_s_skips(opened: Workspace, bench: Mappers) -> None:
    tally, made, screen = reviewed(opened, bench, "1sn", LIVER, DRUGS, CODE)
    assert [(one.subject, one.key, one.answer, one.site, one.author, one.how) for one in made] == [
        ("his/diagnosis", "D1", [FATTY_LIVER], "", "li", "person"),
        ("his/lab", "D3", [], "", "li", "person"),
    ]
    assert made[0].wording == "Fatty Liver"
    assert made[0].model.startswith("names@")
    assert made[1].wording == "D3"  # nothing stands beside the code
    assert (tally.decided, tally.none, tally.skipped, tally.rows) == (2, 1, 1, 50)
    assert "That was the last item." in screen
    assert "40 rows · a, b" in screen


def test_m_takes_several_together(opened: Workspace, bench: Mappers) -> None:
    _, made, _ = reviewed(opened, bench, "m1 2\n", DRUGS)
    assert len(made[0].answer) == 2
    _, none, screen = reviewed(opened, bench, "m1 9\nq", AGAIN)
    assert len(none) == 1
    assert "nothing was decided" in screen


def test_search_takes_the_place_of_the_candidates(opened: Workspace, bench: Mappers) -> None:
    _, made, screen = reviewed(opened, bench, f"/nonsense\n/{ALBUMIN}\n1", CODE)
    assert made[0].answer == [ALBUMIN]
    assert "Nothing in the vocabulary" in screen


def test_u_takes_back_and_comes_back(opened: Workspace, bench: Mappers) -> None:
    tally, made, _ = reviewed(opened, bench, "1nuu1q", LIVER, CODE)
    assert [(one.key, one.answer) for one in made] == [("D1", [FATTY_LIVER])]
    assert (tally.decided, tally.none, tally.undone, tally.rows) == (1, 0, 2, 40)
    history = opened.decisions.all()
    assert [one.revokes is not None for one in history] == [False, False, True, True, False]
    assert {one.reason for one in history if one.revokes} == {"undone in review"}


def test_nothing_is_undone_that_was_not_decided_here(opened: Workspace, bench: Mappers) -> None:
    _, made, screen = reviewed(opened, bench, "uq", LIVER)
    assert made == []
    assert "Nothing was decided in this session yet." in screen


def test_scope_and_reason_hold_for_what_follows(opened: Workspace, bench: Mappers) -> None:
    opened.keep_site(Site("b", "b", ()))
    _, made, screen = reviewed(opened, bench, "trhis says so\nnt1", CODE, LIVER)
    assert [(one.key, one.site, one.reason) for one in made] == [("D3", "b", "his says so"), ("D1", "", "his says so")]
    assert "Decisions are for b." in screen


def test_keys_that_mean_nothing_and_the_end_of_input_decide_nothing(opened: Workspace, bench: Mappers) -> None:
    tally, made, _ = reviewed(opened, bench, "x9é", CODE)
    assert (made, tally.decided, tally.skipped) == ([], 0, 0)


def test_what_was_decided_is_the_first_candidate_for_the_same_wording(opened: Workspace, bench: Mappers) -> None:
    _, made, screen = reviewed(opened, bench, f"/{ALBUMIN}\n1", CODE, replace(CODE, code="D9"))
    assert made[0].answer == [ALBUMIN]
    assert "decided just now for his/lab D3" not in screen  # another code without a name is another wording
    _, made, screen = reviewed(opened, bench, "/hepatitis\n1" + "1", LIVER, AGAIN)
    assert "decided just now for his/diagnosis D1" in screen
    assert made[-1].answer == made[-2].answer != [FATTY_LIVER]
    _, _, screen = reviewed(opened, bench, "/liver\n2uq", LIVER)
    assert "decided just now" not in screen  # it was taken back


def test_candidates_are_looked_up_a_block_ahead_and_waiting_is_told(
    opened: Workspace, bench: Mappers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isthmus.serving.cli.review.BLOCK", 2)
    items = [replace(LIVER, code=f"C{number}") for number in range(5)]
    tally, _, screen = reviewed(opened, bench, "1" * 5, *items)
    assert tally.decided == 5
    monkeypatch.setattr("isthmus.serving.cli.review.PATIENCE", 0)
    _, _, screen = reviewed(opened, bench, "q", CODE)
    assert "Looking up candidates" in screen


def test_a_sheet_is_written_filled_in_and_read_back(opened: Workspace, bench: Mappers, tmp_path: Path) -> None:
    found = bench.candidates([asked(item) for item in (LIVER, DRUGS, CODE)])
    path = tmp_path / "list.csv"
    path.write_bytes(sheet.written([LIVER, DRUGS, CODE], found))
    rows = sheet.read(path)
    assert [row["code"] for row in rows] == ["D1", "D2", "D3"]
    assert read_choices(rows, []) == []
    rows[0]["concept_ids"], rows[1]["concept_ids"], rows[2]["concept_ids"] = "4059290", "1318011; 955632", "None"
    rows[0]["reason"] = "clear"
    choices = read_choices(rows, [LIVER, DRUGS, CODE])
    assert [(one.code, one.concepts, one.wording, one.reason) for one in choices] == [
        ("D1", (4059290,), "Fatty Liver", "clear"),
        ("D2", (1318011, 955632), "oxaliplatin + 5-fluorouracil", ""),
        ("D3", (), "D3", ""),
    ]


@pytest.mark.parametrize(("encoding", "delimiter"), [("utf-8", ";"), ("gb18030", "\t"), ("utf-8-sig", ",")])
def test_a_sheet_may_come_back_as_spreadsheet_programs_write(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "list.csv"
    lines = [("system", "code", "name", "concept_ids"), ("his/诊断", "D1", "脂肪肝", "4059290")]
    path.write_bytes("\r\n".join(delimiter.join(line) for line in lines).encode(encoding))
    (row,) = sheet.read(path)
    assert (row["system"], row["name"], row["concept_ids"]) == ("his/诊断", "脂肪肝", "4059290")


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (
            [{"system": "s", "code": "c", "concept_ids": "4059290 x"}],
            "line 2 holds in concept_ids what is no concept id",
        ),
        ([{"system": "", "code": "c", "concept_ids": "1"}], "line 2 names no system"),
        ([{"system": "s", "code": "c", "concept_ids": "1"}] * 2, "line 3 decides s c again"),
        ([{"system": "s", "code": "C01", "concept_ids": "1"}], "line 2 decides s C01, which is no open code here"),
    ],
)
def test_a_sheet_that_cannot_be_understood_is_refused_with_its_line(rows: list[dict[str, str]], told: str) -> None:
    waiting = Item("s", "c", "", "measurement", "measurement_concept_id", 1, ("a",))
    with pytest.raises(InputError, match=told):
        read_choices(rows, [waiting])


def test_a_file_that_is_no_sheet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputError, match="has no column system, code, concept_ids"):
        sheet.read(path)
    with pytest.raises(InputError, match="cannot be read"):
        sheet.read(tmp_path / "absent.csv")
