"""Arguments and options that several verbs share."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import UsageError

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Where = Annotated[Path, typer.Argument(metavar="WS", help="The workspace's folder.")]


def user() -> str:
    """Who runs the command, as the operating system says. Raises UsageError where it does not."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UsageError("the operating system does not say who you are. Name yourself with --author.") from None
