"""The application of docs/how-to/build-an-application.md is built outside the project, tested, and plugged in."""

import os
import re
import subprocess
import sys
from pathlib import Path

from isthmus.apps.contract import Asked
from isthmus.apps.manager.running import Manager
from isthmus.flow.invented import invented
from isthmus.flow.workspace import Workspace
from lib.command import run
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "how-to" / "build-an-application.md").read_text(encoding="utf-8")
FILE = re.compile(r"```(?:yaml|python)\n# (\S+)\n(.*?)```", re.DOTALL)


def written(folder: Path) -> Path:
    """The files of the page, each named by its first line."""
    for name, content in FILE.findall(TEXT):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return folder


def test_the_page_builds_an_application_in_about_100_lines(tmp_path: Path) -> None:
    assert run("app", "new", "recall", tmp_path / "recall").code == 0
    recall = written(tmp_path / "recall")
    assert set(dict(FILE.findall(TEXT))) == {"app.yaml", "records.yaml", "app.py", "tests/test_app.py"}
    texts = [(recall / name).read_text() for name in ("app.yaml", "records.yaml", "app.py")]
    assert sum(bool(line.strip()) for text in texts for line in text.splitlines()) <= 110
    # As a third party would: another process, in another folder, with nothing of the project's tests on its path.
    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    words = [sys.executable, "-P", "-m", "isthmus", "app", "test", str(recall)]
    done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("passed") == 2


def test_it_is_plugged_in_as_the_page_says(tmp_path: Path) -> None:
    recall = written(tmp_path / "recall")
    ill = [{"condition_occurrence_id": 1, "person_id": 7, "condition_concept_id": 4212540}]
    root = invented(tmp_path / "harbour", {"condition_occurrence": ill}).root
    for words in (("install", root, recall), ("enable", root, "recall"),
                  ("settings", root, "recall", "days=90", "--scope", "3101*")):  # fmt: skip
        done = run("app", *words)
        assert done.code == 0, done
    manager = Manager(Workspace(root))
    try:
        assert manager.answer("recall", Asked(path="api/due")).body == [{"person": 7, "last": ""}]
        assert "<td>7<td>从未" in manager.answer("recall", Asked(path="overview", language="zh")).body
        wrong = manager.answer("recall", Asked(method="POST", path="api/calls", body=[]))
        assert (wrong.status, "send" in wrong.body["error"]) == (400, True)
        assert manager.answer("recall", Asked(method="POST", path="api/calls", body={"person": 7})).status == 201
        assert manager.answer("recall", Asked(path="api/due")).body == []
        for person, cards in (("7", 1), ("8", 0), ("7' OR '1'='1", 0), ("pseudonym" * 4, 0)):
            asked = Asked(body={"context": {"patientId": person}})
            told = manager.serve("recall-patient-view", asked)
            assert (told.status, len(told.body["cards"])) == (200, cards), told
    finally:
        manager.close()


def test_what_is_made_anew_passes_its_tests(tmp_path: Path) -> None:
    assert run("app", "new", "old-people", tmp_path / "made").code == 0
    done = run("app", "test", tmp_path / "made", "--json")
    assert (done.code, done.document()) == (0, {"tests": 2, "failed": {}})
