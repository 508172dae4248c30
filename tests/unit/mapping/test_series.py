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


def test_a_first_result_in_another_unit_is_told_where_few_are_so() -> None:
    value = _levels(7, apart=0.1)
    alone = _found(_table(value, followed=False))
    wrong = set(range(0, PATIENTS * EACH, EACH * 12))
    value[::12, 0] = np.round(value[::12, 0] / BILIRUBIN, 2)
    found = _found(_table(value))
    assert len(found & wrong) >= 0.8 * len(wrong)
    assert found - wrong == alone - wrong


def _with(table: pa.Table, name: str, column: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.schema.get_field_index(name), name, column)


def _markers(seed: int, *, places: int) -> tuple[pa.Table, set[int]]:
    """Alpha-fetoprotein of one site in ng/mL with one decimal, of another in [iU]/mL; each 60th is a copied number."""
    value = np.exp(np.random.default_rng(seed).normal(1.2, 0.4, (PATIENTS, EACH)))
    own, other = np.round(value, 1), np.round(value * 0.83, 2)
    wrong = np.arange(value.size) % 60 == 7
    number = np.where(wrong, np.round(value.ravel() * 0.83, places), own.ravel())
    there = _table(other, "AFP", "[iU]/mL")
    there = _with(there, "site", pa.array(["h02"] * len(there)))
    there = _with(there, "person_id", pc.add(there["person_id"], PATIENTS))
    here = _table(number.reshape(value.shape), "AFP", "ng/mL")
    return pa.concat_tables([here, there]), set(np.flatnonzero(wrong).tolist())


def test_decimals_tell_what_numbers_do_not() -> None:
    table, wrong = _markers(8, places=2)
    found = _found(table)
    visible = {row for row in wrong if round(table["value"][row].as_py(), 1) != table["value"][row].as_py()}
    assert found == visible
    assert len(visible) > 0.8 * len(wrong)


def test_as_many_decimals_as_usual_tell_nothing() -> None:
    table, _ = _markers(9, places=1)
    assert not _found(table)


def test_a_site_that_writes_decimals_as_they_come_shows_no_other_unit() -> None:
    table, _ = _markers(10, places=2)
    value = np.array(table["value"])
    some = np.arange(len(value)) % 7 == 0
    value[some] = np.round(value[some] + 0.03, 2)
    table = _with(table, "value", pa.array(value))
    assert not _found(table)
