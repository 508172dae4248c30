"""A batch of notes as one array of folded characters, with the way back to every original position.

Folding makes spellings alike without losing positions: full-width and compatibility forms become plain ones, capitals
small, control characters spaces; invisible characters (zero-width, byte order marks, variation selectors) are taken
out, and `origin` remembers where the others stood.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Codes = NDArray[np.uint32]
Mask = NDArray[np.bool_]

BREAK = "\x1e"
"""Stands between two notes; no term, no pattern and no sentence reaches over it."""

BASIC = 0x10000
GONE = 0xFFFFFFFF

# One to one, where Unicode's own compatibility forms say nothing or something else.
ALIKE = str.maketrans(
    {
        "—": "-", "–": "-", "−": "-", "‐": "-", "‑": "-", "―": "-", "×": "x", "✕": "x", "╳": "x", "*": "x",
        "μ": "u", "µ": "u", "“": '"', "”": '"', "‘": "'", "’": "'", "＂": '"', "【": "[", "】": "]",
        "〔": "[", "〕": "]",
        "∶": ":", "﹕": ":", "≦": "≤", "≧": "≥", "〜": "~", "∼": "~", "\r": "\n", "\t": " ",
        "\x0b": "\n", "\x0c": "\n",
        "\u2028": "\n", "\u2029": "\n", "\x85": "\n",
    }
)  # fmt: skip
KEPT_AS_WRITTEN = {"No"}  # superscripts: 10⁹ must not become 109


@dataclass(frozen=True, slots=True)
class Page:
    """Notes side by side: characters `codes` and the same as `text`; `starts` has a note's first position.

    Positions of a page are those of the folded text; note `i` holds `[starts[i], starts[i + 1] - 1)`, the last
    position being the break. `origin` gives the position in the joined original of each character and of the end.
    """

    text: str
    codes: Codes
    starts: Ints
    origin: Ints
    original: str
    begins: Ints

    def note(self, position: Ints) -> Ints:
        """The number of the note that holds each position."""
        return np.searchsorted(self.starts, position, side="right") - 1

    def within(self, position: Ints, note: Ints) -> Ints:
        """Positions of the page as code points of the note's original text."""
        return self.origin[position] - self.begins[note]

    def ends(self, position: Ints, note: Ints) -> Ints:
        """Exclusive ends of the page as exclusive ends in the note's original text."""
        return self.origin[position - 1] + 1 - self.begins[note]

    def written(self, start: Ints, end: Ints) -> list[str]:
        """The original text of each span of the page."""
        first, last = self.origin[start].tolist(), (self.origin[end - 1] + 1).tolist()
        return [self.original[a:b] for a, b in zip(first, last, strict=True)]


def fold(notes: Sequence[str]) -> Page:
    """Join and fold notes. A break that a note itself holds becomes a space."""
    cleaned = [note.replace(BREAK, " ") for note in notes]
    original = BREAK.join(cleaned) + BREAK
    raw = np.frombuffer(original.encode("utf-32-le"), dtype="<u4")
    lengths = np.fromiter((len(note) + 1 for note in cleaned), dtype=np.int64, count=len(cleaned))
    begins = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    plain = _plain(raw)
    kept = np.flatnonzero(plain != GONE)
    codes = plain[kept].astype(np.uint32)
    starts = np.searchsorted(kept, begins)
    origin = np.append(kept, len(raw)).astype(np.int64)
    return Page(codes.tobytes().decode("utf-32-le"), codes, starts, origin, original, begins)


def folded(term: str) -> str:
    """A term as it stands on a page."""
    return "".join(chr(code) for code in _plain(np.frombuffer(term.encode("utf-32-le"), dtype="<u4")) if code != GONE)


def _plain(raw: Codes) -> Codes:
    return np.where(raw >= BASIC, raw, folding()[np.minimum(raw, BASIC)])


@cache
def folding() -> Codes:
    """What each code point below 65,536 becomes; the last place stands for all above, which stay as they are."""
    table = np.arange(BASIC + 1, dtype=np.uint32)
    for code in range(BASIC):
        if not 0xD800 <= code < 0xE000:
            table[code] = _fold(chr(code))
    table[ord(BREAK)] = ord(BREAK)
    return table


def _fold(letter: str) -> int:
    category = unicodedata.category(letter)
    if letter.translate(ALIKE) != letter:
        return ord(letter.translate(ALIKE))
    if category in {"Cf", "Mn", "Me"} or letter == "\u034f":
        return GONE
    if category == "Cc":
        return ord("\n") if letter == "\n" else ord(" ")
    if category in {"Zs"}:
        return ord(" ")
    plain = letter if category in KEPT_AS_WRITTEN else unicodedata.normalize("NFKC", letter)
    small = plain.lower() if len(plain) == 1 else letter.lower()
    small = small if len(small) == 1 else letter
    return ord(small.translate(ALIKE))
