"""The pack that docs/how-to/write-a-pack.md makes is a pack, and so is the one that extends it."""

import re
from pathlib import Path

import pytest

from isthmus.mapping import pack as packs
from isthmus.mapping.pack import Pack
from isthmus.mapping.plan import plan
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "how-to" / "write-a-pack.md").read_text(encoding="utf-8")
HEADER = ["检验单号", "病人ID", "项目代码", "结果", "单位", "报告时间"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of the page, written where it says."""
    for name, body in re.findall(r"```yaml\n# (\S+\.yaml)\n(.*?)```", TEXT, flags=re.DOTALL):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(body, encoding="utf-8")
    codes = tmp_path / "harbour-lis" / "codes"
    codes.mkdir()
    for name, body in zip(("lab", "unit"), re.findall(r"```csv\n(.*?)```", TEXT, flags=re.DOTALL), strict=True):
        (codes / f"{name}.csv").write_text(body, encoding="utf-8")
    return tmp_path


def _missing(pack: Pack, columns: list[str]) -> tuple[str, ...]:
    return tuple(plan(pack, pack.records[0], columns).missing)


def test_the_pack_reads_a_file_without_its_optional_column(folder: Path) -> None:
    pack = packs.load("harbour-lis", (folder,))
    assert pack.record_of("in/lis_202403.CSV", "") is pack.records[0]
    assert _missing(pack, HEADER) == ()
    assert _missing(pack, ["检验单号", "BRID", *HEADER[2:]]) == ()


def test_the_pack_says_which_column_a_file_lacks(folder: Path) -> None:
    assert _missing(packs.load("harbour-lis", (folder,)), HEADER[:-1]) == ("报告时间",)


def test_the_pack_that_extends_it_differs_where_it_says_so(folder: Path) -> None:
    pack = packs.load("westgate-lis", (folder,))
    assert pack.codes == packs.load("harbour-lis", (folder,)).codes
    assert _missing(pack, ["检验单号", "患者编号", *HEADER[2:]]) == ("住院号",)
    assert _missing(pack, ["检验单号", "患者编号", "住院号", *HEADER[2:]]) == ()
