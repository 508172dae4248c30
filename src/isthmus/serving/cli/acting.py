"""Who acts: the account that a command is run as, shown by a token or a password."""

import getpass
import os
import sys
from typing import Annotated

import typer

from isthmus.base.errors import RefusedError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.people import known
from isthmus.gate.office.session import Granted, open_granted
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account

TOKEN = "ISTHMUS_TOKEN"
As = Annotated[str, typer.Option("--as", metavar="NAME", help=f"Your account; {TOKEN} holds its token.")]
Grant = Annotated[str, typer.Option(help="The grant, where patients are real, as GR….")]
Purpose = Annotated[str, typer.Option(help="The kind of purpose, if the grant has several, as HMB.")]


def office_of(opened: Workspace) -> Office:
    """The office of a workspace."""
    return Office(opened.root, opened.records, opened.settings)


def granted_session(opened: Workspace, grant: str, by: str, *, kind: str, edition: int | None) -> Granted:
    """A session of the account `by`, which has to show itself, under a grant."""
    office = office_of(opened)
    return open_granted(office, opened.lake, actor(office, by, "ask"), grant, kind=kind, edition=edition)


def actor(office: Office, name: str, scope: str) -> Account:
    """The account of this name, if whoever runs the command shows to be it. Raises RefusedError otherwise."""
    if not name:
        raise UsageError("say who you are: add `--as NAME`.")
    shown = os.environ.get(TOKEN)
    password, code = None, ""
    if not shown:
        if not sys.stdin.isatty():
            raise RefusedError(f"nothing shows that you are {name}. Set {TOKEN} to a token of the account.")
        password = getpass.getpass(f"Password of {name}: ")
        code = getpass.getpass("Code of the second factor (empty: there is none): ")
    return known(office, name, scope, shown=shown, password=password, code=code)
