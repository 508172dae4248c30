"""The verb for who wants to check: evidence."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.errors import InputError, IntegrityError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import crate as crates
from isthmus.gate.office import pack as packs
from isthmus.ledger.verify.note import Refuted
from isthmus.ledger.verify.pack import check_pack
from isthmus.ledger.verify.policy import read_policy
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say

Write = Callable[..., packs.Made]
Grant = Annotated[str, typer.Option(help="The grant, as GR….")]
Out = Annotated[Path, typer.Option(metavar="DIR", help="A new folder.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="Everything done under a grant, to be checked by others.")
    group.command("pack")(pack)
    group.command("crate")(crate)
    group.command("check")(check)
    app.add_typer(group, name="evidence")


def pack(workspace: Where, by: As, grant: Grant, out: Out, json: Json = False) -> None:
    """Everything done under a grant as one folder: acts, their proofs, a manifest that the log has."""
    _write(workspace, by, grant, out, packs.under_grant, json=json)


def crate(workspace: Where, by: As, grant: Grant, out: Out, json: Json = False) -> None:
    """The same with a description as a Five Safes RO-Crate."""
    _write(workspace, by, grant, out, crates.write, json=json)


def check(
    folder: Annotated[Path, typer.Argument(metavar="PACK", help="The folder of a pack.")],
    key: Annotated[Path, typer.Option(help="The log's key (keys/log.vkey), from who gave it to you.")],
    ledger: Annotated[Path | None, typer.Option(help="A copy of the log: then missing acts are found too.")] = None,
    json: Json = False,
) -> None:
    """Check a pack with the log's key, by the verifier that shares no code with what wrote it."""
    try:
        policy = read_policy(f"log {key.read_text(encoding='utf-8').strip()}\nquorum none\n")
    except (OSError, UnicodeDecodeError, Refuted) as error:
        raise InputError(f"{key.name} cannot be read as a key of a log ({type(error).__name__}).") from None
    found = check_pack(folder, policy, ledger)
    if json:
        document({"holds": not found.faults, **asdict(found)})
    else:
        whole = {None: "", True: " Nothing is missing.", False: ""}[found.whole]
        say(f"{found.acts} acts about {found.about or 'nothing'} were looked at.{whole}")
    if found.faults:
        raise IntegrityError(f"the pack does not hold: {'; '.join(found.faults[:5])}. Ask for another.")


def _write(workspace: Path, by: str, grant: str, out: Path, write: Write, *, json: bool) -> None:
    office = office_of(Workspace(workspace))
    person = actor(office, by, "log")
    with office.open():
        made = write(office, grant, out, by=person)
    if json:
        document({"pack": made.id, "acts": made.acts, "folder": str(made.folder)})
    else:
        say(f"{made.acts} acts with their proofs lie in {out}. README.md in it says how to check them.")
