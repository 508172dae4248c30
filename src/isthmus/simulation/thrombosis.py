"""Hospitals' years with venous thromboembolism: stays, what was recorded of them, and what was true.

It has a random stream of its own and writes rows of the CDM, so that nothing of the other simulation changes. What is
true of a stay (risk factors, bed rest, points, thrombosis in hospital, prophylaxis) is a table beside the rows. The
rows know less: a diagnosis is left out, nobody writes down whether a patient walks, an assessment comes late, is wrong,
or was never made, a suspicion stays among the diagnoses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.simulation.column import MINUTES, day_number

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
STREAM = 20_241  # sets this stream apart from that of all others
INPATIENT, HEPARIN, INTENSIVE = 9201, 1367571, 32037
PADUA, CAPRINI, BLEEDING, BED, WALKS, COMPRESSION, FAMILY = (2000001800 + one for one in (1, 2, 3, 5, 6, 8, 12))
LABS = {"bmi": (3038553, 9531), "platelets": (3024929, 9444), "creatinine": (3016723, 8749)}
ROOM = 64  # numbers of rows that a stay has for each table
# Trait: how often, its code, and points by Padua and by Caprini.
TRAITS: Mapping[str, tuple[float, str, int, int]] = {
    "cancer": (0.10, "C34.900", 0, 2), "infection": (0.10, "N39.000", 1, 0), "pneumonia": (0.08, "J18.900", 1, 1),
    "heart_failure": (0.06, "I50.900", 1, 1), "respiratory_failure": (0.03, "J96.000", 1, 0),
    "infarction": (0.02, "I21.900", 1, 1), "stroke": (0.03, "I63.900", 1, 5), "rheumatic": (0.02, "M06.900", 1, 0),
    "copd": (0.06, "J44.900", 0, 1), "varicose": (0.02, "I83.900", 0, 1), "previous_vte": (0.015, "I26.900", 3, 3),
    "thrombophilia": (0.004, "D68.600", 3, 6), "ulcer": (0.02, "K25.900", 0, 0), "bowel": (0.01, "K51.900", 0, 1),
    "hypertension": (0.30, "I10.x00", 0, 0), "diabetes": (0.15, "E11.900", 0, 0),
}  # fmt: skip
OPERATIONS = (("", 0.65), ("53.0000", 0.12), ("45.7300", 0.10), ("51.2300", 0.10), ("81.5400", 0.03))
PLAIN, MINOR, OPEN, KEYHOLE, JOINT = range(5)


@dataclass(frozen=True, slots=True)
class Ward:
    """Rows of the CDM by table, and the truth: one row a stay (see `_truth`)."""

    tables: Mapping[str, pa.Table]
    truth: pa.Table


@dataclass(slots=True)
class _Rows:
    """Rows of one table that grow in pieces; `stay` is the place of the stay."""

    stay: list[Ints] = field(default_factory=list)
    minute: list[Ints] = field(default_factory=list)
    concept: list[Ints] = field(default_factory=list)
    code: list[npt.NDArray[np.str_]] = field(default_factory=list)
    number: list[npt.NDArray[np.float64]] = field(default_factory=list)
    unit: list[Ints] = field(default_factory=list)

    def add(
        self, stay: Ints, minute: Ints, *, concept: int = 0, code: object = "", number: object = np.nan, unit: int = 0
    ) -> None:
        """Rows for some stays at minutes since 1970."""
        count = len(stay)
        self.stay.append(stay)
        self.minute.append(np.broadcast_to(minute, count))
        self.concept.append(np.full(count, concept, np.int64))
        self.code.append(np.broadcast_to(np.asarray(code, dtype=np.str_), count))
        self.number.append(np.broadcast_to(np.asarray(number, np.float64), count))
        self.unit.append(np.full(count, unit, np.int64))


@dataclass(frozen=True, slots=True)
class _Stays:
    """What is true of stays. Minutes since 1970; `vte` is the minute of a thrombosis in hospital, else -1."""

    begin: Ints
    end: Ints
    age: Ints
    woman: Flags
    traits: Mapping[str, Flags]
    chemotherapy: Flags
    operation: Ints
    bed: Ints
    line: Flags
    intensive: Flags
    family: Flags
    bmi: npt.NDArray[np.float64]

    @property
    def surgical(self) -> Flags:
        return self.operation > PLAIN


def draw(seed: int, site: int, stays: int, year: int = 2024) -> Ward:
    """The stays that end in a year at one hospital; the same for the same seed and hospital."""
    rng = np.random.default_rng([seed, STREAM, site])
    true = _stays(rng, stays, year)
    padua, caprini = _padua(true), _caprini(true)
    high = np.where(true.surgical, caprini >= 5, padua >= 4)
    raised = np.where(true.surgical, caprini >= 3, padua >= 4)
    drug = rng.random(stays) < np.where(high, 0.55, np.where(raised, 0.25, 0.03))
    mechanical = rng.random(stays) < np.where(raised, 0.30, 0.02)
    chance = 0.002 + 0.0035 * np.where(true.surgical, caprini, padua * 1.3)
    chance = chance * np.where(drug, 0.4, 1.0) * np.where(mechanical, 0.7, 1.0)
    long = true.end - true.begin > 3 * MINUTES
    late = (true.begin + (1.5 + rng.random(stays)) * MINUTES).astype(np.int64)
    vte = np.where((rng.random(stays) < chance) & long, late, -1)
    rows = {name: _Rows() for name in SHAPES}
    _record_care(rng, rows, true)
    _record_prevention(rng, rows, true, drug, mechanical)
    assessed = _record_assessments(rng, rows, true, padua, caprini)
    _record_events(rng, rows, true, vte)
    start = site * stays
    tables = {name: _table(name, one, start, stays) for name, one in rows.items()}
    tables |= _people(true, start)
    truth = _truth(start, true, {
        "padua": padua, "caprini": caprini, "raised": raised, "high": high, "drug": drug, "mechanical": mechanical,
        "vte": vte >= 0, "assessed_in_time": assessed,
    })  # fmt: skip
    return Ward(tables, truth)


def _stays(rng: np.random.Generator, count: int, year: int) -> _Stays:
    end = (day_number(year, 1, 1) + rng.random(count) * 365) * MINUTES
    length = np.clip(rng.lognormal(np.log(6), 0.7, count), 0.6, 60) * MINUTES
    age = np.clip(rng.normal(58, 18, count), 18, 99).astype(np.int64)
    older = 0.4 + 1.2 * (age - 18) / 60
    traits = {name: rng.random(count) < chance * older for name, (chance, *_) in TRAITS.items()}
    operation = rng.choice(len(OPERATIONS), count, p=[share for _, share in OPERATIONS])
    weak = 0.06 + 0.20 * (traits["stroke"] | traits["respiratory_failure"]) + 0.004 * np.maximum(age - 60, 0)
    in_bed = rng.random(count) < weak
    return _Stays(
        begin=(end - length).astype(np.int64), end=end.astype(np.int64), age=age, woman=rng.random(count) < 0.48,
        traits=traits, chemotherapy=traits["cancer"] & (rng.random(count) < 0.4), operation=operation,
        bed=np.where(in_bed, np.minimum(4 + rng.poisson(3, count), (length // MINUTES + 1).astype(np.int64)), 0),
        line=rng.random(count) < 0.05 + 0.15 * (operation == OPEN),
        intensive=rng.random(count) < 0.03, family=rng.random(count) < 0.01,
        bmi=np.round(np.clip(rng.normal(24, 3.6, count), 14, 48), 1),
    )  # fmt: skip


def _padua(true: _Stays) -> Ints:
    have = true.traits
    return np.asarray(
        3 * true.chemotherapy + 3 * have["previous_vte"] + 3 * (true.bed >= 3) + 3 * have["thrombophilia"]
        + 2 * (true.operation > PLAIN) + (true.age >= 70) + (have["heart_failure"] | have["respiratory_failure"])
        + (have["infarction"] | have["stroke"]) + (have["infection"] | have["pneumonia"] | have["rheumatic"])
        + (true.bmi >= 30), dtype=np.int64,
    )  # fmt: skip


def _caprini(true: _Stays) -> Ints:
    bands = np.searchsorted([41, 61, 75], true.age, side="right")
    points = bands + (true.bmi > 25) + 2 * true.line + 2 * (true.bed > 3) + 3 * true.family
    for name, (_, _, _, count) in TRAITS.items():
        points = points + count * true.traits[name]
    return np.asarray(points + np.array([0, 1, 2, 2, 5])[true.operation], dtype=np.int64)


def _some(rng: np.random.Generator, flags: Flags, share: float) -> Ints:
    """Places where a flag is set, of which a share is recorded."""
    return np.flatnonzero(flags & (rng.random(len(flags)) < share))


def _record_care(rng: np.random.Generator, rows: Mapping[str, _Rows], true: _Stays) -> None:
    """Diagnoses, operations, lines, tests, and whether somebody walks; some of it is left out."""
    everybody = np.ones(len(true.begin), dtype=np.bool_)
    for name, (_, code, _, _) in TRAITS.items():
        seen = _some(rng, true.traits[name], 0.97)
        early = 400 * MINUTES if name == "previous_vte" else -60
        rows["condition_occurrence"].add(seen, true.begin[seen] - early, code=code)
    rest = _some(rng, everybody, 0.98)
    rows["condition_occurrence"].add(rest, true.begin[rest] + 60, code="R53.x00")
    cured = _some(rng, true.chemotherapy, 0.97)
    rows["procedure_occurrence"].add(cured, true.begin[cured] - 40 * MINUTES, code="99.2500")
    for kind, (code, _) in enumerate(OPERATIONS):
        done = _some(rng, true.operation == kind, 0.99) if code else np.empty(0, np.int64)
        rows["procedure_occurrence"].add(done, true.begin[done] + 10 * 60, code=code)
    lines = _some(rng, true.line, 0.95)
    rows["procedure_occurrence"].add(lines, true.begin[lines] + 9 * 60, code="38.9300")
    moved = _some(rng, true.intensive, 0.98)
    rows["visit_detail"].add(moved, true.begin[moved] + 6 * 60, concept=INTENSIVE)
    values = {"bmi": true.bmi, "platelets": np.clip(rng.normal(215, 60, len(everybody)), 20, 600),
              "creatinine": np.clip(rng.normal(76, 22, len(everybody)), 30, 500)}  # fmt: skip
    for name, (concept, unit) in LABS.items():
        had = _some(rng, everybody, 0.85 if name == "bmi" else 0.95)
        rows["measurement"].add(
            had, true.begin[had] + 120, concept=concept, number=values[name][had].round(1), unit=unit
        )
    told = rng.random(len(everybody)) < 0.90
    walks = np.flatnonzero(told & (true.bed == 0))
    rows["observation"].add(walks, true.begin[walks] + 180, concept=WALKS)
    for day in range(int(true.bed.max(initial=0))):
        lying = np.flatnonzero(told & (true.bed > day))
        rows["observation"].add(lying, true.begin[lying] + 60 + day * MINUTES, concept=BED)
    known = _some(rng, true.family, 0.6)
    rows["observation"].add(known, true.begin[known] + 90, concept=FAMILY)


def _record_prevention(
    rng: np.random.Generator, rows: Mapping[str, _Rows], true: _Stays, drug: Flags, mechanical: Flags
) -> None:
    given = _some(rng, drug, 0.99)
    rows["drug_exposure"].add(given, true.begin[given] + 16 * 60, concept=HEPARIN, code="heparin")
    used = _some(rng, mechanical, 0.95)
    rows["device_exposure"].add(used, true.begin[used] + 16 * 60, concept=COMPRESSION)


def _record_assessments(
    rng: np.random.Generator, rows: Mapping[str, _Rows], true: _Stays, padua: Ints, caprini: Ints
) -> Flags:
    """Assessments by staff: not of all, late, and wrong by a few points. Whether one was within 24 h."""
    count, care = len(padua), rng.uniform(0.4, 0.98)
    made = rng.random(count) < care
    hours = np.minimum(rng.lognormal(np.log(8), 0.9, count), (true.end - true.begin) / 60 - 0.1)
    points = np.maximum(
        np.where(true.surgical, caprini, padua) + rng.integers(-2, 2, count) * (rng.random(count) < 0.2), 0
    )
    minute = true.begin + (hours * 60).astype(np.int64)
    for concept, mine in ((PADUA, ~true.surgical), (CAPRINI, true.surgical)):
        stay = np.flatnonzero(made & mine)
        rows["measurement"].add(stay, minute[stay], concept=concept, number=points[stay])
    bleeding = np.flatnonzero(made & (rng.random(count) < 0.8))
    rows["observation"].add(bleeding, minute[bleeding], concept=BLEEDING, number=0.0)
    return np.asarray(made & (minute <= true.begin + MINUTES))


def _record_events(rng: np.random.Generator, rows: Mapping[str, _Rows], true: _Stays, vte: Ints) -> None:
    """Thrombosis in hospital, there on admission, and suspicions that stayed among the diagnoses."""
    count = len(vte)
    seen = _some(rng, vte >= 0, 0.95)
    rows["condition_occurrence"].add(seen, vte[seen], code=rng.choice(["I26.900", "I80.200"], len(seen)))
    brought = _some(rng, rng.random(count) < 0.01, 1.0)
    rows["condition_occurrence"].add(brought, true.begin[brought] + 30, code="I80.200")
    long = true.end - true.begin > 3 * MINUTES
    wrong = _some(rng, (rng.random(count) < 0.002) & long & (vte < 0), 1.0)
    rows["condition_occurrence"].add(wrong, true.begin[wrong] + 2 * MINUTES, code="I82.900")


SHAPES: Mapping[str, tuple[str, str]] = {
    "condition_occurrence": ("condition", "condition_start"), "procedure_occurrence": ("procedure", "procedure"),
    "drug_exposure": ("drug", "drug_exposure_start"), "device_exposure": ("device", "device_exposure_start"),
    "measurement": ("measurement", "measurement"), "observation": ("observation", "observation"),
    "visit_detail": ("visit_detail", "visit_detail_start"),
}  # fmt: skip
"""What the columns of each table begin with: what it is about, and when."""


def _times(minute: Ints) -> tuple[pa.Array, pa.Array]:
    """Days and times of minutes since 1970."""
    days = pa.array((minute // MINUTES).astype(np.int32)).cast(pa.date32())
    return days, pa.array(minute * 60_000_000).cast(pa.timestamp("us"))


def _table(name: str, rows: _Rows, start: int, stays: int) -> pa.Table:
    what, when = SHAPES[name]
    stay = np.concatenate([np.empty(0, np.int64), *rows.stay])
    minute, concept, unit = (np.concatenate([np.empty(0, np.int64), *one]) for one in (rows.minute, rows.concept,
                             rows.unit))  # fmt: skip
    days, times = _times(minute)
    columns = {
        f"{name}_id": start * ROOM + 1 + np.arange(len(stay)), "person_id": start + stay + 1,
        f"{what}_concept_id": concept, f"{when}_date": days, f"{when}_datetime": times,
        f"{what}_source_value": np.concatenate([np.empty(0, np.str_), *rows.code]),
        "visit_occurrence_id": start + stay + 1,
    }  # fmt: skip
    assert len(stay) <= stays * ROOM
    if name in ("measurement", "observation"):
        number = np.concatenate([np.empty(0), *rows.number])
        columns |= {"value_as_number": pa.array(number, from_pandas=True), "unit_concept_id": unit}
    return pa.table(columns)


def _people(true: _Stays, start: int) -> dict[str, pa.Table]:
    number = start + 1 + np.arange(len(true.begin))
    began, ended = _times(true.begin), _times(true.end)
    first = np.array([day_number(int(one), 1, 1) for one in range(1970, 2101)])
    year = np.searchsorted(first, true.begin // MINUTES, side="right") + 1969
    ones = np.ones(len(number), np.int64)
    return {
        "person": pa.table({
            "person_id": number, "gender_concept_id": np.where(true.woman, 8532, 8507),
            "year_of_birth": (year - true.age).astype(np.int32), "month_of_birth": ones.astype(np.int32),
            "day_of_birth": ones.astype(np.int32),
        }),
        "visit_occurrence": pa.table({
            "visit_occurrence_id": number, "person_id": number, "visit_concept_id": ones * INPATIENT,
            "visit_start_date": began[0], "visit_start_datetime": began[1], "visit_end_date": ended[0],
            "visit_end_datetime": ended[1],
        }),
    }  # fmt: skip


def _truth(start: int, true: _Stays, told: Mapping[str, npt.NDArray[np.generic]]) -> pa.Table:
    """One row a stay: visit_occurrence_id, minutes of the stay, whether operated on, and what is given."""
    columns: dict[str, Sequence[object] | npt.NDArray[np.generic]] = {
        "visit_occurrence_id": start + 1 + np.arange(len(true.begin)), "minutes": true.end - true.begin,
        "surgical": true.surgical, **told,
    }  # fmt: skip
    return pa.table(columns)
