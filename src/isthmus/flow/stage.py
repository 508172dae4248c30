"""One batch of one site on its way into the lake: records in, sorted Parquet drafts out.

For each chunk of records of one kind: name them (`source`), set aside those that came before (`known`), run the pack's
rules, and note in the ledger what became of every single one. Memory is bounded by the chunk, whatever the input's
size.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from isthmus.base.memory import give_back
from isthmus.flow import notes
from isthmus.flow.coding import uses_of
from isthmus.flow.known import set_aside
from isthmus.flow.schema import RECORD, SHARED, STATEMENT, columns_of, order_of, schema_of
from isthmus.flow.statement import listed, literal, query, stand
from isthmus.lake.delta import DataFile
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake
from isthmus.mapping.pack import Pack, Record
from isthmus.mapping.plan import planned
from isthmus.mapping.rule import RulePlan

FLUSH_ROWS = 1_000_000  # of a table
FLUSH_CELLS = 10_000_000  # of all tables that wide records fill, some 130 MB in the engine
NO_RULE = "no rule of the pack applies"  # of a record that is kept: every rule's `when` was false

# A part that lacks a column which its record reads: every record of it waits in quarantine.
REFUSED = """
    SELECT {kind} AS kind, isthmus_digest(_part || '/' || _place) AS record_id, CAST(0 AS BIGINT) AS print,
        CAST(NULL AS TEXT) AS version, _part AS part_id, _place AS place, CAST({mapping} AS BIGINT) AS mapping_id,
        'quarantined' AS outcome, {reason} AS reason
    FROM raw
"""
# What could not be read has no key; its place stands for it.
REJECTED = """
    SELECT *, isthmus_digest(part_id || chr(31) || place) AS record_id, CAST(0 AS BIGINT) AS print,
        CAST(NULL AS TEXT) AS version, CAST({mapping} AS BIGINT) AS mapping_id
    FROM rejected
"""
# A rule that gives at most one row per record needs no counting.
SINGLE = "SELECT part_id, place, _why AS why, CASE WHEN _why IS NULL THEN 1 ELSE 0 END AS good FROM rule_0"
OUTCOME = """
    SELECT part_id, place, min(_why) AS why, count(*) FILTER (WHERE _why IS NULL) AS good
    FROM ({found}) GROUP BY part_id, place
"""
NOTED = """
    SELECT {kind} AS kind, s._record AS record_id, s._print AS print, s._version AS version, s._part AS part_id,
        s._place AS place, CAST({mapping} AS BIGINT) AS mapping_id,
        CASE WHEN NOT o.why IS NULL THEN 'quarantined' WHEN o.good > 0 THEN 'mapped' ELSE 'kept' END AS outcome,
        CASE WHEN NOT o.why IS NULL THEN o.why WHEN o.good > 0 THEN NULL ELSE {kept} END AS reason
    FROM source s LEFT JOIN ({outcome}) o ON o.part_id = s._part AND o.place = s._place
"""
LEDGER = """
    SELECT * EXCLUDE (site) FROM ledger_lake ANTI JOIN replayed USING (part_id, place)
    UNION ALL BY NAME SELECT * EXCLUDE (site) FROM ledger_drafts
    UNION ALL BY NAME SELECT * FROM stage_record
