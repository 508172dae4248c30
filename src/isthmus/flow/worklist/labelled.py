"""Wordings whose meaning is known here: people's decisions, and the named codes of packs' lists."""

import re
from collections.abc import Iterator

import pyarrow as pa

from isthmus.flow.decided import TERM
from isthmus.flow.statement import query
from isthmus.flow.worklist.items import PERSON
from isthmus.flow.workspace import Workspace
from isthmus.lake.engine import Engine
from isthmus.mapping import pack as packs
from isthmus.mapping.candidates.naming import Known
from isthmus.mapping.pack import Pack
from isthmus.records.models import Decision

DATED = re.compile(r"\bdecided (\d{4}-\d{2}-\d{2})\)?$")  # how a reason ends that came from another workspace
LISTED = pa.schema(
    [("row", pa.int64()), ("concept_id", pa.int64()), ("vocabulary_id", pa.string()), ("concept_code", pa.string())]
)
# Where a list names vocabulary and code, the standard concept that it maps to.
RESOLVED = """
    SELECT l.row AS row, coalesce(nullif(l.concept_id, 0),
        CASE WHEN c.standard_concept = 'S' THEN c.concept_id ELSE min(r.concept_id_2) END) AS concept_id
    FROM listed l LEFT JOIN concept c ON c.vocabulary_id = l.vocabulary_id AND c.concept_code = l.concept_code
    LEFT JOIN concept_relationship r ON r.concept_id_1 = c.concept_id AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    GROUP BY l.row, l.concept_id, c.concept_id, c.standard_concept ORDER BY l.row
"""


def labelled(workspace: Workspace, engine: Engine) -> list[Known]:
    """Every wording with a known meaning; `concept` and `concept_relationship` are views of the engine.

    What was mapped automatically is left out: it would confirm itself.
    """
    return [*_decided(workspace), *_listed(workspace, engine)]


def decided(one: Decision) -> Known:
    """A decision as a wording with a known meaning; one from elsewhere has the day on which it was made there."""
    there = DATED.search(one.reason)
    day = there[1] if there else f"{one.made_at:%Y-%m-%d}"
    told = f"decided by {one.author} on {day} for {one.site or 'all sites'}, {one.subject} {one.key}"
    return Known(one.wording or one.key, tuple(one.answer), told, f"decision {one.decision_id}")


def _decided(workspace: Workspace) -> list[Known]:
    standing = workspace.decisions.standing(TERM)
    return [decided(one) for one in standing if one.how == PERSON and one.answer]


def _listed(workspace: Workspace, engine: Engine) -> list[Known]:
    """Lists of the packs in use and of those that come along; a line that several packs share counts once."""
    found: dict[tuple[str, str, str, str, str], str] = {}
    for pack in _packs(workspace):
        for system, rows in pack.codes.items():
            for row in rows:
                if row.get("name"):
                    line = (row["name"], row.get("concept_id") or "0", row.get("vocabulary_id") or "",
                            row.get("concept_code") or "", f"{system}: {row['code']}")  # fmt: skip
                    found.setdefault(line, f"{pack.name}/{system}")
    lines = list(found)
    columns = [range(len(lines)), [int(line[1]) for line in lines], *([line[at] for line in lines] for at in (2, 3))]
    engine.load("listed", pa.table([pa.array(one, kind) for one, kind in zip(columns, LISTED.types, strict=True)],
                                   schema=LISTED))  # fmt: skip
    rows = engine.rows(query(RESOLVED)).to_pylist()
    engine.drop("listed")
    return [
        Known(lines[row["row"]][0], (row["concept_id"],), f"list {found[lines[row['row']]]}", found[lines[row["row"]]])
        for row in rows
        if row["concept_id"]
    ]


def _packs(workspace: Workspace) -> Iterator[Pack]:
    used = {feed.pack for site in workspace.sites() for feed in site.feeds}
    for name in dict.fromkeys([*sorted(used), *packs.shipped()]):
        yield workspace.pack(name)
