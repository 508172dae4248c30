"""Keys, notes and cosignatures."""

import os
import stat
from pathlib import Path

import pytest

from isthmus.base.errors import InputError, IntegrityError
from isthmus.ledger.key import KINDS, Key, Vkey
from isthmus.ledger.note import Checkpoint, Note, signed
from isthmus.ledger.verify.note import Refuted, is_signed, read_checkpoint, read_key

TEXT = Checkpoint("example.org/log", 3, bytes(range(32))).text


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    key, path = Key.make("example.org/log"), tmp_path / "keys" / "log.key"
    key.save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Key.load(path) == key
    with pytest.raises(InputError, match="already"):
        Key.make("example.org/log").save(path)
    path.chmod(0o640)
    with pytest.raises(IntegrityError, match="others may read"):
        Key.load(path)


def test_an_altered_key_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.key"
    Key.make("example.org/log").save(path)
    path.write_text(path.read_text().replace("example.org", "example.net"))
    with pytest.raises(InputError, match="altered"):
        Key.load(path)
    with pytest.raises(InputError, match="cannot be read"):
        Key.load(tmp_path / "none")


def test_a_secret_does_not_show_itself() -> None:
    key = Key.make("example.org/log")
    assert key.seed.hex() not in repr(key)
    assert repr(key.seed) not in f"{key} {key!r}"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_signs_and_both_sides_read_it(kind: str) -> None:
    key = Key.make("example.org/log", kind)
    note = Note(TEXT, (signed(TEXT, key, time=1_700_000_000),))
    assert Note.parse(note.content) == note
    assert Vkey.parse(key.vkey.text) == key.vkey
    assert note.signed_by(key.vkey)
    assert is_signed(read_checkpoint(note.content), read_key(key.vkey.text))
    other = note.content.replace(b"\n3\n", b"\n4\n")
    with pytest.raises(IntegrityError, match="does not fit"):
        Note.parse(other).signed_by(key.vkey)
    with pytest.raises(Refuted, match="false"):
        is_signed(read_checkpoint(other), read_key(key.vkey.text))
    stranger = Key.make("example.org/log", kind).vkey
    assert not note.signed_by(stranger)
    assert not is_signed(read_checkpoint(note.content), read_key(stranger.text))


def test_the_time_of_a_cosignature_is_signed_along() -> None:
    key = Key.make("w", "ed25519-cosign")
    line = signed(TEXT, key, time=1_700_000_000)
    later = type(line)(line.name, line.id, (1_700_000_001).to_bytes(8, "big") + line.body[8:])
    with pytest.raises(IntegrityError):
        Note(TEXT, (later,)).signed_by(key.vkey)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text\n",
        TEXT.encode(),
        TEXT.encode() + b"\n",
        TEXT.encode() + b"\n- log AAAAAAAA\n",
        TEXT.encode() + "\n\u2014 log AAAA\n".encode(),
        TEXT.encode() + "\n\u2014 log AAAAAAAA".encode(),
        TEXT.encode() + "\n\u2014 lo+g AAAAAAAA\n".encode(),
        TEXT.encode() + "\n\u2014 log AAAA*AAA\n".encode(),
        b"\x00" + TEXT.encode() + "\n\u2014 log AAAAAAAA\n".encode(),
        b"\xff" + TEXT.encode() + "\n\u2014 log AAAAAAAA\n".encode(),
        TEXT.encode() + b"\n" + 65 * "\u2014 log AAAAAAAA\n".encode(),
    ],
)
def test_a_malformed_note_is_refused_by_both(content: bytes) -> None:
    with pytest.raises(InputError):
        Note.parse(content)
    with pytest.raises(Refuted):
        read_checkpoint(content)


@pytest.mark.parametrize(
    "text", ["o\n03\nAAAA\n", "o\n3\nAAAA\n", "o\n-1\n\n", "\n1\n\n", f"{TEXT}extension\n", "o\n²\nAA\n"]
)
def test_a_malformed_checkpoint_is_refused_by_both(text: str) -> None:
    with pytest.raises(InputError):
        Checkpoint.parse(text)
    with pytest.raises(Refuted):
        read_checkpoint(Note(text, (signed("x", Key.make("log")),)).content)


@pytest.mark.parametrize(
    "text", ["", "a+b", "log+00000000+AQ==", "log+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"]
)
def test_a_malformed_key_is_refused_by_both(text: str) -> None:
    with pytest.raises(InputError):
        Vkey.parse(text)
    with pytest.raises(Refuted):
        read_key(text)


def test_the_writing_process_umask_does_not_open_a_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        Key.make("log").save(tmp_path / "k")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "k").stat().st_mode) == 0o600
