"""FHIR R4 as JSON: Bundles (pretty or not), single resources, arrays of them, and bulk NDJSON."""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.base.errors import Unreadable
from isthmus.intake import jsonscan
from isthmus.intake.bundle import BUNDLE, NOT_JSON, Resource, Text, as_resource, entry_resource, kind_of, resources_of
from isthmus.intake.encoding import visible
from isthmus.intake.jsonlines import MARK, Line, lines_of
from isthmus.intake.record import MAX_RECORD, MAX_ROWS, PLACE, Batch, Format, Part, Passage, Reading, Reject
from isthmus.intake.stream import Blocks, copy_range, head_of, line_at

# Documents up to this size are parsed in one go; longer ones are followed element by element, in constant memory.
WHOLE = 32 << 20
BATCH = 24 << 20
SHORT = 12  # bytes; Arrow keeps texts up to this length inside a view

Ints = npt.NDArray[np.int64]

_HEAD = 1 << 16
_BLANKS = b" \t\r\n"


def read(part: Part, fmt: Format) -> Reading:
    """One row per resource: `_place` and `resource` (its JSON text); the kind is the resource type.

    Whether the file is a document or NDJSON is seen from its head. Option: `max_record` (bytes of one resource).
    """
    head = head_of(part, _HEAD)
    start = head.removeprefix(MARK).lstrip(_BLANKS)[:1]
    if not start:
        raise Unreadable("empty", "the file holds no JSON; ask the site whether the export ran")
    if is_lines(part.name, head):
        return read_lines(part, fmt)
    if start not in b"{[":
        raise Unreadable("not-json", "the file begins with neither '{' nor '['; name its format in the pack")
    return _read_document(part, _limit(fmt))


def read_lines(part: Part, fmt: Format) -> Reading:
    """The same for a file known to hold one JSON object a line; those that name no type have the kind ''."""
    sheaf = _Sheaf()
    for group in lines_of(Blocks(part), _limit(fmt)):
        if isinstance(group, Reject):
            yield group
            continue
        for line in group:
            yield from sheaf.take(_line(line, typed=fmt.kind == "fhir"))
        if sheaf.size > BATCH:
            yield from sheaf.empty()
    yield from sheaf.empty()


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The text of the resource that begins at byte `place`."""
    size = 1 << 16
    while True:
        raw = copy_range(part, place, size)
        found = jsonscan.first_value(raw)
        if found or len(raw) < size:
            break
        size *= 8
    text = raw[:found] if found else raw.split(b"\n", 1)[0].rstrip(_BLANKS)
    return Passage(place, place + len(text), line_at(part, place), visible(text, "utf-8"))


def is_lines(name: str, head: bytes) -> bool:
    """Whether this is a file of JSON lines rather than one document."""
    lines = [line.strip() for line in head.removeprefix(MARK).splitlines()[:50]]
    begun = [line for line in lines if line]
    if len(begun) > 1:
        return begun[0].startswith(b'{"') and begun[1].startswith(b"{")
    return any(word in name.lower() for word in (".ndjson", ".jsonl"))


def _limit(fmt: Format) -> int:
    return int(str(fmt.options.get("max_record") or MAX_RECORD))


class _Sheaf:
    """Resources in hand, sorted by kind; out of one `document` that begins at byte `start`, where there is one."""

    def __init__(self, document: bytes = b"", start: int = 0) -> None:
        self.size = 0
        self._document, self._start = document, start
        self._kinds: dict[str, tuple[list[Text], list[int]]] = {}

    def take(self, found: Iterable[Resource | Reject]) -> Iterator[Reject]:
        """Keep the resources, pass on the rejects."""
        for item in found:
            if isinstance(item, Reject):
                yield item
                continue
            texts, places = self._kinds.setdefault(item.kind, ([], []))
            texts.append(item.text)
            places.append(item.place)
            self.size += len(item.text)

    def empty(self) -> Reading:
        """Everything as batches, the kinds by name."""
        kinds, self._kinds, self.size = self._kinds, {}, 0
        whole = bool(self._document) and _is_utf8(self._document)
        for kind, (texts, places) in sorted(kinds.items()):
            for first in range(0, len(texts), MAX_ROWS):
                some, at = texts[first : first + MAX_ROWS], places[first : first + MAX_ROWS]
                if whole and min(map(len, some)) > SHORT:
                    yield _rows(kind, _views(self._document, np.array(at) - self._start, list(map(len, some))), at)
                else:
                    yield from _batch(kind, some, at)


def _rows(kind: str, column: pa.Array, places: list[int]) -> Batch:
    return Batch(kind, pa.Table.from_arrays([pa.array(places, pa.int64()), column], names=[PLACE, "resource"]))


def _views(document: bytes, offsets: Ints, lengths: list[int]) -> pa.Array:
    """Slices of a text as an array that points into it: Arrow's views of length, first four bytes, buffer, offset."""
    views = np.zeros((len(lengths), 4), np.int32)
    views[:, 0] = lengths
    views[:, 1] = np.frombuffer(document, np.uint8)[offsets[:, None] + np.arange(4)].view(np.int32)[:, 0]
    views[:, 3] = offsets
    return pa.Array.from_buffers(pa.string_view(), len(lengths), [None, pa.py_buffer(views), pa.py_buffer(document)])


