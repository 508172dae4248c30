"""Whether conditions can hold together, as far as their text tells."""

import pytest

from isthmus.research.expression import parse
from isthmus.research.expression.holding import can_hold

FORMULAS = {"ill": parse("a > 3 and b", "here").node}


@pytest.mark.parametrize(
    ("one", "other", "able"),
    [
        ("a < 3", "a > 3", False),
        ("a <= 3", "a >= 3", True),
        ("a < 3", "3 <= a", False),
        ("a < 3 or b", "a > 3", True),
        ("a < 3 or b", "a > 3 and not b", False),
        ("not (a < 3)", "a < 3", False),
        ("t in ('x', 'y')", "t = 'z'", False),
        ("t in ('x', 'y')", "t <> 'x'", True),
        ("t = 'x'", "t not in ('x', 'y')", False),
        ("a between 1 and 5", "a > 5", False),
        ("a + c > 1", "a + c > 1", True),
        ("a + c > 1", "not (a + c > 1)", False),
        ("a + c > 1", "a + c < 0", True),  # reckoned sides are not looked into: nothing speaks against it
        ("d > date '2024-01-01'", "d < date '2023-01-01'", False),
        ("ill", "a < 2", False),
        ("ill", "not b", False),
        ("not ill", "a < 2", True),
        ("a = 3", "a <> 3", False),
        ("false", "a > 1", False),
        ("true", "a > 1", True),
    ],
)
def test_conditions_can_or_cannot_hold_together(one: str, other: str, able: bool) -> None:
    nodes = [parse(text, "here").node for text in (one, other)]
    assert can_hold(*nodes, formulas=FORMULAS) is able
    assert can_hold(*reversed(nodes), formulas=FORMULAS) is able
