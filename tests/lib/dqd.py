"""The check set of the OHDSI Data Quality Dashboard as its own files say it, in the form of `checks.csv`.

Facts only: which check runs on what, with which limit and threshold. Two that the files do not hold are in the
dashboard's statements: the source value that stands beside a concept, and the sex that a word means.
"""

import csv
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

VERSIONS = ("5.3", "5.4")
CONDITION = re.compile(r"(\w+)\s*(==|!=)\s*'(.*)'")
SEX = {"Male": "8507", "Female": "8532"}
# The concept columns whose emptiness counts where the source value is there, by the stem of their name.
STEMS = (
    "unit", "admitted_from", "discharged_to", "discharge_to", "condition_status", "route", "modifier", "qualifier",
    "cause", "anatomic_site", "disease_status", "country", "place_of_service", "specialty", "payer", "plan", "sponsor",
    "stop_reason",
)  # fmt: skip
BESIDE = {f"{stem}_concept_id": f"{stem}_source_value" for stem in STEMS} | {
    "admitting_source_concept_id": "admitting_source_value"
}
ALSO_SOURCE = ("unit", "cause", "specialty", "payer", "plan", "sponsor", "stop_reason")
BESIDE |= {f"{stem}_source_concept_id": f"{stem}_source_value" for stem in ALSO_SOURCE}
OF_PROVIDERS = {"gender_concept_id": "gender_source_value", "gender_source_concept_id": "gender_source_value"}

Row = dict[str, str]
COLUMNS = ("check", "table", "field", "concept", "value", "threshold", "versions")


def rows(folder: Path) -> list[Row]:
    """The rows of `checks.csv` as the dashboard's csv files in a folder give them."""
    known: dict[tuple[str, ...], list[str]] = {}
    for version in VERSIONS:
        for found in _of_version(folder, version):
            known.setdefault(tuple(found.values()), []).append(version)
    return [dict(zip(COLUMNS, (*key, " ".join(versions)), strict=True)) for key, versions in known.items()]


def _of_version(folder: Path, version: str) -> Iterator[Row]:
    levels = {level: _read(folder / f"OMOP_CDMv{version}_{level}_Level.csv") for level in ("Table", "Field", "Concept")}
    for check in _read(folder / f"OMOP_CDMv{version}_Check_Descriptions.csv"):
        conditions = [CONDITION.match(one.strip()) for one in check["evaluationFilter"].split("&")]
        for row in levels[check["checkLevel"].title()]:
            if all(one is not None and _holds(one, row[one[1]]) for one in conditions):
                name = check["checkName"]
                yield {
                    "check": name, "table": row["cdmTableName"].lower(), "field": row.get("cdmFieldName", "").lower(),
                    "concept": row.get("conceptId", "").replace(" ", ""), "value": _value(name, row),
                    "threshold": row.get(f"{name}Threshold", "").strip(),
                }  # fmt: skip


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _holds(condition: "re.Match[str]", value: str) -> bool:
    return (value.strip() == condition[3]) == (condition[2] == "==")


def _value(check: str, row: Mapping[str, str]) -> str:
    table, field = row["cdmTableName"].lower(), row.get("cdmFieldName", "").lower()
    match check:
        case "isForeignKey":
            return f"{row['fkTableName']}.{row['fkFieldName']}".lower()
        case "fkDomain" | "fkClass":
            return row[check]
        case "standardConceptRecordCompleteness" | "sourceConceptRecordCompleteness":
            own = BESIDE | OF_PROVIDERS if table == "provider" else BESIDE
            return "" if (table, field.split("_")[0]) == ("dose_era", "unit") else own.get(field, "")
        case "sourceValueCompleteness":
            return row["standardConceptFieldName"].lower()
        case "plausibleValueLow" | "plausibleValueHigh":
            return _limit(row[check])
        case "plausibleTemporalAfter":
            return f"{row[check + 'TableName']}.{row[check + 'FieldName']}".lower()
        case "plausibleStartBeforeEnd":
            return row[check + "FieldName"].lower()
        case "plausibleGender" | "plausibleGenderUseDescendants":
            return SEX[row[check]]
        case "plausibleUnitConceptIds":
            return row[check].replace(",", " ")
    return ""


def _limit(written: str) -> str:
    """A number, a day, or a limit that moves with the day of the check."""
    known = {"DATEADD(dd,1,GETDATE())": "today+1", "YEAR(GETDATE())+1": "year+1"}
    if written in known:
        return known[written]
    day = re.fullmatch(r"'(\d{4})(\d\d)(\d\d)'", written)
    return "-".join(day.groups()) if day else written
