"""From one row back to the bytes it came from, and from one landed file forward to its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from shlex import quote
from typing import Any

from isthmus.base.errors import InputError, UsageError
from isthmus.cdm.tables import TABLES
from isthmus.flow.schema import CODING, REPAIR, schema_of
from isthmus.flow.span import Words, words_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.intake import archive, formats
from isthmus.intake.record import Format, Part, Passage
from isthmus.lake.edition import Edition
from isthmus.records.models import Decision, Receipt
from isthmus.records.models import Part as PartRecord

UNREAD = "?"  # begins the name of a part that could not be opened
CONCEPT = "_concept_id"
# The concepts of a row with the edition of their vocabulary, as the traced edition of the lake has them.
MEANING = """
    SELECT c.concept_id AS concept_id, c.concept_name AS name, c.vocabulary_id AS vocabulary, c.concept_code AS code,
        coalesce(v.vocabulary_version, '') AS edition
    FROM concept c LEFT JOIN vocabulary v ON v.vocabulary_id = c.vocabulary_id WHERE c.concept_id IN ({concepts})
"""


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a row came from. `passage.text` is source data: show it only to who may read the landing.

    `words`: of a row read from a note, the words that it was read from.
    `repairs`: of a measurement that was mended, what was changed and by which decision (table `repair`).
    `codes` are the codes of its record that wait for a decision or were resolved by one.
    `meanings`: of each of its concepts the name, and vocabulary, code and edition that it is of.
    """

    edition: int
    table: str
    row: Mapping[str, Any]
    receipt: Receipt
    part: PartRecord
    passage: Passage
    mapping: str
    words: Words | None = None
    repairs: Sequence[Mapping[str, Any]] = ()
    codes: Sequence["Coded"] = ()
    meanings: Sequence["Meaning"] = ()


@dataclass(frozen=True, slots=True)
class Coded:
    """A code of a record, the concept that it has by now, and the decision that says so."""

    system: str
    code: str
    column: str
    concept_id: int
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class Meaning:
    """A concept of a row: which it is, of which edition of which vocabulary."""

    column: str
    concept_id: int
    name: str
    vocabulary: str
    code: str
    edition: str


class Tracer:
    """Traces rows of one edition; keeps opened parts at hand, so that a thousand rows cost little more than one."""

    def __init__(self, workspace: Workspace, *, edition: int | Edition | None = None) -> None:
        self.workspace = workspace
        found = workspace.lake.editions.current() if edition is None else edition
        if isinstance(found, int):
            found = workspace.lake.editions.get(found)
        if found is None:
            raise InputError("nothing is published yet, so there is no row to trace. Run `isthmus ingest` first.")
        self.edition: Edition = found
        self._parts = lru_cache(maxsize=64)(self._find_part)
        self._mappings = cache(self._find_mappings)

    def trace(self, table: str, row_id: int) -> Trace:
        """The origin of the row with this primary key (of `death`, the person's id; of `record`, the record's).

        Raises InputError when there is no such row, UsageError for a table whose rows come from no file.
        """
        key = key_of(table)
        files = [self.workspace.lake.root / one.path for one in self.edition.files(table)]
        with self.workspace.lake.engine() as engine:
            engine.view("traced", files, empty=schema_of(table))
            # Of a record that came several times, the one in quarantine is what somebody looks for.
            latest = "ORDER BY outcome = 'quarantined' DESC, part_id, place" if table == "record" else ""
            found = f'SELECT * FROM traced WHERE "{key}" = {int(row_id)} {latest} LIMIT 1'
            rows = engine.rows(query(found)).to_pylist()
        if not rows:
            raise InputError(
                f"edition {self.edition.number} has no {table} row with {key} = {row_id}. The ids that came from a "
                f"file: isthmus trace {quote(str(self.workspace.root))} --file SHA256."
            )
        if rows[0]["place"] < 0:
            raise InputError(f"the file as a whole was not read ({rows[0]['reason']}), so there is no record to show.")
        codes = self._codes(rows[0]["part_id"], rows[0]["place"], table)
        words = words_of(self.workspace, self.edition, table, rows[0])
        repairs = self._repairs(row_id) if table == "measurement" else []
        meanings = self._meanings(rows[0])
        return replace(self.origin(table, rows[0]), codes=codes, words=words, repairs=repairs, meanings=meanings)

    def _meanings(self, row: Mapping[str, Any]) -> list[Meaning]:
        concepts = {name: value for name, value in row.items() if name.endswith(CONCEPT) and value}
        if not concepts:
            return []
        with self.workspace.lake.engine() as engine:
            for name in ("concept", "vocabulary"):
                files = [self.workspace.lake.root / one.path for one in self.edition.files(name)]
                engine.view(name, files, empty=schema_of(name))
            told = ", ".join(str(int(value)) for value in sorted(set(concepts.values())))
            found = {one["concept_id"]: one for one in engine.rows(query(MEANING.format(concepts=told))).to_pylist()}
        return [Meaning(column=name, **found[value]) for name, value in concepts.items() if value in found]

    def _repairs(self, measurement_id: int) -> list[dict[str, Any]]:
        files = [self.workspace.lake.root / one.path for one in self.edition.files("repair")]
        with self.workspace.lake.engine() as engine:
            engine.view("repair", files, empty=REPAIR)
            found = f"SELECT * FROM repair WHERE measurement_id = {int(measurement_id)} ORDER BY proposal_id"
            rows: list[dict[str, Any]] = engine.rows(query(found)).to_pylist()
        made = self.workspace.decisions.some(row["decision_id"] for row in rows)
        return [
            {**row, "author": made[row["decision_id"]].author, "reason": made[row["decision_id"]].reason}
            for row in rows
        ]

    def origin(self, table: str, row: Mapping[str, Any]) -> Trace:
        """The origin of a row that is at hand with its provenance columns."""
        record, receipt, part = self._parts(row["part_id"])
        passage = formats.locate(part, Format(record.format, record.options), row["place"])
        mapping = self._mappings().get((receipt.feed, row["mapping_id"]), "")
        return Trace(self.edition.number, table, row, receipt, record, passage, mapping)

    def passage(self, part_id: int, place: int) -> Passage:
        """The source text of the record at a place, and its line (or row)."""
        record, _, part = self._parts(part_id)
        return formats.locate(part, Format(record.format, record.options), place)

    def _codes(self, part_id: int, place: int, table: str) -> list[Coded]:
        files = [self.workspace.lake.root / one.path for one in self.edition.files("coding")]
        with self.workspace.lake.engine() as engine:
            engine.view("coding", files, empty=CODING)
            rows = engine.rows(
                query(
                    f'SELECT system, code, "table", "column", concept_id, decision_id FROM coding WHERE part_id = '
                    f"{part_id} AND place = {place} ORDER BY ALL"
                )
            ).to_pylist()
        decisions = self.workspace.decisions.some(row["decision_id"] for row in rows if row["decision_id"])
        return [
            Coded(row["system"], row["code"], row["column"], row["concept_id"], decisions.get(row["decision_id"]))
            for row in rows
            if table in (row["table"], "record")
        ]

    def _find_mappings(self) -> dict[tuple[str, int], str]:
        """Pack and digest by feed and id of the mapping. A part may have rows of several: of its ingest, of replays."""
        return {
            (feed, batch.mapping_ids[feed]): mapping
            for batch in self.workspace.records.batches()
            for feed, mapping in batch.mappings.items()
            if feed
        }

    def _find_part(self, part_id: int) -> tuple[PartRecord, Receipt, Part]:
        found = self.workspace.records.part(part_id)
        if found is None:
            raise InputError(f"the records know no part {part_id}. Run `isthmus verify` to see what else is missing.")
        record, receipt = found
        if record.member.startswith(UNREAD):
            raise InputError(f"{receipt.name}, or a member of it, could not be opened: there is no record to show.")
        part = archive.member(self.workspace.lake.landing.path(receipt.sha256), record.member, receipt.name)
        return record, receipt, part


