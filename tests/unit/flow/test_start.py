"""A workspace is made whole, also when its making was cut short."""

from pathlib import Path

import pytest

from isthmus.base.errors import UsageError
from isthmus.flow import start, workspace


def test_a_workspace_that_was_begun_and_not_finished_is_finished(tmp_path: Path) -> None:
    begun = workspace.create(tmp_path / "ws", synthetic=True)
    assert begun.lake.editions.current() is None
    made = start.new(tmp_path / "ws")
    edition = made.lake.editions.current()
    assert edition is not None
    assert edition.tables()["concept"] > 1000
    with pytest.raises(UsageError, match="is a workspace already"):
        start.new(tmp_path / "ws")
