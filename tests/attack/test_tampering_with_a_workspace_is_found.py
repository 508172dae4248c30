"""Somebody alters one thing of a workspace that ought to be provable: `verify` finds it, whatever it was.

What is altered: the log with its tiles, checkpoint and journal; manifests and data files of editions; acts, accounts
and tokens in the records; the public key. What an act's `result` says (rows and seconds of an answer) is in no entry.
"""

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from isthmus.base.errors import IsthmusError
from isthmus.flow.verify import verify
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.trail import proved
from isthmus.gate.office.unit import Office
from lib import granted, logs
from lib.granted import House

ACT = ("subject", "kind", "grant", "at", "person", "role", "act", "body", "salt", "entry")


MOMENTS, BETWEEN = ("at", "expires_at"), 10  # what stands between day and hour says nothing
REST = 'kind, "grant", at, person, role, act, body, salt'


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = granted.granted(tmp_path_factory.mktemp("tampered"), patients=3)
    assert house.ask("select count(*) as n from person").code == 0
    assert house.run("aud", "log", house.root, "--grant", house.grant).code == 0  # what was logged so far is in tiles
    assert house.ask("select count(*) as n from visit_occurrence").code == 0
    assert house.run("root", "people", "second", house.root).code in {0, 5}
    for folder in (house.root / "ledger").rglob("*.p"):  # partial tiles of former sizes, which nothing refers to
        *former, _ = sorted(folder.iterdir(), key=lambda path: int(path.name))
        for path in former:
            path.unlink()
    return house


def _faults(root: Path) -> list[str]:
    """What the records and their log say; only when that holds, what the lake says."""
    try:
        opened = Workspace(root)
        office = Office(opened.root, opened.records, opened.settings)
        _, faults = proved(office)
        return faults or [fault for one in verify(opened) for fault in one.faults]
    except IsthmusError as error:
        return [str(error)]


def _some(draw: Random, root: Path, pattern: str) -> Path:
    return draw.choice(sorted(path for path in root.glob(pattern) if path.is_file()))


def _bit(draw: Random, root: Path, pattern: str) -> str:
    path = _some(draw, root, pattern)
    path.chmod(0o640)
    content = bytearray(path.read_bytes())
    act = draw.choice(("flip", "cut", "more", "gone"))
    if act == "flip":
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
    elif act == "cut":
        del content[draw.randrange(len(content)) :]
    elif act == "more":
        content += draw.randbytes(4)
    path.unlink()
    if act != "gone":
        path.write_bytes(bytes(content))
    return f"{act} {path.relative_to(root)}"


def _log(draw: Random, root: Path) -> str:
    what = "journal: shift"
    while what == "journal: shift":  # of a log that is as small as this one, it may shift nothing
        what = logs.tamper(root / "ledger", draw)
    return what


def _manifest(draw: Random, root: Path) -> str:
    return _bit(draw, root, "lake/editions/*.json")


def _number(draw: Random, root: Path) -> str:
    """A manifest that is as one should be, with another number in it."""
    path = _some(draw, root, "lake/editions/*.json")
    body = json.loads(path.read_bytes())
    table = draw.choice(sorted(body["tables"]))
    body["tables"][table][draw.choice(("rows", "version"))] += draw.choice((-1, 1))
    path.chmod(0o640)
    path.write_text(json.dumps(body, indent=2))
    return f"a number of {table} in {path.name}"


def _data(draw: Random, root: Path) -> str:
    return _bit(draw, root, "lake/*/site=*/*.parquet")


def _swapped(draw: Random, root: Path) -> str:
    """Two data files under each other's names."""
    one, other = (_some(draw, root, "lake/*/site=*/*.parquet") for _ in range(2))
    if one == other:
        return _data(draw, root)
    one.chmod(0o640)
    other.chmod(0o640)
    mine, theirs = one.read_bytes(), other.read_bytes()
    one.write_bytes(theirs)
    other.write_bytes(mine)
    return f"{one.name} and {other.name} swapped"


def _landed(draw: Random, root: Path) -> str:
    return _bit(draw, root, "landing/objects/*/*")


def _changed(draw: Random, root: Path, table: str, columns: tuple[str, ...]) -> str:
    with closing(sqlite3.connect(root / "records.db")) as records:
        rows = [row[0] for row in records.execute(f"select rowid from {table}")]
        column, chosen = draw.choice(columns), draw.choice(rows)
        (value,) = records.execute(f"select {column} from {table} where rowid = ?", (chosen,)).fetchone()
        text = str(value or "")
        places = [at for at in range(len(text)) if not (column.strip('"') in MOMENTS and at == BETWEEN)]
        at = draw.choice(places) if places else 0
        letter = draw.choice([one for one in "abc0189" if text[at : at + 1] != one])
        records.execute(
            f"update {table} set {column} = ? where rowid = ?", (text[:at] + letter + text[at + 1 :], chosen)
        )
        records.commit()
    return f"{table}.{column}: {text!r} at {at} became {letter!r}"


def _act(draw: Random, root: Path) -> str:
    return _changed(draw, root, "act", tuple(f'"{one}"' for one in ACT))


def _account(draw: Random, root: Path) -> str:
    return _changed(draw, root, "account", ("name", "actor", "roles", "sites", "password", "second"))


def _token(draw: Random, root: Path) -> str:
    return _changed(draw, root, "token", ("token_id", "name", "digest", "scope", "expires_at"))


def _taken(draw: Random, root: Path) -> str:
    """An act gone, or one that never was; a role that nobody gave."""
    said = draw.choice(
        (
            "delete from act where rowid = (select rowid from act where settled order by random() limit 1)",
            f"insert into act select subject, number + 1000, {REST}, entry || 'x', settled, result from act limit 1",
            """update account set roles = '["checker", "user"]' where name = 'ann'""",
            "update account set actor = actor || '0' where name = 'bo'",
            """update token set scope = '["use", "ask", "release", "log", "people", "more"]' where name = 'ann'""",
        )
    )
    with closing(sqlite3.connect(root / "records.db")) as records:
        records.execute(said)
        records.commit()
    return said


def _key(draw: Random, root: Path) -> str:
    """The public key; without the newline at its end it says the same, so that this is no harm."""
    path = root / "keys" / "log.vkey"
    said = path.read_bytes().strip()
    what = _bit(draw, root, "keys/log.vkey")
    return _key(draw, root) if path.exists() and path.read_bytes().strip() == said else what


HARMS: tuple[Callable[[Random, Path], str], ...] = (
    _log, _log, _log, _manifest, _number, _data, _swapped, _landed, _act, _account, _token, _taken, _key,
)  # fmt: skip


def _missed(house: House, folder: Path, seed: int) -> list[str]:
    """Four harms of each kind, each alone in a fresh copy: those that were not found."""
    draw, missed = Random(seed), []
    assert _faults(house.copied(folder / "unharmed").root) == []
    for harm in HARMS * 4:
        root = house.copied(folder / "harmed").root
        what = harm(draw, root)
        try:
            if not _faults(root):
                missed.append(what)
        except Exception as error:  # found, and not said: all of them are listed
            missed.append(f"{what}: {error!r}")
        shutil.rmtree(root)
    return missed


def test_every_kind_of_harm_is_found_four_times(house: House, tmp_path: Path) -> None:
    assert _missed(house, tmp_path, seed=1) == []


@pytest.mark.prove
@pytest.mark.parametrize("seed", range(2, 22))
def test_a_thousand_and_forty_tamperings_are_found(house: House, tmp_path: Path, seed: int) -> None:
    assert _missed(house, tmp_path, seed) == []
