"""Arguments and options that several verbs share."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]
Where = Annotated[Path, typer.Argument(metavar="WS", help="The workspace's folder.")]
