"""The verb about witnesses of a workspace's log: who they are, what they are sent, what they answer."""

import time
from pathlib import Path
from typing import Annotated

import typer

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office import vault, witnesses
from isthmus.gate.office.unit import Office
from isthmus.ledger.key import Key, Vkey
from isthmus.ledger.witness import Witness
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say

KEY = "witness.key"
COSIGNS = "ed25519-cosign"
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The witness's own folder: its key, what it signed.")]
Into = Annotated[Path, typer.Option("--out", metavar="FILE", help="Where it is written.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="Others sign the log, so that it cannot be set back or told twice.")
    for act in (key, policy, request, sign, take, show):
        group.command(act.__name__)(act)
    app.add_typer(group, name="witness")


def key(folder: Folder, name: Annotated[str, typer.Argument(help="The witness's name, as east.example.org.")]) -> None:
    """For a witness: make a key. Its public half, which is told, goes to whoever keeps the log."""
    made = Key.make(name, COSIGNS)
    made.save(folder / KEY)
    say(made.vkey.text)


def policy(
    workspace: Where,
    by: As = "",
    file: Annotated[Path | None, typer.Argument(metavar="[FILE]", help="Lines witness, group, quorum.")] = None,
) -> None:
    """Whose signatures the log wants (C2SP tlog-policy): told, or set from a file by an administrator."""
    office = office_of(Workspace(workspace))
    if file is not None:
        witnesses.appoint(office, _read(file).decode(errors="replace"), by=actor(office, by, "people"))
    say(vault.policy(office.keys).strip())


def request(
    workspace: Where, out: Into,
    old: Annotated[int, typer.Option(min=0, help="Entries of what this witness signed last; 0: nothing yet.")] = 0,
) -> None:  # fmt: skip
    """What a witness is sent: the checkpoint, and the proof that it continues what that witness signed last."""
    content = witnesses.ask(office_of(Workspace(workspace)), old)
    with replaced(out) as stream:
        stream.write(content)
    say(f"written: {out}. It holds hashes only; send it to the witness.")


def sign(
    folder: Folder,
    asked: Annotated[Path, typer.Argument(metavar="REQUEST", help="What the log sent.")],
    log: Annotated[Path, typer.Option(help="The log's public key (log.vkey), got by another way than the request.")],
    out: Into,
) -> None:
    """For a witness: sign a checkpoint, if it continues what was signed here before. Else it is refused."""
    vkey = Vkey.parse(_read(log).decode(errors="replace").strip())
    witness = Witness(folder, Key.load(folder / KEY), {vkey.name: [vkey]})
    content = witness.add_checkpoint(_read(asked), time=int(time.time()))
    with replaced(out) as stream:
        stream.write(content)
    say(f"written: {out}. Send it back to the log.")


def take(
    workspace: Where,
    answers: Annotated[list[Path], typer.Argument(metavar="ANSWERS...", help="What witnesses sent back.")],
    json: Json = False,
) -> None:
    """Put what witnesses answered to the log's checkpoint."""
    office = office_of(Workspace(workspace))
    for one in answers:
        witnesses.take(office, _read(one))
    _tell(office, json=json)


def show(workspace: Where, json: Json = False) -> None:
    """How far the log is witnessed, and by whom."""
    _tell(office_of(Workspace(workspace)), json=json)


def _tell(office: Office, *, json: bool) -> None:
    found = witnesses.standing(office)
    if json:
        document({"witnessed": found.witnessed, "published": found.published, "signed": found.signed})
    elif found.witnessed:
        say(f"{found.witnessed} of {found.published} entries are witnessed, by {', '.join(found.signed)}.")
    else:
        say("no checkpoint has its quorum yet.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}).") from None
