"""A mapper of terms as its user meets it: it learns, answers, says how sure it is, and can be kept in a folder."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isthmus.base.errors import InputError
from isthmus.mapping.terms.evaluate import compare
from isthmus.mapping.terms.knowledge import Decisions
from isthmus.mapping.terms.model import Model
from isthmus.mapping.terms.store import CARD, load, save

World = tuple[pa.Array, np.ndarray, Decisions]


def test_wordings_without_a_decision_are_mapped_by_what_was_learned(model: Model, aside: Decisions) -> None:
    figures = compare(model.answer(aside.texts), aside)
    assert figures.wordings == 20
    assert figures.recall == 1.0
    assert figures.top >= 0.95


def test_a_wording_like_nothing_known_is_never_mapped_automatically(model: Model) -> None:
    answer = model.answer(pa.array(["zzzz", "", None], pa.string()))
    assert not answer.automatic.any()
    assert (answer.certainty < 0.9).all()


def test_the_likest_wording_that_was_given_a_meaning_is_told(model: Model) -> None:
    decided = model.known.decisions
    nearest, like = model.nearest(decided.texts, decided.text, decided.target)
    assert np.allclose(like, 1.0, atol=1e-5)  # of a decided wording it is the wording itself, or one that is written so
    assert all(decided.texts[int(at)] == decided.texts[int(own)] for at, own in zip(nearest, decided.text, strict=True))
    strange = pa.array(["zzzz"], pa.string())
    nearest, like = model.nearest(strange, np.array([0]), decided.target[:1])
    assert (nearest.tolist(), like.tolist()) == ([-1], [0.0])
    assert model.nearest(decided.texts[:0], np.zeros(0, np.int64), np.zeros(0, np.int64))[0].tolist() == []


def test_a_saved_model_answers_the_same(model: Model, aside: Decisions, tmp_path: Path) -> None:
    save(model, tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.version == model.version
    one, other = model.answer(aside.texts), again.answer(aside.texts)
    assert one.pairs.target.tolist() == other.pairs.target.tolist()
    assert np.allclose(one.score, other.score)
    assert one.automatic.tolist() == other.automatic.tolist()


def test_a_folder_that_was_changed_is_refused(model: Model, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    save(model, folder)
    trees = folder / "trees-00.txt"
    trees.write_text(trees.read_text(encoding="utf-8").replace("leaf_value", "leaf_valve", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"trees-00\.txt is not the file that was saved"):
        load(folder)
    (folder / CARD).write_text("{")
    with pytest.raises(InputError, match="holds no readable"):
        load(folder)


def test_the_version_changes_with_a_decision(model: Model, world: World) -> None:
    names, family, decisions = world
    kept = np.ones(len(decisions.texts), bool)
    kept[0] = False
    assert Model.learn(names, family, decisions.only(kept)).version != model.version


def test_too_few_decisions_are_refused_with_a_way_on(world: World) -> None:
    names, family, decisions = world
    with pytest.raises(InputError, match="learns from 50 to"):
        Model.learn(names, family, decisions.only(np.arange(len(decisions.texts)) < 10))
