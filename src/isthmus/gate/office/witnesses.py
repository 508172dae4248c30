"""Witnesses of a workspace's log: whose signatures it wants, what it asks them to sign, and what they answered.

The log sends its checkpoint with a proof that it continues the last one that a witness signed. What carries request and
answer, is not looked at here. Each checkpoint that was sent is kept until its quorum is there, for the log goes on
meanwhile. A witness sees hashes only.
"""

from dataclasses import dataclass

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, IntegrityError, RefusedError
from isthmus.gate.office.unit import APPOINTED, Draft, Office
from isthmus.gate.office.vault import WITNESSES, policy
from isthmus.ledger.key import Vkey
from isthmus.ledger.log import WITNESSED, read
from isthmus.ledger.note import Checkpoint, Note, Signature
from isthmus.ledger.quorum import Quorum, parse
from isthmus.ledger.witness import answer, request
from isthmus.records.models import Account

SENT = "witnessing"  # the folder of checkpoints that were sent, below the workspace


@dataclass(frozen=True, slots=True)
class Standing:
    """How far the log is witnessed: entries of the newest checkpoint with its quorum, of all, and who signed it."""

    witnessed: int
    published: int
    signed: tuple[str, ...]


def appoint(office: Office, text: str, *, by: Account) -> None:
    """Keep whose signatures the log wants: lines of C2SP tlog-policy without the log's own. It is an act of the log.

    Raises RefusedError unless an administrator says it, InputError where it cannot be read, or where what was witnessed
    would no longer count.
    """
    if "administrator" not in by.roles:
        raise RefusedError(f"{by.name} is no administrator. Ask one.")
    if any(line.split()[:1] == ["log"] for line in text.splitlines()):
        raise InputError("the policy names a log. Leave that line out: it is this workspace's.")
    found = parse(text)
    with office.open() as opened:
        kept = read(opened.ledger, WITNESSED)
        if kept is not None and (found is None or not found.is_met(kept)):
            raise InputError(
                "the checkpoint that was witnessed last would lack signatures by this policy. Keep who signed it among "
                "the witnesses."
            )
        name = opened.mint("DE")
        draft = Draft(
            subject=name, kind="evidence", act=APPOINTED, logged="object", body={"policy": text},
            fields={"act": "minted", "object": name},
        )  # fmt: skip
        opened.enter(by, draft)
        with replaced(opened.keys / WITNESSES) as stream:
            stream.write(text.encode())
        opened.log.publish()


def ask(office: Office, old: int) -> bytes:
    """What a witness is sent who has signed `old` entries last (0: none yet). InputError when the log has fewer."""
    _quorum(office)
    with office.open() as opened:
        note = opened.log.publish()
        proof = opened.log.consistency(old) if old else []
        folder = opened.root / SENT
        folder.mkdir(exist_ok=True)
        with replaced(folder / f"{Checkpoint.parse(note.text).size}.note") as stream:
            stream.write(note.content)
        return request(old, proof, note)


def take(office: Office, content: bytes) -> Standing:
    """Put a witness's answer to the checkpoint that it is for, and tell how far the log is witnessed then.

    Raises InputError when it is for none that was sent, or of nobody who is asked.
    """
    quorum = _quorum(office)
    signatures = answer(content)
    known = {(one.vkey.name, one.vkey.id): one.vkey for one in quorum.witnesses()}
    mine = [one for one in signatures if (one.name, one.id) in known]
    if not mine:
        raise InputError("the answer is of no witness of this log. `isthmus witness policy` says who is.")
    with office.open() as opened:
        for path in sorted((opened.root / SENT).glob("*.note"), key=lambda one: int(one.stem), reverse=True):
            note = Note.parse(path.read_bytes())
            fitting = [one for one in mine if _fits(note, one, known[one.name, one.id])]
            if fitting:
                full = opened.log.cosign(note, fitting, quorum)
                with replaced(path) as stream:
                    stream.write(full.content)
                _forget(opened)
                return _standing(opened, quorum)
    raise InputError("the answer fits no checkpoint that was sent. Send a new request: `isthmus witness request`.")


def standing(office: Office) -> Standing:
    """How far the log is witnessed. Raises InputError where it has no witnesses."""
    return _standing(office, _quorum(office))


def _standing(office: Office, quorum: Quorum) -> Standing:
    sizes = [Checkpoint.parse(note.text).size if (note := read(office.ledger, name)) else 0
             for name in (WITNESSED, "checkpoint")]  # fmt: skip
    kept = read(office.ledger, WITNESSED)
    signed = [one.name for one in quorum.witnesses() if kept is not None and kept.signed_by(one.vkey)]
    return Standing(sizes[0], sizes[1], tuple(signed))


def _quorum(office: Office) -> Quorum:
    found = parse(policy(office.keys))
    if found is None:
        raise InputError("this log has no witnesses. Say who they are with `isthmus witness policy`.")
    return found


def _fits(note: Note, signature: Signature, key: Vkey) -> bool:
    """Whether a signature is one over this checkpoint."""
    try:
        return Note(note.text, (signature,)).signed_by(key)
    except IntegrityError:
        return False


def _forget(office: Office) -> None:
    """Throw away what was sent and is older than what has its quorum."""
    kept = read(office.ledger, WITNESSED)
    size = Checkpoint.parse(kept.text).size if kept else 0
    for path in (office.root / SENT).glob("*.note"):
        if int(path.stem) < size:
            path.unlink(missing_ok=True)
