"""The file records.yaml: wrong ones are told with their line."""

from pathlib import Path

import pytest

from isthmus.apps.contract import PackError
from isthmus.apps.contract.schema import steps_of
from isthmus.records.own import shapes

RIGHT = """steps:
  - tables:
      alert:
        columns: {alert: integer, rule: text}
        key: [alert]
        index: [[rule]]
  - columns:
      alert: {reason: text}
    index: {alert: [[reason, rule]]}
"""


def read(folder: Path, text: str) -> object:
    (folder / "records.yaml").write_text(text, encoding="utf-8")
    return steps_of(folder)


def test_steps_are_read_in_order(tmp_path: Path) -> None:
    assert steps_of(tmp_path) == []
    read(tmp_path, RIGHT)
    found = shapes(steps_of(tmp_path))
    assert found["alert"].columns == {"alert": "integer", "rule": "text", "reason": "text"}


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("rule: text}", "rule: words}", "records.yaml:4: step 1, table alert: there is no type 'words'"),
        ("key: [alert]", "key: [id]", "records.yaml:5: step 1, table alert: there is no column 'id'"),
        ("[[rule]]", "[rule]", "records.yaml:6: step 1, table alert: `index` is a list of lists"),
        ("rule: text}", "site: text}", "records.yaml:4: step 1, table alert: 'site' cannot be a name here"),
        ("{reason: text}", "{rule: text}", "records.yaml:8: step 2: there is a column 'rule' already"),
        (
            "      alert: {reason",
            "      alarm: {reason",
            "records.yaml:8: step 2: no step before this one makes 'alarm'",
        ),
        ("reason, rule", "cause, rule", "records.yaml:9: step 2: there is no column 'cause'"),
        ("  - columns:", "  - drops:", "records.yaml:7: step 2: `drops` is not known here"),
        ("steps:", "step:", "records.yaml:1: records: `step` is not known here"),
    ],
)
def test_a_wrong_file_is_told_with_its_line(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    assert was in RIGHT
    with pytest.raises(PackError) as error:
        read(tmp_path, RIGHT.replace(was, becomes))
    assert told in str(error.value)
