"""Which pack is guessed for a folder."""

from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.flow import sites, start
from isthmus.flow.workspace import Workspace


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    return start.new(tmp_path / "ws", synthetic=True)


def _guessed(opened: Workspace, folder: Path) -> list[str]:
    return [one.pack for one in sites.plan(opened, "east", str(folder), pack=None, feed=None, title="").feeds]


def _folder(tmp_path: Path, name: str, content: str) -> Path:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(content, encoding="utf-8")
    return tmp_path / "in"


@pytest.mark.parametrize(
    ("name", "content", "pack"),
    [
        ("Patient.ndjson", '{"resourceType":"Patient","id":"1"}\n{"resourceType":"Patient","id":"2"}\n', "fhir-r4"),
        ("bundle.json", '{"resourceType": "Bundle", "entry": []}', "fhir-r4"),
        ("adt.hl7", "MSH|^~\\&|A|B|C|D|20240305||ADT^A01|1|P|2.5\rPID|1||7\r", "hl7v2"),
    ],
)
def test_an_ordinary_folder_has_one_guess(
    tmp_path: Path, opened: Workspace, name: str, *, content: str, pack: str
) -> None:
    assert _guessed(opened, _folder(tmp_path, name, content)) == [pack]


@pytest.mark.parametrize(("name", "content"), [("report.json", "name,value\nA,1\n"), ("his.db", "no database")])
def test_a_name_alone_is_no_guess(tmp_path: Path, opened: Workspace, name: str, *, content: str) -> None:
    with pytest.raises(InputError, match="no pack knows the files in"):
        _guessed(opened, _folder(tmp_path, name, content))
