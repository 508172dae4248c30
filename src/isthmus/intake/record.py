"""What a reader is given, and what it gives: parts in, batches and rejects out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa

PLACE = "_place"
MAX_RECORD = 16 << 20
MAX_ROWS = 262_144

REASONS: Mapping[str, str] = {
    "binary": "the file holds no text, though a text format was expected",
    "bomb": "the archive expands out of all proportion to its size",
    "damaged": "the compressed or binary container is broken",
    "empty": "there is nothing in the file",
    "empty-name": "a member of an archive has no name",
    "encrypted": "the content is protected by a password",
    "nested": "archives lie in archives more than one level deep",
    "no-header": "segments come without the message header that should precede them",
    "no-segment": "a line is not a segment of a message",
    "not-json": "the text is not JSON",
    "not-resource": "the JSON is no FHIR resource",
    "too-long": "one record is longer than the limit",
    "truncated": "the content ends before it is complete",
    "undecodable": "the bytes are no text in the encoding of the file",
    "unsafe-name": "the name of a member points outside the archive",
    "unsupported": "the format, or a feature of it, is not read",
    "wrong-type": "a value is not of the type its column has",
    "wrong-width": "a row has more or fewer fields than the header",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A file inside a delivery: the delivery itself or a member of it.

    `name` is the path with '/' between its parts, already made safe. `open` gives a fresh stream at byte 0 of the
    decompressed content at each call, seekable when that is cheap. `size` is in bytes, None when unknown.
    """

    name: str
    open: Callable[[], BinaryIO]
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Format:
    """How a part is written: its kind (a key of `formats.READERS`) and the reader's own options."""

    kind: str
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows of one kind: the first column is `_place` (int64), the others as the reader's docstring says.

    `kind` is the record kind as the format knows it: a FHIR resource type, an HL7 segment name, a sheet, a table; ''
    for a plain table file. `length` is the bytes of the records themselves, where rows point into a text that other
    batches share.
    """

    kind: str
    rows: pa.Table
    length: int | None = None

    @property
    def size(self) -> int:
        """Its bytes."""
        return self.rows.nbytes if self.length is None else self.length


@dataclass(frozen=True, slots=True)
class Reject:
    """Something that could not be read; the original stays in the landing.

    `place` and `length` are in bytes (rows for row formats); a length of 0 means unknown. `detail` is one sentence of
    column names, counts and offsets, never data of a patient. `count` is the number of records, when more than one.
    """

    place: int
    length: int
    reason: str
    detail: str
    kind: str = ""
    count: int = 1

    def __post_init__(self) -> None:
        if self.reason not in REASONS:
            raise ValueError(f"'{self.reason}' is no class of intake.record.REASONS")


@dataclass(frozen=True, slots=True)
class Passage:
    """The source text of one record: bytes `start` to `end` (exclusive) of the part, line counted from 1.

    Row formats give row ordinals instead of bytes; databases also the `table`, and `line` is the row in it. Bytes that
    are no text are written as `\\xNN`.
    """

    start: int
    end: int
    line: int
    text: str
    table: str = ""


Reading = Iterator[Batch | Reject]
Reader = Callable[[Part, Format], Reading]
Locator = Callable[[Part, Format, int], Passage]


def as_batches(kind: str, rows: pa.Table) -> Iterator[Batch]:
    """The rows in batches of at most `MAX_ROWS`."""
    for start in range(0, rows.num_rows, MAX_ROWS):
        yield Batch(kind, rows.slice(start, MAX_ROWS))
