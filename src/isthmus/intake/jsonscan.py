"""The elements of one long JSON array, found in a stream: for documents too large, or too broken, to parse whole."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]

_STEP = np.zeros(256, np.int8)
_STEP[[ord("{"), ord("[")]] = 1
_STEP[[ord("}"), ord("]")]] = -1
_BACKSLASH, _QUOTE = ord("\\"), ord('"')


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the array (an object, mostly): its text and the byte at which it begins."""

    place: int
    text: bytes


@dataclass(frozen=True, slots=True)
class Rest:
    """What was left when the stream ended, or when it could not be followed further.

    `ended` tells that the array, and the document around it, were complete and the last; `found` that there was an
    array; `follows` that more came after the document; `too_long` that an element passed the limit.
    """

    place: int
    length: int
    ended: bool
    found: bool
    too_long: bool = False
    follows: bool = False


def elements(blocks: Iterable[bytes], key: str | None, limit: int) -> Iterator[Element | Rest]:
    """The elements of the array under `key` of the top-level object (None: the document is the array), then one `Rest`.

    An element longer than `limit` bytes ends the search.
    """
    data, place, inside = b"", 0, False
    stream = iter(blocks)
    for block in stream:
        data += block
        if not inside:
            start = _array_start(data, key)
            if start is not None:
                inside, place, data = True, place + start, data[start:]
        if inside:
            spans, end = _elements_of(data)
            yield from (Element(place + first, data[first:last]) for first, last in spans)
            if end is not None:
                yield _tail(data[end:], place + end, stream, closing=key is not None)
                return
            used = spans[-1][1] if spans else 0
            data, place = data[used:], place + used
        if len(data) > limit:
            yield Rest(place, 0, ended=False, found=inside, too_long=True)
            return
    yield Rest(place, len(data), ended=False, found=inside)


def first_value(data: bytes) -> int | None:
    """The length of the object or array that the data begin with, if it is complete."""
    at, step = _brackets(data)
    ends = np.flatnonzero(np.cumsum(step, dtype=np.int64) == 0)
    return int(at[ends[0]]) + 1 if ends.size and data[:1] in (b"{", b"[") else None


def _tail(data: bytes, place: int, stream: Iterator[bytes], *, closing: bool) -> Rest:
    """What follows the array's end: the rest of the object, and nothing after it."""
    last = 0
    if closing:
        while (length := first_value(b"{" + data)) is None:
            more = next(stream, b"")
            if not more:
                return Rest(place, len(data), ended=False, found=True)
            data += more
        last = length - 1
    rest = data[last:].strip()
    clean = not rest and not any(block.strip() for block in stream)
    return Rest(place + last, len(rest), ended=clean, found=True, follows=not clean)


def _array_start(data: bytes, key: str | None) -> int | None:
    """The offset just behind the '[' of the array, if it is in the data."""
    if key is None:
        return data.index(b"[") + 1 if b"[" in data else None
    quotes = _quotes(data)
    at, step = _brackets(data)
    levels = np.cumsum(step)
    for found in re.finditer(rb'"%s"\s*:\s*\[' % re.escape(key.encode()), data):
        opening = int(np.searchsorted(quotes, found.start()))
        before = int(np.searchsorted(at, found.start()))
        if opening % 2 == 0 and before and levels[before - 1] == 1:
            return found.end()
    return None


def _elements_of(data: bytes) -> tuple[list[tuple[int, int]], int | None]:
    """Spans of the complete bracketed elements, and the offset behind the array's ']' if it is there."""
    at, step = _brackets(data)
    levels = np.cumsum(step, dtype=np.int64)
    beyond = np.flatnonzero(levels < 0)
    end = None
    if beyond.size:
        end = int(at[beyond[0]]) + 1
        at, step, levels = at[: beyond[0]], step[: beyond[0]], levels[: beyond[0]]
    opens = at[(levels == 1) & (step == 1)]
    closes = at[(levels == 0) & (step == -1)] + 1
    spans = list(zip(opens.tolist(), closes.tolist(), strict=False))
    return _with_scalars(data, spans, len(data) if end is None else end - 1, complete=end is not None), end


def _with_scalars(data: bytes, spans: list[tuple[int, int]], stop: int, *, complete: bool) -> list[tuple[int, int]]:
    """The spans and what stands between them that is no bracket: null, numbers, strings."""
    result: list[tuple[int, int]] = []
    last = 0
    for first, after in [*spans, (stop, stop)]:
        gap = data[last:first]
        if (first < stop or complete) and gap.strip(b" \t\r\n,"):
            result += [(last + word.start(), last + word.end()) for word in re.finditer(rb'"[^"]*"|[^\s,"]+', gap)]
        if after > first:
            result.append((first, after))
        last = after
    return result


def _quotes(data: bytes) -> Offsets:
    """Where strings open and close, in turn."""
    raw = np.frombuffer(data, np.uint8)
    quotes = np.flatnonzero(raw == _QUOTE)
    if b'\\"' not in data:
        return quotes
    slashes = np.flatnonzero(raw == _BACKSLASH)
    starts_run = np.ones(slashes.size, bool)
    starts_run[1:] = np.diff(slashes) != 1
    run_start = slashes[np.maximum.accumulate(np.where(starts_run, np.arange(slashes.size), 0))]
    index = np.searchsorted(slashes, quotes) - 1
    follows = (index >= 0) & (slashes[index] == quotes - 1)
    length = np.where(follows, quotes - run_start[index], 0)
    bare: Offsets = quotes[length % 2 == 0]
    return bare


def _brackets(data: bytes) -> tuple[Offsets, npt.NDArray[np.int8]]:
    """Where brackets stand outside strings, and +1 or -1 for each."""
    raw = np.frombuffer(data, np.uint8)
    steps = _STEP[raw]
    at = np.flatnonzero(steps)
    outside = np.searchsorted(_quotes(data), at) % 2 == 0
    at = at[outside]
    return at, steps[at]
