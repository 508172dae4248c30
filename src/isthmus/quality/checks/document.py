"""Results in the JSON form of the OHDSI Data Quality Dashboard, so that its viewer and what builds on it can read them.

R writes every single value as a list of one, and leaves out what is not known; so does this.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from isthmus.quality.checks.catalogue import DQD_VERSION, RULE
from isthmus.quality.checks.verdict import Result

CATEGORIES = ("Plausibility", "Conformance", "Completeness")


def document(
    results: Sequence[Result], metadata: Mapping[str, Any], *, started: datetime, ended: datetime
) -> dict[str, Any]:
    """The whole file, without our own checks. `metadata` is the row of `cdm_source`, named as in R: `cdmSourceName`."""
    results = [one for one in results if one.check.type.level != RULE]
    took = (ended - started).total_seconds()
    return {
        "startTimestamp": [f"{started:%Y-%m-%d %H:%M:%S}"],
        "endTimestamp": [f"{ended:%Y-%m-%d %H:%M:%S}"],
        "executionTime": [f"{took:.0f} secs"],
        "executionTimeSeconds": [round(took, 3)],
        "CheckResults": [_row(one) for one in results],
        "Metadata": [{**metadata, "dqdVersion": DQD_VERSION}],
        "Overview": {name: [count] for name, count in overview(results).items()},
    }


def overview(results: Sequence[Result]) -> dict[str, float]:
    """Counts over all results, as the dashboard's `Overview` has them: what did not fail counts as passed."""
    failed = [one for one in results if one.status == "failed"]
    passed = len(results) - len(failed)
    counts: dict[str, float] = {
        "countTotal": len(results),
        "countPassed": passed,
        "countErrorFailed": sum(one.status == "error" for one in results),
        "countThresholdFailed": len(failed),
        "countOverallFailed": len(failed),
        "percentPassed": _percent(passed, len(results)),
        "percentFailed": _percent(len(failed), len(results)),
    }
    for verb, status in (("Total", None), ("Failed", "failed"), ("Passed", "passed")):
        for category in CATEGORIES:
            counts[f"count{verb}{category}"] = sum(
                one.check.type.category == category and status in (None, one.status) for one in results
            )
    return counts


def _percent(some: int, total: int) -> float:
    return round(100 * some / total, 2) if total else 0.0


def _row(result: Result) -> dict[str, Any]:
    check = result.check
    counts = result.counts
    row = {
        "numViolatedRows": counts.violated if counts else None,
        "pctViolatedRows": result.share if counts else None,
        "numDenominatorRows": counts.of if counts else None,
        "executionTime": "0 secs",  # checks are not run one by one
        "queryText": "",
        "checkName": check.type.name,
        "checkLevel": check.type.level,
        "checkDescription": check.sentence,
        "cdmTableName": check.table.upper(),
        "cdmFieldName": check.field.upper() or None,
        "conceptId": ",".join(map(str, check.concepts)) or None,
        "sqlFile": check.type.sql_file,
        "category": check.type.category,
        "subcategory": check.type.subcategory or None,
        "context": check.type.context,
        "error": result.reason if result.status == "error" else None,
        "checkId": check.check_id,
        "failed": int(result.status == "failed"),
        "passed": int(result.status == "passed"),
        "isError": int(result.status == "error"),
        "notApplicable": int(result.status == "not applicable"),
        "notApplicableReason": result.reason if result.status == "not applicable" else None,
        "thresholdValue": check.threshold,
    }
    return {name: value for name, value in row.items() if value is not None}
