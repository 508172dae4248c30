"""JSON lines that carry HL7 v2 messages in one of their fields.

The place of a segment is where its (JSON-escaped) text begins in the file.
"""

import re

import msgspec
import numpy as np

from isthmus.intake.encoding import visible
from isthmus.intake.jsonlines import MARK, lines_of
from isthmus.intake.message import SEGMENT, Ints, Messages, Segments
from isthmus.intake.record import Part, Passage, Reading, Reject
from isthmus.intake.stream import Blocks, copy_range, line_at

_ESCAPE = re.compile(rb"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\u....|\\.")
_END = re.compile(rb"\r\n?|[\x0b\x1c]|\n(?=%s[^A-Za-z0-9 ]|[\r\n\x0b\x1c]|\Z)" % SEGMENT)
_END_BY_FEED = re.compile(rb"[\r\n\x0b\x1c]+")
_ESCAPED_END = re.compile(rb'"|\\r|\\u00(?:0[bBdD]|1[cC])|\\n(?=%s\|)' % SEGMENT)


def is_json(head: bytes) -> bool:
    """Whether the file begins as JSON."""
    return head.removeprefix(MARK).lstrip(b" \t\r\n").startswith(b"{")


def read(part: Part, field: str, limit: int, messages: Messages) -> Reading:
    """The segments of every line's message; see `hl7v2.read`."""
    shape = msgspec.defstruct("Line", [("raw", msgspec.Raw, msgspec.field(default=msgspec.Raw(), name=field))])
    decoder = msgspec.json.Decoder(shape)
    text_of = msgspec.json.Decoder(str)
    for group in lines_of(Blocks(part), limit):
        if isinstance(group, Reject):
            yield group
            continue
        texts: list[bytes] = []
        places: list[int] = []
        for line in group:
            try:
                literal = getattr(decoder.decode(line.text), "raw")  # noqa: B009 - the shape is made at run time
                text = text_of.decode(literal).encode()
            except (msgspec.DecodeError, UnicodeError, RecursionError):
                detail = f"the line is no JSON object with a text in its field '{field}'"
                yield Reject(line.place, len(line.text), "not-json", detail)
                continue
            start = line.place + line.text.find(bytes(literal)) + 1
            found = _segments(text)
            texts += [text[first:last] for first, last in found]
            offsets = np.array([first for first, _ in found], np.int64)
            places += (start + _escaped(bytes(literal)[1:-1], offsets)).tolist()
        yield from messages.rows(Segments(texts, np.array(places, np.int64)))


def locate(part: Part, place: int) -> Passage:
    """The segment that begins at byte `place`, in its JSON spelling."""
    size = 1 << 16
    while True:
        raw = copy_range(part, place, size)
        blank = _ESCAPE.sub(_blanked, raw)
        found = _ESCAPED_END.search(blank)
        if found or len(raw) < size:
            break
        size *= 16
    text = raw[: found.start()] if found else raw
    return Passage(place, place + len(text), line_at(part, place), visible(text, "utf-8"))


def _blanked(escape: re.Match[bytes]) -> bytes:
    """Escapes that neither end a segment nor look like its end, out of the way."""
    kept = escape[0] in (rb"\r", rb"\n") or escape[0].lower() in (rb"\u000d", rb"\u000b", rb"\u001c")
    return escape[0] if kept else b"." * len(escape[0])


def _segments(text: bytes) -> list[tuple[int, int]]:
    """Where segments begin and end in a message."""
    ends = _END if re.search(rb"\r(?!\n|\Z)", text) else _END_BY_FEED
    spans: list[tuple[int, int]] = []
    start = 0
    for found in ends.finditer(text):
        spans.append((start, found.start()))
        start = found.end()
    spans.append((start, len(text)))
    return [(first, last) for first, last in spans if text[first:last].strip()]


def _escaped(literal: bytes, offsets: Ints) -> Ints:
    """Offsets into a text, as offsets into its JSON spelling."""
    escapes = [(found.start(), len(found[0]), _size(found[0])) for found in _ESCAPE.finditer(literal)]
    if not escapes:
        return offsets
    at, raw, plain = np.array(escapes, np.int64).T
    growth = np.cumsum(raw - plain)
    before = at - (growth - (raw - plain))
    count = np.searchsorted(before, offsets)
    shifted: Ints = offsets + np.concatenate([[0], growth])[count]
    return shifted


def _size(escape: bytes) -> int:
    """Bytes of the escaped character in UTF-8."""
    if len(escape) == 2:
        return 1
    if len(escape) == 12:
        return 4
    code = int(escape[2:], 16)
    return 1 if code < 0x80 else 2 if code < 0x800 else 3
