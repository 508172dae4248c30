"""The verb that answers a question under a grant: ask."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.session import open_granted
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

SHOWN = 50  # rows that are shown on a screen


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("ask")(ask)


def ask(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    grant: Annotated[str, typer.Option(help="The grant, as GR…; `isthmus use list` shows yours.")],
    by: As,
    sql: Annotated[str, typer.Option(help="One SELECT over the tables of the grant.")],
    purpose: Annotated[str, typer.Option(help="The kind of purpose, if the grant has several, as HMB.")] = "",
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Refused: results leave by a release.")] = None,
    json: Json = False,
) -> None:
    """Answer a question under a grant. What is shown is for whoever asks; what leaves goes through a release."""
    if out is not None:
        raise RefusedError("answers are not written to files. What shall leave is asked for with `isthmus release`.")
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "ask")
    session = open_granted(office, opened.lake, person, grant, kind=purpose, edition=edition)
    rows = session.sql(sql)
    listed = rows.to_pylist()
    if json:
        document({"edition": session.edition.number, "rows": listed})
        return
    shown = [tuple(str(value) if value is not None else None for value in row.values()) for row in listed[:SHOWN]]
    table(f"Answer from edition {session.edition.number}", rows.column_names, shown)
    if len(listed) > SHOWN:
        say(f"{len(listed) - SHOWN:,} more rows; --json shows all.")
