"""Parts of a patient's page: its words, and tables."""

from collections.abc import Mapping, Sequence
from functools import cache
from html import escape
from pathlib import Path

from isthmus.apps.contract import documents as document


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What the page says, by key and language."""
    return document.read(Path(__file__).parent / "patient_words.yaml")


def word(key: str, language: str) -> str:
    """A word of the page, as HTML."""
    return escape(words()[key][language])


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already; nothing where there is no row."""
    if not rows:
        return ""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def section(key: str, body: str, language: str) -> str:
    """A section under a word of the page."""
    return f'<section class="card"><h3>{word(key, language)}</h3>{body}</section>'


def none(language: str) -> str:
    """What is said where there is nothing."""
    return f"<p>{word('none', language)}</p>"
