"""An expression's text as words: numbers, texts, dates, names, keywords, signs."""

import re
from collections.abc import Callable
from dataclasses import dataclass

KEYWORDS = frozenset(
    {
        "and", "or", "not", "in", "is", "null", "true", "false", "between", "case", "when", "then", "else", "end",
        "date",
    }
)  # fmt: skip
# A comma and what stands for a comparison in formulas of papers; read as the signs of the language.
ALIKE = {"≤": "<=", "≥": ">=", "≠": "<>", "!=": "<>", "==": "=", "−": "-", "×": "*", "·": "*", "÷": "/"}
TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<number>(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<text>'(?:[^']|'')*')"
    r"|(?P<word>[^\W\d]\w*)"
    r"|(?P<sign><=|>=|<>|!=|==|[-+*/()<>=,≤≥≠−×·÷])"
)
MENDS = {
    '"': "Write texts in single quotes: 'yes'",
    "'": "Close the text with a second single quote; one inside a text is written twice",
    "%": "Write per cents as a number: 0.3",
    "^": "Write the product out: x * x",
    ";": "One expression gives one value; take the semicolon out",
    "|": "Write `or`",
    "&": "Write `and`",
    "!": "Write `not`",
    "[": "Write lists in round brackets: x in (1, 2)",
    "，": "Write an ordinary comma",
    "（": "Write ordinary brackets",
    "）": "Write ordinary brackets",
}
Refuse = Callable[[int, str, str], Exception]


@dataclass(frozen=True, slots=True)
class Token:
    """One word: its kind (`number`, `text`, `word`, `keyword`, `sign`, `end`), its text, where it begins (from 0)."""

    kind: str
    text: str
    at: int


def tokens(text: str, refuse: Refuse) -> list[Token]:
    """The words of an expression, an `end` last. `refuse` makes the error of a place, a cause and a mend."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise _strange(text, at, refuse)
        kind = match.lastgroup or ""
        if kind != "space":
            word = ALIKE.get(match[0], match[0])
            if kind == "word" and word.lower() in KEYWORDS:
                kind, word = "keyword", word.lower()
            found.append(Token(kind, word, at))
        at = match.end()
    found.append(Token("end", "", len(text)))
    return found


def _strange(text: str, at: int, refuse: Refuse) -> Exception:
    sign = text[at]
    if sign.isdigit() or sign == ".":
        word = re.match(r"[\w.]+", text[at:])
        return refuse(at, f"`{word[0] if word else sign}` is no number", "Write numbers as 12, 0.5 or 1e-3")
    mend = MENDS.get(sign, "Use names, numbers, 'texts', + - * / and comparisons")
    return refuse(at, f"`{sign}` is not part of the language", mend)
