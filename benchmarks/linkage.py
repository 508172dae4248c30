"""Precision and recall of the linkage: outside data with truth (febrl, fake_1000), and simulated hospitals.

Truth is held against pairs at thresholds of probability, and against the pairs that the clusters make. The simulation's
truth also says who are twins; pairs of records of two people that a linkage is most tempted by are counted by kind.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import csv

from benchmarks.claim import Bench, Row, seconds, spent
from benchmarks.linked import rows_of
from isthmus.cdm.identity.resident import residents
from isthmus.flow.linking.forms import GROUP
from isthmus.linkage import rules
from isthmus.linkage.block import keyed
from isthmus.linkage.bloom import alike, encode
from isthmus.linkage.cluster import Clusters, clusters, patched, reached
from isthmus.linkage.model import Model, score, score_new, train, weight
from isthmus.linkage.normal import normal
from isthmus.simulation.identities import Identities, identities

DATA = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data")) / "priv"
KEY = bytes(range(32))
MILLION = 417_000
"""People of whom there are a million records."""
KEPT = ("normal", "pairs", "members", "cut")
THRESHOLDS = (0.01, 0.5, 0.9, 0.99)
FEBRL = {"rec_id": "record_id", "date_of_birth": "birth_date", "soc_sec_id": "identifier", "address_1": "street"}
FAKE = {"unique_id": "record_id", "first_name": "given_name", "dob": "birth_date"}


@dataclass(frozen=True, slots=True)
class Case:
    """Records of identity, and the person of each, row by row."""

    name: str
    records: pa.Table
    person: pa.Array


@dataclass(frozen=True, slots=True)
class Rate:
    """How many pairs of records a linkage made, how many of them are of one person, and how many there are."""

    threshold: float
    made: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """The share of the pairs made that are right."""
        return self.right / self.made if self.made else 1.0

    @property
    def recall(self) -> float:
        """The share of the true pairs that were made."""
        return self.right / self.true if self.true else 1.0


def febrl(name: str, *files: str, folder: Path = DATA) -> Case:
    """One of febrl's data sets; the number in `rec-NUMBER-…` is the person."""
    tables = []
    for file in files:
        table = _texts(folder / "febrl" / file)
        tables.append(table.append_column("site", pa.array([file] * len(table))))
    records = pa.concat_tables(tables).rename_columns([FEBRL.get(column, column) for column in tables[0].column_names])
    number = pc.replace_substring_regex(records["record_id"], pattern=r"^rec-(\d+)-.*$", replacement=r"\1")
    return Case(name, records, number.combine_chunks())


def fake(folder: Path = DATA) -> Case:
    """Splink's fake_1000."""
    table = _texts(folder / "splink" / "fake_1000.csv")
    person = table["cluster"].combine_chunks()
    table = table.drop_columns(["cluster"])
    table = table.rename_columns([FAKE.get(column, column) for column in table.column_names])
    return Case("fake_1000", table.append_column("site", pa.array(["fake"] * len(table))), person)


def _texts(path: Path) -> pa.Table:
    """A CSV's columns as trimmed texts; an empty text is null."""
    table = csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))
    return pa.table(
        {name.strip(): pc.utf8_trim_whitespace(table[name].cast(pa.string())) for name in table.column_names}
    )


@dataclass(frozen=True, slots=True)
class Linked:
    """What a linkage gave: records in normal form, the model, scored pairs, clusters, and the seconds it took."""

    records: pa.Table
    model: Model
    scored: pa.Table
    clusters: Clusters
    seconds: float


def linked(case: Case, pack: str) -> Linked:
    """Train on a case's records, without its truth, score its pairs, and cluster them."""
    began = perf_counter()
    chosen = rules.packed(pack)
    records = normal(case.records, chosen.fields)
    with duckdb.connect() as connection:
        model = train(connection, records, chosen)
        scored = score(connection, records, model)
    found = clusters(records, scored, model.rules)
    return Linked(records, model, scored, found, perf_counter() - began)


def rates(case: Case, scored: pa.Table, thresholds: Sequence[float] = THRESHOLDS) -> list[Rate]:
    """Pairs at thresholds of probability, held against the truth."""
    same = _persons(case, scored["l"]) == _persons(case, scored["r"])
    weights = scored["weight"].to_numpy()
    found = []
    for threshold in thresholds:
        made = weights >= weight(threshold)
        found.append(Rate(threshold, int(made.sum()), int((made & same).sum()), _pairs(case.person)))
    return found


