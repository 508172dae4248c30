"""Search: documents of folders and rules of packs, by words and by what else a concept is called."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from isthmus.apps.advice.search.index import LONGEST, Passage, posting_of, segment, written
from isthmus.apps.advice.search.words import grams, plain
from isthmus.apps.contract import InputError, PackError
from isthmus.apps.contract.trial import Trial
from lib.advised import FOLDER, PACKAGE

HEAD = "title: 原发性肝癌诊疗指南\nversion: '2024'\nlicence: public\n"
ABSTRACTS = [
    {"name": "1", "title": "Surveillance", "text": "AFP and ultrasound every six months in cirrhosis find HCC early."},
    {"name": "2", "title": "Statins", "text": "Statins after myocardial infarction."},
]


def _library(folder: Path) -> Path:
    for name, file, text in (
        ("guideline", "随访.md", "# 随访\n肝癌切除术后每3个月复查甲胎蛋白。\n\n## 预防\n乙肝患者<b>抗病毒治疗</b>。\n"),
        ("abstracts", "a.ndjson", "".join(f"{json.dumps(one)}\n" for one in ABSTRACTS)),
    ):
        (folder / name).mkdir()
        (folder / name / "source.yaml").write_text(HEAD, encoding="utf-8")
        (folder / name / file).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    library = _library(tmp_path_factory.mktemp("library"))
    with Trial(FOLDER, {"person": []}, package=PACKAGE, settings={"library": str(library)}) as made:
        made.run("library")
        yield made


def _found(trial: Trial, text: str, **more: str) -> list[dict[str, Any]]:
    return list(trial.get("api/search", q=text, **more).body["hits"])


def test_a_chinese_word_finds_what_is_written_in_english_and_the_other_way_round(trial: Trial) -> None:
    assert "abstracts/a.ndjson#1" in [one["name"] for one in _found(trial, "肝硬化 超声")]
    assert "guideline/随访.md#1" in [one["name"] for one in _found(trial, "hepatocellular carcinoma hepatectomy")]
    assert _found(trial, "急性心梗他汀")[0]["name"] == "abstracts/a.ndjson#2"


def test_rules_and_relations_of_packs_are_found_with_their_source(trial: Trial) -> None:
    first, second = _found(trial, "warfarin aspirin", most="2")
    assert {first["kind"], second["kind"]} == {"rule", "relation"}
    assert all(one["source"] and one["version"] for one in (first, second))


def test_a_passage_says_source_version_and_licence_and_the_page_runs_nothing(trial: Trial) -> None:
    (hit,) = [one for one in _found(trial, "抗病毒治疗 预防") if one["name"] == "guideline/随访.md#2"]
    assert (hit["source"], hit["version"], hit["licence"]) == ("原发性肝癌诊疗指南", "2024", "public")
    page = trial.get("search", "zh", q="抗病毒治疗 <script>").body
    assert "&lt;b&gt;抗病毒" in page
    assert "<script" not in page


def test_what_changed_is_taken_in_what_is_gone_is_forgotten_and_a_wrong_line_is_told(tmp_path: Path) -> None:
    library = _library(tmp_path)
    with Trial(FOLDER, {"person": []}, package=PACKAGE, settings={"library": str(library)}) as trial:
        trial.run("library")
        (library / "guideline" / "随访.md").write_text("# 复查\n术后每6个月复查胸部平片。\n", encoding="utf-8")
        with (library / "abstracts" / "a.ndjson").open("a", encoding="utf-8") as stream:
            stream.write('{"name": "3"}\n')
        with pytest.raises(PackError, match=r"abstracts/a\.ndjson:3: .*Mend the line"):
            trial.run("library")
        assert _found(trial, "statins")[0]["name"] == "abstracts/a.ndjson#2"  # as it was before
        assert _found(trial, "胸部平片")[0]["title"] == "复查"
        (library / "abstracts" / "source.yaml").unlink()
        trial.run("library")
        assert not [one for one in _found(trial, "肝癌 statins", most="100") if one["kind"] == "passage"]
        records = trial.context().records
        assert {row["made"] for row in records.find("posting", most=100_000)} == {
            row["made"] for row in records.find("source")
        }


@pytest.mark.parametrize("text", ["", "  ", "？！"])
def test_no_word_is_said_so(trial: Trial, text: str) -> None:
    with pytest.raises(InputError, match="no word to look for"):
        trial.get("api/search", q=text)


def test_texts_are_cut_into_grams() -> None:
    assert grams(plain("ＨＣＣ 患者statins、肝癌术")) == ["hcc", "患者", "statin", "肝癌", "癌术"]


def test_a_posting_is_read_as_it_was_written() -> None:
    found = segment([Passage("", "1", "", "a b a"), Passage("", "2", "b", "c " * LONGEST)])
    places, times = posting_of(written(*found.postings["a"]))
    assert (places.tolist(), times.tolist()) == ([0], [2])
    assert found.lengths.tolist() == [3, LONGEST]
    assert found.postings["c"][1].tolist() == [255]
