"""Whether a definition has the concept sets that it asks for."""

import dataclasses
from collections.abc import Iterator
from typing import Any

from isthmus.research.cohorts.cursor import Cursor
from isthmus.research.cohorts.definition import Criterion, Definition, EraExit, Test


def check(found: Definition, root: Cursor) -> None:
    """Raise DefinitionError where criteria ask for a set that the document at `root` does not have."""
    for one in asked(found):
        if one not in found.sets:
            known = ", ".join(map(str, sorted(found.sets))) or "none"
            raise _place(root, one).error(f"there is no concept set {one}.", f"Add it to ConceptSets. Known: {known}.")


def asked(value: Any) -> Iterator[int]:
    """The numbers of the concept sets that a definition, or a part of one, asks for."""
    if isinstance(value, Criterion | Test | EraExit):
        named = (value.codeset, value.source if isinstance(value, Criterion) else None)
        yield from (one for one in named if one is not None)
    if isinstance(value, tuple):
        for one in value:
            yield from asked(one)
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from asked(getattr(value, field.name))


def _place(at: Cursor, number: int) -> Cursor:
    """Where a document first asks for a concept set; the document itself where that is not found."""
    places = [at]
    for one in places:
        keys = (
            one.value if isinstance(one.value, dict) else range(len(one.value)) if isinstance(one.value, list) else ()
        )
        for key in keys:
            if isinstance(key, str) and key.endswith("CodesetId") and one.value[key] == number:
                return one[key]
            places.append(one[key])
    return at
