"""The verb that opens the workbench: serve."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn

from isthmus.base.progress import Progress
from isthmus.flow.workspace import Workspace
from isthmus.serving import services as alone
from isthmus.serving.cli.options import Where
from isthmus.serving.cli.output import say
from isthmus.serving.web.app import create

GRACE = 3  # seconds that open answers have to end; pages that follow a run would hold the workbench open
Port = Annotated[int, typer.Option(min=1, max=65535, help="Where it listens.")]
Host = Annotated[str, typer.Option(help="On which address; 0.0.0.0 for all of this machine.")]

Services = Annotated[
    int,
    typer.Option(
        min=0, max=64, metavar="N",
        help="Answer the services of applications (CDS Hooks) only, by N processes on this port, beside a workbench.",
    ),
]  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("serve")(serve)


def serve(workspace: Where, port: Port = 8000, host: Host = "127.0.0.1", services: Services = 0) -> None:
    """Open the workbench of a workspace: pages in English and Chinese, until Ctrl-C."""
    if services:
        say(f"Services of applications are at http://{host}:{port}/cds-services, by {services} processes.")
        alone.listen(workspace, host, port, services, GRACE)
    else:
        listen(workspace, host, port)


def listen(
    workspace: Path, host: str, port: int, *, running: Callable[[Workspace, Progress], None] | None = None
) -> None:
    """Serve until interrupted; `running` is done meanwhile, and pages follow it."""
    app = create(workspace)
    if running is not None:
        app.state.house.run_beside("demo", running)
    say(f"The workbench is at http://{host}:{port} (Ctrl-C ends it).")
    uvicorn.run(
        app, host=host, port=port, log_level="warning", server_header=False, timeout_graceful_shutdown=GRACE
    )  # fmt: skip
    if app.state.house.memory.counting:  # in threads that the interpreter would wait for; it is begun anew next time
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
