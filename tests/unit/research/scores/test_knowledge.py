"""What is told when inputs are missing: a grade exactly when every completion has it, and for what the rest waits.

Every combination of the values below is a patient; every combination with some left out must be answered by what all
completions have in common, if anything.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest

from isthmus.lake.engine import Engine
from isthmus.research.scores.reader import shipped
from isthmus.research.scores.rule import Score
from lib.scored import Row, by_engine
from lib.staged import ORACLES

EITHER = [True, False]
CLASSES = ["A", "B", "C"]
MILDLY = ["none", "mild", "severe"]
SIZES = [2.0, 2.1, 3.0, 3.1, 5.0, 5.1]
TUMOUR = {
    "nodules": [1, 2, 4], "largest": [1.9, 2.0, 2.1, 5.0, 5.1], "vascular_invasion": EITHER, "major_branch": EITHER,
    "adjacent_organ": EITHER, "peritoneum": EITHER,
}  # fmt: skip
LIVER = {
    "bilirubin": [33.9, 34.0, 51.1], "albumin": [27.9, 28.0, 35.1], "inr": [1.6, 1.7, 2.4], "ascites": MILDLY,
    "encephalopathy": MILDLY,
}  # fmt: skip
STAGE = {
    "ps": [0, 1, 2, 3], "child_pugh": CLASSES, "nodules": [1, 2, 3, 4], "largest": SIZES, "macrovascular": EITHER,
    "extrahepatic": EITHER,
}  # fmt: skip
SPREAD = {"macrovascular": EITHER, "extrahepatic": EITHER}
SUMS = {
    "baseline_sum": [15.0, 20.0, 80.0, 300.0],
    "smallest_sum": [0.0, 19.0, 50.0, 300.0],
    "current_sum": [0.0, 14.0, 24.0, 56.0, 97.0, 150.0, 250.0],
}
PATIENTS: Mapping[str, Mapping[str, list[Any]]] = {
    "child_pugh": LIVER,
    "child_pugh@albumin-30": {**LIVER, "albumin": [29.9, 30.0, 35.1]},
    "child_pugh@cholestatic": {**LIVER, "bilirubin": [67.9, 68.0, 171.1]},
    "child_pugh@bilirubin-25-40": {**LIVER, "bilirubin": [24.9, 25.0, 40.1]},
    "cnlc": STAGE,
    "bclc": STAGE,
    "bclc@single-5": STAGE,
    "bclc_b": {"diffuse": EITHER, "transplant_candidate": EITHER, "portal_flow": EITHER},
    "tnm8_t": TUMOUR,
    "tnm8": {**TUMOUR, "nodes": EITHER, "metastasis": EITHER},
    "tnm7": {**TUMOUR, "nodes": EITHER, "metastasis": EITHER},
    "milan": {"nodules": [1, 2, 3, 4], "largest": SIZES, **SPREAD},
    "ucsf": {
        "nodules": [1, 2, 3, 4], "largest": [2.7, 4.0, 4.5, 4.6, 6.5, 6.6],
        "total_diameter": [2.7, 4.0, 4.5, 4.6, 5.0, 6.5, 6.6, 8.0, 8.1, 12.0], **SPREAD,
    },
    "fudan": {
        "nodules": [1, 2, 3, 4], "largest": [3.0, 3.1, 4.6, 5.0, 5.1, 9.0, 9.1],
        "total_diameter": [3.0, 3.1, 4.6, 5.0, 5.1, 6.0, 9.0, 9.1, 12.0], **SPREAD,
    },
    "hangzhou": {"total_diameter": [3.0, 8.0, 8.1], "histological_grade": [1, 2, 3, 4], "afp": [10.0, 400.0, 401.0]},
    "hap": {"albumin": [35.9, 36.0], "bilirubin": [17.0, 17.1], "afp": [400.0, 401.0], "largest": [7.0, 7.1]},
    "page_b": {"age": [29, 30, 40, 50, 60, 70], "sex": ["female", "male"], "platelets": [99, 100, 200]},
    "mpage_b": {
        "age": [29, 30, 40, 50, 60, 70], "sex": ["female", "male"], "platelets": [99, 100, 150, 200, 250],
        "albumin": [29, 30, 35, 40],
    },
    "mrecist_target": SUMS,
    "recist11_target": SUMS,
    "mrecist": {**SUMS, "new_lesion": EITHER, "non_target": ["cr", "stable", "pd", "none"]},
    "recist11": {**SUMS, "new_lesion": EITHER, "non_target": ["cr", "stable", "pd", "none"]},
}  # fmt: skip


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("engine"), threads=1)
    yield made
    made.close()


def _can_be(row: Row) -> bool:
    """Whether a patient is possible: the total lies between the largest and all of them as large."""
    if row.get("total_diameter") is None or row.get("largest") is None:
        return True
    largest, total = row["largest"], row["total_diameter"]
    return bool(largest <= total <= largest * row["nodules"] and (row["nodules"] > 1 or total == largest))


def _patients(score: Score, values: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    rows = [dict(zip(values, one, strict=True)) for one in product(*values.values())]
    if score.name in ("ucsf", "fudan"):  # one nodule's total is its diameter
        rows = [{**row, "total_diameter": row["largest"]} if row["nodules"] == 1 else row for row in rows]
    return [row for row in {tuple(row.items()): row for row in rows}.values() if _can_be(row)]


def _left_out(row: Row, needed: list[str]) -> Iterator[tuple[Any, ...]]:
    for kept in product((True, False), repeat=len(needed)):
        gone = {name for name, keep in zip(needed, kept, strict=True) if not keep}
        yield tuple(None if name in gone else value for name, value in row.items())


@pytest.mark.parametrize("name", PATIENTS)
def test_a_grade_is_that_of_the_table_and_given_exactly_when_what_is_missing_cannot_change_it(
    name: str, engine: Engine
) -> None:
    score = shipped()[name]
    patients = _patients(score, PATIENTS[name])
    columns = list(PATIENTS[name])
    needed = [one for one in columns if score.inputs[one].otherwise is None]
    common: dict[tuple[Any, ...], set[Any]] = {}
    for row, answer in zip(patients, by_engine(engine, score, patients), strict=True):
        assert answer["grade"] is not None, row
        assert name not in ORACLES or answer["grade"] == ORACLES[name](row), row
        for known in _left_out(row, needed):
            common.setdefault(known, set()).add(answer["grade"])
    partly = [dict(zip(columns, known, strict=True)) for known in common]
    for row, grades, answer in zip(partly, common.values(), by_engine(engine, score, partly), strict=True):
        expected = next(iter(grades)) if len(grades) == 1 else None
        assert answer["grade"] == expected, (row, grades)
        waits = set((answer["missing"] or "").split(", ")) - {""}
        assert waits <= {one for one in needed if row[one] is None}, row
        assert waits or answer["grade"] is not None, row


# Sums of many items: too many combinations to try all. tests/unit/research/scores/test_thrombosis.py draws them.
SUMS_OF_MANY = {one.name for one in shipped().values() if one.family == "thrombosis" and one.points}
OTHERS = [one.name for one in shipped().values() if one.grades and one.name not in {*PATIENTS, *SUMS_OF_MANY}]


@pytest.mark.parametrize("name", OTHERS)
def test_scores_of_one_formula_are_told_in_full_or_not_at_all(name: str, engine: Engine) -> None:
    score = shipped()[name]
    example = next(one for one in score.examples if one.grade and not one.missing)
    full = {key: value[0] if isinstance(value, tuple) else value for key, value in example.given.items()}
    needed = [key for key in full if score.inputs[key].otherwise is None and not score.inputs[key].optional]
    units = {key: value[1] for key, value in example.given.items() if isinstance(value, tuple)}
    rows = [{**full, key: None} for key in needed] + [full]
    *partly, whole = by_engine(engine, score, rows, units=units)
    assert whole["grade"] == example.grade
    for key, answer in zip(needed, partly, strict=True):
        assert answer["missing"] == key
        assert answer["value"] in (None, whole["value"])
        assert answer["grade"] is None
