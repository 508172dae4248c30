"""Risk of thrombosis and bleeding: random patients of whom much is not known, against tables added up by hand."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from isthmus.lake.engine import Engine
from isthmus.research.expression import Kind
from isthmus.research.scores.patient import score
from isthmus.research.scores.reader import shipped
from isthmus.research.scores.rule import Score
from lib.scored import by_engine

ONE = [
    "minor_surgery", "swollen_legs", "varicose_veins", "pregnancy", "obstetric_history", "contraceptive", "sepsis",
    "lung_disease", "lung_function", "infarction", "heart_failure", "bowel_disease", "recent_surgery",
]  # fmt: skip
TWO = ["arthroscopy", "open_surgery", "laparoscopy", "cancer_ever", "plaster_cast", "central_line"]
THREE = [
    "previous_vte", "family_vte", "factor_v", "prothrombin", "lupus_anticoagulant", "anticardiolipin", "homocysteine",
    "heparin_thrombocytopenia", "other_thrombophilia",
]  # fmt: skip
FIVE = ["recent_stroke", "fracture", "spinal_cord", "multiple_trauma"]
CAPRINI = {**dict.fromkeys(ONE, 1), **dict.fromkeys(TWO, 2), **dict.fromkeys(THREE, 3), **dict.fromkeys(FIVE, 5)}
PADUA = {
    "active_cancer": 3, "previous_vte": 3, "reduced_mobility": 3, "thrombophilia": 3, "trauma_or_surgery": 2,
    "heart_or_lung_failure": 1, "infarction_or_stroke": 1, "infection_or_rheumatic": 1, "hormones": 1,
}  # fmt: skip
IMPROVE = {
    "active_ulcer": 4.5, "recent_bleeding": 4, "hepatic_failure": 2.5, "intensive_care": 2.5, "central_line": 2,
    "rheumatic_disease": 2, "cancer_now": 2,
}  # fmt: skip
LIMITS = {
    "padua": [(4, "low"), (np.inf, "high")],
    "caprini": [(2, "low"), (3, "moderate"), (5, "high"), (np.inf, "very_high")],
    "caprini@accp9": [(1, "very_low"), (3, "low"), (5, "moderate"), (np.inf, "high")],
    "caprini@cn-quality": [(3, "low"), (5, "moderate"), (np.inf, "high")],
    "improve_bleeding": [(7, "low"), (np.inf, "high")],
}
Bounds = tuple[float, float]


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made = Engine(tmp_path_factory.mktemp("engine"), threads=1)
    yield made
    made.close()


def _patient(rng: np.random.Generator, rule: Score) -> dict[str, Any]:
    """A patient of whom a share is unknown that differs from patient to patient; few items are yes."""
    gone, ill = rng.choice([0, 0.05, 0.3]), rng.choice([0.02, 0.1])
    row: dict[str, Any] = {}
    for one in rule.inputs.values():
        if one.kind is Kind.TRUTH:
            row[one.name] = bool(rng.random() < ill)
        elif one.kind is Kind.TEXT:
            row[one.name] = str(rng.choice([str(code) for code in one.codes]))
        else:
            row[one.name] = {
                "age": float(rng.integers(18, 99)), "bmi": round(float(rng.uniform(17, 36)), 1),
                "platelets": float(rng.integers(20, 400)), "gfr": float(rng.integers(5, 120)),
            }[one.name]  # fmt: skip
        if rng.random() < gone:
            row[one.name] = None
    return row


def _of(value: Any, points: Any, most: float) -> Bounds:
    found = None if value is None else points(value)
    return (0, most) if found is None else (found, found)


def _summed(name: str, row: dict[str, Any]) -> Bounds:
    """The least and the most that the printed tables allow."""
    age, bmi = row["age"], row.get("bmi")
    if name == "padua":
        parts = [_of(row[item], lambda yes, n=points: n * yes, points) for item, points in PADUA.items()]
        parts += [_of(age, lambda years: int(years >= 70), 1), _of(bmi, lambda index: int(index >= 30), 1)]
    elif name == "improve_bleeding":
        parts = [_of(row[item], lambda yes, n=points: n * yes, points) for item, points in IMPROVE.items()]
        parts += [
            _of(row["platelets"], lambda count: 4 * (count < 50), 4),
            _of(age, lambda years: 3.5 if years >= 85 else 1.5 if years >= 40 else 0, 3.5),
            _of(row["gfr"], lambda rate: 2.5 if rate < 30 else 1 if rate < 60 else 0, 2.5),
            _of(row["sex"], lambda sex: int(sex == "male"), 1),
        ]
    else:
        parts = [_of(row[item], lambda yes, n=points: n * yes, points) for item, points in CAPRINI.items()]
        parts.append(_of(age, lambda years: 3 if years >= 75 else 2 if years >= 61 else 1 if years >= 41 else 0, 3))
        parts.append(_of(bmi, lambda index: int(index > 25), 1))
        longer, now = row["confined_72h"], row["bed_rest_medical"]
        known = None if longer is None else 2 if longer else now
        parts.append((0, 2) if known is None else (int(known), int(known)))
        if row["arthroplasty"] is False or row["fracture"] is True:
            elective: Bounds = (0, 0)
        else:
            elective = (5, 5) if row["arthroplasty"] and row["fracture"] is False else (0, 5)
        parts.append(elective)
    return sum(low for low, _ in parts), sum(high for _, high in parts)


def _grade(name: str, points: float) -> str:
    return next(grade for limit, grade in LIMITS[name] if points < limit)


@pytest.mark.parametrize("name", LIMITS)
def test_a_group_is_given_exactly_when_the_points_of_what_is_missing_cannot_change_it(
    name: str, engine: Engine
) -> None:
    rule = shipped()[name]
    rng = np.random.default_rng(8)
    rows = [_patient(rng, rule) for _ in range(3000)]
    answers = by_engine(engine, rule, rows)
    for row, answer in zip(rows, answers, strict=True):
        low, high = _summed(name, row)
        expected = _grade(name, low) if _grade(name, low) == _grade(name, high) else None
        assert answer["grade"] == expected, row
        assert answer["value"] == (low if low == high else answer["value"])
        assert expected or answer["missing"], row
    assert {None, *(grade for _, grade in LIMITS[name])} == {answer["grade"] for answer in answers}


def test_three_minor_factors_or_one_major_make_bleeding_likely() -> None:
    minor = ["hepatic_failure", "intensive_care", "central_line", "rheumatic_disease", "cancer_now"]
    usual: dict[str, Any] = dict.fromkeys([*minor, "active_ulcer", "recent_bleeding"], False)
    usual |= {"platelets": (200, "10*9/L"), "age": (50, "a"), "gfr": (80, "mL/min"), "sex": "female"}
    for count in range(6):
        outcome = score("bleeding_medical", {**usual, **dict.fromkeys(minor[:count], True)})
        assert outcome.grade == ("high" if count >= 3 else "low")
    assert score("bleeding_medical", {**usual, "recent_bleeding": True}).grade == "high"
    two = {**usual, "sex": "male", "age": (85, "a")}
    assert score("bleeding_medical", two).grade == "low"
    assert score("bleeding_medical", {**two, "gfr": (29.9, "mL/min")}).grade == "high"
    assert score("bleeding_medical", {**two, "gfr": None}).missing == ("gfr",)
