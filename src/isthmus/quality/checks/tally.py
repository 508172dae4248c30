"""Checks of concepts: tables are tallied by concept once, and the checks are joined to the tally as data.

A tally has a row for every concept that a column holds: `place` (`table.column`), `kind`, `value`, `other` and `rows`.

    kind      other
    concept
    gender    the person's gender, a row for every person of that id
    unit      the unit of the result
"""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Layout
from isthmus.quality.checks.sources import stated

OVER = ("concepts", "genders", "units")
ASKED = pa.schema(
    [("number", pa.int32()), ("kind", pa.string()), ("name", pa.string()), ("place", pa.string()),
     ("concept", pa.int64()), ("word", pa.string()), ("gender", pa.int64()), ("units", pa.list_(pa.int64()))]
)  # fmt: skip

TALLY = pa.schema(
    [("place", pa.string()), ("kind", pa.string()), ("value", pa.int64()), ("other", pa.int64()), ("rows", pa.int64())]
)
# Concepts are grouped as they are held, and read as numbers when few are left.
TALLIES: Mapping[str, str] = {
    "concept": """SELECT '{place}' AS place, 'concept' AS kind, TRY_CAST(value AS BIGINT) AS value,
        CAST(NULL AS BIGINT) AS other, rows FROM (SELECT "{field}" AS value, count(*) AS rows FROM "{table}" GROUP BY 1)
        g""",
    "gender": """SELECT '{place}' AS place, 'gender' AS kind, TRY_CAST(value AS BIGINT) AS value,
        CAST(other AS BIGINT) AS other, rows FROM (
        SELECT t."{field}" AS value, p.gender_concept_id AS other, count(*) AS rows
        FROM "{table}" t JOIN person p ON t.person_id = p.person_id
        WHERE t."{field}" IN (SELECT concept FROM asked WHERE kind = 'genders' AND place = '{place}')
        GROUP BY 1, 2) g""",
    "unit": """SELECT '{place}' AS place, 'unit' AS kind, TRY_CAST(value AS BIGINT) AS value,
        TRY_CAST(other AS BIGINT) AS other, rows FROM (
        SELECT "{field}" AS value, unit_concept_id AS other, count(*) AS rows FROM "{table}" GROUP BY 1, 2) g""",
}

# A column that is known to have one value in all rows is not read.
CONSTANT = """SELECT '{place}' AS place, 'concept' AS kind, CAST('{only}' AS BIGINT) AS value,
    CAST(NULL AS BIGINT) AS other, CAST('{rows}' AS BIGINT) AS rows"""

CONCEPTS = """
    SELECT a.number, CAST(coalesce(sum(y.rows) FILTER (WHERE WRONG), 0) AS BIGINT) AS violated,
        CAST(NULL AS BIGINT) AS of
    FROM asked a JOIN tally y ON y.place = a.place AND y.kind = 'concept'
    LEFT JOIN concept c ON c.concept_id = y.value
    WHERE a.kind = 'concepts' GROUP BY a.number
"""
GENDERS = """
    SELECT a.number, CAST(coalesce(sum(y.rows) FILTER (WHERE y.kind = 'gender' AND y.other <> a.gender), 0) AS BIGINT)
        AS violated, CAST(coalesce(sum(y.rows) FILTER (WHERE y.kind = 'concept'), 0) AS BIGINT) AS of
    FROM asked a JOIN tally y ON y.place = a.place AND y.value = a.concept
    WHERE a.kind = 'genders' GROUP BY a.number
"""
UNITS = """
    SELECT a.number, CAST(coalesce(sum(y.rows) FILTER (WHERE NOT y.other IS NULL AND y.other <> 0
        AND NOT list_contains(a.units, y.other)), 0) AS BIGINT) AS violated,
        CAST(coalesce(sum(y.rows) FILTER (WHERE y.other <> 0 OR y.other IS NULL), 0) AS BIGINT) AS of
    FROM asked a JOIN tally y ON y.place = a.place AND y.value = a.concept AND y.kind = 'unit'
    WHERE a.kind = 'units' GROUP BY a.number
"""


# Of a check that is about all below its concepts, each of these stands for itself.
DESCENDANTS = "plausibleGenderUseDescendants"
ITSELF = "SELECT * FROM listed WHERE name <> '{name}'"
BELOW = """SELECT listed.* REPLACE (CAST(n.descendant_concept_id AS BIGINT) AS concept) FROM listed
    JOIN concept_ancestor n ON n.ancestor_concept_id = listed.concept WHERE name = '{name}'"""


def listed(checks: Mapping[int, Check]) -> pa.Table:
    """The checks of concepts by their numbers, as a table: a row for each concept that a check is about."""
    rows = [row for number, check in checks.items() for row in _rows(number, check)]
    return pa.Table.from_pylist(rows, ASKED)


def asked(checks: Sequence[Check]) -> Iterator[exp.Select]:
    """The statements whose rows are the table `asked`, from what `listed` gives, by that name."""
    yield stated(ITSELF, name=DESCENDANTS)
    if any(check.type.name == DESCENDANTS for check in checks):
        yield stated(BELOW, name=DESCENDANTS)


def tallies(checks: Sequence[Check], layout: Layout) -> Iterator[exp.Select]:
    """The statements whose rows are the tally for some checks, one for each kind of tally of a column."""
    wanted = dict.fromkeys((kind, check.table, check.field) for check in checks for kind in _kinds(check))
    for kind, table, field in wanted:
        only, rows = layout[table].only(field), layout[table].rows
        form = TALLIES[kind] if only is None or kind != "concept" else CONSTANT
        yield stated(form, place=f"{table}.{field}", table=table, field=field, only=only, rows=rows)


def lookups(checks: Sequence[Check]) -> Iterator[exp.Select]:
    """The statements that join checks to the tally: number of the check, rows violated, rows looked at.

    `of` is null where the rows looked at are counted elsewhere. A check of which the tally has nothing gives no row.
    """
    over = {check.type.over for check in checks}
    if "concepts" in over:
        wrong = {check.type.name: check.type.violated for check in checks if check.type.over == "concepts"}
        cases = " ".join(f"WHEN '{name}' THEN {condition}" for name, condition in wrong.items())
        yield stated(CONCEPTS.replace("WRONG", f"CASE a.name {cases} END"))
    if "genders" in over:
        yield stated(GENDERS)
    if "units" in over:
        yield stated(UNITS)


def _kinds(check: Check) -> tuple[str, ...]:
    return {"concepts": ("concept",), "genders": ("concept", "gender"), "units": ("unit",)}[check.type.over]


def _rows(number: int, check: Check) -> Iterator[dict[str, object]]:
    numbers = [int(one) for one in check.value.split()] if check.type.given == "concepts" else []
    for concept in check.concepts or (None,):
        yield {
            "number": number, "kind": check.type.over, "name": check.type.name,
            "place": f"{check.table}.{check.field}", "concept": concept, "word": check.value,
            "gender": numbers[0] if check.type.over == "genders" else None,
            # -1 says that no unit is right too, and is no unit.
            "units": [one for one in numbers if one != -1],
        }  # fmt: skip
