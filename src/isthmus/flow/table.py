"""A table as a batch sees it: files of the lake, drafts of the batch, rows not yet written; and what leaves it."""

from pathlib import Path

from isthmus.flow.schema import SHARED, columns_of, order_of, schema_of
from isthmus.flow.stage import Stage
from isthmus.flow.statement import listed, query
from isthmus.lake.delta import DataFile

Rewritten = tuple[list[tuple[Path, int]], list[DataFile]]
"""Drafts of files written anew, and the files that they replace."""

LEAVING = "SELECT part_id, place FROM gone UNION ALL SELECT part_id, place FROM replayed"


def gives_way(stage: Stage) -> bool:
    """Whether any record that is in the lake gives way to one of this batch."""
    return bool(stage.engine.count("gone") or stage.engine.count("replayed"))


def holds(stage: Stage, table: str) -> bool:
    """Whether the site has rows of the table: in the lake, in drafts, or not yet written."""
    return table in stage.staged() or bool(stage.lake.deltas.files(table, site=stage.site))


def view(stage: Stage, table: str) -> None:
    """Make `lake_<table>`, `drafts_<table>` and, of both and what waits, `all_<table>` readable.

    Rows that are mapped again or settled anew are left out of the lake's.
    """
    files = [stage.lake.root / one.path for one in stage.lake.deltas.files(table, site=stage.site)]
    stage.engine.view(f"lake_{table}", files, empty=schema_of(table))
    stage.engine.view(f"drafts_{table}", [path for path, _ in stage.drafts.get(table, [])], empty=schema_of(table))
    columns, waiting = listed(columns_of(table)), stage.engine.tables()
    settled = f"ANTI JOIN settled_{table} USING ({SHARED[table]})" if f"settled_{table}" in waiting else ""
    parts = [
        f"SELECT {columns} FROM lake_{table} ANTI JOIN replayed USING (part_id, place) {settled}",
        f"SELECT {columns} FROM drafts_{table}",
        *([f"SELECT {columns} FROM stage_{table}"] if f"stage_{table}" in waiting else ()),
    ]
    stage.engine.create_view(f"all_{table}", query(" UNION ALL ".join(parts)))


def rewrite(stage: Stage, table: str, *, leaving: str, keep: str | None = None) -> Rewritten:
    """Write anew the lake's files of a table that hold any row of `leaving` (`<table> USING (<columns>)`).

    `keep` is what is written of such a file, named `file` in it: by default the rows that do not leave.
    """
    added: list[tuple[Path, int]] = []
    removed: list[DataFile] = []
    kept = keep or f"SELECT * FROM file ANTI JOIN {leaving}"
    for file in stage.lake.deltas.files(table, site=stage.site):
        stage.engine.view("file", [stage.lake.root / file.path], empty=schema_of(table))
        hit = stage.engine.rows(query(f"SELECT count(*) AS n FROM file SEMI JOIN {leaving}"))
        if hit.column(0)[0].as_py():
            removed.append(file)
            draft = write(stage, table, kept)
            added += [draft] if draft[1] else []
    return added, removed


def write(stage: Stage, table: str, rows: str) -> tuple[Path, int]:
    """Write rows as a draft of the table, in the order of its files."""
    ordered = f"SELECT {listed(columns_of(table))} FROM ({rows}) ORDER BY {listed(order_of(table))}"
    return stage.engine.write(query(ordered), stage.drafts_of(table))
