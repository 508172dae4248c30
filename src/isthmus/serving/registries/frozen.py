"""Frozen versions of a registry: built once, kept with all that they were built from, and built again to prove it.

A freeze is a folder `frozen/REGISTRY/NAME` of the workspace: the tables, a copy of the packs, and `freeze.json` with
the edition, the digests of packs and code, the last ruling that counted, and the SHA-256 of every file.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

import isthmus
from isthmus.base.clock import now
from isthmus.base.durable import sync_folder
from isthmus.base.errors import InputError, IntegrityError, UsageError
from isthmus.flow.workspace import NAME, Workspace
from isthmus.gate.session import Session, open_session
from isthmus.research.registries.enrolment import ruling
from isthmus.research.registries.enrolment.model import REFUSED, WITHDRAWN
from isthmus.research.registries.enrolment.said import rulings
from isthmus.research.registries.pack import Pack, load
from isthmus.serving.registered import registered

FOLDER, ABOUT, PACKS = "frozen", "freeze.json", "packs"
KEY = ("person_id", "item", "row")
VALUES = ("value_number", "value_code", "value_text", "value_date")
CODE = (".py", ".csv", ".yaml")


@dataclass(frozen=True, slots=True)
class Freeze:
    """A frozen version: its folder, and what `freeze.json` says."""

    folder: Path
    about: Mapping[str, Any]

    @property
    def name(self) -> str:
        """How it is called."""
        return self.folder.name


def freeze(opened: Workspace, pack: Pack, name: str, *, edition: int | None, author: str) -> Freeze:
    """Build and keep a version. Raises UsageError for a name that is taken or none."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot name a freeze. Use 1 to 63 of a-z, 0-9, '-', '_'.")
    final = opened.root / FOLDER / pack.name / name
    if final.exists():
        raise UsageError(
            f"{pack.name} has a freeze '{name}' already, and a freeze is never changed. Choose another name."
        )
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    until = opened.decisions.last()
    final.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=final.parent, prefix=".") as draft:
        folder = Path(draft) / name
        _write(opened, session, pack, folder, until)
        _copy(pack, folder / PACKS)
        about = {
            "name": name, "registry": pack.name, "edition": session.edition.number,
            "edition_digest": session.edition.digest, "packs": list(pack.lineage), "digest": pack.digest,
            "version": isthmus.__version__, "code": code(), "rulings": until, "frozen_by": author,
            "frozen_at": now().isoformat(), "files": digests(folder),
        }  # fmt: skip
        (folder / ABOUT).write_bytes(orjson.dumps(about, option=orjson.OPT_INDENT_2))
        folder.rename(final)
    sync_folder(final.parent)
    return Freeze(final, about)


def freezes(root: Path, registry: str) -> list[Freeze]:
    """All freezes of a registry, the oldest first."""
    found = [
        one for one in sorted((root / FOLDER / registry).glob(f"*/{ABOUT}")) if not one.parent.name.startswith(".")
    ]
    read = [Freeze(path.parent, orjson.loads(path.read_bytes())) for path in found]
    return sorted(read, key=lambda one: str(one.about["frozen_at"]))


def find(root: Path, registry: str, name: str) -> Freeze:
    """A freeze by its name. Raises InputError when there is none, IntegrityError when a file of it was altered."""
    known = {one.name: one for one in freezes(root, registry)}
    if name not in known:
        raise InputError(f"{registry} has no freeze '{name}'. There are: {', '.join(known) or 'none'}.")
    found = known[name]
    altered = differing(found.about["files"], digests(found.folder))
    if altered:
        raise IntegrityError(f"{found.folder / altered[0]} is not what was frozen. Restore it from a copy.")
    return found


def again(opened: Workspace, frozen: Freeze) -> list[str]:
    """Build a freeze again from its edition, packs and rulings; the files that came out otherwise."""
    about = frozen.about
    pack = load(frozen.folder / PACKS / about["packs"][-1])
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=about["edition"])
    with TemporaryDirectory(dir=opened.root) as draft:
        _write(opened, session, pack, Path(draft), about["rulings"])
        kept = {name: one for name, one in about["files"].items() if not name.startswith(f"{PACKS}/")}
        return differing(kept, digests(Path(draft)))


