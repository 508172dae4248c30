"""A call of decision support over a patient of 10,000 events, at 50 calls a second, with many patients in the lake.

Two processes answer over HTTP (`isthmus serve --services 2`); calls arrive on time whether or not the one before is
done, and a call's time is from when it was due to when its answer is read. Who calls is a process more, on the same
cores. `cold`: no patient was opened before; `warm`: all were, by one of the processes. Records are kept in SQLite,
every call and every rule that fired. First of invented patients; then under a grant, where who calls shows a token, and
every call is decided and durable in records and log before a row leaves. `cpu` a call is that of the processes that
answer. `python -m benchmarks advice`.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow.parquet as pq

import isthmus.apps.advice
from benchmarks.calling import Callers, family, serviced, took
from benchmarks.claim import Bench, Row, spent
from benchmarks.granting import PERSON, QUOTA, granted, office_of
from benchmarks.job import Sample
from isthmus import __version__
from isthmus.apps.contract import manifest_of
from isthmus.apps.manager.shelf import Shelf
from isthmus.base.clock import now
from isthmus.base.durable import sha256_of
from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.version import CDM_VERSION
from isthmus.flow import workspace
from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.keys import Keys
from isthmus.gate.office import people
from isthmus.lake.delta import DataFile
from isthmus.lake.engine import ROW_GROUP

SITES = 6
FULL, SMALL = 1_000_000, 20_000
EVENTS = 10_000
EACH = {"measurement": 20, "condition_occurrence": 4, "drug_exposure": 4, "procedure_occurrence": 2, "observation": 2}
"""Rows of an ordinary person; those with many events have EVENTS results."""
HEAVY = {FULL: 600, SMALL: 100}
RATE, SECONDS = 50, 12
PROCESSES, WARMING = 2, 80
GRANTED, INVENTED = "granted", "invented"
APP, SERVICE, SCOPE = "advice", "advice-patient-view", "ask"
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
    ran = {
        how: bench.job(f"advice: calls {how}", "advice.served", root=f"{root}/{one}", persons=persons, seconds=seconds,
                       **made.found[one])
        for how, one in (("of invented patients", INVENTED), ("under a grant", GRANTED))
    }  # fmt: skip
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
    opened, invented = (workspace.create(Path(root) / one, synthetic=one == INVENTED) for one in (GRANTED, INVENTED))
    settings = opened.root / "isthmus.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + QUOTA, encoding="utf-8")
    tables: dict[str, tuple[int, list[DataFile]]] = {}
    rows = 0
    for table in ASKED:
        files = list(_written(opened.lake.root, table, persons))
        tables[table] = 0, files
        rows += sum(one.rows for one in files)
    notes = {"published_at": now().isoformat(timespec="seconds") + "Z", "isthmus": __version__, "cdm": CDM_VERSION}
    opened.lake.editions.publish(tables, batches=["made"], notes=notes)
    shutil.copytree(opened.lake.root, invented.lake.root, copy_function=os.link, dirs_exist_ok=True)
    grant = granted(opened, KIND, [f"s{site}" for site in range(SITES)], manifest_of(FOLDER).reads, grade=4)
    opened = Workspace(opened.root)  # with its settings as they are
    return {
        "rows": rows,
        GRANTED: {"grant": grant, "token": _enabled(opened, grant)},
        INVENTED: {"token": _enabled(invented)},
    }


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


def _enabled(opened: Workspace, grant: str = "") -> str:
    """Have the application answer over a workspace; a token for who calls it, where it needs one."""
    shelf = Shelf(opened)
    shelf.install(APP)
    shelf.enable(APP, grant=grant, person=PERSON if grant else "")
    shelf.give(APP, "*", {"day": DAY})
    if not grant:
        return ""
    office = office_of(opened)
    with office.open():
        ann = office.accounts.get(PERSON)
        assert ann is not None  # whom the grant is for
        return people.token(office, PERSON, [SCOPE], 1, by=ann)


def _named(opened: Workspace, grant: str, persons: list[int]) -> list[str]:
    """What stands for persons under the grant: by these their callers name them."""
    with office_of(opened).open() as office:
        return [Keys(office.secret, grant).pseudonym(one) for one in persons]


def _asked(person: str, number: int) -> dict[str, Any]:
    return {
        "hook": "patient-view", "hookInstance": str(UUID(int=number)),
        "context": {"userId": "Practitioner/1", "patientId": person},
    }  # fmt: skip


def served(root: str, persons: int, seconds: int, grant: str = "", token: str = "") -> dict[str, Any]:
    """Calls at the rate, for patients with many events: first of each the first time, then again."""
    ids = [
        int(row[0])
        for row in duckdb.execute(f"SELECT CAST(hash(i) // 4 AS BIGINT) FROM range({HEAVY[persons]}) r(i)").fetchall()
    ]
    callers_know = _named(Workspace(Path(root)), grant, ids) if grant else [str(one) for one in ids]
    *chosen, one, other = callers_know[: RATE * seconds + 2]
    found: dict[str, Any] = {}
    with serviced(Path(root), PROCESSES) as (port, process):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        callers = Callers(port, f"/cds-services/{SERVICE}", headers)
        # All processes have read the packs and the list of persons before it begins.
        callers.call([_asked((one, other)[number % 2], number) for number in range(WARMING)], WARMING / 10)
        for turn, name in enumerate(("cold", "warm"), start=1):
            before = took(family(process))
            bodies = [_asked(person, turn * 1_000_000 + at) for at, person in enumerate(chosen)]
            times, answers, whole = callers.call(bodies, RATE)
            cpu, many = took(family(process)) - before, len(answers)
            ordered = sorted(times)
            found[name] = {
                "p50": ordered[many // 2], "p95": ordered[int(many * 0.95)], "cpu": cpu / many,
                "cards": sum(len(one["cards"]) for one in answers) / many,
                "rate": many / max(whole, many / RATE),
            }  # fmt: skip
        callers.close()
    return found
