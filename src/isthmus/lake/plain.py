"""What statements are made of, by the tree of the engine's own parser.

Plain ones are made of known parts alone, so that they can name nothing but the tables that they are given: every part
has to stand in `plain.csv`, kinds of nodes, types of casts, functions. Functions of the list compute from their
arguments; none reads a file, a setting, a catalogue or a text as SQL. A statement that is not plain is not refused for
that: it runs among copies instead (`lake/locked.py`).

Among copies a statement may use what it likes but functions that change the engine or end the process, and tables of
the engine itself: some of its functions that make rows crash it, and some switch logs of it to files.
"""

import csv
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import duckdb

from isthmus.lake.counted import counted

WORD = re.compile(r"[a-z_][a-z0-9_]*")
OURS = "isthmus"  # what names begin with that only this project gives
TABLES = "SELECT view_name FROM duckdb_views() UNION ALL SELECT table_name FROM duckdb_tables()"
FUNCTIONS = "SELECT function_name FROM duckdb_functions()"
EMPTY = ("schema", "catalog", "schema_name", "catalog_name", "at_clause", "sample", "export_state", "columns")
"""Fields that say nothing in a plain statement."""


@dataclass(frozen=True, slots=True)
class Plain:
    """What a plain statement can mean: the tables that it reads, and names among which are all columns that it means,
    in lower case; None where it may mean columns without naming them. `counted` are those that it only counts and
    compares with themselves."""

    tables: frozenset[str]
    columns: frozenset[str] | None
    counted: frozenset[str] = frozenset()


def plain(sql: str, tables: Collection[str]) -> Plain | None:
    """What a statement can mean, if it is plain and reads no tables but these; else None."""
    nodes = _parsed(sql)
    if nodes is None or not all(_known(node) for node in nodes):
        return None
    # A name that the statement gives is meant only where it can be seen: elsewhere it must be nobody's.
    own, read = _named(nodes)
    if not all(map(_is_free, own)) or own & set(tables) or read - own - set(tables):
        return None
    columns = _columns(nodes, read)
    return Plain(frozenset(read - own), columns, frozenset() if columns is None else counted(nodes))


def is_single(sql: str) -> bool:
    """Whether a text is one SELECT."""
    return _parsed(sql) is not None


def reaching(sql: str) -> str | None:
    """The function or table by which one SELECT reaches for the engine instead of computing, if there is one."""
    for node in _parsed(sql) or ():
        name = str(node.get("function_name", "")).lower()
        if name and ("never", name) in _list():
            return name
        if node.get("type") == "TABLE_FUNCTION" and ("rows", _called(node)) not in _list():
            return _called(node) or "a function"
        if node.get("type") == "BASE_TABLE" and str(node["schema_name"]).lower() not in {"", "main"}:
            return str(node["table_name"])
        if node.get("type") == "BASE_TABLE" and str(node["table_name"]).lower() in _catalogue(TABLES):
            return str(node["table_name"])
        if node.get("type") == "SHOW_REF" and not node.get("query"):
            return "the catalogue"
    return None


def _called(node: Mapping[str, Any]) -> str:
    """The name of a function that makes rows."""
    return str((node.get("function") or {}).get("function_name", "")).lower()


def _parsed(sql: str) -> Sequence[Mapping[str, Any]] | None:
    """Every object in the tree of one SELECT; None for anything else."""
    try:
        with _empty().cursor() as connection:
            (text,) = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone() or ("",)
        tree = json.loads(text)
    except (duckdb.Error, ValueError, RecursionError):
        return None
    if tree.get("error") or len(tree.get("statements", ())) != 1:
        return None
    return list(_nodes(tree["statements"]))


def _named(nodes: Collection[Mapping[str, Any]]) -> tuple[set[str], set[str]]:
    """Names that a statement gives, and those of tables that it reads, in lower case."""
    own = {str(one["key"]).lower() for node in nodes for one in (node.get("cte_map") or {}).get("map", ())}
    return own, {str(node["table_name"]).lower() for node in nodes if node.get("type") == "BASE_TABLE"}


def _nodes(tree: Any) -> Iterator[Mapping[str, Any]]:
    """Every object of a tree."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _known(node: Mapping[str, Any]) -> bool:
    """Whether a part is on the list, as far as this object says."""
    said = {
        "class": node.get("class"), "type": node.get("type"), "function": node.get("function_name"),
        "value": node.get("id"), "join": node.get("join_type"), "ref": node.get("ref_type"),
        "materialized": node.get("materialized"), "setop": node.get("setop_type"),
        "subquery": node.get("subquery_type"), "aggregates": node.get("aggregate_handling"),
    }  # fmt: skip
    known = all((kind, one) in _list() for kind, one in said.items() if isinstance(one, str))
    return known and not any(node.get(name) for name in EMPTY)


def _columns(nodes: Collection[Mapping[str, Any]], tables: Collection[str]) -> frozenset[str] | None:
    """Names among which are all columns that are meant; None where a star, a row or a natural join means some."""
    names = {str(name).lower() for node in nodes for name in node.get("using_columns") or ()}
    called = {*tables, *(str(node["alias"]).lower() for node in nodes if "class" not in node and node.get("alias"))}
    for node in nodes:
        if node.get("class") == "STAR" or node.get("ref_type") == "NATURAL":
            return None
        if node.get("class") == "COLUMN_REF":
            words = [str(one).lower() for one in node["column_names"]]
            if words[-1] in called:
                return None
            names.update(words)
    return frozenset(names)


def _is_free(name: str) -> bool:
    """Whether nothing in an engine of ours has this name, and no file could."""
    return (
        WORD.fullmatch(name) is not None
        and not name.startswith(OURS)
        and name not in _catalogue(TABLES) | _catalogue(FUNCTIONS)
    )


@cache
def _empty() -> duckdb.DuckDBPyConnection:
    """An engine that holds nothing, for its parser."""
    return duckdb.connect(config={"threads": 1})


@cache
def _catalogue(statement: str) -> frozenset[str]:
    """Names of what an engine holds from the start."""
    with _empty().cursor() as connection:
        return frozenset(row[0].lower() for row in connection.execute(statement).fetchall())


@cache
def _list() -> frozenset[tuple[str, str]]:
    text = (files("isthmus.lake") / "plain.csv").read_text(encoding="utf-8")
    return frozenset((row["kind"], name) for row in csv.DictReader(text.splitlines()) for name in row["names"].split())
