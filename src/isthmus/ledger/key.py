"""Keys that sign notes, checkpoints and cosignatures, one row of `KINDS` for each way of signing (C2SP signed-note).

A new algorithm is a new row. The public half is a `vkey` (name, key id, key), the secret half a file of one line that
only its owner may read.
"""

import base64
import binascii
import hashlib
import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from isthmus.base.errors import InputError, IntegrityError

NAME = re.compile(r"[^\s+\x00-\x1f\x7f]+")
SECRET = "PRIVATE+KEY"


@dataclass(frozen=True, slots=True)
class Kind:
    """A way of signing: C2SP's type byte, whether a time is signed along, lengths in bytes, the library's part."""

    byte: int
    timed: bool
    public: int
    signature: int
    seed: int
    load_secret: Callable[[bytes], Any]
    load_public: Callable[[bytes], Any]


KINDS: Mapping[str, Kind] = {
    "ed25519": Kind(0x01, False, 32, 64, 32, Ed25519PrivateKey.from_private_bytes, Ed25519PublicKey.from_public_bytes),
    "ed25519-cosign": Kind(
        0x04, True, 32, 64, 32, Ed25519PrivateKey.from_private_bytes, Ed25519PublicKey.from_public_bytes
    ),
    "mldsa44-cosign": Kind(
        0x06, True, 1312, 2420, 32, MLDSA44PrivateKey.from_seed_bytes, MLDSA44PublicKey.from_public_bytes
    ),
}
_BY_BYTE = {kind.byte: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Vkey:
    """A public key with its name. `text` is how it is handed around."""

    name: str
    kind: str
    public: bytes

    @property
    def id(self) -> bytes:
        """The key id: four bytes, derived from name, way and key."""
        return hashlib.sha256(f"{self.name}\n".encode() + bytes([KINDS[self.kind].byte]) + self.public).digest()[:4]

    @property
    def text(self) -> str:
        """`name+id+key`, as C2SP writes it."""
        body = base64.b64encode(bytes([KINDS[self.kind].byte]) + self.public).decode()
        return f"{self.name}+{self.id.hex()}+{body}"

    @classmethod
    def parse(cls, text: str) -> "Vkey":
        """Read a vkey. Raises InputError when it is none, or its id does not fit."""
        name, number, body = [*text.strip().split("+", 2), "", ""][:3]
        try:
            raw = base64.b64decode(body, validate=True)
        except binascii.Error:
            raw = b""
        kind = _BY_BYTE.get(raw[0]) if raw else None
        if kind is None or len(raw) != 1 + KINDS[kind].public or not NAME.fullmatch(name):
            raise InputError("this is no verifier key of a known kind. Ask its owner for the line NAME+ID+KEY again.")
        found = cls(name, kind, raw[1:])
        if found.id.hex() != number:
            raise InputError(f"the key id of '{name}' does not fit its key. Ask its owner for the line again.")
        return found

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the bare signature over the message is by this key."""
        kind = KINDS[self.kind]
        if len(signature) != kind.signature:
            return False
        try:
            kind.load_public(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """A secret key. It never shows itself in a text."""

    name: str
    kind: str
    seed: bytes

    @classmethod
    def make(cls, name: str, kind: str = "ed25519") -> "Key":
        """A new key from the system's random source. Raises InputError for a name with a blank or a plus sign."""
        if not NAME.fullmatch(name) or kind not in KINDS:
            raise InputError(
                f"'{name}' of kind '{kind}' cannot name a key: no blanks, no plus; kinds: {', '.join(KINDS)}."
            )
        return cls(name, kind, os.urandom(KINDS[kind].seed))

    @property
    def vkey(self) -> Vkey:
        """The public half."""
        secret = KINDS[self.kind].load_secret(self.seed)
        return Vkey(self.name, self.kind, secret.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """The bare signature over a message."""
        signature: bytes = KINDS[self.kind].load_secret(self.seed).sign(message)
        return signature

    def save(self, path: Path) -> None:
        """Write the key to a new file that only its owner may read. Raises InputError when there is one already."""
        body = base64.b64encode(bytes([KINDS[self.kind].byte]) + self.seed).decode()
        line = f"{SECRET}+{self.name}+{self.vkey.id.hex()}+{body}\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise InputError(f"there is a key at {path.name} already, and it is kept. Choose another name.") from None
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(line)
            stream.flush()
            os.fsync(stream.fileno())

    @classmethod
    def load(cls, path: Path) -> "Key":
        """Read a key file. Raises IntegrityError when others may read it, InputError when it is none."""
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise InputError(f"the key file {path.name} cannot be read ({error.strerror}).") from None
        if stat.S_IMODE(mode) & 0o077:
            raise IntegrityError(f"others may read the key {path.name}. Make a new key; then `chmod 600` it.")
        parts = text.strip().removeprefix(f"{SECRET}+").split("+", 2)
        try:
            raw = base64.b64decode(parts[-1], validate=True)
            kind = _BY_BYTE[raw[0]]
            key = cls(parts[0], kind, raw[1:])
            right = text.startswith(f"{SECRET}+") and key.vkey.id.hex() == parts[1]
        except (ValueError, KeyError, IndexError):
            right = False
        if not right:
            raise InputError(f"{path.name} is no key file, or it was altered. Restore it from a copy.")
        return key
