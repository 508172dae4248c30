"""Every verb from outside: what stands on stdout, which code it ends with, what it says when it fails."""

import importlib
import json
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_group

from isthmus.flow import start
from isthmus.flow.workspace import Workspace
from isthmus.serving import demonstration
from isthmus.serving.cli import output
from isthmus.serving.cli.app import VERBS
from lib import harbour, kill, packs, workspace
from lib.command import Done, apart, complaint, run


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that tests only read, made and filled by the command; its path has spaces and Chinese characters."""
    folder = tmp_path_factory.mktemp("cli") / "工作 区"
    folder.mkdir()
    harbour.deliver(folder / "导出 1", number=1, patients=6)
    made = harbour.write_packs(folder / "packs")
    root = folder / "ws of 港湾"
    assert run("init", root, "--synthetic", "--json").document() == {"workspace": str(root), "edition": 1}
    for feed, pack in made.items():
        words = ("site", "add", root, "h01", "--from", folder / "导出 1" / feed, "--mapping", pack, "--feed", feed)
        assert run(*words, "--json").document()["registered"] is True
    done = run("ingest", root, "--json")
    assert (done.code, done.err) == (0, "")
    assert done.document()["edition"] == 2
    return root


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """A workspace with one delivery waiting."""
    harbour.deliver(tmp_path / "in", number=1, patients=6)
    return workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in")).root


def _first(root: Path, table: str, key: str) -> int:
    return int(workspace.rows(Workspace(root), table)[0][key])


LOOKS: dict[str, Callable[[Path], tuple[str | Path, ...]]] = {
    "site list": lambda root: ("site", "list", root),
    "editions": lambda root: ("editions", root),
    "receipts": lambda root: ("receipts", root),
    "quarantine": lambda root: ("quarantine", root),
    "unmapped": lambda root: ("unmapped", root),
    "decisions": lambda root: ("decisions", root),
    "trace": lambda root: ("trace", root, "measurement", str(_first(root, "measurement", "measurement_id"))),
    "trace --file": lambda root: ("trace", root, "--file", Workspace(root).records.receipts()[0].sha256),
    "quality": lambda root: ("quality", root),
    "verify": lambda root: ("verify", root),
}  # fmt: skip


def test_the_table_of_verbs_is_what_the_modules_register() -> None:
    registered = {}
    for module in set(VERBS.values()):
        app = typer.Typer()
        importlib.import_module(f"isthmus.serving.cli.{module}").register(app)
        # A group of one command would swallow its name.
        app.command("another")(lambda: None)
        registered |= {name: module for name in get_group(app).commands if name != "another"}
    assert registered == VERBS


@pytest.mark.parametrize("name", list(LOOKS))
def test_a_verb_that_looks_prints_one_document_or_a_table(loaded: Path, name: str) -> None:
    words = LOOKS[name](loaded)
    told = run(*words, "--json")
    assert (told.code, told.err) == (0, "")
    assert told.document() is not None
    shown = run(*words)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.strip() or name == "quarantine"
    with pytest.raises(ValueError, match=r"JSON|unexpected|invalid"):
        shown.document()


def test_a_verb_in_its_own_process_prints_nothing_else(loaded: Path) -> None:
    done = apart("editions", loaded, "--json")
    assert (done.code, done.err) == (0, "")
    assert [one["edition"] for one in done.document()] == [1, 2]


def test_simulate_ingest_replay_and_rebuild_each_print_one_document(tmp_path: Path, fresh: Path) -> None:
    made = run("simulate", tmp_path / "sim", "--sites", "1", "--patients", "5", "--json")
    assert (made.code, made.err) == (0, "")
    assert made.document()["feeds"]
    first = run("ingest", fresh, "--site", "h01", "--json")
    assert (first.code, first.err) == (0, "")
    counts = {one["feed"]: one for one in first.document()["feeds"]}
    assert all(one["records"] == sum(one[name] for name in _OUTCOMES) for one in counts.values())
    again = run("ingest", fresh, "--json").document()
    assert sum(one["landed"] for one in again["feeds"]) == 0
    assert run("replay", fresh, "--json").document()["failed"] == {}
    built = run("rebuild", fresh, "--into", tmp_path / "again", "--json")
    assert (built.code, built.err) == (0, "")
    _same_bytes(fresh / "lake", tmp_path / "again", built.document())
    assert "not an empty folder" in complaint(run("rebuild", fresh, "--into", tmp_path / "again"), 2)


_OUTCOMES = ("mapped", "kept", "quarantined", "duplicate", "superseded")


def _same_bytes(published: Path, built: Path, compared: list[dict[str, int]]) -> None:
    """What the verb says is so: every file that it built is there in the published lake, byte for byte."""
    assert sum(one["files"] for one in compared) > 0
    assert all(one["same"] == one["files"] and not one["missing"] and not one["extra"] for one in compared)
    files = [path for path in built.rglob("*.parquet") if ".staging" not in path.parts]
    assert len(files) >= sum(one["files"] for one in compared)
    for path in files:
        assert path.read_bytes() == (published / path.relative_to(built)).read_bytes()


def test_doctor_and_demo_print_one_document(tmp_path: Path, loaded: Path) -> None:
    assert all(one["state"] != "fail" for one in run("doctor", loaded, "--json").document())
    shown = run("demo", "--into", tmp_path / "demo", "--patients", "60", "--sites", "2", "--json")
    assert (shown.code, shown.err) == (0, "")
    told = shown.document()
    assert told["verified"] is True
    assert Path(told["page"]).read_text(encoding="utf-8").startswith("<!doctype html>")


def test_wrong_use_ends_with_2(tmp_path: Path, loaded: Path) -> None:
    for words in (
        ("nosuch",), ("ingest",), ("editions", loaded, "--nosuch"), ("trace", loaded, "measurement"),
        ("trace", loaded, "measurement", "x"), ("unmapped", loaded, "--limit", "0"), ("init", loaded),
        ("simulate", tmp_path / "s", "--sites", "0"), ("trace", loaded, "concept", "8507"),
        ("trace", loaded, "measurement", "--file", "00"), ("trace", loaded, "--file", "00", "--edition", "2"),
    ):  # fmt: skip
        assert complaint(run(*words), 2)
    (tmp_path / "mine" / "workspace").mkdir(parents=True)
    (tmp_path / "mine" / "workspace" / "thesis.txt").write_text("mine")
    assert "no demo" in complaint(run("demo", "--into", tmp_path / "mine"), 2)
    assert (tmp_path / "mine" / "workspace" / "thesis.txt").exists()


def test_what_cannot_be_read_ends_with_3(tmp_path: Path, loaded: Path) -> None:
    for words in (
        ("editions", tmp_path), ("ingest", tmp_path / "nowhere"), ("trace", loaded, "person", "1"),
        ("trace", loaded, "--file", "zz"), ("site", "add", loaded, "h02", "--from", tmp_path / "nowhere"),
        ("attach", loaded, tmp_path / "nowhere"), ("vocabulary", loaded, tmp_path / "nowhere"),
        ("site", "add", loaded, "h02", "--from", tmp_path, "--mapping", tmp_path / "nopack"),
    ):  # fmt: skip
        assert complaint(run(*words), 3)
    assert complaint(run("doctor", tmp_path, "--json"), 3).startswith("not in order: workspace.")


def test_a_refusal_of_the_gate_ends_with_5(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one verb that asks the gate makes a workspace of invented patients; here it makes one of real patients."""

    def real(root: Path, *, synthetic: bool) -> Workspace:
        assert synthetic
        return start.new(root, synthetic=False)

    monkeypatch.setattr(demonstration, "start", type("Start", (), {"new": staticmethod(real)}))
    done = run("demo", "--into", tmp_path / "demo", "--patients", "10", "--sites", "1", "--json")
    assert "this workspace holds real patients" in complaint(done, 5)
    assert not done.out


