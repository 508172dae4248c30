"""The row that the demo tells people to trace is there, and leads to a line."""

from pathlib import Path

from isthmus.flow.ingest import ingest
from isthmus.flow.trace import Tracer
from isthmus.gate.session import open_session
from isthmus.serving.demonstration import example
from lib import harbour, workspace


def test_the_example_can_be_traced(tmp_path: Path) -> None:
    made = workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in"))
    assert example(open_session(made.lake, synthetic=True)) is None
    harbour.deliver(tmp_path / "in", number=1, patients=3)
    ingest(made)
    found = example(open_session(made.lake, synthetic=True))
    assert found is not None
    assert found[0] == "measurement"
    assert Tracer(made).trace(*found).passage.text
