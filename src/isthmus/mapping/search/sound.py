"""How Chinese is read aloud: every character as a sign for its syllable, so that pinyin is searched like any text.

The readings are pypinyin's. A character with several readings has its commonest, unless a phrase of two or three
characters says otherwise (膀胱 is pangguang).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from isthmus.base.pinyin import characters, phrases, toneless

SIGNS = 0xE000  # where signs for syllables begin, in a range that Unicode leaves to private use
BITS = 21  # of a code point
PLANE = 0x10000


@dataclass(frozen=True)
class Readings:
    """By code point the sign of its syllable, 0 where it has none; and phrases (packed code points) read otherwise.

    `phrases` is, for 2 and for 3 characters, the sorted keys and the signs of each (keys × length).
    """

    syllables: tuple[str, ...]
    signs: np.ndarray
    phrases: Mapping[int, tuple[np.ndarray, np.ndarray]]

    def read(self, points: np.ndarray) -> np.ndarray:
        """The sign of each code point of a running text, 0 where it is not Chinese."""
        low = np.where(points < PLANE, points, 0)
        found = self.signs[low]
        for length, (known, signs) in self.phrases.items():
            if len(points) < length:
                continue
            key = packed([points[at : len(points) - length + 1 + at] for at in range(length)])
            at = np.minimum(np.searchsorted(known, key), len(known) - 1)
            hit = np.flatnonzero(known[at] == key)
            for step in range(length):
                found[hit + step] = signs[at[hit], step]
        return found


def packed(points: list[np.ndarray]) -> np.ndarray:
    """Code points that stand beside each other as one number, the first in front."""
    key = points[0].astype(np.int64)
    for one in points[1:]:
        key = (key << BITS) | one
    return key


@cache
def readings() -> Readings:
    """Those that pypinyin knows, without tones; ü is written v."""
    single = {ord(letter): told for letter, told in characters().items() if ord(letter) < PLANE}
    syllables = tuple(sorted({told for told in single.values() if told.isascii() and told.isalpha()}))
    sign = {told: SIGNS + number for number, told in enumerate(syllables)}
    signs = np.zeros(PLANE, np.int64)
    for point, told in single.items():
        signs[point] = sign.get(told, 0)
    return Readings(syllables, signs, {length: _phrases(length, single, sign) for length in (2, 3)})


def _phrases(length: int, single: Mapping[int, str], sign: Mapping[str, int]) -> tuple[np.ndarray, np.ndarray]:
    """The phrases of this length that are not read character by character."""
    keys, rows = [], []
    for phrase, told in phrases().items():
        if len(phrase) != length or len(told) != length:
            continue
        heard = [toneless(one[0]) for one in told]
        if all(one in sign for one in heard) and heard != [single.get(ord(letter)) for letter in phrase]:
            key = 0
            for letter in phrase:
                key = (key << BITS) | ord(letter)
            keys.append(key)
            rows.append([sign[one] for one in heard])
    order = np.argsort(np.array(keys, np.int64))
    return np.array(keys, np.int64)[order], np.array(rows, np.int64)[order]
