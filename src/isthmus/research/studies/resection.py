"""Liver cancer, as the demo shows it: survival by stage, and resection against chemoembolisation (TACE).

Everything is read through a session from the mapped OMOP rows; nothing is taken from the simulation but the truth that
the result is compared with, elsewhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from isthmus.cdm.questions import death, measurement, observation, observation_period, person, procedure_occurrence
from isthmus.cdm.starter import BY_TEXT
from isthmus.gate.session import Session
from isthmus.research.methods.survival import Curve, Hazards, cox, kaplan_meier

STAGE = 2000001101  # BCLC, in `observation`
STAGES: Mapping[int, str] = {
    2000001121: "0", 2000001122: "A", 2000001123: "B", 2000001124: "C", 2000001125: "D",
}  # fmt: skip
RESECTION = (4312613, 4322818, 46270641)
TACE = (2000001401,)
POINTS = 2000001103  # Child-Pugh, in `measurement`
AFP = 2000001001
AFP_UNIT_NG = 8842  # ng/mL
AFP_NG_PER_IU = 1.21  # first WHO international reference preparation
COVARIATES = ("resection", "bclc_b", "child_pugh", "log_afp", "age")
LEAST_DEATHS = 10  # below this, a hazard ratio is noise


@dataclass(frozen=True, slots=True)
class Effect:
    """The hazard ratio of death, resection against TACE in BCLC A and B: as it looks, and after adjustment."""

    naive: tuple[float, float, float]
    adjusted: tuple[float, float, float]
    subjects: int
    deaths: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Result:
    """Survival in days from staging by BCLC stage, and the treatment effect (None when too few died)."""

    curves: Mapping[str, Curve]
    effect: Effect | None
    patients: int


def run(session: Session) -> Result:
    """Put the study's question to a session."""
    rows = session.ask(_patients())
    curves = {stage: curve for concept, stage in STAGES.items() if (curve := _curve(rows, concept)) is not None}
    return Result(curves, _effect(rows), rows.num_rows)


def _first(table: ir.Table, concept: str, concepts: Sequence[int], date: str, **keep: str) -> ir.Table:
    """The first such event of each person that was coded: its date, and the columns kept under other names."""
    kind = table[concept.replace("_concept_id", "_type_concept_id")]
    found = table.filter(table[concept].isin(concepts) & table[date].notnull() & (kind != BY_TEXT))
    order = ibis.struct({"date": found[date], "place": found["place"]})
    values = {name: found[column].argmin(order) for name, column in keep.items()}
    return found.group_by(found.person_id).aggregate(date=found[date].min(), **values)


def _patients() -> ir.Table:
    """One row per person with a stage: dates, covariates, and how it ended."""
    staged = _first(observation, "observation_concept_id", [STAGE], "observation_date", stage="value_as_concept_id")
    cut = _first(procedure_occurrence, "procedure_concept_id", RESECTION, "procedure_date")
    blocked = _first(procedure_occurrence, "procedure_concept_id", TACE, "procedure_date")
    points = _first(measurement, "measurement_concept_id", [POINTS], "measurement_date", points="value_as_number")
    afp = _first(
        measurement, "measurement_concept_id", [AFP], "measurement_date", afp="value_as_number", unit="unit_concept_id"
    )
    ended = death.group_by(death.person_id).aggregate(died=death.death_date.min())
    seen = observation_period.group_by(observation_period.person_id).aggregate(
        last=observation_period.observation_period_end_date.max()
    )
    joined = staged.rename(staged="date")
    for table, names in (
        (cut, {"cut": "date"}), (blocked, {"blocked": "date"}), (points, {"scored": "date"}), (afp, {"drawn": "date"}),
        (ended, {}), (seen, {}),
    ):  # fmt: skip
        joined = joined.left_join(table.rename(names), "person_id").drop("person_id_right")
    born = person.select(person.person_id, person.year_of_birth)
    return joined.inner_join(born, "person_id").order_by("person_id")


def _column(rows: pa.Table, name: str) -> npt.NDArray[np.float64]:
    """A column as numbers; dates as days since 1970; null as NaN."""
    column = rows.column(name)
    if pa.types.is_date(column.type):
        column = column.cast(pa.date32()).cast(pa.int32())
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _curve(rows: pa.Table, concept: int) -> Curve | None:
    begun, died, last = (_column(rows, name) for name in ("staged", "died", "last"))
    times = np.fmin(died, last) - begun
    chosen = (_column(rows, "stage") == concept) & np.isfinite(times) & (times >= 0)
    if chosen.sum() < 2:
        return None
    return kaplan_meier(times[chosen], (np.isfinite(died) & (died <= np.fmax(last, died)))[chosen])


def _effect(rows: pa.Table) -> Effect | None:
    values: dict[str, Any] = {name: _column(rows, name) for name in rows.column_names if name != "person_id"}
    cut, blocked = values["cut"], values["blocked"]
    early = np.isin(values["stage"], [concept for concept, stage in STAGES.items() if stage in "AB"])
    treated = early & (np.isfinite(cut) | np.isfinite(blocked))
    begun = np.fmin(cut, blocked)
    resected = np.isfinite(cut) & ~(blocked < cut)
    ended = np.where(np.isfinite(values["died"]), values["died"], values["last"])
    times, events = ended - begun, np.isfinite(values["died"])
    afp = np.where(values["unit"] == AFP_UNIT_NG, values["afp"], values["afp"] * AFP_NG_PER_IU)
    with np.errstate(divide="ignore", invalid="ignore"):
        covariates = np.column_stack(
            [
                resected, values["stage"] == 2000001123, values["points"], np.log(afp),
                1970 + begun / 365.25 - values["year_of_birth"],
            ]
        ).astype(np.float64)  # fmt: skip
    complete = treated & (times > 0) & np.isfinite(covariates).all(axis=1)
    if (events & complete).sum() < LEAST_DEATHS:
        return None
    naive = cox(times[complete], events[complete], covariates[complete][:, :1], COVARIATES[:1])
    adjusted: Hazards = cox(times[complete], events[complete], covariates[complete], COVARIATES)
    return Effect(
        naive.ratio("resection"), adjusted.ratio("resection"), adjusted.subjects, adjusted.deaths,
        int(treated.sum() - complete.sum()),
    )  # fmt: skip
