"""The verb about pathways: the steps of a guideline against what was really done."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from isthmus.apps.pathways.evaluate import evaluate
from isthmus.apps.pathways.pack import Pack
from isthmus.apps.pathways.reader import load
from isthmus.apps.pathways.report import Report, report
from isthmus.base.errors import RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.desk import Desk
from isthmus.gate.office.session import Granted
from isthmus.gate.session import open_session
from isthmus.research.registries.aside import left_out
from isthmus.serving.cli.acting import As, Grant, Purpose, granted_session
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, document, say, table
from isthmus.serving.pathways.write import told, write

RULES = ("rule", "share met", "met", "violated", "with reason", "not assessable", "not applicable")
Out = Annotated[Path | None, typer.Option(metavar="DIR", help="Write pages, tables and evidence.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("pathway")(pathway)


def pathway(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A pathway that comes along, or a file.")],
    out: Out = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    grant: Grant = "", purpose: Purpose = "", by: As = "", quiet: Quiet = False, json: Json = False,
) -> None:  # fmt: skip
    """Hold an edition against a clinical pathway: met, violated, not applicable, not assessable.

    A pack is a YAML file; docs/reference/pathway.md tells what is in it. Under a grant it is judged by what the grant
    holds; how often what became of each rule is told, and nothing is written. Who refused or
    withdrew is left out, and whose case was refuted.
    """
    if grant and out is not None:
        raise RefusedError(
            "answers are not written to files, nor kept. What shall leave is asked for with `isthmus release`."
        )
    opened = Workspace(workspace)
    read = load(pack, [opened.root / "pathways"])
    if grant:
        _tell_granted(opened, granted_session(opened, grant, by, kind=purpose, edition=edition), read, json=json)
        return
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    without = left_out(opened, None, *read.cases)
    with bars(quiet=quiet or json) as progress, session.desk() as desk:
        progress.start("pathway")
        found = report(evaluate(desk, read, without=without), session.edition.number)
    written = write(found, out, synthetic=opened.synthetic) if out is not None else []
    if json:
        document(told(found))
        return
    _tell(found)
    if written:
        say(f"written: {out}")


def _tell_granted(opened: Workspace, session: Granted, pack: Pack, *, json: bool) -> None:
    """Judge it by what the grant holds, without those who refused or withdrew; numbers are told, and no row."""
    without = left_out(opened, session, *pack.cases)
    done: list[tuple[Report, Mapping[str, Sequence[str]]]] = []

    def work(desk: Desk) -> pa.Table:
        found = report(evaluate(desk, pack, without=without), session.edition.number)
        done.append((found, desk.lacking))
        return pa.Table.from_pylist([{"rule": one.rule.name, **one.states} for one in found.rules])

    session.steps(f"pathway {pack.name} {pack.version} ({pack.digest})", work, sparse=True)
    found, lacking = done[0]
    if json:
        document(told(found) | {"lacking": lacking})
        return
    _tell(found)
    table("Read as empty: the grant does not hold it", ("table", "columns"), [
        (name, ", ".join(columns)) for name, columns in lacking.items()
    ])  # fmt: skip


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
