"""The detector of wrong units, drawn as small laboratories, and measured on simulated ones."""

import re
from collections import defaultdict
from functools import cache

import numpy as np
import pyarrow as pa
import pytest

from isthmus.base.errors import InputError, UsageError
from isthmus.mapping.units import readings
from isthmus.mapping.units.detect import ROWS, Findings, detect
from isthmus.mapping.units.repair import MENDED, apply, by_rule
from isthmus.simulation.laboratory import FAMILIES, laboratory


def table(text: str) -> pa.Table:
    """`site analyte value unit low-high`, one result a line; `x40` at the end repeats it with values around."""
    rows = []
    for line in text.strip().splitlines():
        site, analyte, value, unit, limits, *more = line.split()
        low, high = (None if limit == "" else float(limit) for limit in (limits if limits != "." else "-").split("-"))
        times = int(more[0][1:]) if more else 1
        around = np.random.default_rng(len(rows)).normal(1, 0.06, times) if more else np.ones(1)
        for factor in around:
            number = float(f"{float(value) * factor:.4g}") if more else float(value)
            rows.append({"site": site, "analyte": analyte, "value": number, "unit": None if unit == "." else unit,
                         "low": low, "high": high})  # fmt: skip
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, kind) for name, kind in zip(
        ("site", "analyte", "value", "unit", "low", "high"),
        (pa.string(), pa.string(), pa.float64(), pa.string(), pa.float64(), pa.float64()), strict=True)]))  # fmt: skip


