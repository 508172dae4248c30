"""Segments of HL7 v2 messages to rows: which message each belongs to, and what came before it there."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.intake import encoding as enc
from isthmus.intake.record import PLACE, Batch, Reading, Reject, as_batches

SEGMENT = rb"[A-Z][A-Z0-9]{2}"
CONTEXT = ("msh", "evn", "pid", "pv1", "orc", "obr", "rxe")
ENVELOPE = frozenset({"FHS", "BHS", "BTS", "FTS"})

_NAME = re.compile(r"[A-Z][A-Z0-9]{2}(?:\||$)")
_USUAL = b"MSH|^~\\&"
_STANDARD = "|^~\\&"
_ESCAPES = {"|": "F", "^": "S", "~": "R", "&": "T", "\\": "E"}
_CHARSETS = {  # HL7 table 0211, as far as its sets are met in files
    "UNICODE UTF-8": enc.UTF8,
    "UTF-8": enc.UTF8,
    "GB 18030-2000": enc.GB18030,
    "GB18030": enc.GB18030,
    "GBK": enc.GB18030,
    "GB2312": enc.GB18030,
    "BIG-5": "big5",
    "8859/1": "iso8859-1",
    "8859/15": "iso8859-15",
}
_LENIENT = frozenset({"iso8859-1", "iso8859-15"})  # they fit any bytes, so they are the last to be tried

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Segments:
    """Segments that are not blank, as bytes, each with the byte of the part at which it begins."""

    texts: list[bytes]
    places: Ints

    def __len__(self) -> int:
        return len(self.texts)


def segments_of(data: bytes, place: int) -> Segments:
    """The segments of data whose only line ends are carriage returns."""
    texts = data.split(b"\r")
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    places = np.cumsum(sizes + 1) - sizes - 1 + place
    if all(texts):
        return Segments(texts, places)
    filled = [index for index, text in enumerate(texts) if text and not text.isspace()]
    return Segments([texts[index] for index in filled], places[filled])


def kinds(batch: Batch) -> dict[str, int]:
    """How many messages of each kind (MSH-9, as ADT^A01) a batch begins; none where it holds no heads of messages."""
    if batch.kind != "MSH" or "segment" not in batch.rows.column_names:
        return {}
    segments = batch.rows["segment"]
    said = pc.replace_substring_regex(segments, r"^MSH\|(?:[^|]*\|){7}([^|]*).*$", r"\1")
    pieces = pc.replace_substring_regex(said, r"^([^^]*\^?[^^]*).*$", r"\1")
    told = pc.if_else(pc.match_substring_regex(pieces, r"^[A-Z0-9]{3}(\^[A-Z0-9]{3})?$"), pieces, "")
    return {one["values"]: one["counts"] for one in pc.value_counts(told).to_pylist()}


class Messages:
    """Turns segments into batches. `encoding` is the file's, None while it is not known."""

    def __init__(self, encoding: str | None) -> None:
        self._option = encoding
        self._seen = encoding

    def rows(self, segments: Segments) -> Reading:
        """Batches by kind, kinds by name; and rejects for what is no segment, no text, or in no message."""
        if not len(segments):
            return
        texts, rejects = self._decoded(segments)
        names = _names(texts)
        valid = np.array([name is not None for name in names], bool)
        rejects += _not_segments(segments, valid)
        places, raw = segments.places, segments.texts
        if not valid.all():
            kept = np.flatnonzero(valid)
            texts, names = ([column[index] for index in kept.tolist()] for column in (texts, names))
            raw = [raw[index] for index in kept.tolist()]
            places = places[kept]
        table = _Context(names, texts, places, raw)
        yield from sorted([*rejects, *table.orphans()], key=lambda reject: reject.place)
        yield from table.batches()

    def _decoded(self, segments: Segments) -> tuple[list[str | None], list[Reject]]:
        """The segments as text with standard separators; None for what is no text."""
        texts: list[str | None] = []
        rejects: list[Reject] = []
        joined = b"\r".join(segments.texts)
        if joined.isascii() and joined.startswith(_USUAL) and joined.count(b"\rMSH") == joined.count(b"\r" + _USUAL):
            return [*joined.decode("ascii").split("\r")], rejects
        starts = [index for index, text in enumerate(segments.texts) if text.startswith(b"MSH")]
        bounds = [0, *(start for start in starts if start), len(segments)]
        for start, end in pairwise(bounds):
            raw = segments.texts[start:end]
            message, bad = self._message(raw)
            for index in bad:
                name = raw[index][:3].decode("ascii", "backslashreplace")
                detail = f"a {name} segment holds bytes that are no text in the encoding of its message"
                rejects.append(
                    Reject(int(segments.places[start + index]), len(raw[index]), "undecodable", detail, name)
                )
            texts += _standard(message)
        return texts, rejects

    def _message(self, raw: list[bytes]) -> tuple[list[str | None], list[int]]:
        joined = b"\r".join(raw)
        if joined.isascii():
            return [*joined.decode("ascii").split("\r")], []
        candidates = self._candidates(raw[0], joined)
        for encoding in candidates:
            if enc.fits(joined, encoding):
                return [*joined.decode(encoding).split("\r")], []
        good = [enc.fits(text, candidates[0]) for text in raw]
        texts = [text.decode(candidates[0]) if fits else None for text, fits in zip(raw, good, strict=True)]
        return texts, [index for index, fits in enumerate(good) if not fits]

    def _candidates(self, header: bytes, message: bytes) -> list[str]:
        if self._option:
            return [self._option]
        if self._seen is None:
            telling = [line for line in message.split(b"\r") if not line.isascii()]
            utf8 = sum(enc.fits(line, enc.UTF8) for line in telling)
            self._seen = enc.UTF8 if 2 * utf8 > len(telling) else enc.GB18030
        fields = header.split(header[3:4] or b"|")
        charset = fields[17].split(b"~")[0].decode("ascii", "replace").upper() if len(fields) > 17 else ""
        declared = _CHARSETS.get(charset)
        if declared is None:
            return [self._seen]
        return [self._seen, declared] if declared in _LENIENT else [declared, self._seen]


