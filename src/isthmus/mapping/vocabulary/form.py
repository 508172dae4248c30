"""What a vocabulary pack says of itself: `vocabulary.yaml`, described in docs/reference/vocabulary-pack.md."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from csv import DictReader
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from io import StringIO
from pathlib import Path

from isthmus.base import document
from isthmus.base.document import Section
from isthmus.base.errors import PackError
from isthmus.mapping import grammar
from isthmus.mapping.grammar import MAPPING, SWITCH, TEXT

HEAD = "vocabulary.yaml"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,19}")
CODES, MAPS = "codes.csv", "maps/*.csv"
KEYS: Mapping[str, str] = {
    "vocabulary": TEXT, "edition": TEXT, "system": TEXT, "name": MAPPING, "language": TEXT, "valid": MAPPING,
    "source": TEXT, "licence": TEXT, "domain": TEXT, "class": TEXT, "standard": SWITCH, "hierarchy": TEXT,
    "codes": MAPPING, "maps": "a list of mappings",
}  # fmt: skip
NEEDED = ("vocabulary", "edition", "name", "source", "licence", "domain")
SHEET: Mapping[str, str] = {
    "file": TEXT, "sheet": TEXT, "encoding": TEXT, "delimiter": TEXT, "header": TEXT, "columns": MAPPING,
}  # fmt: skip
OPTIONS = ("sheet", "encoding", "delimiter", "header")
MAP: Mapping[str, str] = {**SHEET, "vocabulary": TEXT, "edition": TEXT, "relation": TEXT}
OF_CODES = (
    "code", "name", "name_en", "name_zh", "parent", "status", "synonyms", "domain", "class", "valid_from", "valid_to",
)  # fmt: skip
OF_MAPS = ("code", "target", "vocabulary", "edition", "relation")
NONE, PARENT, CODE = "none", "parent", "code"
NO_HEADER = "none"
HIERARCHIES = (NONE, PARENT, CODE)
LANGUAGES = ("zh", "en")
BEGIN, END = date(1970, 1, 1), date(2099, 12, 31)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of the pack: its file, how it is written, and the columns that stand for those of the form.

    `fixed` holds what is the same for all its rows; `place` where the pack says so.
    """

    file: str
    options: Mapping[str, str]
    columns: Mapping[str, str]
    fixed: Mapping[str, str]
    place: str


@dataclass(frozen=True, slots=True)
class Form:
    """The head of a pack. `vocabulary` is its vocabulary id in the lake: one for each edition.

    `standard`: its codes are standard concepts, but those that are retired or equal to a standard concept elsewhere.
    """

    vocabulary: str
    edition: str
    system: str
    name: Mapping[str, str]
    language: str
    valid_from: date
    valid_to: date
    source: str
    licence: str
    domain: str
    concept_class: str
    standard: bool
    hierarchy: str
    codes: Sheet
    maps: Sequence[Sheet]
    place: str

    @property
    def title(self) -> str:
        """Its name in English where it has one."""
        return self.name.get("en") or self.name["zh"]


@dataclass(frozen=True, slots=True)
class Relation:
    """How the target of a map stands to the code, and the relations of the lake that say so."""

    relation: str
    forward: str
    reverse: str
    inverse: str


@cache
def relations() -> Mapping[str, Relation]:
    """Those that a map may have, by their name."""
    text = (files("isthmus.mapping.vocabulary") / "relations.csv").read_text(encoding="utf-8")
    return {
        row["relation"]: Relation(
            row["relation"], row["relationship_id"], row["reverse_relationship_id"], row["inverse"]
        )
        for row in DictReader(StringIO(text))
    }


def read(folder: Path) -> Form:
    """The head of the pack in a folder. Raises PackError naming file and line."""
    if not (folder / HEAD).is_file():
        raise PackError(
            f"{folder} holds no {HEAD}, so it is no vocabulary pack. docs/how-to/load-code-lists.md shows how to write "
            "one; an Athena export is loaded with `isthmus vocabulary`."
        )
    head = document.read(folder / HEAD, name=f"{folder.name}/{HEAD}")
    maps = head.pop("maps", None)
    faults = list(_faults(head))
    if faults:
        raise PackError("\n".join(faults))
    begin, end = _valid(head)
    return Form(
        vocabulary=str(head["vocabulary"]), edition=str(head["edition"]), system=str(head.get("system", "")),
        name={key: str(value) for key, value in head["name"].items()}, language=str(head.get("language", "zh")),
        valid_from=begin, valid_to=end, source=str(head["source"]), licence=str(head["licence"]),
        domain=str(head["domain"]), concept_class=str(head.get("class", "Code")),
        standard=head.get("standard") is True,
        hierarchy=str(head.get("hierarchy", NONE)),
        codes=_sheet(head.get("codes", Section({}, file=head.file, lines={}, line=1)), CODES, SHEET, OF_CODES),
        maps=_maps(folder, head, maps), place=head.place("vocabulary"),
    )  # fmt: skip