def families(findings: Findings) -> dict[str, set[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for row in findings.rows.to_pylist():
        found[row["family"]].add(row["row"])
    return dict(found)


def test_results_without_errors_give_no_proposal() -> None:
    found = detect(
        table("""
            a PLT  210 10^9/L 125-350 x40
            a ALB  43  g/L    40-55   x40
            b CREA 0.9 mg/dL  0.6-1.2 x40
            b INR  1.0 .      0.8-1.2 x40
        """)
    )
    assert found.proposals.num_rows == 0
    assert found.rows.schema == ROWS


def test_a_hospital_in_another_unit_than_the_rest_is_found() -> None:
    found = detect(
        table("""
            a PLT 210    . 150-400       x40
            b PLT 210    . 140-450       x40
            c PLT 205000 . 150000-400000 x5
        """)
    )
    assert families(found) == {"wrong-unit": set(range(80, 85))}
    proposal = found.proposals.to_pylist()[0]
    assert (proposal["found"], proposal["action"], proposal["factor"]) == ("/uL", "convert", pytest.approx(0.001))
    assert proposal["confidence"] > 0.95
    assert "5 of their 5 ranges (150000-400000) say the same" in proposal["evidence"]


def test_a_number_in_another_unit_than_its_range_is_a_conflict() -> None:
    found = detect(
        table("""
            a PLT 210    10^9/L 150-400 x40
            a PLT 204000 10^9/L 150-400
            a PLT 225    10^9/L 150000-400000
        """)
    )
    assert families(found) == {"wrong-unit": {40}, "unit-conflict": {40, 41}, "mixed-units": {40}}


def test_a_unit_of_another_quantity_is_named() -> None:
    found = detect(
        table("a WBC 6.1 10^9/L 4-10 x30\nb WBC 6.3 g/L 4-10 x5\nc WBC 6200 g/L 4000-10000\nd CRP 3 nmol/L 0-8")
    )
    assert families(found) == {"wrong-unit": set(range(30, 36))}
    assert {(row["site"], row["meant"], round(row["factor"], 9)) for row in found.proposals.to_pylist()} == {
        ("b", "10*9/L", 1.0), ("c", "10*9/L", 0.001),
    }  # fmt: skip
    assert sum("is one of another quantity" in text for text in found.proposals["evidence"].to_pylist()) == 1


def test_units_mixed_at_one_site_are_named_whichever_is_declared() -> None:
    found = detect(table("a CREA 80 . 57-97 x30\na CREA 0.9 . 0.6-1.2 x10"))
    assert families(found)["mixed-units"] == set(range(30, 40))


def test_a_wrong_scale_that_is_too_coarse_is_set_aside() -> None:
    text = "a ALB 4.2 g/dL 3.5-5.0 x40\nb ALB {} g/dL {}"
    coarse = detect(table(text.format("0.4", "0.3-0.5"))).proposals.to_pylist()[0]
    fine = detect(table(text.format("0.42", "0.35-0.50"))).proposals.to_pylist()[0]
    assert (coarse["family"], coarse["action"]) == ("wrong-scale", "set-aside")
    assert (fine["family"], fine["action"], fine["factor"]) == ("wrong-scale", "convert", pytest.approx(10.0))


def test_another_analyte_is_known_by_its_range() -> None:
    found = detect(
        table("""
            a INR  1.0  . 0.8-1.2  x40
            b INR  11.2 . 9.5-13.8 x12
            a CREA 0.9  mg/dL 0.6-1.3 x40
            b CREA 4.8  mg/dL 4.1-5.9 x8
        """)
    )
    assert families(found) == {"wrong-analyte": set(range(40, 52)) | set(range(92, 100))}
    assert {(row["analyte"], row["to_analyte"], row["to_unit"]) for row in found.proposals.to_pylist()} == {
        ("INR", "PT", "s"), ("CREA", "GLU", "mmol/L"),
    }  # fmt: skip
    assert found.proposals["action"].to_pylist() == ["relabel"] * 2


def test_the_range_of_another_test_of_the_form_is_recognised() -> None:
    """Nobody takes platelets for alpha-fetoprotein, but a line of the form can slip."""
    found = detect(table("a PLT 210 . 150-400 x40\na AFP 3 . 0-6 x20\na PLT 4 . 0-6"))
    assert families(found) == {"wrong-analyte": {60}}
    assert found.proposals["to_analyte"].to_pylist() == ["AFP"]


def test_a_limit_typed_ten_times_too_large_is_mended_alone() -> None:
    found = detect(table("a CREA 0.9 mg/dL 0.7-1.5 x40\na CREA 1.2 mg/dL 0.7-15\na CREA 0.9 mg/dL 8-1.3"))
    assert families(found) == {"range-typed": {40, 41}}
    assert [(row["low_factor"], row["high_factor"]) for row in found.proposals.to_pylist()] in (
        [(1.0, 0.1), (0.1, 1.0)], [(0.1, 1.0), (1.0, 0.1)],
    )  # fmt: skip


def test_a_value_of_nobody_alive_is_set_aside() -> None:
    found = detect(table("a NA 140 mmol/L 137-147 x40\na NA 400 mmol/L .\na NA 31 mmol/L 137-147"))
    assert families(found) == {"implausible": {40, 41}}


def test_the_long_tail_of_a_disease_is_no_wrong_unit() -> None:
    """Alpha-fetoprotein of 100,000 and bilirubin of 300 occur, and liver centres have many of them."""
    found = detect(
        table("""
            a AFP  4      ng/mL  0-7      x30
            a AFP  400    ng/mL  0-7      x30
            a AFP  90000  ng/mL  0-7      x30
            b TBIL 15     umol/L 3.4-20.5 x30
            b TBIL 280    umol/L 3.4-20.5 x20
            b ALT  2500   U/L    7-40     x20
        """)
    )
    assert found.proposals.num_rows == 0


def test_missing_numbers_and_unknown_analytes_pass_through() -> None:
    results = table("a ALB 42 g/L 40-55\na WHATEVER 5 g/L 1-2\na ALB 0 g/L 40-55")
    results = pa.concat_tables(
        [results, pa.Table.from_pylist([{"site": None, "analyte": "ALB"}], schema=results.schema)]
    )
    found = detect(results)
    assert (found.proposals.num_rows, found.unread) == (0, 1)
    assert detect(results.slice(0, 0)).rows.num_rows == 0


def test_what_is_no_table_of_results_is_refused() -> None:
    with pytest.raises(InputError, match="no column value"):
        detect(pa.table({"site": ["a"], "analyte": ["ALB"], "unit": ["g/L"], "low": [1.0], "high": [2.0]}))
    words = table("a ALB 42 g/L 40-55").set_column(2, "value", pa.array(["42 g"]))
    with pytest.raises(InputError, match="hold text where numbers are needed") as refused:
        detect(words)
    assert "42" not in str(refused.value)


def test_a_repair_leaves_the_original_and_says_who_did_it() -> None:
    results = table("""
        a PLT 210    .      150-400       x40
        b PLT 204000 .      150000-400000
        a NA  140    mmol/L 137-147       x20
        a NA  400    mmol/L .
    """)
    found = detect(results)
    ids = {row["family"]: row["proposal_id"] for row in found.proposals.to_pylist()}
    mended = apply(results, found, ids.values())
    assert mended.column_names == [*results.column_names, *MENDED]
    assert mended.select(results.column_names) == results
    rows = mended.to_pylist()
    assert [rows[40][name] for name in MENDED] == [
        pytest.approx(204.0), pytest.approx(150.0), pytest.approx(400.0), "PLT", "10*9/L", False, [ids["wrong-unit"]],
    ]  # fmt: skip
    assert (rows[61]["set_aside"], rows[61]["repair_ids"]) == (True, [ids["implausible"]])
    assert [rows[0][name] for name in ("mended_value", "repair_ids")] == [rows[0]["value"], None]


def test_only_what_was_confirmed_is_applied() -> None:
    results = table("a PLT 210 . 150-400 x40\nb PLT 204000 . 150000-400000")
    found = detect(results)
    assert apply(results, found, [])["mended_value"].to_pylist() == results["value"].to_pylist()
    with pytest.raises(UsageError, match="belong to no proposal"):
        apply(results, found, [1])


def test_a_rule_confirms_units_but_no_other_analyte() -> None:
    found = detect(
        table("a PLT 210 . 150-400 x40\nb PLT 204000 . 150000-400000\na INR 1 . 0.8-1.2 x9\nb INR 11 . 9-13 x9")
    )
    families_of = dict(zip(*(found.proposals[name].to_pylist() for name in ("proposal_id", "family")), strict=True))
    assert {families_of[one] for one in by_rule(found)} == {"wrong-unit"}
    assert by_rule(found, families=("wrong-analyte",)) and not by_rule(found, least=1.1)


def test_numbers_alone_show_a_unit_but_no_other_analyte() -> None:
    """A form without ranges, its headings wrong: platelets in two units, albumin in another than told."""
    rng = np.random.default_rng(5)
    platelets = 110 * np.exp(rng.normal(0, 0.6, 100)) * np.where(np.arange(100) < 70, 1000, 1)
    albumin = 3.2 * np.exp(rng.normal(0, 0.2, 100))
    rows = [{"site": "a", "analyte": "PLT", "value": value, "unit": "10^9/L"} for value in platelets]
    rows += [{"site": "a", "analyte": "ALB", "value": value, "unit": "mg/dL"} for value in albumin]
    found = detect(pa.Table.from_pylist(rows, schema=table("a ALB 42 g/L 40-55").schema))
    assert families(found)["wrong-unit"] == {*range(70), *range(100, 200)}
    assert {row["found"] for row in found.proposals.to_pylist() if row["family"] == "wrong-unit"} == {"/uL", "g/dL"}


def test_the_same_results_give_the_same_proposals() -> None:
    results = laboratory(3000, 4, 7)
    first, second = detect(results), detect(results)
    assert first.proposals == second.proposals
    assert len(set(first.proposals["proposal_id"].to_pylist())) == first.proposals.num_rows


def test_evidence_holds_no_value_of_a_patient() -> None:
    results = table("a PLT 210 . 150-400 x40\nb PLT 204321 . 150000-400000")
    assert not [text for text in detect(results).proposals["evidence"].to_pylist() if re.search("204321", text)]


def test_the_facts_of_the_pack_hold_together() -> None:
    known = readings.usual()
    assert not [key for key, one in known.items() if {*one.confused, *one.along} - set(known)]
    for key, one in known.items():
        assert one.floor < (one.low or one.high) and one.high < one.ceiling, key
        assert readings.readings(key, one.unit)[0].factor == pytest.approx(1.0), key


@cache
def injected(units: bool) -> dict[str, tuple[int, int, int]]:
    """Hits, misses and false alarms by family over three seeds; a slip of the value is a conflict, too."""
    tally = {family: np.zeros(3, dtype=int) for family in (*FAMILIES[1:], "any")}
    for seed in range(100, 103):
        results = laboratory(20_000, 8, seed, units=units)
        truth = np.array(results["family"].to_pylist())
        found = families(detect(results.drop_columns("family")))
        for family in FAMILIES[1:]:
            true, rows = set(np.flatnonzero(truth == family).tolist()), found.get(family, set())
            also = set(np.flatnonzero(truth == "wrong-unit").tolist()) if family == "unit-conflict" else set()
            tally[family] += (len(true & rows), len(true - rows), len(rows - true - also))
        rows, wrong = set().union(*found.values()), set(np.flatnonzero(truth != "").tolist())
        tally["any"] += (len(rows & wrong), len(wrong - rows), len(rows - wrong))
    return {family: (int(one[0]), int(one[1]), int(one[2])) for family, one in tally.items()}


@pytest.mark.parametrize("units", [True, False])
@pytest.mark.parametrize(
    ("family", "recall", "precision"),
    [
        ("wrong-unit", 0.95, 0.90), ("wrong-scale", 0.88, 0.98), ("wrong-analyte", 0.95, 0.95),
        ("range-typed", 0.90, 0.85), ("unit-conflict", 0.55, 0.85), ("any", 0.94, 0.99),
    ],
)  # fmt: skip
def test_errors_that_were_put_in_are_found(family: str, recall: float, precision: float, units: bool) -> None:
    hit, missed, false = injected(units)[family]
    assert hit + missed > 50
    assert hit / (hit + missed) >= recall
    assert hit / (hit + false) >= precision
