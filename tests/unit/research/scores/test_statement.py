"""The statement of a score: at a desk, over columns and expressions, in other units, with columns that go through."""

from pathlib import Path

import pyarrow as pa
import pytest
from sqlglot import exp

from isthmus.base.errors import UsageError
from isthmus.research.expression import parse
from isthmus.research.scores.reader import shipped
from isthmus.research.scores.statement import select
from lib import cdm

ALBI, CNLC = shipped()["albi"], shipped()["cnlc"]


def _told(**columns: list[object]) -> pa.Table:
    return pa.table(columns)


def test_every_score_is_admitted_at_a_desk_as_one_step(tmp_path: Path) -> None:
    with cdm.desk(tmp_path, {}) as desk:
        desk.lay("nobody", _told(person_id=[1]))
        before = desk.steps
        for rule in shipped().values():
            (row,) = desk.take(select(rule, "nobody", {}, keep=["person_id"])).to_pylist()
            needed = [one.name for one in rule.inputs.values() if one.otherwise is None and not one.optional]
            assert row == {
                "person_id": 1, "value": None, "grade": None, "missing": ", ".join(needed), "outside": None,
                "score": rule.name, "version": rule.version,
            }  # fmt: skip
        assert desk.steps == before + len(shipped())


def test_inputs_are_columns_by_name_or_expressions_and_units_are_converted(tmp_path: Path) -> None:
    rows = _told(person_id=[1, 2, 3], tbil=[2.1, None, 1.17], alb=[34.0, 40.0, 4.0], alb_unit=["g/L", "g/L", "g/dL"])
    albumin = parse("case when alb_unit = 'g/dL' then alb * 10 else alb end", "here").tree()
    with cdm.desk(tmp_path, {}) as desk:
        desk.lay("told", rows)
        step = select(
            ALBI, "told", {"bilirubin": "tbil", "albumin": albumin}, units={"bilirubin": "mg/dL"}, keep=["person_id"]
        )
        found = {row["person_id"]: row for row in desk.take(step).to_pylist()}
    assert (found[1]["value"], found[1]["grade"]) == (-1.8636, "2")
    assert (found[2]["grade"], found[2]["missing"]) == (None, "bilirubin")
    assert (found[3]["value"], found[3]["grade"]) == (pytest.approx(-2.5413, abs=1e-3), "2")


def test_it_reads_a_query_as_well_as_a_table(tmp_path: Path) -> None:
    with cdm.desk(tmp_path, {}) as desk:
        desk.lay("told", _told(person_id=[1, 2], bilirubin=[20, 20], albumin=[40, 40]))
        step = select(ALBI, exp.select("*").from_("told").where("person_id = 2"), keep=["person_id"])
        assert [(row["person_id"], row["value"]) for row in desk.take(step).to_pylist()] == [(2, -2.5413)]


def test_yes_and_no_may_be_truth_values_or_texts_and_numbers_may_be_whole(tmp_path: Path) -> None:
    rows = _told(
        ps=["1", "1", "one"], child_pugh=["A", "A", "A"], nodules=[1, 1, 1], largest=["2", "2", "2"],
        macrovascular=["yes", "No", None], extrahepatic=[False, False, False],
    )  # fmt: skip
    with cdm.desk(tmp_path, {}) as desk:
        desk.lay("told", rows)
        answers = desk.take(select(CNLC, "told")).to_pylist()
    assert [row["grade"] for row in answers] == ["IIIa", "Ia", None]
    assert answers[2]["missing"] == "ps, macrovascular"


def test_what_is_outside_is_named_and_can_be_admitted(tmp_path: Path) -> None:
    with cdm.desk(tmp_path, {}) as desk:
        desk.lay("told", _told(bilirubin=[20.0], albumin=[4.0]))
        (strict,) = desk.take(select(ALBI, "told")).to_pylist()
        (loose,) = desk.take(select(ALBI, "told", ranges=False)).to_pylist()
    assert (strict["grade"], strict["missing"], strict["outside"]) == (None, "albumin", "albumin")
    assert (loose["grade"], loose["missing"], loose["outside"]) == ("3", None, None)


def test_a_binding_that_cannot_be_is_refused() -> None:
    with pytest.raises(UsageError, match="albi has no input 'albumine'"):
        select(ALBI, "told", {"albumine": "alb"})
    with pytest.raises(UsageError, match=r"pivka is needed in m\[AU\]/mL, and ng/mL is not converted into it"):
        select(shipped()["asap"], "told", units={"pivka": "ng/mL"})
