"""A pack is a folder of data that teaches Isthmus one kind of export. This module reads and checks it.

The grammar is described in docs/reference/pack.md. Packs are found in the workspace first, then among those shipped.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from isthmus.base import document
from isthmus.base.document import Section
from isthmus.base.errors import PackError
from isthmus.mapping import grammar
from isthmus.mapping.grammar import Fragment

SHIPPED = Path(__file__).parent / "packs"
# How a file is written: what may stand in `format` of a pack and in `source` of a record.
OPTIONS = (
    "delimiter", "encoding", "header", "skip_after_header", "nulls", "quote", "columns", "max_record", "json_field",
    "tables", "watermark",
)  # fmt: skip
WHOLES = ("header", "skip_after_header", "max_record")
CHECKED = 64
_CHECKED: dict[tuple[str, str], "Pack"] = {}  # by name and digest: each batch of each feed asks for its pack
INSIDE = {
    "format": ("kind", *OPTIONS),
    "source": ("files", "kind", "format", *OPTIONS),
    "detect": ("files", "format", "columns"),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One way in which a record fills one table."""

    name: str
    table: str
    when: str | None
    each: str | Mapping[str, Any] | None
    set: Mapping[str, str]
    place: str


@dataclass(frozen=True, slots=True)
class Record:
    """How one kind of source record becomes OMOP rows."""

    name: str
    title: Mapping[str, str]
    files: Sequence[str]
    kind: str
    format: Mapping[str, Any]
    columns: Mapping[str, Sequence[str]]
    optional: Sequence[str]
    shape: Mapping[str, Any] | None
    key: str | None
    version: str | None
    person: str | None
    let: Mapping[str, str]
    rules: Sequence[Rule]
    place: str

    def texts(self) -> Iterator[str]:
        """Every piece of SQL in it."""
        yield from filter(None, (self.key, self.version, self.person, *self.let.values()))
        yield from _texts(self.rules)

    def reads(self, file: str, kind: str) -> bool:
        """Whether a batch of this kind, out of a file of this name, is a record of this sort."""
        base = file.rsplit("/", 1)[-1].lower()
        named = not self.files or any(fnmatchcase(base, glob.lower()) for glob in self.files)
        return named and (not self.kind or self.kind == kind)


@dataclass(frozen=True, slots=True)
class Pack:
    """A checked pack. `digest` changes with any byte of any of its files."""

    name: str
    version: str
    title: Mapping[str, str]
    keyspace: str
    format: Mapping[str, Any]
    detect: Mapping[str, Any]
    vocabularies: Mapping[str, str]
    type_concept_id: int
    dates: Sequence[str]
    derive: Sequence[str]
    keep: Mapping[str, str]
    records: Sequence[Record]
    codes: Mapping[str, Sequence[Mapping[str, str]]]
    digest: str
    files: Mapping[str, bytes] = field(repr=False)

    def record_of(self, file: str, kind: str) -> Record | None:
        """The first record, in pack order, which reads this batch."""
        return next((record for record in self.records if record.reads(file, kind)), None)


def shipped() -> Iterator[str]:
    """Names of the packs that come with Isthmus."""
    return (path.parent.name for path in sorted(SHIPPED.glob("*/pack.yaml")))


def load(name: str, roots: Sequence[Path] = ()) -> Pack:
    """Read a pack by name (looked up in `roots`, then among those shipped) or by its folder.

    Raises PackError naming file and line.
    """
    documents, files, codes = _gather(name, (*roots, SHIPPED), seen=())
    digest = hashlib.sha256()
    for file, content in sorted(files.items()):
        digest.update(f"{file}\0{len(content)}\0".encode() + content)
    known = (name, digest.hexdigest())
    if known not in _CHECKED:
        if len(_CHECKED) >= CHECKED:
            _CHECKED.clear()
        _CHECKED[known] = _checked(documents, files, codes, known[1])
    return _CHECKED[known]


def _checked(
    documents: dict[str, Section], files: dict[str, bytes], codes: dict[str, list[dict[str, str]]], digest: str
) -> Pack:
    head = documents.pop("pack.yaml")
    grammar.check_pack(head)
    _check_inside(head)
    records = [_record(body, head, file) for file, body in sorted(documents.items())]
    return Pack(
        name=str(_need(head, "pack")),
        version=str(head.get("version", "1")),
        title=head.get("title", {}),
        keyspace=str(head.get("keyspace", "hospital")),
        format=head.get("format", {"kind": "csv"}),
        detect=head.get("detect", {}),
        vocabularies={str(key): str(value) for key, value in head.get("vocabularies", {}).items()},
        type_concept_id=head.get("type_concept_id", 32817),
        dates=tuple(head.get("dates", ())),
        derive=tuple(head.get("derive", ("observation_period",))),
        keep=head.get("keep", {}),
        records=_ordered(records, head),
        codes=codes,
        digest=digest,
        files=files,
    )


