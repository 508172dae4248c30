"""The verb about uses of data: from an application to a grant and its end, one verb for each act."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.base.clock import now
from isthmus.base.errors import InputError
from isthmus.flow.workspace import Workspace
from isthmus.gate.committee.event import acts
from isthmus.gate.office import cases, written
from isthmus.gate.office.cases import File
from isthmus.gate.office.prepared import brought_up
from isthmus.gate.use.match import Match
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

CaseId = Annotated[str, typer.Argument(metavar="CASE", help="The case, as AP….")]
Role = Annotated[str, typer.Option(help="In which of your roles, if you have several.")]
Reason = Annotated[str, typer.Option(help="Why.")]
Sites = Annotated[list[str], typer.Option("--site", help="A site; may be given again.")]
PLAIN = ("withdraw", "return", "grant", "reject")
ABOUT_SITES = ("clear", "veto", "suspend", "resume", "revoke")


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="Uses of data: apply, decide, grant, suspend, revoke.")
    group.command("apply")(apply)
    group.command("list")(list_uses)
    group.command("show")(show)
    for name in ("submit", "amend"):
        group.command(name, help=_help(name))(_handing(name))
    group.command("match", help=_help("match"))(match)
    group.command("vote", help=_help("vote"))(vote)
    group.command("shorten", help=_help("shorten"))(shorten)
    for name in PLAIN:
        group.command(name, help=_help(name))(_plainly(name))
    for name in ABOUT_SITES:
        group.command(name, help=_help(name))(_of_sites(name))
    group.command("prepare")(prepare)
    app.add_typer(group, name="use")


def apply(
    workspace: Where,
    application: Annotated[Path, typer.Argument(metavar="APPLICATION.yaml", help="What is wanted, for what.")],
    by: As,
    json: Json = False,
) -> None:
    """Hand in an application; its case is opened."""
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "use")
    body = written.read(application)
    _demand_sites(opened, body)
    with office.open():
        name = cases.apply(office, person, body)
    if json:
        document({"case": name})
    else:
        say(f"Case {name} is open. Next: the platform compares conditions with `isthmus use match`.")


def list_uses(workspace: Where, by: As, json: Json = False) -> None:
    """All cases and grants."""
    office = office_of(Workspace(workspace))
    actor(office, by, "use")
    found = [_told(one) for one in cases.files(office)]
    if json:
        document(found)
        return
    names = ("case", "applicant", "phase", "grant", "standing", "until")
    table("Uses", names, [tuple(str(one[name] or "") for name in names) for one in found])


def show(workspace: Where, case: CaseId, by: As, json: Json = False) -> None:
    """One case: what is asked for, what was done, and where it stands."""
    office = office_of(Workspace(workspace))
    actor(office, by, "use")
    held = cases.file(office, case)
    done = [
        {"number": one.number, "at": one.at, "act": one.act, "person": one.person, "role": one.role,
         "reason": one.body.get("reason", "")}
        for one in held.acts
    ]  # fmt: skip
    if json:
        document({**_told(held), "application": _last(held), "answers": dict(held.case.answers), "acts": done})
        return
    table(f"Case {held.id}", ("", ""), [(name, str(value or "")) for name, value in _told(held).items()])
    asked = [(name, _worded(value)) for name, value in _last(held).items()]
    table("Application", ("", ""), asked)
    table("Sites", ("site", "conditions"), sorted(held.case.answers.items()))
    rows = [(one["number"], f"{one['at']:%Y-%m-%d %H:%M}", one["act"], one["person"], one["role"], one["reason"])
            for one in done]  # fmt: skip
    table("Acts", ("", "at (UTC)", "act", "person", "role", "reason"), rows)


def prepare(
    workspace: Where,
    grants: Annotated[list[str] | None, typer.Argument(metavar="[GRANT]…", help="Grants, as GR….")] = None,
    json: Json = False,
) -> None:
    """Move the dates of the newest edition once for a grant, so that its questions need not: for who runs the folder.

    Without a grant: for all for which it was done before. Takes disk for a copy of the granted columns of tables with
    dates. What was made for grants that are over is thrown away.
    """
    opened = Workspace(workspace)
    office = office_of(opened)
    found = brought_up(office, opened.lake, [office.named(one, "GR") for one in grants or ()])
    told = [{"grant": name, "made": one.made, "files": one.files, "bytes": one.size} for name, one in found.items()]
    if json:
        document(told)
        return
    table("Prepared", ("grant", "made now", "files", "bytes"), [tuple(map(str, one.values())) for one in told])


def match(workspace: Where, case: CaseId, by: As, role: Role = "", json: Json = False) -> None:
    """Compare the purpose with each site's conditions: yes, no, or a person decides."""
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "use")
    stated = {site.name: written.conditions(site.name, site.conditions) for site in opened.sites()}
    with office.open():
        held = cases.file(office, case)
        found = cases.answers(held, stated)
        body = {"answers": {site: one.answer for site, one in found.items()}, "reasons": _reasons(found)}
        cases.do(office, held, person, "match", body, role=role)
    if json:
        document(body)
        return
    rows = [(site, one.about, one.answer, one.why, one.next) for site in found for one in found[site].reasons]
    table(f"Conditions and the purpose of {held.id}", ("site", "about", "answer", "why", "next"), rows)


