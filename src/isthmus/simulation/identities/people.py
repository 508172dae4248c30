"""People in households: who they are, and what the register says of them."""

from dataclasses import dataclass

import numpy as np

from isthmus.simulation.column import Floats, Ints, Mask, day_number
from isthmus.simulation.identities import lists
from isthmus.simulation.identities.place import Places

BEGIN, END = day_number(2014, 1, 1), day_number(2024, 1, 1)
"""Between these days people come to hospitals."""
OLDEST = day_number(1916, 1, 1)
YEAR = 365.25
SIZES = np.array([0.22, 0.28, 0.27, 0.15, 0.08])
"""Shares of households of one to five."""
HEAD, SPOUSE, CHILD, ELDER = range(4)
ROLES = np.array([[HEAD, SPOUSE, CHILD, CHILD, ELDER], [HEAD, SPOUSE, CHILD, ELDER, CHILD]])
OLD_GRAND = 0.35
"""Share of households whose fourth member is of the oldest generation."""
TWINS = 0.04
"""Share of families with two children in which these are twins."""
ALIKE = 0.65  # twins of the same sex
GENERATION = (0.25, 0.6)
"""How often a second child's name shares its first character with the first child's; and with a twin's."""
SHORT = np.array([0.08, 0.28, 0.12])
"""Names of two characters, by era of birth."""
ERA = np.array([day_number(1970, 1, 1), day_number(2000, 1, 1)])
MARRIED_NAME = 0.012
"""Wives who are also known by their husband's surname set before their own."""


@dataclass(frozen=True, slots=True)
class People:
    """True people. `sex` is 0 for men, 1 for women; `birth` in days; names as rows of `lists.names()`, -1 for none.

    `twin` is the row of the other twin, `mother` and `head` rows of the same household (-1 where there is none).
    `phone` is their own (a child's is never used); from `new_phone_from` on it is `new_phone`.
    """

    household: Ints
    role: Ints
    sex: Ints
    birth: Ints
    surname: Ints
    first: Ints
    second: Ints
    husband: Ints
    twin: Ints
    mother: Ints
    head: Ints
    county: Ints
    order: Ints
    phone: Ints
    new_phone: Ints
    new_phone_from: Ints

    def __len__(self) -> int:
        return len(self.household)


def draw(rng: np.random.Generator, count: int, places: Places) -> People:
    """People household by household."""
    household, position = _households(rng, count)
    role = ROLES[(rng.random(household[-1] + 1) < OLD_GRAND).astype(np.int64)[household], position]
    start = np.arange(count) - position
    twin = _twins(rng, role, household)
    sex, birth = _bodies(rng, role, start, twin)
    surname, first, second = _names(rng, role, start, sex, birth, twin)
    wife = (role == SPOUSE) & (sex == 1)
    husband = np.where(wife & (rng.random(count) < MARRIED_NAME), surname[start], -1)
    partner = np.minimum(start + 1, count - 1)
    mother = np.where(sex[start] == 1, start, np.where(role[partner] == SPOUSE, partner, -1))
    county = _counties(rng, role, start, household, places)
    changed = rng.random(count) < 0.35
    return People(
        household=household, role=role, sex=sex, birth=birth, surname=surname, first=first, second=second,
        husband=husband, twin=twin, mother=np.where(role == CHILD, mother, -1), head=start,
        county=county, order=_orders(rng, county, birth, sex),
        phone=_phones(rng, count), new_phone=_phones(rng, count),
        new_phone_from=np.where(changed, rng.integers(BEGIN, END, count), END),
    )  # fmt: skip


