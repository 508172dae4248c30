"""Which domains of the vocabulary a concept column takes (`columns.csv`)."""

import csv
from functools import cache
from importlib.resources import files
from io import StringIO


@cache
def domains() -> dict[str, tuple[str, ...]]:
    """By column; a column that is not here takes any domain."""
    text = (files("isthmus.mapping.candidates") / "columns.csv").read_text(encoding="utf-8")
    return {row["column"]: tuple(row["domains"].split("|")) for row in csv.DictReader(StringIO(text))}


def fits(column: str, domain: str) -> bool:
    """Whether a concept of this domain may stand in this column."""
    wanted = domains().get(column, ())
    return not wanted or domain in wanted
