"""Derived items and quality rules: for each kind of row one table of what expressions need, and what follows from it.

However many formulas a pack has, a grain (patients, or one group with rows of its own) takes the same statements: what
is given, what follows, and what is kept of it as values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
from sqlglot import exp

from isthmus.research.cohorts.concepts import step
from isthmus.research.registries.computed import Check, Step
from isthmus.research.registries.item import Item
from isthmus.research.registries.names import BUILT_IN, DAY, GRADE, KINDS, READING, Names
from isthmus.research.registries.plan import Plan
from isthmus.research.registries.wide import COLUMNS
from isthmus.research.registries.written import numbered

GIVEN = """
    SELECT r.person_id, r."row", {columns}
    FROM registry_row r LEFT JOIN value v ON v.person_id = r.person_id AND v."row" = r."row" AND v.item IN ({items})
    {read} WHERE r.grain = {grain} GROUP BY r.person_id, r."row"
"""
READ = """
    LEFT JOIN reading q ON q.item = v.item AND q.concept_id = v.concept_id AND q.unit_concept = v.unit_concept
        AND q.unit_text = v.unit_text
"""
OF_PATIENTS = """
    SELECT g.*, m.index_date AS "index", f.death, f.last_contact, f.dead
    FROM given g JOIN member m ON m.person_id = g.person_id JOIN followed f ON f.person_id = g.person_id
"""
OF_ROWS = "SELECT g.*, {columns} FROM given g JOIN formed_0 p ON p.person_id = g.person_id"
SCORED = """
    SELECT f.*, {columns} FROM {table} f
    LEFT JOIN (SELECT person_id, "row", {taken} FROM scored GROUP BY person_id, "row") s
        ON s.person_id = f.person_id AND s."row" = f."row"
"""
RULE = pa.schema(
    {name: pa.string() for name in ("rule", "severity", "items", "en", "zh", "mend_en", "mend_zh")}
    | {"faults": pa.int64()}
)  # fmt: skip
LISTED = ("item", "value_number", "value_code", "value_text", "value_date")
# Derived values beside the others. They have no place of their own: their inputs have.
VALUES = """
    SELECT item, person_id, "row", value_number, value_code, value_text, value_date, CAST(NULL AS DATE) AS day,
        CAST(NULL AS INTEGER) AS rank, CAST(NULL AS INTEGER) AS source, CAST(NULL AS DOUBLE) AS written_number,
        CAST(0 AS BIGINT) AS unit_concept, '' AS unit_text, '' AS written, CAST(0 AS BIGINT) AS concept_id,
        FALSE AS noted, CAST(NULL AS TEXT) AS site, CAST(NULL AS BIGINT) AS part_id, CAST(NULL AS BIGINT) AS place
    FROM (SELECT person_id, "row", {lists} FROM formed_{grain})
    WHERE value_number IS NOT NULL OR value_code IS NOT NULL OR value_text IS NOT NULL OR value_date IS NOT NULL
"""
FINDINGS = """
    SELECT f.person_id, m.site, f."row", f.rule FROM (
        SELECT person_id, "row", unnest([{rules}]) AS rule, unnest([{tests}]) AS fault FROM formed_{grain}
    ) f JOIN member m ON m.person_id = f.person_id
    WHERE f.fault ORDER BY f.person_id, f."row", f.rule
