"""Applications are enabled, upgraded, rolled back and disabled while many ask: no call of any of them is lost."""

import asyncio
import time
from collections import Counter
from pathlib import Path

import httpx
from fastapi import FastAPI

from isthmus.apps.manager.running import Manager
from isthmus.apps.manager.shelf import Shelf
from isthmus.serving.applications import bearer, mount
from lib.applications import managed, small
from lib.serving import serving

ASKERS = 6
TRUSTED = '[apps]\ntrusted = ["beside", "moving"]\n'
READS = "reads: {person: [person_id]}\n"
COUNTING = """
def people(asked, at):
    return at.session.ask("SELECT count(*) AS n FROM person")["n"].to_pylist()
"""
MOVING = """
def version(asked, at):
    time.sleep(0.02)
    return "VERSION"
"""


def test_no_call_is_lost_while_versions_change(tmp_path: Path) -> None:
    sources = [small(tmp_path, "beside", COUNTING, more=READS), small(tmp_path, "apart", COUNTING, more=READS)]
    sources += [small(tmp_path, "moving", MOVING.replace("VERSION", "one"), version="1.0.0")]
    later = small(tmp_path, "moving", MOVING.replace("VERSION", "two"), version="2.0.0")
    with managed(tmp_path, *sources, settings=TRUSTED) as (shelf, manager):
        shelf.install(str(later))
        app = FastAPI()
        mount(app, manager, person=bearer(shelf.opened))
        with serving(app) as address:
            met = asyncio.run(_moved(address, shelf, manager))
    steady = {key: count for key, count in met.items() if key[0] != "moving"}
    assert set(steady) == {("beside", 200, "[2]"), ("apart", 200, "[2]")}
    assert min(steady.values()) > 20
    moving = {key[1:] for key in met if key[0] == "moving"}
    assert moving == {(200, '"one"'), (200, '"two"'), (404, "")}
    assert sum(steady.values()) > 100


async def _moved(address: str, shelf: Shelf, manager: Manager) -> Counter[tuple[str, int, str]]:
    """What askers met while versions changed: by application, status and answer."""
    met: Counter[tuple[str, int, str]] = Counter()
    over = asyncio.Event()
    paths = {"beside": "people", "apart": "people", "moving": "version"}
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:

        async def ask(name: str) -> None:
            while not over.is_set():
                answer = await client.get(f"/apps/{name}/api/{paths[name]}")
                met[name, answer.status_code, answer.text if answer.status_code == 200 else ""] += 1

        askers = [asyncio.create_task(ask(name)) for name in paths for _ in range(ASKERS)]
        await asyncio.to_thread(_change, shelf, manager, met)
        over.set()
        await asyncio.gather(*askers)
    return met


def _change(shelf: Shelf, manager: Manager, met: Counter[tuple[str, int, str]]) -> None:
    """Upgrade, roll back, disable and enable, waiting each time until askers have met it."""
    steps = (
        (lambda: None, (200, '"one"')), (lambda: shelf.enable("moving"), (200, '"two"')),
        (lambda: shelf.roll_back("moving"), (200, '"one"')), (lambda: shelf.enable("moving", "2.0.0"), (200, '"two"')),
        (lambda: shelf.disable("moving"), (404, "")), (lambda: shelf.enable("moving", "1.0.0"), (200, '"one"')),
    )  # fmt: skip
    for act, met_then in steps:
        act()
        manager.follow()
        before = met[("moving", *met_then)]
        while met[("moving", *met_then)] < before + 20:
            manager.follow()
            time.sleep(0.02)
