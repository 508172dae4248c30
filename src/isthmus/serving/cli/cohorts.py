"""The verb about cohorts: who is in, by definition."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import PartialError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.cohorts.steps import Kind, Step, steps
from isthmus.research.cohorts.words import LANGUAGES, told
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, complain, document, say, table

SHOWN = 20  # refused definitions that are named one by one
WALKED: Mapping[Kind, str] = {
    "entry": "an event lets in", "additional": "additional conditions", "rule": "", "end": "censoring, calendar",
}  # fmt: skip
STEP = ("step", "left", "alone")
Walks = Mapping[str, Sequence[tuple[str, int, int | None]]]


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
    by_step: Annotated[bool, typer.Option("--steps", help="Also how many persons each condition leaves.")] = False,
    language: Annotated[
        str | None, typer.Option("--words", metavar="en|zh", help="Only say the definitions in plain words.")
    ] = None,
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
    if language is not None:
        _say_words(found, language, json=json)
        return
    opened = Workspace(workspace)
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    with bars(quiet=quiet or json) as progress, session.desk() as desk:
        progress.start("cohorts")
        answer = evaluate(desk, found, done=lambda part, of: progress.advance("cohorts"))
        walked = steps(desk, found) if by_step else []
    if out is not None:
        files.write_counts(out, answer)
    if rows is not None:
        files.write_rows(rows, answer)
    said = [str(error) for error in refused]
    _tell(session.edition.number, files.counted(answer), said, _walks(found, walked), json=json)
    for path in (out, rows):
        if path is not None and not json:
            say(f"written: {path}")
    if refused:
        raise PartialError(
            f"{len(refused)} of {len(found) + len(refused)} definitions were refused; the others are done."
        )


def _say_words(found: Sequence[Definition], language: str, *, json: bool) -> None:
    if language not in LANGUAGES:
        raise UsageError(f"there are no words in '{language}'. Say --words en or --words zh.")
    said = {one.name: [str(line) for line in told(one, language)] for one in found}
    if json:
        document(said)
        return
    for one in found:
        say("\n".join([f"{one.name}  {one.title}".rstrip(), *(f"  {line}" for line in said[one.name]), ""]))


def _walks(found: Sequence[Definition], walked: Sequence[Sequence[Step]]) -> Walks:
    """Of each cohort its steps: what is asked, persons left, and persons who meet it alone."""
    return {
        one.name: [(WALKED[step.kind] or _rule(one, step.rule), step.subjects, step.alone) for step in walk]
        for one, walk in zip(found, walked, strict=False)
    }


def _rule(one: Definition, at: int) -> str:
    return " ".join(one.rules[at].name.split()) or f"rule {at + 1}"


def _tell(
    edition: int, counts: Sequence[tuple[str, int, int]], refused: Sequence[str], walks: Walks, *, json: bool
) -> None:  # fmt: skip
    if json:
        listed = [
            {"cohort_id": name, "records": records, "subjects": people}
            | ({"steps": [dict(zip(STEP, step, strict=True)) for step in walks[name]]} if walks else {})
            for name, records, people in counts
        ]
        document({"edition": edition, "cohorts": listed, "refused": refused})
        return
    table(f"Cohorts of edition {edition}", ("cohort", "records", "subjects"), counts)
    for name, walk in walks.items():
        entered = walk[0][1]
        rows = [
            (step, left, f"{left / entered:.1%}" if entered else "", "" if alone is None else f"{alone:,}")
            for step, left, alone in walk
        ]
        table(f"{name}: persons step by step", ("step", "left", "of those entered", "meet it alone"), rows)
