"""What a pack says of its files, and what it may not say."""

from pathlib import Path

import pytest

from isthmus.base.errors import PackError
from isthmus.mapping import pack as loading
from lib import packs

RULE = "into:\n  - table: person\n    set: {year_of_birth: '1950'}\n"


def _written(tmp_path: Path, record: str, head: str = "pack: p\n") -> loading.Pack:
    packs.write(tmp_path, "p", f"== pack.yaml\n{head}\n== one.yaml\n{record}\n{RULE}")
    return loading.load("p", (tmp_path,))


def test_a_record_may_be_in_another_format_than_the_pack(tmp_path: Path) -> None:
    head = "pack: p\nformat: {kind: csv, encoding: gb18030, header: 2}\n"
    found = _written(tmp_path, "source: {files: ['*.xlsx'], format: xlsx, kind: Sheet1, nulls: ['-']}", head)
    (record,) = found.records
    assert record.kind == "Sheet1"
    assert record.format == {"kind": "xlsx", "nulls": ["-"]}  # what the pack says of its CSV files does not hold here


def test_a_record_may_lay_options_over_those_of_the_pack(tmp_path: Path) -> None:
    head = "pack: p\nformat: {kind: csv, encoding: gb18030}\n"
    (record,) = _written(tmp_path, "source: {files: ['*.txt'], delimiter: ';'}", head).records
    assert record.format == {"kind": "csv", "encoding": "gb18030", "delimiter": ";"}


@pytest.mark.parametrize(
    ("record", "head", "said"),
    [
        ("source: {delimter: ';'}", "pack: p\n", r"p/one\.yaml:1: 'delimter' is not known under `source`"),
        ("source: {}", "pack: p\nformat: {encodng: gbk}\n", r"p/pack\.yaml:2: 'encodng' is not known under `format`"),
        ("source: {header: first}", "pack: p\n", r"p/one\.yaml:1: `header` is a whole number"),
        ("source: {delimiter: '，'}", "pack: p\n", r"p/one\.yaml:1: `delimiter` is one ASCII character"),
        ("source: {nulls: '-'}", "pack: p\n", r"p/one\.yaml:1: `nulls` is a list"),
        ("source: {}", "pack: p\ndetect: {file: ['*']}\n", r"p/pack\.yaml:2: 'file' is not known under `detect`"),
    ],
)
def test_a_slip_of_the_pen_is_named_with_its_line(tmp_path: Path, record: str, *, head: str, said: str) -> None:
    with pytest.raises(PackError, match=said):
        _written(tmp_path, record, head)


def test_a_pack_that_was_edited_is_read_again(tmp_path: Path) -> None:
    first = _written(tmp_path, "record: visit")
    assert loading.load("p", (tmp_path,)) == first
    second = _written(tmp_path, "record: stay")
    assert ([one.name for one in first.records], [one.name for one in second.records]) == (["visit"], ["stay"])
    assert first.digest != second.digest
    assert _written(tmp_path, "record: visit") == first
