"""What a letter looks like to the tagger: its neighbours, its Latin word, its clause, the words that hold it.

A feature is a short string; its first letters name the template, so that two templates never share one.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache

from isthmus.mapping.text.page import BASIC, GONE, folding

Features = list[list[str]]
"""The features of each letter of a sentence."""

PAD = 4
MARKS = frozenset(",。;:、\"'()[]?!《》\n ")
HEADS = re.compile(
    "淋巴结|综合征|转移|检查|结石|增生|感染|出血|梗阻|肿瘤|积液|造影|切除|根治|化疗|不全|ct|mri|彩超|b超|平片|镜|术|癌|炎|瘤|症|病|"
    "肿|疡|变|片|胶囊|注射液|素|酶|蛋白|原|胺|单抗|替尼|铂|醇|啶|星|林|唑|松|平|酸|部|壁|管|腺|旁|区|侧|叶|段|腔|膜"
)
"""Endings that tell a disease, operation, drug, test or part of the body, and so the right end of a name."""


def letters(text: str) -> str:
    """A sentence as the tagger reads it: folded, every digit 0; as long as the sentence."""
    return text.translate(_plain())


@cache
def _plain() -> dict[int, str]:
    """What each letter of the basic plane becomes: folded, digits 0, a space for what folding takes out."""
    folded = (" " if code == GONE else chr(code) for code in folding()[:BASIC].tolist())
    return {letter: "0" if plain.isdigit() else plain for letter, plain in enumerate(folded)}


def shape(letter: str) -> str:
    """d, a, h, s or p: digit, Latin, Han, space, anything else."""
    if letter.isdigit():
        return "d"
    if letter.isascii() and letter.isalpha():
        return "a"
    if "\u4e00" <= letter <= "\u9fff":
        return "h"
    return "s" if letter.isspace() else "p"


def of_letters(text: str) -> Features:
    """Letters and strings of letters around each place."""
    c = [f"<{place}" for place in range(PAD)] + list(text) + [f">{place}" for place in range(PAD)]
    t = ["-"] * PAD + [shape(letter) for letter in text] + ["-"] * PAD
    found = []
    for i in range(PAD, len(text) + PAD):
        found.append(
            [
                "0" + c[i], "1" + c[i - 1], "2" + c[i + 1], "3" + c[i - 2], "4" + c[i + 2], "5" + c[i - 3],
                "6" + c[i + 3], "a" + c[i - 1] + c[i], "b" + c[i] + c[i + 1], "c" + c[i - 2] + c[i - 1],
                "d" + c[i + 1] + c[i + 2], "e" + c[i - 1] + c[i + 1], "f" + c[i - 1] + c[i] + c[i + 1],
                "g" + c[i - 2] + c[i - 1] + c[i], "h" + c[i] + c[i + 1] + c[i + 2],
                "i" + c[i - 3] + c[i - 2] + c[i - 1] + c[i], "j" + c[i] + c[i + 1] + c[i + 2] + c[i + 3],
                "k" + c[i + 2] + c[i + 3], "l" + c[i - 3] + c[i - 2], "m" + c[i + 1] + c[i + 2] + c[i + 3],
                "n" + c[i - 3] + c[i - 2] + c[i - 1], "o" + "".join(c[i - 2 : i + 3]),
                "t" + "".join(t[i - 2 : i + 3]), "u" + t[i],
            ]
        )  # fmt: skip
    return found


def add_latin(text: str, features: Features) -> None:
    """The whole Latin word around each of its letters, and where in it the letter stands."""
    for found in re.finditer(r"[a-z0-9.%+/-]+", text):
        word, start, end = found[0], found.start(), found.end()
        if any(letter.isalpha() for letter in word):
            for place in range(start, end):
                features[place] += ["W" + word, f"V{_place(place, start, end)}{min(end - start, 6)}"]


def add_clauses(text: str, features: Features) -> None:
    """The clause around each letter: its ends, the marks beside it, and the ending words before and ahead."""
    start = 0
    for place, letter in enumerate((*text, ",")):
        if letter in MARKS:
            if place > start:
                _add_clause(text, start, place, features)
            start = place + 1


def _add_clause(text: str, start: int, end: int, features: Features) -> None:
    clause = text[start:end]
    heads = [(found.start() + start, found.end() + start - 1, found[0]) for found in HEADS.finditer(clause)]
    beside = (text[start - 1] if start else "^") + (text[end] if end < len(text) else "$")
    for place in range(start, end):
        left, right = place - start, end - 1 - place
        features[place] += [
            "CL" + clause[-2:], "CF" + clause[:2], "CB" + beside, f"CX{beside}{min(left, 3)}{min(right, 3)}",
            f"CP{min(left, 5)}/{min(right, 5)}",
        ]  # fmt: skip
        ahead = [head for head in heads if head[1] >= place]
        if ahead:
            (_, near, first), (_, far, last) = ahead[0], ahead[-1]
            features[place] += [f"HN{first}{min(near - place, 6)}", "HL" + last, f"HM{last}{min(far - place, 8)}"]
        else:
            features[place].append("HN-")
        passed = len(heads) - len(ahead)
        if passed:
            _, near, word = heads[passed - 1]
            features[place].append(f"HP{word}{min(place - near - 1, 4)}")


def add_brackets(text: str, features: Features) -> None:
    """How deep in brackets a letter stands, and whether in quotation marks."""
    depth, quoted = 0, False
    for place, letter in enumerate(text):
        depth += letter in "(["
        quoted ^= letter == '"'
        features[place].append(f"D{min(depth, 2)}{int(quoted)}")
        depth = max(0, depth - (letter in ")]"))


def add_words(tags: Sequence[str], name: str, features: Features) -> None:
    """Where in a word of a list each letter stands (see `tags_of`), alone and with its neighbours."""
    t = ["^", *tags, "$"]
    for place, found in enumerate(features):
        found += [
            f"{name}0{t[place + 1]}", f"{name}a{t[place]}{t[place + 1]}", f"{name}b{t[place + 1]}{t[place + 2]}",
            f"{name}c{t[place]}{t[place + 2]}",
        ]  # fmt: skip


def tags_of(text: str, words: Mapping[str, str], longest: int, *, backwards: bool = False) -> list[str]:
    """The longest words of a list in a sentence, from the left or from the right: place in the word and its kind."""
    tags = ["O"] * len(text)
    place = len(text) if backwards else 0
    while place > 0 if backwards else place < len(text):
        room = place if backwards else len(text) - place
        for size in range(min(longest, room), 0, -1):
            start = place - size if backwards else place
            kind = words.get(text[start : start + size])
            if kind is not None:
                for inner in range(start, start + size):
                    tags[inner] = _place(inner, start, start + size) + kind
                break
        else:
            size = 1
        place += -size if backwards else size
    return tags


def _place(place: int, start: int, end: int) -> str:
    if end - start == 1:
        return "S"
    return "B" if place == start else "E" if place == end - 1 else "M"
