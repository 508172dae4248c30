"""Statements that flow writes out itself, as the values that an engine takes."""

from collections.abc import Sequence
from functools import cache, lru_cache

from sqlglot import exp, parse_one

from isthmus.lake.engine import Engine
from isthmus.mapping.expression import MAPPING, SITE
from isthmus.mapping.functions import MEANINGS


def teach(engine: Engine) -> None:
    """Tell an engine what the functions of packs mean."""
    for name, (parameters, meaning) in MEANINGS.items():
        engine.define(name, parameters, _expression(meaning))


def stand(engine: Engine, site: str, mapping_id: int = 0) -> None:
    """Tell an engine for which site and under which mapping the statements of packs run from here on."""
    engine.define(SITE, (), exp.Literal.string(site))
    engine.define(MAPPING, (), exp.Literal.number(mapping_id))


@cache
def _expression(sql: str) -> exp.Expr:
    return parse_one(sql, dialect="duckdb")


@lru_cache(maxsize=1024)
def query(sql: str) -> exp.Query:
    """A statement in the spelling of packs (DuckDB's), parsed once."""
    tree = parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree


def literal(text: str) -> str:
    """A text as it stands in a statement."""
    return exp.Literal.string(text).sql("duckdb")


def listed(names: Sequence[str]) -> str:
    """Column names as they stand in a statement, with commas between them."""
    return ", ".join(f'"{name}"' for name in names)
