"""What hospitals write down of people: one record for each registration, with its slips, and the truth of each."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import UsageError
from isthmus.cdm.identity.resident import CHECKS, WEIGHTS
from isthmus.simulation.column import Ints, Mask, Text, choose, day_number, days, join, pick
from isthmus.simulation.identities import lists, place, slips
from isthmus.simulation.identities.people import BEGIN, END, People, draw, younger
from isthmus.simulation.identities.place import Places

RECORDS = pa.schema(
    [("record_id", pa.int64()), ("site", pa.string()), ("seen", pa.date32()), ("name", pa.string()),
     ("sex", pa.string()), ("birth_date", pa.string()), ("resident_id", pa.string()), ("phone", pa.string()),
     ("address", pa.string())]
)  # fmt: skip
"""`sex` is M or F, `birth_date` ISO text; null is what was not asked."""
TRUTH = pa.schema(
    [("record_id", pa.int64()), ("person", pa.int64()), ("household", pa.int64()), ("twin", pa.int64()),
     ("slips", pa.string())]
)  # fmt: skip
"""`twin` is the person's twin; `slips` are words joined by blanks."""
MOST = 20
OWN_SITE, OWN_CITY = 0.6, 0.28
"""Shares of registrations at a household's usual hospital, and at another of its city; the rest is elsewhere."""
NEWBORN = 0.6  # of those born in the window, whose birth is registered before they have a name
MOTHERS_NUMBER = 0.15  # of newborns
NO_NUMBER, NO_NUMBER_CHILD = 0.08, 0.35
NO_PHONE, OTHERS_PHONE, ELDERS_PHONE = 0.07, 0.04, 0.4
NO_ADDRESS, NO_BIRTH, NO_SEX = 0.10, 0.01, 0.01
NO_FACT = 0.15  # of missing phones and addresses, where something is written all the same
OLD_NUMBER, OLD_NUMBER_BORN = 0.05, day_number(1985, 1, 1)
"""Share of numbers still written in the old form, of those born before that day."""
ROMAN = 0.008
NOBODY = 0.0005  # people brought in unconscious
DESK = 0.01  # registrations at every tenth hospital under the telephone number of its own desk


@dataclass(frozen=True, slots=True)
class Identities:
    """`records` (schema RECORDS, in the order of `seen`) and the `truth` of each, row by row (schema TRUTH)."""

    records: pa.Table
    truth: pa.Table


@dataclass(frozen=True, slots=True)
class _Visit:
    """Registrations: rows of people, days, sites, and which slips are made."""

    person: Ints
    seen: Ints
    site: Ints
    newborn: Mask
    nobody: Mask
    slip: dict[str, Mask]


def identities(*, persons: int, sites: int, records: float = 2.4, errors: float = 0.03, seed: int) -> Identities:
    """Draw `persons` people in households and `records` registrations of each (a mean) at `sites` hospitals.

    `errors` is the chance of a slip in each field of a record. The same arguments give the same tables. Raises
    UsageError for numbers that make no population.
    """
    if persons < 1 or sites < 1 or not 1.0 <= records <= MOST or not 0.0 <= errors <= 1.0 or seed < 0:
        raise UsageError(
            f"identities need at least one person and site, 1 to {MOST} records a person, a share of errors between 0 "
            f"and 1 and a seed of 0 or more; got {persons}, {sites}, {records}, {errors}, {seed}."
        )
    rng = np.random.default_rng(seed)
    places = place.draw(rng, sites, persons)
    people = draw(rng, persons, places)
    visit = _visits(rng, people, places, records, errors)
    told: dict[str, Text] = {}
    fields = {
        "name": _names(rng, people, visit, told),
        "sex": _sexes(rng, people, visit, told),
        "birth_date": _births(rng, people, visit, told),
        "resident_id": _residents(rng, people, places, visit, told),
        "phone": _phones(rng, people, places, visit, told),
        "address": _addresses(rng, people, places, visit, told),
    }
    record = pa.array(np.arange(len(visit.person)))
    site = pick(pa.array([f"h{number:03d}" for number in range(1, sites + 1)]), visit.site)
    seen = pa.array(visit.seen.astype("datetime64[D]"))
    words = pc.utf8_trim_whitespace(
        pc.replace_substring_regex(join(*(join(one, " ") for one in told.values())), " +", " ")
    )
    truth = [record, visit.person, people.household[visit.person], people.twin[visit.person], words]
    written = {"record_id": record, "site": site, "seen": seen, **fields}
    return Identities(pa.table(written).cast(RECORDS), pa.table(truth, schema=TRUTH))


