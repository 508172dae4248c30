"""An application of unknown origin tries to get at the workspace without asking; the kernel says no each time."""

import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.apps.contract import Asked, RefusedError
from isthmus.apps.manager import fence
from isthmus.apps.manager.host import Apart
from isthmus.apps.manager.running import Manager
from lib.applications import managed, small

THIEF = """
def tried(work):
    try:
        return f"reached {work()}"
    except Exception as error:
        return type(error).__name__

def read(asked, at):
    return tried(lambda: Path(asked.query["path"]).read_bytes()[:20])

def listed(asked, at):
    return tried(lambda: os.listdir(asked.query["path"]))

def written(asked, at):
    return tried(lambda: Path(asked.query["path"]).write_text("here"))

def removed(asked, at):
    return tried(lambda: Path(asked.query["path"]).unlink())

def program(asked, at):
    return tried(lambda: subprocess.run(["/bin/sh", "-c", "true"]))

def network(asked, at):
    return tried(lambda: socket.create_connection(("127.0.0.1", int(asked.query["port"])), 2))

def signal(asked, at):
    return tried(lambda: os.kill(int(asked.query["process"]), 0))

def secrets(asked, at):
    return sorted(os.environ)

def engine(asked, at):
    import duckdb
    return tried(lambda: duckdb.sql(f"select * from read_parquet('{asked.query['path']}')").fetchall())

def workspace(asked, at):
    from isthmus.flow.workspace import Workspace
    return tried(lambda: Workspace(Path(asked.query["path"])))
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Manager]]:
    root = tmp_path_factory.mktemp("thief")
    with managed(root, small(root, "thief", THIEF)) as (shelf, manager):
        yield shelf.opened.root, manager


def answer(manager: Manager, route: str, **query: str) -> object:
    told = manager.answer("thief", Asked(path=f"api/{route}", query=query))
    assert told.status == 200, told
    return told.body


def test_files_of_the_workspace_are_closed(house: tuple[Path, Manager]) -> None:
    root, manager = house
    (parquet,) = (root / "lake" / "person").rglob("*.parquet")
    assert parquet.read_bytes()
    for path in (parquet, root / "isthmus.toml", root / "records.db", Path("/etc/passwd"), Path("/proc/self/environ")):
        assert answer(manager, "read", path=str(path)) == "PermissionError"
    for path in (root, root / "lake", Path.home()):
        assert answer(manager, "listed", path=str(path)) == "PermissionError"
    assert answer(manager, "engine", path=str(parquet)) == "IOException"
    assert "Error" in str(answer(manager, "workspace", path=str(root)))


def test_nothing_is_written_or_removed(house: tuple[Path, Manager]) -> None:
    root, manager = house
    for folder in (root, root / "applications" / "thief" / "1.0.0", Path("/tmp")):
        assert answer(manager, "written", path=str(folder / "mark")) == "PermissionError"
        assert not (folder / "mark").exists()
    assert answer(manager, "removed", path=str(root / "isthmus.toml")) == "PermissionError"


def test_no_program_no_connection_no_signal_and_no_secret(house: tuple[Path, Manager]) -> None:
    _, manager = house
    assert answer(manager, "program") == "PermissionError"
    if fence.version() >= fence.NETWORK_SINCE:
        assert answer(manager, "network", port="9") == "PermissionError"
    if fence.version() >= fence.SCOPED_SINCE:
        assert answer(manager, "signal", process=str(os.getpid())) == "PermissionError"
    assert set(answer(manager, "secrets")) <= {  # type: ignore[call-overload] # a list of names
        "LANG", "LC_CTYPE", "OMP_NUM_THREADS", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PWD",
    }  # fmt: skip


def test_a_system_without_a_fence_runs_no_foreign_application(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fence, "version", lambda: 0)
    with pytest.raises(RefusedError, match="cannot fence a process"):
        Apart(small(tmp_path, "thief", THIEF), tmp_path / "ws")


def test_a_workspace_inside_of_what_applications_read_is_refused(tmp_path: Path) -> None:
    inside = Path(sysconfig.get_path("purelib"))
    with pytest.raises(RefusedError, match="Move the workspace elsewhere"):
        Apart(small(tmp_path, "thief", THIEF), inside / "ws")
