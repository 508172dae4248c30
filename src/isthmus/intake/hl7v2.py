"""HL7 v2 in files: batches of messages with or without FHS/BHS wrappers, MLLP frames, or JSON lines that carry them.

A segment is one row and is not taken apart: fields are cut out where they are used. What a segment means depends on the
segments before it, so each row carries those of its message that give it context.
"""

import re
from collections.abc import Iterator

from isthmus.base.errors import Unreadable
from isthmus.intake import encoding as enc
from isthmus.intake import hl7json
from isthmus.intake.message import SEGMENT, Messages, Segments, segments_of
from isthmus.intake.record import MAX_RECORD, Format, Part, Passage, Reading, Reject
from isthmus.intake.stream import Blocks, copy_range, head_of, line_at

_MARK = b"\xef\xbb\xbf"
# MLLP's start and end bytes part messages as line ends part segments; replacing byte by byte leaves places true.
_FRAMES = bytes.maketrans(b"\x0b\x1c", b"\r\r")
_FRAMES_AND_FEEDS = bytes.maketrans(b"\x0b\x1c\n", b"\r\r\r")
_FEED_AS_END = re.compile(rb"\n(?=%s[^A-Za-z0-9 ]|[\r\n\x0b\x1c]|\Z)" % SEGMENT)
_BARE_RETURN = re.compile(rb"\r(?!\n|\Z|\x0b|\x1c)")
_SNIFFED = 1 << 16


def read(part: Part, fmt: Format) -> Reading:
    """One row per segment; the kind is the segment's name.

    Columns: `_place`; `segment`, with separators made |^~\\& and escapes untouched; `seq`, its number in the message,
    from 1; `message`, as sending application|facility|control id, or a hash where there is no id; and the latest `msh`,
    `evn`, `pid`, `pv1`, `orc`, `obr`, `rxe` of the message so far, itself included; a new PID ends the visit and order
    of the patient before. FHS, BHS, BTS and FTS stand outside
    messages.

    Options: `encoding` (default: MSH-18, else by content), `json_field` (the field of JSON lines that holds a message;
    default 'message'), `max_record` (bytes of a message).
    """
    head = head_of(part, _SNIFFED)
    if not head.strip(_MARK + b" \r\n\t\x0b\x1c"):
        raise Unreadable("empty", "the file holds no message; ask the site whether the export ran")
    limit = int(str(fmt.options.get("max_record") or MAX_RECORD))
    option = fmt.options.get("encoding")
    messages = Messages(enc.canonical(str(option)) if option else None)
    if hl7json.is_json(head):
        yield from hl7json.read(part, str(fmt.options.get("json_field") or "message"), limit, messages)
        return
    if not re.search(rb"(?:^|[\r\n\x0b\x1c])(?:\xef\xbb\xbf)?%s[^A-Za-z0-9 ]" % SEGMENT, head):
        raise Unreadable("no-segment", "no line at the head of the file is an HL7 segment; name its format in the pack")
    for item in _pieces(part, limit, feeds_end=_feeds_end(head)):
        if isinstance(item, Reject):
            yield item
        else:
            yield from messages.rows(item)


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The text of the segment that begins at byte `place`, as it stands in the file."""
    head = head_of(part, _SNIFFED)
    if hl7json.is_json(head):
        return hl7json.locate(part, place)
    option = fmt.options.get("encoding")
    size = 1 << 14
    while True:
        raw = copy_range(part, place, size)
        end = _unified(raw, feeds_end=_feeds_end(head)).find(b"\r")
        if end >= 0 or len(raw) < size:
            break
        size *= 16
    raw = raw[:end] if end >= 0 else raw
    encoding = enc.canonical(str(option)) if option else (enc.UTF8 if enc.fits(raw, enc.UTF8) else enc.GB18030)
    return Passage(place, place + len(raw), line_at(part, place), enc.visible(raw, encoding))


def _feeds_end(head: bytes) -> bool:
    """Whether a line feed ends a segment. Where carriage returns do, a line feed inside a field is text."""
    return _BARE_RETURN.search(head) is None


def _unified(data: bytes, *, feeds_end: bool) -> bytes:
    """The data with every end of a segment as one carriage return; the length stays."""
    if feeds_end:
        return data.translate(_FRAMES_AND_FEEDS)
    return _FEED_AS_END.sub(b"\r", data).translate(_FRAMES) if b"\n" in data else data.translate(_FRAMES)


def _pieces(part: Part, limit: int, *, feeds_end: bool) -> Iterator[Segments | Reject]:
    """Whole messages, some at a time."""
    source = Blocks(part)
    data, place, skipping, first = b"", 0, False, True
    for block in source:
        if first and block.startswith(_MARK):
            block, place = block[len(_MARK) :], len(_MARK)
        first = False
        data = _unified(data + block, feeds_end=feeds_end)
        if skipping:
            at = data.find(b"\rMSH") + 1
            drop = at or max(0, len(data) - 3)
            data, place, skipping = data[drop:], place + drop, not at
            if skipping:
                continue
        at = data.rfind(b"\rMSH") + 1
        if at:
            yield segments_of(data[:at], place)
            data, place = data[at:], place + at
        if len(data) > limit:
            yield Reject(place, 0, "too-long", f"a message is longer than {limit} bytes; skipped to the next one")
            data, place, skipping = data[-3:], place + len(data) - 3, True
    if source.failure is not None:
        yield from source.broken_off(place, len(data))
    elif not skipping:
        yield segments_of(data, place)
