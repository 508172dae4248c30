"""What `isthmus cohorts` prints and writes beside the counts: incidence, overlap, description of cohorts."""

from collections.abc import Sequence
from typing import Any

from isthmus.research.incidence.rates import Incidence
from isthmus.serving.cli.output import table

RATES = (
    "target", "outcome", "at risk", "who", "persons", "days", "with outcome", "outcomes", "per 100 persons",
    "per 100 years", "95 %",
)  # fmt: skip


def show_incidence(found: Incidence) -> None:
    """Persons at risk, cases and rates as a table for people."""
    table(found.design.title or "Incidence", RATES, [_rate(row) for row in found.table.to_pylist()])


def _rate(row: dict[str, Any]) -> Sequence[object]:
    who = [
        row["subgroup"], row["age_group"], None if row["sex"] is None else f"sex {row['sex']}",
        None if row["year"] is None else str(row["year"]),
    ]  # fmt: skip
    interval = "" if row["rate"] is None else f"{row['rate_low']:.2f} to {row['rate_high']:.2f}"
    return (
        row["target"], row["outcome"], row["at_risk"], ", ".join(one for one in who if one) or "all", row["persons"],
        row["days"], row["persons_with"], row["outcomes"], _number(row["proportion"]), _number(row["rate"]), interval,
    )  # fmt: skip


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
