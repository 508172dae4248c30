"""The table `coding`: uses of codes that wait for a decision, or were resolved by one.

One row for each record, code and concept column. A code that the pack or the vocabulary resolves has none.
"""

from collections.abc import Iterator

from isthmus.flow.statement import literal
from isthmus.mapping.rule import RulePlan

# A code is open where the column it was meant for came out 0; of alternatives each is. The names that records and
# packs have for one system become the one that decisions use.
OPEN = """
    SELECT DISTINCT coalesce(n.subject, u.said.system) AS system, u.said.code AS code, u.said.name AS name,
        {table} AS "table", u."column" AS "column", u.said.concept AS concept_id, u.said.by AS decision_id,
        u.part_id, u.place, u.mapping_id
    FROM ({uses}) u LEFT JOIN subject n ON n.name = u.said.system
    WHERE u.said IS NOT NULL AND (u.mapped = 0 OR u.said.by IS NOT NULL)
"""
USE = """
    SELECT {hidden} AS said, {column} AS "column", "{name}" AS mapped, part_id, place, mapping_id
    FROM {rows} WHERE _why IS NULL AND {hidden} IS NOT NULL
"""


def uses_of(planned: RulePlan, rows: str) -> str | None:
    """The statement that gives the rows of `coding` for a rule whose rows stand in a table; None where it uses none."""
    uses = list(_uses(planned, rows))
    return OPEN.format(table=literal(planned.table), uses=" UNION ALL ".join(uses)) if uses else None


def _uses(planned: RulePlan, rows: str) -> Iterator[str]:
    for column, names in planned.uses.items():
        for hidden in names:
            yield USE.format(hidden=hidden, column=literal(column), name=column, rows=rows)
