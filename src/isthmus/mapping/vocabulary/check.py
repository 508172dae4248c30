"""The faults of a vocabulary pack, each with the place of its row; a pack with any is not loaded.

Tables are texts, '' where nothing stands, with `_place`: where the reader found the row.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from isthmus.mapping.vocabulary.form import CODE, PARENT, Form, relations, unknown_relation

PLACE = "_place"
APART = "|"  # between several parents or synonyms
STATUSES = ("", "active", "retired")
LONGEST = {"code": 50, "name": 255, "class": 20}  # characters that the CDM allows
RING = 12  # codes of a ring that are named
SPOILT = re.compile(r"[0-9]+(?:\.[0-9]+)?E\+[0-9]+|[0-9]{1,2}月[0-9]{1,2}日")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with the row at a place. `{line}` in the text stands for the line of another place."""

    place: int
    text: str
    other: int | None = None


@dataclass(frozen=True, slots=True)
class Targets:
    """What the lake knows of what maps name: editions by vocabulary, and the (vocabulary, code) that exist."""

    editions: Mapping[str, str]
    known: frozenset[tuple[str, str]]


def names_of(table: pa.Table, form: Form) -> list[str]:
    """The name of each code: `name`, or the one in the pack's language, or the other."""
    order = ("name", f"name_{form.language}", "name_en", "name_zh")
    columns = [table[name].to_pylist() for name in order]
    return [next(filter(None, row), "") for row in zip(*columns, strict=True)]


def parents_of(table: pa.Table, form: Form) -> list[tuple[str, ...]]:
    """The parents of each code, as its column names them or its writing shows: the longest code that it begins with."""
    codes = table["code"].to_pylist()
    if form.hierarchy == PARENT:
        return [
            tuple(dict.fromkeys(one.strip() for one in told.split(APART) if one.strip()))
            for told in table["parent"].to_pylist()
        ]
    if form.hierarchy == CODE:
        known = set(codes)
        cut = ((code[:length] for length in range(len(code) - 1, 0, -1)) for code in codes)
        return [tuple(one for one in (next((part for part in parts if part in known), ""),) if one) for parts in cut]
    return [()] * len(codes)


def check_codes(table: pa.Table, form: Form, domains: frozenset[str]) -> list[Fault]:
    """The faults of the table of codes, in the order of their places."""
    codes, places, names = table["code"].to_pylist(), table[PLACE].to_pylist(), names_of(table, form)
    found = [Fault(place, text) for place, code, name in zip(places, codes, names, strict=True)
             for text in _of_row(code, name)]  # fmt: skip
    first: dict[str, int] = {}
    for place, code in zip(places, codes, strict=True):
        if code and first.setdefault(code, place) != place:
            found.append(Fault(place, f"code '{code}' stands already on line {{line}}. Keep one.", first[code]))
    parents = parents_of(table, form)
    for place, code, above in zip(places, codes, parents, strict=True):
        missing = [one for one in above if one not in first]
        found += [Fault(place, f"parent '{one}' of code '{code}' is no code of this list.") for one in missing]
    every: dict[str, tuple[str, ...]] = {}  # of a code that stands twice, the parents of both
    for code, above in zip(codes, parents, strict=True):
        every[code] = (*every.get(code, ()), *above)
    found += [Fault(first[ring[0]], f"the hierarchy runs in a ring: {_told(ring)}. Break it.") for ring in rings(every)]
    found += _words(table, places, domains)
    return sorted(found, key=lambda one: one.place)


def check_maps(table: pa.Table, form: Form, codes: frozenset[str], targets: Targets) -> list[Fault]:
    """The faults of a table of maps, all of whose columns are filled."""
    found = []
    seen: dict[tuple[str, str, str], int] = {}
    columns = (table[name].to_pylist() for name in (PLACE, "code", "target", "vocabulary", "edition", "relation"))
    for place, code, target, vocabulary, edition, relation in zip(*columns, strict=True):
        told = [*_of_map(code, codes, form), *_of_target(target, vocabulary, edition, form, targets)]
        if relation not in relations():
            told.append(unknown_relation(relation))
        found += [Fault(place, text) for text in told]
        if (before := seen.setdefault((code, vocabulary, target), place)) != place:
            text = f"the map from '{code}' to '{target}' stands already on line {{line}}. Keep one."
            found.append(Fault(place, text, before))
    return found


