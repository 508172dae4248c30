"""The parts of term mapping, each against a slow or plain way of saying the same."""

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp

from isthmus.mapping.terms.calibration import CAUTION, Calibration, Trust, interval
from isthmus.mapping.terms.edit import Edit, changes, crossed
from isthmus.mapping.terms.gram import Grams, best, dots
from isthmus.mapping.terms.past import Past, kernel
from isthmus.mapping.terms.structure import FAMILIES, agreement, marks
from isthmus.mapping.terms.writing import plain, segments


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("ＮＹＨＡ　Ⅲ级", "nyha 3级"),
        ("心功能IV级", "心功能4级"),
        ("胃粘膜活检", "胃黏膜活检"),
        ("DIVISION", "division"),
        ("肝癌（术后）", "肝癌(术后)"),
    ],
)
def test_one_writing(written: str, told: str) -> None:
    assert plain(pa.array([written])).to_pylist() == [told]


def test_a_string_of_several_diagnoses_is_cut_at_its_stops_and_none_is_lost() -> None:
    row, piece = segments(plain(pa.array(["1、高血压；2、糖尿病", "胃癌", "+", None])))
    assert list(zip(row.tolist(), piece.to_pylist(), strict=True)) == [
        (0, "高血压"),
        (0, "糖尿病"),
        (1, "胃癌"),
        (2, ""),
        (3, ""),
    ]


def test_ngrams_are_those_of_a_plain_loop() -> None:
    texts = ["胃癌", "胃息肉", "", "a胃"]
    grams = Grams.learn(pa.array(texts), (1, 2))
    held = grams.count(pa.array(texts)).toarray()

    def slow(text: str) -> int:
        bounded = f"\x02{text}\x03"
        return len(text) + len(bounded) - 1

    assert held.sum(axis=1).tolist() == [slow(text) for text in texts]
    assert held.shape[1] == len(
        {g for t in texts for g in [*t, *(f"\x02{t}\x03"[i : i + 2] for i in range(len(t) + 1))]}
    )
    assert np.allclose(np.sqrt((grams.weigh(pa.array(texts)).toarray() ** 2).sum(axis=1)), 1)


def test_best_and_dots_agree_with_dense_products() -> None:
    rng = np.random.default_rng(3)
    left = sp.csr_matrix(rng.random((7, 9)).round(1) * (rng.random((7, 9)) > 0.5))
    right = sp.csr_matrix(rng.random((11, 9)).round(1) * (rng.random((11, 9)) > 0.5))
    dense = (left @ right.T).toarray()
    row, column, score = best(left, right, 3, block=4)
    assert np.allclose(score, dense[row, column])
    assert all(
        np.allclose(sorted(score[row == at]), sorted(value for value in np.sort(dense[at])[-3:] if value > 0))
        for at in range(7)
    )
    assert np.allclose(dots(left, right, row, column), score, atol=1e-6)


def test_leaving_a_decision_out_is_what_it_would_be_without_it() -> None:
    texts = pa.array(["胃肿物切除", "胃息肉切除", "肝肿物切除", "肝修补", "胃修补"])
    rows = Grams.learn(texts, (1, 2)).weigh(texts)
    past = Past.learn(rows, 0.3)
    own = np.arange(5)
    closed = past.weigh(rows, own)
    for at in range(5):
        rest = np.delete(own, at)
        without = kernel(rows[[at]], rows[rest]) @ np.linalg.inv(kernel(rows[rest], rows[rest]) + 0.3 * np.eye(4))
        assert np.allclose(closed[at, rest], without[0], atol=1e-4)
        assert closed[at, at] == pytest.approx(0, abs=1e-5)


def test_structure_tells_what_only_one_side_says() -> None:
    text, target = marks(plain(pa.array(["左肾切除III期"]))), marks(plain(pa.array(["右肾切除术3期"])))
    told = dict(zip(FAMILIES, agreement(text, target).reshape(-1, 2).tolist(), strict=True))
    assert told["side"] == [1, 1]
    assert told["number"] == [0, 0]
    assert marks(pa.array(["未特指的损伤"]))[0][list(_places("negation"))].tolist() == [False, False]


