"""Which pack is guessed for a folder."""

from pathlib import Path

import pytest

from isthmus.base.errors import InputError
from isthmus.flow import sites, start
from isthmus.flow.workspace import Workspace
from lib import packs

PACK = (
    """
== pack.yaml
pack: bay-his
format: {kind: csv}
"""
    + packs.PATIENTS
)


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


def test_a_pack_that_is_a_folder_is_found_from_anywhere(
    tmp_path: Path, opened: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = packs.write(tmp_path / "packs", "bay-his", PACK)
    folder = _folder(tmp_path, "patient.csv", "id\n1\n")
    monkeypatch.chdir(own.parent)
    site = sites.plan(opened, "bay", str(folder), pack="bay-his", feed=None, title="")
    sites.add(opened, site)
    monkeypatch.chdir(tmp_path)
    assert opened.pack(opened.site("bay").feeds[0].pack).name == "bay-his"
    assert sites.plan(opened, "x", str(folder), pack="fhir-r4", feed=None, title="").feeds[0].pack == "fhir-r4"


@pytest.mark.parametrize("head", ["病人ID,就诊号,就诊类型", "患者编号,就诊流水号,就诊类型"])
def test_columns_are_known_by_every_name_that_the_pack_gives_them(tmp_path: Path, opened: Workspace, head: str) -> None:
    folder = _folder(tmp_path, "病案首页.csv", "A48,B12,B15,C03C\n1,2024-01-01,2024-01-03,C22.0\n")
    (folder / "就诊记录.csv").write_bytes(f"{head}\nP1,V1,门诊\n".encode("gb18030"))
    (folder / "病人信息.csv").write_bytes("病人ID,姓名\nP1,甲\n".encode("gb18030"))
    assert _guessed(opened, folder) == ["sim-his"]
