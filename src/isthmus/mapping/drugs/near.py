"""Misspelled names: candidates by shared pairs and triples of letters, judged by the number of slips between them.

A name of another drug is often as near as a misspelling (prednisone, prednisolone), so the rules are strict: digits
must agree, few slips are allowed, more than one only behind the right first letter, and no other drug may be almost as
near.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy import sparse

from isthmus.mapping.drugs.lexicon import HAN, Drug, lexicon

SHORTEST = 6
ALLOWED = ((SHORTEST, 1), (13, 2), (18, 3))
"""From how many letters on how many slips are allowed."""
CLEAR = 8  # letters from which one slip is believed although another drug is two slips away
APART = 2  # slips by which every other drug must be further away
SHARED = 0.35  # Dice coefficient of the letter pairs and triples below which a name is no candidate
CANDIDATES = 12
PLENTY = 1 << 12  # queries compared at a time


@dataclass(frozen=True, slots=True)
class Near:
    """The drug that a misspelled name means (None where it is unclear), the likeness, and the nearest ingredients."""

    drug: Drug | None
    score: float
    names: tuple[str, ...]


def nearest(words: Sequence[str]) -> list[Near]:
    """What each squeezed Latin word, none of which is a known name, is a misspelling of."""
    found: list[Near] = []
    for start in range(0, len(words), PLENTY):
        block = words[start : start + PLENTY]
        shared = _shared(block)
        found += [_judged(word, shared.indices[shared.indptr[row] : shared.indptr[row + 1]],
                          shared.data[shared.indptr[row] : shared.indptr[row + 1]])
                  for row, word in enumerate(block)]  # fmt: skip
    return found


@cache
def _names() -> tuple[tuple[str, ...], sparse.csr_matrix, dict[str, int]]:
    known = lexicon()
    names = tuple(sorted(name for name in known.names if len(name) >= SHORTEST and not HAN.search(name)
                         and name not in known.regimens))  # fmt: skip
    grams = {gram: number for number, gram in enumerate(sorted({gram for name in names for gram in _grams(name)}))}
    return names, _matrix(names, grams), grams


def _grams(word: str) -> set[str]:
    padded = f"^{word}$"
    return {padded[at : at + size] for size in (2, 3) for at in range(len(padded) - size + 1)}


def _matrix(words: Sequence[str], grams: dict[str, int]) -> sparse.csr_matrix:
    """Words by letter pairs and triples, each row of length one in the sense of Dice."""
    rows, columns = [], []
    for row, word in enumerate(words):
        places = [grams[gram] for gram in _grams(word) if gram in grams]
        rows += [row] * len(places)
        columns += places
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(words), len(grams)))


def _shared(words: Sequence[str]) -> sparse.csr_matrix:
    """Dice coefficients, words by names, those too small left out."""
    names, matrix, grams = _names()
    common = (_matrix(words, grams) @ matrix.T).tocoo()
    sizes = np.array([len(_grams(word)) for word in words])
    of_names = np.array([len(_grams(name)) for name in names])
    dice = 2 * common.data / (sizes[common.row] + of_names[common.col])
    keep = dice >= SHARED
    return sparse.csr_matrix((dice[keep], (common.row[keep], common.col[keep])), shape=common.shape)


def _judged(word: str, places: np.ndarray, dice: np.ndarray) -> Near:
    names = [_names()[0][place] for place in places[np.argsort(-dice, kind="stable")[:CANDIDATES]]]
    far = sorted((slips(word, name), name) for name in names)
    if not far:
        return Near(None, 0.0, ())
    drugs = lexicon().names
    shown = tuple(dict.fromkeys("+".join(drugs[name][0].ingredients) for _, name in far))[:3]
    best, name = far[0]
    score = 1 - best / max(len(word), len(name))
    allowed = max((count for length, count in ALLOWED if min(len(word), len(name)) >= length), default=0)
    others = [distance for distance, other in far if drugs[other] != drugs[name]]
    clear = not others or others[0] - best >= APART or (best == 1 and others[0] > 1 and len(word) >= CLEAR)
    good = best <= allowed and clear and (best == 1 or word[0] == name[0]) and _digits(word) == _digits(name)
    return Near(drugs[name][0] if good else None, score, shown)


def _digits(word: str) -> str:
    return "".join(letter for letter in word if letter.isdigit())


def slips(one: str, other: str) -> int:
    """Letters that were left out, put in, changed, or exchanged with a neighbour (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        last, before, row = before, row, [at]
        for place, letter_there in enumerate(other, start=1):
            cost = min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != letter_there))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == letter_there:
                cost = min(cost, last[place - 2] + 1)
            row.append(cost)
    return row[-1]
