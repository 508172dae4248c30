"""People, and the slightly different identities under which hospitals know them."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.simulation import name, site
from isthmus.simulation.column import Ints, Mask, Text, choose, day_number, days, join, pick, whole

AREAS = (
    (110105, "北京市朝阳区"), (120104, "天津市南开区"), (130102, "河北省石家庄市长安区"), (210102,
    "辽宁省沈阳市和平区"),
    (310104, "上海市徐汇区"), (320106, "江苏省南京市鼓楼区"), (330106, "浙江省杭州市西湖区"), (340103,
    "安徽省合肥市庐阳区"),
    (350203, "福建省厦门市思明区"), (360102, "江西省南昌市东湖区"), (370202, "山东省青岛市市南区"), (410105,
    "河南省郑州市金水区"),
    (420106, "湖北省武汉市武昌区"), (430104, "湖南省长沙市岳麓区"), (440106, "广东省广州市天河区"), (450103,
    "广西壮族自治区南宁市青秀区"),
    (500103, "重庆市渝中区"), (510104, "四川省成都市锦江区"), (520102, "贵州省贵阳市南明区"), (610113,
    "陕西省西安市雁塔区"),
)  # fmt: skip
STREETS = pa.array(["人民路", "解放路", "中山路", "建设路", "和平里", "新华街", "文化路", "长江路", "东风路", "光明街"])
LIVER_SHARE = 0.35  # of the population; hospitals of this kind collect liver tumours
AREA_CODES = np.array([code for code, _ in AREAS], dtype=np.int64)
AREA_NAMES = pa.array([text for _, text in AREAS])
LAST_ID_DIGIT = pa.array(list("10X98765432"))
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643


@dataclass(frozen=True, slots=True)
class People:
    """True people. `sex` 1 man, 2 woman; `birth` in days; `liver` marks those who get a liver tumour, `onset` when."""

    number: Ints
    sex: Ints
    birth: Ints
    name: tuple[Ints, Ints, Ints]
    area: Ints
    order: Ints
    phone: Ints
    house: Ints
    liver: Mask
    onset: Ints
    places: Ints

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True, slots=True)
class Registrations:
    """People as hospitals know them. `first[person]` is the row of a person's first hospital."""

    person: Ints
    site: Ints
    dialect: Ints
    place: Ints
    number: Text
    name: Text
    sex: Ints
    birth: Ints
    resident: Text
    phone: Text
    address: Text
    changed: Text
    first: Ints

    def __len__(self) -> int:
        return len(self.person)


def draw_people(rng: np.random.Generator, start: int, count: int, sites: int) -> People:
    """People number `start` and following."""
    liver = rng.random(count) < LIVER_SHARE
    sex = np.where(rng.random(count) < np.where(liver, 0.82, 0.49), 1, 2)
    onset = rng.integers(day_number(2015, 1, 15), day_number(2023, 7, 1), count)
    age = np.where(liver, rng.normal(56, 10.5, count), rng.normal(48, 19, count)).clip(np.where(liver, 25, 1), 92)
    return People(
        number=np.arange(start, start + count, dtype=np.int64),
        sex=sex,
        birth=onset - (age * 365.25).astype(np.int64),
        name=name.draw(rng, count),
        area=rng.integers(0, len(AREAS), count),
        order=rng.integers(1, 499, count) * 2 + (sex == 1),
        phone=rng.integers(13_000_000_000, 19_999_999_999, count),
        house=rng.integers(1, 999, count),
        liver=liver,
        onset=onset,
        places=np.minimum(1 + rng.choice(3, size=count, p=(0.65, 0.26, 0.09)), sites),
    )


def _stem(area: Ints, birth: Ints, order: Ints) -> Ints:
    """The first 17 digits of a resident identity number, as an integer."""
    date = birth.astype("datetime64[D]")
    year = date.astype("datetime64[Y]").astype(np.int64) + 1970
    month = date.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day = (date - date.astype("datetime64[M]")).astype(np.int64) + 1
    stem: Ints = ((AREA_CODES[area] * 10_000 + year) * 100 + month) * 100_000 + day * 1_000 + order
    return stem


