"""Where the records of a delimited text begin and end, on raw bytes.

The bytes of quotes and line ends never occur inside a character of UTF-8, GB18030, Big5, Shift-JIS or a one-byte
encoding, so records are found before anything is decoded and their places are those of the file as it arrived. What
counts as a record is what `pyarrow.csv` takes for one: a quote opens only at the start of a field, a doubled quote
inside is a quote, CR, LF and CRLF end a record outside quotes.
"""

import re
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]

_CR, _LF = 13, 10


@dataclass(frozen=True)
class Syntax:
    """The bytes that separate fields and that quote them (None: nothing quotes)."""

    delimiter: bytes = b","
    quote: bytes | None = b'"'

    @cached_property
    def record(self) -> re.Pattern[bytes]:
        """One record with its line end; no match where a quote is not closed."""
        field, delimiter = self._field, re.escape(self.delimiter)
        return re.compile(rb"%s(?:%s%s)*+(\r\n|\r|\n|\Z)" % (field, delimiter, field))

    def width(self, record: bytes) -> int:
        """How many fields a record has."""
        return sum(1 for _ in self._separated.finditer(record))

    @cached_property
    def _separated(self) -> re.Pattern[bytes]:
        return re.compile(rb"(?:\A|%s)%s" % (re.escape(self.delimiter), self._field))

    @cached_property
    def _field(self) -> bytes:
        plain = rb"[^%s\r\n]*+" % re.escape(self.delimiter)
        if self.quote is None:
            return plain
        quote = re.escape(self.quote)
        return rb"(?:%s(?:[^%s]++|%s%s)*+%s%s|(?!%s)%s)" % (quote, quote, quote, quote, quote, plain, quote, plain)


@dataclass(frozen=True, slots=True)
class Cut:
    """Records found in a buffer: `starts`, `ends` (without line end), and how many bytes they use with line ends."""

    starts: Offsets
    ends: Offsets
    used: int


def cut(data: bytes, syntax: Syntax, *, final: bool) -> Cut:
    """The complete records of a buffer that begins at a record; blank ones are among them.

    With `final` the end of the buffer ends the last record too.
    """
    if syntax.quote is None or syntax.quote not in data:
        ends, nexts = _line_ends(data, final=final)
        return _closed(data, ends, nexts, final=final)
    raw = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(raw == syntax.quote[0])
    if not _is_regular(raw, quotes, syntax):
        return _cut_slowly(data, syntax, final=final)
    ends, nexts = _line_ends(data, final=final)
    outside = np.searchsorted(quotes, ends) % 2 == 0
    ends, nexts = ends[outside], nexts[outside]
    if quotes.size % 2:
        return _closed(data, ends, nexts, final=False)
    return _closed(data, ends, nexts, final=final)


def widths(data: bytes, starts: Offsets, ends: Offsets, syntax: Syntax) -> Offsets:
    """The number of fields of each record."""
    raw = np.frombuffer(data, np.uint8)
    count = _between(np.flatnonzero(raw == syntax.delimiter[0]), starts, ends) + 1
    if syntax.quote is not None and syntax.quote in data:
        quoted = _between(np.flatnonzero(raw == syntax.quote[0]), starts, ends) > 0
        for row in np.flatnonzero(quoted).tolist():
            count[row] = syntax.width(data[starts[row] : ends[row]])
    return count


def _between(positions: Offsets, starts: Offsets, ends: Offsets) -> Offsets:
    found: Offsets = np.searchsorted(positions, ends) - np.searchsorted(positions, starts)
    return found


def _closed(data: bytes, ends: Offsets, nexts: Offsets, *, final: bool) -> Cut:
    used = int(nexts[-1]) if nexts.size else 0
    if final and used < len(data):
        ends = np.append(ends, len(data))
        nexts = np.append(nexts, len(data))
        used = len(data)
    starts = np.zeros(ends.size, np.int64)
    starts[1:] = nexts[:-1]
    return Cut(starts, ends, used)


def _line_ends(data: bytes, *, final: bool) -> tuple[Offsets, Offsets]:
    """Where each line's content ends and where the next line begins."""
    raw = np.frombuffer(data, np.uint8)
    feeds = np.flatnonzero(raw == _LF)
    if b"\r" not in data:
        return feeds, feeds + 1
    ends = feeds - ((feeds > 0) & (raw[feeds - 1] == _CR))
    returns = np.flatnonzero(raw == _CR)
    if returns.size and returns[-1] == raw.size - 1 and not final:
        returns = returns[:-1]  # its line feed may be in the next block
    lone = returns[raw[np.minimum(returns + 1, raw.size - 1)] != _LF]
    if not lone.size:
        return ends, feeds + 1
    ends, nexts = np.concatenate([ends, lone]), np.concatenate([feeds + 1, lone + 1])
    order = np.argsort(ends, kind="stable")
    return ends[order], nexts[order]


def _is_regular(raw: npt.NDArray[np.uint8], quotes: Offsets, syntax: Syntax) -> bool:
    """Whether every quote stands where only an opening, closing or doubled one can, so that counting them suffices."""
    border = np.zeros(256, bool)
    border[[syntax.delimiter[0], _CR, _LF, raw[quotes[0]]]] = True
    opening, closing = quotes[0::2], quotes[1::2]
    before = border[raw[opening[opening > 0] - 1]]
    after = border[raw[closing[closing < raw.size - 1] + 1]]
    return bool(before.all() and after.all())


def _cut_slowly(data: bytes, syntax: Syntax, *, final: bool) -> Cut:
    """The same, record by record, for text with quotes in odd places."""
    starts: list[int] = []
    ends: list[int] = []
    at, size = 0, len(data)
    match = syntax.record.match
    while at < size:
        found = match(data, at)
        if found is None:
            return Cut(np.array(starts, np.int64), np.array(ends, np.int64), at)
        if not final and (found.end() == found.start(1) or (found[1] == b"\r" and found.end() == size)):
            break
        starts.append(at)
        ends.append(found.start(1))
        at = found.end()
    return Cut(np.array(starts, np.int64), np.array(ends, np.int64), at)
