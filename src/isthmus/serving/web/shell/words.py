"""The words of the workbench: those of the shell and, over them, those of a page."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from isthmus.serving.page.words import LANGUAGES, Language, Speech, Texts

HERE = Path(__file__).parent
PAGES = HERE.parent / "pages"


@cache
def texts(page: str) -> Texts:
    """The texts of a page with those of the shell below them; '' for the shell alone."""
    below = _read(HERE / "words.yaml")
    return {**below, **_read(PAGES / f"{page}.yaml")} if page else below


def speech(page: str, language: Language) -> Speech:
    """A page's words in one language."""
    return Speech(language, texts(page))


def spoken(asked: str | None, kept: str | None, accepted: str) -> Language:
    """The language of a visitor: as asked for, as kept, or the one their browser likes best."""
    for one in (asked, kept):
        if one in LANGUAGES:
            return one
    likes = [part.split(";")[0].strip().lower()[:2] for part in accepted.split(",")]
    return "zh" if "zh" in likes and "en" not in likes[: likes.index("zh")] else "en"


def _read(path: Path) -> Mapping[str, Mapping[Language, str]]:
    return cast(Texts, yaml.safe_load(path.read_text("utf-8")))
