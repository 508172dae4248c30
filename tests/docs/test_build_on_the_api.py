"""The programs of `docs/how-to/build-on-the-api.md`, run as they stand there, against a server and a grant."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from isthmus.serving.client import Client
from lib import granted, harbour
from lib.calling import serving, short
from lib.granted import APPLICATION, House
from lib.tree import ROOT

FENCE = re.compile(r"```python\n# (?P<name>\w+\.py)\n(?P<body>.*?)```", re.DOTALL)
PAGE = (ROOT / "docs/how-to/build-on-the-api.md").read_text(encoding="utf-8")
PROGRAMS = {found["name"]: found["body"] for found in FENCE.finditer(PAGE)}
TABLES = {
    **APPLICATION["tables"],
    "measurement": ["measurement_id", "person_id", "measurement_concept_id", "measurement_date", "value_as_number"],
    "condition_occurrence": ["condition_occurrence_id", "person_id", "condition_concept_id", "condition_start_date"],
}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return granted.granted(tmp_path, patients=20, tables=TABLES)


@pytest.fixture
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def program(house: House, client: httpx.Client, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the page as a vendor does: a process of its own with three variables."""
    path = house.root.parent / name
    path.write_text(PROGRAMS[name], encoding="utf-8")
    told = {
        "ISTHMUS_AT": str(client.base_url), "ISTHMUS_GRANT": short(house.grant), "ISTHMUS_TOKEN": house.tokens["ann"],
    }  # fmt: skip
    return subprocess.run(
        [sys.executable, str(path), *words], env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **told},
        capture_output=True, text=True, check=False, cwd=house.root.parent,
    )  # fmt: skip


def test_programs_of_vendors_follow_the_data_and_lose_them_with_the_grant(house: House, client: httpx.Client) -> None:
    copy = house.root.parent / "copy.parquet"
    first = program(house, client, "follow.py", str(copy))
    assert first.returncode == 0, first.stderr
    harbour.deliver(house.root.parent / "in", number=2, patients=20)
    assert not ingest(Workspace(house.root)).failed
    followed = program(house, client, "follow.py", str(copy))
    assert followed.returncode == 0, followed.stderr
    with Client(str(client.base_url), house.tokens["ann"]) as mine:
        whole = mine.grants()[0].table("measurement").arrow(size=500)
    key = [("measurement_id", "ascending")]
    assert pq.read_table(copy).sort_by(key).equals(whole.sort_by(key))
    peaks = program(house, client, "peaks.py")
    assert peaks.returncode == 0, peaks.stderr
    assert re.fullmatch(r"\d+ of \d+\n", peaks.stdout) and not peaks.stdout.endswith("of 0\n")
    read = program(house, client, "conditions.py")
    assert read.returncode == 0, read.stderr
    assert re.match(r"[1-9]\d* women, [1-9]\d* diagnoses of all, \w+", read.stdout)
    done = house.use("cai", "revoke", "--reason", "the study is over")
    assert done.code == 0
    for name, words in (("follow.py", [str(copy)]), ("peaks.py", []), ("conditions.py", [])):
        ended = program(house, client, name, *words)
        assert ended.returncode != 0 and "revoked" in ended.stderr, ended.stderr
    assert not copy.exists()