def withdrawn(opened: Workspace, frozen: Freeze) -> int:
    """How many of its patients have refused or withdrawn since, as people have said here."""
    told = rulings(opened, frozen.about["registry"])
    newest: dict[int, str] = {}
    for one in sorted(ruling.consents(told).to_pylist(), key=lambda one: (one["since"], one["number"])):
        newest[one["person_id"]] = one["state"]
    out = [person for person, state in newest.items() if state in (REFUSED, WITHDRAWN)]
    persons = pq.read_table(frozen.folder / "enrolment.parquet", columns=["person_id"]).column("person_id")
    return int(pc.sum(pc.is_in(persons, value_set=pa.array(out, pa.int64()))).as_py() or 0)


def differences(one: Freeze, other: Freeze) -> dict[str, Any]:
    """What the second has otherwise: patients who came and went, and by item how many values, of how many patients.

    Items are those of patients who are in both.
    """
    left, right = (pq.read_table(each.folder / "enrolment.parquet", columns=["person_id"]) for each in (one, other))
    came, gone = _without(right, left), _without(left, right)
    both = left.join(right, "person_id", join_type="inner")
    former, latter = (_values(each.folder, both) for each in (one, other))
    joined = former.join(latter, list(KEY), join_type="full outer", left_suffix="_was", right_suffix="_is")
    was, now_is = joined.column("said_was"), joined.column("said_is")
    kind = pc.if_else(
        pc.is_null(was), "new", pc.if_else(pc.is_null(now_is), "gone", pc.if_else(pc.equal(was, now_is), "", "changed"))
    )
    changed = joined.append_column("kind", kind).filter(pc.not_equal(kind, ""))
    counts = changed.group_by(["item", "kind"]).aggregate([("person_id", "count"), ("person_id", "count_distinct")])
    people = changed.group_by(["item"]).aggregate([("person_id", "count_distinct")])
    patients = dict(zip(people.column("item").to_pylist(), people.column(1).to_pylist(), strict=True))
    items: dict[str, dict[str, Any]] = {
        name: {"item": name, "patients": patients[name], "new": 0, "gone": 0, "changed": 0} for name in sorted(patients)
    }
    for row in counts.to_pylist():
        items[row["item"]][row["kind"]] = row["person_id_count"]
    return {
        "from": one.name, "to": other.name, "came": came, "gone": gone, "in_both": both.num_rows,
        "items": sorted(items.values(), key=lambda each: (-each["patients"], each["item"])),
        "because": [key for key in ("edition", "digest", "code", "rulings") if one.about[key] != other.about[key]],
    }  # fmt: skip


def code() -> str:
    """SHA-256 over the program's own files and the definitions that come with it."""
    root = Path(isthmus.__file__).parent
    whole = hashlib.sha256()
    for path in sorted(one for one in root.rglob("*") if one.suffix in CODE):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of a folder by its path, without that of `freeze.json`."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*")) if path.is_file() and path.name != ABOUT
    }  # fmt: skip


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names that are not in both with the same content."""
    return sorted(name for name in {*one, *other} if one.get(name) != other.get(name))


def _write(opened: Workspace, session: Session, pack: Pack, folder: Path, until: int) -> None:
    """The tables of a registry, its dictionary and manifest. Codes for the work list are those of the edition."""
    registered(session, pack, folder, rulings(opened, pack.name, until), until)


def _copy(pack: Pack, folder: Path) -> None:
    """The files of all folders of a pack, each folder beside the others, so that it is read again from there."""
    for layer in pack.layers:
        for name, content in layer.files.items():
            path = folder / layer.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _without(rows: pa.Table, others: pa.Table) -> int:
    return int(rows.join(others, "person_id", join_type="left anti").num_rows)


def _values(folder: Path, persons: pa.Table) -> pa.Table:
    """`person_id, item, row, said` of these persons: each value as one text."""
    found = pq.read_table(folder / "value.parquet", columns=[*KEY, *VALUES])
    found = found.join(persons, "person_id", join_type="inner")
    texts: Sequence[pa.ChunkedArray] = [pc.fill_null(found.column(name).cast(pa.string()), "") for name in VALUES]
    return found.select(list(KEY)).append_column("said", pc.binary_join_element_wise(*texts, "|"))
