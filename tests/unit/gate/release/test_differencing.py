"""What can be worked out from several releases, against an attacker who tries every population."""

from functools import cache
from itertools import product
from random import Random

import numpy as np
import pytest

from isthmus.gate.release.counts import HIDDEN, interval, shown
from isthmus.gate.release.differencing import Attacker, Cell, check
from isthmus.gate.release.rules import rules

RULES = rules()
AGES = ["21-30", "31-40", "41-50", "51+"]


def _by_age(counts: list[int], **more: str) -> list[Cell]:
    rest = {name: frozenset({value}) for name, value in more.items()}
    return [
        Cell({"age": frozenset({age})} | rest, int(value))
        for age, value in zip(AGES, shown(np.array(counts), RULES), strict=True)
    ]


def test_one_table_with_hidden_cells_passes() -> None:
    assert check(_by_age([3, 8, 16, 23]), [], RULES).answer == "pass"


def test_a_total_counted_apart_gives_a_hidden_cell_away() -> None:
    """43 to 47 people in all, of whom 38 to 42 are in the cells that are shown: 1 to 7 becomes 3 to 7 or less."""
    total = [Cell({"age": frozenset(AGES[:2])}, 15)]
    found = check(total, _by_age([6, 8, 16, 23]), RULES)
    assert found.answer == "pass", "13 to 17 without 8 to 12 leaves 1 to 7"
    exact = [Cell({"age": frozenset(AGES[:2])}, 25)]
    found = check(exact, _by_age([6, 8, 16, 23]), RULES)
    assert found.answer == "review", "no population fits this"
    narrow = [Cell({"age": frozenset(AGES[:2])}, 10)]
    found = check(narrow, _by_age([2, 8, 16, 23]), RULES)
    assert found.answer == "fail"
    (finding,) = [one for one in found.findings if one.where == "(age 21-30)"]
    assert "narrowed" in finding.why


def test_everybody_and_men_alone_give_a_woman_away() -> None:
    """The example of OpenSAFELY's manual, of exact counts: 8 people, 7 men."""
    everybody = [Cell({"age": frozenset({age})}, count) for age, count in zip(AGES, [8, 10, 15, 25], strict=True)]
    men = [
        Cell({"age": frozenset({age}), "sex": frozenset({"male"})}, count)
        for age, count in zip(AGES, [7, 5, 8, 13], strict=True)
    ]
    masks = np.array([[True, True], [False, True]])
    assert Attacker(masks, [(8, 8), (7, 7)]).bound(np.array([True, False])) is not None
    rounded = check(_by_age([7, 5, 8, 13], sex="male"), _by_age([8, 10, 15, 25]), RULES)
    assert rounded.answer == "pass", rounded.findings
    assert {cell.value for cell in everybody + men} == {5, 7, 8, 10, 13, 15, 25}


def test_overlapping_bands_are_worked_out_together() -> None:
    """Six people in each of three bands: none is shown, but each pair is, and then all three."""
    young = AGES[:3]
    hidden = [Cell({"age": frozenset({age})}, HIDDEN) for age in young]
    pairs = [Cell({"age": frozenset(young) - {age}}, 10) for age in young]
    assert check(pairs, hidden, RULES).answer == "pass"
    found = check([Cell({"age": frozenset(young)}, 20)], hidden + pairs, RULES)
    assert found.answer == "fail"
    assert {one.where for one in found.findings} >= {f"(age {age})" for age in young}


def test_what_is_left_of_a_whole_is_looked_at() -> None:
    whole = [Cell({}, 30)]
    parts = [Cell({"sex": frozenset({"male"})}, 15), Cell({"sex": frozenset({"female"})}, 15)]
    assert check(parts, whole, RULES).answer == "pass"
    assert check([Cell({}, 10)], [Cell({"sex": frozenset({"male"})}, 10)], RULES).answer == "pass", "nobody may be left"


def test_who_knows_all_values_of_a_dimension_works_out_more() -> None:
    ages = [Cell({"age": frozenset({"young"})}, HIDDEN), Cell({"age": frozenset({"old"})}, 10)]
    both = [Cell({"sex": frozenset(SEX)}, 10)]
    assert check(both, ages, RULES).answer == "pass", "some of the young may be of neither sex"
    assert check(both, ages, RULES, WHOLE).answer == "fail", "at most 12 in all, at least 8 of them old"


