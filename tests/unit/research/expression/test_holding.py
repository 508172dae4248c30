"""Whether conditions can hold together, as far as their text tells."""

import pytest

from isthmus.research.expression import parse
from isthmus.research.expression.holding import Limits, can_hold, idle, outcomes, text

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
        ("a + c > 1", "a + c < 0", False),
        ("a + c > 1", "c + a < 0", True),  # it is not known that the two are the same: nothing speaks against it
        ("a < c", "c < a", False),
        ("a <= c", "c <= a", True),
        ("a = c", "a < c", False),
        ("a < -3", "a > -2", False),
        ("a is null", "a > 3", False),
        ("a is null", "a is not null", False),
        ("coalesce(a > 3, b)", "a < 2 and not b", False),
        ("coalesce(a > 3, b)", "a < 2", True),
        ("case when b then a > 3 else a > 4 end", "a < 2", False),
        ("case when a > 3 then a < 2 else a > 5 end", "b", False),
        ("case when a > 3 then c > 1 else c > 5 end", "a < 2 and c < 4", False),
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
    assert can_hold(*nodes, limits=Limits(FORMULAS)) is able
    assert can_hold(*reversed(nodes), limits=Limits(FORMULAS)) is able


LIMITS = Limits(
    formulas={"double": parse("2 * age", "here").node, "bmi": parse("weight / (height * height)", "here").node},
    spans={"age": (0, 130), "weight": (1, 400), "height": (0.3, 2.5), "(days first_day today )": (0, 90)},
    among={"sex": ("male", "female"), "ordered": (False,)},
    implied={"recent": ("ever",)},
)


@pytest.mark.parametrize(
    ("condition", "able"),
    [
        ("age < 0", False), ("age <= 0", True), ("age > 130", False), ("-age > 0", False), ("age + 5 < 5", False),
        ("double > 260", False), ("double > 259", True), ("bmi > 5000", False), ("bmi > 4000", True),
        ("greatest(age, 5) < 5", False), ("abs(age) < 0", False), ("round(age) < -1", False), ("exp(age) < 0", False),
        ("sex = 'man'", False), ("sex in ('man', 'male')", True), ("sex not in ('male', 'female')", False),
        ("ordered", False), ("not ordered", True), ("recent and not ever", False), ("ever and not recent", True),
        ("days(first_day, today) > 90", False), ("days(first_day, today) > 30", True), ("age > weight + 130", False),
    ],
)  # fmt: skip
def test_what_is_known_of_names_is_heeded(condition: str, able: bool) -> None:
    assert can_hold(parse(condition, "here").node, limits=LIMITS) is able


def test_parts_that_never_come_to_bear_are_named() -> None:
    def found(condition: str) -> list[str]:
        return [text(one) for one in idle(parse(condition, "here").node, LIMITS)]

    assert found("age > 200 or sex = 'male'") == ["(> age 200.0 )"]
    assert found("not (age > 20 or (age > 75 and age < 40))") == ["(and (> age 75.0 ) (< age 40.0 ) )"]
    assert found("case when age < 0 then 1 when age > 5 then 2 else 3 end") == ["(< age 0.0 )"]
    assert found("coalesce(age > 130, sex = 'male')") == ["(> age 130.0 )"]
    assert found("age > 75 or weight < 40") == []
    assert found("coalesce(ordered, false)") == []


def test_values_that_a_text_lists_are_known() -> None:
    assert outcomes(parse("case when age > 5 then 'a' else sex end", "here").node, LIMITS) == {"a", "male", "female"}
    assert outcomes(parse("age", "here").node, LIMITS) is None