def test_a_site_that_fails_ends_with_6_and_the_others_are_published(tmp_path: Path, fresh: Path) -> None:
    workspace.add(
        Workspace(fresh), {"lis": (tmp_path / "in" / "lis", packs.write(tmp_path / "p", "own", _OWN))}, site="h02"
    )
    (tmp_path / "p" / "own" / "lab.yaml").write_text("source: {files: ['*.csv']}\nkey: [\n")
    done = run("ingest", fresh, "--json")
    assert "1 site(s) failed; what succeeded is published." in complaint(done, 6)
    told = done.document()
    assert list(told["failed"]) == ["h02"]
    assert told["tables"]["person"] == 6


_OWN = "== pack.yaml\npack: own\n== lab.yaml\nsource: {files: ['*.csv']}\nkey: JGXH\ninto: []\n"


def test_stored_data_that_were_altered_end_with_7(fresh: Path) -> None:
    assert run("ingest", fresh, "--json").code == 0
    path = sorted((fresh / "lake" / "measurement").glob("*/*.parquet"))[0]
    path.chmod(0o640)
    content = bytearray(path.read_bytes())
    content[-20] ^= 4
    path.write_bytes(content)
    done = run("verify", fresh, "--json")
    complaint(done, 7)
    assert done.document()["holds"] is False
    assert run("editions", fresh, "--json").code == 0


