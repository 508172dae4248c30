"""Linking through the lake: from table `identity` to a published edition, all at once and a hundredth added.

Registrations are put into the table as they are, without packs, so that the linkage alone is measured.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.claim import Bench, Row, seconds, spent
from isthmus.base.identity import digest63
from isthmus.flow import start
from isthmus.flow.link import link
from isthmus.flow.schema import IDENTITY
from isthmus.flow.stage import file_of
from isthmus.flow.statement import listed, literal, query
from isthmus.flow.workspace import Workspace
from isthmus.simulation.identities import identities

MEMORY = "2500MB"
"""Of the engine: 900 MB, its default, are too few for a million records."""


def through(persons: int, sites: int, folder: str, memory: str, seed: int = 7) -> dict[str, Any]:
    """The job: all but the newest hundredth linked, with learning; that added; linked again with nothing new."""
    drawn = identities(persons=persons, sites=sites, seed=seed).records
    opened = start.new(Path(folder) / f"ws-{persons}", synthetic=True)
    opened.lake.memory = memory
    numbers, some = [digest63("person", str(one)) for one in drawn["record_id"].to_pylist()], len(drawn) // 100
    took = {}
    for step, begin, end in (
        ("whole", 0, len(drawn) - some), ("added", len(drawn) - some, len(drawn)), ("nothing", 0, 0),
    ):  # fmt: skip
        if end:
            put(opened, drawn.slice(begin, end - begin), numbers[begin:end])
        began = perf_counter()
        found = link(opened).linked
        took[step] = perf_counter() - began
    return {"seconds": took["whole"], **took, "records": found.records, "of": some, "persons": found.persons}


def put(opened: Workspace, records: pa.Table, persons: Sequence[int], merges: Sequence[tuple[int, int]] = ()) -> None:
    """Put records of identity into the lake as they are, without packs; `persons` are their sites' numbers.

    `merges` are pairs of such numbers which the hospitals call one person. Ids are spread as digests are.
    """
    count = len(records)
    ids = [digest63(str(one)) for one in records["record_id"].to_pylist()]
    same = pa.array([None] * count + [other for _, other in merges], pa.int64())
    given = {
        "identity_id": pa.array(ids + [digest63("merge", *map(str, pair)) for pair in merges], pa.int64()),
        "person_id": pa.array([*persons, *(one for one, _ in merges)], pa.int64()),
        "same_person_id": same, "place": pa.array(range(len(same)), pa.int64()),
    }  # fmt: skip
    columns = []
    for field in IDENTITY:
        if field.name in records.column_names:
            said = records[field.name].cast(field.type).combine_chunks()
            columns.append(pa.concat_arrays([said, pa.nulls(len(merges), field.type)]))
        elif field.name in {"part_id", "mapping_id"}:
            columns.append(pa.array([1] * len(same), pa.int64()))
        else:
            columns.append(given.get(field.name, pa.nulls(len(same), field.type)))
    lake = opened.lake
    rows = pa.table(columns, schema=IDENTITY)
    rows = rows.set_column(rows.schema.get_field_index("site"), "site", pc.fill_null(rows["site"], "h001"))
    with lake.writing(), lake.engine() as engine:
        engine.load("put", rows)
        names = listed([name for name in IDENTITY.names if name != "site"])
        for site in pc.unique(rows["site"]).to_pylist():
            said = query(f"SELECT {names} FROM put WHERE site = {literal(site)} ORDER BY identity_id")
            path, there = engine.write(said, lake.staging / "put")
            file = file_of("identity", site, path, there)
            (lake.root / file.path).parent.mkdir(parents=True, exist_ok=True)
            path.replace(lake.root / file.path)
            lake.deltas.commit("identity", IDENTITY, add=[file], remove=[], batch=file.sha256[:16])
        engine.drop("put")


def rows_of(bench: Bench) -> Iterator[Row]:
    """A small workspace; at full scale a million records."""
    persons, sites = bench.pick(10_000, 417_000), bench.pick(10, 100)
    done = bench.job(
        "linkage: through the lake", "linked.through", persons=persons, sites=sites, folder=str(bench.folder),
        memory=MEMORY,
    )  # fmt: skip
    found = done.found
    yield Row(
        "linkage through the lake, learning included", f"{found['records']:,} records", seconds(found["whole"]),
        memory=done.peak, cpu=spent(done), limit="10 min, 8 GB", holds=found["whole"] < 600 and done.peak < 8_000,
        note=f"{found['persons']:,} persons; linked again with nothing new: {seconds(found['nothing'])}",
    )  # fmt: skip
    ratio = found["added"] / found["whole"]
    yield Row(
        "linkage through the lake, a hundredth added", f"{found['of']:,} of {found['records']:,} records",
        seconds(found["added"]), seconds(found["whole"]), ratio, "≤ 0.05", done.peak, spent(done), ratio <= 0.05,
        "The peer is all at once; tables are written whole, each time.",
    )  # fmt: skip
