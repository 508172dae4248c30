"""Generated CSV as a hospital's systems write it: laboratory results and a patient master, in GB18030."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from isthmus.simulation import catalogue
from isthmus.simulation.column import Ints, Text, days, decimal, join, lines, moments, pick, whole

HEADER = "JGXH,JYDH,BRID,BRXM,JZH,JYXMDM,JYXMMC,JYJG,DW,CKFW,CJSJ,BGSJ,SHSJ\n"
PATIENTS = "病人ID,姓名,性别,出生日期,更新时间\n"
STEP = 200_000
BEGIN = 26_297_280  # 2020-01-01 00:00, in minutes since 1970
ROWS_PER_PERSON = 50  # of the laboratory
WINDOW = 20_000  # people of whom results come in at about the same time
SURNAMES = pa.array(list("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"))
GIVEN = pa.array(list("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超霞平刚华建国志"))


def lab(path: str, *, rows: int, first: int = 0, seed: int = 1) -> None:
    """`rows` results in the order of their times, numbered from `first`: the same number is the same result always."""
    numbers = np.arange(first, first + rows, dtype=np.int64)
    _write(Path(path), HEADER, (lab_lines(numbers[at : at + STEP], seed) for at in range(0, rows, STEP)))


def fresh(path: str, *, lake: int, rows: int, corrected: int, oldest: int, seed: int = 1) -> None:
    """A small delivery after `lake` results: some of the last `oldest` ones corrected and signed anew, others new."""
    old = lake - 1 - np.random.default_rng([seed, lake]).choice(oldest, corrected, replace=False)
    new = np.arange(lake, lake + rows - corrected, dtype=np.int64)
    _write(Path(path), HEADER, [lab_lines(np.sort(old), seed, revision=1), lab_lines(new, seed)])


def redump(path: str, *, rows: int, seed: int = 1) -> None:
    """The results of `lab` dumped again: one in a hundred was corrected meanwhile."""

    def chunks() -> Iterator[Text]:
        for at in range(0, rows, STEP):
            numbers = np.arange(at, min(at + STEP, rows), dtype=np.int64)
            yield lab_lines(numbers, seed, revision=(numbers % 100 == 7).astype(np.int64))

    _write(Path(path), HEADER, chunks())


def patients(path: str, *, rows: int, seed: int = 1) -> None:
    """Everyone of whom there can be a result when there are `rows` of them."""
    number = np.arange(_people(rows), dtype=np.int64)
    random = np.random.default_rng([seed, 2])
    columns = [
        join("P", whole(number)), _name(number), pick(pa.array(["男", "女"]), random.integers(0, 2, len(number))),
        days(random.integers(-14_000, 14_000, len(number))), moments(np.full(len(number), BEGIN)),
    ]  # fmt: skip
    _write(Path(path), PATIENTS, [lines(columns)])


def lab_lines(number: Ints, seed: int, revision: Ints | int = 0) -> Text:
    """The lines of some results. `revision` 1 is the corrected result: another value, signed a day later."""
    table, units = catalogue.tests(), catalogue.units()
    known = np.flatnonzero(table.codes.covered & ~np.isnan(table.low + table.high) & (table.unit >= 0))
    mixed = _mixed(number, seed)
    test = known[mixed % len(known)]
    person = number // (ROWS_PER_PERSON * WINDOW) * WINDOW + _mixed(number // 7, seed + 1) % WINDOW
    value = np.round(table.low[test] + (table.high[test] - table.low[test]) * ((mixed >> 8) % 400 / 200.0), 1)
    minute = BEGIN + number // 12
    columns = [
        join("J", whole(number)), join("L", whole(number // 7)), join("P", whole(person)), _name(person),
        join("Z", whole(number // 70)), pick(table.codes.code, test), pick(table.codes.name, test),
        decimal(value + revision), pick(units.spelling, table.unit[test]),
        join(decimal(table.low[test]), "-", decimal(table.high[test])),
        moments(minute), moments(minute + 150), moments(minute + 200 + 1440 * (revision + 0 * number)),
    ]  # fmt: skip
    return lines(columns)


def _people(rows: int) -> int:
    return (rows // (ROWS_PER_PERSON * WINDOW) + 1) * WINDOW


def _mixed(number: Ints, salt: int) -> Ints:
    """Numbers that look drawn at random, the same for the same number (the finaliser of splitmix64)."""
    word = (number + 1).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        word = (word ^ (word >> np.uint64(shift))) * np.uint64(factor)
    return ((word ^ (word >> np.uint64(31))) >> np.uint64(1)).astype(np.int64)


def _name(person: Ints) -> Text:
    mixed = _mixed(person, 7)
    given = [pick(GIVEN, (mixed >> shift) % len(GIVEN)) for shift in (8, 16)]
    return join(pick(SURNAMES, mixed % len(SURNAMES)), *given)


def _write(path: Path, header: str, chunks: Iterable[Text]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        stream.write(header.encode("gb18030"))
        for chunk in chunks:
            stream.write("".join(chunk.to_pylist()).encode("gb18030"))