def rings(parents: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """The rings of a hierarchy, each as its codes from child to parent, beginning with the one that is listed first."""
    below: dict[str, list[str]] = {}
    open_ones = {code: sum(one in parents for one in above) for code, above in parents.items()}
    for code, above in parents.items():
        for one in above:
            below.setdefault(one, []).append(code)
    free = [code for code, count in open_ones.items() if not count]
    while free:
        for child in below.get(free.pop(), ()):
            open_ones[child] -= 1
            if not open_ones[child]:
                free.append(child)
    bound = [code for code, count in open_ones.items() if count > 0]
    order = {code: number for number, code in enumerate(bound)}
    found: dict[tuple[str, ...], None] = {}
    told: set[str] = set()
    for start in bound:
        path: dict[str, int] = {}
        code = start
        while code not in path and code not in told:
            path[code] = len(path)
            code = next(one for one in parents[code] if one in order)
        if code in path:
            ring = list(path)[path[code] :]
            turn = ring.index(min(ring, key=order.__getitem__))
            found[(*ring[turn:], *ring[:turn])] = None
        told |= set(path)
    return list(found)


def _told(ring: Sequence[str]) -> str:
    shown = [*ring[:RING], *(["…"] if len(ring) > RING else []), ring[0]]
    return " → ".join(shown)


def _of_row(code: str, name: str) -> Iterator[str]:
    if not code:
        yield "the code is empty."
    if not name:
        yield f"code '{code}' has no name." if code else "the name is empty."
    if SPOILT.fullmatch(code):
        yield (
            f"code '{code}' is what a spreadsheet program makes of a code: a number or a day. Export the list again "
            "with the column of codes as text."
        )
    for what, text in (("code", code), ("name", name)):
        if len(text) > LONGEST[what]:
            yield f"the {what} has {len(text)} characters; the CDM allows {LONGEST[what]}. Shorten it."


def _words(table: pa.Table, places: Sequence[int], domains: frozenset[str]) -> Iterator[Fault]:
    """Words and dates that are none of those that may stand in their columns."""
    columns = (table[name].to_pylist() for name in ("status", "domain", "class", "valid_from", "valid_to"))
    for place, status, domain, concept_class, begin, end in zip(places, *columns, strict=True):
        if status not in STATUSES:
            yield Fault(place, f"status '{status}' is not known. Write active or retired, or nothing.")
        if domain and domain not in domains:
            yield Fault(place, f"'{domain}' is no domain. Known: {', '.join(sorted(domains))}.")
        if len(concept_class) > LONGEST["class"]:
            yield Fault(place, f"class '{concept_class}' is longer than {LONGEST['class']} characters.")
        yield from (Fault(place, text) for text in _of_days(begin, end))


def _of_days(begin: str, end: str) -> Iterator[str]:
    days = [day_of(text) for text in (begin, end)]
    for text, day in zip((begin, end), days, strict=True):
        if text and day is None:
            yield f"'{text}' is no date. Write it as 2021-01-31."
    if days[0] and days[1] and days[0] > days[1]:
        yield f"the code ends ({end}) before it begins ({begin})."


def day_of(text: str) -> date | None:
    """A date written 2021-01-31 or 20210131; None for any other text."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _of_map(code: str, codes: frozenset[str], form: Form) -> Iterator[str]:
    if code not in codes:
        yield f"'{code}' is no code of {form.vocabulary}." if code else "the code is empty."


def _of_target(target: str, vocabulary: str, edition: str, form: Form, targets: Targets) -> Iterator[str]:
    if vocabulary == form.vocabulary:
        yield f"the target's vocabulary is this one, {vocabulary}. Maps lead to other vocabularies."
    elif vocabulary not in targets.editions:
        known = ", ".join(sorted(targets.editions))
        yield f"vocabulary '{vocabulary}' is not in this workspace. Load it first. Known: {known}."
    elif edition and edition != targets.editions[vocabulary]:
        held = targets.editions[vocabulary] or "one that has no name"
        yield f"edition '{edition}' of {vocabulary} is not in this workspace, which has {held}. Load it first."
    elif (vocabulary, target) not in targets.known:
        yield f"'{target}' is no code of {vocabulary}." if target else "the target is empty."