def _faults(head: Section) -> Iterator[str]:
    """Every fault of the head, with its line: unknown and missing keys, and words that it may not have there."""
    yield from _refused(lambda: grammar.check_keys(head, KEYS))
    yield from (f"{head.place()}: `{key}:` is missing here." for key in NEEDED if key not in head)
    if not NAME.fullmatch(str(head.get("vocabulary", "X"))):
        yield (
            f"{head.place('vocabulary')}: '{head['vocabulary']}' cannot be a vocabulary id. Use 1 to 20 of A-Z, a-z, "
            "0-9, '.', '_', '-', and put the edition into it, for every edition is a vocabulary of its own."
        )
    for key, known in (("hierarchy", HIERARCHIES), ("language", LANGUAGES)):
        if key in head and head[key] not in known:
            yield f"{head.place(key)}: `{key}` is {', '.join(known[:-1])} or {known[-1]}."
    name = head.get("name")
    if isinstance(name, Section) and (not name or set(name) - set(LANGUAGES) or not all(name.values())):
        yield f"{head.place('name')}: `name` has `en:` or `zh:`, or both, and nothing else."
    if len(str(head.get("class", ""))) > 20:
        yield f"{head.place('class')}: `class` has at most 20 characters."
    yield from _refused(lambda: _valid(head))


def _refused(check: Callable[[], object]) -> Iterator[str]:
    """What a check says that refuses."""
    try:
        check()
    except PackError as fault:
        yield str(fault)


def _valid(head: Section) -> tuple[date, date]:
    inner = head.get("valid", Section({}, file=head.file, lines={}, line=1))
    grammar.check_keys(inner, {"from": TEXT, "to": TEXT})
    told = []
    for key, otherwise in (("from", BEGIN), ("to", END)):
        try:
            told.append(date.fromisoformat(str(inner[key])) if key in inner else otherwise)
        except ValueError:
            raise PackError(f"{inner.place(key)}: '{inner[key]}' is no date. Write it as 2021-01-31.") from None
    if told[0] > told[1]:
        raise PackError(f"{inner.place('from')}: the edition ends before it begins.")
    return told[0], told[1]


def _sheet(section: Section, file: str, keys: Mapping[str, str], names: Sequence[str]) -> Sheet:
    grammar.check_keys(section, keys)
    if section.get("header", NO_HEADER) != NO_HEADER:
        raise PackError(
            f"{section.place('header')}: `header` can only be {NO_HEADER}: the file begins with its first code, and "
            "`columns` gives numbers, such as {code: 1, name: 2}."
        )
    columns = section.get("columns", {})
    for name in columns:
        if name not in names:
            raise PackError(f"{columns.place(name)}: '{name}' is no column here. Known: {', '.join(names)}.")
    return Sheet(
        file=str(section.get("file", file)),
        options={key: str(section[key]) for key in OPTIONS if key in section},
        columns={name: str(column) for name, column in columns.items()},
        fixed={key: str(section[key]) for key in ("vocabulary", "edition", "relation") if key in section},
        place=section.place("file"),
    )


def _maps(folder: Path, head: Section, told: object) -> tuple[Sheet, ...]:
    if told is None:
        empty = Section({}, file=head.file, lines={}, line=1)
        return tuple(
            _sheet(empty, path.relative_to(folder).as_posix(), MAP, OF_MAPS) for path in sorted(folder.glob(MAPS))
        )
    if not isinstance(told, list) or not all(isinstance(one, Section) and "file" in one for one in told):
        raise PackError(f"{head.place('maps')}: `maps` is a list of mappings, each with `file:`.")
    sheets = tuple(_sheet(one, "", MAP, OF_MAPS) for one in told)
    for one, sheet in zip(told, sheets, strict=True):
        if sheet.fixed.get("relation", "equal") not in relations():
            raise PackError(f"{one.place('relation')}: {unknown_relation(sheet.fixed['relation'])}")
    return sheets


def unknown_relation(told: str) -> str:
    """What is said of a relation that is none."""
    return f"'{told}' is no relation. A target is {', '.join(relations())} to the code."