def clustered(case: Case, found: Linked) -> Rate:
    """The pairs that clusters make, held against the truth."""
    cluster = found.clusters.members["cluster"].combine_chunks()
    both = pc.binary_join_element_wise(cluster.cast(pa.string()), case.person.cast(pa.string()), "|")
    return Rate(found.model.rules.link, _pairs(cluster), _pairs(both), _pairs(case.person))


def hidden(case: Case, pack: str, left: str, right: str, key: bytes) -> tuple[Rate, float]:
    """Two sites linked by bit patterns alone, held against the truth; and the seconds."""
    began = perf_counter()
    chosen = rules.packed(pack)
    patterns = encode(normal(case.records, chosen.fields), chosen.encoding, key)
    one, other = (patterns.filter(pc.equal(patterns["site"], site)) for site in (left, right))
    found = alike(one, other, chosen.encoding.least)
    same = _persons(case, found["l"]) == _persons(case, found["r"])
    ours, theirs = (_persons(case, table["record_id"]) for table in (one, other))
    return Rate(0.5, len(found), int(same.sum()), int(np.isin(ours, theirs).sum())), perf_counter() - began


def _pairs(groups: pa.Array) -> int:
    """How many pairs of rows are of one group."""
    sizes = pc.value_counts(groups).field("counts").to_numpy().astype(np.int64)
    return int((sizes * (sizes - 1) // 2).sum())


def _persons(case: Case, ids: pa.ChunkedArray) -> np.ndarray:
    codes = pc.dictionary_encode(case.person).indices
    rows = pc.index_in(ids, case.records["record_id"].combine_chunks())
    return np.asarray(codes.take(rows.combine_chunks()).to_numpy(zero_copy_only=False))


def cases(folder: Path = DATA) -> Iterator[Case]:
    """The outside cases."""
    yield febrl("febrl1", "dataset1.csv", folder=folder)
    yield febrl("febrl2", "dataset2.csv", folder=folder)
    yield febrl("febrl3", "dataset3.csv", folder=folder)
    yield febrl("febrl4", "dataset4a.csv", "dataset4b.csv", folder=folder)
    yield fake(folder)


KINDS = {
    "twins": "a.twin = b.person",
    "one family, one name but for a character": "a.household = b.household AND a.twin <> b.person AND a.surname = "
    "b.surname AND (a.first = b.first OR a.second = b.second)",
    "one family, one name": "a.household = b.household AND a.twin <> b.person AND a.name = b.name",
    "strangers of one name, born in one year": "a.household <> b.household AND a.name = b.name AND a.year = b.year",
    "others": "a.household <> b.household AND a.name <> b.name",
}
"""Pairs of records of two people. Of others only those are counted that were merged."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Pairs of records of two people of some kind: how many there are (-1: not counted), and how many were merged."""

    name: str
    there: int
    merged: int


def tempted(drawn: Identities, found: Linked) -> list[Kind]:
    """What became of the pairs that tempt a linkage."""
    table = pa.table(
        {
            "person": drawn.truth["person"], "household": drawn.truth["household"], "twin": drawn.truth["twin"],
            "cluster": found.clusters.members["cluster"], "name": found.records["name"],
            "surname": found.records["name_surname"], "first": found.records["name_first"],
            "second": found.records["name_second"], "year": pc.utf8_slice_codeunits(found.records["birth_date"], 0, 4),
        }
    )  # fmt: skip
    with duckdb.connect() as connection:
        connection.register("t", table)

        def counted(condition: str) -> int:
            said = f"SELECT count(*) FROM t a JOIN t b ON {condition} AND a.person < b.person"
            return int((connection.execute(said).fetchone() or (0,))[0])

        return [
            Kind(name, -1 if name == "others" else counted(said), counted(f"a.cluster = b.cluster AND {said}"))
            for name, said in KINDS.items()
        ]


def two_numbers(drawn: Identities, found: Linked) -> int:
    """How many clusters hold two valid resident numbers, as they are written."""
    numbers = residents(drawn.records["resident_id"].combine_chunks())["number"]
    table = pa.table({"cluster": found.clusters.members["cluster"], "number": numbers})
    table = table.filter(table["number"].is_valid())
    pairs = table.group_by(["cluster", "number"]).aggregate([])
    return len(pairs) - int(pc.count_distinct(pairs["cluster"]).as_py())


def outside(name: str) -> dict[str, Any]:
    """The job of one outside case."""
    case = next(one for one in cases() if one.name == name)
    found = linked(case, "western")
    return {
        "seconds": found.seconds, "records": len(case.records), "clusters": _said(clustered(case, found)),
        "thresholds": {str(rate.threshold): _said(rate) for rate in rates(case, found.scored)},
    }  # fmt: skip


def added(persons: int, sites: int, folder: str, seed: int = 7) -> dict[str, Any]:
    """The job of the newest hundredth of a simulation, linked to the rest, against all linked at once.

    Read from files, and so counted: what is needed of the old records in normal form with their keys, of their pairs,
    their clusters and the links not made. Written: the same of the new ones, and all clusters.
    """
    drawn = identities(persons=persons, sites=sites, seed=seed)
    whole = linked(Case("simulation", drawn.records, drawn.truth["person"].combine_chunks()), "chinese")
    count = len(drawn.records)
    old = normal(drawn.records.slice(0, count - count // 100), rules.packed("chinese").fields)
    with duckdb.connect() as connection:
        model = train(connection, old, rules.packed("chinese"))
        before = score(connection, old, model)
        former = clusters(old, before, model.rules)
        kept = Path(folder)
        tables = (keyed(connection, old, model.rules), before, former.members, former.cut)
        for name, table in zip(KEPT, tables, strict=True):
            pq.write_table(table, kept / f"{name}.parquet", compression="zstd", row_group_size=GROUP)
        del old, before, former, tables
        began = perf_counter()
        found = _increment(connection, drawn.records.slice(count - count // 100), model, kept)
        took = perf_counter() - began
    one, other = (table.members["cluster"].combine_chunks() for table in (whole.clusters, found))
    both = _pairs(pc.binary_join_element_wise(one.cast(pa.string()), other.cast(pa.string()), "|"))
    return {
        "seconds": took, "records": count // 100, "of": count, "whole": whole.seconds,
        "pairs": both, "only_at_once": _pairs(one) - both, "only_added": _pairs(other) - both,
    }  # fmt: skip


def _increment(connection: duckdb.DuckDBPyConnection, records: pa.Table, model: Model, kept: Path) -> Clusters:
    """All that new records cost, from files to files."""
    for name in KEPT[:2]:
        connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{kept / name}.parquet')")
    new = keyed(connection, normal(records, model.rules.fields), model.rules)
    scored = score_new(connection, "normal", new, model)
    former = Clusters(*(pq.read_table(kept / f"{name}.parquet") for name in KEPT[2:]))
    ids = new["record_id"].combine_chunks()
    known = pa.concat_arrays([former.members["record_id"].combine_chunks(), ids])
    links = scored.filter(pc.greater_equal(scored["weight"], weight(model.rules.link))).select(["l", "r"])
    these = pa.table({"record_id": known.filter(reached(former, known, ids, links))})
    connection.register("these", these)
    some = connection.execute("SELECT * FROM normal SEMI JOIN these USING (record_id)").to_arrow_table()
    again = connection.execute(
        "SELECT * FROM pairs WHERE l IN (SELECT record_id FROM these) AND r IN (SELECT record_id FROM these)"
    ).to_arrow_table()
    scored = scored.select(again.column_names)
    ours = these["record_id"].combine_chunks()
    inside = scored.filter(pc.and_(pc.is_in(scored["l"], ours), pc.is_in(scored["r"], ours)))
    near = pa.concat_tables([some, new.cast(some.schema)])
    found = patched(former, known, clusters(near, pa.concat_tables([again, inside]), model.rules))
    for name, table in zip(KEPT, (new, scored, found.members, found.cut), strict=True):
        pq.write_table(table, kept / f"{name}-new.parquet", compression="zstd")
    return found


def encoded() -> dict[str, Any]:
    """The job of febrl4 by bit patterns."""
    case = next(one for one in cases() if one.name == "febrl4")
    rate, took = hidden(case, "western", "dataset4a.csv", "dataset4b.csv", KEY)
    return {"seconds": took, "records": len(case.records), "rate": _said(rate)}


def simulated(persons: int, sites: int, seed: int = 7) -> dict[str, Any]:
    """The job of a simulation."""
    drawn = identities(persons=persons, sites=sites, seed=seed)
    case = Case("simulation", drawn.records, drawn.truth["person"].combine_chunks())
    found = linked(case, "chinese")
    return {
        "seconds": found.seconds, "records": len(case.records), "clusters": _said(clustered(case, found)),
        "thresholds": {str(rate.threshold): _said(rate) for rate in rates(case, found.scored)},
        "two_numbers": two_numbers(drawn, found),
        "tempted": [[kind.name, kind.there, kind.merged] for kind in tempted(drawn, found)],
        "cut": {one["values"]: one["counts"] for one in pc.value_counts(found.clusters.cut["reason"]).to_pylist()},
    }  # fmt: skip


def _said(rate: Rate) -> list[float]:
    return [rate.precision, rate.recall]


def linkage(bench: Bench) -> Iterator[Row]:
    """The outside cases; simulated hospitals, at full scale up to a million records; a hundredth added."""
    if DATA.is_dir():
        yield from _outside(bench)
        yield _by_patterns(bench)
    for persons, sites in ((10_000, 10), (250_000, 100), (MILLION, 100))[: bench.pick(1, 3)]:
        yield _hospitals(bench, persons, sites)
    yield _growth(bench, bench.pick(10_000, MILLION), bench.pick(10, 100))
    yield from rows_of(bench)


def _outside(bench: Bench) -> Iterator[Row]:
    for case in cases():
        done = bench.job(f"linkage: {case.name}", "linkage.outside", name=case.name)
        precision, recall = done.found["thresholds"]["0.5"]
        holds = precision >= 0.999 and recall >= 0.998 and done.seconds < 15
        promised = case.name == "febrl4"
        yield Row(
            f"linkage, {case.name}", f"{done.found['records']:,} records", seconds(done.seconds), memory=done.peak,
            cpu=spent(done), limit="P 0.999, R 0.998, 15 s" if promised else "", holds=holds if promised else None,
            note=_told(done.found),
        )  # fmt: skip


def _by_patterns(bench: Bench) -> Row:
    done = bench.job("linkage: febrl4 by bit patterns", "linkage.encoded")
    precision, recall = done.found["rate"]
    return Row(
        "linkage by patterns, febrl4", f"{done.found['records']:,} records", seconds(done.seconds), memory=done.peak,
        cpu=spent(done), limit="P 0.999, R 0.99", holds=precision >= 0.999 and recall >= 0.99,
        note=f"P {precision:.5f} R {recall:.5f}",
    )  # fmt: skip


def _hospitals(bench: Bench, persons: int, sites: int) -> Row:
    done = bench.job(f"linkage: {persons:,} people simulated", "linkage.simulated", persons=persons, sites=sites)
    precision, recall = done.found["clusters"]
    right = precision >= 0.9995 and recall >= 0.98 and done.found["two_numbers"] == 0
    return Row(
        "linkage, simulation", f"{persons:,} people, {done.found['records']:,} records", seconds(done.seconds),
        memory=done.peak, cpu=spent(done), limit="P 0.9995, R 0.98, 10 min, 8 GB",
        holds=right and done.seconds < 600 and done.peak < 8_000, note=_told(done.found),
    )  # fmt: skip


def _growth(bench: Bench, persons: int, sites: int) -> Row:
    done = bench.job(
        "linkage: a hundredth added", "linkage.added", persons=persons, sites=sites, folder=str(bench.folder)
    )
    found, ratio = done.found, done.seconds / done.found["whole"]
    return Row(
        "linkage, a hundredth added", f"{found['records']:,} of {found['of']:,} records", seconds(done.seconds),
        seconds(found["whole"]), ratio, "≤ 0.05", done.peak, spent(done), ratio <= 0.05,
        f"The peer is all at once. Pairs in clusters of both: {found['pairs']:,}; of all at once only: "
        f"{found['only_at_once']:,}; of the added only: {found['only_added']:,}.",
    )  # fmt: skip


def _told(found: dict[str, Any]) -> str:
    lines = [f"clusters P {found['clusters'][0]:.5f} R {found['clusters'][1]:.5f}; pairs at"]
    lines += [f"{threshold}: P {rate[0]:.5f} R {rate[1]:.5f}" for threshold, rate in found["thresholds"].items()]
    for name, there, merged in found.get("tempted", ()):
        lines.append(f"\n    {name}: {merged:,} merged" + (f" of {there:,} pairs of records" if there >= 0 else ""))
    if "two_numbers" in found:
        lines.append(f"\n    clusters with two valid numbers: {found['two_numbers']}; links not made: {found['cut']}")
    return " ".join(lines)
