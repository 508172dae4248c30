"""The words of pages and cards in both languages (`words.yaml`)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from isthmus.apps.contract.documents import read

LANGUAGES = ("en", "zh")


@cache
def words(language: str) -> Mapping[str, str]:
    """The words of a language, English where there is no such one."""
    found: Mapping[str, str] = read(Path(__file__).parent / "words.yaml")[language if language in LANGUAGES else "en"]
    return found


def of(said: Mapping[str, str], language: str) -> str:
    """One text in a language."""
    return said.get(language) or said.get("en", "")
