"""Both sides of every limit, as the texts named in the score files print them: just below, on it, just above."""

from typing import Any

import pytest

from isthmus.research.expression.value import working
from isthmus.research.scores.patient import score
from isthmus.research.scores.plan import GRADE, plan
from isthmus.research.scores.reader import shipped
from isthmus.research.scores.rule import Score

# Score, limit of its value, grade just below, on it, just above.
VALUES = [
    ("albi", -2.60, "1", "1", "2"),
    ("albi", -1.39, "2", "2", "3"),
    ("malbi", -2.60, "1", "1", "2a"),
    ("malbi", -2.270, "2a", "2a", "2b"),
    ("malbi", -1.39, "2b", "2b", "3"),
    ("ez_albi", -34.4, "1", "1", "2"),
    ("ez_albi", -22.2, "2", "2", "3"),
    ("palbi", -2.53, "1", "1", "2"),
    ("palbi", -2.09, "2", "2", "3"),
    ("amap", 50, "low", "medium", "medium"),
    ("amap", 60, "medium", "high", "high"),
    ("fib4", 1.45, "low", "indeterminate", "indeterminate"),
    ("fib4", 3.25, "indeterminate", "indeterminate", "high"),
    ("apri", 0.5, "low", "indeterminate", "indeterminate"),
    ("apri", 1.5, "indeterminate", "indeterminate", "high"),
    ("galad", -0.63, "negative", "negative", "positive"),
    ("six_and_twelve", 6, "1", "1", "2"),
    ("six_and_twelve", 12, "2", "2", "3"),
    ("ecog", 0, "0", "0", "1"),
    ("ecog", 1, "1", "1", "2"),
    ("ecog", 2, "2", "2", "3"),
    ("ecog", 3, "3", "3", "4"),
    ("ecog", 4, "4", "4", "5"),
]
# Score, input, limit, step, points just below, on it, just above (beside what the others give).
POINTS = [
    ("child_pugh", "bilirubin", 34, 0.1, 1, 2, 2),
    ("child_pugh", "bilirubin", 51, 0.1, 2, 2, 3),
    ("child_pugh", "albumin", 28, 0.1, 3, 2, 2),
    ("child_pugh", "albumin", 35, 0.1, 2, 2, 1),
    ("child_pugh", "inr", 1.7, 0.01, 1, 2, 2),
    ("child_pugh", "inr", 2.3, 0.01, 2, 2, 3),
    ("child_pugh@albumin-30", "albumin", 30, 0.1, 3, 2, 2),
    ("child_pugh@albumin-30", "albumin", 35, 0.1, 2, 2, 1),
    ("child_pugh@cholestatic", "bilirubin", 68, 0.1, 1, 2, 2),
    ("child_pugh@cholestatic", "bilirubin", 171, 0.1, 2, 2, 3),
    ("child_pugh@bilirubin-25-40", "bilirubin", 25, 0.1, 1, 2, 2),
    ("child_pugh@bilirubin-25-40", "bilirubin", 40, 0.1, 2, 2, 3),
    ("hap", "albumin", 36, 0.1, 1, 0, 0),
    ("hap", "bilirubin", 17, 0.1, 0, 0, 1),
    ("hap", "afp", 400, 0.1, 0, 0, 1),
    ("hap", "largest", 7, 0.1, 0, 0, 1),
    ("page_b", "age", 30, 1, 0, 2, 2),
    ("page_b", "age", 40, 1, 2, 4, 4),
    ("page_b", "age", 50, 1, 4, 6, 6),
    ("page_b", "age", 60, 1, 6, 8, 8),
    ("page_b", "age", 70, 1, 8, 10, 10),
    ("page_b", "platelets", 100, 1, 9, 6, 6),
    ("page_b", "platelets", 200, 1, 6, 0, 0),
    ("mpage_b", "age", 30, 1, 0, 3, 3),
    ("mpage_b", "age", 40, 1, 3, 5, 5),
    ("mpage_b", "age", 50, 1, 5, 7, 7),
    ("mpage_b", "age", 60, 1, 7, 9, 9),
    ("mpage_b", "age", 70, 1, 9, 11, 11),
    ("mpage_b", "platelets", 100, 1, 5, 4, 4),
    ("mpage_b", "platelets", 150, 1, 4, 3, 3),
    ("mpage_b", "platelets", 200, 1, 3, 2, 2),
    ("mpage_b", "platelets", 250, 1, 2, 0, 0),
    ("mpage_b", "albumin", 30, 1, 3, 2, 2),
    ("mpage_b", "albumin", 35, 1, 2, 1, 1),
    ("mpage_b", "albumin", 40, 1, 1, 0, 0),
    ("padua", "age", 70, 1, 0, 1, 1),
    ("padua", "bmi", 30, 0.1, 0, 1, 1),
    ("caprini", "age", 41, 1, 0, 1, 1),
    ("caprini", "age", 61, 1, 1, 2, 2),
    ("caprini", "age", 75, 1, 2, 3, 3),
    ("caprini", "bmi", 25, 0.1, 0, 0, 1),
    ("improve_bleeding", "platelets", 50, 1, 4, 0, 0),
    ("improve_bleeding", "age", 40, 1, 0, 1.5, 1.5),
    ("improve_bleeding", "age", 85, 1, 1.5, 3.5, 3.5),
    ("improve_bleeding", "gfr", 30, 0.1, 2.5, 1, 1),
    ("improve_bleeding", "gfr", 60, 0.1, 1, 0, 0),
    ("bleeding_medical", "platelets", 50, 1, 3, 0, 0),
    ("bleeding_medical", "age", 85, 1, 0, 1, 1),
    ("bleeding_medical", "gfr", 30, 0.1, 1, 0, 0),
]
# Score, sum of points, grade.
SUMS = [
    *(("child_pugh", points, "A" if points <= 6 else "B" if points <= 9 else "C") for points in range(5, 16)),
    *(("hap", points, "ABCDD"[points]) for points in range(5)),
    *(("page_b", points, grade) for points, grade in [(9, "low"), (10, "medium"), (17, "medium"), (18, "high")]),
    *(("mpage_b", points, grade) for points, grade in [(8, "low"), (9, "medium"), (12, "medium"), (13, "high")]),
    *(("padua", points, "high" if points >= 4 else "low") for points in range(21)),
    *(("caprini", points, (["low"] * 2 + ["moderate"] + ["high"] * 2)[points]) for points in range(5)),
    *(("caprini", points, "very_high") for points in (5, 9, 40)),
    *(
        ("caprini@accp9", points, (["very_low"] + ["low"] * 2 + ["moderate"] * 2 + ["high"])[points])
        for points in range(6)
    ),
    *(("caprini@cn-quality", points, (["low"] * 3 + ["moderate"] * 2 + ["high"])[points]) for points in range(6)),
    *(("improve_bleeding", points, grade) for points, grade in [(6.5, "low"), (7, "high")]),
    *(("bleeding_medical", points, grade) for points, grade in [(2, "low"), (3, "high")]),
]


