"""The tagger: files in, entities out, and a model that can be kept. The sentences are invented."""

import random
from pathlib import Path

import numpy as np
import pytest

from isthmus.base.errors import InputError
from isthmus.mapping.text.tagger import bio, gazetteer, pipeline, score
from isthmus.mapping.text.tagger.bio import Entity
from isthmus.mapping.text.tagger.cluster import clusters
from isthmus.mapping.text.tagger.crf import best
from isthmus.mapping.text.tagger.feature import add_clauses, add_latin, letters, of_letters

ORGANS = ("肝", "胃", "肺", "肾", "脑", "胆囊", "胰腺", "膀胱", "直肠", "食管", "喉", "甲状腺", "前列腺", "卵巢", "脾")
ENDINGS = ("炎", "癌", "囊肿", "结石", "脓肿", "结核", "腺瘤")
NEW = "膀胱腺瘤"
DISEASES = tuple(organ + ending for organ in ORGANS for ending in ENDINGS if organ + ending != NEW)
DRUGS = ("恩替卡韦", "奥美拉唑", "头孢曲松", "二甲双胍", "索拉非尼", "氨氯地平")
FRAMES = (
    "患者因{x}入院。",
    "诊断为{x}，予{y}治疗。",
    "既往{x}病史，长期口服{y}。",
    "复查未见{x}，停用{y}。",
    "服用{y}后好转。",
)


def _sentence(draw: random.Random) -> bio.Sentence:
    frame, disease, drug = draw.choice(FRAMES), draw.choice(DISEASES), draw.choice(DRUGS)
    text = frame.format(x=disease, y=drug)
    labels = ["O"] * len(text)
    for word, kind in ((disease, "DISEASE"), (drug, "DRUG")):
        start = text.find(word)
        if start >= 0:
            labels[start : start + len(word)] = [f"B-{kind}"] + [f"I-{kind}"] * (len(word) - 1)
    return bio.Sentence(text, tuple(labels))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    draw = random.Random(3)
    folder = tmp_path_factory.mktemp("tagger") / "model"
    pipeline.train([_sentence(draw) for _ in range(400)], folder, pipeline.Settings(fields=2), [{"肺炎": "dis"}])
    return folder


def test_what_was_taught_is_found_again(model: Path) -> None:
    draw = random.Random(4)
    tests = [_sentence(draw) for _ in range(60)]
    guess = pipeline.load(model).tag([one.text for one in tests])
    assert score.by_type([one.entities for one in tests], guess)[-1].f1 > 97


def test_a_new_name_is_found_by_its_parts_and_its_surroundings(model: Path) -> None:
    (found,) = pipeline.load(model).tag([f"既往{NEW}病史，长期口服奥美拉唑。"])
    assert found == [Entity(2, 6, "DISEASE"), Entity(13, 17, "DRUG")]


def test_empty_and_strange_sentences_are_no_harm(model: Path) -> None:
    tagger = pipeline.load(model)
    assert tagger.tag([]) == []
    assert tagger.tag([""]) == [[]]
    assert len(tagger.tag(["\x00\x01", "😀" * 30, " ", "ＡＢＣ１２３" * 50])) == 4


def test_a_model_is_written_into_a_new_folder_only(model: Path) -> None:
    with pytest.raises(InputError, match="exists"):
        pipeline.train([bio.Sentence("肝", ("O",))], model, pipeline.Settings(), [])


def test_nothing_can_be_learned_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no annotated sentence"):
        pipeline.train([], tmp_path / "model", pipeline.Settings(), [])


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, model: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        pipeline.load(tmp_path)
    (tmp_path / "tagger.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="not of format 1"):
        pipeline.load(tmp_path)
    (tmp_path / "tagger.json").write_bytes((model / "tagger.json").read_bytes())
    with pytest.raises(InputError, match=r"lacks field-0\.crf, field-1\.crf"):
        pipeline.load(tmp_path)


def test_annotated_files_are_read_and_wrong_lines_named(tmp_path: Path) -> None:
    path = tmp_path / "notes.bio"
    path.write_text("\ufeff肝\tB-X\r\n癌\tI-X\r\n \tO\n\n\n无\tO\n", encoding="utf-8")
    assert [one.text for one in bio.read(path)] == ["肝癌 ", "无"]
    assert bio.read(path)[0].entities == [Entity(0, 2, "X")]
    path.write_text("肝\tO\n肝癌\tO\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes\.bio:2"):
        bio.read(path)
    path.write_text("肝\tQ\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"notes\.bio:1"):
        bio.read(path)


def test_word_lists_may_name_kinds_or_counts(tmp_path: Path) -> None:
    path = tmp_path / "words"
    path.write_text("\ufeff肝癌,DIS\n肺炎\t1200\n咳嗽\n痛\n", encoding="utf-8")
    assert bio.words(path) == {"肝癌": "DIS", "肺炎": "", "咳嗽": ""}


def test_a_label_inside_nothing_begins_an_entity() -> None:
    assert bio.entities(["I-x", "I-x", "I-y", "B-y"]) == [Entity(0, 2, "x"), Entity(2, 3, "y"), Entity(3, 4, "y")]


def test_a_score_counts_exact_spans_only() -> None:
    truth = [[Entity(0, 2, "x"), Entity(3, 4, "y")]]
    rows = {row.name: row for row in score.by_type(truth, [[Entity(0, 2, "x"), Entity(3, 5, "y")]])}
    assert (rows["x"].f1, rows["y"].f1, rows["all"].f1) == (100.0, 0.0, 50.0)


def test_a_sentence_is_not_told_the_names_that_only_it_taught() -> None:
    texts, marked = ["肝癌", "肝癌病"], [[Entity(0, 2, "DIS")], []]
    known = gazetteer.all_names(texts, marked)
    folds = [gazetteer.names([text], [entities], known) for text, entities in zip(texts, marked, strict=True)]
    total = gazetteer.summed(folds)
    assert gazetteer.trusted(total) == {"肝癌": "DIS43"}
    assert gazetteer.held_out(folds, total) == [{}, {"肝癌": "DIS91"}]


def test_features_see_the_latin_word_and_the_end_of_the_clause() -> None:
    text = letters("查ＡＦＰ，行胃癌根治术")
    found = of_letters(text)
    add_latin(text, found)
    add_clauses(text, found)
    assert "Wafp" in found[2]
    assert "HM术5" in found[5]
    assert "HN癌1" in found[6]


def test_the_same_texts_give_the_same_groups() -> None:
    draw = random.Random(5)
    texts = [_sentence(draw).text for _ in range(120)]
    assert clusters(texts, numbers=(4,)) == clusters(texts, numbers=(4,))


def test_the_best_sequence_keeps_to_what_may_follow() -> None:
    never = -1e9
    scores = np.array([[2.0, 1.0], [1.0, 1.5]])
    may = np.array([[0.0, never], [0.0, 0.0]])
    assert best(scores, may, np.zeros(2), np.zeros(2)) == [0, 0]