def _places(family: str) -> range:
    before = [len(patterns) for name, patterns in FAMILIES.items()]
    at = list(FAMILIES).index(family)
    return range(sum(before[:at]), sum(before[: at + 1]))


def test_every_dropped_ngram_meets_every_added_one() -> None:
    left = sp.csr_matrix(np.array([[1, 1, 0], [0, 0, 0], [0, 0, 1]]))
    right = sp.csr_matrix(np.array([[1, 0, 1], [1, 1, 1], [0, 1, 0]]))
    found = set(zip(*(part.tolist() for part in crossed(left, right)), strict=True))
    assert found == {(0, 0, 0), (0, 0, 2), (0, 1, 0), (0, 1, 2), (2, 2, 1)}


def test_a_rewriting_is_learned_from_examples() -> None:
    texts = pa.array(["胃还纳", "肝还纳", "肾还纳", "脾还纳"])
    targets = pa.array([f"{site}{act}" for site in "胃肝肾脾" for act in ("闭合", "切除")])
    grams = Grams.learn(pa.concat_arrays([texts, targets]), (1, 2))
    counted, aims = grams.count(texts).sign(), grams.count(targets).sign()
    group, target = np.repeat(np.arange(3), 2), np.arange(6)
    edit = Edit.learn(changes(counted, aims, group, target), group, target % 2 == 0, 0.1)
    score = edit.score_pairs(counted, aims, np.array([3, 3]), np.array([6, 7]))
    assert score[0] > score[1] + 0.5  # a wording and targets that it never saw


def test_confidence_rises_and_is_the_share_that_was_right() -> None:
    rng = np.random.default_rng(1)
    scores = rng.random(4000)
    right = rng.random(4000) < scores**2
    read = Calibration.learn(scores, right).read(np.array([0.1, 0.5, 0.9]))
    assert np.allclose(read, [0.01, 0.25, 0.81], atol=0.06)
    assert (np.diff(Calibration.learn(scores, right).read(np.linspace(0, 1, 99))) >= 0).all()


def _trusted(right: float, count: int) -> float:
    share = (right + 0.5) / (count + 1)
    return share - CAUTION * (share * (1 - share) / count) ** 0.5


def test_trust_is_the_share_that_was_right_from_a_score_upwards_and_equal_scores_go_together() -> None:
    trust = Trust.learn(np.array([0.9, 0.9, 0.8, 0.7, 0.7]), np.array([1, 1, 1, 1, 0], bool))
    assert trust.read(np.array([0.95, 0.9, 0.8])) == pytest.approx([_trusted(3, 3)] * 3)  # more of them say more
    assert trust.read(np.array([0.7, 0.75])) == pytest.approx(_trusted(4, 5))
    assert trust.read(np.array([0.6])).tolist() == [0]
    early = Trust.learn(np.array([0.9, 0.9, 0.8, 0.7, 0.7]), np.array([1, 0, 1, 1, 1], bool))
    assert early.read(np.array([0.9])) == early.read(np.array([0.7]))  # the sure ones are not trusted less than all
    assert Trust.learn(np.zeros(0), np.zeros(0, bool)).read(np.array([1.0])).tolist() == [0]


def test_few_answers_are_never_trusted_much_though_all_were_right() -> None:
    for count, most in ((10, 0.95), (40, 0.99), (400, 1.0)):
        (trust,) = Trust.learn(np.ones(count), np.ones(count, bool)).read(np.array([1.0]))
        assert trust < most
    assert trust > 0.99


def test_trust_agrees_with_a_plain_count() -> None:
    rng = np.random.default_rng(6)
    scores = rng.random(300).round(2)
    right = rng.random(300) < scores
    trust = Trust.learn(scores, right)
    for asked in (0.05, 0.31, 0.5, 0.77, 1.0):
        lows = [low for low in np.unique(scores) if low <= asked]
        slow = max(_trusted(right[scores >= low].sum(), int((scores >= low).sum())) for low in lows)
        assert trust.read(np.array([asked]))[0] == pytest.approx(slow)


def test_the_interval_is_exact() -> None:
    assert interval(10, 10) == (pytest.approx(0.025 ** (1 / 10)), 1.0)
    assert interval(0, 10) == (0.0, pytest.approx(1 - 0.025 ** (1 / 10)))
