"""The verb about cohorts: who is in, by definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from isthmus.base.errors import PartialError, RefusedError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.desk import Desk
from isthmus.gate.office.session import Granted
from isthmus.gate.session import Session, open_session
from isthmus.research.cohorts import controls, files
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Cohort, Definition, Registered
from isthmus.research.cohorts.evaluate import Cohorts, evaluate
from isthmus.research.cohorts.kept import Renewed, renewed
from isthmus.research.cohorts.steps import Kind, Step, steps
from isthmus.research.cohorts.words import LANGUAGES, told
from isthmus.research.incidence import reader
from isthmus.research.registries.enrolment.said import rulings
from isthmus.research.registries.subgroups import with_members
from isthmus.serving.cli.acting import As, Grant, Purpose, granted_session
from isthmus.serving.cli.cohort_tables import Beside, show, write
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, complain, document, say, table

SHOWN = 20  # refused definitions, and doubts, that are named one by one
WALKED: Mapping[Kind, str] = {
    "entry": "an event lets in", "additional": "additional conditions", "rule": "", "end": "censoring, calendar",
}  # fmt: skip
STEP = ("step", "left", "alone")
Walks = Mapping[str, Sequence[tuple[str, int, int | None]]]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("cohorts")(cohorts)


Definitions = Annotated[
    list[Path],
    typer.Argument(metavar="DEFINITIONS...", help="Circe JSON or phenotype YAML: files, folders or .tar.xz."),
]
Out = Annotated[Path | None, typer.Option(metavar="FILE.csv", help="Write cohort_id,records,subjects.")]
Rows = Annotated[Path | None, typer.Option(metavar="FILE.parquet", help="Write the members with dates.")]
Steps = Annotated[bool, typer.Option("--steps", help="Also how many persons each condition leaves.")]
Rates = Annotated[
    Path | None, typer.Option("--incidence", metavar="DESIGN", help="Incidence by a design, YAML or JSON.")
]
Shared = Annotated[bool, typer.Option("--overlap", help="Also who is in two of the cohorts.")]
Described = Annotated[str, typer.Option("--describe", metavar="NAME[,OTHER]", help="Who is in one cohort, or in two.")]
Into = Annotated[Path | None, typer.Option("--into", metavar="DIR", help="Write these tables as CSV.")]
Words = Annotated[str | None, typer.Option("--words", metavar="en|zh", help="Only say the definitions in plain words.")]
Circe = Annotated[Path | None, typer.Option("--circe", metavar="DIR", help="Only write phenotypes as Circe JSON.")]
Language = Annotated[str, typer.Option("--language", metavar="en|zh", help="The language of tables.")]
Edition = Annotated[int | None, typer.Option(help="An older edition.")]
Negative = Annotated[Path | None, typer.Option("--controls", metavar="FILE.csv", help="Also these negative controls.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep members with the edition; look only at persons who changed since.")
]


def cohorts(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where, definitions: Definitions, out: Out = None, rows: Rows = None, edition: Edition = None,
    by_step: Steps = False, keep: Keep = False, negative: Negative = None,
    rates: Rates = None, shared: Shared = False, described: Described = "", into: Into = None,
    words: Words = None, as_circe: Circe = None, language: Language = "en", grant: Grant = "", purpose: Purpose = "",
    by: As = "", quiet: Quiet = False, json: Json = False,
) -> None:  # fmt: skip
    """Who is in which cohort: evaluates all definitions together on an edition.

    A definition that says what cannot be answered is refused by name; the others are evaluated. Under a grant counts
    are told, and nothing is written: what shall leave is asked for with `isthmus release`.
    """
    found, refused = _read(definitions, negative)
    _allowed(
        grant, found, keep=keep, files=bool(out or rows or into or keep), tables=bool(rates or shared or described)
    )
    if as_circe is not None:
        _write_circe(definitions, as_circe, json=json)
        return
    _spoken(words or language)
    if words is not None:
        _say_words(found, words, json=json)
        return
    names = tuple(name.strip() for name in described.split(",") if name.strip())
    beside = Beside(reader.read(rates) if rates else None, shared, names)
    beside.check(found)
    opened = Workspace(workspace)
    if grant:
        answer = _granted(granted_session(opened, grant, by, kind=purpose, edition=edition), found, by_step=by_step)
    else:
        session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
        answer = _evaluated(opened, session, found, beside, by_step=by_step, keep=keep, quiet=quiet or json)
    _tell(answer, list(map(str, refused)), _walks(found, answer.steps), json=json)
    if not json:
        show(answer.tables, beside, language)
    _written(answer, out, rows, into, json=json)
    if refused:
        raise PartialError(
            f"{len(refused)} of {len(found) + len(refused)} definitions were refused; the others are done."
        )


def _allowed(grant: str, found: Sequence[Cohort], *, keep: bool, files: bool, tables: bool) -> None:
    """Raises RefusedError where more is asked than is told under a grant, UsageError for what cannot be kept."""
    asking = [one.name for one in found if isinstance(one, Registered)]
    if asking and grant:
        raise RefusedError(f"under a grant no registry is built, and cohort {asking[0]} asks one. Leave it out.")
    if asking and keep:
        raise UsageError(f"cohort {asking[0]} asks a registry, and is found anew each time. Leave it or --keep out.")
    if grant and files:
        raise RefusedError("answers are not written to files. What shall leave is asked for with `isthmus release`.")
    if grant and tables:
        raise RefusedError(
            "under a grant cohorts are counted, and no tables are told beside that. Ask for them with `isthmus ask`."
        )


def _written(answer: "Answer", out: Path | None, rows: Path | None, into: Path | None, *, json: bool) -> None:
    """Write what is to be written, and say so."""
    written = [path for path in (out, rows) if path is not None]
    if out is not None:
        files.write_counts(out, answer.cohorts)
    if rows is not None:
        files.write_rows(rows, answer.cohorts)
    if into is not None:
        if not answer.tables:
            raise UsageError("--into writes the tables of --incidence, --overlap and --describe; none was asked for.")
        into.mkdir(parents=True, exist_ok=True)
        written += write(answer.tables, into)
    if not json:
        for path in written:
            say(f"written: {path}")


def _read(paths: Sequence[Path], negative: Path | None) -> tuple[list[Cohort], list[DefinitionError]]:
    """What can be evaluated, and what is refused, which is told; so is what is doubtful."""
    found, refused = files.read(paths, controls.read(negative) if negative else ())
    for error in refused[:SHOWN]:
        complain(str(error))
    for doubt in [doubt for one in found if isinstance(one, Definition) for doubt in one.doubts][:SHOWN]:
        complain(f"doubtful: {doubt}")
    if not found:
        raise refused[0]
    return found, refused


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found on an edition: members, the steps of each definition where wanted, tables beside them by name."""

    edition: int
    cohorts: Cohorts
    steps: list[list[Step]]
    tables: Mapping[str, pa.Table]
    kept: Renewed | None = None


