"""The verb about cohorts: who is in, by definition."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from isthmus.base.errors import PartialError, RefusedError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.desk import Desk
from isthmus.gate.office.session import Granted, open_granted
from isthmus.gate.session import open_session
from isthmus.research.cohorts import files
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import Cohorts, evaluate
from isthmus.research.cohorts.steps import Kind, Step, steps
from isthmus.research.cohorts.words import LANGUAGES, told
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, complain, document, say, table

SHOWN = 20  # refused definitions that are named one by one
WALKED: Mapping[Kind, str] = {
    "entry": "an event lets in", "additional": "additional conditions", "rule": "", "end": "censoring, calendar",
}  # fmt: skip
STEP = ("step", "left", "alone")
Definitions = Annotated[
    list[Path],
    typer.Argument(metavar="DEFINITIONS...", help="Circe JSON or phenotype YAML: files, folders or .tar.xz."),
]
Words = Annotated[str | None, typer.Option("--words", metavar="en|zh", help="Only say the definitions in plain words.")]
Circe = Annotated[Path | None, typer.Option("--circe", metavar="DIR", help="Only write phenotypes as Circe JSON.")]
Walks = Mapping[str, Sequence[tuple[str, int, int | None]]]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("cohorts")(cohorts)


def cohorts(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    definitions: Definitions,
    out: Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write cohort_id,records,subjects.")] = None,
    rows: Annotated[Path | None, typer.Option(metavar="FILE.parquet", help="Write the members with dates.")] = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    by_step: Annotated[bool, typer.Option("--steps", help="Also how many persons each condition leaves.")] = False,
    language: Words = None,
    as_circe: Circe = None,
    grant: Annotated[str, typer.Option(help="The grant, where patients are real, as GR….")] = "",
    purpose: Annotated[str, typer.Option(help="The kind of purpose, if the grant has several, as HMB.")] = "",
    by: As = "",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Who is in which cohort: evaluates all definitions together on an edition.

    A definition that says what cannot be answered is refused by name; the others are evaluated. Under a grant counts
    are told, and nothing is written: what shall leave is asked for with `isthmus release`.
    """
    if grant and (out or rows):
        raise RefusedError("answers are not written to files. What shall leave is asked for with `isthmus release`.")
    found, refused = _read(definitions)
    if as_circe is not None:
        _write_circe(definitions, as_circe, json=json)
        return
    if language is not None:
        _say_words(found, language, json=json)
        return
    opened = Workspace(workspace)
    if grant:
        session = _session(opened, grant, by, kind=purpose, edition=edition)
        number, answer, walked = _granted(session, found, by_step=by_step)
    else:
        number, answer, walked = _evaluated(opened, edition, found, by_step=by_step, quiet=quiet or json)
    _tell(number, files.counted(answer), list(map(str, refused)), _walks(found, walked), json=json)
    _write(answer, out, rows, json=json)
    if refused:
        count = len(found) + len(refused)
        raise PartialError(f"{len(refused)} of {count} definitions were refused; the others are done.")


def _write(answer: Cohorts, out: Path | None, rows: Path | None, *, json: bool) -> None:
    for path, write in ((out, files.write_counts), (rows, files.write_rows)):
        if path is not None:
            write(path, answer)
            if not json:
                say(f"written: {path}")


def _read(paths: Sequence[Path]) -> tuple[list[Definition], list[DefinitionError]]:
    """What can be evaluated, and what is refused, which is told."""
    found, refused = files.read(paths)
    for error in refused[:SHOWN]:
        complain(str(error))
    if not found:
        raise refused[0]
    return found, refused


def _session(opened: Workspace, grant: str, by: str, *, kind: str, edition: int | None) -> Granted:
    office = office_of(opened)
    return open_granted(office, opened.lake, actor(office, by, "ask"), grant, kind=kind, edition=edition)


def _granted(
    session: Granted, found: Sequence[Definition], *, by_step: bool
) -> tuple[int, Cohorts, list[list[Step]]]:  # fmt: skip
    """The same under a grant, over what it holds. The log has the definitions in words."""
    done: list[tuple[Cohorts, list[list[Step]]]] = []

    def work(desk: Desk) -> pa.Table:
        answer = evaluate(desk, found)
        done.append((answer, steps(desk, found) if by_step else []))
        names, records, subjects = zip(*files.counted(answer), strict=True)
        return pa.table({"cohort_id": names, "records": records, "subjects": subjects})

    session.steps("\n".join(f"{one.name}: {line}" for one in found for line in told(one, "en")), work)
    return session.edition.number, *done[0]


def _evaluated(
    opened: Workspace, edition: int | None, found: Sequence[Definition], *, by_step: bool, quiet: bool
) -> tuple[int, Cohorts, list[list[Step]]]:
    """The edition asked, the members, and the steps of each definition where they are wanted."""
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    with bars(quiet=quiet) as progress, session.desk() as desk:
        progress.start("cohorts")
        answer = evaluate(desk, found, done=lambda part, of: progress.advance("cohorts"))
        return session.edition.number, answer, steps(desk, found) if by_step else []


def _write_circe(definitions: Sequence[Path], folder: Path, *, json: bool) -> None:
    written = files.write_circe(definitions, folder)
    if not written:
        raise UsageError("no phenotype (.yaml) was named, so there is nothing to write as Circe JSON.")
    if json:
        document({"written": [str(path) for path in written]})
    else:
        say("\n".join(f"written: {path}" for path in written))


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
