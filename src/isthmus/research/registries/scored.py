"""Scores of a registry: which items are a score's inputs, in which units; all scores of a level are one statement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from isthmus.base.errors import UsageError
from isthmus.cdm.units.analyte import Conversion
from isthmus.cdm.units.concept import analytes
from isthmus.research.expression import Expression, Kind
from isthmus.research.expression.node import Call, Node, children
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import Item
from isthmus.research.registries.names import KINDS, SAID, Names, parsed
from isthmus.research.registries.rules import Formula
from isthmus.research.registries.written import Reading, read_as_told
from isthmus.research.scores.reader import find
from isthmus.research.scores.rule import Input, Score
from isthmus.research.scores.statement import select
from isthmus.research.scores.units import conversion

ARITHMETIC = frozenset({"+", "-", "*", "/", "neg"})
ALL = pa.schema(
    {
        "person_id": pa.int64(), "row": pa.int64(), "value": pa.float64(), "grade": pa.string(),
        "missing": pa.string(), "outside": pa.string(), "score": pa.string(), "version": pa.string(),
        "item": pa.int32(),
    }
)  # fmt: skip
NEED = pa.schema({"item": pa.int32(), "input": pa.string(), "given": pa.int32()})
# Every score of every patient, with what went into it: `bilirubin = 34.208 umol/L, told as 2.0 mg/dL (2020-03-01); …`.
SCORES = """
    SELECT s.person_id, m.site, s."row", i.name AS item, s.value, s.grade, s.missing, s.outside, s.score, s.version,
        g.inputs
    FROM score_all s JOIN item i ON i.item = s.item JOIN member m ON m.person_id = s.person_id
    LEFT JOIN (
        SELECT v.person_id, v."row", n.item, string_agg(concat(n.input, ' = ', CASE
                WHEN k.type IN ('number', 'whole') THEN concat(CAST(v.value_number AS TEXT),
                    CASE WHEN k.unit IN ('', '1') THEN '' ELSE concat(' ', k.unit) END,
                    CASE WHEN c.told <> k.unit THEN concat(', told as ', CAST(v.written_number AS TEXT), ' ', c.told)
                        ELSE '' END)
                WHEN k.type = 'yesno' THEN CASE WHEN v.value_number = 1 THEN 'yes' ELSE 'no' END
                ELSE coalesce(v.value_code, CAST(v.value_date AS TEXT), v.value_text) END,
            CASE WHEN v.day IS NULL THEN '' ELSE concat(' (', CAST(v.day AS TEXT), ')') END), '; '
            ORDER BY n.input, k.name) AS inputs
        FROM value v JOIN score_need n ON n.given = v.item JOIN item k ON k.item = v.item
        LEFT JOIN conversion c ON c.item = v.item AND c.concept_id = v.concept_id
            AND c.unit_concept = v.unit_concept AND c.unit_text = v.unit_text
        GROUP BY v.person_id, v."row", n.item
    ) g ON g.item = s.item AND g.person_id = s.person_id AND g."row" = s."row"
    ORDER BY s.person_id, s."row", s.item
"""
# Beside the other values: number, grade as code, what is missing as text.
VALUES = """
    SELECT item, person_id, "row", value AS value_number, grade AS value_code, missing AS value_text,
        CAST(NULL AS DATE) AS value_date, CAST(NULL AS DATE) AS day, CAST(NULL AS INTEGER) AS rank,
        CAST(NULL AS INTEGER) AS source, CAST(NULL AS DOUBLE) AS written_number, CAST(0 AS BIGINT) AS unit_concept,
        '' AS unit_text, '' AS written, CAST(0 AS BIGINT) AS concept_id, FALSE AS noted, CAST(NULL AS TEXT) AS site,
        CAST(NULL AS BIGINT) AS part_id, CAST(NULL AS BIGINT) AS place
    FROM score_all WHERE value IS NOT NULL OR grade IS NOT NULL OR missing IS NOT NULL
