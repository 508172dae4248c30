"""What the house says in English of what it refuses, in Chinese: `refusals.csv`, a line for each sentence.

Rooms below speak English alone, for logs and command lines; a sentence is put into Chinese where a page shows it. In a
line, {1} is what stands there as it is, and {w1} the same put into Chinese too, where it is one of our words.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

from isthmus.serving.page.words import Language

HOLE = re.compile(r"\{(\d)\}")
OTHERS = ((" or ", "或"), (", ", "、"))
"""Between words of ours that stand beside each other."""


@dataclass(frozen=True, slots=True)
class _Line:
    """A sentence of ours: how it is recognised, and what it is in Chinese."""

    pattern: re.Pattern[str]
    chinese: str


def translated(text: str, language: Language) -> str | None:
    """A sentence of the house in a language; None where there is none of it in Chinese. English stays as it is."""
    if language == "en":
        return text
    found = _sentence(text)
    if found is None and (several := _joined(text.removesuffix("."))):
        found = several + "。" * text.endswith(".")
    return found


@cache
def sentences() -> Mapping[str, str]:
    """All sentences in English, with the Chinese ones; holes are numbered in the order of the English."""
    text = resources.files(__package__).joinpath("refusals.csv").read_text(encoding="utf-8")
    return {row["en"]: row["zh"] for row in csv.DictReader(text.splitlines())}


@cache
def _lines() -> Sequence[_Line]:
    """Those with holes; the one that says most first, for a hole takes in anything."""
    holed = [(english, chinese) for english, chinese in sentences().items() if HOLE.search(english)]
    holed.sort(key=lambda pair: -len(HOLE.sub("", pair[0])))
    return [_Line(re.compile(_pattern(english), re.DOTALL), chinese) for english, chinese in holed]


def _pattern(english: str) -> str:
    """A text in which each hole is a group of its own name; the same number a second time may be another text."""
    parts = HOLE.split(english)
    return "".join(re.escape(part) if at % 2 == 0 else f"(?P<n{part}>.+?)" for at, part in enumerate(parts))


def _sentence(text: str) -> str | None:
    whole = sentences().get(text)
    if whole is not None:
        return whole
    for line in _lines():
        found = line.pattern.fullmatch(text)
        if found is not None:
            given = {name[1:]: value for name, value in found.groupdict().items()}
            return line.chinese.format(*("", *(given.get(str(at), "") for at in range(1, 10))), **_words(given))
    return None


def _words(given: Mapping[str, str]) -> dict[str, str]:
    return {f"w{name}": _joined(value) or _sentence(value) or value for name, value in given.items()}


def _joined(text: str) -> str | None:
    """Several findings, each with its place before it; or words of ours side by side. None where one is not ours."""
    parts = text.split("; ")
    found = [_placed(part) or _sentence(part) for part in parts]
    if all(found):
        return "；".join(one for one in found if one)
    for between, chinese in OTHERS:
        known = [sentences().get(word) for word in text.split(between)]
        if len(known) > 1 and all(known):
            return chinese.join(one for one in known if one)
    return None


def _placed(text: str) -> str | None:
    place, colon, why = text.rpartition(": ")
    found = _sentence(why) if colon else None
    return None if found is None else f"{place.replace(': ', '：')}：{found}"