def _granted(session: Granted, found: Sequence[Cohort], *, by_step: bool) -> Answer:
    """The same under a grant, over what it holds. The log has the definitions in words."""
    done: list[tuple[Cohorts, list[list[Step]]]] = []

    def work(desk: Desk) -> pa.Table:
        answer = evaluate(desk, found)
        done.append((answer, steps(desk, found) if by_step else []))
        names, records, subjects = zip(*files.counted(answer), strict=True)
        return pa.table({"cohort_id": names, "records": records, "subjects": subjects})

    session.steps("\n".join(f"{one.name}: {line}" for one in found for line in told(one, "en")), work)
    return Answer(session.edition.number, *done[0], {})


def _evaluated(
    opened: Workspace,
    session: Session,
    found: Sequence[Cohort],
    beside: Beside,
    *,
    by_step: bool,
    keep: bool,
    quiet: bool,
) -> Answer:
    with bars(quiet=quiet) as progress, session.desk() as desk:
        progress.start("cohorts")
        found = with_members(desk, found, [opened.root / "registries"], lambda name: rulings(opened, name))

        def done(part: int, of: int) -> None:
            progress.advance("cohorts")

        update = renewed(session, desk, found, done=done) if keep else Renewed(evaluate(desk, found, done=done))
        tables = beside.answer(desk, found)
        walked = steps(desk, found) if by_step else []
    return Answer(session.edition.number, update.cohorts, walked, tables, update if keep else None)


def _write_circe(definitions: Sequence[Path], folder: Path, *, json: bool) -> None:
    written = files.write_circe(definitions, folder)
    if not written:
        raise UsageError("no phenotype (.yaml) was named, so there is nothing to write as Circe JSON.")
    if json:
        document({"written": [str(path) for path in written]})
    else:
        say("\n".join(f"written: {path}" for path in written))


def _spoken(language: str) -> None:
    if language not in LANGUAGES:
        raise UsageError(f"there are no words in '{language}'. Say en or zh.")


def _say_words(found: Sequence[Cohort], language: str, *, json: bool) -> None:
    said = {one.name: [str(line) for line in told(one, language)] for one in found}
    if json:
        document(said)
        return
    for one in found:
        say("\n".join([f"{one.name}  {one.title}".rstrip(), *(f"  {line}" for line in said[one.name]), ""]))


def _walks(found: Sequence[Cohort], walked: Sequence[Sequence[Step]]) -> Walks:
    """Of each cohort its steps: what is asked, persons left, and persons who meet it alone."""
    return {
        one.name: [(WALKED[step.kind] or _rule(one, step.rule), step.subjects, step.alone) for step in walk]
        for one, walk in zip(found, walked, strict=False)
        if isinstance(one, Definition)
    }


def _rule(one: Definition, at: int) -> str:
    return " ".join(one.rules[at].name.split()) or f"rule {at + 1}"


def _tell(answer: Answer, refused: Sequence[str], walks: Walks, *, json: bool) -> None:
    counts = files.counted(answer.cohorts)
    if json:
        listed = [
            {"cohort_id": name, "records": records, "subjects": people}
            | ({"steps": [dict(zip(STEP, step, strict=True)) for step in walks[name]]} if name in walks else {})
            for name, records, people in counts
        ]
        tables = {name: rows.to_pylist() for name, rows in answer.tables.items()}
        update = answer.kept and {"looked_at": answer.kept.looked_at, "since": answer.kept.since}
        kept = {"kept": update} if update else {}
        document({"edition": answer.edition, "cohorts": listed, "refused": refused} | kept | tables)
        return
    table(f"Cohorts of edition {answer.edition}", ("cohort", "records", "subjects"), counts)
    if answer.kept is not None:
        say(_update(answer.kept, answer.edition))
    for name, walk in walks.items():
        entered = walk[0][1]
        rows = [
            (step, left, f"{left / entered:.1%}" if entered else "", "" if alone is None else f"{alone:,}")
            for step, left, alone in walk
        ]
        table(f"{name}: persons step by step", ("step", "left", "of those entered", "meet it alone"), rows)


def _update(kept: Renewed, edition: int) -> str:
    """How the members came to be."""
    if kept.since == edition:
        return f"as kept with edition {edition}"
    if kept.since is None:
        return f"kept with edition {edition}"
    return f"kept with edition {edition}: {kept.looked_at:,} persons were looked at, the others as in {kept.since}"
