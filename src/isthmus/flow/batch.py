"""One batch, from its deliveries to its commits. Repeating it gives what the first try would have given."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pyarrow as pa

from isthmus.base.clock import now
from isthmus.base.errors import IntegrityError
from isthmus.base.identity import digest63
from isthmus.base.progress import Progress
from isthmus.flow import repairs, vocabulary
from isthmus.flow.again import mapping_ids, taken_up
from isthmus.flow.commit import commit
from isthmus.flow.decided import TERM, concerning
from isthmus.flow.feed import FeedRun
from isthmus.flow.stage import Stage
from isthmus.flow.statement import query
from isthmus.flow.workspace import Site, Workspace
from isthmus.lake.lake import Lake
from isthmus.mapping.pack import Pack
from isthmus.records.models import Batch, Part, Receipt
from isthmus.records.store import Messages, total

Account = Mapping[str, Mapping[str, int]]
LITTLE = 1 << 20
"""Bytes of deliveries up to which one core maps a batch: sharing out so little costs a third more than it saves."""


def open_batch(
    workspace: Workspace, site: Site, receipts: Sequence[Receipt], *, replays: Mapping[str, Any] | None = None
) -> Batch:
    """Note what a batch will do; from here on a retry does exactly this, under the packs as they are now."""
    named = {feed.name: workspace.pack(feed.pack) for feed in site.feeds}
    for pack in named.values():
        workspace.archive(pack)
    mappings = {name: f"{pack.name}@{pack.digest}" for name, pack in named.items()}
    mappings[""] = vocabulary.digest(workspace.lake)
    decisions = workspace.decisions.last()
    standing = workspace.decisions.standing(TERM, until=decisions)
    told = {name: concerning(standing, site.name, pack) for name, pack in named.items()}
    sequence = workspace.records.next_sequence(Batch)
    words = [site.name, str(sequence), *(receipt.sha256 for receipt in receipts), *sorted(mappings.values())]
    batch = Batch(
        batch_id=f"b{digest63(*words):016x}", site=site.name, sequence=sequence, state="open",
        replays=dict(replays) if replays else None, mappings=mappings,
        mapping_ids=mapping_ids(named, mappings[""], told), decisions=decisions, opened_at=now(),
    )  # fmt: skip
    workspace.records.open_batch(batch, [] if replays else receipts)
    return batch


class Ran(NamedTuple):
    """What a batch was made of: its parts with the account of what became of their records, and its messages."""

    parts: Sequence[tuple[Receipt, Part]] = ()
    messages: Messages = MappingProxyType({})


def run_batch(workspace: Workspace, lake: Lake, batch: Batch, progress: Progress) -> Ran:
    """Stage and commit a batch into a lake; returns what it was made of. Of messages that come again none is told."""
    if repairs.is_repair(batch):
        repairs.run(workspace, lake, batch)
        return Ran()
    packs = packs_of(workspace, batch)
    codes = _vocabulary(workspace, batch)
    places = _places(taken_up(workspace, batch, packs, codes)) if batch.replays else None
    receipts = _receipts(workspace, batch, places)
    standing = workspace.decisions.standing(TERM, until=batch.decisions)
    parts: list[tuple[Receipt, Part]] = []
    messages: Counter[tuple[str, int, str]] = Counter()
    little = sum(receipt.size for receipt in receipts) <= LITTLE
    with lake.engine(threads=1 if little else None) as engine:
        stage = Stage(lake, engine, batch.site, batch.batch_id)
        if places is not None:
            _give_way(stage, places)
        for feed, pack in packs.items():
            mine = [receipt for receipt in receipts if receipt.feed == feed]
            if mine:
                told = concerning(standing, batch.site, pack)
                vocabulary.ready(engine, pack, codes, told)
                stage.several = told.several
                run = FeedRun(stage, pack, mapping_id=batch.mapping_ids[feed])
                by_id = {receipt.receipt_id: receipt for receipt in mine}
                taken = run.take(mine, progress, places=places)
                parts += [(by_id[part.receipt_id], part) for part in taken]
                of = {part.part_id: part.receipt_id for part in taken}
                for (part_id, kind), many in run.messages.items():
                    messages[feed, of[part_id], kind] += many
        derive = sorted({name for pack in packs.values() for name in pack.derive})
        commit(stage, batch.batch_id, derive=derive, until=batch.opened_at.date().isoformat())
    for _, part in parts:
        part.batch_id = batch.batch_id
        part.account = stage.account.parts.get(part.part_id, {})
    return Ran(parts, {} if batch.replays else messages)


def packs_of(workspace: Workspace, batch: Batch) -> dict[str, Pack]:
    """The packs of a batch by feed, as they were when it was opened."""
    named = {feed: value.rsplit("@", 1) for feed, value in batch.mappings.items() if feed}
    return {feed: workspace.archived(digest, name) for feed, (name, digest) in named.items()}


def _receipts(workspace: Workspace, batch: Batch, places: Mapping[int, set[int]] | None) -> Sequence[Receipt]:
    if places is None:
        return workspace.records.receipts(batch.batch_id)
    wanted = {part.receipt_id for part in workspace.records.parts() if part.part_id in places}
    return [receipt for receipt in workspace.records.receipts() if receipt.receipt_id in wanted]


def _vocabulary(workspace: Workspace, batch: Batch) -> dict[str, list[Path]]:
    """The vocabulary files as they were when the batch was opened: those of an edition with that digest."""
    if vocabulary.digest(workspace.lake) == batch.mappings[""]:
        return vocabulary.files_of(workspace.lake)
    editions = workspace.lake.editions
    for number in editions.numbers():
        edition = editions.get(number)
        if edition.body["vocabulary"] == batch.mappings[""]:
            return {
                name: [workspace.lake.root / one.path for one in edition.files(name)] for name in vocabulary.MAPPING
            }
    raise IntegrityError(
        f"batch {batch.batch_id} was opened under a vocabulary that is in no edition. Restore lake/editions from a "
        "backup."
    )


def noted(workspace: Workspace, batch: Batch, parts: Sequence[Part]) -> list[Part]:
    """The parts as they are to be noted: of a replay, its account joins that of the records that it left alone."""
    if not batch.replays or not parts:
        return list(parts)
    told = []
    before = taken_up(workspace, batch, packs_of(workspace, batch), _vocabulary(workspace, batch))
    for part in parts:
        found = workspace.records.part(part.part_id)
        assert found is not None
        left = [
            {row["kind"]: {row["outcome"]: -len(row["places"])}} for row in before if row["part_id"] == part.part_id
        ]
        summed = total([found[0].account, part.account, *left])
        account = {
            kind: counts for kind, outcomes in summed.items() if (counts := {k: n for k, n in outcomes.items() if n})
        }
        told.append(
            Part(
                part_id=part.part_id, receipt_id=part.receipt_id, batch_id=found[0].batch_id, member=part.member,
                format=part.format, options=part.options, account=account,
            )
        )  # fmt: skip
    return told


def _places(rows: Sequence[Mapping[str, Any]]) -> dict[int, set[int]]:
    """Places of the records that are mapped again, by part."""
    places: dict[int, set[int]] = {}
    for row in rows:
        places.setdefault(row["part_id"], set()).update(row["places"])
    return places


def _give_way(stage: Stage, places: Mapping[int, set[int]]) -> None:
    pairs = [(part, place) for part, some in sorted(places.items()) for place in sorted(some)]
    table = pa.table(
        {
            "part_id": pa.array([part for part, _ in pairs], pa.int64()),
            "place": pa.array([place for _, place in pairs], pa.int64()),
        }
    )
    stage.engine.load("giving_way", table)
    stage.engine.insert("replayed", query("SELECT * FROM giving_way"))
    stage.engine.drop("giving_way")
