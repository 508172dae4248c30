"""Units: what a code is worth, what a hospital's spelling means, and what a number of an analyte becomes."""

import csv
from importlib.resources import files
from io import StringIO

import pyarrow as pa
import pytest

from isthmus.base.errors import InputError
from isthmus.cdm.units import analyte, spelling, ucum
from isthmus.simulation import catalogue


@pytest.mark.parametrize(
    ("source", "target", "factor"),
    [
        ("mg/dL", "g/L", 0.01), ("10*9/L", "/uL", 1000), ("10*4/uL", "10*9/L", 10), ("U/L", "ukat/L", 1 / 60),
        ("mm[Hg]", "kPa", 0.133322), ("[lb_av]", "kg", 0.45359237), ("min", "s", 60), ("%", "[ppth]", 10),
        ("mL/min/{1.73_m2}", "mL/s", 1 / 60), ("kg.m/s2", "N", 1), ("mg/(24.h)", "mg/d", 1), ("g", "L", None),
        ("[iU]/L", "U/L", None), ("Cel", "K", None),
    ],
)  # fmt: skip
def test_units_of_one_dimension_convert(source: str, target: str, factor: float | None) -> None:
    found = ucum.factor(source, target)
    assert found == (factor if factor is None else pytest.approx(factor, rel=1e-12))


@pytest.mark.parametrize("code", ["", "mg//dL", "mg/", "(mg", "mgg", "Mg/", "{only", "kmin", "10*", "0/L", "毫克"])
def test_what_is_no_ucum_is_refused(code: str) -> None:
    assert not ucum.readable(code)
    with pytest.raises(InputError, match="is not a UCUM code"):
        ucum.read(code)


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("×10^9/L", "10*9/L"), ("10⁹/Ｌ", "10*9/L"), ("x10E9/L", "10*9/L"), ("109/L", "10*9/L"), ("10 9/L", "10*9/L"),
        ("10^9个/L", "10*9/L"), ("K/uL", "10*3/uL"), ("×10⁴／μＬ", "10*4/uL"), ("万/μL", "10*4/uL"), ("T/L", "10*12/L"),
        ("μmol/L", "umol/L"), ("µmol/l", "umol/L"), ("UMOL/L", "umol/L"), ("IU/ml", "[iU]/mL"), ("mIU/L", "m[iU]/L"),
        ("μIU/mL", "u[iU]/mL"), ("u/l", "U/L"), ("毫克/分升", "mg/dL"), ("mg%", "mg/dL"), ("ｍｇ／ｄＬ", "mg/dL"),
        ("秒", "s"),
        ("℃", "Cel"), ("％", "%"), ("拷贝/mL", "{copies}/mL"), ("次/分", "/min"), ("个/HP", "/[HPF]"),
        ("cells/uL", "/uL"),
        ("mL/min/1.73m²", "mL/min/{1.73_m2}"), ("g/24h", "g/(24.h)"), (" g / L ", "g/L"), ("mg per dL", "mg/dL"),
        ("G/L", None), ("-", None), ("", None), ("见备注", None), ("阳性", None),
        ("0.51", None), ("<5", None),
    ],
)  # fmt: skip
def test_a_spelling_of_a_hospital_is_read(written: str, code: str | None) -> None:
    assert spelling.code(written) == code


def test_a_column_of_spellings_is_read_as_one() -> None:
    texts = pa.chunked_array([["mg/dl", None], ["毫克/分升", "?"]])
    assert spelling.codes(texts).to_pylist() == ["mg/dL", None, "mg/dL", None]
    assert spelling.codes(pa.array([], pa.string())).to_pylist() == []


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO((files("isthmus.cdm") / "units" / name).read_text(encoding="utf-8"))))


