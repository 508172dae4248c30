"""Where the dialects put their rows: files on one side, truth on the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.simulation import dirt
from isthmus.simulation.column import Ints, Mask, Text
from isthmus.simulation.dirt import Sheet
from isthmus.simulation.sink import Sink
from isthmus.simulation.truth import Truth


@dataclass(frozen=True, slots=True)
class Layout:
    """How a delimited file is written: its columns in order, how every second hospital calls them, its encoding."""

    columns: Sequence[str]
    encoding: str
    alias: Mapping[str, str]
    lacking: str = ""  # a column that every third of the hospitals does not export

    def header(self, site: int) -> str:
        """The first line of a hospital's file."""
        names = [name for name in self.columns if not (name == self.lacking and lacks(site))]
        return ",".join(self.alias.get(name, name) if site % 2 else name for name in names) + "\n"


def lacks(site: int) -> bool:
    """Whether a hospital leaves out the column that can be left out."""
    return site % 3 == 1


@dataclass(frozen=True, slots=True)
class Export:
    """The exports under way: `seed` and the random numbers of this chunk's errors; `clean` exports have none."""

    seed: int
    sites: tuple[str, ...]
    sink: Sink
    truth: Truth
    rng: np.random.Generator
    clean: bool = False

    def sheet(self, feed: str, file: str, *, site: Ints, key: Text, columns: Mapping[str, Text], error: Ints) -> Sheet:
        """A sheet whose errors are recorded."""
        sheet = Sheet(feed, file, site, key, columns, error)
        self.truth.note(sheet)
        return sheet

    def put(self, sheet: Sheet, layout: Layout, older: Mapping[str, Text] | None = None) -> None:
        """Write the sheet's lines. `older` replaces columns in the older line of rows whose key comes twice."""
        for short in (False, True):
            part = np.asarray([bool(layout.lacking) and lacks(site) for site in range(len(self.sites))])[sheet.site]
            rows = np.flatnonzero(part == short)
            if len(rows):
                self._put(_only(sheet, rows), layout, older and _take(older, rows), short=short)

    def _put(self, sheet: Sheet, layout: Layout, older: Mapping[str, Text] | None, *, short: bool) -> None:
        names = [name for name in layout.columns if not (short and name == layout.lacking)]
        before = None if older is None else [older.get(name, sheet.columns[name]) for name in names]
        text = dirt.soil(sheet, [sheet.columns[name] for name in names], before)
        self.sink.write(
            sheet.feed, sheet.file, site=sheet.site, lines=text, header=layout.header, encoding=layout.encoding
        )

    def errors(self, count: int, rates: Mapping[int, float]) -> Ints:
        """Which rows have which error."""
        return dirt.draw(self.rng, count, {} if self.clean else rates)

    def chance(self, count: int, share: float) -> Mask:
        """A share of the rows, by luck."""
        return np.asarray(self.rng.random(count) < share)


def _take(columns: Mapping[str, Text], rows: Ints) -> dict[str, Text]:
    return {name: column.take(rows) for name, column in columns.items()}


def _only(sheet: Sheet, rows: Ints) -> Sheet:
    if len(rows) == len(sheet):
        return sheet
    return Sheet(
        sheet.feed, sheet.file, sheet.site[rows], sheet.key.take(rows), _take(sheet.columns, rows), sheet.error[rows]
    )
