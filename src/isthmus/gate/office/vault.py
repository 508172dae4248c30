"""The secrets of a workspace: the key that signs its log, and the secret from which keys of uses are derived.

They lie in the folder `keys`, each readable by its owner alone, and are made once, before the log begins. Where the log
has begun and one of them is missing, nothing is made anew: it has to be restored.
"""

import os
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, IntegrityError
from isthmus.gate.grade.keys import SECRET
from isthmus.ledger.key import Key

LOG_KEY, USES, PUBLIC, WITNESSES = "log.key", "uses.secret", "log.vkey", "witnesses"


@dataclass(frozen=True, slots=True, repr=False)
class Vault:
    """The key of the log and the secret of all uses. Neither shows itself in a text."""

    log: Key
    uses: bytes


def opened(folder: Path, *, begun: bool) -> Vault:
    """The secrets in a folder, made when the log has not begun. InputError or IntegrityError when they are not there
    or not as they should be."""
    if not begun:
        _make(folder)
    log = Key.load(folder / LOG_KEY)
    return Vault(log, _secret(folder / USES))


def policy(folder: Path) -> str:
    """Whose signatures the log has, as C2SP tlog-policy: its own, and those of its witnesses, if it has any. Who
    checks the log gets this text by another way."""
    try:
        own = f"log {(folder / PUBLIC).read_text(encoding='utf-8').strip()}\n"
        witnesses = folder / WITNESSES
        return own + (witnesses.read_text(encoding="utf-8") if witnesses.exists() else "quorum none\n")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"{PUBLIC} cannot be read ({why}). Restore the folder {folder.name}.") from None


def _make(folder: Path) -> None:
    """Make what is missing; a process may have been killed in between."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / LOG_KEY).exists():
        Key.make(f"workspace.isthmus/{secrets.token_hex(8)}").save(folder / LOG_KEY)
    with replaced(folder / PUBLIC) as stream:
        stream.write(Key.load(folder / LOG_KEY).vkey.text.encode() + b"\n")
    if not (folder / USES).exists():
        handle = os.open(folder / USES, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as stream:
            stream.write(secrets.token_bytes(SECRET))
            stream.flush()
            os.fsync(stream.fileno())


def _secret(path: Path) -> bytes:
    try:
        mode, content = path.stat().st_mode, path.read_bytes()
    except OSError as error:
        raise InputError(f"{path.name} cannot be read ({error.strerror}). Restore it from a copy.") from None
    if stat.S_IMODE(mode) & 0o077:
        raise IntegrityError(f"others may read {path.name}. Take that right away: `chmod 600` it.")
    if len(content) != SECRET:
        raise IntegrityError(f"{path.name} was altered. Restore it from a copy.")
    return content