def _standard(message: list[str | None]) -> list[str | None]:
    """The message with the separators |^~\\&; the characters its own header names are replaced."""
    header = message[0]
    if header is None or not header.startswith("MSH") or header.startswith("MSH|^~\\&") or len(header) < 5:
        return message
    separator = header[3]
    encoding = header.split(separator)[1]
    own = separator + encoding[:4]
    table = {ord(mark): f"\\{letter}\\" for mark, letter in _ESCAPES.items() if mark not in own}
    if len(own) < len(_STANDARD):  # what the header does not name is not used, and needs no escape
        table = {}
    table |= {ord(mine): standard for mine, standard in zip(own, _STANDARD, strict=False)}
    rest = header[4 + len(encoding) :].translate(table)
    others = [text if text is None else text.translate(table) for text in message[1:]]
    return [f"MSH|{_STANDARD[1:]}{rest}", *others]


def _names(texts: list[str | None]) -> list[str | None]:
    """The segments' names; '' for a segment that is no text, None for a line that is no segment."""
    heads = [text[:4] if text is not None else "" for text in texts]
    known = {head: head[:3] if _NAME.match(head) else None for head in set(heads)}
    known[""] = ""
    return [known[head] for head in heads]


def _not_segments(segments: Segments, valid: npt.NDArray[np.bool_]) -> list[Reject]:
    detail = "the line does not begin with a segment's name and the field separator"
    return [
        Reject(int(segments.places[index]), len(segments.texts[index]), "no-segment", detail)
        for index in np.flatnonzero(~valid).tolist()
    ]


