"""How a wrong score file is told, and the small demands that all of its parts share."""

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

from isthmus.base.document import Section
from isthmus.base.errors import PackError


def fault(place: str, item: str, cause: str, mend: str) -> PackError:
    """The error: place (`file:line`), what it is about, what is wrong, how it is mended."""
    return PackError(f"{place}: {item}: {cause}. {mend}.")


def check_keys(section: Section, item: str, known: Sequence[str], needed: Sequence[str] = ()) -> None:
    """Raise PackError for a key that is not known, or one that is needed and has nothing behind it."""
    for key in section:
        if key not in known:
            raise fault(section.place(key), item, f"`{key}` is not known here", f"Known: {', '.join(known)}")
    for key in needed:
        if section.get(key) is None or section[key] == "":
            raise fault(section.place(), item, f"`{key}` is missing", f"Add `{key}:`")


def section_of(parent: Section, key: str, item: str) -> Section:
    """The mapping behind a key; an empty one where nothing stands."""
    value = parent.get(key)
    if value is None:
        return Section({}, file=parent.file, lines={}, line=parent.lines.get(key, parent.line))
    if not isinstance(value, Section):
        raise fault(parent.place(key), item, f"`{key}` is a mapping", "Write `name: value` lines below it")
    return value


def sections_of(parent: Section, key: str, item: str) -> list[Section]:
    """The list of mappings behind a key; an empty one where nothing stands."""
    value = parent.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, Section) for one in value):
        raise fault(parent.place(key), item, f"`{key}` is a list of mappings", "Write `- {name: value}` lines below it")
    return value


def text_of(section: Section, key: str, item: str) -> str:
    """The text behind a key, empty where nothing stands. A number is its own text."""
    value = section.get(key)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise fault(section.place(key), item, f"`{key}` is a text", "Write one, in quotes if YAML reads it otherwise")
    return str(value).strip()


def number_of(section: Section, key: str, item: str) -> float:
    """The number behind a key."""
    value = section.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise fault(section.place(key), item, f"`{key}` is a number", "Write one, without a unit")
    return float(value)


def choice_of(section: Section, key: str, item: str, known: Mapping[Any, Any] | Sequence[str], usual: str) -> str:
    """The word behind a key, one of those known."""
    word = text_of(section, key, item) or usual
    if word not in known:
        raise fault(section.place(key), item, f"`{key}` is {' or '.join(known)}", f"'{word}' is none of them")
    return word


def switch_of(section: Section, key: str, item: str) -> bool:
    """Yes or no behind a key; no where nothing stands."""
    value = section.get(key, False)
    if not isinstance(value, bool):
        raise fault(section.place(key), item, f"`{key}` is yes or no", "Write `yes` or `no` without quotes")
    return value
