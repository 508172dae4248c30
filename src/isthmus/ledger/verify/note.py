"""Reading signed notes, checkpoints and keys, and checking signatures, from the bytes up."""

import base64
import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey

ED25519, ED25519_COSIGNATURE, MLDSA_COSIGNATURE = 1, 4, 6
MOST = 64


class Refuted(Exception):
    """What is shown is not what it claims to be. The text says which part, without its content."""


@dataclass(frozen=True)
class PublicKey:
    """A key with the name that it signs under."""

    name: str
    number: bytes
    algorithm: int
    raw: bytes


@dataclass(frozen=True)
class Statement:
    """A checkpoint whose signatures are not checked yet: `signed` is the text, `lines` name, id and signature."""

    origin: str
    size: int
    root: bytes
    signed: bytes
    lines: tuple[tuple[str, bytes, bytes], ...]


def read_key(text: str) -> PublicKey:
    """A verifier key, its id recomputed."""
    pieces = text.split("+", 2)
    if len(pieces) != 3:
        raise Refuted("a key of the policy is not of the form NAME+ID+KEY")
    body = decode(pieces[2])
    lengths = {ED25519: 32, ED25519_COSIGNATURE: 32, MLDSA_COSIGNATURE: 1312}
    if not body or lengths.get(body[0]) != len(body) - 1:
        raise Refuted("a key of the policy is of an unknown kind or length")
    digest = hashlib.sha256()
    for part in (pieces[0].encode(), b"\n", body):
        digest.update(part)
    number = digest.digest()[:4]
    if number.hex() != pieces[1]:
        raise Refuted("the id of a key of the policy does not fit the key")
    return PublicKey(pieces[0], number, body[0], body[1:])


def read_checkpoint(content: bytes) -> Statement:
    """Take a checkpoint apart; whatever is not exactly as C2SP writes it is refused."""
    try:
        whole = content.decode("utf-8")
    except UnicodeDecodeError:
        raise Refuted("the checkpoint is not UTF-8") from None
    if any(ord(letter) < 32 and letter != "\n" for letter in whole):
        raise Refuted("the checkpoint holds control characters")
    lines = whole.split("\n")
    if len(lines) < 6 or lines[3] or lines[-1] or "" in lines[:3] or len(lines) - 5 > MOST:
        raise Refuted("the checkpoint does not have three lines, an empty one, and signatures")
    origin, number, root = lines[:3]
    if not (number.isascii() and number.isdigit()) or (number != "0" and number[0] == "0") or len(number) > 19:
        raise Refuted("the size in the checkpoint is no number")
    hashed = decode(root)
    if len(hashed) != 32:
        raise Refuted("the root in the checkpoint is no SHA-256")
    signed = "".join(f"{line}\n" for line in lines[:3]).encode()
    return Statement(origin, int(number), hashed, signed, tuple(_line(line) for line in lines[4:-1]))


def is_signed(statement: Statement, key: PublicKey) -> bool:
    """Whether the key signed the checkpoint. A false signature under its name and id refutes the whole."""
    found = False
    for name, number, signature in statement.lines:
        if (name, number) != (key.name, key.number):
            continue
        if not _verifies(statement, key, signature):
            raise Refuted(f"a signature in the name of {key.name} is false")
        found = True
    return found


def decode(text: str) -> bytes:
    """Base 64 in its one right spelling."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError:
        raise Refuted("something is not Base 64") from None
    if base64.b64encode(raw).decode() != text:
        raise Refuted("something is not in the one right spelling of Base 64")
    return raw


def _line(line: str) -> tuple[str, bytes, bytes]:
    pieces = line.split(" ")
    if len(pieces) != 3 or pieces[0] != "\u2014" or not pieces[1] or "+" in pieces[1]:
        raise Refuted("a signature line is malformed")
    raw = decode(pieces[2])
    if len(raw) < 5:
        raise Refuted("a signature line is too short")
    return pieces[1], raw[:4], raw[4:]


def _verifies(statement: Statement, key: PublicKey, signature: bytes) -> bool:
    stamp, bare = signature[:8], signature[8:]
    try:
        if key.algorithm == ED25519:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(signature, statement.signed)
        elif key.algorithm == ED25519_COSIGNATURE:
            head = f"cosignature/v1\ntime {int.from_bytes(stamp, 'big')}\n".encode()
            Ed25519PublicKey.from_public_bytes(key.raw).verify(bare, head + statement.signed)
        else:
            MLDSA44PublicKey.from_public_bytes(key.raw).verify(bare, _structure(statement, key, stamp))
    except (InvalidSignature, ValueError):
        return False
    return True


def _structure(statement: Statement, key: PublicKey, stamp: bytes) -> bytes:
    names = key.name.encode(), statement.origin.encode()
    packed = [len(name).to_bytes(1, "big") + name for name in names]
    zero = bytes(8)
    return b"".join(
        (b"subtree/v1\n\x00", packed[0], stamp, packed[1], zero, statement.size.to_bytes(8, "big"), statement.root)
    )