def test_too_many_parts_go_to_people() -> None:
    cells = [Cell({f"d{number}": frozenset({"a"})}, 10) for number in range(13)]
    found = check(cells, [], RULES)
    assert found.answer == "review"
    assert "people have to compare" in found.findings[0].why


@cache
def _grid(atoms: int, most: int) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(list(product(range(most + 1), repeat=atoms)), dtype=np.int16)


def _possible(masks: np.ndarray, intervals: list[tuple[int, int]], most: int) -> np.ndarray:  # type: ignore[type-arg]
    """Every population of the atoms, up to `most` in each, that fits what is shown."""
    grid = _grid(masks.shape[1], most)
    sums = grid @ masks.T.astype(np.int16)
    low, high = np.array(intervals).T
    return grid[((sums >= low) & (sums <= high)).all(axis=1)]


@pytest.mark.parametrize("seed", range(40))
def test_bounds_are_those_of_trying_every_population(seed: int) -> None:
    draw = Random(seed)
    masks = np.array([[draw.random() < 0.6 for _ in range(4)] for _ in range(4)] + [[True] * 4])
    truth = [draw.randint(0, 4) for _ in range(4)]
    values = shown(masks.astype(int) @ np.array(truth), RULES)
    intervals = [interval(int(value), RULES) for value in values]
    fits = _possible(masks, intervals, 18)
    target = np.array([draw.random() < 0.5 for _ in range(4)])
    sums = fits @ target.astype(int)
    bound = Attacker(masks, intervals).bound(target)
    assert bound is not None
    assert (bound.low, bound.high) == (sums.min(), sums.max()), "at most 18 people in all, so every one was tried"


SEX, AGE = ["male", "female"], ["young", "old"]
WHOLE = {"sex": frozenset(SEX), "age": frozenset(AGE)}


def _release(draw: Random, people: dict[tuple[str, str], int]) -> list[Cell]:
    """A random table of a random population: of one or two dimensions, sometimes of a part of it."""
    kind = draw.choice(["sex", "age", "both", "both", "all", "part"])
    where: list[dict[str, frozenset[str]]] = {
        "sex": [{"sex": frozenset({sex})} for sex in SEX],
        "age": [{"age": frozenset({age})} for age in AGE],
        "both": [{"sex": frozenset({sex}), "age": frozenset({age})} for sex in SEX for age in AGE],
        "all": [{"sex": frozenset(SEX), "age": frozenset(AGE)}],
        "part": [{"sex": frozenset({draw.choice(SEX)}), "age": frozenset({draw.choice(AGE)})}],
    }[kind]
    counts = [
        sum(many for (sex, age), many in people.items() if sex in one.get("sex", SEX) and age in one.get("age", AGE))
        for one in where
    ]
    return [Cell(one, int(value)) for one, value in zip(where, shown(np.array(counts), RULES), strict=True)]


def _worked_out(cells: list[Cell]) -> bool:
    """Does somebody who tries every population learn of a set of people that it is small, and nearly how small?"""
    atoms = list(product(SEX, AGE))
    masks = np.array(
        [
            [sex in cell.where.get("sex", SEX) and age in cell.where.get("age", AGE) for sex, age in atoms]
            for cell in cells
        ]
    )
    fits = _possible(masks, [interval(cell.value, RULES) for cell in cells], 22)
    for chosen in product([False, True], repeat=4):
        sums = fits @ np.array(chosen).astype(int)
        low, high = sums.min(), sums.max()
        if low >= 1 and high <= RULES.hide and high - low + 1 < RULES.base:
            return True
    return False


def _attacked(seeds: range) -> tuple[int, int, int]:
    """Sequences in which something failed, releases that passed, and sequences in which the attacker learnt of it."""
    failed = passed = learnt = 0
    for seed in seeds:
        draw = Random(seed)
        people = {pair: draw.randint(1, 9) for pair in product(SEX, AGE)}
        out: list[Cell] = []
        for _ in range(6):
            new = _release(draw, people)
            if check(new, out, RULES, WHOLE).answer == "pass":
                out += new
                passed += 1
            else:
                failed += 1
        learnt += _worked_out(out) if out else 0
    return failed, passed, learnt


def test_what_passed_tells_an_attacker_of_nobody() -> None:
    failed, passed, learnt = _attacked(range(12))
    assert passed > 6
    assert failed > 0
    assert learnt == 0


@pytest.mark.prove
def test_a_thousand_sequences_of_releases_tell_of_nobody() -> None:
    failed, passed, learnt = _attacked(range(1000))
    assert min(failed, passed) > 100
    assert learnt == 0