def vote(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    case: CaseId,
    favour: Annotated[bool, typer.Option("--yes/--no", help="In favour, or against.")],
    by: As,
    reason: Reason = "",
    role: Role = "",
    json: Json = False,
) -> None:
    """Vote on a case."""
    _do(workspace, case, by, "vote", {"favour": favour, "reason": reason}, (role, json))


def shorten(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    case: CaseId,
    until: Annotated[str, typer.Option(help="The new end, a day in UTC.")],
    by: As,
    reason: Reason = "",
    role: Role = "",
    json: Json = False,
) -> None:
    """Bring the end of a grant forward."""
    body = {"until": written.moment(until).isoformat(), "reason": reason}
    _do(workspace, case, by, "shorten", body, (role, json))


def _plainly(act: str) -> Callable[..., None]:
    def plainly(
        workspace: Where, case: CaseId, by: As, reason: Reason = "", role: Role = "", json: Json = False
    ) -> None:
        _do(workspace, case, by, act, {"reason": reason}, (role, json))

    return plainly


def _of_sites(act: str) -> Callable[..., None]:
    def of_sites(  # noqa: PLR0917 each parameter is an option of the command line
        workspace: Where,
        case: CaseId,
        by: As,
        reason: Reason = "",
        site: Sites = [],  # noqa: B006 typer copies it
        role: Role = "",
        json: Json = False,
    ) -> None:
        _do(workspace, case, by, act, {"reason": reason, "sites": sorted(site)}, (role, json))

    return of_sites


def _handing(act: str) -> Callable[..., None]:
    def handing(
        workspace: Where,
        case: CaseId,
        application: Annotated[Path, typer.Argument(metavar="APPLICATION.yaml")],
        by: As,
        role: Role = "",
        json: Json = False,
    ) -> None:
        body = written.read(application)
        _demand_sites(Workspace(workspace), body)
        _do(workspace, case, by, act, {"application": body}, (role, json))

    return handing


def _do(workspace: Path, case: str, by: str, act: str, body: Mapping[str, Any], how: tuple[str, bool]) -> None:
    """One act in a case, in a role (or none named), told as JSON or in words."""
    office = office_of(Workspace(workspace))
    person = actor(office, by, "use")
    role, json = how
    with office.open():
        held = cases.file(office, case)
        cases.do(office, held, person, act, body, role=role)
        held = cases.file(office, held.id)
    told = _told(held)
    if json:
        document(told)
        return
    said = f" Grant {told['grant']}: {told['standing']}, until {told['until']}." if told["grant"] else ""
    say(f"Done; case {held.id} is {held.case.phase}.{said}")


def _told(held: File) -> dict[str, Any]:
    grant = held.case.grant
    return {
        "case": held.id,
        "applicant": held.asked.applicant,
        "phase": held.case.phase,
        "votes": f"{sum(held.case.votes.values())} of {len(held.case.votes)} in favour" if held.case.votes else None,
        "grant": grant.id if grant else None,
        "standing": held.case.standing(now()) if grant else None,
        "sites": " ".join(sorted(grant.open_sites)) if grant else None,
        "until": grant.until.isoformat(sep=" ") if grant else None,
    }


def _last(held: File) -> dict[str, Any]:
    handed = [one.body["application"] for one in held.acts if "application" in one.body]
    return dict(handed[-1])


def _worded(value: Any) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{name}: {_worded(one)}" for name, one in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)


def _reasons(found: Mapping[str, Match]) -> dict[str, list[str]]:
    return {site: [f"{one.about}: {one.answer}, {one.why}" for one in match.reasons] for site, match in found.items()}


def _demand_sites(opened: Workspace, body: Mapping[str, Any]) -> None:
    known = {site.name for site in opened.sites()}
    asked = body.get("sites", [])
    if isinstance(asked, list) and (unknown := sorted({str(one) for one in asked} - known)):
        raise InputError(f"there is no site '{unknown[0]}' here; there are {', '.join(sorted(known)) or 'none'}.")


def _help(act: str) -> str:
    found = acts()[act]
    return f"For a {' or a '.join(sorted(found.roles))} who {found.does}." + (
        " Needs --reason." if found.reason else ""
    )