"""


@dataclass(frozen=True, slots=True)
class Bound:
    """A score with an expression over items for each input that is told, and how its unit becomes the score's.

    `readings` are the items, by the names that expressions give them, whose numbers are taken as they were written.
    """

    score: Score
    inputs: Mapping[str, Expression]
    units: Mapping[str, Conversion]
    readings: Mapping[str, Reading]


def bind(
    item: Item, formula: Formula, kinds: Mapping[str, Kind | None], names: Names, faults: Faults
) -> Bound | None:  # fmt: skip
    """The score of a formula with its inputs; None where it is wrong, which is noted."""
    place = f"{formula.place}: item {item.name}"
    try:
        score = find(formula.score)
    except UsageError as error:
        faults.note(f"{place}: {error}")
        return None
    for name in formula.inputs:
        if name not in score.inputs:
            faults.add(place, f"{score.name} has no input '{name}'.", f"It has: {', '.join(score.inputs)}.")
    _check_result(item, score, place, faults)
    given = formula.inputs or {name: name for name in score.inputs if name in kinds}
    inputs: dict[str, Expression] = {}
    units: dict[str, Conversion] = {}
    readings: dict[str, Reading] = {}
    for name, text in given.items():
        one = score.inputs.get(name)
        found = parsed(text, f"{place}, {name}", kinds, faults)
        if one is None or found is None:
            continue
        if found.kind is not None and found.kind is not one.kind:
            faults.add(
                place, f"the input {name} is {SAID[one.kind]}, and {SAID[found.kind]} is given.",
                "Give an item of its kind, or an expression that is.",
            )  # fmt: skip
            continue
        names.check_codes(found, f"{place}, {name}", faults)
        how = _unit(one, found, names, place, faults)
        told, read = read_as_told(one, found, {each: names.item(each) for each in found.names})
        inputs[name], units[name] = (told, Conversion(1.0)) if read else (found, how)
        readings |= read
    return Bound(score, inputs, units, readings)


def _check_result(item: Item, score: Score, place: str, faults: Faults) -> None:
    kind = KINDS[item.type]
    if (kind is Kind.NUMBER and not score.has_value) or (kind is Kind.TEXT and not score.grades):
        given = "a grade" if score.grades else "a number"
        faults.add(place, f"{score.name} gives {given} only.", "Change the type of the item in items/.")
    if kind not in (Kind.NUMBER, Kind.TEXT):
        faults.add(place, f"a score fills no item of the type '{item.type}'.", "Write number or choice.")


def _unit(one: Input, found: Expression, names: Names, place: str, faults: Faults) -> Conversion:
    """What the numbers of an expression are converted by; one that is reckoned is in the score's unit already."""
    items = [named for name in found.names if (named := names.item(name)) is not None and named.name == name]
    known = {analytes().get(each.concept_id) for named in items for each in named.sources} - {None}
    if one.analyte and known and one.analyte not in known:
        faults.add(
            place, f"the input {one.name} is the analyte {one.analyte}, and {', '.join(map(str, known))} is given.",
            "Name the item that is measured as that.",
        )  # fmt: skip
    units = {named.unit for named in items if named.type in ("number", "whole") and named.unit}
    if one.kind is not Kind.NUMBER or not units or _reckoned(found.node):
        return Conversion(1.0)
    how = conversion(one, units.copy().pop()) if len(units) == 1 else None
    if how is None:
        faults.add(
            place, f"the input {one.name} is in {one.unit or '1'}, and {' and '.join(sorted(units))} is given.",
            "Give items of one unit that can be converted, or reckon it yourself.",
        )  # fmt: skip
        return Conversion(1.0)
    return how


def _reckoned(node: Node) -> bool:
    return (isinstance(node, Call) and node.name in ARITHMETIC) or any(_reckoned(one) for one in children(node))


def statement(level: Sequence[tuple[int, Bound]], table: str) -> exp.Query:
    """The scores of a level over a table of items: `person_id, row, item, value, grade, missing, outside, score …`."""
    arms: list[exp.Query] = []
    for number, one in level:
        columns = {name: _converted(found.tree(), one.units[name]) for name, found in one.inputs.items()}
        arm = select(one.score, table, columns, keep=["person_id", "row"])
        arms.append(arm.select(exp.alias_(exp.cast(exp.Literal.number(number), "int"), "item")))
    whole: exp.Query = arms[0]
    for other in arms[1:]:
        whole = exp.union(whole, other, distinct=False, copy=False)
    return whole


def _converted(tree: exp.Expr, how: Conversion) -> exp.Expr:
    if how.factor != 1.0:
        tree = exp.Mul(this=exp.paren(tree), expression=_number(how.factor))
    return exp.Add(this=tree, expression=_number(how.offset)) if how.offset else tree


def _number(value: float) -> exp.Expr:
    return exp.cast(exp.Literal.number(repr(value)), "double")


def needs(bound: Sequence[tuple[int, Bound]], numbers: Mapping[str, int], names: Names) -> pa.Table:
    """`item, input, given`: the items from which each input of a score comes."""
    rows: dict[tuple[int, str, int], None] = {}
    for number, one in bound:
        for name, found in one.inputs.items():
            given = [item for each in found.names if (item := names.item(each)) is not None]
            rows |= dict.fromkeys((number, name, numbers[item.name]) for item in given)
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table([pa.array(list(one), kind) for one, kind in zip(columns, NEED.types, strict=True)], schema=NEED)