@lru_cache(256)
def _document(content: str, label: str) -> Section:
    return document.parse(content, label)


def _gather(
    name: str, roots: Sequence[Path], *, seen: tuple[str, ...]
) -> tuple[dict[str, Section], dict[str, bytes], dict[str, list[dict[str, str]]]]:
    folder = _folder(name, roots)
    if name in seen:
        raise PackError(f"{name}/pack.yaml: packs extend each other in a ring: {' → '.join((*seen, name))}. Break it.")
    documents = {
        path.name: _document(document.text(path, f"{folder.name}/{path.name}"), f"{folder.name}/{path.name}")
        for path in sorted(folder.glob("*.yaml"))
    }
    files = {f"{folder.name}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.yaml"))}
    codes: dict[str, list[dict[str, str]]] = {}
    for path in sorted(folder.glob("codes/*.csv")):
        files[f"{folder.name}/codes/{path.name}"] = path.read_bytes()
        codes[path.stem] = _codes(path, f"{folder.name}/codes/{path.name}")
    base = documents["pack.yaml"].get("extends")
    if base:
        under, more, below = _gather(str(base), roots, seen=(*seen, name))
        documents = {
            file: under[file].merged(documents[file]) if file in under and file in documents else
            documents.get(file) or under[file]
            for file in {**under, **documents}
        }  # fmt: skip
        files = {**more, **files}
        codes = {name: _laid_over(below.get(name, []), codes.get(name, [])) for name in {**below, **codes}}
    return documents, files, codes


def _laid_over(base: list[dict[str, str]], over: list[dict[str, str]]) -> list[dict[str, str]]:
    """A code list with another of the same name laid over it, code by code."""
    return list({**{row["code"]: row for row in base}, **{row["code"]: row for row in over}}.values())


def _folder(name: str, roots: Sequence[Path]) -> Path:
    for folder in (*(root / name for root in roots), Path(name)):
        if (folder / "pack.yaml").is_file():
            return folder
    known = ", ".join(shipped()) or "none"
    raise PackError(f"there is no pack '{name}' (no folder with a pack.yaml). Packs that come along: {known}.")


def _codes(path: Path, label: str) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            fields = set(reader.fieldnames or ())
            if "code" not in fields or not ({"concept_id"} <= fields or {"vocabulary_id", "concept_code"} <= fields):
                raise PackError(
                    f"{label}:1: the header needs `code` and either `concept_id` or `vocabulary_id,concept_code`."
                )
            rows: list[dict[str, str]] = []
            seen: dict[str, int] = {}
            for row in reader:
                code = (row["code"] or "").strip()
                if code in seen:
                    raise PackError(
                        f"{label}:{reader.line_num}: code '{code}' stands already on line {seen[code]}. Keep one."
                    )
                if None in row or not (row.get("concept_id") or "0").strip().isdigit():
                    raise PackError(f"{label}:{reader.line_num}: too many fields, or concept_id is not a number.")
                seen[code] = reader.line_num
                rows.append({key: (value or "").strip() for key, value in row.items()})
            return rows
    except UnicodeDecodeError:
        raise PackError(f"{label}:1: the file is not UTF-8. Save it as UTF-8 and try again.") from None


def _record(body: Section, head: Section, file: str) -> Record:
    grammar.check(body, grammar.RECORD)
    _check_inside(body)
    source = body.get("source", {})
    name = str(body.get("record", file.removesuffix(".yaml")))
    texts = [body.get("key"), body.get("version"), body.get("person"), *body.get("let", {}).values()]
    rules = tuple(_rules(body))
    return Record(
        name=name,
        title=body.get("title", {}),
        files=tuple(source.get("files", ())),
        kind=str(source.get("kind", "")),
        format=_format(source, head.get("format", {})),
        columns={key: tuple(map(str, value or ())) for key, value in body.get("columns", {}).items()},
        optional=tuple(map(str, body.get("optional", ()))),
        shape=body.get("shape"),
        key=_sql(body, "key"),
        version=_sql(body, "version"),
        person=_sql(body, "person"),
        let=_lets(body, head, [*map(str, filter(None, texts)), *_texts(rules)]),
        rules=rules,
        place=body.place(),
    )


