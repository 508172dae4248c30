"""Rows of which several records speak: a death told by many forms, a person known to several systems of a hospital.

What each record states is kept in `<table>_statement`; the table itself has, for each row, the statement that stands.
"""

from isthmus.flow import table
from isthmus.flow.schema import SHARED, STATEMENT, columns_of
from isthmus.flow.stage import Stage
from isthmus.flow.statement import listed, query

STANDING = """
    SELECT {columns} FROM (
        SELECT *, row_number() OVER (
            PARTITION BY {key} ORDER BY version DESC NULLS LAST, {filled} DESC, part_id, place
        ) AS rank
        FROM all_{statements} SEMI JOIN settled_{name} USING ({key}) ANTI JOIN gone USING (part_id, place)
    ) WHERE rank = 1
"""


def settle(stage: Stage, name: str) -> None:
    """Choose, for every row of a shared table that this batch speaks of, which record's statement about it stands.

    It is that of the newest version of its record; among those of one version the fuller, then the first in the order
    of the ledger. A table commits before its statements do (the names sort so): a retry still sees those that leave.
    """
    statements, key = f"{name}{STATEMENT}", SHARED[name]
    if not table.gives_way(stage) and statements not in stage.staged():
        return
    table.view(stage, statements)
    spoken = [
        f"SELECT {key} FROM drafts_{statements}",
        *([f"SELECT {key} FROM stage_{statements}"] if f"stage_{statements}" in stage.engine.tables() else ()),
        f"SELECT {key} FROM lake_{statements} SEMI JOIN ({table.LEAVING}) l USING (part_id, place)",
    ]
    stage.engine.create(f"settled_{name}", query(" UNION ".join(spoken)))
    columns = columns_of(name)
    filled = " + ".join(f'CASE WHEN "{column}" IS NULL THEN 0 ELSE 1 END' for column in columns)
    standing = STANDING.format(columns=listed(columns), key=key, filled=filled, statements=statements, name=name)
    stage.engine.create(f"stage_{name}", query(standing))


def replaced(stage: Stage, name: str) -> table.Rewritten:
    """Rows of a shared table that were settled anew give way."""
    if f"settled_{name}" not in stage.engine.tables():
        return [], []
    return table.rewrite(stage, name, leaving=f"settled_{name} USING ({SHARED[name]})")
