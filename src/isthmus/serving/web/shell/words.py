"""The words of the workbench: those of the shell, over them those of the page above, and over them those of a page."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import cast

import yaml

from isthmus.serving.page.words import LANGUAGES, Language, Speech, Texts

HERE = Path(__file__).parent
PAGES = HERE.parent / "pages"


@cache
def texts(page: str, under: str = "") -> Texts:
    """The texts of a page over those of the page that it lies `under` and of the shell; '' for the shell alone."""
    files = [HERE / "words.yaml", *(PAGES / f"{one}.yaml" for one in (under, page) if one)]
    return {key: text for file in files for key, text in _read(file).items()}


def speech(page: str, language: Language, under: str = "") -> Speech:
    """A page's words in one language."""
    return Speech(language, texts(page, under))


def spoken(asked: str | None, kept: str | None, accepted: str) -> Language:
    """The language of a visitor: as asked for, as kept, or the one their browser likes best."""
    for one in (asked, kept):
        if one in LANGUAGES:
            return one
    likes = [part.split(";")[0].strip().lower()[:2] for part in accepted.split(",")]
    return "zh" if "zh" in likes and "en" not in likes[: likes.index("zh")] else "en"


def _read(path: Path) -> Mapping[str, Mapping[Language, str]]:
    return cast(Texts, yaml.safe_load(path.read_text("utf-8")))
