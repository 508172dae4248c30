"""Doing it again: quarantined records under a mended pack, and the whole lake from its landing."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from isthmus.base.errors import InputError, IntegrityError, UsageError
from isthmus.base.progress import Progress, Silence
from isthmus.flow.batch import open_batch, run_batch
from isthmus.flow.ingest import Report, carry_out, finish_interrupted, map_again, mend, publish, standing
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import literal, query
from isthmus.flow.workspace import Workspace
from isthmus.lake.lake import Lake


def replay(
    workspace: Workspace, *, site: str | None = None, reason: str | None = None, progress: Progress | None = None
) -> Report:
    """Map the quarantined records again with the packs as they are now; `reason` chooses by the beginning of its text.

    What is still wrong stays in quarantine; everything else leaves it. Publishes an edition when anything was replayed.
    """
    report = Report()
    with workspace.lake.writing():
        done = finish_interrupted(workspace, report, progress or Silence())
        edition = standing(workspace, done)
        waiting = quarantined(workspace, reason or "")
        again = []
        for one in [workspace.site(site)] if site else workspace.sites():
            if edition is not None and waiting.get(one.name):
                replays = {"edition": edition.number, "reason": reason or ""}
                batch = open_batch(workspace, one, (), replays=replays)
                carry_out(workspace, batch, report, progress or Silence())
                again.append(batch.batch_id)
        again += mend(workspace, workspace.sites(), report, progress or Silence())
        if again:
            report.edition = publish(workspace, again)
    return report


def remap(
    workspace: Workspace, *, site: str | None = None, everything: bool = False, progress: Progress | None = None
) -> Report:
    """Map records again whose codes have another answer by now: by a decision, a mended list, a newer vocabulary.

    With `everything`, every record of the site (of all sites, when none is named). Publishes an edition when any was
    mapped.
    """
    report = Report()
    progress = progress or Silence()
    with workspace.lake.writing():
        done = finish_interrupted(workspace, report, progress)
        edition = standing(workspace, done)
        again = []
        for one in [workspace.site(site)] if site else workspace.sites():
            if one.name not in report.failed:
                again += map_again(workspace, one, edition, report, progress, everything=everything)
        again += mend(workspace, workspace.sites(), report, progress)
        if again:
            report.edition = publish(workspace, again)
    return report


def quarantined(workspace: Workspace, beginning: str = "") -> Mapping[str, int]:
    """How many records of each site are in quarantine for reasons that begin with a text."""
    edition = workspace.lake.editions.current()
    if edition is None:
        return {}
    files = [workspace.lake.root / one.path for one in edition.files("record")]
    with workspace.lake.engine() as engine:
        engine.view("ledger", files, empty=schema_of("record"))
        rows = engine.rows(
            query(
                "SELECT site, count(*) AS n FROM ledger WHERE outcome = 'quarantined' AND "
                f"starts_with(reason, {literal(beginning)}) GROUP BY site"
            )
        ).to_pylist()
    return {row["site"]: row["n"] for row in rows}


@dataclass(frozen=True, slots=True)
class Compared:
    """Data files of one table, rebuilt against published: how many are byte for byte the same."""

    table: str
    files: int
    same: int
    missing: int
    extra: int


def rebuild(workspace: Workspace, into: Path, *, progress: Progress | None = None) -> list[Compared]:
    """Build all tables of the current edition anew in another folder, from the landing, batch by batch.

    A data file is named by its content, so that equal names are equal bytes. Raises UsageError when the folder is
    taken.
    """
    if into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise UsageError(f"{into} is not an empty folder. Name a new one.")
    edition = workspace.lake.editions.current()
    if edition is None:
        raise InputError("nothing is published yet, so there is nothing to rebuild.")
    lake = Lake(into, landing=workspace.lake.landing.root, memory=workspace.lake.memory)
    with lake.writing():
        for batch in workspace.records.batches("published"):
            run_batch(workspace, lake, batch, progress or Silence())
    compared = []
    for table in edition.tables():
        if "part_id" not in schema_of(table).names:
            continue
        published = {one.path for one in edition.files(table)}
        built = {one.path for one in lake.deltas.files(table)}
        compared.append(
            Compared(table, len(published), len(published & built), len(published - built), len(built - published))
        )
    return compared


def demand_same(compared: list[Compared]) -> None:
    """Raise IntegrityError unless the rebuilt tables are those published."""
    differ = [one.table for one in compared if one.missing or one.extra]
    if differ:
        raise IntegrityError(f"the rebuilt lake differs from the published one in: {', '.join(differ)}.")
