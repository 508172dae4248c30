"""The landing keeps every delivery byte for byte under the name of its content, once, and never half."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.base.errors import InputError, IntegrityError
from isthmus.lake import landing as landing_module
from isthmus.lake.landing import Landing

CONTENT = "姓名,结果\r\n李,1\r\n".encode("gb18030")
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "export.csv"
    path.write_bytes(CONTENT)
    return path


def test_a_file_is_kept_byte_for_byte_under_its_digest(landing: Landing, source: Path) -> None:
    assert landing.put(source) == (DIGEST, len(CONTENT))
    assert landing.path(DIGEST).read_bytes() == CONTENT
    assert landing.path(DIGEST).parent.name == DIGEST[:2]


def test_the_same_bytes_are_kept_once(landing: Landing, source: Path, tmp_path: Path) -> None:
    landing.put(source)
    before = landing.path(DIGEST).stat()
    other = tmp_path / "another-name.csv"
    other.write_bytes(CONTENT)
    assert landing.put(other) == (DIGEST, len(CONTENT))
    assert landing.path(DIGEST).stat() == before


def test_what_is_landed_is_read_only_and_the_original_stays_as_it_was(landing: Landing, source: Path) -> None:
    before = source.stat().st_mode
    landing.put(source)
    assert not landing.path(DIGEST).stat().st_mode & 0o222
    assert source.read_bytes() == CONTENT
    assert source.stat().st_mode == before


def test_half_a_copy_is_no_copy_and_is_taken_away(landing: Landing, source: Path) -> None:
    left = landing.root / ".drafts" / f".{DIGEST}.4711.tmp"
    left.parent.mkdir(parents=True)
    left.write_bytes(CONTENT[:3])
    assert not landing.has(DIGEST, len(CONTENT))
    landing.clear()
    landing.put(source)
    assert [path for path in landing.root.rglob("*") if path.is_file()] == [landing.path(DIGEST)]


def test_an_object_cut_short_is_copied_anew(landing: Landing, source: Path) -> None:
    landing.path(DIGEST).parent.mkdir(parents=True)
    landing.path(DIGEST).write_bytes(CONTENT[:5])
    landing.put(source)
    assert landing.path(DIGEST).read_bytes() == CONTENT


@pytest.mark.parametrize("small", [0, 1 << 20], ids=["copied block by block", "held at once"])
def test_a_file_that_grows_while_it_is_landed_is_refused(
    landing: Landing, source: Path, monkeypatch: pytest.MonkeyPatch, small: int
) -> None:
    sha256 = hashlib.sha256

    def grow_then_hash(*content: bytes) -> object:
        with source.open("ab") as stream:
            stream.write(b"more")
        return sha256(*content)

    monkeypatch.setattr(landing_module, "SMALL", small)
    monkeypatch.setattr(hashlib, "sha256", grow_then_hash)
    monkeypatch.setattr(Path, "read_bytes", lambda path: grow_then_hash() and CONTENT)
    with pytest.raises(InputError, match=r"^export\.csv changed while it was being landed\. Wait until"):
        landing.put(source)
    assert not list(landing.root.rglob("*.tmp"))
    assert not landing.path(DIGEST).exists()


def test_a_large_file_is_copied_once_and_known_again(
    landing: Landing, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landing_module, "SMALL", 0)
    assert landing.put(source) == (DIGEST, len(CONTENT))
    landed = landing.path(DIGEST).stat()
    assert landing.put(source) == landing.put(source, seen={len(CONTENT)}) == (DIGEST, len(CONTENT))
    assert landing.path(DIGEST).stat().st_mtime_ns == landed.st_mtime_ns
    assert not landed.st_mode & 0o222
    assert not list(landing.root.rglob("*.tmp"))


def test_a_file_that_may_not_be_read_is_refused_in_a_sentence(
    landing: Landing, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(
        InputError, match=r"^export\.csv cannot be landed: Permission denied\. Check its permissions\.$"
    ):
        landing.put(source)


def _flipped(path: Path) -> None:
    path.chmod(0o640)
    content = bytearray(path.read_bytes())
    content[0] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_flipped, "was altered"),
        (lambda path: os.truncate(path, 3), "was altered"),
        (lambda path: path.unlink(), "is missing"),
    ],
    ids=["one bit flipped", "cut short", "removed"],
)
def test_a_landed_object_that_is_harmed_is_found(
    landing: Landing, source: Path, harm: Callable[[Path], None], said: str
) -> None:
    sha256, size = landing.put(source)
    landing.check(sha256, size)
    landing.path(sha256).chmod(0o640)
    harm(landing.path(sha256))
    with pytest.raises(IntegrityError, match=said):
        landing.check(sha256, size)
