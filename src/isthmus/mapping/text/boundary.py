"""Where sentences, clauses and sections begin and end.

A full stop ends a sentence unless it stands in a number; a line's end does so too, unless a Latin word goes on in the
next line with a small letter, as in reports that were wrapped at a fixed width.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isthmus.mapping.text.lexicon import Lexicon
from isthmus.mapping.text.page import BREAK, Codes, Ints, Mask, Page
from isthmus.mapping.text.span import Spans, longest

SENTENCE = "。;!\n" + BREAK
CLAUSE = ",:?"
BEFORE_HEADING = "\n。;,.、[](): " + BREAK
SPACE, DOT, COLON, NEWLINE = ord(" "), ord("."), ord(":"), ord("\n")


@dataclass(frozen=True, slots=True)
class Bounds:
    """The number of the sentence and of the clause that each position of the page belongs to."""

    sentence: NDArray[np.int32]
    clause: NDArray[np.int32]


def bounds(page: Page) -> Bounds:
    """Number the sentences and clauses of a page. A mark belongs to what it ends."""
    codes = page.codes
    follows = np.append(codes[1:], ord(BREAK))
    precedes = np.append(ord(BREAK), codes[:-1])
    stop = (codes == DOT) & is_one_of(follows, " \n[(" + BREAK) & ~_is_digit(precedes)
    ends = (is_one_of(codes, SENTENCE) & ~_is_wrapped(page, precedes, follows)) | stop
    clauses = ends | is_one_of(codes, CLAUSE)
    return Bounds(_numbered(ends), _numbered(clauses))


def is_one_of(codes: Codes, letters: str) -> Mask:
    """Which codes are one of a few letters."""
    found = np.zeros(len(codes), dtype=bool)
    for letter in letters:
        found |= codes == ord(letter)
    return found


def is_latin(codes: Codes) -> Mask:
    """Which codes are small Latin letters; a page has no capital ones."""
    return np.asarray((codes >= ord("a")) & (codes <= ord("z")))


def _is_digit(codes: Codes) -> Mask:
    return np.asarray((codes >= ord("0")) & (codes <= ord("9")))


def _is_wrapped(page: Page, precedes: Codes, follows: Codes) -> Mask:
    """Line ends inside a sentence: a Latin letter or comma, the line's end, a letter that was written small."""
    wrapped = (page.codes == NEWLINE) & (is_latin(precedes) | (precedes == ord(","))) & is_latin(follows)
    places = np.flatnonzero(wrapped)
    if len(places):
        written = [page.original[at].islower() for at in page.origin[places + 1].tolist()]
        wrapped[places] = written
    return np.asarray(wrapped)


def _numbered(ends: Mask) -> NDArray[np.int32]:
    numbers = np.zeros(len(ends), dtype=np.int32)
    np.cumsum(ends[:-1], out=numbers[1:])
    return numbers


def headings(page: Page, found: Spans, lexicon: Lexicon) -> Spans:
    """Terms of `found` that stand as a heading, with its colon; `what` becomes the number of the section.

    A heading follows a break, a mark or a space, and is followed by a colon or a closing bracket; or it has a line of
    its own.
    """
    named = found.where(lexicon.section[found.what] >= 0)
    codes = page.codes
    previous = np.where(named.start > 0, codes[named.start - 1], ord(BREAK))
    after = codes[_skipped(codes, named.end)]
    lone = is_one_of(previous, "\n" + BREAK) & is_one_of(codes[named.end], "\n" + BREAK)
    titled = is_one_of(previous, BEFORE_HEADING) & is_one_of(after, ":]")
    standing = named.where(lone | titled)
    standing = standing.where(longest(standing))
    mark = _skipped(codes, standing.end)
    return Spans(standing.start, np.where(codes[mark] == COLON, mark + 1, standing.end), lexicon.section[standing.what])


def _skipped(codes: Codes, position: Ints) -> Ints:
    """The same positions, or the next ones where a space stands there."""
    return np.where(codes[position] == SPACE, np.minimum(position + 1, len(codes) - 1), position)


def sections(page: Page, headings: Spans, position: Ints) -> Ints:
    """The number of the section that each position lies in; 0 before a note's first heading."""
    last = np.searchsorted(headings.start, position, side="right") - 1
    known = last >= 0
    start = headings.start[last] if len(headings) else np.zeros(len(position), dtype=np.int64)
    same = known & (page.note(start) == page.note(position))
    return np.where(same, headings.what[last] if len(headings) else 0, 0)
