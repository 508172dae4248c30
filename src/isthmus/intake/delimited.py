"""CSV and its relatives: raw bytes in blocks, cut at record ends, parsed as bytes, decoded column by column."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv

from isthmus.base.errors import Unreadable
from isthmus.intake import encoding as enc
from isthmus.intake.header import Layout, as_utf8, layout_of, split
from isthmus.intake.lines import Cut, Offsets, cut, widths
from isthmus.intake.record import PLACE, Format, Part, Passage, Reading, Reject, as_batches
from isthmus.intake.stream import Blocks, copy_range, head_of, line_at

# The later bytes of a Chinese character are digits, or 0x40 and more: any other delimiter can be sought in raw bytes.
_SAFE_BELOW = 0x40
Flags = npt.NDArray[np.bool_]

_REWRITTEN = frozenset({"utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"})


def read(part: Part, fmt: Format) -> Reading:
    """The rows of a delimited text, all columns as strings, '' as null; `_place` is the row's first byte.

    Options: `delimiter` (default: guessed among , tab ; |), `encoding` (default: a mark, else by content: UTF-8 or
    GB18030), `header` (line index from 0; default: first line that is not blank; 'none': columns are called 1, 2, …),
    `skip_after_header` (lines), `columns` (names, for files without header), `nulls` (further texts that mean null),
    `quote` (one character, or 'none'), `max_record` (bytes). Blank lines are skipped.
    """
    layout = layout_of(head_of(part), fmt.options)
    source = Blocks(part)
    yield from _Table(layout).run(source)


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The text of the row that begins at byte `place`."""
    head = head_of(part)
    layout = layout_of(head, fmt.options)
    encoding = layout.encoding or enc.detect(part, head)
    raw = copy_range(part, place, layout.max_record * 2)
    if encoding in _REWRITTEN:
        text = as_utf8(raw, encoding)
        end = _first_end(text, layout)
        length = int(_units(text[:end], encoding)[-1]) if end else 0
        shown = enc.visible(text[:end], enc.UTF8)
    else:
        length = _first_end(raw, layout)
        shown = enc.visible(raw[:length], encoding)
    return Passage(place, place + length, _line(part, place, encoding), shown)


def _line(part: Part, place: int, encoding: str) -> int:
    if encoding not in _REWRITTEN:
        return line_at(part, place)
    before = as_utf8(copy_range(part, 0, place), encoding)
    return 1 + before.count(b"\n") + before.count(b"\r") - before.count(b"\r\n")


def _first_end(data: bytes, layout: Layout) -> int:
    size = 1 << 16
    while True:
        found = cut(data[:size], layout.syntax, final=size >= len(data))
        if found.ends.size:
            return int(found.ends[0])
        if size >= len(data):  # a quote that is not closed: its first line
            return int(cut(data, replace(layout.syntax, quote=None), final=True).ends[0]) if data else 0
        size *= 16


def _units(text: bytes, encoding: str) -> Offsets:
    """How many bytes of the wide encoding stand before the end of each byte of the UTF-8 text."""
    raw = np.frombuffer(text, np.uint8)
    count = ((raw & 0xC0) != 0x80).astype(np.int64)
    if enc.unit_size(encoding) == 2:
        count += raw >= 0xF0  # outside the basic plane UTF-16 takes two units
    return np.cumsum(count) * enc.unit_size(encoding)


@dataclass(slots=True)
class _Buffer:
    """Text in hand: `data`, the byte of the part at which it begins, and the offset in the text."""

    data: bytes
    place: int
    offset: int