def resident_number(area: Ints, birth: Ints, order: Ints) -> Text:
    """Eighteen-digit resident identity numbers with their check digit (GB 11643)."""
    stem = _stem(area, birth, order)
    total = sum(weight * (stem // 10 ** (16 - place) % 10) for place, weight in enumerate(ID_WEIGHTS))
    return join(whole(stem), pick(LAST_ID_DIGIT, np.asarray(total % 11, dtype=np.int64)))


def register(rng: np.random.Generator, people: People, sites: int) -> Registrations:
    """Each person at one to three hospitals; at the first one everything is written rightly."""
    person = np.repeat(np.arange(len(people)), people.places)
    first = np.cumsum(people.places) - people.places
    place = np.arange(len(person)) - first[person]
    home = np.where(rng.random(len(people)) < 0.25, 0, rng.integers(0, sites, len(people)))
    step = rng.integers(1, max(sites, 2), len(people)) if sites > 1 else np.zeros(len(people), dtype=np.int64)
    where = (home[person] + place * step[person]) % sites
    # Two steps may lead back to the first hospital; the neighbour takes its turn then.
    where = np.where((place == 2) & (where == home[person]), (where + 1) % sites, where)
    where = np.where((place == 2) & (where == (home + step)[person] % sites), (where + 1) % sites, where)
    changes = np.where(place == 0, 0, rng.choice(8, size=len(person), p=(0.45, 0.1, 0.05, 0.1, 0.07, 0.08, 0.1, 0.05)))
    return Registrations(
        person=person,
        site=where,
        dialect=site.dialects(where, people.number[person]),
        place=place,
        number=join("P", whole(10_000_000 + people.number[person] * 3 + place)),
        sex=people.sex[person],
        first=first,
        **_identity(rng, people, person, changes),
    )


CHANGES = (
    "", "name-homophone", "name-order", "id-missing-digit", "id-transposed", "id-15", "phone-changed", "birth-digit",
)  # fmt: skip


def _identity(rng: np.random.Generator, people: People, person: Ints, change: Ints) -> dict[str, Text | Ints]:
    """Name, birth, numbers and address as written down, each with at most one difference from the truth."""
    parts = tuple(part[person] for part in people.name)
    name_parts = (parts[0], parts[1], parts[2])
    text = name.swapped(name_parts, change == 2, name.written(name_parts, change == 1))
    birth = people.birth[person]
    wrong = birth + np.where(rng.random(len(person)) < 0.5, 1, -10)
    number = resident_number(people.area[person], birth, people.order[person])
    old = join(pc.utf8_slice_codeunits(number, 0, 6), pc.utf8_slice_codeunits(number, 8, 17))
    missing = join(pc.utf8_slice_codeunits(number, 0, 9), pc.utf8_slice_codeunits(number, 10, 18))
    turned = join(
        pc.utf8_slice_codeunits(number, 0, 15),
        pc.utf8_slice_codeunits(number, 16, 17),
        pc.utf8_slice_codeunits(number, 15, 16),
        pc.utf8_slice_codeunits(number, 17, 18),
    )
    number = choose(change == 3, missing, choose(change == 4, turned, choose(change == 5, old, number)))
    phone = np.where(change == 6, rng.integers(13_000_000_000, 19_999_999_999, len(person)), people.phone[person])
    house = people.house[person]
    return {
        "name": text,
        "birth": np.where(change == 7, wrong, birth),
        "resident": number,
        "phone": whole(phone),
        "address": join(pick(AREA_NAMES, people.area[person]), pick(STREETS, house % len(STREETS)), whole(house), "号"),
        "changed": pick(pa.array(CHANGES), change),
    }


def birthday(birth: Ints) -> Text:
    """Days of birth as ISO text."""
    return days(birth)
