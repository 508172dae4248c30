"""What a definition says that the reference takes, and that its author hardly meant: told beside what is found.

Circe keeps of a key that stands twice the last, and takes concept sets of one number together. Both are done here too,
for a definition has to find the same persons here and there.
"""

import codecs
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import combinations
from typing import Any

import orjson

from isthmus.base.errors import InputError
from isthmus.cdm.units import ucum
from isthmus.cdm.units.concept import units
from isthmus.research.cohorts.codesets import asked
from isthmus.research.cohorts.cursor import Cursor, DefinitionError
from isthmus.research.cohorts.definition import Definition

WAYS = frozenset({"eq", "[iU]", "[arb'U]", "U"})
"""Bases of which an analyte may say what they are worth: units with them may well mean the same number."""
COMPARED = ("ValueAsNumber", "RangeLow", "RangeHigh", "Quantity", "DoseValue", "EffectiveDrugDose")
UNITS = ("Unit", "DoseUnit")


def doubts(content: bytes, whole: Any, root: Cursor, found: Definition) -> tuple[DefinitionError, ...]:
    """What is doubtful in a definition, each with its place. `whole` is what was read of `content`, `root` of it the
    definition."""
    return (*_repeated(content, whole, root), *_sets(root, found), *_units(root))


def _repeated(content: bytes, whole: Any, root: Cursor) -> Iterator[DefinitionError]:
    """Keys that stand twice in one map. Looked for only where there seem to be more of them than were read."""
    if content.count(b'":') + content.count(b'" :') == orjson.dumps(whole).count(b'":'):
        return
    twice: list[str] = []

    def pairs(found: list[tuple[str, Any]]) -> None:
        twice.extend(name for name, count in Counter(name for name, _ in found).items() if count > 1)

    json.loads(content.removeprefix(codecs.BOM_UTF8), object_pairs_hook=pairs)
    for name in twice:
        yield root.error(f"'{name[:60]}' stands twice in one map, and the last counts.", "Take the other out.")


def _sets(root: Cursor, found: Definition) -> Iterator[DefinitionError]:
    used, seen = set(asked(found)), set()
    for one in root["ConceptSets"].items():
        number = one["id"].integer(0)
        if number in seen:
            yield one["id"].error(
                f"two concept sets have the number {number}, and are taken together.", "Give one another number."
            )
        elif number not in used:
            yield one.error(f"nothing asks for this concept set ({number}).", "Take it out, or ask for it.")
        seen.add(number)


def _units(root: Cursor) -> Iterator[DefinitionError]:
    """Criteria that compare a number with one limit in units in which the same number is not the same amount."""
    for way, listed in _compared({key: one for key, one in root.value.items() if key != "ConceptSets"}, ()):
        if pair := _unlike(listed):
            at = root
            for step in way:
                at = at[step]
            yield at.error(
                f"numbers in {pair[0]} and in {pair[1]} are compared with one limit.",
                "Write a criterion for each unit.",
            )


def _compared(value: Any, way: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], list[Any]]]:
    """Lists of more than one unit beside a number that is compared, and the ways to them."""
    inner: Iterable[tuple[str | int, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
        for name in UNITS:
            listed = value.get(name)
            if isinstance(listed, list) and len(listed) > 1 and any(value.get(one) for one in COMPARED):
                yield (*way, name), listed
    elif isinstance(value, list):
        inner = enumerate(value)
    for key, one in inner:
        if isinstance(one, dict | list):
            yield from _compared(one, (*way, key))


@cache
def _known() -> Mapping[int, str]:
    """The units that can be read, by their concepts."""
    return {concept: code for code, concept in units().items() if ucum.readable(code)}


def _unlike(listed: list[Any]) -> tuple[str, str] | None:
    """Two units of a list that are worth different amounts; None where there are none."""
    numbers = [one.get("CONCEPT_ID") for one in listed if isinstance(one, dict)]
    codes = [_known()[one] for one in numbers if isinstance(one, int) and one in _known()]
    for first, second in combinations(sorted(set(codes)), 2):
        try:
            one, other = ucum.read(first), ucum.read(second)
        except InputError:
            continue
        bases = {base for base, _ in (*one.dimension, *other.dimension)}
        alike = one.dimension == other.dimension and abs(one.factor / other.factor - 1) < 1e-9
        if not alike and not bases & WAYS:
            return first, second
    return None
