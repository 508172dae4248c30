"""What a grant costs: aggregates over 10 million rows under one, beside the same SQL over the same Parquet files.

Ours is the whole of `Granted.sql`: state of the grant, decision, entry in the log (durable), engine, rows, note. The
peer's is an engine of the same settings, with a view over the same files. Both are asked in turns in one process. The
ratio is of processor time, the least of the turns, which a busy machine leaves comparable; seconds are of the clock.
"""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.claim import Bench, Row, seconds, spent
from benchmarks.granting import PERSON, granted, office_of
from benchmarks.job import Sample
from isthmus.base.clock import now
from isthmus.base.durable import sha256_of
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow import start
from isthmus.flow.workspace import Workspace
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.decision import Allowed, Request, decide
from isthmus.gate.office.prepared import brought_up
from isthmus.gate.office.session import Granted, open_granted
from isthmus.gate.office.unit import Office
from isthmus.lake.delta import DataFile

SITES = ("east", "west")
ROWS, EACH = 10_000_000, 20  # rows, and rows of one person
FIRST = 330_000_000_000
GIVEN: Mapping[str, Mapping[str, str]] = {
    "measurement": {
        "measurement_id": "i", "person_id": f"{FIRST} + hash(i) % {{persons}}", "measurement_concept_id":
        "3000000 + hash(i + 1) % 40", "measurement_date": "DATE '2015-01-01' + CAST(hash(i + 2) % 4000 AS INTEGER)",
        "value_as_number": "round(10 + (hash(i + 3) % 100000) / 700.0, 1)", "unit_concept_id": "8000 + hash(i + 1) % 7",
        "part_id": "1", "place": "i", "mapping_id": "1",
    },
    "person": {
        "person_id": f"{FIRST} + i", "gender_concept_id": "8507 + 25 * (i % 2)", "year_of_birth": "1930 + i % 80",
        "part_id": "1", "place": "i", "mapping_id": "1",
    },
}  # fmt: skip
TYPES = {"int64": "BIGINT", "int32": "INTEGER", "string": "VARCHAR", "double": "DOUBLE", "date32[day]": "DATE"}
ASKED: Mapping[str, str] = {
    "by concept: rows, mean, spread": "select measurement_concept_id, count(*) as n, avg(value_as_number) as mean, "
    "stddev_samp(value_as_number) as spread from measurement group by measurement_concept_id order by 1",
    "by concept: quartiles": "select measurement_concept_id, quantile_cont(value_as_number, 0.25) as low, "
    "median(value_as_number) as middle, quantile_cont(value_as_number, 0.75) as high from measurement group by all "
    "order by 1",
    "by concept: persons": "select measurement_concept_id, count(distinct person_id) as n from measurement group by "
    "all order by 1",
    "by sex: mean": "select gender_concept_id, avg(value_as_number) as mean from measurement join person using "
    "(person_id) group by all order by 1",
    "by year: rows": "select year(measurement_date) as y, count(*) as n from measurement group by all order by 1",
    "by year and concept: quartiles": "select year(measurement_date) as y, measurement_concept_id, "
    "quantile_cont(value_as_number, 0.25) as low, quantile_cont(value_as_number, 0.75) as high from measurement group "
    "by all order by 1, 2",
}
TAKING = ("by year: rows", "by year and concept: quartiles")
LONG = ("by year and concept: quartiles",)
FREE = ("by concept: quartiles", "by concept: persons", "by sex: mean")
"""Those that tell no identity and take no date, and long enough for the constant part: their overhead is promised.
Of those that take dates, `LONG` are, once dates are moved."""
NOTE = " Dates are moved by person."
BEFORE = " Dates were moved by person before it was asked (`isthmus use prepare`)."
MOST, DECISION = 1.05, 100e-6
SESSIONS, ASKING = 5_000, 100


