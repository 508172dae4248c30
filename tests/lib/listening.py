"""An application in a process of its own that writes down what it is told; and ones that hang, die or fail at it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isthmus.apps.contract import HOOKS
from isthmus.apps.manager.running import Manager
from isthmus.apps.manager.shelf import Shelf
from isthmus.flow.workspace import Workspace

MANIFEST = """app: {name}
version: 1.0.0
contract: 1
title: {{en: {name}, zh: {name}}}
purpose: [HMB]
reads: {{measurement: [person_id, measurement_concept_id, measurement_date]}}
hooks: [{hooks}]
routes:
  - GET heard
  - GET patients/{{person}}
services: [{name}-view]
"""
RECORDS = "steps: [{tables: {told: {columns: {hook: text, said: text}}}}]\n"
CODE = '''"""Listens."""

import json, os, time

from isthmus.apps.contract import Application, Route, Service, Told


class App(Application):
    """Writes down what it is told."""

    def routes(self):
        return [
            Route(method="GET", path="heard", handle=lambda asked, at: Told(body=at.records.find("told"))),
            Route(method="GET", path="patients/{{person}}", handle=lambda asked, at: Told(body=asked.named["person"])),
        ]

    def services(self):
        words = {{"en": "{name}", "zh": "{name}"}}
        handle = lambda asked, at: {{"cards": []}}
        return [Service(id="{name}-view", hook="patient-view", title=words, description=words, handle=handle)]


def heard(hook):
    def told(self, event, at):
        {before}
        named = {{name: getattr(event, name) for name in event.__slots__}}
        at.records.add("told", [{{"hook": hook, "said": json.dumps(named, default=str)}}])
    return told


for hook in {hooks!r}:
    setattr(App, hook, heard(hook))
'''
PLACES = "[apps]\nseconds = 2\n"


def written(folder: Path, name: str = "listener", hooks: tuple[str, ...] = tuple(HOOKS), before: str = "pass") -> Path:
    """The folder of an application that has these hooks, and does something before it writes down what it is told."""
    made = folder / name
    made.mkdir(parents=True)
    (made / "app.yaml").write_text(MANIFEST.format(name=name, hooks=", ".join(hooks)), encoding="utf-8")
    (made / "records.yaml").write_text(RECORDS, encoding="utf-8")
    (made / "app.py").write_text(CODE.format(name=name, hooks=hooks, before=before), encoding="utf-8")
    return made


def plugged(opened: Workspace, *folders: Path) -> None:
    """Applications are installed and enabled in a workspace, with two seconds for each call."""
    with (opened.root / "isthmus.toml").open("a") as stream:
        stream.write(PLACES)
    shelf = Shelf(Workspace(opened.root))
    for folder in folders:
        shelf.enable(shelf.install(str(folder)).app)


@contextmanager
def running(opened: Workspace) -> Iterator[Manager]:
    """The manager of a workspace, as a service has it."""
    manager = Manager(Workspace(opened.root))
    try:
        yield manager
    finally:
        manager.close()


def ticked(manager: Manager, *, seconds: float = 0) -> list[BaseException | None]:
    """What became of all that is due, and of what that made due; for some seconds, until nothing is."""
    ends, met = time.monotonic() + seconds, list[BaseException | None]()
    while (begun := manager.tick()) or time.monotonic() < ends:
        met += [one.exception(60) for one in begun]
        time.sleep(0 if begun else 0.05)
    return met


def heard(opened: Workspace, app: str = "listener") -> list[tuple[str, str, dict[str, Any]]]:
    """What an application wrote down: hook, site and the fields of the event."""
    shelf = Shelf(Workspace(opened.root))
    own = shelf.own(shelf.package(app, "1.0.0"))
    own.migrate()
    rows = own.of("").find("told")
    own.close()
    return [(row["hook"], row["site"], json.loads(row["said"])) for row in rows]
