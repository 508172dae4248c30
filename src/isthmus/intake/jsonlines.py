"""Lines of a JSON Lines file in blocks, with their places; lines that are too long are left out and told."""

from collections.abc import Iterator
from dataclasses import dataclass

from isthmus.intake.lines import Syntax, cut
from isthmus.intake.record import Reject
from isthmus.intake.stream import Blocks

_PLAIN = Syntax(quote=None)
_BLANKS = b" \t\r\n"
MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is not blank, without its end and surrounding blanks; `place` is its first byte."""

    place: int
    text: bytes


def lines_of(source: Blocks, limit: int) -> Iterator[list[Line] | Reject]:
    """The lines in groups, one group a block."""
    data, place, skipping, first = b"", 0, False, True
    for block in source:
        if first and block.startswith(MARK):
            block, place = block[len(MARK) :], len(MARK)
        first = False
        data += block
        if skipping:
            at = data.find(b"\n") + 1
            drop = at or len(data)
            data, place, skipping = data[drop:], place + drop, not at
        lines, used = _complete(data, place, final=False)
        yield from _bounded(lines, limit)
        data, place = data[used:], place + used
        if len(data) > limit:
            yield Reject(place, 0, "too-long", f"a line is longer than {limit} bytes; skipped to the next one")
            data, place, skipping = b"", place + len(data), True
    if source.failure is not None:
        yield from source.broken_off(place, len(data))
    elif data and not skipping:
        yield from _bounded(_complete(data, place, final=True)[0], limit)


def _bounded(lines: list[Line], limit: int) -> Iterator[list[Line] | Reject]:
    short = [line for line in lines if len(line.text) <= limit]
    if short:
        yield short
    for line in lines:
        if len(line.text) > limit:
            yield Reject(line.place, len(line.text), "too-long", f"a line is longer than {limit} bytes")


def _complete(data: bytes, place: int, *, final: bool) -> tuple[list[Line], int]:
    found = cut(data, _PLAIN, final=final)
    lines: list[Line] = []
    for start, end in zip(found.starts.tolist(), found.ends.tolist(), strict=True):
        text = data[start:end]
        if text[:1] in b"{" and text:
            lines.append(Line(place + start, text.rstrip(_BLANKS)))
        elif stripped := text.strip(_BLANKS):
            lines.append(Line(place + start + len(text) - len(text.lstrip(_BLANKS)), stripped))
    return lines, found.used
