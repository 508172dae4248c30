"""Where households live and hospitals stand: cities, counties of registration, addresses and how they are written."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import pyarrow as pa

from isthmus.cdm.identity import area
from isthmus.simulation.column import Ints, Mask, Text, choose, join, pick, whole


def _combined(names: Iterable[str], kinds: Iterable[str]) -> Text:
    return pa.array([name + kind for kind, name in product(kinds, names)])


# Two characters each.
STREET_NAMES = (
    "人民解放中山建设和平新华文化长江东风光明胜利青年红旗团结友谊学院迎宾滨江环城工业"
    "朝阳幸福中华南京北京黄河泰山昆仑凤凰龙泉金沙银河桃源柳荫竹园梅岭松江石桥东门西湖"
)
ESTATE_NAMES = "阳光翠苑锦绣金桂紫荆丽景碧水世纪康乐安居景泰怡和福星玉兰水岸城南城北枫林海棠荷塘明珠学府兴业华庭万和"
STREETS = _combined(re.findall("..", STREET_NAMES), ("路", "街", "大道", "巷"))
ESTATES = _combined(re.findall("..", ESTATE_NAMES), ("小区", "花园", "家园", "新村"))
VILLAGES = _combined("王李张刘陈杨赵黄周吴徐孙", ("家村", "庄村", "店村", "家湾村", "家坪村", "集村"))
COUNTIES = 8
"""Counties to a prefecture, of which only the codes are used; the four municipalities have their own districts."""
RURAL = 0.22
MOVES = 0.25


@dataclass(frozen=True, slots=True)
class Places:
    """Cities of a region. `county_*` are rows of counties; those of a city are side by side."""

    province: Text
    city: Text
    county_code: Ints
    county_city: Ints
    first_county: Ints
    counties: Ints
    site_city: Ints
    household_city: Ints

    def home(self, household: Ints) -> Ints:
        """The city of each household."""
        return self.household_city[household]

    def county_near(self, rng: np.random.Generator, city: Ints) -> Ints:
        """A county of each city."""
        return self.first_county[city] + (rng.random(len(city)) * self.counties[city]).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Homes:
    """An address per row: numbers of which text is made."""

    city: Ints
    rural: Mask
    street: Ints
    number: Ints
    estate: Ints
    block: Ints
    unit: Ints
    room: Ints


@cache
def _cities() -> tuple[tuple[str, str, tuple[int, ...]], ...]:
    """Province, city and county codes, from the table of areas."""
    known = area.packed().names
    found: list[tuple[str, str, tuple[int, ...]]] = []
    for code, name in known.items():
        province = known[code[:2] + "0000"]
        if code[:2] in ("11", "12", "31", "50") and code.endswith("0000"):
            inner = tuple(int(one) for one in known if one[:2] == code[:2] and not one.endswith("00"))
            found.append(("", name, inner))
        elif code.endswith("00") and not code.endswith("0000") and name not in area.WITHIN and int(code) < 710000:
            found.append((province, name, tuple(int(code) + 2 + number for number in range(COUNTIES))))
    return tuple(found)


def draw(rng: np.random.Generator, sites: int, households: int) -> Places:
    """A region whose cities have about four hospitals each."""
    count = max(1, min(sites // 4, 60))
    chosen = [_cities()[number] for number in rng.permutation(len(_cities()))[: count + 10]]
    counties = np.array([len(codes) for *_, codes in chosen])
    site_city = np.concatenate([np.arange(min(count, sites)), rng.integers(0, count, max(sites - count, 0))])
    size = 1.0 / (np.arange(count) + 2.0)
    return Places(
        province=pa.array([province for province, *_ in chosen]),
        city=pa.array([city for _, city, _ in chosen]),
        county_code=np.array([code for *_, codes in chosen for code in codes]),
        county_city=np.repeat(np.arange(len(chosen)), counties),
        first_county=np.cumsum(counties) - counties,
        counties=counties,
        site_city=site_city,
        household_city=rng.choice(count, size=households, p=size / size.sum()),
    )


def homes(rng: np.random.Generator, city: Ints) -> Homes:
    """An address in each city."""
    count = len(city)
    return Homes(
        city=city,
        rural=np.asarray(rng.random(count) < RURAL),
        street=rng.integers(0, len(STREETS), count),
        number=rng.integers(1, 400, count),
        estate=rng.integers(0, len(ESTATES), count),
        block=rng.integers(1, 31, count),
        unit=rng.integers(1, 5, count),
        room=rng.integers(1, 19, count) * 100 + rng.integers(1, 5, count),
    )


def written(rng: np.random.Generator, places: Places, home: Homes, slip: Mask) -> Text:
    """Addresses as they are put down, in several manners; where `slip`, one of the numbers or parts is wrong."""
    count = len(home.city)
    kind = np.where(slip, rng.integers(1, 5, count), 0)
    number = np.where(kind == 1, _digit(rng, home.number), home.number)
    room = np.where(kind == 2, _digit(rng, home.room), home.room)
    estate = np.where(kind == 3, -1, home.estate)
    street = np.where(kind == 4, rng.integers(0, len(STREETS), count), home.street)
    manner = rng.random(count)
    short = np.asarray(manner > 0.75)
    province = choose(np.asarray(manner < 0.55), pick(places.province, home.city), "")
    city = choose(np.asarray(manner < 0.9), pick(places.city, home.city), "")
    town = join(
        pick(STREETS, street), whole(number), "号", pick(ESTATES, estate), whole(home.block),
        choose(short, "-", "幢"), whole(home.unit), choose(short, "-", "单元"), whole(room), choose(short, "", "室"),
    )  # fmt: skip
    village = join(pick(VILLAGES, street % len(VILLAGES)), whole(home.block), "组", whole(number), "号")
    return join(province, city, choose(home.rural, village, town))


def _digit(rng: np.random.Generator, number: Ints) -> Ints:
    """Numbers of which one digit is another."""
    place = 10 ** rng.integers(0, 2, len(number))
    old = number // place % 10
    return np.asarray(number + ((old + rng.integers(1, 10, len(number))) % 10 - old) * place, dtype=np.int64)