def _batch(kind: str, texts: list[Text], places: list[int]) -> Reading:
    offsets = np.zeros(len(texts) + 1, np.int32)
    np.cumsum(list(map(len, texts)), out=offsets[1:])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    raw = pa.BinaryArray.from_buffers(pa.binary(), len(texts), buffers)
    try:
        column = raw.cast(pa.string())
    except pa.ArrowInvalid:
        good = [row for row, text in enumerate(texts) if _is_utf8(text)]
        for row in sorted(set(range(len(texts))).difference(good)):
            yield Reject(places[row], len(texts[row]), "undecodable", "the resource is no UTF-8", kind)
        column = raw.take(pa.array(good, pa.int64())).cast(pa.string())
        places = [places[row] for row in good]
    if places:
        yield _rows(kind, column, places)


def _is_utf8(text: Text) -> bool:
    try:
        str(text, "utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _line(line: Line, *, typed: bool) -> Iterator[Resource | Reject]:
    kind = kind_of(line.text)
    if kind == BUNDLE:
        yield from resources_of(line.text, line.place)
    elif kind or (kind == "" and not typed):
        yield Resource(kind, line.text, line.place)
    else:
        yield as_resource(line.text, line.place)


def _read_document(part: Part, limit: int) -> Reading:
    sheaf = _Sheaf()
    source = Blocks(part, WHOLE)
    data = next(iter(source), b"")
    mark = len(MARK) if data.startswith(MARK) else 0
    if len(data) < WHOLE and source.failure is None:
        data = data[mark:]
        sheaf = _Sheaf(data, mark)
        try:
            yield from sheaf.take(list(resources_of(data, mark)))
        except NOT_JSON:
            sheaf = _Sheaf()
            yield from _scan(part, sheaf, limit)
    else:
        del data
        yield from _scan(part, sheaf, limit)
    yield from sheaf.empty()


def _scan(part: Part, sheaf: _Sheaf, limit: int) -> Reading:
    """A document that is too large, or too broken, to be parsed whole."""
    source = Blocks(part)
    key = "entry" if head_of(part, _HEAD).removeprefix(MARK).lstrip(_BLANKS).startswith(b"{") else None
    for item in jsonscan.elements(source, key, limit):
        if isinstance(item, jsonscan.Rest):
            yield from sheaf.empty()
            yield from _rest(item, source)
        else:
            found = entry_resource(item.text, item.place) if key else as_resource(item.text, item.place)
            yield from sheaf.take([found])
        if sheaf.size > BATCH:
            yield from sheaf.empty()


def _rest(rest: jsonscan.Rest, source: Blocks) -> Iterator[Reject]:
    """What to say of the end of a scanned document."""
    if rest.ended:
        return
    if not rest.found:
        reason, detail = "not-json", "the file is neither proper JSON nor a Bundle with a list of entries"
        if rest.too_long:
            reason, detail = "too-long", "one JSON document that is no Bundle is longer than the limit of a record"
        raise source.failure or Unreadable(reason, f"{detail}; deliver it again, as NDJSON if it is large")
    if source.failure is not None:
        yield from source.broken_off(rest.place, rest.length)
        return
    reason, detail = "truncated", f"the document breaks off in the entry at byte {rest.place}"
    if rest.too_long:
        reason, detail = "too-long", f"the entry at byte {rest.place} is too long; nothing after it was read"
    elif rest.follows:
        reason, detail = "not-json", f"more follows the end of the document at byte {rest.place}; it was not read"
    yield Reject(rest.place, rest.length, reason, detail, BUNDLE)