def test_the_tables_of_units_hold_together() -> None:
    usual = [row["ucum"] for row in _rows("usual.csv")]
    assert len(usual) == len(set(usual))
    assert not [code for code in usual if not ucum.readable(code)]
    assert not [code for code in usual if spelling.code(code) != code]
    assert not [row for row in _rows("spelling.csv") if not ucum.readable(row["ucum"])]
    written = [row["written"] for row in _rows("spelling.csv")]
    assert len(written) == len(set(written))


@pytest.mark.parametrize(
    ("key", "source", "target", "before", "after"),
    [
        ("CREA", "mg/dL", "umol/L", 1.0, 88.402), ("TBIL", "mg/dL", "umol/L", 1.0, 17.104),
        ("GLU", "mmol/L", "mg/dL", 5.0, 90.078), ("BUN", "mg/dL", "mmol/L", 14.0, 4.998),
        ("CA", "meq/L", "mg/dL", 5.0, 10.02), ("CHOL", "mmol/L", "mg/dL", 1.0, 38.665),
        ("AFP", "[iU]/mL", "ng/mL", 10, 12.1),
        ("ALT", "[iU]/L", "U/L", 40, 40), ("ALT", "ukat/L", "[iU]/L", 1, 60), ("HBA1C", "%", "mmol/mol", 6.5, 47.54),
        ("HBA1C", "mmol/mol", "%", 53, 7.0), ("HGB", "mmol/L", "g/L", 10, 161.14),
        ("PLT", "/uL", "10*9/L", 210000, 210),
        ("INS", "u[iU]/mL", "pmol/L", 1, 5.9986), ("NA", "meq/L", "mmol/L", 140, 140),
    ],
)  # fmt: skip
def test_a_number_of_an_analyte_is_converted(key: str, source: str, target: str, before: float, after: float) -> None:
    way = analyte.conversion(key, source, target)
    assert way is not None
    assert before * way.factor + way.offset == pytest.approx(after, rel=2e-4)


def test_no_fact_no_conversion() -> None:
    assert analyte.conversion("GLU", "mmol/L", "s") is None
    assert analyte.conversion("TP", "mmol/L", "g/L") is None
    with pytest.raises(InputError, match="no analyte known here"):
        analyte.conversion("nonsense", "g/L", "g/dL")


@pytest.mark.parametrize(
    ("key", "unit", "can"),
    [("CREA", "umol/L", True), ("CREA", "mg/dL", True), ("CREA", "g/d", True), ("CREA", "U/L", False),
     ("K", "meq/L", True), ("K", "10*9/L", False), ("PLT", "10*9/L", True), ("AFP", "[iU]/mL", True)],
)  # fmt: skip
def test_an_analyte_is_measured_in_some_units_and_not_in_others(key: str, unit: str, can: bool) -> None:
    assert analyte.measures(key, unit) is can


def test_every_analyte_can_be_measured_in_something() -> None:
    assert all(analyte.measures(key, "g/L") for key in analyte.analytes())


def test_the_simulated_laboratories_convert_as_the_facts_say() -> None:
    """The simulation keeps factors of its own, as real laboratories do; they must not drift from these."""
    table, units = catalogue.tests(), catalogue.units()
    checked = 0
    for row, key in enumerate(table.key):
        if table.other_unit[row] < 0:
            continue
        source, target = (spelling.code(units.ucum[number]) for number in (table.unit[row], table.other_unit[row]))
        assert source and target, key
        way = analyte.conversion(key, source, target)
        assert way is not None, key
        assert table.factor[row] == pytest.approx(way.factor, rel=0.006), key
        checked += 1
    assert checked >= 15


def test_the_spellings_of_simulated_laboratories_mean_their_units() -> None:
    units = catalogue.units()
    for meant, one, other in zip(units.ucum, units.spelling.to_pylist(), units.other_spelling.to_pylist(), strict=True):
        for written in (one, other):
            code = spelling.code(written)
            assert code is not None, written
            assert ucum.factor(code, meant.replace("[U]", "U")) == pytest.approx(1), written
