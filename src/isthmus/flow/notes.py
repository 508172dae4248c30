"""Notes of a batch are read as they come: findings with their spans, and rows of what they affirm, beside the notes.

Every row has the provenance of its note, so that it leaves with the note when a newer version of it comes.
"""

import numpy as np
import pyarrow as pa

from isthmus.cdm.tables import TABLES
from isthmus.flow.statement import query
from isthmus.lake.engine import Engine
from isthmus.mapping.pack import Pack
from isthmus.mapping.text.domain import NOTES, TAKEN, domain
from isthmus.mapping.text.note import note_nlp
from isthmus.mapping.text.structure import structure
from isthmus.mapping.text.version import DAY, version

DERIVED = "note_nlp"
"""What a pack writes under `derive` to have its notes read."""
TOGETHER = 2_000
"""Notes that are worked on at a time: memory is bounded by them, whatever a batch holds."""
WAITING = """
    SELECT {columns}, note_text FROM stage_note WHERE rowid >= {first} AND rowid < {last} AND note_text <> ''
    ORDER BY note_id, part_id, place
"""


def identity_of(pack: Pack) -> str:
    """What reading notes adds to the identity of a mapping: the version of the rules, where the pack has notes read."""
    return version() if DERIVED in pack.derive else ""


def waiting(engine: Engine) -> int:
    """How many notes wait to be written."""
    return engine.count("stage_note") if "stage_note" in engine.tables() else 0


def read(engine: Engine, before: int) -> None:
    """Read the notes that have come into `stage_note` after its first `before` rows."""
    end = waiting(engine)
    for first in range(before, end, TOGETHER):
        last = min(first + TOGETHER, end)
        notes = engine.rows(query(WAITING.format(columns=", ".join(NOTES), first=first, last=last)))
        while notes.num_rows:
            # Two versions of a note may have come together; the rows of each have to bear its own place.
            ids = np.asarray(notes["note_id"])
            own = np.concatenate([[True], ids[1:] != ids[:-1]])
            _put(engine, notes.filter(pa.array(own)))
            notes = notes.filter(pa.array(~own))


def _put(engine: Engine, notes: pa.Table) -> None:
    batches = list(structure(notes["note_id"].combine_chunks(), notes["note_text"].combine_chunks()))
    findings = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()
    if not findings.num_rows:
        return
    rows = note_nlp(findings, notes, DAY)
    known = notes["note_id"].combine_chunks()
    mine = notes.take(pa.compute.index_in(findings["note_id"].combine_chunks(), value_set=known))
    for name in TAKEN:
        rows = rows.append_column(name, mine[name])
    made = domain(findings, rows["note_nlp_id"].combine_chunks(), notes)
    for table, some in (("note_nlp", rows), *made.items()):
        engine.load("found", some.cast(_plain(table)))
        engine.insert(f"stage_{table}", query("SELECT * FROM found"))
        engine.drop("found")


def _plain(table: str) -> pa.Schema:
    """The table's columns, none of them a dictionary, and the provenance."""
    return pa.schema(
        [(column.name, column.arrow) for column in TABLES[table].columns] + [(name, pa.int64()) for name in TAKEN]
    )