"""


@dataclass(frozen=True, slots=True)
class Grain:
    """What is worked out for one kind of row."""

    number: int
    group: str
    steps: Sequence[Step]
    checks: Sequence[Check]
    needs: Sequence[str]


def grains(plan: Plan, more: Iterable[str]) -> list[Grain]:
    """The kinds of rows for which something is worked out, patients first; `more`: what others need of patients."""
    computed = plan.pack.computed
    names = Names(plan.pack.items, plan.pack.groups, plan.pack.formulas)
    groups = sorted(
        {"", *computed.steps, *(one.group for one in computed.checks)}, key=lambda one: plan.grains.get(one, 0)
    )
    needed: dict[str, set[str]] = {group: set() for group in groups}
    for group in groups:
        for step_ in computed.steps.get(group, ()):
            needed[group].update(step_.needs)
        for check in computed.checks:
            if check.group == group:
                needed[group].update(check.expression.names)
    outer = {name for group in groups if group for name in needed[group] if not names.groups_of([name])}
    needed[""] |= outer | set(more)
    return [
        Grain(
            plan.grains.get(group, 0) if group else 0, group, computed.steps.get(group, ()),
            [one for one in computed.checks if one.group == group], sorted(needed[group] - set(BUILT_IN) | (
                needed[group] & set(BUILT_IN) if group else set()
            )),
        )
        for group in groups
    ]  # fmt: skip


def given(plan: Plan, grain: Grain) -> exp.Query:
    """What is not derived itself and stands in rows of this grain, a column each."""
    columns = {}
    for name in grain.needs:
        found = _given(plan, grain, name)
        if found is not None:
            columns[name] = found
    numbers = sorted({number for number, _ in columns.values()}) or [0]
    listed = ", ".join(f'{sql} AS "{name}"' for name, (_, sql) in columns.items()) or "count(*) AS isthmus_rows"
    read = READ if any(READING in name for name in columns) else ""
    return step(GIVEN.format(columns=listed, items=", ".join(map(str, numbers)), grain=grain.number, read=read))


def base(plan: Plan, grain: Grain) -> exp.Query:
    """What is given, and what patients have."""
    if not grain.group:
        return step(OF_PATIENTS)
    own = {name for name in grain.needs if _given(plan, grain, name)} | {one.item.name for one in grain.steps}
    own |= {f"{one.item.name}{GRADE}" for one in grain.steps if one.bound is not None}
    lent = [f'p."{name}"' for name in grain.needs if name not in own]
    return step(OF_ROWS.format(columns=", ".join(lent)) if lent else "SELECT g.* FROM given g")


def levels(grain: Grain) -> list[list[Step]]:
    """The derived items of a grain, those first that no other of them needs before."""
    return [
        [one for one in grain.steps if one.level == level] for level in sorted({one.level for one in grain.steps})
    ]  # fmt: skip


def formed(plan: Plan, grain: Grain, level: Sequence[Step]) -> exp.Query:
    """One level upon those below; scores are read from `scored`."""
    columns = [_column(one) for one in level if one.expression is not None]
    scores = [one for one in level if one.bound is not None]
    table = f"formed_{grain.number}"
    if not scores:
        return step(f"SELECT f.*, {', '.join(columns)} FROM {table} f")
    taken, named = [], []
    for one in scores:
        number, name = plan.numbers[one.item.name], one.item.name
        value = "grade" if COLUMNS[one.item.type] == "value_code" else "value"
        taken.append(f'max({value}) FILTER (WHERE item = {number}) AS "{name}"')
        taken.append(f'max(grade) FILTER (WHERE item = {number}) AS "{name}{GRADE}"')
        named += [f's."{name}"', f's."{name}{GRADE}"']
    return step(
        SCORED.format(columns=", ".join([*columns, *named]), table=table, taken=", ".join(taken))
    )  # fmt: skip


def values(plan: Plan, grain: Grain) -> exp.Query:
    """The derived values of a grain, long."""
    rows = [_listed(plan, one) for one in grain.steps if one.expression is not None]
    lists = ", ".join(
        f"unnest([{', '.join(cells)}]) AS {name}" for name, cells in zip(LISTED, zip(*rows, strict=True), strict=True)
    )
    return step(VALUES.format(lists=lists, grain=grain.number))


def findings(grain: Grain) -> exp.Query:
    """The faults that rules find in the rows of a grain: `person_id, site, row, rule`."""
    rules = ", ".join(_text(one.rule.name) for one in grain.checks) or "''"
    tests = ", ".join(_sql(one.expression.tree()) for one in grain.checks) or "FALSE"
    return step(FINDINGS.format(rules=rules, tests=tests, grain=grain.number))


def rules(plan: Plan, faults: Mapping[str, int]) -> pa.Table:
    """The rules with what they say, how it is mended, and how many faults they found."""
    rows = [
        {
            "rule": one.name, "severity": one.severity, "items": "|".join(one.items), "en": one.says["en"],
            "zh": one.says["zh"], "mend_en": one.mends["en"], "mend_zh": one.mends["zh"],
            "faults": faults.get(one.name, 0),
        }
        for one in plan.pack.quality
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=RULE)


def _given(plan: Plan, grain: Grain, name: str) -> tuple[int, str] | None:
    """Number of the item and the aggregate that gives a name, where a value of this grain does."""
    items = plan.pack.items
    if READING in name:
        item, column = items[name.partition(READING)[0]], "read"
    elif name in items and not items[name].derived:
        item, column = items[name], COLUMNS[items[name].type]
    elif name.endswith(DAY) and name not in items and name.removesuffix(DAY) in items:
        item, column = items[name.removesuffix(DAY)], "day"
    else:
        return None
    if plan.grains[item.group] != grain.number:
        return None
    number = plan.numbers[item.name]
    if column == "read":
        reading = numbered(plan.pack.computed.readings)[name]
        return number, f'max(round(v.written_number * q.factor + q."offset", 9)) FILTER (WHERE q.reading = {reading})'
    taken = f"max(v.{column}) FILTER (WHERE v.item = {number})"
    return number, f"{taken} = 1" if item.type == "yesno" and column != "day" else taken


def _column(one: Step) -> str:
    assert one.expression is not None
    return f'{_typed(one.item, _sql(one.expression.tree()))} AS "{one.item.name}"'


def _typed(item: Item, sql: str) -> str:
    kind = {"NUMBER": "DOUBLE", "TEXT": "TEXT", "DATE": "DATE", "TRUTH": "BOOLEAN"}[KINDS[item.type].name]
    return f"CAST({sql} AS {kind})"


def _listed(plan: Plan, one: Step) -> tuple[str, ...]:
    """Cells of one derived item: its number, and its value in the column of its type."""
    cells: Mapping[str, str] = {COLUMNS[one.item.type]: f'"{one.item.name}"'}
    kinds = {"value_number": "DOUBLE", "value_code": "TEXT", "value_text": "TEXT", "value_date": "DATE"}
    found = [str(plan.numbers[one.item.name])]
    for column in LISTED[1:]:
        found.append(f"CAST({cells.get(column, 'NULL')} AS {kinds[column]})")
    return tuple(found)


def _sql(tree: exp.Expr) -> str:
    return tree.sql("duckdb")


def _text(value: str) -> str:
    return exp.Literal.string(value).sql("duckdb")
