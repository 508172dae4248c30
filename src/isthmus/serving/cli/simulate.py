"""The verb that makes exports of hospitals that never were: simulate."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.serving.cli.options import Json, Quiet
from isthmus.serving.cli.output import bars, document, say
from isthmus.simulation import simulate


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("simulate")(simulate_exports)


def simulate_exports(  # noqa: PLR0917 each parameter is an option of the command line
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder for the exports.")],
    sites: Annotated[int, typer.Option(min=1, help="Hospitals.")] = 6,
    patients: Annotated[int, typer.Option(min=1, help="People.")] = 1200,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 1,
    clean: Annotated[bool, typer.Option("--clean", help="Without the errors that hospitals make.")] = False,
    pathways: Annotated[bool, typer.Option("--pathways", help="Steps of a guideline are missed, with truth.")] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write exports of hospitals that never were, in several dialects, with the truth beside them."""
    with bars(quiet=quiet or json) as progress:
        summary = simulate(
            folder, sites=sites, patients=patients, seed=seed, progress=progress, clean=clean, pathways=pathways
        )
    if json:
        document(summary)
    else:
        say(f"{folder}/exports holds {sites} sites, {folder}/truth what is true of them.")
