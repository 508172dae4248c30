"""One linkage: records of identity as they are now → pairs, clusters, the index of persons, and what the gate joins by.

It goes on from the published edition: pairs that were scored are not scored again, numbers of persons stay. Its four
tables are written whole, and the same as before where nothing changed; whoever publishes takes them into the edition.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.identity import digest63
from isthmus.base.progress import Progress, Silence
from isthmus.flow.linking import records as identity
from isthmus.flow.linking.kept import Kept
from isthmus.flow.linking.records import Records
from isthmus.flow.linking.state import NOTE, State, opened, scored_schema, state_of
from isthmus.flow.linking.verdict import Pair, verdicts
from isthmus.flow.schema import LINKED, LINKED_ORDER, PERSON_ALIAS
from isthmus.flow.stage import file_of
from isthmus.flow.statement import listed, query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine, lent
from isthmus.linkage.cluster import Clusters, clusters, grown
from isthmus.linkage.decide import DECIDED, decided, queue
from isthmus.linkage.index import LINKS, Index, renewed
from isthmus.linkage.model import score, score_new
from isthmus.linkage.normal import normal


@dataclass(frozen=True, slots=True)
class Linked:
    """What a linkage came to. `joined`: sites' persons who are one with another; `merged`, `split`: in this edition.

    `waiting` are pairs for a person to look at, `refused` links that a constraint forbade, `parted` sites' persons
    whose own records cannot be one person: nothing is joined with them. `scored` are the pairs looked at this time.
    """

    records: int
    persons: int
    sites: int
    joined: int
    merged: int
    split: int
    moved: int
    waiting: int
    refused: int
    parted: int
    scored: int
    changed: bool
    note: Mapping[str, object]


def renew(workspace: Workspace, kept: Kept, *, progress: Progress | None = None) -> Linked:
    """Link the records as the lake has them, and write the tables. The lake must be being written."""
    progress = progress or Silence()
    progress.start("link", total=3, unit="steps")
    with workspace.lake.engine() as engine:
        current = workspace.lake.editions.current()
        state = state_of(workspace, engine, current)
        found = identity.read(workspace.lake, engine)
        again = state.note.get("model") != kept.number
        pairs, fresh = _pairs(engine, found, state, kept, again=again)
        progress.advance("link")
        told = _decisions(workspace, found)
        note = {"model": kept.number, "verdicts": digest63(*map(str, sorted(told.items()))) if told else 0}
        laid = decided(pairs, _table(told)) if told else pairs
        grouped = _clusters(found, laid, state, kept, same=not told and not again and not state.note.get("verdicts"))
        progress.advance("link")
        number = current.number + 1 if current else 1
        index = _index(found, grouped, state, number)
        tables = _tables(found, laid, pairs, grouped, index, kept)
        changed = _write(workspace, engine, tables, number, current)
        progress.finish("link")
        waiting = len(queue(laid, grouped, kept.model.rules)) + len(verdicts(workspace).waiting)
    events = index.events.filter(pc.equal(index.events["edition"], number))
    return _summed(found, grouped, events, tables, waiting=waiting, scored=fresh, changed=changed, note=note)


def _normal(found: Records, kept: Kept) -> pa.Table:
    said = found.said.select(["record_id", "site", *kept.columns])
    return normal(said, kept.model.rules.fields)


def _pairs(engine: Engine, found: Records, state: State, kept: Kept, *, again: bool) -> tuple[pa.Table, int]:
    """All scored pairs of the records, and how many of them were scored this time."""
    records = _normal(found, kept)
    links = state.tables["person_link"]
    was = links.filter(pc.equal(links["identity_id"], links["record_id"]))
    stays = found.rows.select(["record_id", "print"]).join(
        was.select(["record_id", "print"]), ["record_id", "print"], join_type="left semi"
    )["record_id"].combine_chunks()  # fmt: skip
    known = pc.is_in(records["record_id"], stays)
    old, new = records.filter(known), records.filter(pc.invert(known))
    if again or not len(old):
        with lent(engine) as connection:
            scored = score(connection, records, kept.model)
        return _ordered(scored, kept), len(scored)
    before = state.tables["person_pair"]
    before = opened(before.filter(pc.and_(pc.is_in(before["l"], stays), pc.is_in(before["r"], stays))), kept)
    if not len(new):
        return before, 0
    with lent(engine) as connection:
        scored = score_new(connection, old, new, kept.model)
    return pa.concat_tables([before, _ordered(scored, kept)]), len(scored)


def _ordered(scored: pa.Table, kept: Kept) -> pa.Table:
    return scored.select(["l", "r", "weight", *kept.steps]).cast(scored_schema(kept))


def _decisions(workspace: Workspace, found: Records) -> dict[Pair, bool]:
    """What is decided by pair: by the hospitals, and over them by people."""
    stands_for = found.number_of()
    told = dict.fromkeys(found.hospitals(), True)
    for pair, one in verdicts(workspace).stands.items():
        left, right = (stands_for.get(each) for each in pair)
        if left is None or right is None or left == right:
            continue
        now = (min(left, right), max(left, right))
        if one.answer["same"] is None:
            told.pop(now, None)
        else:
            told[now] = bool(one.answer["same"])
    return told


def _table(told: Mapping[Pair, bool]) -> pa.Table:
    rows = [(left, right, same) for (left, right), same in sorted(told.items())]
    return pa.table([pa.array(column) for column in zip(*rows, strict=True)], schema=DECIDED)


def _clusters(found: Records, laid: pa.Table, state: State, kept: Kept, *, same: bool) -> Clusters:
    """The clusters: grown from the former ones where records only came, else all anew."""
    links = state.tables["person_link"]
    was = links.filter(pc.equal(links["identity_id"], links["record_id"]))
    records = _constrained(found, kept)
    there = pc.sum(pc.is_in(was["record_id"], records["record_id"].combine_chunks())).as_py() or 0
    unaltered = was.select(["record_id", "print"]).join(
        found.rows.select(["record_id", "print"]), ["record_id", "print"], join_type="left anti"
    )  # fmt: skip
    if not same or not len(was) or there < len(was) or len(unaltered):
        return clusters(records, laid, kept.model.rules)
    return grown(state.clusters(), records, laid, kept.model.rules)


def _constrained(found: Records, kept: Kept) -> pa.Table:
    """The records with what constraints look at."""
    return _normal(found, kept).select(["record_id", "site", *kept.model.rules.differ])


def _index(found: Records, grouped: Clusters, state: State, number: int) -> Index:
    """The index over all records, those included for which another stands."""
    at = pc.index_in(found.rows["record_id"], grouped.members["record_id"].combine_chunks())
    cluster = grouped.members["cluster"].combine_chunks().take(at.combine_chunks())
    members = pa.table({"record_id": found.rows["identity_id"], "cluster": cluster, "own": found.rows["person_id"]})
    links = state.tables["person_link"]
    there = links.filter(pc.is_in(links["identity_id"], found.rows["identity_id"].combine_chunks()))
    former = there.select(["identity_id", "person", "since", "why"]).rename_columns(LINKS.names)
    return renewed(Index(former.combine_chunks(), state.tables["person_event"]), members, number)


def _tables(
    found: Records, laid: pa.Table, pairs: pa.Table, grouped: Clusters, index: Index, kept: Kept
) -> dict[str, pa.Table]:  # fmt: skip
    at = pc.index_in(index.links["record_id"], found.rows["identity_id"].combine_chunks()).combine_chunks()
    rows = found.rows.take(at)
    place = pc.index_in(rows["record_id"], grouped.members["record_id"].combine_chunks()).combine_chunks()
    weight = _strongest(laid, grouped).take(place)
    link = [index.links["record_id"], rows["person_id"], index.links["person"], index.links["since"],
            index.links["why"], weight, rows["record_id"], grouped.members["cluster"].combine_chunks().take(place),
            rows["print"]]  # fmt: skip
    flat = np.stack([pairs[name].to_numpy() for name in kept.steps], axis=1).ravel()
    offsets = pa.array(np.arange(len(pairs) + 1) * len(kept.steps), pa.int32())
    steps = pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float32()))
    reasons = pairs.select(["l", "r"]).append_column("row", pa.array(np.arange(len(pairs))))
    reasons = reasons.join(grouped.cut.select(["l", "r", "reason"]), ["l", "r"]).sort_by("row")
    events = index.events.filter(pc.not_equal(index.events["event"], "created"))
    linked = pa.table(link, schema=LINKED["person_link"])
    return {
        "person_link": linked,
        "person_event": events,
        "person_pair": pa.table(
            [pairs["l"], pairs["r"], pairs["weight"], steps, reasons["reason"]], schema=LINKED["person_pair"]
        ),
        "person_alias": _alias(linked),
    }


def _strongest(laid: pa.Table, grouped: Clusters) -> pa.Array:
    """The weight of each clustered record's strongest link; null of one that is alone."""
    ids, cluster = (grouped.members[name].combine_chunks() for name in ("record_id", "cluster"))
    left, right = (pc.index_in(laid[side], ids).combine_chunks() for side in "lr")
    inside = pc.equal(cluster.take(left), cluster.take(right))
    best = np.full(len(ids), -np.inf)
    weight = laid["weight"].to_numpy()
    for side in (left, right):
        np.maximum.at(best, side.filter(inside).to_numpy(), weight[inside.to_numpy(zero_copy_only=False)])
    return pa.array(best, mask=~np.isfinite(best))


