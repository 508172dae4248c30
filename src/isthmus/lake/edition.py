"""Editions: immutable, numbered manifests over the versions of all tables. A reader sees one edition or the next.

A manifest is a JSON file `editions/000001.json`, published in one atomic step. It names the digest of the manifest
before it, so that a chain of editions cannot be altered in the middle without being noticed.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from isthmus.base.durable import publish_once
from isthmus.base.errors import InputError, IntegrityError
from isthmus.lake.delta import DataFile

MOST = (1 << 63) - 1  # a count that every reader can hold


@dataclass(frozen=True, slots=True)
class Edition:
    """A published edition. `body` is the manifest as it was published."""

    number: int
    body: Mapping[str, Any]
    digest: str

    @property
    def name(self) -> str:
        """What people call it."""
        return f"e{self.number:06d}"

    @property
    def batches(self) -> Sequence[str]:
        """The batches that came in with it."""
        return tuple(self.body["batches"])

    def tables(self) -> Mapping[str, int]:
        """Rows by table."""
        return {name: int(table["rows"]) for name, table in self.body["tables"].items()}

    def files(self, table: str) -> list[DataFile]:
        """The files of one of its tables; none when it has no such table."""
        found = self.body["tables"].get(table)
        return [] if found is None else [DataFile(table, **one) for one in found["files"]]

    def within(self, sites: Collection[str]) -> "Edition":
        """This edition with the files of some sites only, and of tables that belong to no site."""
        kept = {
            name: table | {"files": [one for one in table["files"] if not one["site"] or one["site"] in sites]}
            for name, table in self.body["tables"].items()
        }
        return Edition(self.number, {**self.body, "tables": kept}, self.digest)


class Editions:
    """The chain of editions of one lake."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "editions"

    def clear(self) -> None:
        """Throw away drafts of manifests, of a process that was killed. Only the one writer of a lake may."""
        for left in self.folder.glob(".*.tmp"):
            left.unlink()

    def numbers(self) -> list[int]:
        """Numbers of the published editions, ascending."""
        return sorted(int(path.stem) for path in self.folder.glob("[0-9]*.json") if path.stem.isdecimal())

    def current(self) -> Edition | None:
        """The newest edition, or None before the first."""
        numbers = self.numbers()
        return self.get(numbers[-1]) if numbers else None

    def get(self, number: int) -> Edition:
        """One edition by its number. Raises InputError when there is none, IntegrityError for a broken one."""
        try:
            content = (self.folder / f"{number:06d}.json").read_bytes()
        except FileNotFoundError:
            known = self.numbers()
            said = f"Published: {known[0]} to {known[-1]}." if known else "None is published yet; run `isthmus ingest`."
            raise InputError(f"there is no edition {number}. {said}") from None
        try:
            body = orjson.loads(content)
        except orjson.JSONDecodeError:
            body = None
        if not _is_manifest(body):
            raise IntegrityError(f"the manifest of edition {number} was altered. Restore it from a backup.")
        return Edition(number, body, hashlib.sha256(content).hexdigest())

    def keep(self, edition: Edition, name: str, content: bytes) -> Path:
        """Keep something that was computed from an edition beside its manifest, its digest in its name."""
        path = self.folder / f"{edition.number:06d}.{name}.{hashlib.sha256(content).hexdigest()}.parquet"
        publish_once(path, content)
        return path

    def kept(self, edition: Edition, name: str) -> bytes | None:
        """What was kept of an edition under a name, if anything. Raises IntegrityError when it was altered."""
        for path in self.folder.glob(f"{edition.number:06d}.{name}.*.parquet"):
            content = path.read_bytes()
            if path.name.split(".")[-2] != hashlib.sha256(content).hexdigest():
                raise IntegrityError(f"{path.name} was altered. Remove it; it is computed again when it is asked for.")
            return content
        return None

    def publish(
        self, tables: Mapping[str, tuple[int, Sequence[DataFile]]], *, batches: Sequence[str], notes: Mapping[str, Any]
    ) -> Edition:
        """Publish the next edition over (version, files) of each table. `notes` go into the manifest as they are."""
        self.folder.mkdir(parents=True, exist_ok=True)
        made = self.drafted(tables, batches=batches, notes=notes)
        publish_once(self.folder / f"{made.number:06d}.json", orjson.dumps(made.body, option=orjson.OPT_INDENT_2))
        return made

    def drafted(
        self, tables: Mapping[str, tuple[int, Sequence[DataFile]]], *, batches: Sequence[str], notes: Mapping[str, Any]
    ) -> Edition:
        """The next edition as `publish` would publish it."""
        former = self.current()
        body: dict[str, Any] = {
            "edition": former.number + 1 if former else 1,
            "previous": former.digest if former else None,
            **notes,
            "batches": list(batches),
            "tables": {name: _table(version, files) for name, (version, files) in sorted(tables.items())},
        }
        content = orjson.dumps(body, option=orjson.OPT_INDENT_2)
        return Edition(body["edition"], body, hashlib.sha256(content).hexdigest())


def _is_manifest(body: Any) -> bool:
    """Whether readers find what they look for."""
    try:
        tables = list(body["tables"].values())
        files = [DataFile("", **one) for table in tables for one in table["files"]]
        counts = [table[name] for table in tables for name in ("rows", "version")]
        counts += [count for one in files for count in (one.rows, one.size)]
        texts = [*body["batches"], *(one.path for one in files), *(one.site for one in files if one.site is not None)]
    except (KeyError, TypeError, AttributeError):
        return False
    return all(type(one) is int and 0 <= one <= MOST for one in counts) and all(isinstance(one, str) for one in texts)


def _table(version: int, files: Sequence[DataFile]) -> dict[str, Any]:
    return {
        "version": version,
        "rows": sum(one.rows for one in files),
        "files": [{"path": one.path, "site": one.site, "rows": one.rows, "size": one.size} for one in files],
    }
