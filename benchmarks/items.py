"""What simulated notes state, against what the rule layer finds in them; `isthmus.serving.reading` compares."""

import csv
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.mapping.text.structure import structure
from isthmus.serving.reading import STATED, Finding, Note, Row
from isthmus.serving.reading import compared as of_notes
from isthmus.simulation import simulate


def simulated(folder: Path, patients: int) -> None:
    """Make a simulation of four hospitals."""
    simulate(folder, sites=4, patients=patients, seed=7)


def compared(folder: Path) -> list[Row]:
    """Precision and recall of every item in every kind of note, of the notes that can be read."""
    people = pq.read_table(folder / "truth" / "liver.parquet").to_pylist()
    known = {(one["site"], one["person_key"]): one for one in people}
    kinds: list[str] = []
    texts: list[str] = []
    truths: list[dict[str, Any]] = []
    for path in sorted(folder.glob("exports/*/emr/*.csv")):
        site = path.parts[-3]
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            for row in csv.DictReader(lines):
                truth = known.get((site, row["病人ID"] or ""))
                if truth is not None and row["文书类型"] in STATED and row["文书内容"]:
                    kinds.append(row["文书类型"])
                    texts.append(row["文书内容"])
                    truths.append(truth)
    found: dict[int, list[Finding]] = defaultdict(list)
    batches = structure(pa.array(range(len(texts)), pa.int64()), pa.array(texts, pa.string()))
    for one in pa.Table.from_batches(batches).to_pylist():
        found[one["note_id"]].append(one)
    notes = zip(kinds, truths, strict=True)
    return of_notes(Note(kind, truth, found[number]) for number, (kind, truth) in enumerate(notes))
