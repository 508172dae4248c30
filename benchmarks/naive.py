"""One plain statement for every check: what a tool that asks one check at a time sends to the engine.

The form is that of the OHDSI Data Quality Dashboard (rows violated in one sub-query, rows looked at in another),
written here anew for DuckDB, in naive.yaml. It is the peer of the benchmark, and the yardstick of the tests; it shares
no SQL with what it judges, only the list of checks.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import yaml

from isthmus.quality.checks.catalogue import Check

FORM = "SELECT v.n AS violated, d.n AS of FROM (SELECT count(*) AS n FROM ({violated})) v, (SELECT ({of}) AS n) d"


def statement(check: Check, day: date) -> str:
    """The one statement of a check: rows violated, rows looked at. `day` is today."""
    target, other = check.target
    special = f"{check.type.name} of {target}"
    form = _forms().get(special) or _forms()[check.type.name]
    dated = check.value == "today+1" or check.value.count("-") == 2
    named = {
        "table": check.table, "field": check.field, "value": check.value, "target": target, "other": other,
        "concepts": ", ".join(map(str, check.concepts)), "units": check.value.replace(" ", ", "),
        "beside": f't."{other}"' if other else "NULL",
        "bounded": f'CAST(t."{check.field}" AS DATE)' if dated else f't."{check.field}"',
        "bound": _bound(check.value, day, dated),
    }  # fmt: skip
    return FORM.format(violated=form["violated"].format(**named), of=form["of"].format(**named))


@cache
def _forms() -> Mapping[str, Mapping[str, str]]:
    forms: Mapping[str, Mapping[str, str]] = yaml.safe_load(
        Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8")
    )
    return forms


def _bound(value: str, day: date, dated: bool) -> str:
    if value == "year+1":
        return str(day.year + 1)
    return f"DATE '{day + timedelta(days=1) if value == 'today+1' else value}'" if dated else value
