"""Errors as hospitals make them, each one written down.

A row has at most one error. `spoil` draws which rows have which, changes their fields, and `soil` their lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from isthmus.simulation.column import Ints, Mask, Text, choose, day_number, days, join, lines
from isthmus.simulation.sink import BROKEN

CLEAN, UNIT, SWAPPED, BLANK, OUTAGE, DUPLICATE, CONFLICT, DATE, ANCIENT, MOJIBAKE, RAGGED = range(11)
UNKNOWN, BEFORE_BIRTH = 11, 12
KINDS = (
    "", "wrong-unit", "swapped-columns", "missing-value", "missing-day", "exact-duplicate", "conflicting-key",
    "impossible-date", "placeholder-date", "mojibake", "ragged-line", "unknown-code", "death-before-birth",
)  # fmt: skip
FAMILIES = (
    "", "units", "columns", "gaps", "gaps", "duplicates", "conflicts", "dates", "dates", "encoding", "shape", "codes",
    "dates",
)  # fmt: skip
FAMILIES_ONCE = tuple(dict.fromkeys(FAMILIES))
FAMILY_ROW = tuple(FAMILIES_ONCE.index(name) for name in FAMILIES)
LOST = (BLANK, OUTAGE, DATE, MOJIBAKE, RAGGED)
NO_SUCH_DAY = "2019-02-30"
PLACEHOLDER = day_number(1900, 1, 1)
OUTAGES = 3  # days per hospital on which the laboratory's interface was down


@dataclass(frozen=True, slots=True)
class Sheet:
    """Rows of one kind of file before they are text: sorted by site, `error` a row of KINDS."""

    feed: str
    file: str
    site: Ints
    key: Text
    columns: Mapping[str, Text]
    error: Ints

    def __len__(self) -> int:
        return len(self.site)

    def having(self, kind: int) -> Mask:
        """Rows with this error."""
        return np.asarray(self.error == kind)

    @property
    def kept(self) -> Mask:
        """Rows that a perfect mapping can still read."""
        return ~np.isin(self.error, LOST)

    def changed(self, **columns: Text) -> "Sheet":
        """The sheet with some columns replaced."""
        return replace(self, columns={**self.columns, **columns})


def draw(rng: np.random.Generator, count: int, rates: Mapping[int, float]) -> Ints:
    """The error of each row: `rates` says how often each kind is met."""
    luck = rng.random(count)
    error = np.zeros(count, dtype=np.int64)
    edge = 0.0
    for kind, rate in rates.items():
        error[(luck >= edge) & (luck < edge + rate)] = kind
        edge += rate
    return error


def outage(error: Ints, site: Ints, day: Ints, seed: int) -> Ints:
    """Rows of the days on which their site's interface was down are missing, whatever else they had."""
    down = np.isin(day * 1000 + site, _down_days(seed))
    return np.where(down, OUTAGE, error)


def _down_days(seed: int) -> Ints:
    rng = np.random.default_rng([seed, 77])
    first, last = day_number(2016, 1, 1), day_number(2024, 6, 30)
    days_down = rng.integers(first, last, (1000, OUTAGES))
    return np.asarray(days_down * 1000 + np.arange(1000)[:, None]).ravel()


def spoil_dates(sheet: Sheet, column: str) -> Sheet:
    """Days that no calendar has, and the placeholder that some systems write for an unknown day."""
    text = sheet.columns[column]
    text = choose(sheet.having(DATE), NO_SUCH_DAY + " 08:00:00", text)
    return sheet.changed(**{column: choose(sheet.having(ANCIENT), "1900-01-01 00:00:00", text)})


def spoil_text(sheet: Sheet, column: str) -> Sheet:
    """Bytes that are no text, in the middle of a field."""
    text = sheet.columns[column]
    return sheet.changed(**{column: choose(sheet.having(MOJIBAKE), join(text, BROKEN), text)})


def spoil_code(sheet: Sheet, column: str) -> Sheet:
    """Codes that only this hospital knows."""
    return sheet.changed(**{column: choose(sheet.having(UNKNOWN), "ZZ9999", sheet.columns[column])})


def soil(sheet: Sheet, columns: list[Text], older: list[Text] | None = None) -> Text:
    """The lines of the sheet: some twice, some after an older one of the same key, some too wide, some gone."""
    text = lines(columns)
    text = choose(sheet.having(DUPLICATE), join(text, text), text)
    if older is not None:
        text = choose(sheet.having(CONFLICT), join(lines(older), text), text)
    ragged = lines([*columns, pa.repeat(pa.scalar("多余"), len(sheet))])
    text = choose(sheet.having(RAGGED), ragged, text)
    return choose(sheet.having(OUTAGE), "", text)


def days_written(sheet: Sheet, day: Ints) -> Ints:
    """The days that the file says."""
    return np.where(sheet.having(ANCIENT), PLACEHOLDER, day)


def outage_days(sites: int, seed: int) -> list[tuple[int, str]]:
    """Site and ISO day of all missing days."""
    table = _down_days(seed)
    text = days(table // 1000).to_pylist()
    return [(int(code % 1000), day) for code, day in zip(table, text, strict=True) if code % 1000 < sites]