class _Table:
    """The state of reading one file."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.encoding = layout.encoding
        self.wide = layout.encoding in _REWRITTEN

    def run(self, source: Blocks) -> Reading:
        buffer = _Buffer(b"", self.layout.mark, 0)
        skipping = False
        for data in self._texts(source):
            buffer.data = buffer.data + data if buffer.data else data
            if skipping:
                skipping = not self._past_line_end(buffer)
            if not skipping:
                yield from self._records(buffer, final=False)
                if len(buffer.data) > self.layout.max_record:
                    yield from self._give_up(buffer)
                    skipping = not self._past_line_end(buffer)
        if source.failure is not None:
            yield from source.broken_off(buffer.place, len(buffer.data))
        elif buffer.data and not skipping:
            yield from self._records(buffer, final=True)
            if buffer.data:
                yield from self._unclosed(buffer)

    def _texts(self, source: Blocks) -> Iterator[bytes]:
        """The blocks without the mark; wide encodings as UTF-8."""
        first, odd = True, b""
        for raw in source:
            block = raw[self.layout.mark :] if first else raw
            first = False
            if not self.wide:
                yield block
                continue
            assert self.encoding is not None
            block = odd + block
            whole = _whole_units(block, self.encoding)
            block, odd = block[:whole], block[whole:]
            yield as_utf8(block, self.encoding)

    def _records(self, buffer: _Buffer, *, final: bool) -> Reading:
        """Rows of all complete records in the buffer, which keeps the rest."""
        found = cut(buffer.data, self.layout.syntax, final=final)
        if found.used:
            yield from self._rows(buffer, found)
            self._drop(buffer, found.used)

    def _drop(self, buffer: _Buffer, count: int) -> None:
        passed = buffer.data[:count]
        if self.wide and passed:
            assert self.encoding is not None
            buffer.place += int(_units(passed, self.encoding)[-1])
        else:
            buffer.place += len(passed)
        buffer.offset += len(passed)
        buffer.data = buffer.data[count:]

    def _past_line_end(self, buffer: _Buffer) -> bool:
        """Drop up to the next line end; whether there was one."""
        at = buffer.data.find(b"\n")
        self._drop(buffer, len(buffer.data) if at < 0 else at + 1)
        return at >= 0

    def _give_up(self, buffer: _Buffer) -> Iterator[Reject]:
        limit = self.layout.max_record
        yield Reject(buffer.place, 0, "too-long", f"a record is longer than {limit} bytes; skipped to the next line")

    def _unclosed(self, buffer: _Buffer) -> Reading:
        """What is left when the file ends inside a quote.

        When later lines are proper rows the quote was a stray one: only its own line is lost.
        """
        lines = cut(buffer.data, replace(self.layout.syntax, quote=None), final=True)
        later = zip(lines.starts[1:].tolist(), lines.ends[1:].tolist(), strict=True)
        if any(self._is_row(buffer.data[start:end]) for start, end in later):
            end = int(lines.ends[0])
            detail = "a quote opens in this line and is never closed; the lines after it were read"
            yield Reject(buffer.place, end, "truncated", detail)
            self._drop(buffer, int(lines.starts[1]))
            yield from self._records(buffer, final=True)
        if buffer.data:
            detail = f"the file ends inside a quote that opens in the record at byte {buffer.place}"
            yield Reject(buffer.place, len(buffer.data), "truncated", detail)

    def _is_row(self, line: bytes) -> bool:
        fields = split(line, self.encoding if self.encoding and not self.wide else enc.UTF8, self.layout.syntax)
        return len(self.layout.columns) > 1 and len(fields) == len(self.layout.columns)

    def _rows(self, buffer: _Buffer, found: Cut) -> Reading:
        starts, ends = found.starts, found.ends
        keep = (ends > starts) & (starts + buffer.offset >= self.layout.start)
        starts, ends = starts[keep], ends[keep]
        if not starts.size:
            return
        places = self._places(buffer, starts)
        sizes = self._places(buffer, ends) - places
        text = _Rows(buffer.data, starts, ends, int(starts[0]), found.used, places, sizes)
        oversized = sizes > self.layout.max_record
        yield from text.rejects(oversized, "too-long", f"a record is longer than {self.layout.max_record} bytes")
        text = text.without(oversized)
        self._settle_encoding(text)
        encoding = enc.UTF8 if self.wide or self.encoding is None else self.encoding
        if self.layout.syntax.delimiter[0] >= _SAFE_BELOW and encoding != enc.UTF8:
            good = np.array([enc.fits(text.record(row), encoding) for row in range(text.starts.size)], bool)
            yield from text.rejects(~good, "undecodable", f"the row holds bytes that are no text in {encoding}")
            text = text.without(~good).rewritten(encoding)
            encoding = enc.UTF8
        if text.starts.size:
            yield from self._parsed(text, encoding)

    def _settle_encoding(self, text: "_Rows") -> None:
        if self.encoding is None:
            data = text.data[text.first : text.last]
            if not data.isascii():
                self.encoding = enc.decide(data)

    def _places(self, buffer: _Buffer, offsets: Offsets) -> Offsets:
        """Bytes of the part, for offsets into the buffer."""
        if not self.wide:
            return offsets + buffer.place
        assert self.encoding is not None
        units = _units(buffer.data, self.encoding)
        return np.where(offsets > 0, units[offsets - 1], 0) + buffer.place

    def _parsed(self, text: "_Rows", encoding: str) -> Reading:
        columns = self.layout.columns
        rejects: list[Reject] = []
        try:
            table = _parse(text, self.layout, encoding)
        except pa.ArrowInvalid:
            # pyarrow names a row that does not fit only when it is UTF-8, so they are sought here, when there are any.
            width = widths(text.data, text.starts, text.ends, self.layout.syntax)
            for row in np.flatnonzero(width != len(columns)).tolist():
                detail = f"the row has {width[row]} fields, the header has {len(columns)}"
                rejects.append(text.reject(row, "wrong-width", detail))
            text = text.without(width != len(columns))
            table = _parse(text, self.layout, encoding)
        if table.num_rows != text.starts.size:
            raise Unreadable(
                "unsupported",
                f"{text.starts.size} records were found and {table.num_rows} parsed after byte {text.places[:1]}; "
                "please report the file's structure",
            )
        strings: list[pa.Array] = []
        bad: dict[int, str] = {}
        for name, values in zip(columns, table.columns, strict=True):
            column, rows = enc.as_text(values.combine_chunks(), encoding)
            strings.append(column)
            bad |= dict.fromkeys((row for row in rows.tolist() if row not in bad), name)
        for row, name in sorted(bad.items()):
            detail = f"column '{name}' of the row holds bytes that are no text in {encoding}"
            rejects.append(text.reject(row, "undecodable", detail))
        rows_read = pa.Table.from_arrays([pa.array(text.places), *strings], names=[PLACE, *columns])
        if bad:
            rows_read = rows_read.filter(pa.array(~np.isin(np.arange(text.starts.size), list(bad))))
        yield from sorted(rejects, key=lambda reject: reject.place)
        yield from as_batches("", rows_read)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Non-blank records, which are all that lies between `first` and `last` of the data.

    `places` and `sizes` are in bytes of the part, whatever was done to the data since.
    """

    data: bytes
    starts: Offsets
    ends: Offsets
    first: int
    last: int
    places: Offsets
    sizes: Offsets

    def reject(self, row: int, reason: str, detail: str) -> Reject:
        return Reject(int(self.places[row]), int(self.sizes[row]), reason, detail)

    def rejects(self, which: Flags, reason: str, detail: str) -> list[Reject]:
        return [self.reject(row, reason, detail) for row in np.flatnonzero(which).tolist()]

    def record(self, row: int) -> bytes:
        return self.data[self.starts[row] : self.ends[row]]

    def without(self, gone: Flags) -> "_Rows":
        """The rest, as a buffer that holds nothing else."""
        if not gone.any():
            return self
        left = np.flatnonzero(~gone)
        return self._rebuilt([self.record(row) for row in left.tolist()], self.places[left], self.sizes[left])

    def rewritten(self, encoding: str) -> "_Rows":
        """The same in UTF-8."""
        records = [self.record(row).decode(encoding).encode() for row in range(self.starts.size)]
        return self._rebuilt(records, self.places, self.sizes)

    @staticmethod
    def _rebuilt(records: list[bytes], places: Offsets, sizes: Offsets) -> "_Rows":
        lengths = np.array([len(record) for record in records], np.int64)
        nexts = np.cumsum(lengths + 1)
        data = b"".join(record + b"\n" for record in records)
        return _Rows(data, nexts - lengths - 1, nexts - 1, 0, len(data), places, sizes)


