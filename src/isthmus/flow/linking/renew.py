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
from isthmus.flow.linking.forms import PRINT, Forms
from isthmus.flow.linking.kept import Kept
from isthmus.flow.linking.records import Records
from isthmus.flow.linking.state import NOTE, State, opened, scored_schema, state_of, within
from isthmus.flow.linking.verdict import verdicts
from isthmus.flow.schema import LINKED, LINKED_ORDER, PERSON_ALIAS
from isthmus.flow.stage import file_of
from isthmus.flow.statement import listed, query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine, lent
from isthmus.linkage.cluster import Clusters, clusters, patched, reached
from isthmus.linkage.decide import DECIDED, decided, queue, without
from isthmus.linkage.index import LINKS, Index, renewed
from isthmus.linkage.model import score, score_new, weight

KEYS = ["record_id", PRINT]


@dataclass(frozen=True, slots=True)
class Linked:
    """What a linkage came to. `joined`: sites' persons who are one with another; `merged`, `split`: in this edition.

    `waiting` are pairs for a person to look at, `refused` links that a constraint forbade, `parted` sites' persons
    whose own records cannot be one person: nothing is joined with them. `scored` are the pairs looked at this time,
    `note` what the edition says of it.
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


@dataclass(frozen=True, slots=True)
class _Found:
    """`pairs` were ever scored, the last `scored` of them now. The records `these` were clustered now, by the pairs
    `laid`: scores with the decisions over them.
    """

    pairs: pa.Table
    scored: int
    these: pa.Array
    laid: pa.Table
    clusters: Clusters


def renew(workspace: Workspace, kept: Kept, *, progress: Progress | None = None) -> Linked:
    """Link the records as the lake has them, and write the tables. The lake must be being written."""
    progress = progress or Silence()
    progress.start("link", total=3, unit="steps")
    with workspace.lake.engine() as engine:
        current = workspace.lake.editions.current()
        state = state_of(workspace, engine, current)
        records = _read(workspace, engine, state, current)
        forms = Forms(workspace, engine, kept.model.rules, kept.columns)
        forms.complete(records)
        progress.advance("link")
        told, verdict = _decisions(workspace, records)
        under = {"model": kept.number, "verdicts": verdict}
        alike = under.items() <= state.note.items()
        found = _found(engine, forms, records, state, kept, told=told, alike=alike)
        progress.advance("link")
        number = current.number + 1 if current else 1
        index = _index(records, found, state, number)
        tables = _tables(records, found, index, state, kept)
        changed = _write(workspace, engine, tables, number, current)
        progress.finish("link")
        waiting = len(queue(without(found.pairs, told), found.clusters, kept.model.rules))
        waiting += len(verdicts(workspace).waiting)
        sites = len(engine.rows(query("SELECT DISTINCT site FROM identity WHERE same_person_id IS NULL")))
    events = index.events.filter(pc.equal(index.events["edition"], number))
    return _summed(records, found, events, tables, sites=sites, waiting=waiting, changed=changed, under=under)


def _read(workspace: Workspace, engine: Engine, state: State, current: Edition | None) -> Records:
    if current is None or not state.note:
        return identity.read(workspace.lake, engine)
    links = state.tables["person_link"]
    return identity.read(workspace.lake, engine, former=current.files("identity"), links=links)


def _found(
    engine: Engine, forms: Forms, records: Records, state: State, kept: Kept, *, told: pa.Table, alike: bool
) -> _Found:  # fmt: skip
    """Pairs and clusters: grown from the former ones where records only came and nothing else changed (`alike`)."""
    standing = state.standing()
    stands = records.stands
    stays = stands.select(KEYS).join(standing.select(KEYS), KEYS, join_type="left semi")["record_id"].combine_chunks()
    new = stands.filter(pc.invert(pc.is_in(stands["record_id"], stays)))
    pairs, scored = _pairs(engine, forms, state, kept, stays=stays, new=new)
    known, constrained = stands["record_id"].combine_chunks(), ("record_id", "site", *forms.rules.differ)
    if not alike or not len(standing) or len(stays) < len(standing):
        laid = decided(pairs, told) if len(told) else pairs
        some = forms.rows(*constrained)
        return _Found(pairs, scored, known, laid, clusters(some, laid, forms.rules))
    former = state.clusters()
    seeds = known.filter(pc.is_in(stands["person_id"], new["person_id"].combine_chunks()).combine_chunks())
    links = pairs.slice(len(pairs) - scored)
    links = links.filter(pc.greater_equal(links["weight"], weight(forms.rules.link)))
    called = told.filter(told["same"])
    ties = pa.concat_tables([one.select(["l", "r"]) for one in (links, called)])
    seeds = pa.concat_arrays([seeds, _refused(former, called)])
    these = known.filter(reached(former, known, seeds, ties))
    laid, said = within(pairs, these), within(told, these)
    laid = decided(laid, said) if len(said) else laid
    some = clusters(forms.some(pa.table({"record_id": these}), *constrained), laid, forms.rules)
    return _Found(pairs, scored, these, laid, patched(former, known, some))


def _refused(former: Clusters, called: pa.Table) -> pa.Array:
    """The left records of pairs that are called one person and are not: the pair tables do not keep why."""
    ids, cluster = (former.members[name].combine_chunks() for name in ("record_id", "cluster"))
    left, right = (cluster.take(pc.index_in(called[side], ids).combine_chunks()) for side in "lr")
    return called["l"].filter(pc.fill_null(pc.not_equal(left, right), False)).combine_chunks()


def _pairs(
    engine: Engine, forms: Forms, state: State, kept: Kept, *, stays: pa.Array, new: pa.Table
) -> tuple[pa.Table, int]:  # fmt: skip
    """All scored pairs of the records, and how many of them were scored this time; these are the last."""
    if state.note.get("model") != kept.number or not len(stays):
        with lent(engine) as connection:
            scored = score(connection, forms.rows(), kept.model)
        return _ordered(scored, kept), len(scored)
    before = opened(within(state.tables["person_pair"], stays), kept)
    if not len(new):
        return before, 0
    known, fresh = forms.parted(new.select(["record_id"]))
    with lent(engine) as connection:
        scored = score_new(connection, known, fresh, kept.model)
    return pa.concat_tables([before, _ordered(scored, kept)]), len(scored)


def _ordered(scored: pa.Table, kept: Kept) -> pa.Table:
    return scored.select(["l", "r", "weight", *kept.steps]).cast(scored_schema(kept))


def _decisions(workspace: Workspace, records: Records) -> tuple[pa.Table, int]:
    """What is decided of pairs (schema DECIDED), by the hospitals, and over them by people.

    And a digest of what of it may change while no record does.
    """
    stands = sorted((pair, one.answer["same"]) for pair, one in verdicts(workspace).stands.items())
    sides = [records.standing([pair[side] for pair, _ in stands]) for side in (0, 1)]
    over = {
        (min(left, right), max(left, right)): same
        for left, right, (_, same) in zip(*sides, stands, strict=True)
        if left is not None and right is not None and left != right
    }
    rows = [{"l": left, "r": right, "same": same} for (left, right), same in over.items()]
    said = pa.Table.from_pylist(rows, schema=DECIDED)
    called = without(records.hospitals(), said)
    called = called.append_column("same", pa.array([True] * len(called), pa.bool_()))
    told = pa.concat_tables([called, said.filter(said["same"].is_valid())])
    merges = sorted(records.merges)
    return told, digest63(str(stands), str(merges)) if stands or merges else 0


def _index(records: Records, found: _Found, state: State, number: int) -> Index:
    """The index over the records that were clustered now, those included for which another stands."""
    rows, links = _touched(records, found), state.tables["person_link"]
    at = pc.index_in(rows["record_id"], found.clusters.members["record_id"].combine_chunks())
    cluster = found.clusters.members["cluster"].combine_chunks().take(at.combine_chunks())
    members = pa.table({"record_id": rows["identity_id"], "cluster": cluster, "own": rows["person_id"]})
    touched = pc.is_in(links["identity_id"], rows["identity_id"].combine_chunks())
    former = links.filter(touched).select(["identity_id", "person", "since", "why"]).rename_columns(LINKS.names)
    others = links["person"].filter(pc.invert(touched))
    return renewed(Index(former.combine_chunks(), state.tables["person_event"]), members, number, given=others)


def _touched(records: Records, found: _Found) -> pa.Table:
    return records.rows.filter(pc.is_in(records.rows["record_id"], found.these))


def _tables(
    records: Records, found: _Found, index: Index, state: State, kept: Kept
) -> dict[str, pa.Table]:  # fmt: skip
    grouped, pairs, touched = found.clusters, found.pairs, _touched(records, found)
    rows = touched.take(pc.index_in(index.links["record_id"], touched["identity_id"].combine_chunks()).combine_chunks())
    place = pc.index_in(rows["record_id"], grouped.members["record_id"].combine_chunks()).combine_chunks()
    best = _strongest(found).take(pc.index_in(rows["record_id"], found.these).combine_chunks())
    link = [index.links["record_id"], rows["person_id"], index.links["person"], index.links["since"],
            index.links["why"], best, rows["record_id"], grouped.members["cluster"].combine_chunks().take(place),
            rows["print"]]  # fmt: skip
    former = state.tables["person_link"]
    stays = pc.and_(pc.is_in(former["identity_id"], records.rows["identity_id"].combine_chunks()),
                    pc.invert(pc.is_in(former["record_id"], found.these)))  # fmt: skip
    flat = np.stack([pairs[name].to_numpy() for name in kept.steps], axis=1).ravel()
    offsets = pa.array(np.arange(len(pairs) + 1) * len(kept.steps), pa.int32())
    steps = pa.ListArray.from_arrays(offsets, pa.array(flat, pa.float32()))
    events = index.events.filter(pc.not_equal(index.events["event"], "created"))
    linked = pa.concat_tables([former.filter(stays), pa.table(link, schema=LINKED["person_link"])])
    return {
        "person_link": linked,
        "person_event": events,
        "person_pair": pa.table(
            [pairs["l"], pairs["r"], pairs["weight"], steps, _reasons(pairs, grouped.cut)], schema=LINKED["person_pair"]
        ),
        "person_alias": _alias(linked),
    }


def _reasons(pairs: pa.Table, cut: pa.Table) -> pa.Array:
    """Why each pair was not made a link, null for most."""
    near = pc.is_in(pairs["l"], cut["l"].combine_chunks()).combine_chunks()
    reason = {(row["l"], row["r"]): row["reason"] for row in cut.to_pylist()}
    some = zip(*(pairs[side].filter(near).to_pylist() for side in "lr"), strict=True)
    told = pa.array([reason.get(pair) for pair in some], pa.string())
    return pc.replace_with_mask(pa.nulls(len(pairs), pa.string()), near, told)


def _strongest(found: _Found) -> pa.Array:
    """The weight of the strongest link of each record clustered now; null of one that is alone."""
    members = found.clusters.members
    at = pc.index_in(found.these, members["record_id"].combine_chunks())
    cluster = members["cluster"].combine_chunks().take(at)
    left, right = (pc.index_in(found.laid[side], found.these).combine_chunks() for side in "lr")
    inside = pc.equal(cluster.take(left), cluster.take(right))
    best = np.full(len(found.these), -np.inf)
    value = found.laid["weight"].to_numpy()
    for side in (left, right):
        np.maximum.at(best, side.filter(inside).to_numpy(), value[inside.to_numpy(zero_copy_only=False)])
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
    records: Records, found: _Found, events: pa.Table, tables: Mapping[str, pa.Table], *, sites: int, waiting: int,
    changed: bool, under: Mapping[str, object]
) -> Linked:  # fmt: skip
    count = dict.fromkeys(("merged", "split", "moved"), 0)
    for one in pc.value_counts(events["event"].combine_chunks()).to_pylist():
        count[one["values"]] = one["counts"]
    links, alias = tables["person_link"], tables["person_alias"]
    pairs = links.group_by(["person_id", "person"]).aggregate([])
    size = alias.group_by("person").aggregate([("person_id", "count")])
    refused = pc.sum(pc.equal(found.clusters.cut["reason"], "constraint")).as_py() or 0
    counted = {
        "records": len(links), "persons": len(pc.unique(links["person"])), "merged": count["merged"],
        "split": count["split"], "waiting": waiting,
    }  # fmt: skip
    return Linked(
        **counted, sites=sites, moved=count["moved"], refused=refused,
        joined=pc.sum(size.filter(pc.greater(size["person_id_count"], 1))["person_id_count"]).as_py() or 0,
        parted=len(pairs) - len(pc.unique(pairs["person_id"])), scored=found.scored, changed=changed,
        note={**under, **counted},
    )  # fmt: skip
