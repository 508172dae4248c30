"""Small logs for tests: entries that fit, a log with keys, a consortium of witnesses, and tamperings of a folder."""

import random
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from isthmus.ledger.entry import encode, sealed, time_of
from isthmus.ledger.identifier import mint
from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from isthmus.ledger.note import Note
from isthmus.ledger.quorum import Quorum, Witnessing, policy
from isthmus.ledger.witness import Witness, answer, request

PREFIX = "20.500.99999"
ORIGIN = "example.org/consortium"
MONDAY = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)


def entries(count: int, *, seed: int = 1) -> list[bytes]:
    """Questions under one grant, an edition and a decision among them."""
    chance = random.Random(seed)
    draw = chance.randrange
    actor, grant, session = (mint(PREFIX, code, draw=draw) for code in ("AC", "GR", "SE"))
    found = []
    for number in range(count):
        shared: dict[str, str | int] = {
            "id": mint(PREFIX, "EN", draw=draw),
            "at": time_of(MONDAY + timedelta(seconds=number)),
            "by": actor,
        }
        content, _ = sealed(b"%d" % number, chance.randbytes(32))
        if number % 50 == 7:
            edition = {"act": "published", "edition": mint(PREFIX, "ED", draw=draw), "manifest": content, "number": 1}
            found.append(encode("edition", {**shared, **edition}))
        else:
            asked = {"act": "allowed", "question": mint(PREFIX, "QU", draw=draw), "session": session, "grant": grant}
            found.append(encode("question", {**shared, **asked, "plan": content}))
    return found


@dataclass
class Consortium:
    """A log, three hospitals and a commission: two of the hospitals and the commission must witness."""

    log: Log
    folder: Path
    witnesses: dict[str, Witness]
    quorum: Quorum
    policy: str

    def witness(self, note: Note, *names: str, time: int = 1_800_000_000) -> Note:
        """Have a published checkpoint cosigned by these; gives it back with all signatures."""
        lines = []
        for name in names or tuple(self.witnesses):
            one = self.witnesses[name]
            seen = one.seen(ORIGIN)
            old = int(seen.text.split("\n")[1]) if seen else 0
            proof = self.log.consistency(old) if old else []
            lines += answer(one.add_checkpoint(request(old, proof, note), time=time))
        return self.log.cosign(note, lines, self.quorum)


def consortium(folder: Path, *, mldsa: bool = False) -> Consortium:
    """Begin a log with its witnesses in a folder."""
    key = Key.make(ORIGIN)
    log = Log(folder / "log", key)
    kinds = dict.fromkeys(("east", "west", "north"), "ed25519-cosign")
    kinds["commission"] = "mldsa44-cosign" if mldsa else "ed25519-cosign"
    witnesses = {
        name: Witness(folder / name, Key.make(f"{name}.example.org/witness", kind), {ORIGIN: [key.vkey]})
        for name, kind in kinds.items()
    }
    east, west, north, commission = (Witnessing(name, one.key.vkey) for name, one in witnesses.items())
    quorum = Quorum.all_of("consortium", Quorum.some("hospitals", 2, east, west, north), commission)
    return Consortium(log, folder / "log", witnesses, quorum, policy([key.vkey], quorum))


def filled(folder: Path, count: int = 600, *, pending: int = 30, seed: int = 1) -> Consortium:
    """A consortium whose log has entries: published, witnessed, and some that are only in the journal."""
    made = consortium(folder)
    whole = entries(count + pending, seed=seed)
    for place in range(0, count, 100):
        made.log.append(Batch(f"b{place}", whole[place : min(place + 100, count)]))
    made.witness(made.log.publish(), "east", "north", "commission")
    if pending:
        made.log.append(Batch("late", whole[count:]))
    return made


def tamper(folder: Path, chance: random.Random) -> str:
    """Alter one thing in a log's folder that somebody could want to alter; says what."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("journal.")]
    act = chance.choice((_flip, _flip, _flip, _cut, _remove, _swap, _double, _journal))
    if act is _journal:
        return _journal(folder, chance)
    path = chance.choice(files)
    return f"{act(path, chance, files)} {path.relative_to(folder)}"


def _flip(path: Path, chance: random.Random, files: Sequence[Path]) -> str:
    content = bytearray(path.read_bytes())
    content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    path.write_bytes(content)
    return "a bit flipped in"


def _cut(path: Path, chance: random.Random, files: Sequence[Path]) -> str:
    content = path.read_bytes()
    path.write_bytes(content[: chance.randrange(len(content))])
    return "cut"


def _remove(path: Path, chance: random.Random, files: Sequence[Path]) -> str:
    """Files that a log may do without are not removed alone: the note of witnesses is a copy."""
    if path.name == "witnessed":
        return _flip(path, chance, files)
    path.unlink()
    return "removed"


def _swap(path: Path, chance: random.Random, files: Sequence[Path]) -> str:
    content = path.read_bytes()
    others = [one for one in files if one.read_bytes() != content and one.name not in ("checkpoint", "witnessed")]
    other = chance.choice(others)
    if path.name in ("checkpoint", "witnessed"):
        path.write_bytes(other.read_bytes())
        return f"{other.name} laid over"
    mine, theirs = path.read_bytes(), other.read_bytes()
    path.write_bytes(theirs)
    other.write_bytes(mine)
    return f"swapped with {other.name}:"


def _double(path: Path, chance: random.Random, files: Sequence[Path]) -> str:
    path.write_bytes(path.read_bytes() * 2)
    return "doubled"


def _journal(folder: Path, chance: random.Random) -> str:
    """Rows of the journal: an entry altered, a batch forgotten or moved, the tip set back."""
    with closing(sqlite3.connect(folder / "journal.sqlite")) as base:
        act = chance.choice(("pending", "forget", "shift", "tiled", "lose"))
        if act == "pending":
            (content,) = base.execute("select entries from pending").fetchone()
            altered = bytearray(content)
            altered[chance.randrange(len(altered))] ^= 1 << chance.randrange(8)
            base.execute("update pending set entries = ?", (bytes(altered),))
        elif act == "forget":
            name = chance.choice([row[0] for row in base.execute("select id from batch")])
            base.execute("delete from batch where id = ?", (name,))
        elif act == "shift":
            base.execute("update batch set first = first + 1 where first > ?", (chance.randrange(500),))
        elif act == "tiled":
            base.execute("update tip set tiled = tiled + ?", (chance.randrange(1, 9),))
        else:
            base.execute("delete from pending")
        base.commit()
    return f"journal: {act}"


def copied(source: Path, target: Path) -> Path:
    """A fresh copy of a log's folder."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target)
    return target
