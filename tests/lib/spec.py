"""Rules of meaning, drawn as before → after, and run on an engine exactly as the stage runs them.

    holds(engine, '''
        x          | date(x)
        -----------+-----------
        2024-03-05 | 2024-03-05
    ''')

Columns whose heading is a plain name are what the record holds; every other heading is an expression of a pack, and its
column what must come out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from sqlglot import exp, parse_one

from isthmus.cdm import starter
from isthmus.flow import vocabulary
from isthmus.flow.decided import NOTHING, Decided
from isthmus.flow.statement import stand
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake
from isthmus.mapping import pack as packs
from isthmus.mapping.pack import Pack
from isthmus.mapping.plan import RecordPlan, plan
from lib import packs as writing
from lib.tables import Row, arrow, drawn, said

NAME = re.compile(r"\w+")
SITE = "h01"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Rows by table, and why records went into quarantine (by place)."""

    tables: Mapping[str, list[dict[str, object]]]
    reasons: list[str]
    missing: Sequence[str]

    def shows(self, table: str, expected: str) -> None:
        """The rows of a table are those drawn, as far as columns are drawn."""
        want = drawn(expected)
        found = said(self.tables.get(table, []), list(want[0]))
        assert found == sorted(want, key=lambda row: [value or "" for value in row.values()])


@dataclass(slots=True)
class Spec:
    """A place to write packs in, and an engine to run them on. `vocabulary`: files of the starter vocabulary.

    `decided` is what was decided about codes, nothing by default.
    """

    folder: Path
    engine: Engine
    vocabulary: Mapping[str, list[Path]]
    decided: Decided = NOTHING

    def pack(self, text: str, name: str = "spec") -> Pack:
        """The pack that a text holds."""
        writing.write(self.folder, name, text)
        return packs.load(name, (self.folder,))

    def holds(self, table: str, pack: str = "") -> None:
        """Every expression in the heading of the table gives what stands below it."""
        rows = drawn(table)
        expressions = [name for name in rows[0] if not NAME.fullmatch(name)]
        assert expressions, "no heading of the table is an expression"
        plain = [name for name in rows[0] if name not in expressions]
        lets = "\n".join(f"  e{number}: {_yaml(text)}" for number, text in enumerate(expressions))
        read = ", ".join(f"v{number}: e{number}" for number in range(len(expressions)))
        record = f"== r.yaml\nlet:\n{lets}\ninto: [{{table: reference, set: {{key: '1', {read}}}}}]\n"
        loaded = self.pack(f"{pack}\n{record}")
        self.source(loaded, [{name: row[name] for name in plain} for row in rows])
        names = ", ".join(f"e{number}" for number in range(len(expressions)))
        found = self.engine.rows(_query(f"SELECT {names} FROM source ORDER BY _place")).to_pylist()
        for row, values in zip(rows, found, strict=True):
            real = said([values], list(values))[0]
            got = {text: real[f"e{number}"] for number, text in enumerate(expressions)}
            assert {**{name: row[name] for name in plain}, **got} == row

    def mapped(self, pack: str | Pack, before: str | list[Row], *, record: int = 0, site: str = SITE) -> Mapped:
        """What a record of a pack (the first by default) makes of a drawn table."""
        loaded = self.pack(pack) if isinstance(pack, str) else pack
        rows = drawn(before) if isinstance(before, str) else before
        planned = self.source(loaded, rows, record=record, site=site)
        if planned.missing:
            return Mapped({}, [], planned.missing)
        tables: dict[str, list[dict[str, object]]] = {}
        reasons = []
        for rule in planned.rules:
            self.engine.create("after", rule.select)
            hidden = ", ".join(rule.hidden[1:])
            left = f"* EXCLUDE ({hidden})" if hidden else "*"
            for row in self.engine.rows(_query(f"SELECT {left} FROM after")).to_pylist():
                why = row.pop("_why")
                if why:
                    reasons.append(why)
                else:
                    tables.setdefault(rule.table, []).append(row)
            self.engine.drop("after")
        return Mapped(tables, sorted(reasons), ())

    def source(self, pack: Pack, rows: list[Row], *, record: int = 0, site: str = SITE) -> RecordPlan:
        """Fill the engine's table `source` with what a record (the first by default) makes of rows."""
        vocabulary.ready(self.engine, pack, self.vocabulary, self.decided)
        raw = arrow(rows)
        columns = [name for name in raw.column_names if name != "_place"]
        planned = plan(pack, pack.records[record], columns)
        if not planned.missing:
            numbers = {name: pa.array([1] * raw.num_rows, pa.int64()) for name in ("_part", "_seq")}
            stand(self.engine, site, 5)
            self.engine.load("raw", pa.table({**numbers, **{name: raw.column(name) for name in raw.column_names}}))
            empty = pa.table({name: pa.array([], pa.string()) for name in ("_record", "_key", "_fields")})
            self.engine.load("reference", empty)
            self.engine.create("source", planned.source)
            self.engine.drop("raw")
            self.engine.drop("reference")
        return planned


def vocabulary_files(folder: Path) -> dict[str, list[Path]]:
    """The starter vocabulary as the lake keeps it."""
    lake = Lake(folder / "lake")
    with lake.writing():
        vocabulary.keep(lake, starter.starter(), batch="starter")
    return vocabulary.files_of(lake)


def _yaml(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _query(sql: str) -> exp.Query:
    tree = parse_one(sql, dialect="duckdb")
    assert isinstance(tree, exp.Query)
    return tree
