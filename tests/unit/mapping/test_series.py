"""A result in another unit among the others of its patient; what the body does is not taken for it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.mapping.units.detect import RESULTS, detect

BILIRUBIN = 17.104  # umol/L in a mg/dL
PATIENTS, EACH = 120, 8


def _table(value: np.ndarray, analyte: str = "TBIL", unit: str = "umol/L", *, followed: bool = True) -> pa.Table:
    """One site's results of patients, in the order of days; limits of the unit that is told."""
    rows = value.size
    low, high = (3.4, 20.5) if analyte == "TBIL" else (0.0, 7.0)
    columns = [["h01"] * rows, [analyte] * rows, value.ravel(), [unit] * rows, [low] * rows, [high] * rows]
    table = pa.table(columns, schema=RESULTS)
    if not followed:
        return table
    person = np.repeat(np.arange(value.shape[0]), value.shape[1])
    day = np.tile(np.arange(value.shape[1]), value.shape[0])
    return table.append_column("person_id", pa.array(person)).append_column("day", pa.array(day))


def _levels(seed: int, *, apart: float = 0.1) -> np.ndarray:
    """Liver patients of 8 to 250 umol/L, each of whose results are near one another."""
    rng = np.random.default_rng(seed)
    level = np.exp(rng.uniform(np.log(8.0), np.log(250.0), PATIENTS))[:, None]
    return np.round(level * np.exp(rng.normal(0.0, apart, (PATIENTS, EACH))), 2)


def _found(table: pa.Table, family: str = "wrong-unit") -> set[int]:
    rows = detect(table).rows
    return set(rows.filter(pc.equal(rows["family"], family))["row"].to_pylist())


def _spoiled(value: np.ndarray, factor: float, every: int = 6) -> tuple[np.ndarray, set[int]]:
    """One result of each sixth patient, neither the first nor the last, in the other unit."""
    spoiled, wrong = value.copy(), set()
    for patient in range(0, len(value), every):
        at = 1 + patient // every % (EACH - 2)
        spoiled[patient, at] = np.round(value[patient, at] * factor, 2)
        wrong.add(patient * EACH + at)
    return spoiled, wrong


def test_a_result_in_another_unit_is_told_by_those_before_and_after_it() -> None:
    value, wrong = _spoiled(_levels(1), 1 / BILIRUBIN)
    alone, followed = _found(_table(value, followed=False)), _found(_table(value))
    assert len(alone & wrong) < len(wrong) / 2, "so far apart that each is told by itself: the case proves nothing"
    assert len(followed & wrong) >= 0.95 * len(wrong)
    assert followed - wrong == alone - wrong


def test_what_is_proposed_says_what_it_stands_on_and_converts_back() -> None:
    value, _ = _spoiled(_levels(2), 1 / BILIRUBIN)
    told = [row for row in detect(_table(value)).proposals.to_pylist() if "of the same patient" in row["evidence"]]
    assert len(told) == 1
    assert (told[0]["found"], told[0]["to_unit"]) == ("mg/dL", "umol/L")
    assert abs(told[0]["factor"] - BILIRUBIN) < 0.05


def test_a_rise_that_stays_and_a_first_result_are_of_the_body() -> None:
    value = _levels(3)
    value[::5, 4:] = np.minimum(value[::5, 4:] * BILIRUBIN, 600.0)
    value[1::5, 0] = value[1::5, 0] / BILIRUBIN
    assert _found(_table(value)) == _found(_table(value, followed=False))


def test_a_factor_within_what_the_body_does_is_not_looked_at() -> None:
    """Alpha-fetoprotein in [iU]/mL beside ng/mL, 1.2 times: neighbours differ as much."""
    value, _ = _spoiled(_levels(4, apart=0.2), 0.83)
    assert _found(_table(value, "AFP", "ng/mL")) == _found(_table(value, "AFP", "ng/mL", followed=False))


def test_the_same_whatever_the_order_of_the_rows() -> None:
    value, _ = _spoiled(_levels(5), 1 / BILIRUBIN)
    table = _table(value)
    order = np.random.default_rng(5).permutation(len(table))
    assert {int(order[row]) for row in _found(table.take(pa.array(order)))} == _found(table)


def test_few_results_tell_nothing() -> None:
    value, _ = _spoiled(_levels(6)[:10], 1 / BILIRUBIN)
    assert _found(_table(value)) == _found(_table(value, followed=False))
