"""The words of a note that a row was read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.cdm.starter import BY_TEXT
from isthmus.cdm.tables import TABLES
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.text.domain import salt

# The span as it stands in the note itself: the row only says where it begins, and as much as its column can hold.
WORDS = """
    SELECT p.note_id, p.note_nlp_id, CAST(p."offset" AS BIGINT) AS start, p.nlp_system AS system,
        p.term_modifiers AS said, substr(n.note_text, CAST(p."offset" AS BIGINT) + 1, length(p.lexical_variant)) AS text
    FROM nlp p JOIN notes n USING (note_id) WHERE p.note_nlp_id = {nlp_id} LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Words:
    """Where words stand in a note (`start` counts code points from 0), what read them, and what it says of them."""

    note_id: int
    note_nlp_id: int
    start: int
    text: str
    system: str
    said: str


def words_of(workspace: Workspace, edition: Edition, table: str, row: Mapping[str, Any]) -> Words | None:
    """The words that a row of `note_nlp`, or a row derived from one, was read from; None for any other row."""
    nlp_id = _nlp_id(table, row)
    if nlp_id is None:
        return None
    with workspace.lake.engine() as engine:
        for name, source in (("nlp", "note_nlp"), ("notes", "note")):
            files = [workspace.lake.root / one.path for one in edition.files(source)]
            engine.view(name, files, empty=schema_of(source))
        found = engine.rows(query(WORDS.format(nlp_id=nlp_id))).to_pylist()
    return Words(**found[0]) if found else None


def _nlp_id(table: str, row: Mapping[str, Any]) -> int | None:
    if table == "note_nlp":
        return int(row["note_nlp_id"])
    key = TABLES[table].primary_key if table in TABLES else None
    kind = next((name for name in row if name.endswith("_type_concept_id")), None)
    if key is None or kind is None or row[kind] != BY_TEXT:
        return None
    return int(row[key]) ^ salt(table)
