"""What goes wrong when a name, a day or a number is put down. Every function changes some rows and says how."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.simulation.column import Ints, Mask, Text, choose, join, pick
from isthmus.simulation.identities import lists

Bytes = npt.NDArray[np.uint8]
NAME = ("homophone", "near-sound", "shape", "variant", "exchanged", "left-out", "other", "extra")
NAME_SHARE = np.array([0.30, 0.08, 0.17, 0.12, 0.08, 0.08, 0.10, 0.07])
BIRTH = ("digit", "day-and-month", "lunar", "next-day", "first-of-january")
BIRTH_SHARE = np.array([0.32, 0.18, 0.25, 0.15, 0.10])
NUMBER = ("transposed", "missing-digit", "digit", "look-alike")
NUMBER_SHARE = np.array([0.30, 0.25, 0.27, 0.18])
LOOK_ALIKE = np.frombuffer(b"8763514052", dtype=np.uint8)  # what stands for 0, 1, 2 …
MONTH = 29.530588853  # days from new moon to new moon
NEW_MOON = 10962.76  # of 2000-01-06 18:14, in days since 1970
Glyphs = tuple[Ints, Ints, Ints]


def drawn(rng: np.random.Generator, slip: Mask, share: npt.NDArray[np.float64]) -> Ints:
    """The kind of each row's slip, from 1; 0 where there is none."""
    return np.where(slip, 1 + rng.choice(len(share), size=len(slip), p=share), 0)


def names(rng: np.random.Generator, name: Glyphs, kind: Ints) -> Glyphs:
    """Wrong characters. What a character cannot be mistaken for is drawn at random."""
    known = lists.names()
    surname, first, second = name
    count = len(kind)
    # The surname is hit less often than the rest: it is spoken first and known to all.
    place = np.where(rng.random(count) < 0.2, 0, np.where((second >= 0) & (rng.random(count) < 0.5), 2, 1))
    hit = np.choose(place, [surname, first, second])
    random = np.where(
        place == 0, rng.integers(0, known.surnames, count), known.surnames + rng.integers(0, known.given, count)
    )
    tables = (known.same_sound, known.near_sound, known.shape, known.variant)
    wrong = random
    for number, table in enumerate(tables, start=1):
        rows = np.where((hit < len(table.count)) & (kind == number), hit, -1)
        other = table.draw(rng, rows)
        wrong = np.where(other >= 0, other, wrong)
    replaced = np.isin(kind, (1, 2, 3, 4, 7))
    surname = np.where(replaced & (place == 0), wrong, surname)
    first, second = (
        np.where(replaced & (place == 1), wrong, first),
        np.where(replaced & (place == 2), wrong, second),
    )
    exchanged = (kind == 5) & (second >= 0)
    first, second = np.where(exchanged, second, first), np.where(exchanged, first, second)
    first = np.where((kind == 6) & (second >= 0) & (place == 1), second, first)
    second = np.where(kind == 6, -1, second)
    return surname, first, np.where((kind == 8) & (second < 0), random, second)


def births(rng: np.random.Generator, birth: Ints, kind: Ints) -> Ints:
    """Wrong days of birth: in truth days, so no slip gives a day that is not in the calendar."""
    day = birth.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = month.astype("datetime64[Y]")
    in_month, in_year = (day - month).astype(np.int64), (month - year.astype("datetime64[M]")).astype(np.int64)
    decade = np.array([-10, 10, -1, 1, -2, 3])[rng.integers(0, 6, len(birth))]
    months = np.where(rng.random(len(birth)) < 0.4, decade * 12, 0)
    shifted = (month + months).astype("datetime64[D]").astype(np.int64) + np.minimum(in_month, 27)
    # A digit of the day: ten days more or less, or its last digit.
    near = birth - in_month + (in_month + np.array([10, -10, 3, 5, -4])[rng.integers(0, 5, len(birth))]) % 28
    digit = np.where(months != 0, shifted, near)
    turned = ((year.astype("datetime64[M]") + np.minimum(in_month, 11)).astype("datetime64[D]") + in_year).astype(
        np.int64
    )
    next_day = birth + np.array([-1, 1])[rng.integers(0, 2, len(birth))]
    january = year.astype("datetime64[D]").astype(np.int64)
    choices = (birth, digit, np.where(in_month < 12, turned, next_day), lunar(birth), next_day, january)
    return np.select([kind == number for number in range(len(choices))], choices)


