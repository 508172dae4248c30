"""The formats there are, and which of them a file is. A new one is a module with two functions, and a line here."""

import re
from collections.abc import Mapping

from isthmus.intake import columnar, delimited, fhir, hl7v2, sql, workbook
from isthmus.intake.record import Format, Locator, Part, Passage, Reader, Reading

_HL7 = re.compile(rb"(?:MSH|FHS|BHS)[^A-Za-z0-9\s]")
_HL7_IN_JSON = re.compile(rb'"(?:MSH|FHS|BHS)\|')
_ARRAY = re.compile(rb"\[\s*\{")

READERS: Mapping[str, Reader] = {
    "csv": delimited.read,
    "fhir": fhir.read,
    "ndjson": fhir.read_lines,
    "hl7v2": hl7v2.read,
    "xlsx": workbook.read,
    "parquet": columnar.read,
    "sql": sql.read,
}
LOCATORS: Mapping[str, Locator] = {
    "csv": delimited.locate,
    "fhir": fhir.locate,
    "ndjson": fhir.locate,
    "hl7v2": hl7v2.locate,
    "xlsx": workbook.locate,
    "parquet": columnar.locate,
    "sql": sql.locate,
}


def guess(name: str, head: bytes) -> str:
    """The kind of format of a part, from the first bytes of its content; its name decides only between JSON formats."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SQLite format 3\0"):
        return "sql"
    if head.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        return "xlsx"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\x0b")
    if _HL7.match(text) or (text.startswith(b"{") and _HL7_IN_JSON.search(text)):
        return "hl7v2"
    if not text.startswith((b"{", b"[{")) and not _ARRAY.match(text):
        return "csv"
    if fhir.is_lines(name, head) and b'"resourceType"' not in text:
        return "ndjson"
    return "fhir"


def read(part: Part, fmt: Format) -> Reading:
    """The part's rows and rejects, read as the format says.

    Raises `Unreadable` when nothing of it can be read, `KeyError` for a kind that is not in `READERS`.
    """
    return READERS[fmt.kind](part, fmt)


def locate(part: Part, fmt: Format, place: int) -> Passage:
    """The source text of the record at `place`."""
    return LOCATORS[fmt.kind](part, fmt, place)
