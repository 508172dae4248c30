"""The services of applications alone, by several processes that share a port: what hospitals' systems ask all day.

No process keeps what another needs: who asks shows a token with each call, and grants, switches, answers and the log
are in the records, which each looks at anew. Jobs, and what applications are told of, are left to who serves the pages.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from isthmus.apps.manager.running import Manager
from isthmus.flow.workspace import Workspace
from isthmus.serving.api.app import SILENT
from isthmus.serving.applications import bearer, offer, ticking

SERVED = "ISTHMUS_SERVED"
"""The environment variable by which a process is told the folder of its workspace."""

PLACES = 2
"""Calls at once of an application. Threads of one interpreter take turns: eight make each call half as dear again, and
one alone would have a quick call wait for a slow one."""
ONE_AT_A_TIME = "UV_TCP_SINGLE_ACCEPT"
"""libuv's: a process takes one connection and lets the others have the next, so that all have about as many."""


def create() -> FastAPI:
    """The services of the workspace that SERVED names; of applications that are enabled now and later."""
    opened = Workspace(Path(os.environ[SERVED]))
    manager = Manager(opened, places=PLACES)
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=SILENT, lifespan=_living(manager))
    offer(app, manager, person=bearer(opened))
    return app


def listen(root: Path, host: str, port: int, processes: int, grace: int) -> None:
    """Answer until interrupted. A process that ends is replaced; `grace`: seconds that open answers have to end."""
    os.environ[SERVED] = str(Workspace(root).root)
    os.environ.setdefault(ONE_AT_A_TIME, "1")
    uvicorn.run(
        f"{__name__}:{create.__name__}", factory=True, workers=processes, host=host, port=port, log_level="warning",
        server_header=False, timeout_graceful_shutdown=grace,
    )  # fmt: skip


def _living(manager: Manager) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        ticks = asyncio.create_task(ticking(partial(manager.follow, 0)))
        try:
            yield
        finally:
            ticks.cancel()
            await run_in_threadpool(manager.close)

    return lifespan
