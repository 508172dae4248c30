"""Calls to the API of a workspace, as a program makes them: over HTTP to a server, with a token."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.serving.api.app import mount
from lib.granted import House


@contextmanager
def serving(house: House) -> Iterator[httpx.Client]:
    """A client of a server of the house's API, for the length of a block."""
    app = FastAPI()
    mount(app, Workspace(house.root))
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off"))
    held = threading.Thread(target=server.run, daemon=True)
    held.start()
    while not server.started:
        assert held.is_alive()
        held.join(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            yield client
    finally:
        server.should_exit = True
        held.join()


def bearer(house: House, who: str = "ann", **more: str) -> dict[str, str]:
    """The headers with somebody's token."""
    return {"Authorization": f"Bearer {house.tokens[who]}", **more}


def short(name: str) -> str:
    """An identifier as addresses have it."""
    return name.rpartition("/")[2]


def problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    """The problem that an answer is, once it was seen to be one of this kind."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status and body["type"] == f"/api/v1/problems/{kind}", body
    assert body["instance"].endswith(answer.headers["x-request-id"]) and body["detail"] and body["next"]
    return body
