"""Malformed input of every kind, through the whole ingest: quarantine or a sentence, and the files beside it are loaded."""

import json
import os
import resource
from pathlib import Path

import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from isthmus.intake.record import REASONS
from lib import packs, workspace
from lib.apart import Apart
from lib.command import Done, run
from lib.malformed import CASES, CSV, long_line

LIMIT = 2 << 30
SMALL = 1 << 20
RULE = """
key: number
person: patient
into:
  - table: measurement
    set: {measurement_date: date(day), value_source_value: value}
"""
# Which pack reads a file of this name: the pack's format holds for all of its files.
KINDS = {
    ".csv": "csv",
    ".gz": "csv",
    ".zip": "csv",
    ".tar": "csv",
    ".parquet": "parquet",
    ".xlsx": "xlsx",
    ".json": "fhir",
    ".hl7": "hl7v2",
}


def _pack(root: Path, kind: str) -> Path:
    source = {"csv": 'files: ["*.csv"]', "fhir": "kind: Patient", "hl7v2": "kind: PID"}.get(
        kind, f'files: ["*.{kind}"]'
    )
    shape = "shape: {number: VARCHAR, patient: VARCHAR, day: VARCHAR, value: VARCHAR}\n" if kind == "fhir" else ""
    rule = RULE if kind != "hl7v2" else "into: []\n"
    text = f"== pack.yaml\npack: p{kind}\nderive: []\nformat: {{kind: {kind}}}\n== r.yaml\nsource: {{{source}}}\n{shape}{rule}"
    return packs.write(root, f"p{kind}", text)


def _made(tmp_path: Path, kind: str) -> tuple[Workspace, Path]:
    """A workspace with a feed of that format, and one of sound CSV files."""
    for name in ("odd", "sound"):
        (tmp_path / name).mkdir()
    (tmp_path / "sound" / "good.csv").write_bytes(CSV.replace(b"N", b"S"))
    feeds = {
        "odd": (tmp_path / "odd", _pack(tmp_path / "packs", kind)),
        "sound": (tmp_path / "sound", _pack(tmp_path / "packs", "csv")),
    }
    return workspace.made(tmp_path / "ws", feeds), tmp_path / "odd"


def _run(opened: Workspace) -> Done:
    """An ingest in a process of its own, whose memory is measured."""
    process = Apart("ingest", opened.root, "--json")
    out, err = process.communicate()
    assert process.returncode is not None
    assert 0 < process.peak < LIMIT
    return _told(Done(process.returncode, out.decode(), err.decode()))


def _told(done: Done) -> Done:
    assert "Traceback" not in done.err, done.err
    assert "unforeseen" not in done.err, done.err
    return done


def _reasons(opened: Workspace) -> set[str]:
    return {row["reason"].split(":")[0] for row in workspace.rows(opened, "record") if row["outcome"] == "quarantined"}


def _sound(opened: Workspace) -> int:
    return sum(row["outcome"] == "mapped" and row["kind"] == "r" for row in workspace.rows(opened, "record"))


@pytest.mark.parametrize("name", list(CASES))
def test_it_ends_in_quarantine_and_the_rest_is_loaded(tmp_path: Path, name: str) -> None:
    file, write, reasons = CASES[name]
    kind = KINDS[Path(file).suffix]
    opened, folder = _made(tmp_path, kind)
    write(folder / file)
    if kind == "csv":
        (folder / "a-good.csv").write_bytes(CSV)
    # Little bytes need no process whose memory is measured; what may become many does.
    is_large = (folder / file).stat().st_size > SMALL or "bomb" in name
    done = _run(opened) if is_large else _told(run("ingest", opened.root, "--json"))
    assert done.code == 0, done.err
    json.loads(done.out)
    found = _reasons(opened)
    assert found <= set(reasons)
    assert bool(found) == bool(reasons)
    assert _sound(opened) >= 200 + 200 * (kind == "csv")
    assert [fault for one in verify(opened) for fault in one.faults] == []
    texts = {row["reason"] for row in workspace.rows(opened, "record") if row["reason"]}
    assert not any("value-" in text or "N1" in text for text in texts), "a reason holds data of a patient"


