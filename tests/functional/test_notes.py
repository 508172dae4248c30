"""Notes on their way through the lake: what is read of them, what becomes rows, and what leaves with them."""

import csv
from pathlib import Path

import pytest
from tests.lib.command import run
from tests.lib.workspace import content, loaded, outcomes, rows

from isthmus.cdm.starter import BY_TEXT
from isthmus.flow.ingest import ingest
from isthmus.flow.replay import demand_same, rebuild
from isthmus.flow.trace import Tracer
from isthmus.flow.workspace import Workspace
from isthmus.mapping.text.domain import NLP_FIELD, salt

HEADER = ("文书号", "病人ID", "就诊号", "文书类型", "书写时间", "文书内容")
STAGED = (
    "初步诊断：原发性肝癌，BCLC B期，Child-Pugh A级（6分）。AFP 1210ng/ml，少量腹水。未见肝外转移。"
    "肿瘤大小3.2cm，另一结节1.1cm。既往史：乙型肝炎病史20年。家族史：父亲死于胃癌。治疗计划：拟行TACE。肝癌"
)
PACK = """
pack: notes-of-test
keyspace: hospital
derive: [note_nlp]
format: {kind: csv, encoding: utf-8}
"""
RECORD = """
record: note
source: {files: ["*.csv"]}
key: 文书号
version: 书写时间
person: 病人ID
into:
  - table: note
    set:
      note_date: date(书写时间)
      note_class_concept_id: 0
      note_text: 文书内容
      visit_occurrence_id: id('visit_occurrence', 就诊号)
"""


def deliver(folder: Path, name: str, *notes: tuple[str, str, str]) -> None:
    """One file of notes: number, time of writing, text."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows((number, f"P{number}", f"V{number}", "入院记录", when, text) for number, when, text in notes)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    pack = tmp_path / "notes-of-test"
    pack.mkdir()
    (pack / "pack.yaml").write_text(PACK, encoding="utf-8")
    (pack / "note.yaml").write_text(RECORD, encoding="utf-8")
    deliver(tmp_path / "in", "1.csv", ("1", "2024-03-01 08:00:00", STAGED), ("2", "2024-03-02 08:00:00", "无特殊。"))
    opened, _ = loaded(tmp_path, {"emr": (tmp_path / "in", pack)})
    return opened


def concepts(opened: Workspace, table: str) -> dict[int, tuple[object, object]]:
    short = table.removesuffix("_occurrence").removesuffix("_exposure")
    return {
        row[f"{short}_concept_id"]: (row.get("value_as_number"), row.get("value_as_concept_id"))
        for row in rows(opened, table)
    }


def test_what_is_affirmed_of_the_patient_becomes_rows(workspace: Workspace) -> None:
    assert set(concepts(workspace, "condition_occurrence")) == {201519, 200528}  # liver cancer once, ascites
    assert concepts(workspace, "measurement") == {
        2000001001: (1210.0, None), 2000001103: (6.0, None), 3046581: (3.2, None),
    }  # fmt: skip
    assert concepts(workspace, "observation") == {
        2000001101: (None, 2000001123), 2000001104: (None, 2000001141), 2000001108: (None, 2000001152),
        1340204: (None, 4281232),
    }  # fmt: skip
    assert rows(workspace, "procedure_occurrence") == []  # planned
    said = {row["lexical_variant"]: row["term_exists"] for row in rows(workspace, "note_nlp")}
    assert said["胃癌"] == said["TACE"] == said["肝外转移"] == "N"


def test_rows_point_at_their_words_and_bear_the_note_s_place(workspace: Workspace) -> None:
    note = next(row for row in rows(workspace, "note") if row["note_text"] == STAGED)
    nlp = {row["note_nlp_id"]: row for row in rows(workspace, "note_nlp")}
    for row in rows(workspace, "measurement") + rows(workspace, "observation"):
        table = "measurement" if "measurement_id" in row else "observation"
        field = "meas_event_field_concept_id" if table == "measurement" else "obs_event_field_concept_id"
        assert row[f"{table}_type_concept_id"] == BY_TEXT
        assert row[f"{table}_event_id"] == row[f"{table}_id"] ^ salt(table)
        assert row[field] == NLP_FIELD
        assert nlp[row[f"{table}_event_id"]]["note_id"] == note["note_id"]
        for name in ("part_id", "place", "mapping_id", "person_id", "visit_occurrence_id"):
            assert row[name] == note[name]
        assert row[f"{table}_date"] == note["note_date"]
        start = int(nlp[row[f"{table}_event_id"]]["offset"])
        assert STAGED[start:].startswith(row[f"{table}_source_value"])


def test_a_trace_prints_the_words(workspace: Workspace) -> None:
    row = next(row for row in rows(workspace, "measurement") if row["measurement_concept_id"] == 3046581)
    words = Tracer(workspace).trace("measurement", row["measurement_id"]).words
    assert words is not None
    assert (words.text, words.start) == ("3.2cm", STAGED.index("3.2cm"))
    told = run("trace", str(workspace.root), "note_nlp", str(words.note_nlp_id), "--json").document()
    assert told["words"]["text"] == "3.2cm"
    assert "from character" in run("trace", str(workspace.root), "note_nlp", str(words.note_nlp_id)).out


def test_what_was_read_leaves_with_the_note(workspace: Workspace, tmp_path: Path) -> None:
    deliver(tmp_path / "in", "2.csv", ("1", "2024-03-05 08:00:00", "诊断：原发性肝癌，BCLC C期。"))
    assert not ingest(workspace).failed
    assert outcomes(workspace)["superseded"] == 1
    assert concepts(workspace, "observation") == {2000001101: (None, 2000001124)}
    assert rows(workspace, "measurement") == []
    assert {row["lexical_variant"] for row in rows(workspace, "note_nlp")} == {"原发性肝癌", "BCLC C"}
    demand_same(rebuild(workspace, tmp_path / "again"))


def test_both_versions_in_one_batch_leave_the_newer_alone(workspace: Workspace, tmp_path: Path) -> None:
    deliver(
        tmp_path / "in", "3.csv",
        ("9", "2024-03-05 08:00:00", "BCLC A期"), ("9", "2024-03-06 08:00:00", "BCLC D期"),
    )  # fmt: skip
    assert not ingest(workspace).failed
    known = {row["note_id"] for row in rows(workspace, "note")}
    stages = {
        row["value_as_string"] for row in rows(workspace, "observation") if row["observation_concept_id"] == 2000001101
    }
    assert stages == {"B", "D"}
    assert {row["note_id"] for row in rows(workspace, "note_nlp")} <= known


def test_a_pack_that_asks_for_nothing_has_no_note_read(tmp_path: Path) -> None:
    pack = tmp_path / "notes-of-test"
    pack.mkdir()
    (pack / "pack.yaml").write_text(PACK.replace("[note_nlp]", "[]"), encoding="utf-8")
    (pack / "note.yaml").write_text(RECORD, encoding="utf-8")
    deliver(tmp_path / "in", "1.csv", ("1", "2024-03-01 08:00:00", STAGED))
    opened, _ = loaded(tmp_path, {"emr": (tmp_path / "in", pack)})
    assert len(rows(opened, "note")) == 1
    assert set(content(opened)) & {"note_nlp", "measurement", "observation"} == set()