@pytest.fixture
def locked(fresh: Path) -> Iterator[Path]:
    """A workspace in which nothing may be written."""
    assert run("ingest", fresh, "--json").code == 0
    kept = {path: path.stat().st_mode for path in (fresh, *fresh.rglob("*"))}
    for path in kept:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield fresh
    for path, mode in kept.items():
        path.chmod(mode)


def test_a_workspace_that_may_not_be_written_is_left_alone_and_said(locked: Path) -> None:
    before = kill.digests(locked)
    assert complaint(apart("ingest", locked, "--json", humble=True), 3)
    assert kill.digests(locked) == before


@pytest.fixture
def listening() -> Iterator[None]:
    """Ctrl-C reaches Python, also where the tests themselves were started in the background, which ignores it."""
    former = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, former)


def _interrupted(root: Path, after: float) -> Done:
    process = subprocess.Popen(
        [sys.executable, "-m", "isthmus", "ingest", str(root), "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    kill.begun(process, root)
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    return Done(process.returncode, out.decode(), err.decode())


@pytest.mark.usefixtures("listening")
def test_ctrl_c_is_said_and_the_same_command_goes_on(tmp_path: Path) -> None:
    harbour.deliver(tmp_path / "in", number=1, patients=250)
    root = workspace.made(tmp_path / "ws", harbour.feeds(tmp_path / "packs", tmp_path / "in")).root
    shutil.copytree(root, tmp_path / "calm")
    for after in (0.0, 0.3):
        done = _interrupted(root, after)
        assert complaint(done, 130).startswith("Interrupted. What was landed is kept")
        assert not done.out
    assert json.loads(apart("ingest", root, "--json").out)["failed"] == {}
    kill.undisturbed(tmp_path / "calm")
    kill.compare(kill.state(root), kill.state(tmp_path / "calm"))


@pytest.mark.usefixtures("listening")
def test_an_interrupt_that_an_engine_turned_into_an_error_is_an_interrupt(
    loaded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB answers a SIGINT in the middle of a query with a RuntimeError."""

    def query(self: object) -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise RuntimeError("Query interrupted") from None

    monkeypatch.setattr(Workspace, "sites", query)
    done = run("site", "list", loaded)
    assert complaint(done, 130).startswith("Interrupted.")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_command_in_a_hint_can_be_copied(tmp_path: Path) -> None:
    """A path with a space is one word to the shell."""
    root = tmp_path / "a ws"
    said = run("init", root).out + run("site", "add", root / "no ws", "h1", "--from", tmp_path).err
    for path in (root, root / "no ws"):
        assert shlex.quote(str(path)) in said, said


def test_a_table_shows_values_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    """What looks like markup of the terminal is what a hospital wrote."""
    output.table("of [/red]", ("a", "[b]"), [("[/b]", "[bold]x"), (None, 1_000), ("\\", "[link=x]y")])
    shown = capsys.readouterr().out
    for value in ("of [/red]", "[b]", "[/b]", "[bold]x", "1,000", "\\", "[link=x]y"):
        assert value in shown


def test_what_nobody_foresaw_is_a_sentence_too(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Workspace, "sites", lambda self: 1 // 0)
    done = run("site", "list", loaded)
    assert done.code == 1
    assert done.err.startswith("Something unforeseen happened (ZeroDivisionError).")
    with pytest.raises(ZeroDivisionError):
        run("site", "list", loaded, "--debug")