def _visits(rng: np.random.Generator, people: People, places: Places, mean: float, errors: float) -> _Visit:
    count = np.minimum(1 + rng.poisson(mean - 1.0, len(people)), MOST)
    person = np.repeat(np.arange(len(people)), count)
    since = np.maximum(people.birth[person], BEGIN)
    seen = since + (rng.random(len(person)) * (END - since)).astype(np.int64)
    first = np.append(True, person[1:] != person[:-1])
    newborn = first & (people.birth[person] >= BEGIN) & (people.mother[person] >= 0)
    newborn &= rng.random(len(person)) < NEWBORN
    seen = np.where(newborn, np.minimum(people.birth[person] + rng.integers(0, 4, len(person)), END), seen)
    order = np.argsort(seen, kind="stable")
    person, seen, newborn = person[order], seen[order], newborn[order]
    nobody = (rng.random(len(person)) < NOBODY) & ~newborn
    fields = ("name", "sex", "birth_date", "resident_id", "phone", "address")
    slip = {name: (rng.random(len(person)) < errors) & ~nobody for name in fields}
    return _Visit(person, seen, _sites(rng, people.household[person], places), newborn, nobody, slip)


def _sites(rng: np.random.Generator, household: Ints, places: Places) -> Ints:
    """A household's usual hospital, another of its city, or any."""
    sites = len(places.site_city)
    order = np.argsort(places.site_city, kind="stable")
    city = places.home(household)
    first = np.searchsorted(places.site_city[order], city)
    size = np.searchsorted(places.site_city[order], city, side="right") - first
    usual = rng.random(int(household.max()) + 1)[household]
    near = order[np.minimum(first + (usual * size).astype(np.int64), sites - 1)]
    other = order[np.minimum(first + (rng.random(len(city)) * size).astype(np.int64), sites - 1)]
    any_site = rng.integers(0, sites, len(city))
    chance = rng.random(len(city))
    return np.where(chance < OWN_SITE, near, np.where(chance < OWN_SITE + OWN_CITY, other, any_site))


def _names(rng: np.random.Generator, people: People, visit: _Visit, told: dict[str, Text]) -> Text:
    person, count = visit.person, len(visit.person)
    roman = rng.random(count) < ROMAN
    married = (people.husband[person] >= 0) & (rng.random(count) < 0.6)
    kind = slips.drawn(rng, visit.slip["name"] & ~roman, slips.NAME_SHARE)
    # A newborn is known by the mother's name.
    whose = np.where(visit.newborn, people.mother[person], person)
    name = slips.names(rng, (people.surname[whose], people.first[whose], people.second[whose]), kind)
    manner = np.where(roman & ~visit.newborn, rng.integers(1, 4, count), 0)
    text = slips.spelled(name, manner)
    husband = pick(lists.names().glyphs, np.where(married & (manner == 0), people.husband[person], -1))
    text = join(husband, text, _child(rng, people, visit))
    told["name"] = choose(kind > 0, join("name-", pick(pa.array(slips.NAME), kind - 1)), "")
    told["form"] = choose(
        visit.newborn, "newborn", choose(manner > 0, "romanised", choose(married & (manner == 0), "married", ""))
    )
    return choose(visit.nobody, choose(people.sex[person] == 0, "无名男", "无名女"), text)


def _child(rng: np.random.Generator, people: People, visit: _Visit) -> Text:
    """What stands behind a mother's name for a newborn; twins are told apart."""
    person = visit.person
    girl = people.sex[person] == 1
    short = choose(rng.random(len(person)) < 0.3, "", "之")
    twin = people.twin[person]
    same = (twin >= 0) & (people.sex[twin] == people.sex[person])
    rank = choose(same, choose(twin > person, "长", "次"), "")
    return _only(join(choose(same, "之", short), rank, choose(girl, "女", "子")), visit.newborn)


def _sexes(rng: np.random.Generator, people: People, visit: _Visit, told: dict[str, Text]) -> Text:
    slip = visit.slip["sex"]
    sex = people.sex[visit.person] ^ slip
    told["sex"] = choose(slip, "sex", "")
    absent = (rng.random(len(sex)) < NO_SEX) & ~visit.nobody
    return pick(pa.array(["M", "F"]), np.where(absent, -1, sex))


def _births(rng: np.random.Generator, people: People, visit: _Visit, told: dict[str, Text]) -> Text:
    kind = slips.drawn(rng, visit.slip["birth_date"], slips.BIRTH_SHARE)
    birth = slips.births(rng, people.birth[visit.person], kind)
    told["birth_date"] = choose(kind > 0, join("birth-", pick(pa.array(slips.BIRTH), kind - 1)), "")
    absent = rng.random(len(kind)) < NO_BIRTH
    return choose(visit.nobody, "1900-01-01", pick(days(birth), np.where(absent, -1, np.arange(len(birth)))))