@dataclass(frozen=True, slots=True)
class FileRows:
    """What one landed file has in an edition: ledger outcomes by kind, and ids of its rows by table."""

    receipt: Receipt
    outcomes: Mapping[str, Mapping[str, int]]
    rows: Mapping[str, list[int]]


def rows_of_file(workspace: Workspace, sha256: str) -> list[FileRows]:
    """Every row of the current edition that came out of the landed file with this digest (or its beginning)."""
    edition = workspace.lake.editions.current()
    receipts = [one for one in workspace.records.receipts() if one.sha256.startswith(sha256)]
    if not receipts or edition is None:
        raise InputError(f"no landed file has a digest beginning with {sha256}. `isthmus receipts` lists them.")
    found = []
    for receipt in receipts:
        parts = ", ".join(str(part.part_id) for part in workspace.records.parts([receipt.receipt_id])) or "-1"
        rows: dict[str, list[int]] = {}
        outcomes: dict[str, dict[str, int]] = {}
        with workspace.lake.engine() as engine:
            for table in edition.tables():
                if "part_id" not in schema_of(table).names:
                    continue
                files = [workspace.lake.root / one.path for one in edition.files(table) if one.site == receipt.site]
                engine.view("mine", files, empty=schema_of(table))
                if table == "record":
                    counted = f"SELECT kind, outcome, count(*) AS n FROM mine WHERE part_id IN ({parts}) GROUP BY ALL"
                    for one in engine.rows(query(counted)).to_pylist():
                        outcomes.setdefault(one["kind"], {})[one["outcome"]] = one["n"]
                elif table in TABLES:
                    ids = engine.rows(
                        query(f'SELECT "{key_of(table)}" FROM mine WHERE part_id IN ({parts}) ORDER BY 1')
                    )
                    rows[table] = ids.column(0).to_pylist()
        found.append(FileRows(receipt, outcomes, {table: ids for table, ids in rows.items() if ids}))
    return found


def key_of(table: str) -> str:
    """The column by which a row of a table is found."""
    if table == "record":
        return "record_id"
    if table not in TABLES or TABLES[table].group == "vocabulary":
        known = ", ".join(sorted(name for name, one in TABLES.items() if one.group != "vocabulary"))
        raise UsageError(f"rows of '{table}' come from no delivered file. Tables that do: {known}.")
    spec = TABLES[table]
    return spec.primary_key or ("person_id" if spec.person else spec.columns[0].name)
