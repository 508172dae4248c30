"""The verb that holds what is stored against what was written: verify."""

import typer

from isthmus.flow.verify import Finding, demand
from isthmus.flow.verify import verify as verify_workspace
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.trail import proved
from isthmus.gate.office.vault import WITNESSES
from isthmus.gate.office.witnesses import Standing, standing
from isthmus.serving.cli.acting import office_of
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, complain, document, say, table


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("verify")(verify)


def verify(workspace: Where, quiet: Quiet = False, json: Json = False) -> None:
    """Prove landing, lake, editions, records and log against each other."""
    with bars(quiet=quiet or json) as progress:
        opened = Workspace(workspace)
        findings = verify_workspace(opened, progress=progress)
    office = office_of(opened)
    if office.keys.exists() or office.ledger.exists():
        looked_at, faults = proved(office)
        findings.append(Finding("every act is in the log, and the log holds", looked_at, tuple(faults)))
        if (office.keys / WITNESSES).exists() and not faults:
            findings.append(_witnessed(standing(office)))
    if json:
        document({"holds": not any(one.faults for one in findings), "checks": findings})
    else:
        table("Verify", ("check", "looked at", "result"), [(one.check, one.looked_at, _said(one)) for one in findings])
        for one in findings:
            for note in one.notes:
                say(f"  {note}")
            for fault in one.faults[:20]:
                complain(f"  {fault}")
    demand(findings)


def _witnessed(found: Standing) -> Finding:
    signed = ", ".join(found.signed) or "nobody yet"
    return Finding(f"entries that witnesses have signed, of {found.published}: {signed}", found.witnessed, ())


def _said(one: Finding) -> str:
    if one.faults:
        return f"{len(one.faults)} fault(s)"
    return "holds, but for the source's own" if one.notes else "holds"
