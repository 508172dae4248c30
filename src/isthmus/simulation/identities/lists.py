"""The characters of names: how often they are given, how they sound, what they are mistaken for."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
import pyarrow as pa

from isthmus.simulation.column import Floats, Ints, Text

ERAS = "omy"  # born before 1970, before 2000, since
HEARD = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"))
"""Sounds that many speakers do not keep apart."""


@dataclass(frozen=True, slots=True)
class Choices:
    """For each of some things a list of others: those of `row` are flat[start[row] : start[row] + count[row]]."""

    start: Ints
    count: Ints
    flat: Ints

    def draw(self, rng: np.random.Generator, rows: Ints) -> Ints:
        """One of each row's others at random; -1 where there is none, or where the row is negative."""
        count = np.where(rows < 0, 0, self.count[rows])
        place = self.start[rows] + (rng.random(len(rows)) * count).astype(np.int64)
        return np.where(count > 0, self.flat[np.minimum(place, len(self.flat) - 1)], -1)


@dataclass(frozen=True, slots=True)
class Names:
    """Surnames, given characters, and all characters that can stand in a name (`glyphs`, beginning with those two).

    `weight[sex][era]` are the shares of given characters, `sex` 0 for men and 1 for women.
    """

    surnames: int
    given: int
    glyphs: Text
    sounds: Text
    surname_share: Floats
    weight: tuple[tuple[Floats, ...], tuple[Floats, ...]]
    same_sound: Choices
    near_sound: Choices
    variant: Choices
    shape: Choices


@cache
def names() -> Names:
    """The tables that come along. Shares of surnames are rounded from what the ministry publishes of the commonest."""
    surnames, given, misread = (_rows(name) for name in ("surname", "given", "misread"))
    glyphs = [row["surname"] for row in surnames] + [row["character"] for row in given]
    place = {glyph: number for number, glyph in reversed(list(enumerate(glyphs)))}
    for row in misread:
        for glyph in (row["character"], row["instead"]):
            if glyph not in place:
                place[glyph] = len(glyphs)
                glyphs.append(glyph)
    sounds = [row["sound"] for row in [*surnames, *given]]
    share = np.array([float(row["weight"]) for row in surnames])
    return Names(
        surnames=len(surnames), given=len(given), glyphs=pa.array(glyphs), sounds=pa.array(sounds),
        surname_share=share / share.sum(),
        weight=(_weights(given, "mb"), _weights(given, "fb")),
        same_sound=_alike(sounds, len(surnames), lambda sound: sound),
        near_sound=_alike(sounds, len(surnames), _heard),
        variant=_instead(misread, "variant", place, glyphs),
        shape=_instead(misread, "shape", place, glyphs),
    )  # fmt: skip


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("isthmus.simulation") / "identities" / f"{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _weights(given: list[dict[str, str]], sexes: str) -> tuple[Floats, ...]:
    found = []
    for era in ERAS:
        weight = np.array([float(row["weight"]) * (row["sex"] in sexes) * (era in row["era"]) for row in given])
        found.append(weight / weight.sum())
    return tuple(found)


def _alike(sounds: list[str], surnames: int, key: Callable[[str], str]) -> Choices:
    """Other surnames for surnames, other given characters for given ones, by a key of their sounds."""
    groups: defaultdict[tuple[bool, str], list[int]] = defaultdict(list)
    for number, sound in enumerate(sounds):
        groups[number < surnames, key(sound)].append(number)
    return _choices(
        [other for other in groups[number < surnames, key(sound)] if other != number]
        for number, sound in enumerate(sounds)
    )


def _heard(sound: str) -> str:
    for written, heard in HEARD:
        sound = sound.replace(written, heard)
    return sound


def _instead(misread: list[dict[str, str]], how: str, place: dict[str, int], glyphs: list[str]) -> Choices:
    others: defaultdict[str, list[int]] = defaultdict(list)
    for row in misread:
        if row["how"] == how:
            others[row["character"]].append(place[row["instead"]])
    return _choices(others[glyph] for glyph in glyphs)


def _choices(lists: Iterable[list[int]]) -> Choices:
    listed = [*lists]
    count = np.array([len(one) for one in listed], dtype=np.int64)
    flat = np.array([other for one in listed for other in one], dtype=np.int64)
    return Choices(np.cumsum(count) - count, count, flat)
