"""Every sentence of the page, in English and in Simplified Chinese: `words.yaml`, and how it is spoken.

A text may hold `{names}` to be filled in. `one|many` chooses by the number; Chinese has one form.
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal, cast

import yaml

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
Texts = Mapping[str, Mapping[Language, str]]


@cache
def words() -> Texts:
    """The texts of the demo's page by key and language."""
    text = Path(__file__).with_name("words.yaml").read_text("utf-8")
    return cast(Texts, yaml.safe_load(text))


class Speech:
    """Words in one language, those of the demo's page if no others are given. Raises KeyError for one that lacks."""

    def __init__(self, language: Language, texts: Texts | None = None) -> None:
        self.language: Language = language
        self._texts = words() if texts is None else texts

    def __call__(self, key: str, n: int | None = None, /, **values: object) -> str:
        text = self._texts[key][self.language]
        if n is not None:
            one, _, many = text.partition("|")
            text = one if n == 1 or not many else many
            values["n"] = f"{n:,}"
        return text.format(**values)

    def name(self, group: str, name: str, **values: object) -> str:
        """What people call something that has a name in the data; the name itself when there is no word for it."""
        key = f"{group}.{name}"
        return self(key, **values) if key in self._texts else name


def percent(share: float | None, digits: int = 1) -> str:
    """A share in percent, rounded towards one half: 100% only when all is there, 0% only when nothing is."""
    if share is None:
        return "–"
    least = 10.0**-digits
    shown = 100 * share
    if 0 < share < 1:
        shown = min(max(shown, least), 100 - least)
    return f"{shown:.{digits}f}%" if share not in (0, 1) else f"{shown:.0f}%"
