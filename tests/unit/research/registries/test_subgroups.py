"""Cohorts that ask a registry: whom they hold, how they nest, and that any number of them costs no more statements."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from isthmus.base.errors import InputError, PackError
from isthmus.research.cohorts import phenotype
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Cohort
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.cohorts.words import told
from isthmus.research.registries.subgroups import with_members
from lib import cdm
from lib import registries as lib
from lib.registries import ALBUMIN, BILIRUBIN, GRAM_PER_LITRE, MILLIGRAM_PER_DECILITRE, item, measured

ITEMS = [
    item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L"),
    item("bilirubin", "number", f"measurement {BILIRUBIN}", unit="umol/L"),
    item("albi", "number", "derived", unit="1"),
]
FORMULAS = "albi: {score: albi, with: {albumin: albumin, bilirubin: bilirubin}}\n"
GOOD = "registry: tiny\nwhere: albi_grade = '1'\n"
ILL = "concepts: {ill: [11]}\nenter: [{condition: ill}]\n"


def _cohort(name: str, text: str) -> Cohort:
    return phenotype.read(text.encode(), name=name, file=f"{name}.yaml")


def _data() -> dict[str, Any]:
    """Four persons with albumin 45, 40, 30 and none, and a bilirubin of 0.5 mg/dL; all ill, all with contacts."""
    rows = [measured(at, ALBUMIN, "2020-03-02", one, GRAM_PER_LITRE) for at, one in ((1, 45), (2, 40), (3, 30))]
    rows += [measured(at, BILIRUBIN, "2020-04-02", 0.5, MILLIGRAM_PER_DECILITRE) for at in (1, 2, 3, 4)]
    return lib.tables((1, 2, 3, 4), measurement=rows)


def _found(tmp_path: Path, *cohorts: Cohort) -> dict[str, list[tuple[int, date, date]]]:
    lib.write(tmp_path / "tiny", {"laboratory": ITEMS}, derived_yaml=FORMULAS)
    with cdm.desk(tmp_path, _data()) as desk:
        rows = evaluate(desk, with_members(desk, cohorts, [tmp_path])).rows.to_pylist()
    return {
        one.name: [(row["person_id"], row["start_date"], row["end_date"]) for row in rows if row["cohort"] == at]
        for at, one in enumerate(cohorts, start=1)
    }


def test_patients_are_those_of_whom_the_condition_holds(tmp_path: Path) -> None:
    found = _found(tmp_path, _cohort("good", GOOD), _cohort("worse", GOOD.replace("= '1'", "in ('2', '3')")),
                   _cohort("all", "registry: tiny\nwhere: true\n"))  # fmt: skip
    assert [person for person, _, _ in found["good"]] == [1, 2]
    assert [person for person, _, _ in found["worse"]] == [3]  # of the fourth it is not known
    assert [person for person, _, _ in found["all"]] == [1, 2, 3, 4]
    assert found["good"][0] == (1, date(2020, 3, 1), date(2020, 4, 2))


def test_they_nest_in_cohorts_and_cohorts_in_them(tmp_path: Path) -> None:
    low = "concepts: {albumin: [3024561]}\nof: good\nonly: [{measurement: albumin, value: below 42}]\n"
    within = "concepts: {ill: [11]}\nenter: [{condition: ill}]\nrequire: [{cohort: good, start: that day to 7 after}]\n"
    found = _found(
        tmp_path, _cohort("good", GOOD), _cohort("ill", ILL), _cohort("low", low), _cohort("within", within),
        _cohort("rest", "of: ill\nwithout: good\n"),
    )  # fmt: skip
    assert [person for person, _, _ in found["low"]] == [2]
    assert [person for person, _, _ in found["within"]] == [1, 2]
    assert {person for person, start, end in found["rest"] if start == date(2020, 3, 1)} == {3, 4}


def test_ten_such_cohorts_take_no_more_statements_than_one(tmp_path: Path) -> None:
    lib.write(tmp_path / "tiny", {"laboratory": ITEMS}, derived_yaml=FORMULAS)
    counts = []
    for many in (1, 10):
        cohorts = [_cohort(f"c{at}", f"registry: tiny\nwhere: albumin > {at}\n") for at in range(many)]
        (tmp_path / f"desk{many}").mkdir()
        with cdm.desk(tmp_path / f"desk{many}", _data()) as desk:
            evaluate(desk, with_members(desk, cohorts, [tmp_path]))
            counts.append(desk.steps)
    assert counts[0] == counts[1]


def test_it_is_said_in_both_languages() -> None:
    cohort = _cohort("good", GOOD)
    assert str(told(cohort, "en")[0]).startswith("The patients of the registry “tiny” of whom this holds: albi_grade")
    assert "专病数据库“tiny”" in str(told(cohort, "zh")[0])


def test_what_is_wrong_is_told(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="there is no 'where'"):
        _cohort("good", "registry: tiny\n")
    with pytest.raises(PackError, match=r"good.yaml: where: cohort good: at column 1 of `albe = 2`: `albe` is"):
        _found(tmp_path, _cohort("good", "registry: tiny\nwhere: albe = 2\n"))
    with pytest.raises(PackError, match="there is no registry 'lung'"):
        _found(tmp_path, _cohort("good", "registry: lung\nwhere: true\n"))
    with (
        cdm.desk(tmp_path, _data()) as desk,
        pytest.raises(InputError, match="asks the registry tiny, which is"),
    ):
        evaluate(desk, [_cohort("good", GOOD)])
