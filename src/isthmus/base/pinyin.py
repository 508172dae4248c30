"""How Chinese characters are read aloud: the tables of pypinyin, taken as the data that they are.

Importing that package reads its 47,000 phrases, and was the longest part of every command's start; here they are read
where they are asked for.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

DIAERESIS = "\u0308"


@cache
def characters() -> Mapping[str, str]:
    """The commonest reading of each character, without its tone; ü is written v."""
    return {chr(int(point)): toneless(told.split(",")[0]) for point, told in _table("pinyin_dict").items()}


@cache
def phrases() -> Mapping[str, Sequence[Sequence[str]]]:
    """Of each phrase the readings of its characters, with tones, the commonest first."""
    return _table("phrases_dict")


def toneless(told: str) -> str:
    """A syllable without its tone."""
    apart = unicodedata.normalize("NFD", told).replace("u" + DIAERESIS, "v")
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _table(name: str) -> Mapping[str, Any]:
    path = Path(str(distribution("pypinyin").locate_file(f"pypinyin/{name}.json")))
    told: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return told
