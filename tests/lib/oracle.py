"""Random definitions on random dense CDMs, answered here and by duckcdm, which runs in an environment of its own."""

import json
import os
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
import pytest
from benchmarks import dense
from benchmarks.job import run
from benchmarks.profile import PEER, environment

from isthmus.gate.desk import Desk
from isthmus.lake.engine import Engine
from isthmus.research.cohorts import circe, files
from isthmus.research.cohorts.cursor import Cursor
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import evaluate
from lib import randomcirce

ORDERS = (1, 2, 3)  # in which the rows are stored, where the first answer differs
Rows = Mapping[tuple[int, int], Counter[tuple[object, ...]]]


@dataclass(slots=True)
class Compared:
    """What came of definitions on one CDM: how many, how many with somebody in, and what is not the same.

    `refused` are those that the oracle cannot run, by number, with its words. A row of `ties` is one that the oracle
    itself gives otherwise when rows are stored in another order; one of `faults` it never gives.
    """

    pairs: int = 0
    filled: int = 0
    refused: dict[int, str] = field(default_factory=dict)
    ties: list[tuple[int, int]] = field(default_factory=list)
    faults: list[tuple[int, int]] = field(default_factory=list)


def python(folder: Path) -> str:
    """A Python with duckcdm: the one that ISTHMUS_DUCKCDM names, or one made here; else the test is skipped."""
    named = os.environ.get("ISTHMUS_DUCKCDM")
    if named:
        return named
    try:
        return environment(folder)
    except subprocess.CalledProcessError:
        pytest.skip(f"{PEER} could not be installed here: set ISTHMUS_DUCKCDM to a Python that has it")


def compare(python: str, folder: Path, *, seed: int, definitions: int, persons: int = 60) -> Compared:
    """So many random definitions on one random CDM; both come of the seed. `python` has duckcdm."""
    documents, read = made(seed, definitions)
    cdm = folder / "cdm"
    dense.write(cdm, dense.pools(read), persons=persons, seed=seed, rate=0.3)
    (folder / "definitions.json").write_text(json.dumps(dict(enumerate(documents, start=1))))
    found = Compared(pairs=definitions)
    ours = answered(folder, cdm, read)
    found.filled = len({cohort for cohort, _ in ours})
    theirs = [_peer(python, folder, None, found)]
    if _differing(ours, theirs, found):
        theirs += [_peer(python, folder, order, found) for order in ORDERS]
    for key in _differing(ours, theirs, found):
        given = [rows.get(key, Counter()) for rows in theirs]
        (found.ties if any(one != given[0] for one in given) else found.faults).append(key)
    return found


def _peer(python: str, folder: Path, order: int | None, found: Compared) -> Rows:
    rows = folder / "peer.parquet"
    job = run(
        "duckcdm.cohorts", python=python, folder=str(folder / "cdm"), definitions=str(folder / "definitions.json"),
        rows=str(rows), order=order,
    )  # fmt: skip
    found.refused |= {int(number): cause for number, cause in job.found["errors"].items()}
    return _rows(rows)


def _differing(ours: Rows, theirs: Sequence[Rows], found: Compared) -> list[tuple[int, int]]:
    """Cohorts and persons whose rows are not those that the oracle gives, whatever the order."""
    keys = sorted({*ours, *(key for rows in theirs for key in rows)})
    return [key for key in keys if key[0] not in found.refused and any(one.get(key) != ours.get(key) for one in theirs)]


def made(seed: int, definitions: int) -> tuple[list[dict[str, Any]], list[Definition]]:
    """Random definitions, as documents and as read."""
    random = Random(seed)
    documents = [randomcirce.definition(random) for _ in range(definitions)]
    read = [circe.definition(Cursor(one, file=f"{at}.json"), name=str(at)) for at, one in enumerate(documents, start=1)]
    return documents, read


def answered(folder: Path, cdm: Path, definitions: Sequence[Definition]) -> Rows:
    """Our rows, by cohort and person."""
    engine = Engine(folder / "scratch", threads=2)
    try:
        desk = Desk(engine, {path.stem: [path] for path in cdm.glob("*.parquet")}, {})
        files.write_rows(folder / "ours.parquet", evaluate(desk, definitions))
    finally:
        engine.close()
    return _rows(folder / "ours.parquet")


def _rows(path: Path) -> Rows:
    found: defaultdict[tuple[int, int], Counter[tuple[object, ...]]] = defaultdict(Counter)
    for cohort, person, *dates in _lines(path):
        found[cohort, person][tuple(dates)] += 1
    return found


def _lines(path: Path) -> Iterator[tuple[Any, ...]]:
    return zip(*(column.to_pylist() for column in pq.read_table(path).columns), strict=True)
