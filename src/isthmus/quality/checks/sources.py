"""What counts are taken over: a table as it is, or joined once with what many checks need beside it.

Each is the text behind FROM. `{table}` and `{field}` stand for what a check names; the aliases are those of types.yaml.
A join gives a row for every match, as the dashboard's own statements do: an event of a person with two deaths counts
twice.
"""

from collections.abc import Mapping
from functools import cache

from sqlglot import exp, parse_one

from isthmus.quality.checks.catalogue import Check

DIALECT = "duckdb"
BIRTH = (
    "(SELECT person_id, TRUE AS is_there, coalesce(CAST(birth_datetime AS DATE), TRY_CAST(concat_ws('-', year_of_birth,"
    " coalesce(month_of_birth, 1), coalesce(day_of_birth, 1)) AS DATE)) AS birth,"
    # The older check of birth takes the middle of the year where the day is not known.
    " coalesce(CAST(birth_datetime AS DATE), TRY_CAST(concat_ws('-', year_of_birth, 6, 1) AS DATE)) AS middle"
    " FROM person)"
)
LATE = (
    "(SELECT person_id, CAST(death_date AS DATE) + INTERVAL 60 DAY AS late,"
    " row_number() OVER (PARTITION BY person_id) AS nth FROM death)"
)
WEEK = (
    "(SELECT visit_occurrence_id, visit_start_date - INTERVAL 7 DAY AS early, visit_end_date + INTERVAL 7 DAY AS late"
    " FROM visit_occurrence)"
)
OVERLAP = (
    "t.person_id = o.person_id AND t.observation_period_id <> o.observation_period_id AND ("
    "(t.observation_period_start_date <= o.observation_period_end_date"
    " AND t.observation_period_end_date >= o.observation_period_start_date)"
    " OR t.observation_period_end_date + INTERVAL 1 DAY = o.observation_period_start_date"
    " OR o.observation_period_end_date + INTERVAL 1 DAY = t.observation_period_start_date)"
)
SOURCES: Mapping[str, str] = {
    "rows": '"{table}" t',
    "keys": '(SELECT "{field}" AS key, count(*) AS n FROM "{table}" GROUP BY 1) k',
    "values": '(SELECT "{field}" AS value, bool_or("{other}" = 0) AS is_open FROM "{table}" GROUP BY 1) s',
    # All rows are kept, so that those of nobody, or of no visit, can be counted with the others; so are persons without
    # rows, beside whom the table's own columns have no value.
    "people": f'"{{table}}" t FULL JOIN {BIRTH} p ON t.person_id = p.person_id',
    "deaths": f'"{{table}}" t JOIN {LATE} d ON t.person_id = d.person_id',
    "visits": f'"{{table}}" t LEFT JOIN {WEEK} v ON t.visit_occurrence_id = v.visit_occurrence_id',
    "repeats": '(SELECT count(*) AS n FROM "{table}" GROUP BY person_id, "{field}") k',
    "overlaps": f'"{{table}}" t JOIN "{{table}}" o ON {OVERLAP}',
    "persons": '"{table}" t FULL JOIN (SELECT person_id, TRUE AS is_there FROM person) p ON t.person_id = p.person_id',
    "conditions": "(SELECT DISTINCT person_id FROM condition_occurrence WHERE condition_concept_id <> 0"
    " AND person_id IS NOT NULL) t",
}
JOINED: Mapping[str, str] = {"deaths": "death", "visits": "visit_occurrence"}
"""The table that a source joins: without rows in it, what is counted over the join is 0."""


def key_of(over: str, check: Check) -> tuple[str, ...]:
    """What tells the sources of checks apart; counts over the same one are taken together."""
    if over == "conditions":
        return (over,)
    return (over, check.table, check.field) if over in ("keys", "values", "repeats") else (over, check.table)


def select_from(over: str, check: Check) -> exp.Select:
    """A statement over a source, without its counts."""
    named = {"table": check.table, "field": check.field, "other": check.target[1]}
    tree = stated(f"SELECT FROM {SOURCES[over]}", **named)
    if check.compared:
        inner = tree.find(exp.Subquery)
        assert inner is not None
        inner.this.group_by(*(exp.column(name, quoted=True) for name in check.compared), copy=False)
    return tree


def stated(form: str, **named: object) -> exp.Select:
    """A statement with names in its identifiers and texts (`"{table}"`, `'{place}'`). Its form is parsed once."""
    tree = _form(form).copy()
    for node in tree.find_all(exp.Identifier, exp.Literal):
        if "{" in node.name:
            node.set("this", node.name.format(**named))
    return tree


@cache
def _form(sql: str) -> exp.Select:
    tree = parse_one(sql, dialect=DIALECT)
    assert isinstance(tree, exp.Select)
    return tree


@cache
def scalar(sql: str) -> exp.Expr:
    """An expression as a tree, parsed once: copy it before it is changed."""
    return parse_one(sql, dialect=DIALECT)