"""


@dataclass(slots=True)
class Account:
    """How many records of each kind met which outcome, by part."""

    parts: dict[int, dict[str, dict[str, int]]] = field(default_factory=dict)

    def add(self, part_id: int, kind: str, outcome: str, count: int) -> None:
        """Count some records."""
        outcomes = self.parts.setdefault(part_id, {}).setdefault(kind, {})
        outcomes[outcome] = outcomes.get(outcome, 0) + count


class Stage:
    """The drafts of one batch."""

    def __init__(self, lake: Lake, engine: Engine, site: str, batch: str) -> None:
        self.lake = lake
        self.engine = engine
        self.site = site
        self.folder = lake.staging / batch
        self.account = Account()
        self.several = False  # whether some code has several concepts, each with a row of its own
        self.drafts: dict[str, list[tuple[Path, int]]] = {}
        self._mapping_id: int | None = None
        self._kinds: set[str] = set()  # of records that were taken
        self._viewed: list[Path] | None = None  # drafts that `ledger` reads
        self._ledger = [lake.root / one.path for one in _ledger_before(lake, site, batch)]
        engine.load("no_records", RECORD.empty_table())
        # Records that give way: to a newer one (`gone`), or to themselves mapped again (`replayed`, in the lake only).
        engine.create("gone", query("SELECT part_id, place, reason FROM no_records"))
        engine.create("replayed", query("SELECT part_id, place FROM no_records"))
        engine.create("stage_record", query("SELECT * EXCLUDE (site) FROM no_records"))
        engine.drop("no_records")

    def take(self, pack: Pack, record: Record, chunk: pa.Table, *, mapping_id: int) -> None:
        """Map one chunk: `_part`, `_seq` and `_place` (int64) and the record's columns."""
        columns = [name for name in chunk.column_names if name not in ("_part", "_seq", "_place")]
        made = planned(pack, record, columns)
        if mapping_id != self._mapping_id:
            stand(self.engine, self.site, mapping_id)
            self._mapping_id = mapping_id
        self.engine.load("raw", chunk)
        if made.missing:
            self._refuse(record, made.missing, mapping_id)
        else:
            self.engine.create("source", made.source, wide=made.wide)
            first = not self._ledger and record.name not in self._kinds
            self._kinds.add(record.name)
            self._view_ledger()
            set_aside(self.engine, record.name, first=first, mapping_id=mapping_id, count=self._count)
            read_before = notes.waiting(self.engine)
            outcomes = [self._apply(index, rule) for index, rule in enumerate(made.rules)]
            if notes.DERIVED in pack.derive:
                notes.read(self.engine, read_before)
            self._note(record, pack.keep.get(record.name, NO_RULE), outcomes, mapping_id)
            if made.wide:
                self.engine.drop("source")
            self._flush(FLUSH_ROWS, FLUSH_CELLS if made.wide else None)
        self.engine.drop("raw")
        if made.wide:
            give_back()

    def reject(self, rejects: pa.Table, *, mapping_id: int) -> None:
        """Note records that no rule was asked about: `part_id`, `place`, `kind`, `outcome` and `reason` of each."""
        self.engine.load("rejected", rejects)
        self.engine.insert("stage_record", query(REJECTED.format(mapping=mapping_id)))
        self._count("SELECT part_id, kind, outcome, count(*) AS n FROM rejected GROUP BY ALL")
        self.engine.drop("rejected")

    def relieve(self) -> None:
        """Write what waits, where it is much and no record gives way: what is derived reads it from the drafts."""
        if not self.engine.count("gone") and sum(self._cells().values()) > FLUSH_CELLS // 4:
            self._flush(1)

    def finish(self) -> None:
        """Write what is left; after this, `drafts` is complete."""
        self._forget_gone_drafts()
        self._flush(1)

    def _refuse(self, record: Record, missing: Sequence[str], mapping_id: int) -> None:
        reason = literal("missing-column: " + ", ".join(missing))
        self.engine.create(
            "refused", query(REFUSED.format(kind=literal(record.name), reason=reason, mapping=mapping_id))
        )
        self.engine.insert("stage_record", query("SELECT * FROM refused"))
        self._count("SELECT part_id, kind, outcome, count(*) AS n FROM refused GROUP BY ALL")

    def _apply(self, index: int, rule: RulePlan) -> str:
        """Run one rule; its valid rows join the table's drafts. Returns the name of its temporary table."""
        name, table, hidden = f"rule_{index}", rule.table, ", ".join(rule.hidden)
        self.engine.create(name, rule.select)
        codings = uses_of(rule, name)
        if codings:
            self.engine.insert("stage_coding", query(codings))
        if table in SHARED:
            # Which statement stands is decided when all have been heard; the newer version of its record goes first.
            stated = query(
                f"SELECT s._version AS version, r.* EXCLUDE ({hidden}) FROM {name} r JOIN source s "
                "ON s._part = r.part_id AND s._place = r.place WHERE r._why IS NULL"
            )
            self.engine.insert(f"stage_{table}{STATEMENT}", stated)
        else:
            self.engine.insert(f"stage_{table}", query(f"SELECT * EXCLUDE ({hidden}) FROM {name} WHERE _why IS NULL"))
        return name

    def _note(self, record: Record, reason: str, rules: Sequence[str], mapping_id: int) -> None:
        """The outcome of every record of `source` goes into the ledger."""
        each = [f"SELECT part_id, place, _why FROM {name}" for name in rules]
        found = " UNION ALL ".join(each) or "SELECT part_id, place, reason AS _why FROM gone WHERE false"
        single = len(rules) == 1 and not record.rules[0].each and not self.several
        outcome = SINGLE if single else OUTCOME.format(found=found)
        noted = NOTED.format(kind=literal(record.name), kept=literal(reason), mapping=mapping_id, outcome=outcome)
        before = self.engine.count("stage_record")
        self.engine.insert("stage_record", query(noted))
        self._count(
            f"SELECT part_id, kind, outcome, count(*) AS n FROM stage_record WHERE rowid >= {before} GROUP BY ALL"
        )
        for name in rules:
            self.engine.drop(name)

    def _count(self, sql: str) -> None:
        for row in self.engine.rows(query(sql)).to_pylist():
            self.account.add(row["part_id"], row["kind"], row["outcome"], row["n"])

    def _view_ledger(self) -> None:
        drafts = [path for path, _ in self.drafts.get("record", ())]
        if drafts == self._viewed:
            return
        self._viewed = drafts
        self.engine.view("ledger_lake", self._ledger, empty=RECORD)
        self.engine.view("ledger_drafts", drafts, empty=RECORD)
        self.engine.create_view("ledger", query(LEDGER))

    def staged(self) -> list[str]:
        """Tables that have rows or drafts in this batch."""
        return sorted(self._waiting() | set(self.drafts))

    def _waiting(self) -> set[str]:
        """Tables that have rows which are not yet written."""
        return {name.removeprefix("stage_") for name in self.engine.tables() if name.startswith("stage_")}

    def _cells(self) -> dict[str, int]:
        """How much of each table is not yet written: rows times columns."""
        return {name: self.engine.count(f"stage_{name}") * len(columns_of(name)) for name in sorted(self._waiting())}

    def _flush(self, rows: int, cells: int | None = None) -> None:
        """Write the tables with so many rows, then the largest ones until no more than so many cells wait."""
        for table in sorted(self._waiting()):
            if self.engine.count(f"stage_{table}") >= rows:
                self._put_away(table)
        if cells is None:
            return
        waiting = self._cells()
        while sum(waiting.values()) > cells:
            largest = max(waiting, key=lambda name: waiting[name])
            self._put_away(largest)
            del waiting[largest]

    def _put_away(self, table: str) -> None:
        self._write(table, f"SELECT * FROM stage_{table}")
        self.engine.drop(f"stage_{table}")
        if table == "record":
            self.engine.load("no_records", RECORD.empty_table())
            self.engine.create("stage_record", query("SELECT * EXCLUDE (site) FROM no_records"))
            self.engine.drop("no_records")

    def _write(self, table: str, sql: str) -> None:
        columns = columns_of(table)
        ordered = query(f"SELECT {listed(columns)} FROM ({sql}) ORDER BY {listed(order_of(table))}")
        self.drafts.setdefault(table, []).append(self.engine.write(ordered, self.drafts_of(table)))

    def drafts_of(self, table: str) -> Path:
        """Where drafts of a table are written."""
        return self.folder / table / f"site={self.site}"

    def _forget_gone_drafts(self) -> None:
        """Take rows of superseded records out of what this very batch has written."""
        if not self.engine.count("gone"):
            return
        for table in self.staged():
            name = f"stage_{table}"
            if table == "record":
                continue
            if name in self.engine.tables():
                self.engine.create(name, query(f"SELECT * FROM {name} ANTI JOIN gone USING (part_id, place)"))
            self.drafts[table] = [
                one for draft in self.drafts.get(table, []) for one in self._without_gone(table, *draft)
            ]

    def _without_gone(self, table: str, path: Path, rows: int) -> list[tuple[Path, int]]:
        self.engine.view("draft", [path], empty=schema_of(table))
        self.engine.create("left_over", query("SELECT * FROM draft ANTI JOIN gone USING (part_id, place)"))
        if self.engine.count("left_over") == rows:
            return [(path, rows)]
        columns = columns_of(table)
        ordered = query(f"SELECT {listed(columns)} FROM left_over ORDER BY {listed(order_of(table))}")
        return [self.engine.write(ordered, path.parent)] if self.engine.count("left_over") else []


def _ledger_before(lake: Lake, site: str, batch: str) -> list[DataFile]:
    """The site's ledger without this batch, also when a former try has committed it already."""
    if not lake.deltas.has_batch("record", batch):
        return lake.deltas.files("record", site=site)
    edition = lake.editions.current()
    return [one for one in (edition.files("record") if edition else ()) if one.site == site]


def file_of(table: str, site: str | None, path: Path, rows: int) -> DataFile:
    """What a draft will be called in the lake."""
    folder = table if site is None else f"{table}/site={site}"
    return DataFile(table, f"{folder}/{path.name}", site, rows, path.stat().st_size)
