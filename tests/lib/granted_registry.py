"""A small registry of patients who are not invented, and a grant that holds them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq

from isthmus.flow.workspace import Workspace
from lib import cdm, granted
from lib import registries as lib
from lib.command import run
from lib.granted import House
from lib.registries import ALBUMIN, GRAM_PER_LITRE, item, measured

PEOPLE = (1, 2, 3)
SITE = "cdm"
BELOW = [item("albumin", "number", f"measurement {ALBUMIN}", unit="g/L") | {"zh": "白蛋白"}]
ALL = dict.fromkeys(("person", "observation_period", "condition_occurrence", "measurement", "visit_occurrence"), "all")
USUAL = {
    "race_concept_id": 0, "ethnicity_concept_id": 0, "period_type_concept_id": 32817,
    "condition_type_concept_id": 32817, "concept_name": "unit", "domain_id": "Unit", "vocabulary_id": "Own",
    "concept_class_id": "Own", "valid_start_date": "1970-01-01", "valid_end_date": "2099-12-31",
}  # fmt: skip


def made(folder: Path, enrolment: str = "") -> House:
    """Three persons with cancer who are not invented, of two of whom albumin was measured; the pack is `tiny`."""
    rows = [measured(one, ALBUMIN, "2020-03-01", 30.0 + one, GRAM_PER_LITRE, measurement_id=one) for one in (1, 2)]
    return house(folder, lib.tables(PEOPLE, measurement=rows), enrolment)


def house(
    folder: Path, data: Mapping[str, lib.Rows], enrolment: str = "", tables: Mapping[str, object] = ALL
) -> House:  # fmt: skip
    """A workspace with these rows of a CDM at one site, and a grant that holds tables of them."""
    (folder / "cdm").mkdir()
    for name, table in data.items():
        whole = [USUAL | {"concept_code": str(row.get("concept_id"))} | row for row in table]
        pq.write_table(cdm.table(name, whole), folder / "cdm" / f"{name}.parquet")
    lib.write(folder / "tiny", {"laboratory": BELOW}, **({"enrolment_yaml": enrolment} if enrolment else {}))
    assert run("init", folder / "ws").code == 0
    assert run("attach", folder / "ws", folder / "cdm", "--name", SITE).code in (0, 6)
    opened = Workspace(folder / "ws")
    opened.keep_site(replace(opened.site(SITE), conditions={"codes": ["HMB"]}))
    found = granted.staffed(opened, SITE)
    return granted.decided(granted.applied(found, folder, sites=[SITE], tables=dict(tables), grade=4))