def _alias(linked: pa.Table) -> pa.Table:
    """The sites' persons who have company, or another number. One whose own records part joins with nobody."""
    pairs = linked.group_by(["person_id", "person"]).aggregate([])
    several = pairs.group_by("person_id").aggregate([("person", "count")])
    parted = several.filter(pc.greater(several["person_count"], 1))["person_id"].combine_chunks()
    held = pairs.filter(pc.is_in(pairs["person_id"], parted))["person"].combine_chunks()
    pairs = pairs.filter(pc.invert(pc.is_in(pairs["person"], held)))
    size = pairs.group_by("person").aggregate([("person_id", "count")])
    crowd = size.filter(pc.greater(size["person_id_count"], 1))["person"].combine_chunks()
    moved = pc.or_(pc.is_in(pairs["person"], crowd), pc.not_equal(pairs["person"], pairs["person_id"]))
    return pairs.filter(moved).select(PERSON_ALIAS.names).cast(PERSON_ALIAS).sort_by("person_id")


def _write(
    workspace: Workspace, engine: Engine, tables: Mapping[str, pa.Table], number: int, current: Edition | None
) -> bool:  # fmt: skip
    """Put the tables into the lake in place of what it has; whether they differ from those of the edition."""
    lake, changed = workspace.lake, False
    for name, rows in tables.items():
        engine.load("linked", rows)
        ordered = query(f"SELECT {listed(LINKED[name].names)} FROM linked ORDER BY {listed(LINKED_ORDER[name])}")
        path, count = engine.write(ordered, lake.staging / NOTE)
        engine.drop("linked")
        file = file_of(name, None, path, count)
        (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
        path.replace(lake.root / file.path)
        there = lake.deltas.files(name)
        if [one.path for one in there] != [file.path]:
            gone = [one for one in there if one.path != file.path]
            added = [] if any(one.path == file.path for one in there) else [file]
            batch = f"l{number}-{file.sha256[:16]}-{lake.deltas.version(name)}"
            lake.deltas.commit(name, LINKED[name], add=added, remove=gone, batch=batch)
        changed |= [one.path for one in (current.files(name) if current else ())] != [file.path]
    return changed


def _summed(
    found: Records, grouped: Clusters, events: pa.Table, tables: Mapping[str, pa.Table], *, waiting: int, scored: int,
    changed: bool, note: Mapping[str, object]
) -> Linked:  # fmt: skip
    count = dict.fromkeys(("merged", "split", "moved"), 0)
    for one in pc.value_counts(events["event"].combine_chunks()).to_pylist():
        count[one["values"]] = one["counts"]
    links, alias = tables["person_link"], tables["person_alias"]
    pairs = links.group_by(["person_id", "person"]).aggregate([])
    size = alias.group_by("person").aggregate([("person_id", "count")])
    refused = pc.sum(pc.equal(grouped.cut["reason"], "constraint")).as_py() or 0
    return Linked(
        records=len(links), persons=len(pc.unique(links["person"])), sites=len(pc.unique(found.said["site"])),
        joined=pc.sum(size.filter(pc.greater(size["person_id_count"], 1))["person_id_count"]).as_py() or 0,
        merged=count["merged"], split=count["split"], moved=count["moved"], waiting=waiting, refused=refused,
        parted=len(pairs) - len(pc.unique(pairs["person_id"])), scored=scored, changed=changed, note=note,
    )  # fmt: skip