def _check_inside(section: Section) -> None:
    """Raise PackError for a word that means nothing under `format`, `source` or `detect`."""
    for outer, known in INSIDE.items():
        inner = section.get(outer)
        if not isinstance(inner, Section):
            continue
        for key in inner:
            if key not in known:
                raise PackError(
                    f"{inner.place(key)}: '{key}' is not known under `{outer}`. Known: {', '.join(sorted(known))}."
                )
            if outer != "detect" and inner[key] is not None:
                _check_option(inner, key)


def _check_option(inner: Section, key: str) -> None:
    if key in WHOLES:
        grammar.demand(inner, key, grammar.WHOLE)
    elif key in ("nulls", "columns", "tables", "files"):
        grammar.demand(inner, key, grammar.TEXTS)
    else:
        grammar.demand(inner, key, grammar.TEXT)
    letter = str(inner[key])
    if key in ("delimiter", "quote") and letter not in ("", "none") and not (len(letter) == 1 and letter.isascii()):
        raise PackError(f"{inner.place(key)}: `{key}` is one ASCII character; '{letter}' is none.")


def _format(source: Mapping[str, Any], usual: Mapping[str, Any]) -> Mapping[str, Any]:
    """How the record's files are written: as the pack's, but for the options of its own; or in another format."""
    own = {key: value for key, value in source.items() if key not in ("files", "kind", "format")}
    if source.get("format", usual.get("kind")) == usual.get("kind"):
        return {**usual, **own}
    return {"kind": source["format"], **own}


def _lets(body: Section, head: Section, texts: list[str]) -> Mapping[str, str]:
    """The record's named expressions, after those of the whole pack that it uses, directly or through another."""
    own = _fragments(body, "let")
    shared = {name: text for name, text in _fragments(head, "let").items() if name not in own}
    used: set[str] = set()
    waiting = texts
    while waiting:
        words = set(re.findall(r"\w+", " ".join(waiting)))
        fresh = {name for name in shared if name in words} - used
        used |= fresh
        waiting = [shared[name] for name in fresh]
    return {
        **{name: text for name, text in shared.items() if name in used},
        **own,
    }


def _texts(rules: Sequence[Rule]) -> Iterator[str]:
    for rule in rules:
        yield from filter(None, (rule.when, rule.each if isinstance(rule.each, str) else None, *rule.set.values()))


def _rules(body: Section) -> Iterator[Rule]:
    into = _need(body, "into")
    named = into.items() if isinstance(into, Section) else ((None, rule) for rule in into)
    used: dict[str, int] = {}
    for name, rule in named:
        if not isinstance(rule, Section):
            raise PackError(f"{body.place('into')}: each rule is a mapping with `table:` and `set:`.")
        grammar.check(rule, grammar.RULE)
        table = str(_need(rule, "table") if name is None else rule.get("table", name))
        used[table] = used.get(table, 0) + 1
        label = name or (table if used[table] == 1 else f"{table}#{used[table]}")
        yield Rule(
            name=str(label),
            table=table,
            when=_sql(rule, "when"),
            each=_each(rule) or _each(body),
            set=_fragments(rule, "set"),
            place=rule.place("set") if "set" in rule else rule.place(),
        )


def _each(section: Section) -> str | Mapping[str, Any] | None:
    return section["each"] if isinstance(section.get("each"), Section) else _sql(section, "each")


def _sql(section: Section, key: str) -> str | None:
    return Fragment.of(section, key) if key in section else None


def _fragments(section: Section, key: str) -> dict[str, str]:
    """Named expressions under a key."""
    inner = section.get(key, {})
    return {name: Fragment.of(inner, name) for name in inner}


def _ordered(records: list[Record], head: Section) -> tuple[Record, ...]:
    order = list(head.get("order", ()))
    names = {record.name for record in records}
    for name in order:
        if name not in names:
            raise PackError(f"{head.place('order')}: there is no record '{name}' in this pack. Known: {sorted(names)}.")
    return tuple(
        sorted(records, key=lambda one: (order.index(one.name) if one.name in order else len(order), one.name))
    )


def _need(section: Section, key: str) -> Any:
    if key not in section:
        raise PackError(f"{section.place()}: `{key}:` is missing here.")
    return section[key]
