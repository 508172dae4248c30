"""Documents of an installation: folders of texts with source, version and licence, kept as passages and segments.

Each folder below the setting `library` is a source: `source.yaml` (title, version, licence, and where there is one url)
beside texts, `.md` and `.txt`, which are cut at their headings, and `.ndjson`, lines of {"name", "title", "text"}. What
is new is written first; the row of the source then points to it, and only then goes what it replaces.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import uuid4

from isthmus.apps.advice.search.index import SIZE, Passage, bucket, segment, written
from isthmus.apps.contract import Context, InputError, PackError
from isthmus.apps.contract import documents as document
from isthmus.apps.contract.documents import check_keys, text_of

HEAD = "source.yaml"
KEYS = ("title", "version", "licence", "url", "about")
NEEDED = ("title", "version", "licence")
TEXTS, LINES = (".md", ".txt"), ".ndjson"
LONGEST = 100_000
"""Characters of a passage; what is longer is cut."""
MOST = 10_000
WHOLE = {"site": ""}
"""The library is the whole installation's; indexes begin with the site, so that it is named in every question."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A source as its folder has it; `digest` stands for names, sizes and times of its files."""

    path: Path
    title: str
    version: str
    licence: str
    url: str
    digest: str


def folders(root: Path) -> list[Folder]:
    """The sources of a library. Raises InputError where there is no such folder, PackError for a wrong head."""
    if not root.is_dir():
        raise InputError("the folder of the setting `library` is not there. Mend the setting, or make the folder.")
    return [_folder(one) for one in sorted(root.iterdir()) if (one / HEAD).is_file()]


def _folder(path: Path) -> Folder:
    head = document.read(path / HEAD, name=f"{path.name}/{HEAD}")
    item = f"source {path.name}"
    check_keys(head, item, KEYS, NEEDED)
    files = [one.stat() for one in _files(path)]
    told = [(one.name, held.st_size, held.st_mtime_ns) for one, held in zip(_files(path), files, strict=True)]
    title, version, licence, url = (text_of(head, key, item) for key in ("title", "version", "licence", "url"))
    return Folder(path, title, version, licence, url, sha256(json.dumps(told).encode()).hexdigest())


def _files(path: Path) -> list[Path]:
    return sorted(one for one in path.iterdir() if one.name == HEAD or one.suffix in (*TEXTS, LINES))


def passages(folder: Folder) -> Iterator[Passage]:
    """The passages of a source. Raises PackError for a file that cannot be read, with its line."""
    for path in _files(folder.path):
        if path.suffix in TEXTS:
            yield from _sections(folder.path.name, path)
        elif path.suffix == LINES:
            yield from _lines(folder.path.name, path)


def _sections(source: str, path: Path) -> Iterator[Passage]:
    """What stands under each heading, `#` to `######`; what stands before the first, under the file's name."""
    title, lines, number = path.stem, list[str](), 0
    for line in [*_text(path, source).splitlines(), "# "]:
        if line.startswith("#") and line.lstrip("#").startswith(" "):
            body = "\n".join(lines).strip()
            if body:
                yield Passage(source, f"{path.name}#{number}", title, body[:LONGEST])
            title, lines, number = line.lstrip("# ").strip(), [], number + 1
        else:
            lines.append(line)


def _lines(source: str, path: Path) -> Iterator[Passage]:
    for number, line in enumerate(_text(path, source).splitlines(), 1):
        try:
            told = json.loads(line)
            name, title, text = (str(told[key]) for key in ("name", "title", "text"))
        except (ValueError, TypeError, KeyError):
            raise PackError(
                f'{source}/{path.name}:{number}: this is no line of {{"name", "title", "text"}}. Mend the line, or '
                "take it out."
            ) from None
        yield Passage(source, f"{path.name}#{name}", title, text[:LONGEST])


def _text(path: Path, source: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise PackError(f"{source}/{path.name}:1: this is no text in UTF-8. Write the file in UTF-8.") from None


def renew(root: Path, at: Context) -> list[str]:
    """Take in what is new or has changed, and forget sources that are gone; the names of those that were touched.

    Raises PackError for the sources that cannot be read, after all others were.
    """
    known = {row["source"]: row for row in at.records.find("source", WHOLE, most=MOST)}
    there = {one.path.name: one for one in folders(root)}
    changed = [name for name, one in there.items() if name not in known or known[name]["digest"] != one.digest]
    gone = [name for name in known if name not in there]
    faults: list[str] = []
    for name in changed:
        try:
            _keep(there[name], at)
        except PackError as error:  # the others are taken in, and of this one what was there stays
            faults.append(str(error))
    for name in gone:
        at.records.remove("source", {**WHOLE, "source": name})
    _sweep(at)
    if faults:
        raise PackError("\n".join(faults))
    return [*changed, *gone]


def _keep(folder: Folder, at: Context) -> None:
    edition, count = uuid4().hex, 0
    rest = passages(folder)
    while some := list(islice(rest, SIZE)):
        _add(some, edition, at)
        count += len(some)
    at.records.add("source", [
        {
            "source": folder.path.name, "title": folder.title, "version": folder.version, "licence": folder.licence,
            "url": folder.url, "digest": folder.digest, "passages": count, "made": edition, "at": at.now,
        }
    ])  # fmt: skip


def _add(some: Sequence[Passage], made: str, at: Context) -> None:
    name, found = uuid4().hex, segment(some)
    at.records.add("segment", [{"segment": name, "made": made, "lengths": written(found.lengths)}])
    rows: list[dict[str, Any]] = [
        {"passage": f"{name}:{place}", "made": made, "name": one.name, "title": one.title, "text": one.text}
        for place, one in enumerate(some)
    ]
    at.records.add("passage", rows)
    buckets: dict[int, dict[str, str]] = {}
    for gram, columns in found.postings.items():
        buckets.setdefault(bucket(gram), {})[gram] = written(*columns)
    at.records.add(
        "posting",
        [{"bucket": number, "made": made, "segment": name, "held": held} for number, held in buckets.items()],
    )


def _sweep(at: Context) -> None:
    """Take out what no source points to: what was replaced, and what a run left that did not end."""
    held = {row["made"] for row in at.records.find("source", WHOLE, most=MOST)}
    for row in at.records.count("segment", WHOLE, by=["made"]):
        if row["made"] not in held:
            for table in ("posting", "passage", "segment"):
                at.records.remove(table, {**WHOLE, "made": row["made"]})