def _households(rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
    size = 1 + rng.choice(len(SIZES), size=count, p=SIZES)
    household = np.repeat(np.arange(count), size)[:count]
    first = np.concatenate([[0], np.cumsum(size)])[household]
    return household, np.arange(count) - first


def _twins(rng: np.random.Generator, role: Ints, household: Ints) -> Ints:
    """The row of each child's twin: a household's first two children stand side by side."""
    twin = np.full(len(role), -1, dtype=np.int64)
    pair = (role[1:] == CHILD) & (role[:-1] == CHILD) & (household[1:] == household[:-1])
    second = np.flatnonzero(pair & (rng.random(len(pair)) < TWINS)) + 1
    twin[second], twin[second - 1] = second - 1, second
    return twin


def _bodies(rng: np.random.Generator, role: Ints, start: Ints, twin: Ints) -> tuple[Ints, Ints]:
    count = len(role)
    sex = np.where(rng.random(count) < 0.49, 1, 0)
    sex = np.where(role == SPOUSE, 1 - sex[start], sex)
    younger = twin >= 0
    younger &= twin < np.arange(count)
    sex = np.where(younger, np.where(rng.random(count) < ALIKE, sex[twin], 1 - sex[twin]), sex)
    single = np.append(role[1:] == HEAD, True) & (role == HEAD)
    age = np.where(single, rng.uniform(20, 88, count), rng.triangular(24, 42, 82, count))[start]
    apart = np.where(role == SPOUSE, rng.normal(1.5, 3, count).clip(-8, 8), 0.0)
    apart = np.where(role == CHILD, _generation(rng, age), apart)
    apart = np.where(role == ELDER, -rng.triangular(20, 27, 40, count), apart)
    # A second child comes one to six years beside the first.
    second = np.flatnonzero((role == CHILD) & (np.roll(role, 1) == CHILD) & (start == np.roll(start, 1)))
    beside = rng.uniform(1, 6, count)[second]
    later = apart[second - 1] + beside
    apart[second] = np.where(later < age[second], later, apart[second - 1] - beside)
    birth = END - ((age - apart) * YEAR).astype(np.int64) - 1
    birth = np.where(birth < OLDEST, OLDEST + rng.integers(0, int(15 * YEAR), count), birth)
    return sex, np.where(younger, birth[twin], birth)


def _generation(rng: np.random.Generator, age: Floats) -> Floats:
    """Years between parents and children, who are born before the end."""
    latest = np.minimum(age, 44.0)
    return np.asarray(rng.triangular(19, np.minimum(27.0, 19 + (latest - 19) / 2), np.maximum(latest, 19.5)))


def _names(
    rng: np.random.Generator, role: Ints, start: Ints, sex: Ints, birth: Ints, twin: Ints
) -> tuple[Ints, Ints, Ints]:
    known = lists.names()
    surname = rng.choice(known.surnames, size=len(role), p=known.surname_share)
    of_mother = (rng.random(len(role)) < 0.05) & (np.append(role[1:], HEAD)[start] == SPOUSE)
    surname = np.where(role == CHILD, surname[np.where(of_mother & (twin < 0), start + 1, start)], surname)
    era = np.searchsorted(ERA, birth, side="right")
    first, second = _given(rng, sex, era), _given(rng, sex, era)
    sibling = np.append(False, (role[1:] == CHILD) & (role[:-1] == CHILD) & (start[1:] == start[:-1]))
    shares = rng.random(len(role)) < np.where(twin >= 0, GENERATION[1], GENERATION[0])
    first = np.where(sibling & shares, np.roll(first, 1), first)
    second = np.where((rng.random(len(role)) < SHORT[era]) & ~(sibling & shares), -1, second)
    same = sibling & (first == np.roll(first, 1)) & (second == np.roll(second, 1))
    return surname, first, np.where(same, _given(rng, sex, era), second)


def _given(rng: np.random.Generator, sex: Ints, era: Ints) -> Ints:
    known = lists.names()
    glyph = np.zeros(len(sex), dtype=np.int64)
    for one in (0, 1):
        for number in range(len(lists.ERAS)):
            rows = (sex == one) & (era == number)
            glyph[rows] = rng.choice(known.given, size=int(rows.sum()), p=known.weight[one][number])
    return glyph + known.surnames


def _counties(rng: np.random.Generator, role: Ints, start: Ints, household: Ints, places: Places) -> Ints:
    """Where people are registered: children with their family, others where they come from."""
    own = places.county_near(rng, places.home(household))
    far = rng.integers(0, len(places.county_code), len(role))
    registered = np.where(rng.random(len(role)) < 0.3, far, own)
    return np.where(role == CHILD, own[start], registered)


def _orders(rng: np.random.Generator, county: Ints, birth: Ints, sex: Ints) -> Ints:
    """Three-digit order numbers, odd for men, no two people of one county and day alike; twins follow each other."""
    day = (county * 100_000 + birth + 50_000) * 2
    key = day + sex
    by_key = np.argsort(key, kind="stable")
    fresh = np.append(True, np.diff(key[by_key]) != 0)
    rank = np.empty(len(key), dtype=np.int64)
    rank[by_key] = np.arange(len(key)) - np.maximum.accumulate(np.where(fresh, np.arange(len(key)), 0))
    # The same beginning for both sexes of a day, spread over the numbers by a multiplier.
    begin = (day * int(rng.integers(1, 1 << 20)) * 2 + 1) % 490
    return ((begin + rank) % 498) * 2 + 2 + np.where(sex == 0, 1, 0)


def _phones(rng: np.random.Generator, count: int) -> Ints:
    second = np.array([3, 5, 7, 8, 9])[rng.integers(0, 5, count)]
    return (10 + second) * 1_000_000_000 + rng.integers(0, 1_000_000_000, count)


def younger(birth: Ints, seen: Ints, years: float) -> Mask:
    """Who is younger than that on a day."""
    return np.asarray(seen - birth < years * YEAR)
