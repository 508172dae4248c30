"""A whole log: every entry is hashed again, every tile compared, every signature and every digest looked at."""

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

from .entry import read_entry
from .note import Refuted, Statement, read_checkpoint
from .policy import Policy
from .tree import fold, hash_leaf

WIDE = 256
DRAFTS = ".drafts"
ASIDE = {"journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "checkpoint", "witnessed"}


@dataclass
class Report:
    """What was found. The log holds when `faults` is empty.

    `published` entries are in tiles under the checkpoint, `pending` ones are signed but only in the journal;
    `quorum` says whether enough witnesses have signed a checkpoint, `witnesses` who signed the newest such (or the
    published one), and `witnessed` how many entries it has.
    """

    published: int = 0
    pending: int = 0
    witnessed: int = 0
    witnesses: list[str] = field(default_factory=list)
    quorum: bool = False
    faults: list[str] = field(default_factory=list)


def check_log(
    folder: Path,
    policy: Policy,
    *,
    known: Sequence[bytes] = (),
    editions: Mapping[str, str] | None = None,
    typed: bool = True,
    strangers: bool = False,
) -> Report:
    """Check the log in a folder.

    `known`: checkpoints that were seen before; the log must continue each. `editions`: identifier → SHA-256 of every
    edition that there is; each must have been logged as it is, and none logged may be missing. `typed`: entries must be
    of the form of Isthmus' own. `strangers`: checkpoints may have signatures of keys that the policy does not name.
    """
    report = Report()
    leaves: list[bytes] = []
    entries: list[bytes] = []
    try:
        if (folder / "checkpoint").exists() or not (folder / "journal.sqlite").exists():
            statement = read_checkpoint(_bytes(folder / "checkpoint"))
            policy.accepts(statement)
            report.published = statement.size
            entries += _published(folder, statement)
            leaves += [hash_leaf(entry) for entry in entries]
            if fold(leaves) != statement.root:
                report.faults.append("the entries do not lead to the root of the checkpoint")
        _journal(folder, policy, (entries, leaves), report)
        _bundles(folder, entries, report)
        _tiles(folder, leaves, report)
        _witnessed(folder, policy, leaves, report, strangers)
    except Refuted as error:
        report.faults.append(str(error))
    for number, content in enumerate(known, start=1):
        _continues(f"checkpoint {number} that was given", content, policy, leaves, report)
    if typed:
        _entries(entries, editions, report)
    return report


def published(folder: Path, policy: Policy) -> list[bytes]:
    """The published entries of a log, which lead to the root of its signed checkpoint; else Refuted."""
    statement = read_checkpoint(_bytes(folder / "checkpoint"))
    policy.accepts(statement)
    entries = list(_published(folder, statement))
    if fold([hash_leaf(entry) for entry in entries]) != statement.root:
        raise Refuted("the entries do not lead to the root of the checkpoint")
    return entries


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Refuted(f"{path.name} cannot be read ({error.strerror})") from None


def _name(number: int) -> str:
    """Three digits to a folder, all but the last after an x."""
    pieces = [f"{number % 1000:03d}"]
    while number := number // 1000:
        pieces.insert(0, f"x{number % 1000:03d}")
    return "/".join(pieces)


def _published(folder: Path, statement: Statement) -> Iterator[bytes]:
    for number in range(-(-statement.size // WIDE)):
        width = min(WIDE, statement.size - number * WIDE)
        name = f"tile/entries/{_name(number)}"
        path = folder / (name if width == WIDE else f"{name}.p/{width}")
        if width < WIDE and not path.exists():
            path = folder / name  # a log may have given up the partial one for the full one
        found = _split(_bytes(path))
        if found is None or not width <= len(found) <= WIDE:
            raise Refuted(f"the entry bundle {name} is damaged")
        yield from found[:width]


def _bundles(folder: Path, entries: list[bytes], report: Report) -> None:
    """Every bundle that is there says what was read; one beyond the checkpoint, of a publish that was killed, too."""
    above = folder / "tile" / "entries"
    for path in sorted(above.rglob("*")):
        if path.is_file():
            place = _placed(path.relative_to(above).as_posix())
            expected = [] if place is None else entries[place[0] * WIDE : place[0] * WIDE + place[1]]
            if place is None or len(expected) != place[1] or _split(path.read_bytes()) != expected:
                report.faults.append(f"{path.relative_to(folder).as_posix()} does not hold the entries of the log")


def _tiles(folder: Path, leaves: list[bytes], report: Report) -> None:
    """Every tile of the published size is there, and every one that is there is right."""
    right = {0: leaves}
    while above := [fold(right[len(right) - 1][low : low + WIDE]) for low in _full(right[len(right) - 1])]:
        right[len(right)] = above
    for level in right:
        size = report.published >> 8 * level
        for number in range(-(-size // WIDE)):
            width = min(WIDE, size - number * WIDE)
            name = f"tile/{level}/{_name(number)}"
            if not (folder / name).exists() and not (folder / f"{name}.p/{width}").exists():
                report.faults.append(f"{name} is missing")
    for path in sorted((folder / "tile").rglob("*")):
        label = path.relative_to(folder / "tile").as_posix()
        if path.is_file() and not label.startswith("entries/"):
            _tile(path, label, right, report)
    for path in folder.iterdir():
        if path.name not in ASIDE and path.name not in ("tile", DRAFTS):
            report.faults.append(f"{path.name} does not belong into the folder of a log")


def _full(layer: list[bytes]) -> range:
    """Where the full tiles of a layer begin."""
    return range(0, len(layer) - WIDE + 1, WIDE)


def _tile(path: Path, label: str, right: Mapping[int, list[bytes]], report: Report) -> None:
    head, _, tail = label.partition("/")
    place = _placed(tail)
    hashes = right.get(int(head)) if head.isdigit() and str(int(head)) == head else None
    if place is None or hashes is None:
        report.faults.append(f"tile/{label} does not belong here")
        return
    number, width = place
    expected = hashes[number * WIDE : number * WIDE + width]
    if len(expected) != width or path.read_bytes() != b"".join(expected):
        report.faults.append(f"tile/{label} is not what its entries give")


def _placed(label: str) -> tuple[int, int] | None:
    """Number and width that a path below a level stands for; None when it is no such path."""
    name, partial, end = label.partition(".p/")
    width = int(end) if end.isdigit() and end.isascii() else 0
    number = name.replace("/", "").replace("x", "")
    if not number.isdigit() or _name(int(number)) != name:
        return None
    if not partial:
        return int(number), WIDE
    return (int(number), width) if 0 < width < WIDE and str(width) == end else None


def _split(content: bytes) -> list[bytes] | None:
    found = []
    stream = BytesIO(content)
    while head := stream.read(2):
        length = head[0] * 256 + head[-1]
        entry = stream.read(length)
        if len(head) != 2 or len(entry) != length:
            return None
        found.append(entry)
    return found


def _journal(folder: Path, policy: Policy, held: tuple[list[bytes], list[bytes]], report: Report) -> None:
    """What the writer has taken since, and that every batch stands where the journal says."""
    path = folder / "journal.sqlite"
    if not path.exists():
        return
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as base:
            tip = base.execute("select size, note, tiled from tip").fetchone()
            pending = base.execute("select first, entries from pending order by first").fetchall()
            batches = base.execute("select first, count, digest from batch order by first").fetchall()
    except sqlite3.DatabaseError:
        raise Refuted("the journal cannot be read") from None
    if tip is None:
        raise Refuted("the journal is empty")
    entries, leaves = held
    if report.published < tip[2]:
        raise Refuted("the checkpoint is missing or older than the journal, which had more in tiles")
    newest = read_checkpoint(bytes(tip[1]))
    policy.accepts(newest)
    for first, bundle in pending:
        _more(first, _split(bytes(bundle)), tip[2], (entries, leaves))
    report.pending = max(0, len(leaves) - report.published)
    if (newest.size, newest.root) != (len(leaves), fold(leaves)) or tip[0] != newest.size:
        report.faults.append("the entries in the journal do not lead to its own signed checkpoint")
    _batches(batches, leaves, report)


def _more(first: int, found: list[bytes] | None, tiled: int, held: tuple[list[bytes], list[bytes]]) -> None:
    """Pending entries go on where the tiles end; those that a killed publish had put into tiles are the same."""
    entries, leaves = held
    if not found or first < tiled or first > len(entries):
        raise Refuted("pending entries of the journal are damaged or missing")
    there = entries[first : first + len(found)]
    if found[: len(there)] != there:
        raise Refuted("pending entries of the journal differ from the published ones")
    entries += found[len(there) :]
    leaves += [hash_leaf(one) for one in found[len(there) :]]


def _batches(batches: Iterable[tuple[int, int, bytes]], leaves: list[bytes], report: Report) -> None:
    place = 0
    for first, count, digest in batches:
        if first != place or hashlib.sha256(b"".join(leaves[first : first + count])).digest() != digest:
            report.faults.append(f"the batch at entry {first} is not what was logged there")
            return
        place = first + count
    if place != len(leaves):
        report.faults.append("the journal's batches do not cover the log")


def _witnessed(folder: Path, policy: Policy, leaves: list[bytes], report: Report, strangers: bool) -> None:
    """The published checkpoint, and the newest that a quorum has witnessed: it is kept only with its quorum."""
    met, sizes, signed = {}, {}, {}
    for name in ("checkpoint", "witnessed"):
        path = folder / name
        if not path.exists():
            continue
        statement = read_checkpoint(path.read_bytes())
        signed[name], sizes[name] = policy.accepts(statement), statement.size
        met[name] = policy.suffices(signed[name])
        if statement.size > len(leaves) or fold(leaves[: statement.size]) != statement.root:
            report.faults.append(f"the log does not continue the file {name}")
        if not strangers and not policy.knows_all(statement):
            report.faults.append(f"the file {name} has a signature of a key that the policy does not name")
    if not met.get("witnessed", True):
        report.faults.append("the file witnessed has lost signatures of its quorum")
    if len(set(sizes.values())) < len(sizes) and not set(signed["witnessed"]) <= set(signed["checkpoint"]):
        report.faults.append("the checkpoint has lost signatures of witnesses")
    if not met:
        report.quorum = policy.quorum == "none"
        return
    best = max(met, key=lambda name: (met[name], sizes[name]))
    report.quorum, report.witnessed, report.witnesses = met[best], sizes[best], signed[best]


def _continues(label: str, content: bytes, policy: Policy, leaves: list[bytes], report: Report) -> None:
    try:
        statement = read_checkpoint(content)
        policy.accepts(statement)
    except Refuted as error:
        report.faults.append(f"{label}: {error}")
        return
    if statement.size > len(leaves):
        report.faults.append(f"the log has {len(leaves)} entries, but {label} had {statement.size}: it was cut back")
    elif fold(leaves[: statement.size]) != statement.root:
        report.faults.append(f"the log contradicts {label}: its history was changed")


def _entries(entries: Sequence[bytes], editions: Mapping[str, str] | None, report: Report) -> None:
    seen: set[str] = set()
    logged: dict[str, str] = {}
    for index, raw in enumerate(entries):
        fields = read_entry(raw)
        if fields is None:
            report.faults.append(f"entry {index} is not of the form of an entry")
            continue
        name = str(fields["id"])
        if name in seen:
            report.faults.append(f"entry {index} repeats the identifier of another")
        seen.add(name)
        if fields["kind"] == "edition" and fields.get("act") == "published":
            logged[str(fields.get("edition"))] = str(fields.get("manifest")).removeprefix("sha256:")
    if editions is None:
        return
    for name, digest in editions.items():
        if logged.get(name) != digest:
            report.faults.append(f"the edition {name} is not the one that was logged" if name in logged else
                                 f"the edition {name} was never logged")  # fmt: skip
    report.faults += [f"the edition {name} was logged, and is not there" for name in logged if name not in editions]
