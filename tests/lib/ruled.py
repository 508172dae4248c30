"""Records judged by a rule set, record by record: which rules each of them breaks."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from isthmus.flow.rules.plan import JUDGED, plan
from isthmus.flow.statement import query, teach
from isthmus.lake.engine import Engine
from isthmus.mapping import pack as packs
from isthmus.quality.rules import catalogue

LOOKED_UP = ("_system", "_code", "_concept")


def broken(
    scratch: Path, name: str, records: Sequence[Mapping[str, str | None]], known: Mapping[str, Sequence[str]] = {}
) -> list[set[str]]:
    """The ids of the rules of a set that each record breaks; `known` are codes of look-ups by name."""
    columns = list(dict.fromkeys(name for one in records for name in one))
    rows = {column: pa.array([one.get(column) for one in records], pa.string()) for column in columns}
    places = pa.array(range(len(records)), pa.int64())
    codes = [(system, code, 1) for system, listed in known.items() for code in listed]
    engine = Engine(scratch)
    try:
        teach(engine)
        judging = plan(catalogue.sets()[name], packs.load("hqms"), columns, list(known))
        empty = pa.schema([("_system", pa.string()), ("_code", pa.string()), ("_concept", pa.int32())])
        engine.load("code_first", pa.table(list(zip(*codes, strict=True)) or [[], [], []], schema=empty))
        engine.load("raw", pa.table({"_part": places, "_place": places, **rows}))
        engine.create(JUDGED, judging.judged)
        found = engine.rows(query(f"SELECT * FROM {JUDGED} ORDER BY _place")).to_pylist()
    finally:
        engine.close()
    return [{rule.rule_id for n, rule in enumerate(judging.asked) if row[f"w{n}"]} for row in found]
