"""A score in a registry has the points of the paper's table in the unit in which the hospital told the number.

Both columns of every table that is printed in two units, just below, on and just above each limit, as the texts named
in the score files print them; the registry's own unit, by the exact factor, stands between and must not be seen.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from isthmus.research.registries.pack import load
from isthmus.research.scores.patient import score
from isthmus.research.scores.reader import shipped
from lib import registries as lib
from lib.registries import ALBUMIN, BILIRUBIN, item, measured, observed

INR, CREATININE, AFP, SIZE, ASCITES, MIND, AGE, SEX, PLATELETS, SODIUM = (
    3022217, 3016723, 2000001001, 51, 52, 53, 54, 55, 3007461, 3019550,
)  # fmt: skip
Table = tuple[str, str, str, tuple[float, ...], tuple[int, ...], str]
# Score, input, unit, limits, points between them; to which side a limit itself belongs.
TABLES: list[Table] = [
    *(
        (name, "bilirubin", unit, limits, (1, 2, 3), "middle")
        for name in ("child_pugh", "child_pugh@albumin-30")
        for unit, limits in (("mg/dL", (2.0, 3.0)), ("umol/L", (34, 51)))
    ),
    ("child_pugh@cholestatic", "bilirubin", "mg/dL", (4.0, 10.0), (1, 2, 3), "middle"),
    ("child_pugh@cholestatic", "bilirubin", "umol/L", (68, 171), (1, 2, 3), "middle"),
    ("child_pugh@bilirubin-25-40", "bilirubin", "umol/L", (25, 40), (1, 2, 3), "middle"),
    *(
        (name, "albumin", unit, limits, (3, 2, 1), "middle")
        for name in ("child_pugh", "child_pugh@cholestatic", "child_pugh@bilirubin-25-40")
        for unit, limits in (("g/dL", (2.8, 3.5)), ("g/L", (28, 35)))
    ),
    ("child_pugh@albumin-30", "albumin", "g/dL", (3.0, 3.5), (3, 2, 1), "middle"),
    ("child_pugh@albumin-30", "albumin", "g/L", (30, 35), (3, 2, 1), "middle"),
    ("hap", "bilirubin", "mg/dL", (1.0,), (0, 1), "below"),
    ("hap", "bilirubin", "umol/L", (17,), (0, 1), "below"),
    ("hap", "albumin", "g/dL", (3.6,), (1, 0), "above"),
    ("hap", "albumin", "g/L", (36,), (1, 0), "above"),
    ("hap", "afp", "ng/mL", (400,), (0, 1), "below"),
    ("hap", "afp", "ug/L", (400,), (0, 1), "below"),
    ("hap", "largest", "cm", (7,), (0, 1), "below"),
    ("hap", "largest", "mm", (70,), (0, 1), "below"),
    ("mpage_b", "albumin", "g/dL", (3.0, 3.5, 4.0), (3, 2, 1, 0), "above"),
    ("mpage_b", "albumin", "g/L", (30, 35, 40), (3, 2, 1, 0), "above"),
    ("mpage_b", "platelets", "10*3/uL", (100, 150, 200, 250), (5, 4, 3, 2, 0), "above"),
    ("mpage_b", "platelets", "10*9/L", (100, 150, 200, 250), (5, 4, 3, 2, 0), "above"),
    ("page_b", "platelets", "10*3/uL", (100, 200), (9, 6, 0), "above"),
    ("page_b", "platelets", "10*9/L", (100, 200), (9, 6, 0), "above"),
]
STEPS = {"mg/dL": 0.1, "umol/L": 1, "g/dL": 0.1, "g/L": 1, "ng/mL": 1, "ug/L": 1, "cm": 0.1, "mm": 1}
# What everybody else has: no points of Child-Pugh but the least, none of HAP, and what they give beside an input.
USUAL = {
    "bilirubin": (10, "umol/L"), "albumin": (45, "g/L"), "inr": (1.0, ""), "afp": (5, "ng/mL"), "largest": (2, "cm"),
    "platelets": (300, "10*9/L"), "creatinine": (1.0, "mg/dL"), "sodium": (140, "mmol/L"),
}  # fmt: skip
BESIDE = {"child_pugh": 4, "hap": 0, "page_b": 14, "mpage_b": 11}
CONCEPTS = {
    "bilirubin": BILIRUBIN, "albumin": ALBUMIN, "inr": INR, "afp": AFP, "largest": SIZE, "platelets": PLATELETS,
    "creatinine": CREATININE, "sodium": SODIUM,
}  # fmt: skip
SCORES = ("child_pugh", "child_pugh@albumin-30", "child_pugh@cholestatic", "child_pugh@bilirubin-25-40", "hap",
          "page_b", "mpage_b", "albi", "ez_albi", "palbi", "meld", "meld_na", "meld3")  # fmt: skip
# Units in which laboratories write, with numbers that stand in tables.
WRITTEN: Mapping[str, Sequence[tuple[str, Sequence[float]]]] = {
    "bilirubin": [("mg/dL", (1.0, 2.0, 3.0, 4.0, 10.0)), ("umol/L", (17, 25, 34, 40, 51, 68, 171)),
                  ("mg/L", (10, 20, 30, 40, 100))],
    "albumin": [("g/dL", (2.8, 3.0, 3.5, 3.6, 4.0)), ("g/L", (28, 30, 35, 36, 40))],
    "creatinine": [("mg/dL", (1.0, 3.0, 4.0)), ("umol/L", (88.4, 265.2, 353.6))],
    "platelets": [("10*9/L", (100, 150, 200, 250)), ("10*3/uL", (100, 150, 200, 250))],
}  # fmt: skip
KEPT = {
    "as scores": {"bilirubin": "umol/L", "albumin": "g/L", "creatinine": "mg/dL"},
    "otherwise": {"bilirubin": "mg/dL", "albumin": "g/dL", "creatinine": "umol/L"},
}


def _told(table: Table) -> list[tuple[float, int]]:
    """Numbers about the limits of one column of a table, each with the points that it has there."""
    _, _, unit, limits, points, on = table
    found = []
    for at, limit in enumerate(limits):
        below, above = points[at], points[at + 1]
        itself = {"below": below, "above": above, "middle": points[1]}[on]
        step = STEPS.get(unit, 1)
        found += [(round(limit - step, 1), below), (limit, itself), (round(limit + step, 1), above)]
    return found


def _column(name: str) -> str:
    return name.replace("@", "_").replace("-", "_")


def _pack(folder: Path, units: Mapping[str, str]) -> Path:
    laboratory = [
        item(name, "number", f"measurement {concept}", unit=units.get(name, USUAL[name][1] or "1"))
        for name, concept in CONCEPTS.items()
    ]
    laboratory += [
        item("ascites", "choice", f"observation {ASCITES}", list="three"),
        item("encephalopathy", "choice", f"observation {MIND}", list="three"),
        item("sex", "choice", f"observation {SEX}", list="sex"),
        item("age", "number", f"observation {AGE}", unit="a"),
        *(item(_column(name), "number", "derived", unit="1") for name in SCORES),
    ]
    lists = "list,code,en,zh,concepts,texts\n" + "".join(
        f"three,{one},{one},,,\n" for one in ("none", "mild", "severe")
    )
    lists += "sex,male,male,,,\nsex,female,female,,,\n"
    known = [*CONCEPTS, "ascites", "encephalopathy", "sex", "age"]
    derived = "".join(
        f"{_column(name)}: {{score: {name}, with: "
        f"{{{', '.join(f'{one}: {one}' for one in shipped()[name].inputs if one in known)}}}}}\n"
        for name in SCORES
    )
    return lib.write(folder / "tiny", {"laboratory": laboratory}, lists_csv=lists, derived_yaml=derived)


def _rows(person: int, told: Mapping[str, tuple[float, str]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    numbers = [
        measured(person, CONCEPTS[name], "2020-03-01", number, unit_source_value=unit)
        for name, (number, unit) in told.items()
    ]
    texts = {ASCITES: "none", MIND: "none", SEX: "male"}
    words = [observed(person, concept, "2020-03-01", value_as_string=text) for concept, text in texts.items()]
    words.append(observed(person, AGE, "2020-03-01", value_as_number=60.0, unit_source_value="a"))
    return numbers, words


def _built(kept: str, everybody: Sequence[Mapping[str, tuple[float, str]]]) -> list[dict[str, Any]]:
    numbers, words = [], []
    for person, told in enumerate(everybody, start=1):
        more = _rows(person, told)
        numbers += more[0]
        words += more[1]
    with TemporaryDirectory() as folder:
        pack = _pack(Path(folder), KEPT[kept])
        data = lib.tables(range(1, len(everybody) + 1), measurement=numbers, observation=words)
        found: list[dict[str, Any]] = lib.built(Path(folder), pack, data)[1]["laboratory"]
    return found


@cache
def _by_tables(kept: str) -> Mapping[Table, list[dict[str, Any]]]:
    """The rows of everybody about the limits of each column, all of one registry."""
    everybody = [USUAL | {table[1]: (number, table[2])} for table in TABLES for number, _ in _told(table)]
    rows = iter(_built(kept, everybody))
    return {table: [next(rows) for _ in _told(table)] for table in TABLES}


@pytest.mark.parametrize("kept", list(KEPT))
@pytest.mark.parametrize("table", TABLES, ids=lambda table: " ".join(map(str, table[:4])))
def test_points_are_those_of_the_column_in_which_the_number_was_told(table: Table, kept: str) -> None:
    found = [row[_column(table[0])] for row in _by_tables(kept)[table]]
    assert found == [BESIDE[table[0].partition("@")[0]] + points for _, points in _told(table)]


@pytest.mark.parametrize("kept", list(KEPT))
def test_whatever_is_told_a_registry_has_the_score_that_the_patient_alone_has(kept: str) -> None:
    """Numbers as laboratories write them, in any of their units; half of them where tables have their limits."""
    random = Random(f"units {kept}")
    everybody = [USUAL | {name: _anything(random, name) for name in WRITTEN} for _ in range(300)]
    others = {"ascites": "none", "encephalopathy": "none", "sex": "male", "age": (60, "a")}
    for row, told in zip(_built(kept, everybody), everybody, strict=True):
        given: dict[str, Any] = dict(told) | others | {"inr": 1.0}
        for name in SCORES:
            alone = score(name, {one: given[one] for one in shipped()[name].inputs if one in given})
            assert (row[_column(name)], row[f"{_column(name)}_grade"]) == (pytest.approx(alone.value), alone.grade)


def _anything(random: Random, name: str) -> tuple[float, str]:
    unit, usual = random.choice(WRITTEN[name])
    low, high, places = (usual[0] * 0.7, usual[-1] * 1.4, 1) if random.random() < 0.5 else (0, 0, 0)
    return (round(random.uniform(low, high), places) if high else random.choice(usual)), unit


def test_an_input_chosen_among_items_is_read_as_told_and_one_that_is_reckoned_is_not(tmp_path: Path) -> None:
    """Of `coalesce` and `case` what is chosen is as it was written; what is reckoned is in the score's unit already."""
    laboratory = [
        item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L"),
        item("bilirubin", "number", f"measurement {BILIRUBIN}", unit="umol/L", pick="first"),
        item("later", "number", f"measurement {BILIRUBIN}", unit="umol/L", window="10.."),
        item("least", "number", "derived", unit="umol/L"),
        *(item(name, "number", "derived", unit="1") for name in ("chosen", "branched", "mixed", "reckoned")),
    ]  # fmt: skip
    formulas = "".join(
        f"{name}: {{score: hap, with: {{albumin: albumin, bilirubin: {text!r}, afp: 5, largest: 2}}}}\n"
        for name, text in (
            ("chosen", "coalesce(later, bilirubin)"), ("mixed", "coalesce(later, least)"),
            ("branched", "case when later is null then bilirubin end"), ("reckoned", "bilirubin * 1"),
        )
    )  # fmt: skip
    pack = lib.write(
        tmp_path / "tiny", {"laboratory": laboratory}, derived_yaml=f"{formulas}least: {{is: bilirubin * 1}}\n"
    )
    told = [measured(1, ALBUMIN, "2020-03-01", 45, unit_source_value="g/L"),
            measured(1, BILIRUBIN, "2020-03-01", 1.0, unit_source_value="mg/dL")]  # fmt: skip
    (row,) = lib.built(tmp_path, pack, lib.tables(measurement=told))[1]["laboratory"]
    assert [row[name] for name in ("chosen", "branched", "mixed", "reckoned")] == [0, 0, 1, 1]
    bound = {step.item.name: step.bound for step in load(pack).computed.steps[""] if step.bound is not None}
    assert {name: sorted(one.readings) for name, one in bound.items()} == {
        "chosen": ["bilirubin (1 mg/dL = 17 umol/L)", "later (1 mg/dL = 17 umol/L)"],
        "branched": ["bilirubin (1 mg/dL = 17 umol/L)"],
        "mixed": ["later (1 mg/dL = 17 umol/L)"],
        "reckoned": [],
    }
