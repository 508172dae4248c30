"""The second look: sets of candidates, laid out, told right from wrong, and chosen."""

import numpy as np
import pyarrow as pa
import scipy.sparse as sp

from isthmus.mapping.terms.choice import NOTHING, SETS, Board, best
from isthmus.mapping.terms.evaluate import compare
from isthmus.mapping.terms.knowledge import Decisions
from isthmus.mapping.terms.model import Model

ROW = np.array([0, 0, 0, 2, 2])
TARGET = np.array([4, 7, 9, 1, 4])
SCORE = np.array([0.2, 0.9, 0.4, 0.3, 0.6])


def test_no_set_is_listed_twice() -> None:
    assert len({tuple(one) for one in SETS.tolist()}) == len(SETS)
    assert SETS.any(axis=1).all()


def test_candidates_are_laid_out_best_first() -> None:
    board = Board.lay(ROW, TARGET, SCORE, 3)
    assert board.target[:, :4].tolist() == [[7, 9, 4, -1], [-1] * 4, [4, 1, -1, -1]]
    assert board.score[0, :3].tolist() == [0.9, 0.4, 0.2]


def test_a_set_is_right_only_when_it_is_exactly_what_was_chosen() -> None:
    board = Board.lay(ROW, TARGET, SCORE, 3)
    # Given were 7 and 4; 1, which is no candidate of the second; 4 and 8, of which 8 is no candidate of the third.
    chosen = sp.csr_matrix((np.ones(5), ([0, 0, 1, 2, 2], [7, 4, 1, 4, 8])), shape=(3, 10))
    right = board.right(chosen)
    assert right.sum(axis=1).tolist() == [1, 0, 0]
    assert np.flatnonzero(SETS[right[0].argmax()]).tolist() == [0, 2]


def test_a_set_with_a_member_that_is_not_there_cannot_be() -> None:
    possible = Board.lay(ROW, TARGET, SCORE, 3).possible()
    for at, there in enumerate((3, 0, 2)):
        assert possible[at].tolist() == [not one[there:].any() for one in SETS]


def test_the_best_set_is_picked_and_nothing_where_nothing_can_be() -> None:
    board = Board.lay(ROW, TARGET, SCORE, 3)
    score = np.full((3, len(SETS)), NOTHING)
    score[0, [tuple(np.flatnonzero(one)) for one in SETS].index((0, 1))] = 2.0
    score[2, 0] = 1.0
    picked, sure = best(board, ROW, score)
    assert picked.tolist() == [False, True, True, False, True]
    assert sure.tolist() == [2.0, NOTHING, 1.0]


def test_wordings_of_several_terms_are_given_them_all() -> None:
    sites, acts = ["甲状腺", "乳房", "肝", "胆囊", "胃", "结肠", "直肠", "膀胱", "肾", "肺叶"], ["切除术", "活检术"]
    names = [site + act for site in sites for act in acts]
    rng = np.random.default_rng(3)
    texts, text, target = [], [], []
    for _ in range(900):
        members = rng.choice(len(names), rng.choice([1, 2]), replace=False)
        wording = "+".join(names[at].replace("活检术", "取活检") for at in members)
        if wording in texts:
            continue
        text += [len(texts)] * len(members)
        target += members.tolist()
        texts.append(wording)
    decided = Decisions(pa.array(texts), np.array(text), np.array(target))
    kept = np.arange(len(texts)) < 200
    model = Model.learn(pa.array(names), np.arange(len(names)) // 2, decided.only(kept))
    figures = compare(model.answer(decided.only(~kept).texts), decided.only(~kept))
    assert figures.wordings >= 20
    assert figures.terms > figures.wordings
    assert figures.accuracy >= 0.9