def _residents(rng: np.random.Generator, people: People, places: Places, visit: _Visit, told: dict[str, Text]) -> Text:
    """Numbers of 18 or 15 digits, or none; a few newborns have their mother's."""
    person, count = visit.person, len(visit.person)
    mothers = visit.newborn & (rng.random(count) < MOTHERS_NUMBER)
    whose = np.where(mothers, people.mother[person], person)
    letters = _letters(people, places)[whose]
    kind = slips.drawn(rng, visit.slip["resident_id"], slips.NUMBER_SHARE)
    old = (people.birth[whose] < OLD_NUMBER_BORN) & (rng.random(count) < OLD_NUMBER)
    long_text = slips.texts(*slips.numbers(rng, letters, kind))
    short = np.concatenate([letters[:, :6], letters[:, 8:17]], axis=1)
    short_text = slips.texts(*slips.numbers(rng, short, kind))
    small = rng.random(count) < 0.2
    text = choose(old, short_text, choose(small, pc.utf8_lower(long_text), long_text))
    chance = np.where(younger(people.birth[person], visit.seen, 16.0), NO_NUMBER_CHILD, NO_NUMBER)
    absent = ((rng.random(count) < chance) | visit.newborn | visit.nobody) & ~mothers
    told["resident_id"] = choose((kind > 0) & ~absent, join("number-", pick(pa.array(slips.NUMBER), kind - 1)), "")
    told["whose"] = choose(mothers, "number-of-mother", choose(old & ~absent, "number-15", ""))
    return _only(text, ~absent)


def _letters(people: People, places: Places) -> slips.Bytes:
    """Resident numbers with their check digit, one row a person."""
    date = people.birth.astype("datetime64[D]")
    month = date.astype("datetime64[M]")
    year = month.astype("datetime64[Y]").astype(np.int64) + 1970
    stem = places.county_code[people.county] * 10_000 + year
    stem = (stem * 100 + month.astype(np.int64) % 12 + 1) * 100 + (date - month).astype(np.int64) + 1
    letters = slips.digits(stem * 1000 + people.order, 17)
    check = CHECKS[(letters.astype(np.int64) - ord("0")) @ WEIGHTS % 11]
    return np.concatenate([letters, check[:, None]], axis=1)


def _phones(rng: np.random.Generator, people: People, places: Places, visit: _Visit, told: dict[str, Text]) -> Text:
    """A child's is a parent's, many an old person's that of the head of the household, and some are others'."""
    person, count = visit.person, len(visit.person)
    head, mother = people.head[person], people.mother[person]
    young = younger(people.birth[person], visit.seen, 15.0)
    old = ~younger(people.birth[person], visit.seen, 70.0)
    of_parent = np.where((mother >= 0) & (visit.newborn | (rng.random(count) < 0.6)), mother, head)
    others = rng.random(count) < OTHERS_PHONE
    elder = old & (rng.random(len(people)) < ELDERS_PHONE)[person]
    whose = np.where(young, of_parent, np.where(others | elder, head, person))
    number = np.where(visit.seen < people.new_phone_from[whose], people.phone[whose], people.new_phone[whose])
    desk = (visit.site % 10 == 3) & (rng.random(count) < DESK)
    number = np.where(desk, 13_000_000_000 + visit.site * 7_654_321 % 1_000_000_000, number)
    kind = slips.drawn(rng, visit.slip["phone"], slips.NUMBER_SHARE)
    text = slips.texts(*slips.numbers(rng, slips.digits(number, 11), kind))
    absent = (rng.random(count) < NO_PHONE) | visit.nobody
    empty = absent & (rng.random(count) < NO_FACT)
    told["phone"] = choose((kind > 0) & ~absent, join("phone-", pick(pa.array(slips.NUMBER), kind - 1)), "")
    words = pick(pa.array(["无", "13800000000", "00000000000", "不详"]), rng.integers(0, 4, count))
    return choose(empty, words, _only(text, ~absent))


def _addresses(rng: np.random.Generator, people: People, places: Places, visit: _Visit, told: dict[str, Text]) -> Text:
    """A household lives at one place and may move to another; children of one household are written alike."""
    household = people.household[visit.person]
    count = int(people.household.max()) + 1
    moved = np.where(rng.random(count) < place.MOVES, rng.integers(BEGIN, END, count), END)
    city = places.home(np.arange(count))
    lived = place.homes(rng, np.concatenate([city, city]))
    row = np.where(visit.seen < moved[household], household, household + count)
    fields = {name: getattr(lived, name)[row] for name in place.Homes.__slots__}
    slip = visit.slip["address"]
    text = place.written(rng, places, place.Homes(**fields), slip)
    absent = (rng.random(len(row)) < NO_ADDRESS) | visit.nobody
    empty = absent & (rng.random(len(row)) < NO_FACT)
    told["address"] = choose(slip & ~absent, "address", "")
    return choose(empty, "不详", _only(text, ~absent))


def _only(text: Text, rows: Mask) -> Text:
    """The texts of some rows, null elsewhere."""
    return pick(text, np.where(rows, np.arange(len(text)), -1))
