"""The keys of a pack's files, and what may stand behind each. The whole grammar: docs/reference/pack.md."""

from collections.abc import Mapping
from typing import Any

from isthmus.base.document import Section
from isthmus.base.errors import PackError

TEXT, WHOLE, TEXTS, MAPPING = "one text", "a whole number", "a list (`[a, b]`)", "a mapping (`key: value` lines)"
SWITCH = "yes or no"
RULES = "a list or a mapping of rules"
ELEMENTS = 'SQL that gives a list, or numbered columns (`{count: 40, code: "C{n:02}"}`)'

PACK: Mapping[str, str] = {
    "pack": TEXT, "version": TEXT, "title": MAPPING, "extends": TEXT, "keyspace": TEXT, "detect": MAPPING,
    "format": MAPPING, "vocabularies": MAPPING, "type_concept_id": WHOLE, "dates": TEXTS, "derive": TEXTS,
    "order": TEXTS, "keep": MAPPING, "let": MAPPING,
}  # fmt: skip
RECORD: Mapping[str, str] = {
    "record": TEXT, "title": MAPPING, "source": MAPPING, "columns": MAPPING, "optional": TEXTS, "shape": MAPPING,
    "key": TEXT, "version": TEXT, "person": TEXT, "let": MAPPING, "each": ELEMENTS, "into": RULES,
}  # fmt: skip
RULE: Mapping[str, str] = {"table": TEXT, "when": TEXT, "each": ELEMENTS, "set": MAPPING}
LISTS_INSIDE = ("source.files", "detect.files", "detect.columns")
DERIVED = ("observation_period", "note_nlp")


def check(section: Section, keys: Mapping[str, str]) -> None:
    """Check the keys of a section as `check_keys` does, and the lists of a record's or pack's inner sections."""
    check_keys(section, keys)
    for name in LISTS_INSIDE:
        outer, inner = name.split(".")
        if isinstance(section.get(outer), Section) and inner in section[outer]:
            demand(section[outer], inner, TEXTS)
    for name in section.get("columns", ()):
        if section["columns"][name] is not None:
            demand(section["columns"], name, TEXTS)


def check_keys(section: Section, keys: Mapping[str, str]) -> None:
    """Raise PackError for a key that is not known, or what does not belong behind it. A key left empty is no key."""
    for key in list(section):
        if key not in keys:
            raise PackError(f"{section.place(key)}: '{key}' is not known here. Known: {', '.join(sorted(keys))}.")
        if section[key] is None:
            del section[key]
        else:
            demand(section, key, keys[key])


def check_pack(head: Section) -> None:
    """Check `pack.yaml`. Raises PackError."""
    check(head, PACK)
    for name in head.get("derive", ()):
        if name not in DERIVED:
            raise PackError(f"{head.place('derive')}: '{name}' cannot be derived. Known: {', '.join(DERIVED)}.")


def demand(section: Section, key: str, kind: str) -> None:
    """Raise PackError unless what stands behind a key is of that kind."""
    if not _is(section[key], kind):
        raise PackError(f"{section.place(key)}: `{key}` is {kind}.")


class Fragment(str):
    """A piece of SQL that knows its file and line."""

    place: str

    @classmethod
    def of(cls, section: Section, key: str) -> "Fragment":
        """What stands behind a key; YAML's null is SQL's."""
        value = section[key]
        fragment = cls("null" if value is None else value)
        fragment.place = section.place(key)
        return fragment


def place_of(sql: str, otherwise: str) -> str:
    """`file:line` of a fragment; of a text that is none, the place where it was met."""
    return getattr(sql, "place", otherwise)


def _is(value: Any, kind: str) -> bool:
    listed = isinstance(value, list) and not any(isinstance(one, list | Section) for one in value)
    numbered = isinstance(value, Section) and int(value.get("count", 0)) > 0 and set(value) - {"count", "from"}
    return {
        TEXT: isinstance(value, str | int | float),
        WHOLE: isinstance(value, int) and not isinstance(value, bool),
        SWITCH: isinstance(value, bool),
        TEXTS: listed,
        MAPPING: isinstance(value, Section),
        RULES: isinstance(value, list | Section),
        ELEMENTS: isinstance(value, str) or bool(numbered),
    }[kind]
