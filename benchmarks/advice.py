"""A call of decision support over a patient of 10,000 events, at 50 calls a second, with many patients in the lake.

Two processes answer, as a service on two cores does; calls arrive on time whether or not the one before is done, and a
call's time is from when it arrived. `cold`: no patient was opened before; `warm`: all were, by one of the processes.
Records are kept in SQLite, every call and every rule that fired. First all that the manifest declares is read, as of
invented patients; then under a grant, where every call is decided and durable in records and log before a row leaves.
`python -m benchmarks advice`.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

import isthmus.apps.advice
from benchmarks.claim import Bench, Row, spent
from benchmarks.granting import PERSON, QUOTA, granted, office_of
from benchmarks.job import Sample
from isthmus.apps.advice.hooks.service import answer
from isthmus.apps.contract import Asked, Context, Session, manifest_of
from isthmus.apps.contract.schema import steps_of
from isthmus.apps.manager.session import Sessions
from isthmus.base.clock import now
from isthmus.base.durable import sha256_of
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow import workspace
from isthmus.flow.workspace import Workspace
from isthmus.gate.declared import Invented
from isthmus.gate.grade.keys import Keys
from isthmus.lake.delta import DataFile
from isthmus.lake.engine import ROW_GROUP
from isthmus.records.applications import State
from isthmus.records.own import Own

SITES = 6
FULL, SMALL = 1_000_000, 20_000
EVENTS = 10_000
EACH = {"measurement": 20, "condition_occurrence": 4, "drug_exposure": 4, "procedure_occurrence": 2, "observation": 2}
"""Rows of an ordinary person; those with many events have EVENTS results."""
HEAVY = {FULL: 600, SMALL: 100}
RATE, SECONDS = 50, 12
LIMIT = 0.150
KIND = "CC"
FOLDER = Path(isthmus.apps.advice.__file__).parent
DAY = "2024-03-31"
TESTS = "[3016723, 3023103, 3019550, 3004501, 3024128, 3024561, 3022217, 3024929, 3013721, 3006923]"
UNITS = "[8749, 8753, 8753, 8753, 8749, 8636, 0, 9444, 8645, 8645]"
DRUGS = "[1310149, 1177480, 2000001303, 1545958, 1332418, 2000001301]"
ILLS = "[4064161, 4281232, 201519, 201826, 320128, 316139]"
DERIVED = "CAST(hash(i * 100_003 + j) // 4 AS BIGINT)"
"""Ids as Isthmus derives them: 62 bits of a hash (ADR 0005), so that no file packs them smaller."""
ASKED = {
    "person": {"gender_concept_id": "8507 + 25 * (i % 2)", "year_of_birth": "1930 + i % 60"},
    "measurement": {
        "measurement_id": DERIVED, "measurement_concept_id": f"{TESTS}[1 + (j * 7 + i) % 10]",
        "unit_concept_id": f"{UNITS}[1 + (j * 7 + i) % 10]",
        "value_as_number": "round(3 + (hash(i * 31 + j) % 900) / 10, 1)",
        "measurement_date": "DATE '2024-03-31' - CAST(hash(i + j) % 3000 AS INTEGER)",
    },
    "condition_occurrence": {
        "condition_occurrence_id": DERIVED, "condition_concept_id": f"{ILLS}[1 + (j + i) % 6]",
        "condition_start_date": "DATE '2024-03-31' - CAST(hash(i + j) % 3000 AS INTEGER)",
    },
    "drug_exposure": {
        "drug_exposure_id": DERIVED, "drug_concept_id": f"{DRUGS}[1 + (j + i) % 6]",
        "drug_exposure_start_date": "DATE '2024-03-31' - CAST(hash(i + j) % 900 AS INTEGER)",
    },
    "procedure_occurrence": {
        "procedure_occurrence_id": DERIVED, "procedure_concept_id": "2000001406 + j % 2",
        "procedure_date": "DATE '2024-03-31' - CAST(hash(i + j) % 900 AS INTEGER)",
    },
    "observation": {
        "observation_id": DERIVED, "observation_concept_id": "2000001104 + j",
        "observation_date": "DATE '2024-03-31' - CAST(hash(i + j) % 900 AS INTEGER)",
    },
}  # fmt: skip
TYPES = {"int64": "BIGINT", "int32": "INTEGER", "string": "VARCHAR", "double": "DOUBLE", "date32[day]": "DATE"}


def advice(bench: Bench) -> Iterator[Row]:
    """Cold calls, then warm ones; and the processor time of a call, which a busy machine leaves comparable."""
    persons, root = bench.pick(SMALL, FULL), str(bench.folder / "ws")
    made = bench.job(f"advice: a lake of {persons:,} patients", "advice.make", root=root, persons=persons)
    seconds = bench.pick(2, SECONDS)
    grants = {"of invented patients": "", "under a grant": made.found["grant"]}
    ran = {
        how: bench.job(f"advice: calls {how}", "advice.served", root=root, persons=persons, seconds=seconds, grant=one)
        for how, one in grants.items()
    }
    for name in ("cold", "warm"):
        for how, one in ran.items():
            yield _row(made, one, persons, f"{how}, {name}", one.found[name])


def _row(made: Sample, ran: Sample, persons: int, how: str, found: Mapping[str, float]) -> Row:
    return Row(
        f"a CDS call, patient-view, {how}",
        f"{EVENTS:,} events, {made.found['rows']:,} rows, {persons:,} patients",
        f"p95 {found['p95'] * 1e3:.0f} ms, p50 {found['p50'] * 1e3:.0f} ms at {found['rate']:.0f}/s",
        limit=f"p95 < {LIMIT * 1e3:.0f} ms at {RATE}/s", memory=ran.peak, cpu=spent(ran),
        holds=found["p95"] < LIMIT and found["rate"] > RATE * 0.98,
        note=f"{found['cpu'] * 1e3:.1f} ms of processor time a call; {found['cards']:.1f} cards a call.",
    )  # fmt: skip


def make(root: str, persons: int) -> dict[str, Any]:
    """A workspace of invented patients with one edition of so many."""
    opened = workspace.create(Path(root), synthetic=False)
    settings = opened.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + QUOTA, encoding="utf-8")
    tables: dict[str, tuple[int, list[DataFile]]] = {}
    rows = 0
    for table in ASKED:
        files = list(_written(opened.lake.root, table, persons))
        tables[table] = 0, files
        rows += sum(one.rows for one in files)
    opened.lake.editions.publish(tables, batches=["made"], notes={})
    reads = manifest_of(FOLDER).reads
    return {"rows": rows, "grant": granted(opened, KIND, [f"s{site}" for site in range(SITES)], reads, grade=4)}


def _written(root: Path, table: str, persons: int) -> Iterator[DataFile]:
    said = {"person_id": "CAST(hash(i) // 4 AS BIGINT)", **dict.fromkeys(("part_id", "place", "mapping_id"), "1")}
    said |= ASKED[table]
    fields = [field for field in QUESTIONS[table].schema().to_pyarrow() if field.name != "site"]
    typed = (
        f"CAST({said.get(one.name, 'NULL')} AS {TYPES.get(str(one.type), 'TIMESTAMP')}) AS {one.name}" for one in fields
    )
    columns, each = ", ".join(typed), EACH.get(table, 1)
    many = f"CASE WHEN i < {HEAVY[persons]} THEN {EVENTS} ELSE {each} END" if table == "measurement" else str(each)
    with duckdb.connect(config={"memory_limit": "3GB", "threads": 2}) as connection:
        for site in range(SITES):
            folder = root / table / f"site=s{site}"
            folder.mkdir(parents=True)
            source = f"SELECT i, unnest(range({many})) AS j FROM range({persons}) r(i) WHERE i % {SITES} = {site}"
            connection.execute(
                f"COPY (SELECT {columns} FROM ({source}) ORDER BY person_id) TO '{folder}/made.parquet' "
                f"(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE {ROW_GROUP})"
            )
            path = (folder / "made.parquet").rename(folder / f"{sha256_of(folder / 'made.parquet')}.parquet")
            held = pq.read_metadata(path).num_rows
            yield DataFile(table, path.relative_to(root).as_posix(), f"s{site}", held, path.stat().st_size)


_at: dict[str, Callable[[], Context]] = {}


def _start(root: str, grant: str) -> None:
    """What a process of the service opens once: sessions come from where the service has them."""
    opened = Workspace(Path(root))
    manifest = manifest_of(FOLDER)
    own = Own(f"sqlite:///{Path(root) / 'own.db'}", manifest.app, steps_of(FOLDER))
    own.migrate()
    settings = {one.name: one.default for one in manifest.settings.values()} | {"cap": 5, "day": DAY}
    state = State(app=manifest.app, version=manifest.version, grant=grant, person=PERSON if grant else "")
    sessions = Sessions(opened)
    edition = opened.lake.editions.current()
    assert edition is not None

    def session() -> Session:
        return sessions.of(manifest, state) if grant else Invented(opened.lake, edition, manifest.reads)

    _at["context"] = lambda: Context(
        session=session(), records=own.of("s0"), settings=settings, learnt=lambda kind, rows: None,
        now=now(), site="s0",
    )  # fmt: skip


def _named(root: str, grant: str, persons: list[int]) -> list[str]:
    """What stands for persons under the grant: by these their callers name them."""
    with office_of(Workspace(Path(root))).open() as office:
        return [Keys(office.secret, grant).pseudonym(one) for one in persons]


def _call(person: str, number: int, due: float) -> tuple[float, float, int]:
    """One call: seconds since it was due, processor seconds, cards."""
    used = time.process_time()
    body = {
        "hook": "patient-view", "hookInstance": f"{number}-{os.getpid()}",
        "context": {"userId": "Practitioner/1", "patientId": person},
    }  # fmt: skip
    told: Any = answer(Asked(method="POST", body=body), _at["context"](), "patient-view")
    return time.time() - due, time.process_time() - used, len(told["cards"])


def served(root: str, persons: int, seconds: int, grant: str = "") -> dict[str, Any]:
    """Calls at the rate, for patients with many events: first of each the first time, then again."""
    ids = [
        int(row[0])
        for row in duckdb.execute(f"SELECT CAST(hash(i) // 4 AS BIGINT) FROM range({HEAVY[persons]}) r(i)").fetchall()
    ]
    _start(root, grant)
    ids = _named(root, grant, ids) if grant else [str(one) for one in ids]
    found: dict[str, Any] = {}
    with ProcessPoolExecutor(2, initializer=_start, initargs=(root, grant)) as pool:
        for number in range(40):  # both processes are up, and have read the packs and the list of persons
            pool.submit(_call, ids[-1 - number % 2], -number, time.time()).result()
        chosen = ids[: min(RATE * seconds, len(ids) - 2)]
        for name in ("cold", "warm"):
            found[name] = _measured(pool, chosen, name)
    return found


def _measured(pool: ProcessPoolExecutor, ids: list[str], name: str) -> Mapping[str, float]:
    began = time.time()
    waiting: list[Future[tuple[float, float, int]]] = []
    for number, person in enumerate(ids):
        due = began + number / RATE
        time.sleep(max(0.0, due - time.time()))
        waiting.append(pool.submit(_call, person, number + 100_000 * (name == "warm"), due))
    done = [one.result() for one in waiting]
    took = sorted(one[0] for one in done)
    return {
        "p50": took[len(took) // 2], "p95": took[int(len(took) * 0.95)], "p99": took[int(len(took) * 0.99)],
        "cpu": sum(one[1] for one in done) / len(done), "cards": sum(one[2] for one in done) / len(done),
        "rate": len(done) / max(time.time() - began, len(ids) / RATE),
    }  # fmt: skip
