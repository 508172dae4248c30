"""The style of pages that are made of tables: one sheet for scorecards, maps and evidence."""

from pathlib import Path

from markupsafe import Markup

from isthmus.serving.page import tokens
from isthmus.serving.page.words import Language


def style(language: Language, *more: Path) -> Markup:
    """The text of the style sheet, with what single pages add to it."""
    sheets = [Path(__file__).with_name("sheet.css"), *more]
    own = "\n".join(path.read_text("utf-8") for path in sheets)
    return Markup(f":root{{--font:{tokens.fonts(language)}}}\n{tokens.css()}\n{own}")  # ours, nothing from outside
