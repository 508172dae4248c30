"""Records of table `identity` as the linkage takes them, and what the hospitals themselves say of them.

A person whom a site describes in the same words several times (at every stay) is looked at once: the record with the
smallest id stands for the others. What one site calls one person is one person, unless a constraint forbids it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.flow.linking.verdict import Pair
from isthmus.flow.schema import IDENTITY
from isthmus.flow.statement import listed, query
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake
from isthmus.linkage.rules import PACKED
from isthmus.mapping.identity import TEXTS

SAID = tuple(name for name in TEXTS if name != "record_number")
HAN = r"\p{Han}"
# `print` tells whether two records say the same of one person.
FOLDED = f"""
    SELECT *, min(identity_id) OVER (PARTITION BY person_id, print) AS record_id FROM (
        SELECT identity_id, person_id, site, {listed(SAID)}, isthmus_digest(concat_ws(chr(31), {", ".join(
            f"coalesce({name}, chr(30))" for name in SAID)})) AS print
        FROM identity WHERE same_person_id IS NULL
    )
"""  # fmt: skip


PAIRS = pa.schema([("l", pa.int64()), ("r", pa.int64())])


@dataclass(frozen=True, slots=True)
class Records:
    """`rows`: identity_id, person_id, print and record_id of every record. `said`: the records that stand for them.

    `merges` are pairs of sites' persons of whom their hospital says that they are one.
    """

    rows: pa.Table
    said: pa.Table
    merges: Sequence[Pair]

    def standing(self, ids: Sequence[int]) -> list[int | None]:
        """The record that stands for each of these records; None for one that is not there."""
        at = pc.index_in(pa.array(ids, pa.int64()), self.rows["identity_id"].combine_chunks())
        return list(self.rows["record_id"].combine_chunks().take(at).to_pylist())

    def hospitals(self) -> pa.Table:
        """The pairs of records that hospitals call one person (schema PAIRS): those of one number, and those merged."""
        record, person = (self.said[name].combine_chunks() for name in ("record_id", "person_id"))
        first = pa.table({"person": person, "record": record}).group_by("person").aggregate([("record", "min")])
        persons, head = first["person"].combine_chunks(), first["record_min"].combine_chunks()
        several = pa.table([head.take(pc.index_in(person, persons)), record], schema=PAIRS)
        sides = [pa.array([pair[side] for pair in self.merges], pa.int64()) for side in (0, 1)]
        one, other = (head.take(pc.index_in(side, persons)) for side in sides)
        merged = pa.table([pc.min_element_wise(one, other), pc.max_element_wise(one, other)], schema=PAIRS)
        there = pc.and_(pc.is_valid(one), pc.is_valid(other))
        both = pa.concat_tables([several, merged.filter(there)])
        return both.filter(pc.not_equal(both["l"], both["r"])).group_by(["l", "r"]).aggregate([])


def read(lake: Lake, engine: Engine) -> Records:
    """The records of identity as the lake has them now."""
    files = [lake.root / one.path for one in lake.deltas.files("identity")]
    engine.view("identity", files, empty=IDENTITY)
    engine.create("folded", query(FOLDED))
    rows = engine.rows(query("SELECT identity_id, person_id, print, record_id FROM folded ORDER BY identity_id"))
    said = engine.rows(
        query(
            f"SELECT record_id, person_id, site, print, {listed(SAID)} FROM folded WHERE identity_id = record_id "
            "ORDER BY record_id"
        )
    )
    merges = engine.rows(
        query("SELECT DISTINCT person_id, same_person_id FROM identity WHERE same_person_id IS NOT NULL ORDER BY ALL")
    )
    engine.drop("folded")
    return Records(rows, said, list(zip(*(merges[name].to_pylist() for name in merges.column_names), strict=True)))


def columns_of(said: pa.Table) -> list[str]:
    """The columns in which any record says something."""
    return [name for name in SAID if said[name].null_count < len(said)]


def usual(said: pa.Table) -> str:
    """The rules that come along which suit the names: Chinese ones if most have a Chinese character."""
    names = said["name"].drop_null()
    han = pc.sum(pc.match_substring_regex(names, pattern=HAN)).as_py() or 0
    chinese, western = PACKED
    return chinese if not len(names) or 2 * han >= len(names) else western
