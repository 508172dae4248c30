"""The services of applications by several processes on one port: who may ask, a process that is killed, an end."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from benchmarks.calling import family, free_port

from isthmus.apps.manager.shelf import Shelf
from isthmus.flow.workspace import Workspace
from lib import granted, granted_registry
from lib.command import run
from lib.granted import House
from lib.granted_registry import ALL, SITE

BODY = {
    "hook": "patient-view", "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
    "context": {"userId": "Practitioner/1", "patientId": "nobody"},
}  # fmt: skip
SERVICE, PATIENCE = "/cds-services/advice-patient-view", 60.0


@dataclass
class Services:
    """What runs, and where it answers."""

    house: House
    process: subprocess.Popen[str]
    address: str

    def asked(self, who: str = "ann") -> int:
        """The status of a call."""
        shown = {"Authorization": f"Bearer {self.house.tokens[who]}"} if who else {}
        return httpx.post(f"{self.address}{SERVICE}", json=BODY, headers=shown, timeout=PATIENCE).status_code

    @property
    def workers(self) -> list[int]:
        """The processes that answer, by what they are called."""
        return [
            one for one in family(self.process.pid)[1:]
            if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()
        ]  # fmt: skip


@pytest.fixture
def services(tmp_path: Path) -> Iterator[Services]:
    found = granted_registry.made(tmp_path)
    tables = {**ALL, **dict.fromkeys(("procedure_occurrence", "drug_exposure", "observation"), "all")}
    house = granted.decided(granted.applied(found, tmp_path, sites=[SITE], tables=tables, grade=4))
    for words in (("install", house.root, "advice"), ("enable", house.root, "advice", "--grant", house.grant)):
        done = house.run("ann", "app", *words) if words[0] == "enable" else run("app", *words)
        assert done.code == 0, done
    port = free_port()
    command = [sys.executable, "-m", "isthmus", "serve", str(house.root), "--port", str(port), "--services", "2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        made = Services(house, process, f"http://127.0.0.1:{port}")
        try:
            _until(lambda: len(made.workers) == 2 and _offers(made))
            yield made
        finally:
            process.kill()


def _offers(services: Services) -> bool:
    try:
        return bool(httpx.get(f"{services.address}/cds-services").json()["services"])
    except httpx.HTTPError:
        return False


def _until(holds: Callable[[], bool]) -> None:
    late = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < late
        time.sleep(0.1)


def test_they_answer_whom_they_may_outlive_a_process_follow_what_is_decided_and_end(services: Services) -> None:
    assert [services.asked(who) for who in ("ann", "eve", "")] == [412, 403, 403]
    assert [httpx.get(f"{services.address}{path}").status_code for path in ("/", "/apps/advice/rates")] == [404, 404]
    before = services.workers
    subprocess.run(["kill", "-9", str(before[0])], check=True)
    _until(lambda: len(set(services.workers) - {before[0]}) == 2 and _offers(services))
    assert {services.asked() for _ in range(8)} == {412}
    Shelf(Workspace(services.house.root)).disable("advice")
    _until(lambda: services.asked() == 404)
    services.process.send_signal(signal.SIGINT)
    told = services.process.communicate(timeout=PATIENCE)[1]
    assert services.process.returncode == 0
    assert "Traceback" not in told
