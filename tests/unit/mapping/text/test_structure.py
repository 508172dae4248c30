"""Sections, overlaps, positions, strange notes, and the same findings however the notes are taken together."""

import time

import pyarrow as pa
import pytest

from isthmus.mapping.text import structure as module
from isthmus.mapping.text.structure import structure
from lib.notes import findings, named

NOTE = "主诉：腹痛3天。\n现病史：3天前出现腹痛，无发热。\n既往史：乙肝20年。\n家族史：父亲肝癌。\n诊断：肝癌 BCLC B期。"


def test_a_finding_knows_its_section() -> None:
    sections = {row["code"]: row["section"] for row in findings(NOTE) if row["kind"] != "time"}
    assert sections["hepatitis_b"] == "past_history"
    assert sections["fever"] == "present_illness"
    assert sections["bclc"] == "diagnosis"
    assert named("腹痛", "abdominal_pain")["section"] is None


def test_a_heading_needs_a_colon_or_its_own_line() -> None:
    assert named("【病理诊断】肝癌", "liver_cancer")["section"] == "pathology"
    assert named("IMPRESSION:\nCirrhosis.", "cirrhosis")["section"] == "impression"
    assert named("诊断\n肝癌", "liver_cancer")["section"] == "diagnosis"
    assert named("外院诊断肝癌", "liver_cancer")["section"] is None


def test_the_longest_name_wins_and_the_parts_in_it_are_not_told_again() -> None:
    assert [row["text"] for row in findings("乙型肝炎肝硬化")] == ["乙型肝炎肝硬化"]
    assert [row["text"] for row in findings("右肝癌")] == ["肝癌"]
    assert [row["text"] for row in findings("原发性肝细胞肝癌（HCC）")] == ["原发性肝细胞肝癌"]
    assert [row["code"] for row in findings("门静脉癌栓")] == ["portal_vein_tumour_thrombus"]


def test_a_part_of_a_latin_word_is_no_name() -> None:
    assert not findings("The patient spoke softly about his castle.")
    assert [row["text"] for row in findings("查AST40U/L")] == ["AST"]
    assert not findings("pt seen today")
    assert named("PT 12.1s", "prothrombin_time")["number"] == 12.1


def test_spans_are_code_points_of_the_note_as_written() -> None:
    text = "😀 姓名\t：张\r\n印象：ＨＣＣ　可能，\u200bAＦP ４００ng/ml"
    for row in findings("前一份", text, "后一份"):
        assert text[row["start"] : row["end"]] == row["text"]
        if row["value_start"] is not None:
            assert text[row["value_start"] : row["value_end"]] == row["value"]
    found = {row["code"]: row for row in findings(text)}
    assert found["liver_cancer"]["uncertain"]
    assert found["afp"]["number"] == 400.0


def test_empty_and_strange_notes_give_nothing_and_harm_nothing() -> None:
    strange = [
        "",
        None,
        " ",
        "\x00\x01\x1e\x1f",
        "\u200b\ufeff",
        "。。。",
        "9" * 500,
        "((((",
        "\n" * 50,
        "\U0010ffff",
        "3x10⁹⁹⁹⁹⁹",
    ]
    rows = findings(*strange, "肝癌")
    assert [(row["note_id"], row["text"]) for row in rows if row["code"]] == [(len(strange), "肝癌")]


def test_no_notes_give_no_batches() -> None:
    assert not findings()


def test_the_pages_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    notes = [NOTE, "", "肝癌？", NOTE * 3, "无腹水"]
    together = findings(*notes)
    monkeypatch.setattr(module, "PAGE", 1)
    assert findings(*notes) == together


def test_nothing_reaches_from_one_note_into_the_next() -> None:
    rows = findings("家族史：否认", "肝癌。", "AFP", "400ng/ml")
    assert [(row["code"], row["negated"], row["family"], row["number"]) for row in rows] == [
        ("liver_cancer", False, False, None),
        ("afp", False, False, None),
    ]


def test_a_note_of_a_megabyte_is_read_in_seconds() -> None:
    text = (NOTE + "\n") * (1_000_000 // len(NOTE))
    begun = time.process_time()
    rows = sum(batch.num_rows for batch in structure(pa.array([1]), pa.array([text])))
    assert rows > 50_000
    assert time.process_time() - begun < 20


def test_a_long_run_without_a_break_is_read_in_seconds() -> None:
    begun = time.process_time()
    for text in ("肿瘤" * 50_000, "无" * 200_000, "1" * 200_000, "1x" * 100_000, "3 个" * 60_000, "BCLC" * 50_000):
        findings(text)
    for start in ("BCLC", "CNLC", "Child-Pugh", "Edmondson", "腹水", "ECOG", "疗效", "切缘", "AFP", "1 ", "no "):
        for run in ("(", " ", ":", "分", "a", "a "):
            findings(start + run * 30_000)
    assert time.process_time() - begun < 40