def gate(bench: Bench) -> Iterator[Row]:
    """Questions in turns with the plain ones, in one process each; then decisions."""
    rows, root = bench.pick(200_000, ROWS), str(bench.folder / "ws")
    grant = bench.job(f"gate: writing {rows:,} rows", "gate.make", root=root, rows=rows).found["grant"]
    turns = bench.pick(2, 7)
    said = {}
    for name in ASKED:
        peer = bench.job(f"gate: {name}, plain", "gate.plainly", root=root, name=name, turns=1)
        ours = bench.job(f"gate: {name}", "gate.asked", root=root, name=name, grant=grant, turns=turns)
        said[name] = ours.found["rows"]
        note = f"plain alone took {peer.peak:,.0f} MB." + (NOTE if name in TAKING else "")
        yield _row(name, rows, ours, free=name in FREE, note=note)
    made = bench.job("gate: dates moved", "gate.prepare", root=root, grant=grant)
    yield Row(
        "dates moved, once for a grant and an edition", f"{rows:,} rows", seconds(made.seconds),
        memory=made.peak, cpu=spent(made), note=f"{made.found['size'] / 1e6:,.0f} MB of files, for {rows:,} rows.",
    )  # fmt: skip
    for name in TAKING:
        ours = bench.job(f"gate: {name}, prepared", "gate.asked", root=root, name=name, grant=grant, turns=turns)
        assert ours.found["rows"] == said[name], name
        yield _row(name, rows, ours, free=name in LONG, note=BEFORE.strip())
    opened = bench.job("gate: open sessions", "gate.sessions", root=root, grant=grant, many=bench.pick(50, SESSIONS))
    each_open, each_held = (opened.found[one] / opened.found["many"] for one in ("opening", "bytes"))
    yield Row(
        "sessions open at once", f"{opened.found['many']:,} sessions", seconds(opened.found["opening"]),
        memory=opened.peak, cpu=spent(opened),
        note=f"{each_open * 1e3:.1f} ms and {each_held / 1e3:.1f} kB each; then a question in each of "
        f"{opened.found['asked']} by eight threads: {opened.found['asking']:.2f} s.",
    )  # fmt: skip
    each = bench.job("gate: decisions", "gate.decided", times=bench.pick(1_000, 50_000)).found["each"]
    yield Row("a decision", "6 tables, 40 columns", f"{each * 1e6:.1f} µs", limit="< 100 µs", holds=each < DECISION)


def _row(name: str, rows: int, ours: Sample, *, free: bool, note: str) -> Row:
    held, plain, ratio = (ours.found[one] for one in ("granted", "plain", "ratio"))
    return Row(
        f"under a grant, {name}", f"{rows:,} rows", seconds(held), seconds(plain), ratio, f"≤ {MOST}" if free else "",
        ours.peak, spent(ours), ratio <= MOST if free else None,
        f"{ours.found['engine']:.3f} s of it in the engine. {note}",
    )  # fmt: skip


