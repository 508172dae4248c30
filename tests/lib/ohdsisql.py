"""A small renderer of OHDSI-SQL, as far as the analyses of Achilles need it, so that they run on DuckDB as they are.

It keeps what SQL Server means: whole numbers divide to whole numbers, FLOAT has 64 bits, nulls sort first.
"""

import re
from collections.abc import Iterator, Mapping

import duckdb

CHOICE = re.compile(r"\{(?P<told>@\w+ in \([^{}]*\))\}\s*\?\s*\{(?P<yes>[^{}]*)\}(?:\s*:\s*\{(?P<no>[^{}]*)\})?")
INTO = re.compile(r"\bINTO\s+(\S+)", re.IGNORECASE)
FUNCTIONS = (
    (r"\bCOUNT_BIG\b", "COUNT"),
    (r"\bISNULL\b", "COALESCE"),
    (r"\bDATEFROMPARTS\b", "make_date"),
    (r"\bEOMONTH\b", "last_day"),
    (r"\bSTDEV\b", "stddev_samp"),
    (r"\bGETDATE\(\)", "current_date"),
    (r"\bDATEDIFF\s*\(\s*dd\s*,", "date_diff('day',"),
    (r"\bAS FLOAT\b", "AS DOUBLE"),
    (r"\bFLOOR\b", ""),
    (r"/\s*(10|30)\b", r"// \1"),
    (r"#(\w+)", r"t_\1"),
)


def statements(text: str, parameters: Mapping[str, str]) -> Iterator[str]:
    """The statements of one analysis; a `SELECT … INTO` makes a temporary table."""
    text = re.sub(r"--[^\n]*", "", text)
    while CHOICE.search(text):
        text = CHOICE.sub(lambda found: _chosen(found, parameters), text)
    for name, value in sorted(parameters.items(), key=lambda one: -len(one[0])):
        text = re.sub(f"@{name}", value, text, flags=re.IGNORECASE)
    for pattern, meant in FUNCTIONS:
        text = re.sub(pattern, meant, text, flags=re.IGNORECASE)
    for one in (piece.strip() for piece in text.split(";")):
        if not one or re.match(r"(truncate|drop)\s", one, re.IGNORECASE):
            continue
        into = INTO.search(one)
        yield f"CREATE OR REPLACE TEMP TABLE {into[1]} AS {INTO.sub('', one)}" if into else one


def run(
    connection: duckdb.DuckDBPyConnection, text: str, analysis: int, *, version: str
) -> tuple[str | None, str | None]:
    """Run an analysis over the tables of schema `main`; the names of its tables of counts and of distributions."""
    connection.execute("SET default_null_order = 'nulls_first'")
    told = {
        "cdmDatabaseSchema": "main", "scratchDatabaseSchema": "", "schemaDelim": "", "tempAchillesPrefix": "ach",
        "cdmVersion": version, "source_name": "CDM", "achilles_version": "1.7.2",
    }  # fmt: skip
    made = set()
    for statement in statements(text, told):
        connection.execute(statement)
        if (found := re.match(r"CREATE OR REPLACE TEMP TABLE (\S+)", statement)) is not None:
            made.add(found[1].lower())
    names = (f"ach_{analysis}", f"ach_dist_{analysis}")
    return (names[0] if names[0] in made else None, names[1] if names[1] in made else None)


def _chosen(found: re.Match[str], parameters: Mapping[str, str]) -> str:
    name, listed = re.fullmatch(r"@(\w+) in \(([^)]*)\)", found["told"]).groups()  # type: ignore[union-attr]
    is_so = parameters[name] in re.findall(r"'([^']*)'", listed)
    return found["yes"] if is_so else found["no"] or ""
