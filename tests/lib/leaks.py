"""Where structured identifiers of known people stand in an edition: every text column is searched for every one."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from isthmus.flow.schema import OWN
from isthmus.flow.workspace import Workspace
from lib.workspace import read

FREE = frozenset({("note", "note_text"), ("note_nlp", "snippet")})
"""Columns of free text, where hits are counted."""
SHORT = 2
"""A text this short may stand within another by chance (高辛 in 地高辛片): it counts as the whole text only."""


@dataclass(frozen=True, slots=True)
class Leak:
    """Distinct texts of a column in which identifiers of a kind stand."""

    table: str
    column: str
    kind: str
    texts: int


def told(truth: Path, opened: Workspace) -> dict[str, set[str]]:
    """The structured identifiers of a simulation's people, as they are and as they were written down, by kind.

    What `identity` holds besides (addresses, other numbers) is looked for as well.
    """
    written = read(opened, "identity")
    people = pq.read_table(truth / "person.parquet")
    kinds = {"resident id": "resident_id", "phone": "phone", "name": "name"}
    return {
        kind: {
            one for column in (name, f"written_{name}") for one in people[column].to_pylist() if one and len(one) > 1
        }
        for kind, name in kinds.items()
    } | {
        "address": {one for name in ("address", "street") for one in written[name].to_pylist() if one},
        "other number": {
            one for name in ("identifier", "email", "contact_phone") for one in written[name].to_pylist() if one
        },
        "record number": {one for one in people["person_key"].to_pylist() if one},
    }  # fmt: skip


def leaks(opened: Workspace, identifiers: dict[str, set[str]]) -> list[Leak]:
    """Every column but those of `identity` that holds any of them, as a whole value or within a text."""
    edition = opened.lake.editions.current()
    assert edition is not None
    found = []
    for table in edition.tables():
        rows = read(opened, table, edition=edition)
        if table == "identity" or ("site" not in rows.column_names and table not in OWN):
            continue
        for column in rows.column_names:
            if column == "site" or not pa.types.is_string(rows[column].type):
                continue
            texts = pc.unique(rows[column]).drop_null().to_pylist()
            found += [Leak(table, column, kind, count) for kind, count in hits(texts, identifiers)]
    return found


def hits(texts: Iterable[str], identifiers: dict[str, set[str]]) -> list[tuple[str, int]]:
    """By kind how many texts hold one: all substrings of the identifiers' lengths are looked up."""
    lengths = {kind: {len(one) for one in known} for kind, known in identifiers.items()}
    count = dict.fromkeys(identifiers, 0)
    for text in texts:
        for kind, known in identifiers.items():
            count[kind] += text in known or any(
                text[at : at + length] in known
                for length in lengths[kind]
                if length > SHORT
                for at in range(len(text) - length + 1)
            )
    return [(kind, texts_with) for kind, texts_with in count.items() if texts_with]
