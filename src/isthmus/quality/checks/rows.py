"""The rows behind a verdict: the statement that lists what a check counted as wrong."""

from datetime import date

from sqlglot import exp

from isthmus.quality.checks import sources
from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Layout
from isthmus.quality.checks.roles import Roles

AGAIN = """SELECT t.* FROM "{table}" t
    WHERE t."{field}" IN (SELECT "{field}" FROM "{table}" GROUP BY 1 HAVING count(*) > 1)"""
OPEN = 'SELECT t.* FROM "{table}" t WHERE t."{other}" = 0'
CONCEPT = """SELECT t.* FROM "{table}" t JOIN (SELECT '{word}' AS word) a ON TRUE
    JOIN (SELECT DISTINCT "{field}" AS value FROM "{table}") y ON y.value = t."{field}"
    LEFT JOIN concept c ON c.concept_id = y.value WHERE {wrong}"""
GENDER = """SELECT t.* FROM "{table}" t JOIN person p ON t.person_id = p.person_id
    WHERE t."{field}" IN ({concepts}) AND p.gender_concept_id <> {value}"""
REPEATED = """SELECT t.* FROM "{table}" t
    QUALIFY row_number() OVER (PARTITION BY t.person_id, t."{field}", {compared} ORDER BY t."{table}_id") > 1"""
BELOW = "SELECT descendant_concept_id FROM concept_ancestor WHERE ancestor_concept_id IN ({concepts})"
# Of a check of whole persons: the rows of those persons, a condition of each, the periods that overlap.
WITHOUT = 'SELECT p.* FROM person p ANTI JOIN "{table}" t ON t.person_id = p.person_id'
NO_ERA = """SELECT c.* FROM condition_occurrence c ANTI JOIN "{table}" t ON t.person_id = c.person_id
    WHERE c.condition_concept_id <> 0 AND NOT c.person_id IS NULL
    QUALIFY row_number() OVER (PARTITION BY c.person_id ORDER BY c.condition_occurrence_id) = 1"""
OVERLAPPING = f'SELECT t.* FROM "{{table}}" t SEMI JOIN "{{table}}" o ON {sources.OVERLAP}'
UNIT = """SELECT t.* FROM "{table}" t WHERE t."{field}" IN ({concepts}) AND t.unit_concept_id NOT IN ({units})"""


def held_in(check: Check) -> str:
    """The table whose rows a check counts as wrong: of persons who lack rows elsewhere, where they have some."""
    return {"persons": "person", "conditions": "condition_occurrence"}.get(check.type.over, check.table)


def wrong(check: Check, layout: Layout, day: date) -> exp.Select | None:
    """The rows that a check counts as wrong, each column of them, of the table `held_in` names; None where what is
    wrong is that a table or a column is not there.
    """
    if check.type.over == "layout":
        return None
    named = {
        "table": check.table, "field": check.field, "other": check.target[1], "word": check.value.replace("'", "''"),
        "value": check.value, "concepts": ", ".join(map(str, check.concepts)), "wrong": check.type.violated,
        "compared": ", ".join(f't."{name}"' for name in check.compared),
        "units": ", ".join(one for one in ["0", *check.value.split()] if one != "-1"),
    }  # fmt: skip
    if check.type.name == "plausibleGenderUseDescendants":
        named["concepts"] = BELOW.format(**named)
    form = {
        "keys": AGAIN,
        "repeats": REPEATED,
        "values": OPEN,
        "concepts": CONCEPT,
        "genders": GENDER,
        "units": UNIT,
        "persons": WITHOUT,
        "conditions": NO_ERA,
        "overlaps": OVERLAPPING,
    }.get(check.type.over)
    if form is not None:
        return sources.stated(form.format(**named))
    count = Roles(layout, day).filled(check.type.violated, check)
    assert isinstance(count, exp.CountIf)
    return sources.select_from(check.type.over, check).select("t.*", copy=False).where(count.this, copy=False)