def lunar(birth: Ints) -> Ints:
    """The day whose date is the lunar one of a day of birth, as if it were of the common calendar.

    By mean moons, so up to a day beside the true calendar, and without leap months: the new year is the second new
    moon after the winter solstice.
    """
    moon = np.floor((birth + 0.33 - NEW_MOON) / MONTH)
    in_month = np.clip(birth - np.floor(NEW_MOON + moon * MONTH + 0.33).astype(np.int64), 0, 29)
    year = (birth.astype("datetime64[D]")).astype("datetime64[Y]").astype(np.int64)
    solstice = ((year + 1970 - 1 - 1970).astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64) + 355
    first = np.floor((solstice - NEW_MOON) / MONTH) + 2
    number = (moon - first).astype(np.int64)
    year, number = np.where(number < 0, year - 1, year), np.where(number < 0, number + 12, number)
    number = np.minimum(number, 11)
    start = (year.astype("datetime64[Y]").astype("datetime64[M]") + number).astype("datetime64[D]").astype(np.int64)
    return np.asarray(start + np.minimum(in_month, 27), dtype=np.int64)


def numbers(rng: np.random.Generator, letters: Bytes, kind: Ints) -> tuple[Bytes, Ints]:
    """Wrong numbers, as a matrix of their letters, and the place of a letter that is missing (-1 for none)."""
    count, width = letters.shape
    rows, place = np.arange(count), rng.integers(0, width - 1, count)
    # Two equal neighbours exchanged would be no slip: the next places are tried instead.
    for _ in range(4):
        same = (kind == 1) & (letters[rows, place] == letters[rows, place + 1])
        place = np.where(same, (place + 1) % (width - 1), place)
    changed = letters.copy()
    turned = kind == 1
    changed[turned, place[turned]] = letters[turned, place[turned] + 1]
    changed[turned, place[turned] + 1] = letters[turned, place[turned]]
    digit = letters[rows, place].astype(np.int64) - ord("0")
    number = (digit >= 0) & (digit < 10)
    other = ord("0") + (digit + rng.integers(1, 10, count)) % 10
    other = np.where(kind == 4, LOOK_ALIKE[np.where(number, digit, 0)], other).astype(np.uint8)
    wrong = number & ((kind == 3) | (kind == 4))
    changed[wrong, place[wrong]] = other[wrong]
    return changed, np.where(kind == 2, place, -1)


def texts(letters: Bytes, missing: Ints) -> Text:
    """Rows of letters as texts, without the letter at the place that is missing."""
    width = letters.shape[1]
    whole = _text(letters)
    rows = np.flatnonzero(missing >= 0)
    keep = np.arange(width - 1) + (np.arange(width - 1) >= missing[rows, None])
    shorter = np.full(len(letters), -1, dtype=np.int64)
    shorter[rows] = np.arange(len(rows))
    return choose(missing >= 0, pick(_text(letters[rows[:, None], keep]), shorter), whole)


def _text(letters: Bytes) -> Text:
    width = max(letters.shape[1], 1)
    return pa.array(np.ascontiguousarray(letters).view(f"S{width}").ravel().astype(f"U{width}"), pa.string())


def digits(numbers: Ints, width: int) -> Bytes:
    """Numbers of `width` digits as letters."""
    place = 10 ** np.arange(width - 1, -1, -1)
    return (numbers[:, None] // place % 10 + ord("0")).astype(np.uint8)


def spelled(name: Glyphs, manner: Ints) -> Text:
    """Names in characters (manner 0), or romanised: 1 ZHANG XIAOMING, 2 Xiaoming Zhang, 3 Zhang Xiao Ming."""
    known = lists.names()
    surname, first, second = name
    plain = join(*(pick(known.glyphs, part) for part in name))
    last = len(known.sounds) - 1
    sound = [pick(known.sounds, np.where(part < 0, -1, np.minimum(part, last))) for part in (surname, first, second)]
    title = [pa.compute.utf8_capitalize(part) for part in sound]
    given = join(title[1], sound[2])
    apart = join(title[0], " ", title[1], choose(second >= 0, " ", ""), title[2])
    capitals = pa.compute.utf8_upper(join(sound[0], " ", sound[1], sound[2]))
    roman = choose(manner == 1, capitals, choose(manner == 2, join(given, " ", title[0]), apart))
    return choose(manner > 0, roman, plain)
