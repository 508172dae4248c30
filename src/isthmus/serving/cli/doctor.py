"""The verb that says what is missing or misconfigured, and how to mend it."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import InputError
from isthmus.serving.cli.options import Json
from isthmus.serving.cli.output import document, table
from isthmus.serving.doctor import examine


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("doctor")(doctor)


def doctor(
    workspace: Annotated[Path | None, typer.Argument(metavar="[WS]", help="Also look at this workspace.")] = None,
    json: Json = False,
) -> None:
    """Say what is missing or misconfigured, and how to mend it."""
    lines = examine(workspace)
    if json:
        document(lines)
    else:
        table(
            "Doctor",
            ("", "subject", "found", "what to do"),
            [(one.state, one.subject, one.found, one.mend) for one in lines],
        )
    wrong = [one.subject for one in lines if one.state == "fail"]
    if wrong:
        raise InputError(f"not in order: {', '.join(wrong)}. Do what is said of each, then look again.")
