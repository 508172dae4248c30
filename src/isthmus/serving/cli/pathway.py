"""The verb about pathways: the steps of a guideline against what was really done."""

from pathlib import Path
from typing import Annotated

import typer

from isthmus.apps.pathways.evaluate import evaluate
from isthmus.apps.pathways.reader import load
from isthmus.apps.pathways.report import Report, report
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, document, say, table
from isthmus.serving.pathways.write import told, write

RULES = ("rule", "share met", "met", "violated", "with reason", "not assessable", "not applicable")
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Write pages, tables and evidence.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("pathway")(pathway)


def pathway(
    workspace: Where,
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A pathway that comes along, or a file.")],
    out: Out = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Hold an edition against a clinical pathway: met, violated, not applicable, not assessable.

    A pack is a YAML file; docs/reference/pathway.md tells what is in it.
    """
    opened = Workspace(workspace)
    read = load(pack, [opened.root / "pathways"])
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    with bars(quiet=quiet or json) as progress, session.desk() as desk:
        progress.start("pathway")
        found = report(evaluate(desk, read), session.edition.number)
    written = write(found, out, synthetic=opened.synthetic) if out is not None else []
    if json:
        document(told(found))
        return
    _tell(found)
    if written:
        say(f"written: {out}")


def _tell(found: Report) -> None:
    pack = found.evaluation.pack
    said = f"{pack.titles['en']}: {len(found.patients):,} on the pathway, edition {found.edition}"
    rows = [
        (
            one.rule.names["en"], "" if one.share is None else f"{one.share:.1%}", one.states["met"],
            one.states["violated"], one.justified, one.states["not assessable"], one.states["not applicable"],
        )
        for one in found.rules
    ]  # fmt: skip
    table(said, RULES, rows)
    causes = [(one.rule.names["en"], cause, n) for one in found.rules for cause, n in sorted(one.causes.items())]
    if causes:
        table("Not assessable, because", ("rule", "cause", "patients"), causes)
    names = {one.number: one.names["en"] for one in pack.steps.values()}
    variants = [
        (" → ".join(names[step] for step in one.path) or "none recorded", one.n, one.deaths, _share(one.alive[0]))
        for one in found.variants
    ]
    table("Orders of treatment (survival crude)", ("order", "patients", "deaths", "alive after 1 year"), variants)


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"
