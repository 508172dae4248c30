"""Linkage against data with truth: febrl 1 to 4 and Splink's fake_1000 (`priv/febrl`, `priv/splink`).

Splink's own demonstration, unsupervised, finds 4,991 of febrl4's 5,000 pairs at 0.5 without a false one (precision
1.0000, recall 0.9982).
"""

from pathlib import Path

import pytest
from benchmarks.linkage import Case, Linked, fake, febrl, linked, rates

pytestmark = pytest.mark.acceptance


@pytest.fixture(scope="module")
def febrl4(outside: Path) -> Case:
    return febrl("febrl4", "dataset4a.csv", "dataset4b.csv", folder=outside / "priv")


@pytest.fixture(scope="module")
def western(febrl4: Case) -> Linked:
    return linked(febrl4, "western")


def test_febrl4_is_linked(febrl4: Case, western: Linked) -> None:
    low, half, *_, high = rates(febrl4, western.scored)
    print("febrl4:", low, half, high, f"{western.seconds:.1f} s")
    assert half.precision >= 0.999
    assert half.recall >= 0.998
    assert high.precision >= 0.999


def test_febrl4_takes_seconds(western: Linked) -> None:
    assert western.seconds < 15


@pytest.mark.parametrize(("number", "recall"), [(1, 0.998), (2, 0.99), (3, 0.99)])
def test_febrl_1_to_3_are_linked(outside: Path, number: int, recall: float) -> None:
    case = febrl(f"febrl{number}", f"dataset{number}.csv", folder=outside / "priv")
    half = rates(case, linked(case, "western").scored, (0.5,))[0]
    print(case.name, half)
    assert half.precision >= 0.999
    assert half.recall >= recall


def test_fake_1000_is_linked(outside: Path) -> None:
    case = fake(outside / "priv")
    half = rates(case, linked(case, "western").scored, (0.5,))[0]
    print(case.name, half)
    assert half.precision >= 0.99
    assert half.recall >= 0.8
