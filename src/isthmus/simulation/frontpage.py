"""The front page of every hospital stay (病案首页): the upload file in full width, 40 diagnoses and 40 operations."""

from dataclasses import replace
from functools import cache

import numpy as np
import pyarrow as pa

from isthmus.simulation import care, catalogue, dirt
from isthmus.simulation.chunk import Chunk, day_of
from isthmus.simulation.column import Ints, Text, choose, days, moments, pick, repeat, whole
from isthmus.simulation.dirt import Sheet
from isthmus.simulation.export import Export, Layout
from isthmus.simulation.site import HIS

FEED, FILE, KEYSPACE = "his", "病案首页.csv", "hospital"
GROUPS = 40
MOST = 6  # diagnoses or operations that a simulated stay has at most, beside the main one
RATES = {dirt.DUPLICATE: 0.003, dirt.DATE: 0.002, dirt.MOJIBAKE: 0.002, dirt.RAGGED: 0.002}
PATIENT = (
    "A01 A02 A48 A49 B12 B15 A47 A46C A11 A12C A13 A14 A15C A21C A38C A19C A20 A22 A23C A24 A25C A26 A27 A28C A29 A30 "
    "A31C A32 A33C A34 A35 B11C B13C B14 B21C B16C B17 B20 C01C C02N C03C C04N C05C"
)
STAFF = (
    "C09C C10N C11 C12C C13N C24C C25 B22 B23 B24 B25 B26 B27 B28 B29 B30C B31 B32 B33 C34C C26C C27C C14x01C C15x01N "
    "C16x01 C17x01 C18x01 C19x01 C20x01 C21x01C C22x01C C23x01"
)
END = (
    "A16 A18x01 A18x02 A18x03 A18x04 A18x05 A17 C28 C29 C30 C31 C32 C33 B36C B37 B34C B35 D01 D09 D11 D12 D13 D14 D15 "
    "D16 D17 D18 D19 D19x01 D20 D20x01 D20x02 D21 D22 D23 D23x01 D24 D25 D26 D27 D28 D29 D30 D31 D32 D33 D34"
)
OPERATED = ("C35C", "C36N", "C37", "C38", "C39", "C40", "C41", "C42C", "C43C", "C44")
OPERATION = tuple(code[:3] + "x{:02d}" + code[3:] for code in OPERATED)


@cache
def fields() -> tuple[str, ...]:
    """All fields of the upload file, in its order."""
    patterns = ("C06x{:02d}C", "C07x{:02d}N", "C08x{:02d}C")
    other = [pattern.format(number) for number in range(1, GROUPS + 1) for pattern in patterns]
    operations = [pattern.format(number) for number in range(1, GROUPS + 1) for pattern in OPERATION]
    return (*PATIENT.split(), *other, *STAFF.split(), *operations, *END.split())


def write(chunk: Chunk, export: Export) -> None:
    """One line per hospital stay of people whose record is kept in the HIS."""
    visits = chunk.care.visits
    stays = chunk.of_visits(np.arange(len(visits)), HIS)
    stays = stays[visits.kind[stays] == care.INPATIENT]
    if len(stays) == 0:
        return
    found = _slots(chunk.care.diagnoses.visit, chunk.care.diagnoses.code, chunk.care.diagnoses.rank, stays)
    done = chunk.care.operations
    order = np.argsort(done.visit * 10_000_000_000 + done.minute, kind="stable")
    count = _running(done.visit[order])
    operations = _slots(done.visit[order], order, count, stays)
    columns = {**_patient(chunk, stays), **_found(found), **_done(done, operations)}
    empty = pa.nulls(len(stays), pa.string())
    site = chunk.registrations.site[chunk.registration[stays]]
    sheet = export.sheet(
        FEED, FILE, site=site, key=chunk.visit_text(stays), error=export.errors(len(stays), RATES),
        columns={name: columns.get(name, empty) for name in fields()},
    )  # fmt: skip
    sheet = dirt.spoil_text(dirt.spoil_dates(sheet, "B15"), "A11")
    export.put(sheet, Layout(fields(), "gb18030", {}))
    _truth(chunk, export, sheet, stays, found=found, operations=operations)


def _running(sorted_visit: Ints) -> Ints:
    """The number of each row within its visit."""
    begin = np.flatnonzero(np.diff(sorted_visit, prepend=-1))
    length = np.diff(np.append(begin, len(sorted_visit)))
    return np.arange(len(sorted_visit)) - np.repeat(begin, length)


