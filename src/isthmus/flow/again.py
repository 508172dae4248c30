"""Which records of the lake a batch maps again: those in quarantine, or those whose codes have another answer now."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from isthmus.base.identity import digest63
from isthmus.flow import vocabulary
from isthmus.flow.decided import TERM, Decided, concerning
from isthmus.flow.notes import identity_of
from isthmus.flow.schema import CODING, schema_of
from isthmus.flow.statement import literal, query
from isthmus.flow.workspace import Site, Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.mapping.pack import Pack
from isthmus.records.models import Batch

Codes = Mapping[str, Sequence[Any]]
"""Files of the vocabulary tables that decide on mappings."""

# Parts of the feed, and for each use of a code the answer that was given against the one that would be given now.
CHANGED = """
    SELECT DISTINCT part_id, place FROM coding c SEMI JOIN mine m USING (part_id)
    LEFT JOIN (
        SELECT DISTINCT coalesce(n.subject, k._system) AS system, k._code AS code, k._first AS concept_id,
            k._decision AS decision_id
        FROM code k LEFT JOIN subject n ON n.name = k._system
    ) k USING (system, code)
    WHERE coalesce(k.concept_id, 0) <> c.concept_id OR k.decision_id IS DISTINCT FROM c.decision_id
"""
TAKEN_UP = "SELECT part_id, kind, outcome, list(place) AS places FROM ledger {chosen} GROUP BY part_id, kind, outcome"


def taken_up(workspace: Workspace, batch: Batch, packs: Mapping[str, Pack], codes: Codes) -> list[dict[str, Any]]:
    """Part, kind, outcome and places of the records that a batch maps again, from the ledger of its edition."""
    assert batch.replays is not None
    edition = workspace.lake.editions.get(int(batch.replays["edition"]))
    files = [workspace.lake.root / one.path for one in edition.files("record") if one.site == batch.site]
    with workspace.lake.engine() as engine:
        if batch.replays.get("all"):
            chosen = "WHERE outcome IN ('mapped', 'kept', 'quarantined')"
        elif batch.replays.get("codes"):
            standing = workspace.decisions.standing(TERM, until=batch.decisions)
            decided = {feed: concerning(standing, batch.site, pack) for feed, pack in packs.items()}
            engine.load(
                "wanted", changed(workspace, engine, edition, batch.site, packs=packs, codes=codes, told=decided)
            )
            chosen = "SEMI JOIN wanted USING (part_id, place) WHERE outcome = 'mapped'"
        else:
            beginning = literal(str(batch.replays.get("reason") or ""))
            chosen = f"WHERE outcome = 'quarantined' AND starts_with(reason, {beginning})"
        engine.view("ledger", files, empty=schema_of("record"))
        rows: list[dict[str, Any]] = engine.rows(query(TAKEN_UP.format(chosen=chosen))).to_pylist()
    return rows


def changed(
    workspace: Workspace, engine: Engine, edition: Edition, site: str, *, packs: Mapping[str, Pack], codes: Codes,
    told: Mapping[str, Decided],
) -> pa.Table:  # fmt: skip
    """Part and place of a site's records whose codes are answered otherwise under these packs and decisions."""
    files = [workspace.lake.root / one.path for one in edition.files("coding") if one.site == site]
    engine.view("coding", files, empty=CODING)
    parts = _parts_by_feed(workspace, site)
    found = [pa.table({"part_id": pa.array([], pa.int64()), "place": pa.array([], pa.int64())})]
    for feed, pack in packs.items():
        vocabulary.ready(engine, pack, codes, told[feed])
        engine.load("mine", pa.table({"part_id": pa.array(parts.get(feed, []), pa.int64())}))
        found.append(engine.rows(query(CHANGED)))
    return pa.concat_tables(found).combine_chunks()


def _parts_by_feed(workspace: Workspace, site: str) -> dict[str, list[int]]:
    feeds = {one.receipt_id: one.feed for one in workspace.records.receipts() if one.site == site}
    parts: dict[str, list[int]] = {}
    for part in workspace.records.parts():
        if part.receipt_id in feeds:
            parts.setdefault(feeds[part.receipt_id], []).append(part.part_id)
    return parts


def outdated(workspace: Workspace, site: Site, edition: Edition) -> int:
    """How many records of a site have a code that would be answered otherwise today than it was."""
    former = [one for one in workspace.records.batches(site=site.name) if "repairs" not in (one.replays or {})]
    if not former:
        return 0
    standing, spoken = workspace.decisions.standing(TERM), vocabulary.digest(workspace.lake)
    packs = {feed.name: workspace.pack(feed.pack) for feed in site.feeds}
    told = {feed: concerning(standing, site.name, pack) for feed, pack in packs.items()}
    if former[-1].mapping_ids == mapping_ids(packs, spoken, told):
        return 0  # the same packs, vocabulary and decisions give the same answers
    with workspace.lake.engine() as engine:
        files = vocabulary.files_of(workspace.lake)
        return int(changed(workspace, engine, edition, site.name, packs=packs, codes=files, told=told).num_rows)


def mapping_ids(packs: Mapping[str, Pack], vocabulary: str, told: Mapping[str, Decided]) -> dict[str, int]:
    """The identity of each feed's mapping: its pack, the digest of the vocabulary, decisions, what reads notes."""
    return {
        feed: digest63(f"{pack.name}@{pack.digest}", vocabulary, *filter(None, [told[feed].digest, identity_of(pack)]))
        for feed, pack in packs.items()
    }
