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


@dataclass(frozen=True, slots=True)
class Records:
    """`rows`: identity_id, person_id, print and record_id of every record. `said`: the records that stand for them.

    `merges` are pairs of sites' persons of whom their hospital says that they are one.
    """

    rows: pa.Table
    said: pa.Table
    merges: Sequence[Pair]

    def number_of(self) -> dict[int, int]:
        """The record that stands for each record."""
        return dict(zip(self.rows["identity_id"].to_pylist(), self.rows["record_id"].to_pylist(), strict=True))

    def hospitals(self) -> set[Pair]:
        """The pairs of records that hospitals call one person: those under one number, and those merged."""
        by_person: dict[int, list[int]] = {}
        ids, persons = self.said["record_id"].to_pylist(), self.said["person_id"].to_pylist()
        for record, person in zip(ids, persons, strict=True):
            by_person.setdefault(person, []).append(record)
        pairs = {(several[0], one) for several in by_person.values() for one in several[1:]}
        for one, other in self.merges:
            if one in by_person and other in by_person:
                pairs.add((by_person[one][0], by_person[other][0]))
        return {(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]}


def read(lake: Lake, engine: Engine) -> Records:
    """The records of identity as the lake has them now."""
    files = [lake.root / one.path for one in lake.deltas.files("identity")]
    engine.view("identity", files, empty=IDENTITY)
    engine.create("folded", query(FOLDED))
    rows = engine.rows(query("SELECT identity_id, person_id, print, record_id FROM folded ORDER BY identity_id"))
    said = engine.rows(
        query(
            f"SELECT record_id, person_id, site, {listed(SAID)} FROM folded WHERE identity_id = record_id "
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
