"""Which files of a feed are read, and how."""

from pathlib import Path

import pytest

from isthmus.flow.feed import CHUNK_ROWS, format_of, most_rows
from isthmus.mapping.pack import load
from lib import packs

NAMED = """
== pack.yaml
pack: p
format: {kind: hl7v2}
derive: []
== admission.yaml
source: {files: ["ADT*.hl7"], kind: PID}
into: []
"""


@pytest.mark.parametrize(
    ("name", "read"), [("in/ADT_1.hl7", True), ("adt_2.HL7", True), ("ORU_1.hl7", False), ("README.txt", False)]
)
def test_a_record_of_a_kind_that_names_its_files_is_sought_in_those_only(tmp_path: Path, name: str, read: bool) -> None:
    pack = load("p", (packs.write(tmp_path, "p", NAMED).parent,))
    fmt = format_of(pack, name)
    assert (fmt.kind if fmt else None) == ("hl7v2" if read else None)


def test_a_record_of_a_kind_that_names_no_files_is_sought_in_all(tmp_path: Path) -> None:
    text = NAMED.replace('files: ["ADT*.hl7"], ', "")
    pack = load("p", (packs.write(tmp_path, "p", text).parent,))
    fmt = format_of(pack, "any.txt")
    assert fmt is not None
    assert fmt.kind == "hl7v2"


def test_wide_tables_are_mapped_in_fewer_rows() -> None:
    assert most_rows(13) == most_rows(20) == CHUNK_ROWS
    assert 640 * most_rows(640) <= 20 * CHUNK_ROWS
    assert most_rows(100 * CHUNK_ROWS) == 1
