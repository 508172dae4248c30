"""The verb about units of measurement: what the detector proposes, and what a person says to it."""

from dataclasses import asdict
from typing import Annotated

import typer

from isthmus.base.errors import UsageError
from isthmus.flow import units as flow
from isthmus.flow.units import RULE, Proposal
from isthmus.flow.workspace import Workspace
from isthmus.serving.cli.options import Json, Where, user
from isthmus.serving.cli.output import document, say, table

COLUMNS = ("id", "site", "analyte", "family", "action", "rows", "factor", "confidence", "state", "evidence")


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("units")(units)


def units(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    confirm: Annotated[list[int] | None, typer.Option(metavar="ID", help="A proposal that is right.")] = None,
    refuse: Annotated[list[int] | None, typer.Option(metavar="ID", help="A proposal that is wrong.")] = None,
    revoke: Annotated[list[int] | None, typer.Option(metavar="ID", help="Take back what was said of it.")] = None,
    rule: Annotated[
        bool, typer.Option("--rule", help="Confirm what a rule may: units, scales and typed ranges, at 0.99 or more.")
    ] = False,
    author: Annotated[str | None, typer.Option(help="Who decides; the user of the machine if not given.")] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    json: Json = False,
) -> None:
    """Results in a wrong unit, at a wrong scale, of another test: what is proposed, and decisions about it.

    Nothing changes before the next ingest. The original number stays in table `repair`.
    """
    opened = Workspace(workspace)
    findings, _ = flow.found(opened)
    listed = flow.stated(opened, findings, site=site)
    who = author or user()
    made = 0
    if confirm or refuse:
        flow.decide(opened, listed, confirm=confirm or (), refuse=refuse or (), author=who, reason=reason)
        made += len({*(confirm or ()), *(refuse or ())})
    if revoke:
        made += _revoke(opened, listed, revoke, author=who, reason=reason)
    if rule:
        chosen = flow.chosen_by_rule(findings, listed)
        flow.decide(opened, listed, confirm=chosen, author=who, reason=reason or RULE, how="automatic")
        made += len(chosen)
    shown = flow.stated(opened, findings, site=site) if made else listed
    if json:
        document({"decided": made, "proposals": [asdict(one) for one in shown]})
        return
    _print(shown)
    if made:
        say(f"{made} decided. Carry it out: isthmus ingest {workspace}")


def _revoke(
    opened: Workspace, listed: list[Proposal], chosen: list[int], *, author: str, reason: str
) -> int:  # fmt: skip
    decided = {one.proposal_id: one.decision_id for one in listed}
    for one in chosen:
        decision = decided.get(one)
        if decision is None:
            raise UsageError(f"nothing was decided about proposal {one}, so nothing can be taken back.")
        opened.decisions.revoke(decision, author=author, reason=reason)
    return len(chosen)


def _print(shown: list[Proposal]) -> None:
    if not shown:
        say("No result looks as if its unit, scale or range were another than it says.")
        return
    rows = [
        (str(one.proposal_id), one.site, f"{one.analyte} in {one.unit}", one.family, one.action, one.rows,
         f"{one.factor:g}", f"{one.confidence:.3f}", one.state, one.evidence)
        for one in shown
    ]  # fmt: skip
    table("Units", COLUMNS, rows)
