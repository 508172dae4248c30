"""Files that grow chunk by chunk, many hospitals at once, without many files being open."""

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from isthmus.simulation.column import Ints, Text

# Stands in a line for bytes that no encoding knows; replaced when the text is encoded.
BROKEN = "\x01\x02"
BROKEN_BYTES = b"\xff\xfe\xff"


class Sink:
    """Appends lines to `folder/<site>/<feed>/<file>`. What stood there before is removed at the first line."""

    def __init__(self, folder: Path, sites: tuple[str, ...]) -> None:
        self.folder = folder
        self.sites = sites
        self._begun: set[Path] = set()

    def path(self, site: int, feed: str, file: str) -> Path:
        """Where a file lies; its folder is made."""
        path = self.folder / self.sites[site] / feed / file
        if path not in self._begun:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
        return path

    def begin(self, path: Path) -> bool:
        """Whether this is the first time that something is written to a path that `path` gave."""
        new = path not in self._begun
        self._begun.add(path)
        return new

    def write(
        self, feed: str, file: str, *, site: Ints, lines: Text, header: Callable[[int], str], encoding: str
    ) -> None:
        """Append each site's lines to its file. `site` is sorted; the header stands once, at the top."""
        buffer, offsets = _bytes(lines)
        for number, begin, end in runs(site):
            text = buffer[offsets[begin] : offsets[end]].decode()
            path = self.path(number, feed, file)
            if self.begin(path):
                text = header(number) + text
            data = text.encode(encoding).replace(BROKEN.encode(), BROKEN_BYTES)
            with path.open("ab") as stream:
                stream.write(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)

    def close(self, footer: dict[str, str]) -> None:
        """Write the last lines of files that need some, by the ending of their names."""
        for path in sorted(self._begun):
            if path.suffix in footer:
                with path.open("ab") as stream:
                    stream.write(footer[path.suffix].encode())


def runs(site: Ints) -> Iterator[tuple[int, int, int]]:
    """Each site of a sorted column, with the rows from and to which it stands there."""
    edges = np.flatnonzero(np.diff(site, prepend=-1)).tolist()
    yield from zip(site[edges].tolist(), edges, [*edges[1:], len(site)][: len(edges)], strict=True)


def _bytes(lines: Text) -> tuple[bytes, Ints]:
    _, offsets, data = lines.buffers()
    places = np.frombuffer(offsets, dtype=np.int32, count=len(lines) + 1, offset=lines.offset * 4)
    return (data.to_pybytes() if data is not None else b""), places.astype(np.int64)
