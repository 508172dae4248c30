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
from isthmus.lake.delta import DataFile
from isthmus.lake.engine import Engine
from isthmus.lake.lake import Lake
from isthmus.linkage.rules import PACKED
from isthmus.mapping.identity import TEXTS

SAID = tuple(name for name in TEXTS if name != "record_number")
HAN = r"\p{Han}"
PAIRS = pa.schema([("l", pa.int64()), ("r", pa.int64())])
ROWS = ("identity_id", "person_id", "print", "record_id")
# `print` tells whether two records say the same of one person.
PRINTED = f"""
    SELECT identity_id, person_id, isthmus_digest(concat_ws(chr(31), {", ".join(
        f"coalesce({name}, chr(30))" for name in SAID)})) AS print
    FROM {{identity}} WHERE same_person_id IS NULL
"""  # fmt: skip
FOLDED = "SELECT *, min(identity_id) OVER (PARTITION BY person_id, print) AS record_id FROM ({printed})"
# Of rows that went with their files, those that did not come again; of rows that came, those that are not as they were.
CHANGED = """
    SELECT identity_id FROM gone ANTI JOIN came USING (identity_id, person_id, print)
    UNION ALL SELECT l.identity_id FROM linked l JOIN came c USING (identity_id)
    WHERE (l.person_id, l.print) IS DISTINCT FROM (c.person_id, c.print)
"""
GROWN = """
    SELECT identity_id, person_id, print, record_id FROM linked ANTI JOIN came USING (identity_id)
    UNION ALL SELECT c.identity_id, c.person_id, c.print,
        coalesce(l.record_id, min(c.identity_id) OVER (PARTITION BY c.person_id, c.print))
    FROM came c LEFT JOIN (SELECT * FROM linked WHERE identity_id = record_id) l USING (person_id, print)
"""


@dataclass(frozen=True, slots=True)
class Records:
    """`rows`: identity_id, person_id, print and record_id of every record, by its id; `stands`, of those that stand for
    themselves and others. `merges` are pairs of sites' persons of whom their hospital says that they are one.
    """  # fmt: skip

    rows: pa.Table
    stands: pa.Table
    merges: Sequence[Pair]

    def standing(self, ids: Sequence[int]) -> list[int | None]:
        """The record that stands for each of these records; None for one that is not there."""
        at = pc.index_in(pa.array(ids, pa.int64()), self.rows["identity_id"].combine_chunks())
        return list(self.rows["record_id"].combine_chunks().take(at).to_pylist())

    def hospitals(self) -> pa.Table:
        """The pairs of records that hospitals call one person (schema PAIRS): those of one number, and those merged."""
        record, person = (self.stands[name].combine_chunks() for name in ("record_id", "person_id"))
        first = pa.table({"person": person, "record": record}).group_by("person").aggregate([("record", "min")])
        persons, head = first["person"].combine_chunks(), first["record_min"].combine_chunks()
        several = pa.table([head.take(pc.index_in(person, persons)), record], schema=PAIRS)
        sides = [pa.array([pair[side] for pair in self.merges], pa.int64()) for side in (0, 1)]
        one, other = (head.take(pc.index_in(side, persons)) for side in sides)
        merged = pa.table([pc.min_element_wise(one, other), pc.max_element_wise(one, other)], schema=PAIRS)
        there = pc.and_(pc.is_valid(one), pc.is_valid(other))
        both = pa.concat_tables([several, merged.filter(there)])
        return both.filter(pc.not_equal(both["l"], both["r"])).group_by(["l", "r"]).aggregate([])


def read(lake: Lake, engine: Engine, *, former: Sequence[DataFile] = (), links: pa.Table | None = None) -> Records:
    """The records of identity as the lake has them now, which the engine has as `identity` from here on.

    Where `links` (person_link) of an edition are given with its files of identity, only files that came or went since
    are read, unless a record has changed or is gone.
    """
    files = lake.deltas.files("identity")
    _view(lake, engine, "identity", files)
    rows = _grown(lake, engine, files, former, links) if links is not None and len(links) else None
    if rows is None:
        folded = FOLDED.format(printed=PRINTED.format(identity="identity"))
        rows = engine.rows(query(f"SELECT {listed(ROWS)} FROM ({folded}) ORDER BY identity_id"))
    merges = engine.rows(
        query("SELECT DISTINCT person_id, same_person_id FROM identity WHERE same_person_id IS NOT NULL ORDER BY ALL")
    )
    pairs = list(zip(*(merges[name].to_pylist() for name in merges.column_names), strict=True))
    return Records(rows, rows.filter(pc.equal(rows["identity_id"], rows["record_id"])), pairs)


def _grown(
    lake: Lake, engine: Engine, files: Sequence[DataFile], former: Sequence[DataFile], links: pa.Table
) -> pa.Table | None:  # fmt: skip
    """The rows after files have come or gone; None where a record is gone or not what it was."""
    now, before = {one.path for one in files}, {one.path for one in former}
    engine.load("linked", links.select(ROWS))
    for name, some in (
        ("came", [one for one in files if one.path not in before]),
        ("gone", [one for one in former if one.path not in now]),
    ):  # fmt: skip
        _view(lake, engine, f"{name}_file", some)
        engine.create(name, query(PRINTED.format(identity=f"{name}_file")))
    is_changed = len(engine.rows(query(f"{CHANGED} LIMIT 1"))) > 0
    rows = None if is_changed else engine.rows(query(f"SELECT * FROM ({GROWN}) ORDER BY identity_id"))
    for name in ("linked", "came", "gone"):
        engine.drop(name)
    return rows


def _view(lake: Lake, engine: Engine, name: str, files: Sequence[DataFile]) -> None:
    engine.view(name, [lake.root / one.path for one in files], empty=IDENTITY)


def said(engine: Engine, columns: Sequence[str], records: pa.Table) -> pa.Table:
    """What some records (`record_id`) say, by their ids; the engine has `identity`."""
    engine.load("asked", records.select(["record_id"]))
    names = f"record_id, site, {listed(columns)}"
    try:
        return engine.rows(
            query(f"SELECT {names} FROM identity JOIN asked ON record_id = identity_id ORDER BY record_id")
        )
    finally:
        engine.drop("asked")


def columns_of(engine: Engine) -> list[str]:
    """The columns in which any record says something."""
    counts = ", ".join(f"count({name}) AS {name}" for name in SAID)
    (row,) = engine.rows(query(f"SELECT {counts} FROM identity WHERE same_person_id IS NULL")).to_pylist()
    return [name for name in SAID if row[name]]


def usual(engine: Engine) -> str:
    """The rules that come along which suit the names: Chinese ones if most have a Chinese character."""
    names = engine.rows(query("SELECT name FROM identity WHERE name IS NOT NULL"))["name"]
    han = pc.sum(pc.match_substring_regex(names, pattern=HAN)).as_py() or 0
    chinese, western = PACKED
    return chinese if not len(names) or 2 * han >= len(names) else western
