"""Segments: of some thousand passages, by gram, in which it stands and how often. A segment is never changed."""

from array import array
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import numpy.typing as npt

from isthmus.apps.advice.search.words import grams, plain

SIZE = 8192
"""Passages of a segment; places in it are of two bytes."""
BUCKETS = 8192
OFTEN = 255
LONGEST = 65_535
TITLE = 3
"""Times that a word of a title counts."""
Places = npt.NDArray[np.uint16]
Times = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Passage:
    """A text that is found as one: a section of a guideline, an abstract, a rule. `name` is unique in its source."""

    source: str
    name: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """`lengths`: grams of each passage. `postings`: by gram the places of passages, ascending, and how often."""

    lengths: Places
    postings: Mapping[str, tuple[Places, Times]]


def segment(passages: Sequence[Passage]) -> Segment:
    """The segment of at most SIZE passages."""
    lengths = np.zeros(len(passages), dtype=np.uint16)
    places: dict[str, array[int]] = {}
    times: dict[str, array[int]] = {}
    for at, one in enumerate(passages):
        words = grams(plain(one.text)) + TITLE * grams(plain(one.title))
        lengths[at] = min(len(words), LONGEST)
        for gram, count in Counter(words).items():
            places.setdefault(gram, array("H")).append(at)
            times.setdefault(gram, array("B")).append(min(count, OFTEN))
    found = {
        gram: (np.frombuffer(held, dtype=np.uint16), np.frombuffer(times[gram], dtype=np.uint8))
        for gram, held in places.items()
    }
    return Segment(lengths, found)


def written(*columns: Places | Times) -> str:
    """Columns as a text that a table holds."""
    return b64encode(b"".join(one.tobytes() for one in columns)).decode("ascii")


def bucket(gram: str) -> int:
    """The bucket of a gram: most grams are rare, and a row for each would make tables of millions of rows."""
    return crc32(gram.encode()) % BUCKETS


def lengths_of(text: str) -> Places:
    """The lengths that `written` wrote."""
    return np.frombuffer(b64decode(text), dtype=np.uint16)


def posting_of(text: str) -> tuple[Places, Times]:
    """The posting that `written` wrote: two bytes of place and one of count for each passage."""
    held = b64decode(text)
    count = len(held) // 3
    return np.frombuffer(held, dtype=np.uint16, count=count), np.frombuffer(held, dtype=np.uint8, offset=2 * count)
