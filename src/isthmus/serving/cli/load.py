"""The verb that loads: ingest. It stands apart, for what maps automatically takes its time to load."""

from typing import Annotated

import typer

from isthmus.flow.ingest import ingest
from isthmus.flow.worklist.automatic import follow
from isthmus.flow.workspace import Workspace
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars
from isthmus.serving.cli.work import tell


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("ingest")(ingest_deliveries)


def ingest_deliveries(
    workspace: Where,
    site: Annotated[list[str] | None, typer.Option(help="Only this site (may be repeated).")] = None,
    accepted: Annotated[
        list[str] | None, typer.Option("--accept", metavar="SITE", help="Publish it though its quality got worse.")
    ] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Land new deliveries, map them, and publish an edition."""
    opened = Workspace(workspace)
    with bars(quiet=quiet or json) as progress:
        report = ingest(opened, sites=site or (), accepted=accepted or (), progress=progress)
        follow(opened, report, progress)
    tell(opened, report, json=json)
