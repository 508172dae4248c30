"""What the first lines of a table file say: encoding, delimiter, columns, where the data begin."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isthmus.base.errors import Unreadable
from isthmus.intake import encoding as enc
from isthmus.intake.lines import Syntax, cut
from isthmus.intake.record import MAX_RECORD, PLACE
from isthmus.intake.stream import HEAD

DELIMITERS = (",", "\t", ";", "|")
NO_HEADER = "none"  # what the option `header` says of a file that begins with its first row
_LINES_LOOKED_AT = 20


@dataclass(frozen=True)
class Layout:
    """How a delimited file is read. `start` is the byte (of the text, after a mark) at which the data begin.

    `encoding` is None while only ASCII was seen: the first block with other bytes decides.
    """

    encoding: str | None
    mark: int
    syntax: Syntax
    columns: tuple[str, ...]
    start: int
    nulls: tuple[str, ...] = ()
    max_record: int = MAX_RECORD


def layout_of(head: bytes, options: Mapping[str, object]) -> Layout:
    """The layout that the head of a file shows and the options settle; see `delimited.read` for these.

    Raises `Unreadable` when there is no header or it is no text.
    """
    if not head:
        raise Unreadable("empty", "the file has no bytes; ask the site whether the export ran")
    encoding, mark = enc.marked(head)
    if encoding is None and (option := options.get("encoding")):
        encoding = enc.canonical(str(option))
    text = as_utf8(head[mark:], encoding) if encoding and enc.unit_size(encoding) > 1 else head[mark:]
    enc.refuse_binary(text)
    if encoding is None and not text.isascii():
        encoding = enc.decide(text)
    shown = enc.UTF8 if encoding is None or enc.unit_size(encoding) > 1 else encoding
    quote = _quote(options)
    delimiter = str(options.get("delimiter") or guess_delimiter(text, shown, quote))
    syntax = Syntax(delimiter.encode("ascii"), quote)
    columns, start = _columns(text, shown, syntax, options, whole=len(head) < HEAD)
    nulls = options.get("nulls") or ()
    assert isinstance(nulls, Sequence)
    limit = options.get("max_record") or MAX_RECORD
    return Layout(encoding, mark, syntax, columns, start, tuple(map(str, nulls)), int(str(limit)))


def as_utf8(raw: bytes, encoding: str) -> bytes:
    """Text of a wide encoding as UTF-8; what is no text comes out as bytes that are no UTF-8 either."""
    whole = len(raw) // enc.unit_size(encoding) * enc.unit_size(encoding)
    return raw[:whole].decode(encoding, "surrogatepass").encode("utf-8", "surrogatepass")


def split(record: bytes, encoding: str, syntax: Syntax) -> list[str]:
    """The fields of one record. Bytes that are no text become `\\xNN`: for looking at a record, not for its data."""
    return split_text(enc.visible(record, encoding), syntax)


def split_text(text: str, syntax: Syntax) -> list[str]:
    """The fields of one record's text."""
    delimiter = re.escape(syntax.delimiter.decode())
    mark = syntax.quote.decode() if syntax.quote else ""
    quote = re.escape(mark)
    plainly = rf"([^{delimiter}]*+)"
    quotedly = rf"{quote}((?:[^{quote}]++|{quote}{quote})*+){quote}{plainly}" if mark else "(?!)()()"
    field = re.compile(rf"{quotedly}|{plainly}")
    fields: list[str] = []
    at = 0
    while found := field.match(text, at):
        quoted, after, plain = found.groups()
        fields.append(plain if quoted is None else quoted.replace(mark * 2, mark) + after)
        at = found.end() + 1
        if at > len(text):
            break
    return fields


def guess_delimiter(text: bytes, encoding: str, quote: bytes | None) -> str:
    """The delimiter that cuts the first lines into the most, and equally many, fields; a comma when none does."""
    best, score = ",", 1.0
    for candidate in DELIMITERS:
        syntax = Syntax(candidate.encode(), quote)
        found = cut(text[: HEAD // 8], syntax, final=False)
        rows = [text[a:b] for a, b in zip(found.starts[:_LINES_LOOKED_AT], found.ends, strict=False) if b > a]
        widths = [len(split(row, encoding, syntax)) for row in rows]
        usual = max(set(widths), key=lambda width: (widths.count(width), width), default=0)
        agreed = usual * widths.count(usual) / max(len(widths), 1)
        if usual > 1 and agreed > score:
            best, score = candidate, agreed
    return best


def unique(names: Iterable[str], taken: Iterable[str] = (PLACE,)) -> tuple[str, ...]:
    """Column names stripped, the nameless numbered (`column 3`), and repeated ones told apart by ` (2)`."""
    seen = set(taken)
    result: list[str] = []
    for number, raw in enumerate(names, 1):
        name = raw.strip().strip("\ufeff") or f"column {number}"
        fresh, count = name, 1
        while fresh in seen:
            count += 1
            fresh = f"{name} ({count})"
        seen.add(fresh)
        result.append(fresh)
    return tuple(result)


def header_lines(options: Mapping[str, object]) -> tuple[int | None, int]:
    """The header's line index (None: the first line that is not blank) and how many lines are skipped after it."""
    header = options.get("header")
    return (None if header in (None, NO_HEADER) else int(str(header))), int(str(options.get("skip_after_header") or 0))


def numbered(fields: Sequence[object]) -> tuple[str, ...]:
    """The names of columns without a header: 1, 2, …"""
    return tuple(str(number) for number, _ in enumerate(fields, start=1))


def _quote(options: Mapping[str, object]) -> bytes | None:
    quote = options.get("quote", '"')
    return None if quote in (None, "", "none") else str(quote).encode("ascii")


def _columns(
    text: bytes, encoding: str, syntax: Syntax, options: Mapping[str, object], *, whole: bool
) -> tuple[tuple[str, ...], int]:
    header, after = header_lines(options)
    given, bare = options.get("columns"), options.get("header") == NO_HEADER
    found = cut(text, syntax, final=whole)
    lines = list(zip(found.starts.tolist(), found.ends.tolist(), strict=True))
    if given:
        assert isinstance(given, Sequence)
        skipped = after + (0 if header is None else header + 1)
        return unique(map(str, given)), _start_of(lines, skipped, found.used)
    if header is None:
        header = next((index for index, (start, end) in enumerate(lines) if end > start), 0)
    if header >= len(lines):
        reason = "truncated" if whole else "too-long"
        raise Unreadable(reason, f"line {header + 1} should hold the column names; the file's head has no such line")
    record = text[slice(*lines[header])]
    if bare:
        return numbered(split(record, encoding, syntax)), _start_of(lines, header + after, found.used)
    if not enc.fits(record, encoding):
        raise Unreadable("undecodable", f"the column names in line {header + 1} are no text in {encoding}")
    return unique(split(record, encoding, syntax)), _start_of(lines, header + 1 + after, found.used)


def _start_of(lines: list[tuple[int, int]], index: int, used: int) -> int:
    return lines[index][0] if index < len(lines) else used
