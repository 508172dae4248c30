"""From drafts to tables: what is derived, what gives way, one atomic commit per table, the ledger last.

The ledger commits last, so that a retry after a crash finds the same records new as the first try did, and each table
skips the batch it has already.
"""

from collections.abc import Sequence
from pathlib import Path

from isthmus.flow import periods, shared
from isthmus.flow import table as tables
from isthmus.flow.schema import SHARED, columns_of, schema_of
from isthmus.flow.stage import Stage, file_of
from isthmus.flow.statement import listed, query
from isthmus.lake.delta import DataFile

SMALL_ROWS, SMALL_FILES = 50_000, 24

# The ledger keeps what was superseded, and says so; a record mapped again is noted anew.
MARKED = """
    SELECT f.* REPLACE (
        CASE WHEN g.reason IS NULL THEN f.outcome ELSE 'superseded' END AS outcome,
        coalesce(g.reason, f.reason) AS reason
    )
    FROM file f LEFT JOIN gone g USING (part_id, place)
"""


def commit(stage: Stage, batch: str, *, derive: Sequence[str], until: str) -> None:
    """Put a finished stage into the tables. Repeating it after a crash gives what the first try would have given.

    `until` is the last day (ISO) that counts as an observation; later dates are errors of the source.
    """
    stage.relieve()
    for table in SHARED:
        shared.settle(stage, table)
    if "observation_period" in derive:
        periods.derive(stage, until)
    stage.finish()
    for table in [*(name for name in _touched(stage) if name != "record"), "record"]:
        if not stage.lake.deltas.has_batch(table, batch):
            _commit_table(stage, table, batch, *_replaced(stage, table, derive))


def _touched(stage: Stage) -> list[str]:
    """Tables that may change: those with drafts, and all of the site's when records give way."""
    if not tables.gives_way(stage):
        return stage.staged()
    return sorted({*stage.staged(), *(name for name in stage.lake.deltas.names() if "site" in schema_of(name).names)})


def _replaced(stage: Stage, table: str, derive: Sequence[str]) -> tables.Rewritten:
    """The files of a table that lose rows to this batch, and what is written in their place."""
    if table == "observation_period" and table in derive:
        return periods.replaced(stage)
    if table in SHARED:
        return shared.replaced(stage, table)
    if not tables.gives_way(stage):
        return [], []
    leaving = f"({tables.LEAVING}) l USING (part_id, place)"
    if table != "record":
        return tables.rewrite(stage, table, leaving=leaving)
    _mark_drafts(stage)
    return tables.rewrite(stage, table, leaving=leaving, keep=f"{MARKED} ANTI JOIN replayed r USING (part_id, place)")


def _mark_drafts(stage: Stage) -> None:
    """A record that gave way inside this very batch is superseded in the batch's own ledger drafts."""
    marked: list[tuple[Path, int]] = []
    for path, rows in stage.drafts.get("record", []):
        stage.engine.view("file", [path], empty=schema_of("record"))
        hit = stage.engine.rows(query("SELECT count(*) AS n FROM file SEMI JOIN gone USING (part_id, place)"))
        marked.append(tables.write(stage, "record", MARKED) if hit.column(0)[0].as_py() else (path, rows))
    stage.drafts["record"] = marked


def _commit_table(
    stage: Stage, table: str, batch: str, rewritten: Sequence[tuple[Path, int]], removed: Sequence[DataFile]
) -> None:
    drafts: Sequence[tuple[Path, int]] = [*stage.drafts.get(table, []), *rewritten]
    if not drafts and not removed and table != "record":
        return
    drafts, merged = _with_small(stage, table, drafts, removed)
    put(stage, table, batch, drafts, [*removed, *merged])


def put(stage: Stage, table: str, batch: str, drafts: Sequence[tuple[Path, int]], removed: Sequence[DataFile]) -> None:
    """Commit drafts to a table in place of files that are removed, and note the batch in it."""
    files = [_moved(stage, table, path, rows) for path, rows in drafts]
    # A file is named after its bytes: one that was rewritten to what it was before stays as it is.
    same = {file.path for file in files} & {file.path for file in removed}
    added, gone = ([file for file in some if file.path not in same] for some in (files, removed))
    if added or gone or table == "record":
        stage.lake.deltas.commit(table, schema_of(table), add=added, remove=gone, batch=batch)


def _with_small(
    stage: Stage, table: str, drafts: Sequence[tuple[Path, int]], removed: Sequence[DataFile]
) -> tuple[Sequence[tuple[Path, int]], Sequence[DataFile]]:
    """When many small files have come together, they and the new drafts become one, in the same commit.

    Otherwise a site that delivers every few seconds would end with more files than rows are worth.
    """
    going = {one.path for one in removed}
    there = [one for one in stage.lake.deltas.files(table, site=stage.site) if one.path not in going]
    small = [one for one in there if one.rows < SMALL_ROWS]
    if len(small) < SMALL_FILES or sum(rows for _, rows in drafts) > SMALL_FILES * SMALL_ROWS:
        return drafts, []
    columns = listed(columns_of(table))
    stage.engine.view("small_files", [stage.lake.root / one.path for one in small], empty=schema_of(table))
    stage.engine.view("new_files", [path for path, _ in drafts], empty=schema_of(table))
    both = f"SELECT {columns} FROM small_files UNION ALL SELECT {columns} FROM new_files"
    return [tables.write(stage, table, both)], small


def _moved(stage: Stage, table: str, path: Path, rows: int) -> DataFile:
    file = file_of(table, stage.site, path, rows)
    target = stage.lake.root / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    path.replace(target)
    return file
