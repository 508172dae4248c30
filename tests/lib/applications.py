"""Applications for tests: one that uses everything of the contract, and small ones; workspaces in which they run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from isthmus.apps.contract import Rows
from isthmus.apps.manager.running import Manager
from isthmus.apps.manager.shelf import Shelf
from isthmus.flow.invented import invented
from isthmus.flow.workspace import Workspace

MANIFEST = """app: elders
version: 1.0.0
contract: 1
title: {en: Elders, zh: 老年人}
purpose: [CC]
reads: {person: [person_id, year_of_birth]}
hooks: [published]
pages: [overview]
routes:
  - GET elders
  - GET patients/{person}
  - GET ask
services: [elders-view]
settings: {age: {type: integer, default: 65, least: 1, help: {en: From which age, zh: 年龄}}}
jobs: [nightly]
"""
RECORDS = """steps:
  - tables:
      asked: {columns: {edition: integer, at: time}, key: [edition]}
"""
CODE = '''"""Elders."""

from datetime import timedelta

from isthmus.apps.contract import Application, Job, Page, Route, Service, Told, tables


class App(Application):
    """Who is old."""

    def pages(self):
        return [Page(path="overview", title={"en": "Elders", "zh": "老年人"}, handle=self.overview)]

    def routes(self):
        return [
            Route(method="GET", path="elders", handle=self.elders),
            Route(method="GET", path="patients/{person}", handle=self.patient),
            Route(method="GET", path="ask", handle=self.ask),
        ]

    def services(self):
        words = {"en": "Elders", "zh": "老年人"}
        return [Service(id="elders-view", hook="patient-view", title=words, description=words, handle=self.cards)]

    def jobs(self):
        return [Job(name="nightly", every=timedelta(days=1), run=self.nightly)]

    def published(self, event, at):
        at.records.add("asked", [{"edition": event.edition, "at": at.now}])

    def overview(self, asked, at):
        return Told(body=f"<p>{len(self.old(at))} elder(s)</p>", media="text/html")

    def elders(self, asked, at):
        return Told(body={"elders": self.old(at), "asked": at.records.count("asked")[0]["rows"]})

    def patient(self, asked, at):
        found = at.session.patient(int(asked.named["person"]))["person"]
        return Told(body={"person": int(asked.named["person"]), "born": found["year_of_birth"].to_pylist()})

    def ask(self, asked, at):
        person = tables["person"]
        question = asked.query["sql"]
        found = at.session.ask(person.select("month_of_birth") if question == "expression" else question)
        return Told(body=found.to_pylist())

    def cards(self, asked, at):
        summary = f"{len(self.old(at))} elder"
        return {"cards": [{"summary": summary, "indicator": "info", "source": {"label": "elders"}}]}

    def nightly(self, at):
        at.learnt("elder", [{"person": one} for one in self.old(at)])

    def old(self, at):
        person = tables["person"]
        born = at.now.year - at.settings["age"]
        found = at.session.ask(person.filter(person.year_of_birth <= born).select("person_id").order_by("person_id"))
        return found["person_id"].to_pylist()
'''
PEOPLE = [{"person_id": 1, "year_of_birth": 1940}, {"person_id": 2, "year_of_birth": 2010}]


def write(folder: Path, *, manifest: str = MANIFEST, code: str = CODE, records: str = RECORDS) -> Path:
    """The folder of the application, below a folder."""
    made = folder / "elders"
    made.mkdir(parents=True, exist_ok=True)
    for name, text in (("app.yaml", manifest), ("records.yaml", records), ("app.py", code)):
        (made / name).write_text(text, encoding="utf-8")
    return made


SMALL = """app: {name}
version: {version}
contract: 1
title: {{en: "{name}", zh: "{name}"}}
{more}routes:
{routes}
"""
SHELL = '''"""One small application."""

import os, socket, subprocess, sys, threading, time
from pathlib import Path

from isthmus.apps.contract import Application, Route, Told, tables

{methods}

class App(Application):
    """Its routes are its functions."""

    def routes(self):
        return [Route(method="GET", path=name, handle=globals()[name]) for name in {names}]
'''


def small(folder: Path, name: str, methods: str, *, version: str = "1.0.0", more: str = "") -> Path:
    """The folder of an application whose routes are functions of `asked` and `at`, each of which gives a value."""
    names = [
        line.split("(")[0].removeprefix("def ")
        for line in methods.splitlines()
        if line.startswith("def ") and "(asked, at)" in line
    ]
    made = folder / f"{name}-{version}"
    made.mkdir(parents=True)
    routes = "\n".join(f"  - GET {one}" for one in names)
    (made / "app.yaml").write_text(SMALL.format(name=name, version=version, routes=routes, more=more))
    told = "\n".join(f"{one} = (lambda work: lambda asked, at: Told(body=work(asked, at)))({one})" for one in names)
    (made / "app.py").write_text(SHELL.format(methods=f"{methods}\n{told}\n", names=names))
    return made


@contextmanager
def managed(root: Path, *sources: Path, settings: str = "", people: Rows = PEOPLE) -> Iterator[tuple[Shelf, Manager]]:
    """A workspace of invented patients, in which applications are installed and enabled, and its manager."""
    opened = invented(root / "ws", {"person": people})
    with (opened.root / "isthmus.toml").open("a") as stream:
        stream.write(settings)
    shelf = Shelf(Workspace(opened.root))
    for source in sources:
        shelf.enable(shelf.install(str(source)).app)
    manager = Manager(shelf.opened)
    try:
        yield shelf, manager
    finally:
        manager.close()
