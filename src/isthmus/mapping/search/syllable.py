"""Letters cut into syllables of pinyin, in every way that they can be."""

from bisect import bisect_left
from collections.abc import Sequence

LONGEST = 6  # letters of a syllable: zhuang
WAYS = 12


def spellings(letters: str, syllables: Sequence[str]) -> list[list[list[int]]]:
    """The ways to read letters as syllables (sorted), each as a list of numbers of syllables for every place.

    The last one may be unfinished, so its list has all that begin so. Long syllables go first, and only the first
    few ways are given: `xianai` is xian-ai and xi-an-ai. A single unfinished syllable is none.
    """
    known = {told: number for number, told in enumerate(syllables)}
    found: list[list[list[int]]] = []
    waiting: list[tuple[int, list[list[int]]]] = [(0, [])]
    while waiting and len(found) < WAYS:
        at, path = waiting.pop()
        rest = letters[at:]
        last = _beginning(rest, syllables) if len(rest) <= LONGEST else []
        if last and (path or rest in known):
            found.append([*path, last])
        for length in range(1, min(LONGEST, len(rest) - 1) + 1):
            number = known.get(rest[:length])
            if number is not None:
                waiting.append((at + length, [*path, [number]]))
    return found


def _beginning(letters: str, syllables: Sequence[str]) -> list[int]:
    """The numbers of the syllables that begin so."""
    low = bisect_left(syllables, letters)
    high = bisect_left(syllables, letters + "~")
    return list(range(low, high))