def test_every_reason_is_a_class_that_is_written_down() -> None:
    named = {reason for _, _, reasons in CASES.values() for reason in reasons}
    assert named - {"missing-column", "measurement_date"} <= set(REASONS)  # these two are told by the mapping


ODD_NAMES = {
    "a newline": b"lab\nresult.csv", "quotes": b"lab\"'`.csv", "an emoji": "lab🩸.csv".encode(), "no UTF-8": b"lab\xff\xfe.csv",
    "GB18030": "检验.csv".encode("gb18030"), "Chinese": "检验.csv".encode(), "percent and spaces": b"lab %41 $x;rm.csv",
    "a name of 240 characters": b"l" * 240 + b".csv", "glob signs": b"lab[1]*?.csv",
}  # fmt: skip


@pytest.mark.parametrize("name", list(ODD_NAMES))
def test_a_file_may_be_called_anything(tmp_path: Path, name: str) -> None:
    opened, folder = _made(tmp_path, "csv")
    (folder / os.fsdecode(ODD_NAMES[name])).write_bytes(CSV)
    done = _told(run("ingest", opened.root, "--json"))
    assert done.code == 0, done.err
    assert _sound(opened) == 400
    assert [fault for one in verify(opened) for fault in one.faults] == []


def test_a_folder_where_a_file_is_expected_and_links_out_of_the_folder_are_passed_over(tmp_path: Path) -> None:
    opened, folder = _made(tmp_path, "csv")
    (folder / "lab.csv").mkdir()
    (folder / "lab.csv" / "inside.csv").write_bytes(CSV)
    (folder / "out.csv").symlink_to("/etc/passwd")
    (folder / "ring.csv").symlink_to(folder / "ring.csv")
    os.mkfifo(folder / "pipe.csv")
    done = _run(opened)
    assert done.code == 0, done.err
    assert sorted(one.name for one in opened.records.receipts()) == ["good.csv", "lab.csv/inside.csv"]
    assert _sound(opened) == 400


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named_and_holds_up_no_other(tmp_path: Path) -> None:
    opened, folder = _made(tmp_path, "csv")
    (folder / "locked.csv").write_bytes(CSV)
    (folder / "locked.csv").chmod(0)
    refused = json.loads(_run(opened).out)["feeds"][0]["refused"]
    assert len(refused) == 1
    assert refused[0].startswith("locked.csv cannot be landed: Permission denied.")
    assert _sound(opened) == 200


def test_a_file_that_grows_while_it_is_read_is_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, folder = _made(tmp_path, "csv")
    path = folder / "growing.csv"
    path.write_bytes(CSV)
    real = type(opened.lake.landing)._copy

    def grow(self: object, source: Path, before: os.stat_result) -> tuple[str, int]:
        if source == path:
            with path.open("ab") as stream:
                stream.write(b"N900,P9,2024-03-05,late\n")
        return real(self, source, before)  # type: ignore[arg-type]

    monkeypatch.setattr("isthmus.lake.landing.SMALL", 0)
    monkeypatch.setattr(type(opened.lake.landing), "_copy", grow)
    report = ingest(opened)
    assert ["changed while it was being landed" in text for one in report.landed["h01"] for text in one.refused] == [
        True
    ]
    assert _sound(opened) == 200
    monkeypatch.undo()
    ingest(opened)
    assert _sound(opened) == 200 + 201


@pytest.mark.prove
def test_a_line_of_10_gb_ends_in_quarantine(tmp_path: Path) -> None:
    """As long a line as the disk takes; the file is landed (10 GB twice on disk)."""
    opened, folder = _made(tmp_path, "csv")
    long_line(folder / "long.csv", 10 << 30)
    done = _run(opened)
    assert done.code == 0, done.err
    assert _reasons(opened) == {"too-long"}
    assert _sound(opened) == 200


def test_memory_is_measured_in_bytes() -> None:
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > 10 << 20
