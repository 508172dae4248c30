"""Stages follow the published rules, and the known effect can be found again."""

from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from statsmodels.duration.hazard_regression import PHReg

from isthmus.simulation import Summary, liver


def whole(*numbers: int) -> np.ndarray:
    return np.array(numbers, dtype=np.int64)


@pytest.mark.parametrize(
    ("albumin", "bilirubin", "inr", "ascites", "encephalopathy", "points"),
    [(32.0, 42.75, 1.5, 1, 0, 8), (40.0, 10.0, 1.0, 0, 0, 5), (35.0, 34.0, 1.7, 0, 0, 8), (27.9, 52.0, 2.4, 2, 2, 15)],
)
def test_child_pugh(
    albumin: float, bilirubin: float, inr: float, *, ascites: int, encephalopathy: int, points: int
) -> None:
    values = (np.array([value]) for value in (albumin, bilirubin, inr))
    assert liver.child_pugh(*values, whole(ascites), whole(encephalopathy)).tolist() == [points]


@pytest.mark.parametrize(
    ("ecog", "points", "number", "size", "beyond", "stage"),
    [(0, 5, 1, 1.8, False, "0"), (0, 5, 1, 7.0, False, "A"), (0, 5, 2, 3.4, False, "B"), (1, 5, 1, 3.0, False, "C"),
     (3, 5, 1, 3.0, False, "D"), (0, 10, 1, 1.0, False, "D"), (0, 5, 3, 3.0, False, "A"), (0, 5, 1, 2.0, True, "C")],
)  # fmt: skip
def test_bclc(ecog: int, points: int, number: int, *, size: float, beyond: bool, stage: str) -> None:
    row = liver.bclc(whole(ecog), whole(points), whole(number), np.array([size]), np.array([beyond]))
    assert liver.BCLC[row[0]] == stage


@pytest.mark.parametrize(
    ("ecog", "points", "number", "size", "vascular", "spread", "stage"),
    [(1, 6, 2, 2.8, 0, 0, "Ib"), (0, 5, 3, 3.1, 0, 0, "IIa"), (2, 7, 1, 4.0, 1, 0, "IIIa"), (0, 10, 1, 2.0, 0, 0, "IV"),
     (0, 5, 1, 5.0, 0, 0, "Ia"), (0, 5, 1, 5.1, 0, 0, "Ib"), (0, 5, 4, 1.0, 0, 0, "IIb"), (0, 5, 1, 1.0, 1, 1, "IIIb")],
)  # fmt: skip
def test_cnlc(ecog: int, points: int, number: int, *, size: float, vascular: int, spread: int, stage: str) -> None:
    row = liver.cnlc(
        whole(ecog), whole(points), whole(number), np.array([size]), vascular=whole(vascular), spread=whole(spread)
    )
    assert liver.CNLC[row[0]] == stage


def fit(world: Path, *, adjusted: bool) -> tuple[float, float]:
    """Log hazard ratio of resection against chemoembolisation, and its standard error."""
    table = pq.read_table(world / "truth" / "liver.parquet")
    table = table.filter(table["eligible"])
    treated = np.array(table["treatment"].to_pylist()) == "resection"
    stage_b = np.array(table["bclc"].to_pylist()) == "B"
    others = [stage_b, table["points"].to_numpy(), np.log(table["afp"].to_numpy()), table["age"].to_numpy()]
    columns = [treated, *(others if adjusted else [])]
    design = np.column_stack([np.asarray(column, dtype=float) for column in columns])
    found = PHReg(table["time"].to_numpy(), design, status=table["event"].to_numpy().astype(int)).fit()
    return float(found.params[0]), float(found.bse[0])


def test_adjustment_finds_the_true_effect_and_the_naive_estimate_is_biased(large: tuple[Path, Summary]) -> None:
    world, summary = large
    estimate, error = fit(world, adjusted=True)
    naive, _ = fit(world, adjusted=False)
    assert abs(estimate - summary.log_hazard_ratio) < 2 * error
    assert error < 0.1
    assert naive < summary.log_hazard_ratio - 3 * error


def test_a_third_of_the_people_have_a_liver_tumour_and_most_of_these_hepatitis_b(large: tuple[Path, Summary]) -> None:
    world, summary = large
    assert summary.liver > 0.3 * summary.people
    causes = pq.read_table(world / "truth" / "liver.parquet")["cause"].to_pylist()
    assert 0.77 < causes.count("hbv") / len(causes) < 0.83


def test_nobody_is_seen_after_death(world: Path) -> None:
    truth = pq.read_table(world / "truth" / "liver.parquet")
    dead = truth.filter(truth["event"])
    last = dict(
        zip(
            zip(dead["site"].to_pylist(), dead["person_key"].to_pylist(), strict=True),
            dead["last_date"].to_pylist(),
            strict=True,
        )
    )
    events = pq.read_table(world / "truth" / "event.parquet", columns=["site", "person_key", "table", "date", "error"])
    events = events.filter(pc.equal(events["table"].cast("string"), "visit_occurrence"))
    later = [
        row for row in events.to_pylist() if (day := last.get((row["site"], row["person_key"]))) and row["date"] > day
    ]
    assert not later
