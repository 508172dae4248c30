"""Archives: gz, zip, tar and tar.gz, one level nested, as parts that are read in place.

No member is ever written to disk under a name: a compressed tar, or an archive in an archive, goes through a nameless
temporary file. Names are made safe or refused; what expands out of all proportion is refused.
"""

import gzip
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from isthmus.base.errors import Unreadable
from isthmus.intake import guard
from isthmus.intake.encoding import fits
from isthmus.intake.record import Part, Reject
from isthmus.intake.stream import Blocks, head_of

_DEPTH = 2
_SNIFFED = 1024
_TEXT_ENDINGS = re.compile(r"\.(gz|tgz|zip|tar)$", re.IGNORECASE)
_DRIVE = re.compile(r"^[A-Za-z]:")
_UTF8_NAME = 0x800
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class _Source:
    """Something that may be an archive: `file` gives an open file of its own (with a descriptor), or a stream."""

    name: str
    open: Callable[[], BinaryIO]
    size: int | None
    depth: int


@dataclass(frozen=True, slots=True)
class _File:
    """An open file with a descriptor, and why it holds less than it should, if so."""

    file: BinaryIO
    failure: Unreadable | None


def members(path: Path, name: str | None = None) -> Iterator[Part | Reject]:
    """The parts of a delivered file: itself, or what the archive holds; a reject for each member that is refused.

    `name` is what the delivery was called, where `path` does not tell. Names are unique within a delivery.
    """
    source = _Source(name or path.name, lambda: path.open("rb"), path.stat().st_size, 0)
    seen: dict[str, int] = {}
    try:
        for item in _expand(source):
            yield item if isinstance(item, Reject) else _told_apart(item, seen)
    except Unreadable as error:
        yield Reject(0, 0, error.reason, error.detail)


def member(path: Path, wanted: str, name: str | None = None) -> Part:
    """The one part of that name.

    Raises `Unreadable` when the delivery has no such part (any more).
    """
    for item in members(path, name):
        if isinstance(item, Part) and item.name == wanted:
            return item
    raise Unreadable("damaged", f"the delivery holds no part '{wanted}'; run verify")


def safe_name(name: str) -> str | None:
    """The member's name with '/' between its parts; None when it is empty, absolute, or points outside."""
    cleaned = name.replace("\\", "/")
    parts = [part for part in PurePosixPath(cleaned).parts if part != "."]
    if not parts or cleaned.startswith("/") or _DRIVE.match(cleaned) or ".." in parts:
        return None
    if any(ord(letter) < 32 or ord(letter) == 127 for letter in cleaned):
        return None
    return "/".join(parts)


def _told_apart(part: Part, seen: dict[str, int]) -> Part:
    count = seen[part.name] = seen.get(part.name, 0) + 1
    return part if count == 1 else replace(part, name=f"{part.name} ({count})")


def _expand(source: _Source) -> Iterator[Part | Reject]:
    kind = _kind(source, _head(source))
    if kind is None:
        yield Part(source.name, source.open, source.size)
    elif source.depth >= _DEPTH:
        yield Reject(0, 0, "nested", f"an archive lies {source.depth} archives deep; deliver it unpacked by one level")
    else:
        yield from {"gz": _gzip, "zip": _zip, "tar": _tar}[kind](source)


def _head(source: _Source) -> bytes:
    return head_of(Part(source.name, source.open), _SNIFFED)


def _kind(source: _Source, head: bytes) -> str | None:
    if head.startswith(b"\x1f\x8b"):
        return "gz"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return None if _is_workbook(source) else "zip"
    return "tar" if head[257:262] == b"ustar" else None


def _is_workbook(source: _Source) -> bool:
    """Whether the zip is a spreadsheet, which is one part."""
    try:
        names = zipfile.ZipFile(_file(source).file).namelist()
    except guard.BROKEN:
        return False
    return "[Content_Types].xml" in names and any(name.startswith("xl/") for name in names)


def _file(source: _Source) -> _File:
    """The source as a file of its own; nameless where it is a stream or a member."""
    stream = source.open()
    if not isinstance(getattr(stream, "raw", None), guard.Guarded | guard.Window):
        return _File(guard.kept(stream), None)
    stream.close()
    blocks = Blocks(Part(source.name, source.open))
    copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - `kept` takes it over
    for block in blocks:
        copy.write(block)
    copy.seek(0)
    if blocks.failure is not None and blocks.failure.reason == "bomb":
        copy.close()
        raise blocks.failure
    return _File(guard.kept(copy), blocks.failure)


