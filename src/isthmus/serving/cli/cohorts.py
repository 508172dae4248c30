"""The verb about cohorts: who is in, by definition."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import PartialError
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, complain, document, say, table

SHOWN = 20  # refused definitions that are named one by one


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("cohorts")(cohorts)


def cohorts(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    definitions: Annotated[
        list[Path], typer.Argument(metavar="DEFINITIONS...", help="Circe JSON files, folders or .tar.xz of them.")
    ],
    out: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write cohort_id,records,subjects.")] = None,
    rows: Annotated[Path | None, typer.Option(metavar="FILE.parquet", help="Write the members with dates.")] = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Who is in which cohort: evaluates all definitions together on an edition.

    A definition that says what cannot be answered is refused by name; the others are evaluated.
    """
    found, refused = files.read(definitions)
    for error in refused[:SHOWN]:
        complain(str(error))
    if not found:
        raise refused[0]
    opened = Workspace(workspace)
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    with bars(quiet=quiet or json) as progress, session.desk() as desk:
        progress.start("cohorts")
        answer = evaluate(desk, found, done=lambda part, of: progress.advance("cohorts"))
    if out is not None:
        files.write_counts(out, answer)
    if rows is not None:
        files.write_rows(rows, answer)
    _tell(session.edition.number, files.counted(answer), [str(error) for error in refused], json=json)
    for path in (out, rows):
        if path is not None and not json:
            say(f"written: {path}")
    if refused:
        raise PartialError(
            f"{len(refused)} of {len(found) + len(refused)} definitions were refused; the others are done."
        )


def _tell(edition: int, counts: Sequence[tuple[str, int, int]], refused: Sequence[str], *, json: bool) -> None:
    if json:
        told = [{"cohort_id": name, "records": records, "subjects": people} for name, records, people in counts]
        document({"edition": edition, "cohorts": told, "refused": refused})
    else:
        table(f"Cohorts of edition {edition}", ("cohort", "records", "subjects"), counts)
