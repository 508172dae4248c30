"""Resources out of their envelopes: which slices of a JSON text are FHIR resources, of which type, and where.

Parsing stops at the envelope (`msgspec.Raw`); a resource is handed on as the exact text it came in.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec
import pyarrow as pa

from isthmus.intake.record import Reject

BUNDLE = "Bundle"
Text = bytes | msgspec.Raw

# Nearly every writer puts the type first; then the resource need not be parsed to learn it.
_FIRST_KEY = re.compile(rb'\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')
_BLANKS = b" \t\r\n"


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's own name
    entry: list[_Entry] = []


class _Typed(msgspec.Struct):
    resourceType: str = ""  # noqa: N815 - FHIR's own name


class _Loose(msgspec.Struct):
    resourceType: msgspec.Raw = msgspec.Raw()  # noqa: N815 - FHIR's own name
    entry: msgspec.Raw = msgspec.Raw()


_bundle = msgspec.json.Decoder(_Bundle)
_entry = msgspec.json.Decoder(_Entry)
_typed = msgspec.json.Decoder(_Typed)
_loose = msgspec.json.Decoder(_Loose)
_raws = msgspec.json.Decoder(list[msgspec.Raw])

# What msgspec raises for text that is no JSON at all; a ValidationError says that it is JSON of another shape.
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource, its type ('' where none is named) and the byte at which it begins."""

    kind: str
    text: Text
    place: int


def resources_of(data: bytes, place: int) -> Iterator[Resource | Reject]:
    """The resources of a document (a Bundle, an array of resources, one resource) that begins at byte `place`.

    Raises one of `NOT_JSON` when the document as a whole cannot be parsed.
    """
    if data.lstrip(_BLANKS)[:1] == b"[":
        yield from _each(_raws.decode(data), _address(data) - place)
        return
    try:
        bundle = _bundle.decode(data)
    except msgspec.ValidationError:
        yield from _odd_document(data, place)
        return
    if bundle.resourceType != BUNDLE:
        yield from _each([data], _address(data) - place)
    elif all(entry.resource for entry in bundle.entry):
        yield from _each([entry.resource for entry in bundle.entry], _address(data) - place)
    else:
        yield from _odd_document(data, place)


def entry_resource(text: Text, place: int) -> Resource | Reject:
    """The resource of one entry of a Bundle, or why it has none."""
    try:
        resource = _entry.decode(text).resource
    except msgspec.ValidationError:
        return Reject(place, len(text), "not-resource", "an entry of the Bundle is no object", BUNDLE)
    except NOT_JSON:
        return Reject(place, len(text), "not-json", "an entry of the Bundle is no JSON", BUNDLE)
    if not resource:
        return Reject(place, len(text), "not-resource", "an entry of the Bundle has no resource", BUNDLE)
    return as_resource(resource, place + _address(resource) - _address(text))


def as_resource(text: Text, place: int) -> Resource | Reject:
    """The text with its type, if it is an object that names one."""
    kind = kind_of(text)
    if kind:
        return Resource(kind, text, place)
    reason, what = ("not-resource", "names no resourceType") if kind == "" else ("not-json", "is no JSON object")
    return Reject(place, len(text), reason, f"a resource {what}")


def kind_of(text: Text) -> str | None:
    """The type of a resource; '' when the object names none, None when the text is no JSON object."""
    try:
        return _typed.decode(text).resourceType
    except msgspec.ValidationError:
        return "" if bytes(text[:1] if isinstance(text, bytes) else memoryview(text)[:1]) == b"{" else None
    except NOT_JSON:
        return None


def _each(texts: Iterable[Text], base: int) -> Iterator[Resource | Reject]:
    match = _FIRST_KEY.match
    for text in texts:
        place = _address(text) - base
        found = match(text)
        yield Resource(found[1].decode(), text, place) if found else as_resource(text, place)


def _odd_document(data: bytes, place: int) -> Iterator[Resource | Reject]:
    """A document that is JSON but not shaped as it should be: entry by entry."""
    try:
        envelope = _loose.decode(data)
    except msgspec.ValidationError:
        yield Reject(place, len(data), "not-resource", "the document is no JSON object")
        return
    if kind_of(data) != BUNDLE and envelope.resourceType != b'"Bundle"':
        yield as_resource(data, place)
        return
    try:
        entries = _raws.decode(envelope.entry)
    except msgspec.ValidationError:
        yield Reject(place, len(data), "not-resource", "the Bundle's entry is no list", BUNDLE)
        return
    for entry in entries:
        yield entry_resource(entry, place + _address(entry) - _address(data))


def _address(text: Text) -> int:
    """Where in memory a slice stands: the difference of two is an offset, which msgspec does not tell."""
    address: int = pa.py_buffer(text).address
    return address
