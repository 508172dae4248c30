"""What the page says, in one language: `words.yaml`."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

LANGUAGES = ("en", "zh")


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """The texts by key and language."""
    text = (files("isthmus.apps.pathways") / "words.yaml").read_text(encoding="utf-8")
    found: Mapping[str, Mapping[str, str]] = yaml.safe_load(text)
    return found


class Speech:
    """Words in one language. Raises KeyError for one that lacks."""

    def __init__(self, language: str) -> None:
        self.language = language

    def __call__(self, key: str, /, **values: Any) -> str:
        return words()[key][self.language].format(**values)

    def name(self, names: Mapping[str, str]) -> str:
        """What a pack calls something."""
        return names[self.language]


def percent(share: float | None) -> str:
    """A share in percent: 100 % only when all is there, 0 % only when nothing is."""
    if share is None:
        return "–"
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    return f"{min(max(100 * share, 0.1), 99.9):.1f} %"
