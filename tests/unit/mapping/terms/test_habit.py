"""What decisions used to leave out and to add."""

import numpy as np
import scipy.sparse as sp

from isthmus.mapping.terms.habit import SURE, Habit

LEFT, FORCEPS, BIRTH = 0, 1, 2


def rows(*lines: list[int]) -> sp.csr_matrix:
    matrix = np.zeros((len(lines), 4), np.float32)
    for line, held in zip(matrix, lines, strict=True):
        line[held] = 1
    return sp.csr_matrix(matrix)


def test_a_word_that_decisions_keep_speaks_against_terms_without_it() -> None:
    wordings = rows(*[[LEFT, FORCEPS, BIRTH]] * 20)
    habit = Habit.learn(wordings, rows(*[[FORCEPS, BIRTH]] * 20), [np.ones(20, bool)])
    lines, part = rows(*[[LEFT, FORCEPS, BIRTH]] * 2), np.zeros(2, np.int64)
    strongest, whole, *_ = habit.measure(lines, rows([FORCEPS, BIRTH], [LEFT, BIRTH]), part)
    assert strongest[0] < 0.1
    assert strongest[1] > 0.9
    assert whole[1] > whole[0]


def test_what_terms_add_counts_where_wordings_used_to_say_it() -> None:
    wordings = rows(*[[BIRTH, FORCEPS]] * 10, *[[BIRTH]] * 10)
    terms = rows(*[[BIRTH, FORCEPS]] * 10, *[[BIRTH, LEFT]] * 10)
    habit = Habit.learn(wordings, terms, [np.ones(20, bool)])
    _, _, strongest, _, _, _ = habit.measure(
        rows([BIRTH], [BIRTH]), rows([BIRTH, FORCEPS], [BIRTH, LEFT]), np.zeros(2, int)
    )
    assert strongest[0] > 0.9
    assert strongest[1] < 0.1


def test_a_part_is_judged_by_its_own_decisions_and_nothing_is_infinite() -> None:
    wordings = rows(*[[BIRTH]] * 3000, *[[BIRTH]] * 3000)
    terms = rows(*[[BIRTH]] * 3000, *[[LEFT]] * 3000)
    first = np.arange(6000) < 3000
    habit = Habit.learn(wordings, terms, [first, ~first])
    strongest, whole, *_ = habit.measure(rows([BIRTH], [BIRTH]), rows([LEFT], [LEFT]), np.array([0, 1]))
    assert strongest[0] > SURE
    assert strongest[1] < 0.5
    assert np.isfinite(whole).all()


def test_words_that_decisions_never_held_are_rare() -> None:
    habit = Habit.learn(rows(*[[BIRTH]] * 5), rows(*[[BIRTH]] * 5), [np.ones(5, bool)])
    *_, rare, usual = habit.measure(rows([BIRTH, LEFT]), rows([BIRTH]), np.zeros(1, np.int64))
    assert rare.tolist() == [1]
    assert usual[0] > 0.9
