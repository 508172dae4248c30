"""The verb for when something goes wrong: incident."""

import hashlib
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import incidents, pack
from isthmus.gate.office.affected import Affected, affected
from isthmus.gate.office.incidents import Incident
from isthmus.gate.office.notices import drafts
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

IncidentId = Annotated[str, typer.Argument(metavar="INCIDENT", help="The incident, as IN….")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="A new folder.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="When something goes wrong: record, reach, contain, notify, prove.")
    group.command("open")(begin)
    group.command("list")(list_incidents)
    group.command("show")(show)
    group.command("contain")(contain)
    group.command("notify")(notify)
    group.command("evidence")(evidence)
    group.command("close")(close)
    app.add_typer(group, name="incident")


def begin(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    by: As,
    kind: Annotated[str, typer.Option(help=f"One of {', '.join(incidents.KINDS)}.")],
    what: Annotated[str, typer.Option(help="What happened, without data of patients.")],
    grant: Annotated[list[str], typer.Option(help="A grant that it is about; may be given again.")] = [],  # noqa: B006 typer copies it
    since: Annotated[str, typer.Option(help="From when it may have happened, UTC; now if not said.")] = "",
    until: Annotated[str, typer.Option(help="Until when, UTC; now if not said.")] = "",
    drill: Annotated[bool, typer.Option("--drill", help="An exercise: everything but the suspension.")] = False,
    json: Json = False,
) -> None:
    """Record an incident, or begin a drill."""
    office, person, _ = _acting(workspace, by)
    said = {"kind": kind, "what": what, "grants": grant, "since": _moment(since), "until": _moment(until),
            "drill": drill}  # fmt: skip
    with office.open():
        held = incidents.begin(office, person, said)
    if json:
        document(_told(held))
        return
    say(f"{'Drill' if drill else 'Incident'} {held.id} is open. Next: `isthmus incident contain`, then `show`.")


def list_incidents(workspace: Where, by: As, json: Json = False) -> None:
    """All incidents and drills."""
    office, _, _ = _acting(workspace, by)
    found = [_told(one) for one in incidents.incidents(office)]
    if json:
        document(found)
        return
    names = ("incident", "state", "kind", "drill", "opened", "what")
    table("Incidents", names, [tuple(str(one[name]) for name in names) for one in found])


def show(workspace: Where, incident: IncidentId, by: As, json: Json = False) -> None:
    """An incident, what was done about it, and what it may have reached: counted from the log."""
    office, _, opened = _acting(workspace, by)
    with office.open():
        held = incidents.incident(office, incident)
        reached = affected(office, opened.lake, held)
    acts = [{"at": one.at, "act": one.act, "person": one.person, "entry": one.entry} for one in held.acts]
    if json:
        document({**_told(held), "affected": asdict(reached), "acts": acts})
        return
    table(f"Incident {held.id}", ("", ""), [(name, str(value)) for name, value in _told(held).items()])
    table("May have reached", ("", ""), [(name, _shown(value)) for name, value in asdict(reached).items()])
    table("Acts", ("at (UTC)", "act", "person", "entry in the log"), [tuple(map(str, one.values())) for one in acts])


def contain(
    workspace: Where,
    incident: IncidentId,
    by: As,
    role: Annotated[str, typer.Option(help="In which of your roles, if you have several.")] = "",
    json: Json = False,
) -> None:
    """Suspend the grants of an incident at once. A drill says what would be suspended."""
    office, person, _ = _acting(workspace, by)
    with office.open():
        told = incidents.contain(office, incidents.incident(office, incident), person, role=role)
    if json:
        document(told)
        return
    table("Grants of the incident", ("grant", "now"), sorted(told.items()))


def notify(workspace: Where, incident: IncidentId, by: As, out: Out, json: Json = False) -> None:
    """Write drafts of notices, English and Chinese: authority, hospitals, persons. Nothing is sent."""
    office, person, opened = _acting(workspace, by)
    if out.exists():
        raise InputError(f"{out} is there already. Name a new folder.")
    with office.open():
        held = incidents.incident(office, incident)
        made = drafts(held, affected(office, opened.lake, held))
        incidents.notify(office, held, person, {name: hashlib.sha256(one).hexdigest() for name, one in made.items()})
    for name, one in made.items():
        with replaced(out / name) as stream:
            stream.write(one)
    if json:
        document({"incident": held.id, "drafts": sorted(made), "sent": False})
    else:
        say(f"{len(made)} drafts lie in {out}. Nothing was sent: complete what is in brackets, then send it.")


def evidence(workspace: Where, incident: IncidentId, by: As, out: Out, json: Json = False) -> None:
    """Write an evidence pack: the incident's acts and everything done under its grants, each with its proof."""
    office, person, opened = _acting(workspace, by)
    with office.open():
        held = incidents.incident(office, incident)
        reached = affected(office, opened.lake, held)
        made = pack.write(
            office, incidents.everything(office, held, reached.grants), out, by=person, about=held.id,
            more={"affected.json": _json(reached), **drafts(held, reached)},
        )  # fmt: skip
    if json:
        document({"incident": held.id, "pack": made.id, "acts": made.acts})
    else:
        say(f"{made.acts} acts with their proofs lie in {out}. README.md in it says how to check them.")


def close(
    workspace: Where,
    incident: IncidentId,
    by: As,
    reason: Annotated[str, typer.Option(help="What was found and done.")],
    json: Json = False,
) -> None:
    """Close an incident."""
    office, person, _ = _acting(workspace, by)
    with office.open():
        held = incidents.close(office, incidents.incident(office, incident), person, reason)
    if json:
        document(_told(held))
    else:
        say(f"{held.id} is closed. Grants stay as they are: `isthmus use resume` or `revoke` them.")


def _acting(workspace: Path, by: str) -> tuple[Office, Account, Workspace]:
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "log")
    incidents.demand(person)
    return office, person, opened


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        raise InputError(f"'{text}' is no moment, as 2026-11-28T08:00. Correct it.") from None
    if found is not None and found.tzinfo is not None:
        raise InputError("moments are in UTC and name no zone. Leave the zone out.")
    return found


def _told(held: Incident) -> dict[str, Any]:
    since, until = held.span
    return {
        "incident": held.id, "state": held.state, "kind": held.body["kind"], "drill": held.drill,
        "opened": held.acts[0].at.isoformat(sep=" ", timespec="seconds"), "what": held.body["what"],
        "since": since.isoformat(sep=" "), "until": until.isoformat(sep=" "), "grants": list(held.grants),
    }  # fmt: skip


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else " ".join(value) or "-"


def _json(reached: Affected) -> bytes:
    return orjson.dumps(asdict(reached), option=orjson.OPT_INDENT_2)
