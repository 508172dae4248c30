"""Long values as the tables of a registry: one query a group, a column an item."""

from collections.abc import Iterator

from sqlglot import exp

from isthmus.research.cohorts.concepts import step
from isthmus.research.registries.item import Item
from isthmus.research.registries.plan import Plan

COLUMNS = {
    "number": "value_number", "whole": "value_number", "yesno": "value_number", "choice": "value_code",
    "many": "value_code", "text": "value_text", "date": "value_date",
}  # fmt: skip
CAST = {"whole": "BIGINT", "yesno": "BOOLEAN"}
WIDE = """
    SELECT r.person_id, m.site, m.index_date, {row} {columns}
    FROM registry_row r JOIN member m ON m.person_id = r.person_id {line}
    LEFT JOIN value v ON v.person_id = r.person_id AND v."row" = r."row" AND v.item >= {low} AND v.item <= {high}
    WHERE r.grain = {grain}
    GROUP BY r.person_id, m.site, m.index_date, r."row", r.start_date, r.end_date, r.visit {lined}
    ORDER BY r.person_id, r."row"
"""
ROWS = {
    "patient": "",
    "visit": 'r."row", r.visit AS visit_occurrence_id, r.start_date, r.end_date,',
    "event": 'r."row", r.start_date,',
    "line": 'r."row" AS "line", r.start_date, r.end_date, l.regimen, l.drugs,',
}
LINE = 'JOIN line l ON l.person_id = r.person_id AND l."line" = r."row"'
VALUES = """
    SELECT v.person_id, m.site AS patient_site, i.name AS item, v."row", v.value_number, v.value_code, v.value_text,
        v.value_date, i.unit, v.day, s.domain AS found_in, v.concept_id, v.written_number, v.unit_text AS written_unit,
        v.noted AS by_text, v.site, v.part_id, v.place
    FROM value v JOIN item i ON i.item = v.item JOIN member m ON m.person_id = v.person_id
    LEFT JOIN source s ON s.source = v.source
    ORDER BY v.person_id, v.item, v."row"
"""


def group_query(plan: Plan, group: str) -> exp.Query:
    """The table of a group: `person_id, site, index_date`, what tells the row, and a column for each item."""
    items = [one for one in plan.pack.items.values() if one.group == group]
    numbers = [plan.numbers[one.name] for one in items]
    lined = plan.pack.groups[group].row == "line"
    scores = {name for name, one in plan.pack.formulas.items() if one.score}
    columns = ", ".join(sql for one in items for sql in _columns(one, plan.numbers[one.name], one.name in scores))
    return step(
        WIDE.format(
            row=ROWS[plan.pack.groups[group].row], columns=columns, low=min(numbers), high=max(numbers),
            grain=plan.grains[group], line=LINE if lined else "", lined=", l.regimen, l.drugs" if lined else "",
        )
    )  # fmt: skip


def value_query() -> exp.Query:
    """All values, long, each with where it came from."""
    return step(VALUES)


def _columns(one: Item, number: int, scored: bool) -> Iterator[str]:
    """The column of an item; of a score also its grade, and what is missing for it."""
    taken = f"max(v.{COLUMNS[one.type]}) FILTER (WHERE v.item = {number})"
    yield f'CAST({taken} AS {CAST[one.type]}) AS "{one.name}"' if one.type in CAST else f'{taken} AS "{one.name}"'
    if scored:
        for ending, column in (("grade", "value_code"), ("missing", "value_text")):
            yield f'max(v.{column}) FILTER (WHERE v.item = {number}) AS "{one.name}_{ending}"'
