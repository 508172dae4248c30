"""What an application learns from an edition comes back by intake, as one more feed, and is traced to its delivery."""

from pathlib import Path

import pytest

from isthmus.apps.manager.running import Manager
from isthmus.apps.manager.shelf import Shelf
from isthmus.flow.workspace import Workspace
from isthmus.serving import told
from lib import harbour, workspace
from lib.command import run

MANIFEST = """app: counter
version: 1.0.0
contract: 1
title: {en: Counter, zh: 计数}
reads: {visit_occurrence: [person_id, site]}
hooks: [landed, published]
jobs: [counting]
"""
RECORDS = """steps:
  - tables: {event: {columns: {hook: text, number: integer}}, edition: {columns: {number: integer}, key: [number]}}
"""
CODE = '''"""How often somebody was in hospital, as an observation."""

from datetime import timedelta

from isthmus.apps.contract import Application, Job, tables


class App(Application):
    """Counts visits."""

    def jobs(self):
        return [Job(name="counting", every=timedelta(days=1), run=self.count)]

    def landed(self, event, at):
        at.records.add("event", [{"hook": "landed", "number": event.deliveries}])

    def published(self, event, at):
        told = {"hook": "published", "number": event.edition}
        at.records.add_all({"event": [told], "edition": [{"number": event.edition}]})
        visit = tables["visit_occurrence"]
        found = at.session.ask(visit.group_by("person_id", "site").aggregate(visits=visit.count()))
        at.learnt("visits", [{**row, "day": "2026-01-01"} for row in found.to_pylist()])

    def count(self, at):
        raise ValueError("not here")
'''
PACK = """pack: app-counter
format: {kind: ndjson}
derive: []
"""
RECORD = """source: {files: ["visits-*.ndjson"]}
shape: {person_id: BIGINT, visits: BIGINT, day: VARCHAR}
key: person_id
person: person_id
into:
  - table: observation
    set:
      person_id: person_id
      observation_concept_id: "0"
      observation_date: date(day)
      value_as_number: visits
      observation_source_value: "'app-counter:visits'"
"""


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verb stays for applications however busy the machine is."""
    monkeypatch.setattr(told, "SECONDS", 120.0)


def test_it_is_told_learns_and_what_it_learnt_is_in_the_next_edition(tmp_path: Path) -> None:
    harbour.deliver(tmp_path / "in", number=1, patients=6)
    opened = workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in"))
    folder = tmp_path / "counter"
    (folder / "pack").mkdir(parents=True)
    files = {"app.yaml": MANIFEST, "records.yaml": RECORDS, "app.py": CODE, "pack/pack.yaml": PACK}
    for name, text in {**files, "pack/visits.yaml": RECORD}.items():
        (folder / name).write_text(text, encoding="utf-8")
    for words in (("install", opened.root, folder), ("enable", opened.root, "counter")):
        assert run("app", *words).code == 0
    first = run("ingest", opened.root, "--json")
    assert first.code == 0, first
    visits = workspace.rows(opened, "visit_occurrence")
    assert workspace.rows(opened, "observation") == []
    again = run("ingest", opened.root, "--json")
    assert again.code == 0, again
    learnt = workspace.rows(opened, "observation")
    assert {row["observation_source_value"] for row in learnt} == {"app-counter:visits"}
    assert sum(row["value_as_number"] for row in learnt) == len(visits)
    assert {row["person_id"] for row in learnt} == {row["person_id"] for row in visits}
    assert {row["site"] for row in learnt} == {workspace.SITE}
    # Told of its own rows it learns the same once more, which is the same delivery: the ring comes to rest.
    rested = run("ingest", opened.root, "--json")
    assert rested.code == 0, rested
    assert len(workspace.rows(opened, "observation")) == len(learnt)
    assert rested.document()["edition"] is None
    shelf = Shelf(Workspace(opened.root))
    own = shelf.own(shelf.package("counter", "1.0.0"))
    events, editions = (own.of("").find(table) for table in ("event", "edition"))
    own.close()
    assert {"landed", "published"} == {row["hook"] for row in events}
    published = [row["number"] for row in events if row["hook"] == "published"]
    assert len(published) == 2 and published == [row["number"] for row in editions]


def test_a_job_that_fails_is_nobodys_trouble(tmp_path: Path) -> None:
    harbour.deliver(tmp_path / "in", number=1, patients=3)
    opened = workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in"))
    folder = tmp_path / "counter"
    folder.mkdir()
    for name, text in {"app.yaml": MANIFEST, "records.yaml": RECORDS, "app.py": CODE}.items():
        (folder / name).write_text(text, encoding="utf-8")
    for words in (("install", opened.root, folder), ("enable", opened.root, "counter")):
        assert run("app", *words).code == 0
    done = run("ingest", opened.root)
    assert done.code == 0, done
    assert "brings no pack that reads what it learns" in done.out.replace("\n", " ")
    manager = Manager(Workspace(opened.root))
    try:
        (failed,) = manager.tick()
        assert "ValueError at app.py" in str(failed.exception())
        assert manager.tick() == []  # once a day
    finally:
        manager.close()