class _Context:
    """The segments of some whole messages, and for each its message and its predecessors there."""

    def __init__(self, names: list[str | None], texts: list[str | None], places: Ints, raw: list[bytes]) -> None:
        # Names sorted, so that a kind's code is its rank.
        self.kinds = sorted(set(map(str, names)))
        rank = {kind: code for code, kind in enumerate(self.kinds)}
        self.codes = np.fromiter(map(rank.__getitem__, map(str, names)), np.int64, len(names))
        self.texts = texts
        self.places = places
        self.raw = raw
        self.index = np.arange(len(names))
        self.outside = np.isin(self.codes, [rank[name] for name in ENVELOPE if name in rank])
        header = self._is("MSH")
        self.starts = np.flatnonzero(header)
        self.number = np.cumsum(header) - 1
        self.first = np.where(self.number >= 0, np.append(self.starts, 0)[self.number], -1)
        self.lost = (self.number < 0) & ~self.outside

    def orphans(self) -> Iterator[Reject]:
        """Segments before the first header, told once."""
        lost = np.flatnonzero(self.lost)
        if lost.size:
            start, last = int(self.places[lost[0]]), int(lost[-1])
            length = int(self.places[last]) + len(self.raw[last]) - start
            detail = f"{lost.size} segments come before any MSH segment"
            yield Reject(start, length, "no-header", detail, count=int(lost.size))

    def batches(self) -> Iterator[Batch]:
        kept = np.flatnonzero(~self.lost & ~self._is(""))
        order = kept[np.argsort(self.codes[kept], kind="stable")]
        columns = self._columns()
        rows = pa.array(order)
        table = pa.Table.from_arrays([column.take(rows) for column in columns.values()], names=list(columns))
        bounds = np.searchsorted(self.codes[order], np.arange(len(self.kinds) + 1))
        for kind, start, end in zip(self.kinds, bounds.tolist(), bounds[1:].tolist(), strict=False):
            yield from as_batches(kind, table.slice(start, end - start))

    def _is(self, kind: str) -> npt.NDArray[np.bool_]:
        which: npt.NDArray[np.bool_] = self.codes == (self.kinds.index(kind) if kind in self.kinds else -1)
        return which

    def _last(self, kind: str) -> Ints:
        """For each segment the last of a kind so far, -1 for none."""
        return np.maximum.accumulate(np.where(self._is(kind), self.index, -1))

    def _columns(self) -> dict[str, pa.Array]:
        inside = ~self.outside & (self.number >= 0)
        seq = self.index - self.first
        numbers = [str(number) for number in range(1, int(seq.max(initial=0)) + 2)]
        columns = {
            PLACE: pa.array(self.places),
            "segment": pa.array(self.texts, pa.string()),
            "seq": _coded(seq, inside, numbers),
            "message": _coded(self.number, inside, self._keys()),
        }
        person = self._last("PID")
        for context in CONTEXT:
            which, last = self._is(context.upper()), self._last(context.upper())
            # Visits and orders are those of the patient named last: one message may tell of several.
            known = inside & (last >= self.first) & ((last >= person) | (context in ("msh", "evn")))
            values = [self.texts[index] for index in np.flatnonzero(which).tolist()]
            columns[context] = _coded(np.cumsum(which) - 1, known, values)
        return columns

    def _keys(self) -> list[str]:
        """What names a message: sender and control id, or a hash of its bytes where it has no id."""
        keys: list[str] = []
        ends = [*self.starts[1:].tolist(), len(self.raw)]
        for start, end in zip(self.starts.tolist(), ends, strict=False):
            fields = str(self.texts[start]).split("|", 10)
            if len(fields) > 9 and fields[9].strip():
                keys.append(f"{fields[2]}|{fields[3]}|{fields[9]}")
            else:
                content = b"\r".join(raw for raw in self.raw[start:end] if raw[:3] not in (b"BTS", b"FTS"))
                keys.append(f"sha256:{hashlib.sha256(content).hexdigest()[:32]}")
        return keys


def _coded(number: Ints, known: npt.NDArray[np.bool_], values: Sequence[str | None]) -> pa.DictionaryArray:
    """The value for each row, stored once."""
    codes = pa.array(number.astype(np.int32), mask=~known)
    return pa.DictionaryArray.from_arrays(codes, pa.array(values, pa.string()))
