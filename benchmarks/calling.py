"""Systems that call a service at a rate, over HTTP: each call at its time, be the one before answered or not."""

import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PATIENCE, CONNECTIONS = 120.0, 32
"""Seconds until an answer is called lost, and connections that are kept open: calls beyond these wait for one."""


class Callers:
    """Connections to a service, each with a thread of its own. Close them in the end."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._port, self._path = port, path
        self._headers = {"Content-Type": "application/json", **headers}
        self._waiting: queue.Queue[tuple[Any, float] | None] = queue.Queue()
        self._done: list[tuple[float, Any]] = []
        self._threads = [threading.Thread(target=self._call, daemon=True) for _ in range(CONNECTIONS)]
        for one in self._threads:
            one.start()

    def call(self, bodies: Sequence[Any], rate: float) -> tuple[list[float], list[Any], float]:
        """Make calls at a rate: seconds from when each was due to its answer; the answers; seconds that all took.

        Raises RuntimeError where one is not answered with 200.
        """
        self._done.clear()
        began = time.time()
        for number, body in enumerate(bodies):
            due = began + number / rate
            time.sleep(max(0.0, due - time.time()))
            self._waiting.put((body, due))
        while len(self._done) < len(bodies):
            time.sleep(0.005)
        took = time.time() - began
        wrong = [answer for _, answer in self._done if isinstance(answer, str)]
        if wrong:
            raise RuntimeError(f"{len(wrong)} of {len(bodies)} calls were not answered: {wrong[0][:300]}")
        return [seconds for seconds, _ in self._done], [answer for _, answer in self._done], took

    def close(self) -> None:
        """End all connections."""
        for _ in self._threads:
            self._waiting.put(None)
        for one in self._threads:
            one.join()

    def _call(self) -> None:
        kept = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        while (told := self._waiting.get()) is not None:
            body, due = told
            try:
                kept.request("POST", self._path, json.dumps(body), self._headers)
                answer = kept.getresponse()
                text = answer.read()
                found = json.loads(text) if answer.status == 200 else f"{answer.status} {text.decode()[:200]}"
            except (OSError, http.client.HTTPException) as error:
                kept.close()
                found = type(error).__name__
            self._done.append((time.time() - due, found))
        kept.close()


@contextmanager
def serviced(root: Path, processes: int) -> Iterator[tuple[int, int]]:
    """The services of a workspace by some processes (`isthmus serve --services`): port, and number of their parent."""
    port = free_port()
    command = [sys.executable, "-m", "isthmus", "serve", str(root), "--port", str(port), "--services", str(processes)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        until = time.time() + PATIENCE
        while len(family(process.pid)) <= processes or not _answers(port):
            if time.time() > until or process.poll() is not None:
                raise RuntimeError("the services did not come up")
            time.sleep(0.1)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE)


def free_port() -> int:
    """A port of this machine on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def family(process: int) -> list[int]:
    """A process and all below it."""
    told = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    return [process, *(one for child in told.split() for one in family(int(child)))]


def took(processes: Sequence[int]) -> float:
    """Seconds of processor time that processes have taken so far."""
    said = [Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split() for one in processes]
    return sum(int(one[11]) + int(one[12]) for one in said) / os.sysconf("SC_CLK_TCK")


def _answers(port: int) -> bool:
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        asked.request("GET", "/cds-services")
        return bool(json.loads(asked.getresponse().read())["services"])
    except (OSError, http.client.HTTPException):
        return False
    finally:
        asked.close()
