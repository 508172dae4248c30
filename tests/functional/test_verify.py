"""Whatever is harmed below a workspace is found by verify, and said."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.base.errors import IntegrityError
from isthmus.flow.ingest import ingest, publish
from isthmus.flow.schema import schema_of
from isthmus.flow.stage import file_of, query
from isthmus.flow.verify import demand, verify
from isthmus.flow.workspace import Workspace
from lib import harbour, workspace
from lib.copies import copied


@pytest.fixture
def opened(tmp_path: Path) -> Workspace:
    copied("delivered twice", _delivered, tmp_path)
    return Workspace(tmp_path / "ws")


def _delivered(folder: Path) -> None:
    made = workspace.made(folder / "ws", harbour.feeds(folder / "packs", folder / "in"))
    for number in (1, 2):
        harbour.deliver(folder / "in", number=number, patients=4)
        ingest(made)


def _faults(root: Path) -> dict[str, tuple[str, ...]]:
    return {one.check: one.faults for one in verify(Workspace(root)) if one.faults}


def _flip(path: Path, at: int = -20) -> None:
    path.chmod(0o640)
    content = bytearray(path.read_bytes())
    content[at] ^= 4
    path.write_bytes(content)


def _some(root: Path, pattern: str) -> Path:
    return sorted(root.glob(pattern))[0]


def _sql(root: Path, statement: str) -> None:
    with sqlite3.connect(root / "records.db") as connection:
        changed = connection.execute(statement).rowcount
        assert changed > 0
    connection.close()


def _rewrite_edition(root: Path) -> None:
    path = root / "lake/editions/000002.json"
    path.write_text(path.read_text().replace('"cdm": "5.4"', '"cdm": "5.5"'))


HARM: dict[str, tuple[Callable[[Path], None], str]] = {
    "a flipped bit in a data file": (lambda root: _flip(_some(root, "lake/measurement/*/*.parquet")), "was altered"),
    "a missing data file": (lambda root: _some(root, "lake/person/*/*.parquet").unlink(), "is missing"),
    "a flipped bit in a landed object": (lambda root: _flip(_some(root, "landing/objects/*/*")), "was altered"),
    "a landed object cut short": (
        lambda root: (path := _some(root, "landing/objects/*/*")).chmod(0o640) or (path.write_bytes(b"1") and None),
        "was altered",
    ),
    "a missing landed object": (lambda root: _some(root, "landing/objects/*/*").unlink(), "is missing"),
    "an altered edition": (_rewrite_edition, "does not follow"),
    "a missing edition": (lambda root: (root / "lake/editions/000002.json").unlink(), "edition 2 is missing"),
    "an edition that is no JSON": (
        lambda root: (root / "lake/editions/000001.json").write_text("{") and None, "edition 1 cannot be read",
    ),
    "an altered newest edition": (
        lambda root: (path := root / "lake/editions/000003.json").write_text(
            path.read_text().replace('"rows": 4', '"rows": 5')
        ) and None, "edition 3 is not what was published",
    ),
    "the newest edition taken away": (
        lambda root: (root / "lake/editions/000003.json").unlink(), "edition 3 is missing",
    ),
    "a newest edition that is no JSON": (
        lambda root: (root / "lake/editions/000003.json").write_text("{") and None, "edition 3 cannot be read",
    ),
    "a data file of no sense": (
        lambda root: [path.chmod(0o640) or path.write_bytes(b"x") for path in root.glob("lake/person/*/*.parquet")]
        and None,
        "was altered",
    ),
    "a table log that is not what the edition says": (
        lambda root: _some(root, "lake/measurement/_delta_log/*1.json").unlink(), "measurement",
    ),
    "a receipt that was taken away": (
        lambda root: _sql(root, "DELETE FROM receipt WHERE receipt_id = (SELECT min(receipt_id) FROM receipt)"),
        "has no receipt",
    ),
    "a part that was taken away": (
        lambda root: _sql(root, "DELETE FROM part WHERE part_id = (SELECT min(part_id) FROM part)"),
        "0 records were read",
    ),
    "an account that was altered": (
        lambda root: _sql(root, "UPDATE part SET account = '{\"lab\": {\"mapped\": 7}}'"), "7 records were read",
    ),
    "a batch that was not finished": (
        lambda root: _sql(root, "UPDATE batch SET state = 'open'"),
        "is not published yet",
    ),
}  # fmt: skip


def test_what_was_not_harmed_holds(opened: Workspace) -> None:
    findings = verify(opened)
    demand(findings)
    assert all(one.looked_at for one in findings)


@pytest.mark.parametrize("name", list(HARM))
def test_harm_is_found(opened: Workspace, name: str) -> None:
    harm, said = HARM[name]
    harm(opened.root)
    faults = _faults(opened.root)
    assert faults
    assert any(said in fault for found in faults.values() for fault in found), faults
    with pytest.raises(IntegrityError, match="checks failed"):
        demand(verify(Workspace(opened.root)))


def test_a_line_taken_out_of_the_ledger_is_found(opened: Workspace) -> None:
    """By someone who writes a new file, commits it and publishes an edition over it, all by the rules."""
    lake = opened.lake
    old = lake.deltas.files("record")[0]
    with lake.writing(), lake.engine() as engine:
        engine.view("ledger", [lake.root / old.path], empty=schema_of("record"))
        select = query("SELECT * EXCLUDE (site) FROM ledger ORDER BY part_id, place OFFSET 1")
        draft, rows = engine.write(select, lake.staging / "forged")
        new = file_of("record", "h01", draft, rows)
        draft.rename(lake.root / new.path)
        lake.deltas.commit("record", schema_of("record"), add=[new], remove=[old], batch="forged")
        publish(opened, [])
    faults = _faults(opened.root)
    assert set(faults) >= {"every record read is accounted for"}, faults


def test_verify_of_a_workspace_with_nothing_in_it_holds(tmp_path: Path) -> None:
    demand(verify(workspace.made(tmp_path / "ws", {})))
