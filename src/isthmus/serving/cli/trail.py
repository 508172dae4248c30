"""The verb that shows what was done under the eyes of the gate: log."""

from typing import Annotated

import typer

from isthmus.base.errors import UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import trail
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("log")(log)


def log(
    workspace: Where,
    by: As,
    grant: Annotated[str, typer.Option(help="Everything done under this grant.")] = "",
    person: Annotated[int | None, typer.Option(help="Who could read data about this person of the lake.")] = None,
    json: Json = False,
) -> None:
    """What was done: by everybody, under a grant, or with data about a person. `isthmus verify` proves it."""
    if grant and person is not None:
        raise UsageError("choose one of --grant and --person.")
    opened = Workspace(workspace)
    office = office_of(opened)
    account = actor(office, by, "log")
    if person is not None:
        found, title = trail.about(office, opened.lake, person, by=account), "Questions that could read of this person"
    elif grant:
        found, title = trail.under(office, grant, by=account), "Done under this grant"
    else:
        found, title = trail.everything(office, by=account), "Done"
    if json:
        document([one.plain() for one in found])
        return
    rows = [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.person, one.kind, one.act, one.said, one.entry) for one in found]
    table(title, ("at (UTC)", "person", "about", "act", "said", "entry in the log"), rows)
    say("`isthmus verify` proves that nothing of it was altered or taken away.")