def _gzip(source: _Source) -> Iterator[Part | Reject]:
    name = _TEXT_ENDINGS.sub(lambda ending: ".tar" if ending[1].lower() == "tgz" else "", source.name)

    def opened() -> BinaryIO:
        packed = source.open()
        return guard.guarded(cast(BinaryIO, gzip.GzipFile(fileobj=packed)), packed.tell, packed)

    inner = _Source(name or source.name, opened, None, source.depth + 1)
    is_tar = _head(inner)[257:262] == b"ustar"
    # tar.gz is one archive to those who make it, not two
    yield from _expand(replace(inner, depth=source.depth) if is_tar else inner)


def _zip(source: _Source) -> Iterator[Part | Reject]:
    file = _file(source).file
    try:
        archive = zipfile.ZipFile(file)
    except guard.BROKEN as error:
        raise Unreadable("damaged", f"the zip's table of contents cannot be read ({type(error).__name__})") from None
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    size = file.seek(0, 2)
    if guard.is_bomb(sum(entry.file_size for entry in entries), size):
        raise Unreadable("bomb", f"the zip claims to hold over {guard.BOMB_RATIO} times its size; it was not opened")
    inside = f"{source.name}/" if source.depth else ""
    for entry in entries:
        shown = _zip_name(entry)
        name = safe_name(shown)
        if name is None or (entry.external_attr >> 28) == 0xA:  # a symbolic link
            yield _unsafe(shown)
        elif entry.flag_bits & _ENCRYPTED:
            yield Reject(entry.header_offset, entry.compress_size, "encrypted", f"member '{name}' needs a password")
        else:
            opened = _opener(archive, entry)
            yield from _nested(_Source(inside + name, opened, entry.file_size, source.depth + 1))


def _opener(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    def opened() -> BinaryIO:
        try:
            inner = cast(BinaryIO, archive.open(entry))
        except (RuntimeError, *guard.BROKEN) as error:
            raise Unreadable("damaged", f"a member of the zip cannot be opened ({type(error).__name__})") from None
        return guard.guarded(inner, lambda: entry.compress_size)

    return opened


def _zip_name(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: Chinese Windows writes GBK where the zip format says code page 437."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    try:
        raw = entry.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return entry.filename
    return next((raw.decode(name) for name in ("utf-8", "gb18030") if fits(raw, name)), entry.filename)


def _tar(source: _Source) -> Iterator[Part | Reject]:
    whole = _file(source)
    file = whole.file
    size = file.seek(0, 2)
    file.seek(0)
    try:
        inside = f"{source.name}/" if source.depth else ""
        archive = tarfile.TarFile(fileobj=file, errors="surrogateescape")
        for entry in archive:
            if entry.isdir():
                continue
            shown = _tar_name(entry.name)
            name = safe_name(shown)
            if name is None or not entry.isreg() or entry.sparse is not None:
                yield _unsafe(shown)
            elif entry.offset_data + entry.size > size:
                detail = f"the tar ends inside member '{name}'"
                yield Reject(entry.offset_data, size - entry.offset_data, "truncated", detail)
            else:
                yield from _nested(_Source(inside + name, _windowed(file, entry), entry.size, source.depth + 1))
    except (tarfile.TarError, *guard.BROKEN) as error:
        yield Reject(
            file.tell(), 0, "damaged", f"the tar breaks off ({type(error).__name__}); later members were not read"
        )


def _windowed(file: BinaryIO, entry: tarfile.TarInfo) -> Callable[[], BinaryIO]:
    return lambda: guard.window(file, entry.offset_data, entry.size)


def _tar_name(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    return next((raw.decode(encoding) for encoding in ("utf-8", "gb18030") if fits(raw, encoding)), "")


def _nested(source: _Source) -> Iterator[Part | Reject]:
    """A member's own members; if it is broken, that alone is told."""
    try:
        yield from _expand(source)
    except Unreadable as error:
        yield Reject(0, 0, error.reason, f"member '{source.name}': {error.detail}")


def _unsafe(name: str) -> Reject:
    if not name.strip("/\\ "):
        return Reject(0, 0, "empty-name", "a member of the archive has no name")
    shown = name.encode("ascii", "backslashreplace").decode()[:100]
    return Reject(0, 0, "unsafe-name", f"member '{shown}' is a link or points outside the archive; it was not opened")