def _parse(text: _Rows, layout: Layout, encoding: str) -> pa.Table:
    """The columns as bytes.

    Raises `pa.ArrowInvalid` when some row does not fit the header.
    """
    names = [str(index) for index in range(len(layout.columns))]
    if not text.starts.size:
        return pa.Table.from_arrays([pa.array([], pa.binary())] * len(names), names=names)
    quote = layout.syntax.quote
    data = pa.py_buffer(text.data).slice(text.first, text.last - text.first)
    return csv.read_csv(
        pa.BufferReader(data),
        read_options=csv.ReadOptions(use_threads=False, block_size=data.size + 1, column_names=names),
        parse_options=csv.ParseOptions(
            delimiter=layout.syntax.delimiter.decode(),
            quote_char=quote.decode() if quote else False,
            # All is one block, so only an end without line end could be cut wrongly; looking is three times slower.
            newlines_in_values=not text.data.endswith(b"\n", 0, text.last),
        ),
        convert_options=csv.ConvertOptions(
            check_utf8=False,
            column_types=dict.fromkeys(names, pa.binary()),
            null_values=["", *(null.encode(encoding) for null in layout.nulls)],
            strings_can_be_null=True,
        ),
    )


def _whole_units(block: bytes, encoding: str) -> int:
    """How much of the block can be decoded: whole units, and no half of a surrogate pair at the end."""
    size = enc.unit_size(encoding)
    whole = len(block) // size * size
    if size == 2 and whole:
        high = block[whole - 1] if encoding.endswith("le") else block[whole - 2]
        if 0xD8 <= high <= 0xDB:
            whole -= 2
    return whole
