"""Texts as grams: Latin words without their plural's s, and each two neighbouring characters of Chinese."""

import re
from itertools import pairwise
from unicodedata import normalize

HAN = "\u3400-\u9fff\uf900-\ufaff"
PIECES = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
CHINESE = re.compile(f"[{HAN}]")
SHORT = 3
"""Letters up to which an s at the end is no plural's: `ALS`, `gas`."""


def plain(text: str) -> str:
    """A text as it is compared: one width, one case."""
    return normalize("NFKC", text).lower()


def grams(text: str) -> list[str]:
    """The grams of a plain text, in its order; a Chinese character that stands alone is one."""
    found: list[str] = []
    for piece in PIECES.findall(text):
        if not CHINESE.match(piece):
            found.append(_single(piece))
        elif len(piece) == 1:
            found.append(piece)
        else:
            found += [one + other for one, other in pairwise(piece)]
    return found


def _single(word: str) -> str:
    return word[:-1] if len(word) > SHORT and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
