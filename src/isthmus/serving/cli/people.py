"""The verb about who may act: people."""

import getpass
import sys
from typing import Annotated, Any

import typer

from isthmus.base.errors import UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import federated, people
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account.")]
Scope = Annotated[list[str], typer.Option("--scope", help=f"Of the token: {', '.join(people.SCOPES)}.")]
Days = Annotated[int, typer.Option(help="How long the token holds.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="Who may act in a workspace: accounts, roles, tokens.")
    group.command("add")(add)
    group.command("list")(list_people)
    group.command("token")(token)
    group.command("second")(second)
    group.command("disable")(disable)
    group.command("bind")(bind)
    group.command("unbind")(unbind)
    app.add_typer(group, name="people")


def add(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    name: Name,
    role: Annotated[list[str], typer.Option(help="A role; may be given again.")] = [],  # noqa: B006 typer copies it
    site: Annotated[list[str], typer.Option(help="A site that a steward speaks for.")] = [],  # noqa: B006 typer copies it
    person: Annotated[
        list[int], typer.Option("--person", metavar="NUMBER", help="Whose account a patient's or delegate's is.")
    ] = [],  # noqa: B006 typer copies it
    scope: Scope = [],  # noqa: B006 typer copies it
    days: Days = 30,
    by: As = "",
    json: Json = False,
) -> None:
    """Add an account. The first is an administrator's, added by who operates the folder; later ones by one of them.

    On a terminal a password is asked for; with --scope a token is given, once.
    """
    office = office_of(Workspace(workspace))
    adding = actor(office, by, "people") if by else None
    password = _new_password(name)
    if password is None and not scope:
        raise UsageError(f"{name} could not act: give a token with --scope, or run this on a terminal.")
    with office.open():
        made = people.add(office, name, role, site, password, by=adding, persons=person)
        given = people.token(office, name, scope, days, by=made) if scope else None
    if json:
        document({"name": name, "actor": made.actor, "roles": made.roles, "sites": made.sites, "token": given})
        return
    say(f"{name} is {made.actor} in the log; roles: {', '.join(made.roles)}.")
    if given:
        say(f"Token, shown this once: {given}")


def list_people(workspace: Where, json: Json = False) -> None:
    """All accounts, with their roles."""
    office = office_of(Workspace(workspace))
    found: list[dict[str, Any]] = [
        {
            "name": one.name, "roles": one.roles, "sites": one.sites, "in_use": people.is_in_use(office, one),
            "actor": one.actor,
        }
        for one in office.accounts.all()
    ]  # fmt: skip
    if json:
        document(found)
        return
    rows = [
        (one["name"], " ".join(one["roles"]), " ".join(one["sites"]), "yes" if one["in_use"] else "no", one["actor"])
        for one in found
    ]
    table("People", ("name", "roles", "sites", "in use", "in the log"), rows)


def token(workspace: Where, name: Name, scope: Scope, by: As, days: Days = 30, json: Json = False) -> None:
    """Give an account a token, shown once. An administrator does it, or the account itself."""
    office = office_of(Workspace(workspace))
    person = actor(office, by, "people")
    with office.open():
        given = people.token(office, name, scope, days, by=person)
    if json:
        document({"name": name, "token": given})
    else:
        say(f"Token, shown this once: {given}")


def second(
    workspace: Where,
    by: As,
    off: Annotated[
        str, typer.Option(metavar="NAME", help="An account that has lost its own, for an administrator.")
    ] = "",
    json: Json = False,
) -> None:
    """Ask your account for the code of an authenticator app, beside its password, from now on. Tokens need none."""
    office = office_of(Workspace(workspace))
    person = actor(office, by, "people")
    with office.open():
        if off:
            people.unenrol(office, off, by=person)
        link = None if off else people.enrol(office, person)
    if json:
        document({"name": off or person.name, "link": link})
    else:
        say(f"{off} is asked for no code." if off else f"Give this to your authenticator app, it is shown once: {link}")


def disable(workspace: Where, name: Name, by: As, json: Json = False) -> None:
    """Let an account act no more, at once."""
    office = office_of(Workspace(workspace))
    person = actor(office, by, "people")
    with office.open():
        people.disable(office, name, by=person)
    if json:
        document({"name": name, "in_use": False})
    else:
        say(f"{name} acts no more; its tokens are gone.")


def bind(
    workspace: Where, name: Name, by: As,
    issuer: Annotated[str, typer.Option(help="The provider that signs them in, as https://sso.example.org.")],
    subject: Annotated[str, typer.Option(help="What the provider calls them (`sub`). It is kept as a hash.")],
) -> None:  # fmt: skip
    """Let who signs in elsewhere, by OpenID Connect, act as an account. For administrators."""
    office = office_of(Workspace(workspace))
    with office.open():
        federated.bind(office, name, issuer, subject, by=actor(office, by, "people"))
    say(f"who {issuer} calls so acts as {name} from now on.")


def unbind(workspace: Where, name: Name, by: As) -> None:
    """Let nobody who signs in elsewhere act as an account any more. For administrators."""
    office = office_of(Workspace(workspace))
    with office.open():
        count = people.unbind(office, name, by=actor(office, by, "people"))
    say(f"{count} who acted as {name} from elsewhere do so no more.")


def _new_password(name: str) -> str | None:
    """A password typed twice; None where there is no terminal, or nothing was typed."""
    if not sys.stdin.isatty():
        return None
    first = getpass.getpass(f"New password of {name} (empty: none): ")
    if first and first != getpass.getpass("Again: "):
        raise UsageError("the two passwords differ. Try again.")
    return first or None
