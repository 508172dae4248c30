"""Of a hook or a job nobody waits for the answer: what goes wrong in it is noted, and nothing that a patient is in."""

from pathlib import Path

import pytest

from isthmus.apps.contract import Asked
from isthmus.base.clock import now
from isthmus.records.owed import Owing
from lib.applications import CODE, managed, small, write

TRUSTED = '[apps]\ntrusted = ["elders"]\n'
ASKED = 'at.records.add("asked", [{"edition": event.edition, "at": at.now}])'


def test_a_hook_that_fails_is_noted_by_its_line_and_not_its_text(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = write(tmp_path, code=CODE.replace(ASKED, 'raise ValueError("patient 4711")'))
    with managed(tmp_path, source, settings=TRUSTED) as (shelf, manager):
        Owing(shelf.opened.records, "").fire("published", now(), apps=["elders"], edition=1, sites=["invented"])
        assert [one.exception(60) is not None for one in manager.tick(jobs=False)] == [True]
        assert manager.answer("elders", Asked(path="api/elders")).status == 200
    (line,) = [one.getMessage() for one in caplog.records if one.name == "isthmus.apps"]
    assert line.startswith("application elders 1.0.0 failed in event published: it failed (ValueError at app.py:")
    assert "4711" not in caplog.text


def test_an_application_that_cannot_be_made_keeps_no_other_from_running(tmp_path: Path) -> None:
    code = CODE.replace("    def pages(self):", "    def __init__(self):\n        1 / 0\n\n    def pages(self):")
    good = small(tmp_path, "good", "def fine(asked, at):\n    return 7\n")
    with managed(tmp_path, write(tmp_path, code=code), good, settings=TRUSTED) as (_, manager):
        fault = next(one.fault for one in manager.standing() if one.app == "elders")
        assert "cannot be loaded (ZeroDivisionError: division by zero; app.py:" in fault
        assert "isthmus app test" in fault
        assert manager.answer("good", Asked(path="api/fine")).body == 7
