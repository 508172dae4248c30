"""The verbs about terms from outside: a list is loaded, searched, shown, followed, expanded; a bad one is refused."""

from pathlib import Path

import pytest

from isthmus.flow.ingest import ingest
from lib import packs, vocabularies, workspace
from lib.command import complaint, run

CODES = "code,name,parent\nK76,其他肝病,\nK76.0,脂肪肝,K76\n"
MAPS = "code,vocabulary,target\nK76.0,SNOMED,197321007\n"
FATTY_LIVER = 4059290


@pytest.fixture(scope="module")
def harbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("terms")
    assert run("init", root / "ws", "--synthetic").code == 0
    done = run("terms", "load", root / "ws", vocabularies.write(root, CODES, maps=MAPS), "--json")
    told = done.document()
    assert (done.code, told["vocabulary"], told["code_edition"], told["rows"]["concept"]) == (0, "LOCAL-1", "1", 3)
    return root / "ws"


def test_a_list_is_listed_with_its_edition_and_counts(harbour: Path) -> None:
    (own,) = [one for one in run("terms", "list", harbour, "--json").document() if one["vocabulary"] == "LOCAL-1"]
    assert (own["edition"], own["codes"], own["standard"], own["mapped"]) == ("1", 2, 0, 1)
    assert (own["name_zh"], own["licence"]) == ("测试代码", "none needed")
    assert "LOCAL-1" in run("terms", "list", harbour).out


def test_a_term_is_found_by_pinyin_and_shown_with_its_map(harbour: Path) -> None:
    found = run("terms", "search", harbour, "zhifanggan", "--vocabulary", "LOCAL-1", "--json").document()
    assert [(one["code"], one["how"]) for one in found] == [("K76.0", "spoken")]
    assert "脂肪肝" in run("terms", "search", harbour, "zfg").out
    assert "Nothing is called so." in run("terms", "search", harbour, "龘龘龘").out
    shown = run("terms", "show", harbour, "LOCAL-1", "K76.0")
    assert "197321007" in shown.out
    (target,) = run("terms", "translate", harbour, "LOCAL-1", "K76.0", "--json").document()
    assert (target["relation"], target["target"]["concept_id"]) == ("equal", FATTY_LIVER)


def test_a_set_is_expanded_from_codes(harbour: Path) -> None:
    found = run("terms", "expand", harbour, "LOCAL-1/K76", "--descendants", "--json").document()
    assert (found["total"], [one["code"] for one in found["concepts"]]) == (2, ["K76", "K76.0"])
    less = run("terms", "expand", harbour, "LOCAL-1/K76", "--descendants", "--exclude", "LOCAL-1/K76.0", "--json")
    assert [one["code"] for one in less.document()["concepts"]] == ["K76"]


def test_a_code_that_is_called_otherwise_ends_with_3(harbour: Path) -> None:
    assert run("terms", "check", harbour, "LOCAL-1", "K76.0", "--display", "脂肪肝").code == 0
    said = complaint(run("terms", "check", harbour, "LOCAL-1", "K76.0", "--display", "肝癌"), 3)
    assert "is called '脂肪肝'" in said
    assert "is no code of LOCAL-1" in complaint(run("terms", "show", harbour, "LOCAL-1", "Z"), 3)
    assert "neither a concept id" in complaint(run("terms", "expand", harbour, "K76"), 2)


def test_a_bad_list_is_refused_with_all_its_lines(harbour: Path, tmp_path: Path) -> None:
    bad = vocabularies.write(tmp_path, "code,name,parent\nA,a,B\nB,b,A\nA,c,\n,d,\n", vocabulary="BAD-1")
    said = complaint(run("terms", "load", harbour, bad), 3)
    assert "BAD-1 has 3 faults; nothing was loaded." in said
    for place in ("BAD-1/codes.csv:2: the hierarchy runs in a ring", "codes.csv:4: code 'A'", "codes.csv:5: the code"):
        assert place in said
    assert "BAD-1" not in run("terms", "list", harbour).out
    assert "no vocabulary pack" in complaint(run("terms", "load", harbour, tmp_path), 3)


PACK = (
    """
== pack.yaml
pack: bay-his
format: {kind: csv}
vocabularies: {diagnosis: LOCAL-1}
"""
    + packs.PATIENTS
    + """
== diagnosis.yaml
source: {files: ["diagnosis*.csv"]}
key: number
person: id
into:
  - table: condition_occurrence
    set:
      condition_start_date: date(day)
      condition_concept_id: concept(code, 'diagnosis')
      condition_source_concept_id: source_concept(code, 'diagnosis')
      condition_source_value: code
"""
)


def test_records_follow_a_list_that_is_loaded_later(tmp_path: Path) -> None:
    packs.write(tmp_path, "bay-his", PACK)
    export = tmp_path / "export"
    export.mkdir()
    (export / "patient.csv").write_text("id\n1\n")
    (export / "diagnosis.csv").write_text("number,id,day,code\n1,1,2024-01-02,K76.0\n2,1,2024-01-03,K76\n")
    opened, _ = workspace.loaded(tmp_path, {"his": (export, tmp_path / "bay-his")})

    def mapped() -> dict[str, tuple[int, bool]]:
        return {
            row["condition_source_value"]: (row["condition_concept_id"], bool(row["condition_source_concept_id"]))
            for row in workspace.rows(opened, "condition_occurrence")
        }

    assert mapped() == {"K76.0": (0, False), "K76": (0, False)}
    done = run("terms", "load", opened.root, vocabularies.write(tmp_path, CODES, maps=MAPS))
    assert done.code == 0
    ingest(opened)
    assert mapped() == {"K76.0": (FATTY_LIVER, True), "K76": (0, False)}
    assert run("remap", opened.root, "--all").code == 0  # K76 means no more than before, but is a code of a list now
    assert mapped() == {"K76.0": (FATTY_LIVER, True), "K76": (0, True)}