def _slots(visit: Ints, value: Ints, rank: Ints, stays: Ints) -> Ints:
    """Values laid out per stay: shape (stays, 1 + MOST), -1 where there is none."""
    place = np.full(max(int(visit.max(initial=0)), int(stays.max())) + 1, -1, dtype=np.int64)
    place[stays] = np.arange(len(stays))
    slots = np.full((len(stays), 1 + MOST), -1, dtype=np.int64)
    keep = (place[visit] >= 0) & (rank <= MOST)
    slots[place[visit[keep]], rank[keep]] = value[keep]
    return slots


def _patient(chunk: Chunk, stays: Ints) -> dict[str, Text]:
    known, visits = chunk.registrations, chunk.care.visits.take(stays)
    at = chunk.registration[stays]
    birth, begin = known.birth[at], day_of(visits.start)
    cost = 3000 + visits.start % 9000
    return {
        "A01": repeat("124400004553507607", len(stays)), "A02": repeat("模拟医院", len(stays)),
        "A48": pick(known.number, at), "A49": whole(1 + known.place[at]), "B12": moments(visits.start),
        "B15": moments(visits.end), "A46C": whole(1 + visits.start % 3), "A11": pick(known.name, at),
        "A12C": whole(known.sex[at]), "A13": days(birth), "A14": whole(_age(birth, begin)),
        "A15C": repeat("中国", len(stays)), "A21C": repeat("2", len(stays)), "A38C": repeat("90", len(stays)),
        "A19C": repeat("01", len(stays)), "A20": pick(known.resident, at), "A26": pick(known.address, at),
        "A27": pick(known.phone, at), "B11C": repeat("2", len(stays)),
        "B20": whole(np.maximum(day_of(visits.end) - begin, 1)), "B34C": repeat("1", len(stays)),
        "C26C": whole(1 + birth % 4), "C27C": repeat("2", len(stays)), "D01": whole(cost), "D09": whole(cost // 3),
    }  # fmt: skip


def _age(birth: Ints, day: Ints) -> Ints:
    """Full years at a day; both are days since 1970."""
    years, keys = [], []
    for one in (birth.astype("datetime64[D]"), day.astype("datetime64[D]")):
        month = one.astype("datetime64[M]")
        years.append(one.astype("datetime64[Y]").astype(np.int64))
        keys.append(month.astype(np.int64) % 12 * 100 + (one - month).astype(np.int64))
    full: Ints = np.maximum(years[1] - years[0] - (keys[1] < keys[0]), 0)
    return full


def _found(found: Ints) -> dict[str, Text]:
    codes = catalogue.conditions().codes
    columns = {"C03C": pick(codes.code, found[:, 0]), "C04N": pick(codes.name, found[:, 0])}
    columns["C05C"] = choose(found[:, 0] >= 0, "1", None)
    for number in range(1, 1 + MOST):
        columns[f"C06x{number:02d}C"] = pick(codes.code, found[:, number])
        columns[f"C07x{number:02d}N"] = pick(codes.name, found[:, number])
        columns[f"C08x{number:02d}C"] = choose(found[:, number] >= 0, "1", None)
    return columns


def _done(done: care.Operations, operations: Ints) -> dict[str, Text]:
    codes = catalogue.procedures()
    columns = {}
    for number in range(1 + MOST):
        row = operations[:, number]
        names = ("C14x01C", "C15x01N", "C16x01") if number == 0 else tuple(p.format(number) for p in OPERATION[:3])
        code = np.where(row >= 0, done.code[row], -1)
        columns[names[0]] = pick(codes.code, code)
        columns[names[1]] = pick(codes.name, code)
        columns[names[2]] = choose(row >= 0, moments(np.where(row >= 0, done.minute[row], 0)), None)
    return columns


def _truth(chunk: Chunk, export: Export, sheet: Sheet, stays: Ints, *, found: Ints, operations: Ints) -> None:
    known, done = catalogue.conditions().codes, chunk.care.operations
    codes = catalogue.procedures()
    person = sheet.columns["A48"]
    day = day_of(chunk.care.visits.end[stays])
    # A day of discharge that no calendar has takes the diagnoses with it; operations have days of their own.
    dated = replace(sheet, error=np.where(sheet.having(dirt.DATE), dirt.CLEAN, sheet.error))
    for number in range(1 + MOST):
        code = found[:, number]
        export.truth.add(
            sheet, "condition_occurrence", keyspace=KEYSPACE, person=person, concept=known.concept[code], day=day,
            rows=code >= 0, covered=known.covered[code],
        )  # fmt: skip
        row = operations[:, number]
        export.truth.add(
            dated, "procedure_occurrence", keyspace=KEYSPACE, person=person, concept=codes.concept[done.code[row]],
            day=day_of(done.minute[row]), rows=row >= 0, covered=codes.covered[done.code[row]],
        )  # fmt: skip
