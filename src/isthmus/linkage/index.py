"""The index of persons: numbers that stay, whatever is linked anew, and the history of what was merged and split.

Records keep the numbers of their sites; the index says which person each record is of, since which edition. A person's
number goes with most of its records, and is never given to another.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import IntegrityError
from isthmus.base.identity import digest63

LINKS = pa.schema([("record_id", pa.int64()), ("person", pa.int64()), ("since", pa.int64()), ("why", pa.string())])
"""Each record once: its person, since which edition, and why: new, merged, split, or moved."""
EVENTS = pa.schema(
    [("edition", pa.int64()), ("event", pa.string()), ("person", pa.int64()), ("other", pa.int64()),
     ("records", pa.int64())]
)  # fmt: skip
"""What happened to persons: `created`; `merged`, `other` having gone into `person`; `split`, `other` having come out of
it; `moved`, some records of `person` having gone over to `other`, which was there. `records` is how many."""


@dataclass(frozen=True, slots=True)
class Index:
    """The links as they are (schema LINKS), and all events so far, oldest first (schema EVENTS)."""

    links: pa.Table
    events: pa.Table


EMPTY = Index(LINKS.empty_table(), EVENTS.empty_table())


def renewed(former: Index, members: pa.Table, edition: int, *, given: pa.ChunkedArray | None = None) -> Index:
    """The index over new clusters (`record_id`, `cluster`), which hold every record that it knew, and others perhaps.

    With a column `own`, the number that the record's site gave its person: a new person gets that of its first record,
    and where two have as many of a former person's records, the number stays with whose own it is.

    Where only some records are looked at, all that those persons have, `given` are the numbers of the other persons.

    :raises IntegrityError: if a record that the index knows is in no cluster.
    """
    known = pc.index_in(former.links["record_id"], members["record_id"].combine_chunks())
    if known.null_count:
        raise IntegrityError(f"{known.null_count} records of the index are in no cluster. Link all records at once.")
    at = pc.index_in(members["record_id"], former.links["record_id"].combine_chunks()).combine_chunks()
    was = former.links["person"].combine_chunks().take(at)
    own = members["own"] if "own" in members.column_names else pa.nulls(len(members), pa.int64())
    table = pa.table({"record_id": members["record_id"], "cluster": members["cluster"], "was": was, "own": own})
    settled = _settled(table)
    moving = table.filter(pc.invert(settled))
    others = [former.links["person"], *([given] if given is not None else [])]
    person = _persons(moving, [*others, former.events["person"], former.events["other"]], edition)
    now = pa.array([person[one] for one in moving["cluster"].to_pylist()], pa.int64())
    moving = moving.append_column("now", now)
    events = _events(moving, set(pc.unique(former.links["person"]).to_pylist()), edition)
    links = pa.concat_tables([_as_they_were(former, at, settled), _moved(former, at, settled, moving, events, edition)])
    return Index(links.sort_by("record_id"), pa.concat_tables([former.events, events]))


def _settled(table: pa.Table) -> pa.ChunkedArray:
    """Which records are in a cluster that has all records of one former person, and no others."""
    by_cluster = table.group_by("cluster").aggregate(
        [("was", "min"), ("was", "max"), ("was", "count"), ([], "count_all")]
    )
    by_person = table.group_by("was").aggregate([("cluster", "min"), ("cluster", "max")])
    alike = pc.and_(
        pc.equal(by_cluster["was_min"], by_cluster["was_max"]),
        pc.equal(by_cluster["was_count"], by_cluster["count_all"]),
    )
    whole = by_cluster.filter(pc.fill_null(alike, False))["cluster"].combine_chunks()
    within = pc.equal(by_person["cluster_min"], by_person["cluster_max"])
    undivided = by_person.filter(pc.and_(within, by_person["was"].is_valid()))["was"].combine_chunks()
    return pc.and_(pc.is_in(table["cluster"], whole), pc.is_in(table["was"], undivided))


def _as_they_were(former: Index, at: pa.Array, settled: pa.ChunkedArray) -> pa.Table:
    return former.links.take(at.filter(settled.combine_chunks()))


def _moved(
    former: Index, at: pa.Array, settled: pa.ChunkedArray, moving: pa.Table, events: pa.Table, edition: int
) -> pa.Table:  # fmt: skip
    """The links of records whose clusters are not what they were."""
    before = former.links.take(at.filter(pc.invert(settled).combine_chunks()))
    was, now = moving["was"], moving["now"]
    stays = pc.fill_null(pc.equal(now, was), False)
    reason = {(row["person"], row["other"]): row["event"] for row in events.to_pylist()}
    why = [_why(old, new, reason) for old, new in zip(was.to_pylist(), now.to_pylist(), strict=True)]
    return pa.table(
        [moving["record_id"], now, pc.if_else(stays, before["since"], edition),
         pc.if_else(stays, before["why"], pa.array(why, pa.string()))], schema=LINKS
    )  # fmt: skip


def current(events: pa.Table, person: int) -> int:
    """The number that a person has by now: its own, or that into which it was merged last."""
    merged = {row["other"]: row["person"] for row in events.to_pylist() if row["event"] == "merged"}
    while person in merged:
        person = merged[person]
    return person


def _persons(table: pa.Table, numbers: Sequence[pa.ChunkedArray], edition: int) -> Mapping[int, int]:
    """The number of each cluster: that of the former person of whom it holds most, or one that was never given."""
    home = pc.fill_null(pc.equal(table["own"], table["was"]), False).cast(pa.int8())
    shared = table.append_column("home", home).filter(table["was"].is_valid()).group_by(["cluster", "was"])
    shared = shared.aggregate([("record_id", "count"), ("home", "max")]).sort_by(
        [("record_id_count", "descending"), ("home_max", "descending"), ("was", "ascending"), ("cluster", "ascending")]
    )
    person: dict[int, int] = {}
    taken: set[int] = set()
    for cluster, was in zip(shared["cluster"].to_pylist(), shared["was"].to_pylist(), strict=True):
        if cluster not in person and was not in taken:
            person[cluster] = was
            taken.add(was)
    given = taken.union(*(pc.unique(one).to_pylist() for one in numbers))
    first = table.filter(pc.equal(table["record_id"], table["cluster"]))
    own = dict(zip(first["cluster"].to_pylist(), first["own"].to_pylist(), strict=True))
    for cluster in sorted(set(table["cluster"].to_pylist()) - person.keys()):
        fresh = own.get(cluster) or digest63("person", str(cluster), str(edition))
        while fresh in given:
            fresh = digest63("person", str(cluster), str(edition), str(fresh))
        person[cluster] = fresh
        given.add(fresh)
    return person


def _events(table: pa.Table, former: set[int], edition: int) -> pa.Table:
    """What happened between the former persons and those of now."""
    counted = pc.value_counts(table["now"].combine_chunks())
    size = dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    moves = _moves(table)
    rows: list[tuple[int, str, int, int | None, int]] = []
    for was, there in moves.items():
        # Where all its records are in others, it was merged into the one that has most of them.
        into = None if was in size else min(there, key=lambda one: (-there[one], one))
        for now, count in there.items():
            if now == into:
                rows.append((edition, "merged", now, was, count))
            else:
                rows.append((edition, "moved" if now in former else "split", was, now, count))
    known = former.union(*moves.values())
    rows += [(edition, "created", one, None, size[one]) for one in sorted(size) if one not in known]
    if not rows:
        return EVENTS.empty_table()
    return pa.table([pa.array(column) for column in zip(*rows, strict=True)], schema=EVENTS)


def _moves(table: pa.Table) -> dict[int, dict[int, int]]:
    """By former person, how many of its records are of which other person now."""
    left = table.filter(pc.fill_null(pc.not_equal(table["was"], table["now"]), False))
    counted = left.group_by(["was", "now"]).aggregate([("record_id", "count")])
    found: defaultdict[int, dict[int, int]] = defaultdict(dict)
    for row in counted.sort_by([("was", "ascending"), ("now", "ascending")]).to_pylist():
        found[row["was"]][row["now"]] = row["record_id_count"]
    return found


def _why(old: int | None, new: int, reason: Mapping[tuple[int, int | None], str]) -> str:
    if old is None:
        return "new"
    return reason.get((new, old)) or reason.get((old, new)) or ""