def _graded(rule: Score, **known: float) -> Any:
    values: dict[str, Any] = dict(known)
    for name, node in plan(rule).steps.items():
        if name.startswith("grade"):
            values[name] = working(node)(values)
    return values[GRADE]


@pytest.mark.parametrize(("name", "limit", "below", "on", "above"), VALUES)
def test_a_grade_changes_at_the_printed_limit(name: str, limit: float, below: str, on: str, above: str) -> None:
    told = [_graded(shipped()[name], value=limit + by) for by in (-1e-6, 0, 1e-6)]
    assert told == [below, on, above]


@pytest.mark.parametrize("line", POINTS, ids=lambda line: " ".join(map(str, line[:3])))
def test_points_change_at_the_printed_limit(line: tuple[str, str, float, float, int, int, int]) -> None:
    name, item, limit, step, below, on, above = line
    rule = shipped()[name]
    steps = plan(rule).steps
    points = f"points {'clotting' if item == 'inr' else item}"
    for number, expected in ((limit - step, below), (limit, on), (limit + step, above)):
        values: dict[str, Any] = {f"told {item}": number}
        for key, node in steps.items():
            values[key] = working(node)(values)
        assert values[points] == expected, number


@pytest.mark.parametrize(("name", "points", "grade"), SUMS)
def test_a_sum_of_points_has_its_grade(name: str, points: int, grade: str) -> None:
    assert _graded(shipped()[name], least=points, most=points) == grade


def test_every_limit_of_every_score_stands_in_the_tables_above() -> None:
    held = {(name, float(limit)) for name, limit, *_ in VALUES}
    for rule in shipped().values():
        for grade in rule.grades:
            if grade.cut and grade.cut.limit is not None and not rule.points:
                assert (rule.name, grade.cut.limit) in held
    counted = {(name, item, float(limit)) for name, item, limit, *_ in POINTS}
    for rule in shipped().values():
        variant = rule.name.partition("@")[0]
        for one in rule.points:
            item = "inr" if one.item == "clotting" else one.item
            for cut, _ in one.cuts:
                if one.item == "bed":  # a step of whole numbers: its cuts are its values
                    continue
                assert cut.limit is None or {(rule.name, item, cut.limit), (variant, item, cut.limit)} & counted


@pytest.mark.parametrize("edge", ["mg/dL", "g/dL"])
def test_the_limits_of_child_pugh_are_the_same_in_both_units(edge: str) -> None:
    usual = {"inr": 1.0, "ascites": "none", "encephalopathy": "none"}
    if edge == "mg/dL":
        by_points = {1.9: 5, 2.0: 6, 3.0: 6, 3.1: 7}
        told = {at: score("child_pugh", {**usual, "bilirubin": (at, edge), "albumin": (40, "g/L")}) for at in by_points}
    else:
        by_points = {3.6: 5, 3.5: 6, 2.8: 6, 2.7: 7}
        told = {
            at: score("child_pugh", {**usual, "bilirubin": (10, "umol/L"), "albumin": (at, edge)}) for at in by_points
        }
    assert {at: outcome.value for at, outcome in told.items()} == by_points
