"""A unit that the dashboard's list lacks is no finding where laboratories write it; one of another kind is."""

from pathlib import Path

import pytest

from isthmus.flow.failing import failures
from isthmus.flow.findings.unlisted import without_unlisted
from isthmus.flow.invented import SITE, invented
from isthmus.flow.quality import quality

MAGNESIUM, MMOL_L, MG_DL, KILOGRAM = 3001420, 8753, 8840, 9529
CHECK = f"concept_plausibleunitconceptids_measurement_measurement_concept_id_{MAGNESIUM}"


@pytest.mark.parametrize(("unit", "told"), [(MMOL_L, False), (MG_DL, False), (KILOGRAM, True)])
def test_what_the_list_lacks_is_told_where_no_laboratory_writes_it(tmp_path: Path, unit: int, told: bool) -> None:
    rows = [
        {"measurement_id": number, "person_id": 1, "measurement_concept_id": MAGNESIUM, "value_as_number": 0.9,
         "measurement_date": "2024-03-01", "unit_concept_id": unit}
        for number in range(20)
    ]  # fmt: skip
    person = {"person_id": 1, "gender_concept_id": 8507, "year_of_birth": 1960}
    opened = invented(tmp_path / "ws", {"person": [person], "measurement": rows})
    found = quality(opened, site=SITE)
    failed = failures(found, None)
    assert (CHECK in {one.check_id for one in failed}) == (unit != MG_DL)  # the dashboard's verdict stays
    left = without_unlisted(opened, found, failed)
    assert (CHECK in {one.check_id for one in left}) == told
    assert {one.check_id for one in failed} - {CHECK} == {one.check_id for one in left} - {CHECK}
