"""Rows of the CDM for patients in hospital, written in few words: who, what, when."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import isthmus.apps.vte
from isthmus.apps.contract.trial import Trial

FOLDER = Path(isthmus.apps.vte.__file__).parent
BEGAN = datetime.fromisoformat("2024-03-04T09:00")
"""When everybody was admitted, if nothing else is said."""
STEMS = {
    "condition_occurrence": ("condition", "condition_start"), "procedure_occurrence": ("procedure", "procedure"),
    "drug_exposure": ("drug", "drug_exposure_start"), "device_exposure": ("device", "device_exposure_start"),
    "measurement": ("measurement", "measurement"), "observation": ("observation", "observation"),
    "visit_detail": ("visit_detail", "visit_detail_start"),
}  # fmt: skip
UNITS = {"10*9/L": 9444, "umol/L": 8749, "g/L": 8636, "kg/m2": 9531, "mm[Hg]": 8876}
LABS = {"platelets": (3024929, "10*9/L"), "creatinine": (3016723, "umol/L"), "bmi": (3038553, "kg/m2"),
        "systolic": (3004249, "mm[Hg]"), "haemoglobin": (3000963, "g/L")}  # fmt: skip
PADUA, CAPRINI, BLEEDING, BED, WALKS, FAMILY = (2000001800 + number for number in (1, 2, 3, 5, 6, 12))
NORMAL = {"platelets": 200.0, "creatinine": 70.0, "bmi": 22.0, "systolic": 125.0, "haemoglobin": 140.0}
Rows = dict[str, list[dict[str, Any]]]


class Ward:
    """Rows that grow as things happen to patients."""

    def __init__(self, site: str = "invented") -> None:
        self.site = site
        self.tables: Rows = {}

    def admit(
        self, person: int, age: int, sex: str = "male", *, days: float = 8, began: datetime = BEGAN, site: str = ""
    ) -> "Ward":
        """A patient of so many years who is admitted, and leaves after some days; number of patient and stay alike."""
        where = {"site": site or self.site}
        born = began.year - age
        gender = 8507 if sex == "male" else 8532
        self._add("person", {"person_id": person, "gender_concept_id": gender, "year_of_birth": born,
                             "month_of_birth": 1, "day_of_birth": 1, **where})  # fmt: skip
        ended = began + timedelta(days=days)
        self._add("visit_occurrence", {
            "visit_occurrence_id": person, "person_id": person, "visit_concept_id": 9201,
            "visit_start_date": began.date(), "visit_start_datetime": began, "visit_end_date": ended.date(),
            "visit_end_datetime": ended, **where,
        })  # fmt: skip
        return self

    def row(
        self, table: str, person: int, *, concept: int = 0, code: str = "", hours: float = 1, began: datetime = BEGAN,
        number: float | None = None, unit: str = "", site: str = "",
    ) -> "Ward":  # fmt: skip
        """A row of an event, some hours after admission (before it: negative)."""
        what, when = STEMS[table]
        moment = began + timedelta(hours=hours)
        row: dict[str, Any] = {
            f"{table}_id": sum(map(len, self.tables.values())) + 1, "person_id": person, f"{what}_concept_id": concept,
            f"{what}_source_value": code, f"{when}_date": moment.date(), f"{when}_datetime": moment,
            "site": site or self.site,
        }  # fmt: skip
        if number is not None:
            row |= {"value_as_number": number, "unit_concept_id": UNITS.get(unit, 0)}
        return self._add(table, row)

    def ill(self, person: int, *codes: str, hours: float = 1) -> "Ward":
        """Diagnoses."""
        for code in codes:
            self.row("condition_occurrence", person, code=code, hours=hours)
        return self

    def done(self, person: int, *codes: str, hours: float = 20) -> "Ward":
        """Procedures."""
        for code in codes:
            self.row("procedure_occurrence", person, code=code, hours=hours)
        return self

    def found(self, person: int, **values: float) -> "Ward":
        """Measurements by name of LABS; those that are not named are normal."""
        for name, value in {**NORMAL, **values}.items():
            concept, unit = LABS[name]
            self.row("measurement", person, concept=concept, number=value, unit=unit, hours=2)
        return self

    def in_bed(self, person: int, days: int) -> "Ward":
        """Confined to bed from admission, for so many days."""
        for day in range(days):
            self.row("observation", person, concept=BED, hours=24 * day + 1)
        return self

    def walks(self, person: int) -> "Ward":
        """Out of bed."""
        return self.row("observation", person, concept=WALKS, hours=3)

    def assessed(self, person: int, concept: int, points: float, hours: float) -> "Ward":
        """An assessment that somebody recorded."""
        table = "observation" if concept == BLEEDING else "measurement"
        return self.row(table, person, concept=concept, number=points, hours=hours)

    def delivers(self, *tables: str) -> "Ward":
        """The hospital delivers these tables: somebody else has a row in each."""
        self.admit(999, 30)
        for table in tables:
            self.row(table, 999)
        return self

    def trial(self, *, settings: Mapping[str, Any] | None = None, at: datetime | None = None) -> Trial:
        """The application over these rows. `at` is four days after admission, if nothing else is said."""
        when = at or BEGAN + timedelta(days=4)
        return Trial(FOLDER, self.tables, package="isthmus.apps.vte", settings=settings, site=self.site, at=when)

    def _add(self, table: str, row: dict[str, Any]) -> "Ward":
        self.tables.setdefault(table, []).append(row)
        return self


ALL: Sequence[str] = ("procedure_occurrence", "drug_exposure", "device_exposure", "visit_detail", "measurement",
                      "observation")  # fmt: skip
"""What a hospital delivers that delivers everything."""
