"""A thousand rows of simulated hospitals, in six dialects, lead back to the very text that says what they say."""

import random
from pathlib import Path
from typing import Any

import pytest

from isthmus.base.progress import Silence
from isthmus.cdm.tables import TABLES
from isthmus.flow.trace import Trace, Tracer
from isthmus.flow.workspace import Workspace
from isthmus.serving.demonstration import demonstrate
from lib import workspace

ROWS = 1000
DERIVED = ("observation_period",)
ESCAPED = {"\\S\\": "^", "\\T\\": "&", "\\R\\": "~", "\\F\\": "|", "\\E\\": "\\"}  # HL7 v2, chapter 2.7


@pytest.mark.prove
def test_a_thousand_random_rows_trace_to_their_source_values(tmp_path: Path) -> None:
    demonstrate(tmp_path / "demo", hospitals=6, patients=1200, seed=1, progress=Silence())
    opened = Workspace(tmp_path / "demo" / "workspace")
    edition = opened.lake.editions.current()
    assert edition is not None
    held = [name for name in edition.tables() if name in TABLES and TABLES[name].group != "vocabulary"]
    rows = [(name, row) for name in held if name not in DERIVED for row in workspace.rows(opened, name)]
    tracer = Tracer(opened)
    values = 0
    for name, row in random.Random(20).sample(rows, ROWS):
        found = tracer.origin(name, row)
        for column, value in said(row).items():
            assert is_in(value, found, opened), f"{name}.{column}: not in its source"
            values += 1
    print(f"\n{ROWS} rows, {values} source values, each found where its trace leads")
    assert values > ROWS


def said(row: dict[str, Any]) -> dict[str, str]:
    """What a row keeps in the words of its source."""
    return {name: value for name, value in row.items() if name.endswith("_source_value") and value}


def is_in(value: str, found: Trace, opened: Workspace) -> bool:
    """The text has it, as it is or escaped; or where table or column name the item, the header or the pack's rule."""
    text = found.passage.text
    for escape, character in ESCAPED.items():
        text = text.replace(escape, character)
    rules = opened.archived(found.mapping.rsplit("@", 1)[1], found.mapping.rsplit("@", 1)[0]).files
    if any(f"'{value}'".encode() in rule for name, rule in rules.items() if name.endswith(".yaml")):
        return True
    places = (text, head_of(found, opened))
    return any(one in place for place in places for one in (value, value.rsplit("/", 1)[-1]))


def head_of(found: Trace, opened: Workspace) -> str:
    """The first line of a table file."""
    if found.part.format != "csv":
        return ""
    landed = opened.lake.landing.path(found.receipt.sha256).read_bytes()
    return landed[: landed.find(b"\n")].decode("gb18030", "replace")