def make(root: str, rows: int) -> dict[str, Any]:
    """A workspace of real patients with an edition of so many rows, and a grant of all that is asked."""
    opened = start.new(Path(root), synthetic=False)
    edition = opened.lake.editions.current()
    assert edition is not None
    tables = {name: (body["version"], edition.files(name)) for name, body in edition.body["tables"].items()}
    for table in GIVEN:
        count = rows if table == "measurement" else rows // EACH
        tables[table] = 0, list(_written(opened.lake.root, table, count, rows // EACH))
    opened.lake.editions.publish(tables, batches=["made"], notes={})
    tables = {name: columns.keys() - {"part_id", "place", "mapping_id"} for name, columns in GIVEN.items()}
    return {"grant": granted(opened, "HMB", SITES, tables, grade=3)}


def _written(root: Path, table: str, count: int, persons: int) -> Iterator[DataFile]:
    fields = [field for field in QUESTIONS[table].schema().to_pyarrow() if field.name != "site"]
    said = {name: one.format(persons=persons) for name, one in GIVEN[table].items()}
    typed = (f"CAST({said.get(one.name, 'NULL')} AS {_type(one.type)}) AS {one.name}" for one in fields)
    columns = ", ".join(typed)
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        for number, site in enumerate(SITES):
            folder = root / table / f"site={site}"
            folder.mkdir(parents=True)
            first, last = count * number // len(SITES), count * (number + 1) // len(SITES)
            connection.execute(
                f"COPY (SELECT {columns} FROM range({first}, {last}) r(i)) TO '{folder}/made.parquet' "
                "(FORMAT parquet, COMPRESSION zstd)"
            )
            path = (folder / "made.parquet").rename(folder / f"{sha256_of(folder / 'made.parquet')}.parquet")
            held = pq.read_metadata(path).num_rows
            yield DataFile(table, path.relative_to(root).as_posix(), site, held, path.stat().st_size)


def _type(kind: pa.DataType) -> str:
    return TYPES.get(str(kind), "TIMESTAMP")


def plainly(root: str, name: str, turns: int) -> dict[str, Any]:
    """The plain question alone."""
    opened = Workspace(Path(root))
    took = [_plain(opened, name)[0] for _ in range(turns)]
    return {"seconds": min(took)}


def prepare(root: str, grant: str) -> dict[str, Any]:
    """Seconds and bytes of what is prepared for a grant."""
    opened = Workspace(Path(root))
    began = time.perf_counter()
    found = brought_up(office_of(opened), opened.lake, [grant])
    return {"seconds": time.perf_counter() - began, "size": found[grant].size}


def asked(root: str, name: str, grant: str, turns: int) -> dict[str, Any]:
    """The plain question and the granted one in turns, the fastest of each; their answers agree where they should."""
    opened = Workspace(Path(root))
    office = office_of(opened)
    account = office.accounts.get(PERSON)
    assert account is not None
    session = open_granted(office, opened.lake, account, grant)
    plain, held, inside = [], [], []
    cpu: dict[str, list[float]] = {"granted": [], "plain": []}
    for _ in range(turns):
        began, used = time.perf_counter(), time.process_time()
        rows = session.sql(ASKED[name])
        held.append(time.perf_counter() - began)
        cpu["granted"].append(time.process_time() - used)
        inside.append(_last(office, grant))
        used = time.process_time()
        took, expected = _plain(opened, name)
        cpu["plain"].append(time.process_time() - used)
        plain.append(took)
        if "year" not in name:
            assert _rounded(rows) == _rounded(expected), name
    ratio = min(cpu["granted"]) / min(cpu["plain"])
    return {
        "seconds": min(held), "granted": min(held), "plain": min(plain), "engine": min(inside), "ratio": ratio,
        "rows": _rounded(rows),
    }  # fmt: skip


def sessions(root: str, grant: str, many: int) -> dict[str, Any]:
    """Seconds and bytes of sessions that are open together, and seconds of a question in each of some."""
    opened = Workspace(Path(root))
    office = office_of(opened)
    account = office.accounts.get(PERSON)
    assert account is not None
    open_granted(office, opened.lake, account, grant)
    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    held = [open_granted(office, opened.lake, account, grant) for _ in range(many)]
    opening, grown = time.perf_counter() - began, psutil.Process().memory_info().rss - before
    asking = held[:: max(1, many // ASKING)][:ASKING]
    began = time.perf_counter()
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda one: _own(opened, one).sql("select count(*) as n from person"), asking))
    return {
        "many": many, "opening": opening, "bytes": grown, "asked": len(asking), "asking": time.perf_counter() - began,
    }  # fmt: skip


def _own(opened: Workspace, session: Granted) -> Granted:
    """The session with an office of its own, for a thread."""
    return Granted(office_of(opened), opened.lake, session.edition, session._asker)


def _last(office: Office, grant: str) -> float:
    """Seconds that the engine took for the last question."""
    done = [act.result for act in office.acts.under(grant) if act.result]
    return float(done[-1]["seconds"])


def _rounded(rows: pa.Table) -> list[list[float]]:
    return [[round(float(value), 6) for value in row.values()] for row in rows.to_pylist()]


def _plain(opened: Workspace, name: str) -> tuple[float, pa.Table]:
    edition = opened.lake.editions.current()
    assert edition is not None
    began = time.perf_counter()
    with duckdb.connect(config={"memory_limit": opened.lake.memory, "threads": 2}) as connection:
        for table in GIVEN:
            files = [str(opened.lake.root / one.path) for one in edition.files(table)]
            connection.read_parquet(files, hive_partitioning=True).create_view(table)
        rows = connection.execute(ASKED[name]).to_arrow_table()
    return time.perf_counter() - began, rows


def decided(times: int) -> dict[str, Any]:
    """Seconds of one decision, of a grant of six tables."""
    columns = {
        name: frozenset(one for one in QUESTIONS[name].columns if one not in {"part_id", "place", "mapping_id", "site"})
        for name in ("person", "visit_occurrence", "condition_occurrence", "drug_exposure", "measurement", "death")
    }
    grant = Grant(
        id="grant", people=frozenset({PERSON}), kinds=frozenset({"HMB"}), sites=frozenset(SITES), columns=columns,
        start=now(), until=now() + timedelta(days=1), release="default", grade=3,
    )  # fmt: skip
    asked = {name: frozenset(one for one in some if one.endswith("_concept_id")) for name, some in columns.items()}
    request = Request(person=PERSON, kind="HMB", at=now(), columns=asked)
    found = decide(grant, request)
    assert isinstance(found, Allowed), found
    began = time.perf_counter()
    for _ in range(times):
        decide(grant, request)
    return {"each": (time.perf_counter() - began) / times}
