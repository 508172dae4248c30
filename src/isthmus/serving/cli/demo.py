"""The verb that shows everything at once: demo."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import UsageError
from isthmus.serving.cli.options import Json, Quiet
from isthmus.serving.cli.output import bars, document, program, say, table
from isthmus.serving.cli.serve import listen
from isthmus.serving.demonstration import Demo, demonstrate
from isthmus.serving.firstminute import begin, go_on
from isthmus.serving.page.demo import write

ALL, SERVED = 1200, 400  # people; fewer where somebody waits for the page


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("demo")(demo)


def demo(  # noqa: PLR0917 each parameter is an option of the command line
    folder: Annotated[
        Path, typer.Option("--into", metavar="DIR", help="Where to put it; replaced if a demo is there.")
    ] = Path("demo"),
    hospitals: Annotated[int, typer.Option("--sites", min=1, help="Hospitals.")] = 6,
    patients: Annotated[int | None, typer.Option(min=1, help="People; 1200, or 400 with --serve.")] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same hospitals.")] = 1,
    serve: Annotated[
        bool, typer.Option("--serve", help="Open the workbench at once, and read the exports while it is looked at.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where the workbench listens.")] = 8000,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Simulated hospitals, one command, a published edition, and a page that explains it."""
    try:
        if serve:
            _serve(folder, (hospitals, patients or SERVED, seed), port, quiet=quiet)
            return
        with bars(quiet=quiet or json) as progress:
            shown = demonstrate(folder, hospitals=hospitals, patients=patients or ALL, seed=seed, progress=progress)
    except FileExistsError:
        raise UsageError(f"{folder} holds something that is no demo. Name another folder with --into.") from None
    page = write(shown, folder)
    if json:
        document(_summary(shown, page))
    else:
        _print(shown, page)


def _serve(folder: Path, size: tuple[int, int, int], port: int, *, quiet: bool) -> None:
    """Have the workbench open while the exports are read."""
    hospitals, patients, seed = size
    with bars(quiet=quiet) as progress:
        workspace = begin(folder, hospitals=hospitals, patients=patients, seed=seed, progress=progress)
    listen(workspace.root, "127.0.0.1", port, running=go_on)


def _print(shown: Demo, page: Path) -> None:
    rows = [(one.table, one.expected, one.found, f"{one.recall:.4f}", f"{one.precision:.4f}") for one in shown.scores]
    table("Mapping against the truth", ("table", "expected", "found", "recall", "precision"), rows)
    items = [(one.item, one.told, one.found, f"{one.recall:.4f}", f"{one.precision:.4f}") for one in shown.items]
    table(
        "Texts against the truth: items of notes, damaged lines",
        ("item", "stated", "found", "recall", "precision"),
        items,
    )
    table("Rows read from notes (type 32858)", ("table", "rows"), list(shown.by_text.items()))
    units = shown.mended
    table(
        "Wrong units against the truth",
        ("wrong", "named", "recall", "precision", "mended by rule", "of these true"),
        [(units.wrong, units.found, f"{units.recall:.4f}", f"{units.precision:.4f}", units.mended, units.true)],
    )
    effect = shown.study.effect
    if effect is not None:
        ratio = "{:.2f} ({:.2f} to {:.2f})".format
        ratios = [
            ("as it looks", ratio(*effect.naive)),
            ("adjusted", ratio(*effect.adjusted)),
            ("true", f"{shown.true_ratio:.2f}"),
        ]
        table("Hazard ratio of death, resection against TACE", ("estimate", "ratio (95 %)"), ratios)
    table("Seconds", ("step", "s"), [(name, round(value, 1)) for name, value in shown.seconds.items()])
    say(f"\nLook at {page}\nThen try:")
    if shown.example is not None:
        say(f"  {program()} trace {shown.workspace} {shown.example[0]} {shown.example[1]}")
    say(f"  {program()} registry {shown.workspace} liver --out {shown.registry.folder}")
    for verb in ("quarantine", "unmapped", "editions", "verify"):
        say(f"  {program()} {verb} {shown.workspace}")


def _summary(shown: Demo, page: Path) -> dict[str, object]:
    effect = shown.study.effect
    return {
        "page": str(page), "workspace": str(shown.workspace), "edition": shown.edition.number,
        "tables": shown.edition.tables, "seconds": shown.seconds, "true_hazard_ratio": shown.true_ratio,
        "example": shown.example,
        "effect": None if effect is None else {"naive": effect.naive, "adjusted": effect.adjusted},
        "scores": [
            {"table": one.table, "expected": one.expected, "found": one.found, "agree": one.agree, "recall": one.recall,
             "precision": one.precision} for one in shown.scores
        ],
        "items": [
            {"item": one.item, "stated": one.told, "found": one.found, "right": one.right, "recall": one.recall,
             "precision": one.precision} for one in shown.items
        ],
        "rows_by_text": shown.by_text,
        "units": {**asdict(shown.mended), "recall": shown.mended.recall, "precision": shown.mended.precision},
        "verified": not any(one.faults for one in shown.checks),
    }  # fmt: skip
