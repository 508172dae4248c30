"""What is decided in the records comes back into the lake as a source: each event once, whatever dies in between."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from isthmus.flow import land
from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.records import decisions as module
from isthmus.records.decisions import Decisions, Draft
from lib import workspace

OFFICE = "office"


class Killed(BaseException):
    """The process ends here: nobody who catches errors may go on."""


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    made = workspace.made(tmp_path / "ws", {})
    made.keep_site(Site(OFFICE, "Office", (Feed("outbox", f"sqlite:///{made.root / 'records.db'}", "outbox"),)))
    return made


def _decide(opened: Workspace, *codes: str) -> list[int]:
    drafts = [Draft("term", "hospital-lab", code, [3009306], "ann", site="h01") for code in codes]
    return [one.decision_id for one in Decisions(opened.records).add(*drafts)]


def _told(opened: Workspace) -> list[dict[str, Any]]:
    """The events as the lake has them, in order."""
    found = []
    for one in opened.lake.deltas.files("reference", site=OFFICE):
        found += pq.read_table(opened.lake.root / one.path).to_pylist()
    return sorted(found, key=lambda row: int(row["_key"]))


def _fields(row: dict[str, Any]) -> dict[str, Any]:
    fields = row["_fields"]
    return dict(fields) if isinstance(fields, list) else fields


def test_each_decision_and_each_revocation_is_an_event_of_the_lake(opened: Workspace) -> None:
    first, _ = _decide(opened, "AFP", "ALB")
    Decisions(opened.records).revoke(first, author="bo", reason="another analyte")
    report = ingest(opened)
    assert not report.failed, report.failed
    assert [row["_key"] for row in _told(opened)] == ["1", "2", "3"]
    assert report.accounts[OFFICE, "outbox"] == [{"event": {"mapped": 3}}]
    text = str(_told(opened))
    for word in ("AFP", "ALB", "[3009306]", "revoked", str(first), "bo"):
        assert word in text
    assert ingest(opened).edition is None  # nothing new
    _decide(opened, "XYZ")
    assert not ingest(opened).failed
    assert [row["_key"] for row in _told(opened)] == ["1", "2", "3", "4"]


def test_neither_decision_nor_event_is_there_without_the_other(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*given: Any) -> None:
        raise Killed

    monkeypatch.setattr(module, "tell", dies)
    with pytest.raises(Killed):
        _decide(opened, "AFP")
    monkeypatch.undo()
    assert Decisions(opened.records).all() == []
    _decide(opened, "ALB")
    assert not ingest(opened).failed
    assert len(_told(opened)) == len(Decisions(opened.records).all()) == 1


def _dying(target: Any, name: str, *, after: bool) -> Callable[[pytest.MonkeyPatch], None]:
    """Has the process end before, or right after, a function has done its work, once."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        real = getattr(target, name)

        def dies(*given: Any, **named: Any) -> Any:
            if after:
                real(*given, **named)
            raise Killed

        monkeypatch.setattr(target, name, dies)

    return patch


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("where", ["put", "keep", "open_batch", "staged", "published"])
def test_a_process_that_dies_between_neither_loses_nor_doubles_an_event(
    opened: Workspace, monkeypatch: pytest.MonkeyPatch, where: str, *, after: bool
) -> None:
    _decide(opened, "AFP")
    assert not ingest(opened).failed
    _decide(opened, "ALB", "XYZ")
    target = type(opened.lake.landing) if where == "put" else type(opened.records)
    _dying(target, where, after=after)(monkeypatch)
    with pytest.raises(Killed):
        ingest(opened)
    monkeypatch.undo()
    again = Workspace(opened.root)
    _decide(again, "DEF")
    for _ in range(2):
        assert not ingest(again).failed
    assert [row["_key"] for row in _told(again)] == ["1", "2", "3", "4"]
    marks = again.records.watermark(OFFICE, "outbox", "outbox")
    assert marks == "4"
    assert land.latest(again.records, OFFICE, "outbox", "outbox.parquet") is not None
