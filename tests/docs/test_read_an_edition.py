"""The program on docs/how-to/read-an-edition.md reads an edition."""

import re
from pathlib import Path

import pytest

from isthmus.flow.ingest import ingest
from lib import harbour, workspace
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "how-to" / "read-an-edition.md").read_text(encoding="utf-8")


def test_the_program_reads_the_newest_edition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = workspace.made(tmp_path / "harbour", harbour.feeds(tmp_path / "packs", tmp_path / "in"))
    for number in (1, 2):
        harbour.deliver(tmp_path / "in", number=number, patients=5)
        ingest(made)
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {"print": lambda answer: None}
    exec(compile(program, "read-an-edition.md", "exec"), names)
    connection = names["connection"]
    for table in ("person", "measurement", "condition_occurrence"):
        (count,) = connection.sql(f"SELECT count(*) FROM {table}").fetchone()  # type: ignore[attr-defined]
        assert count == len(workspace.rows(made, table)) > 0
    connection.close()  # type: ignore[attr-defined]
