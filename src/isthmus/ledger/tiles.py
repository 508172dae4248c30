"""The tree and its entries on disk as C2SP tlog-tiles has it: static files that any web server can give out.

    tile/0/x001/234        256 leaf hashes (tile/0/x001/234.p/17 while only 17 are there)
    tile/1/001             the roots of 256 full tiles of level 0, and so on upwards
    tile/entries/x001/234  the entries, each after its length in two bytes, big-endian

Files of a full tile never change; a partial one goes when the full one is there.
"""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from isthmus.base.durable import replaced
from isthmus.base.errors import IntegrityError
from isthmus.ledger.tree import EMPTY, SIZE, Edge, leaf_hash, node_hash, root_of

WIDTH = 256
HEIGHT = 8
LONGEST = 0xFFFF


def path_of(level: int | str, number: int, width: int = WIDTH) -> str:
    """The path of a tile below the log's folder; `level` is a number, or `entries`."""
    digits = f"{number:03d}"
    digits = digits.rjust(-(-len(digits) // 3) * 3, "0")
    parts = [digits[place : place + 3] for place in range(0, len(digits), 3)]
    name = "/".join([*(f"x{part}" for part in parts[:-1]), parts[-1]])
    return f"tile/{level}/{name}" + ("" if width == WIDTH else f".p/{width}")


def bundle(entries: Sequence[bytes]) -> bytes:
    """Entries as one bundle, at most 65,535 bytes each."""
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def unbundle(content: bytes) -> list[bytes]:
    """The entries of a bundle. Raises ValueError when it ends in the middle of one."""
    entries, place = [], 0
    while place < len(content):
        start = place + 2
        place = start + int.from_bytes(content[place:start], "big")
        if start > len(content) or place > len(content):
            raise ValueError("an entry bundle is cut short")
        entries.append(content[start:place])
    return entries


class Tiles:
    """The tiles of one log at one published size."""

    def __init__(self, root: Path, size: int) -> None:
        self.root = root
        self.size = size
        self._read: dict[tuple[int, int], bytes] = {}

    def width(self, level: int, number: int) -> int:
        """How many hashes a tile has at this size; 0 when there is none."""
        return max(0, min(WIDTH, (self.size >> HEIGHT * level) - number * WIDTH))

    def hashes(self, level: int, number: int) -> bytes:
        """One tile's hashes, 32 bytes each. Raises IntegrityError when it is missing or too short."""
        key = level, number
        if key not in self._read:
            width = self.width(level, number)
            content = self._file(level, number, width)
            if len(content) != width * SIZE:
                raise IntegrityError(f"{path_of(level, number, width)} has a wrong length. Restore it from a copy.")
            self._read[key] = content
        return self._read[key]

    def _file(self, level: int | str, number: int, width: int) -> bytes:
        try:
            return (self.root / path_of(level, number, width)).read_bytes()
        except FileNotFoundError:
            pass
        try:
            full = (self.root / path_of(level, number)).read_bytes()
        except FileNotFoundError:
            raise IntegrityError(f"{path_of(level, number, width)} is missing. Restore it from a copy.") from None
        return bundle(unbundle(full)[:width]) if level == "entries" else full[: width * SIZE]

    def entries(self, start: int = 0) -> Iterator[bytes]:
        """The entries from an index on."""
        for number in range(start // WIDTH, -(-self.size // WIDTH)):
            width = self.width(0, number)
            try:
                found = unbundle(self._file("entries", number, width))
            except ValueError:
                found = []
            if len(found) != width:
                raise IntegrityError(f"{path_of('entries', number, width)} is damaged. Restore it from a copy.")
            yield from found[max(0, start - number * WIDTH) :]

    def span(self, start: int, end: int) -> bytes:
        """The Merkle tree hash of the leaves `[start, end)`: a perfect subtree, or the tree's right part."""
        count = end - start
        if count == 0:
            return EMPTY
        if count & (count - 1) == 0 and start % count == 0:
            return self._node(count.bit_length() - 1, start // count)
        half = 1 << (count - 1).bit_length() - 1
        return node_hash(self.span(start, start + half), self.span(start + half, end))

    def _node(self, height: int, index: int) -> bytes:
        level, rest = divmod(height, HEIGHT)
        first = index << rest
        hashes = self.hashes(level, first // WIDTH)
        place = first % WIDTH
        return root_of(hashes[SIZE * one : SIZE * (one + 1)] for one in range(place, place + (1 << rest)))


def grow(root: Path, old: int, entries: Sequence[bytes], drafts: Path) -> bytes:
    """Write the tiles of a log that grows from `old` by these entries; gives the root of the result.

    Every file is durable when this returns, and repeating it after a crash writes the same files again.
    Raises IntegrityError when the tiles that were there are damaged.
    """
    if not entries:
        return Tiles(root, old).span(0, old)
    before = Tiles(root, old)
    size = old + len(entries)
    first = old // WIDTH
    whole = [*before.entries(first * WIDTH), *entries]
    for number in range(first, -(-size // WIDTH)):
        part = whole[(number - first) * WIDTH : (number - first + 1) * WIDTH]
        _write(root / path_of("entries", number, len(part)), bundle(part), drafts)
    level, fresh = 0, [leaf_hash(entry) for entry in entries]
    start = old
    while fresh:
        first = start // WIDTH
        known = before.hashes(level, first) if start % WIDTH else b""
        content = known + b"".join(fresh)
        for place in range(0, len(content), WIDTH * SIZE):
            tile = content[place : place + WIDTH * SIZE]
            number = first + place // (WIDTH * SIZE)
            _write(root / path_of(level, number, len(tile) // SIZE), tile, drafts)
        fresh = [_root(content[one : one + WIDTH * SIZE]) for one in range(0, len(content), WIDTH * SIZE)]
        fresh = fresh[: len(content) // (WIDTH * SIZE)]
        level, start = level + 1, first
    return Tiles(root, size).span(0, size)


def forget(root: Path, old: int, size: int) -> None:
    """Remove the partial tiles of size `old` whose full ones are there at `size`."""
    level = 0
    while old >> HEIGHT * level:
        number = (old >> HEIGHT * level) // WIDTH
        if (size >> HEIGHT * level) // WIDTH > number:
            for kind in (level, "entries") if level == 0 else (level,):
                partial = root / path_of(kind, number)
                shutil.rmtree(partial.with_name(partial.name + ".p"), ignore_errors=True)
        level += 1


def _root(tile: bytes) -> bytes:
    edge = Edge()
    edge.extend(tile[place : place + SIZE] for place in range(0, len(tile), SIZE))
    return edge.root()


def _write(path: Path, content: bytes, drafts: Path) -> None:
    with replaced(path, drafts=drafts) as stream:
        stream.write(content)
