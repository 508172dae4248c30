"""The folders that a pack is made of: its own and those it extends, read and laid over each other."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from isthmus.base import document
from isthmus.base.document import Section
from isthmus.base.errors import PackError
from isthmus.research.registries import item, sheet
from isthmus.research.registries.sheet import Row

SHIPPED = Path(__file__).parent / "packs"
HEAD = "registry.yaml"
DOCUMENTS = (HEAD, "derived.yaml", "endpoints.yaml", "enrolment.yaml", "lines.yaml", "report.yaml")
MERGED = (HEAD, "enrolment.yaml", "lines.yaml")
"""Documents that are laid over each other key by key, however deep; of the others what has a name is replaced whole."""
SHEETS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "lists.csv": (("list", "code", "en", "zh", "concepts", "texts"), ("list", "code")),
    "quality.csv": (("rule", "items", "when", "en", "zh", "mend_en", "mend_zh", "severity"), ("rule",)),
    "regimens.csv": (("regimen", "en", "zh", "drugs", "class", "source"), ("regimen",)),
}
"""Columns of each sheet, and those that name a row."""
BESIDE = (".md", ".txt")


@dataclass(frozen=True, slots=True)
class Layer:
    """One folder as it was read. `items` are by name; a row remembers its group as the column `group`."""

    name: str
    documents: Mapping[str, Section]
    items: Mapping[str, Row]
    sheets: Mapping[str, Mapping[str, Row]]
    files: Mapping[str, bytes] = field(repr=False)


def shipped() -> list[str]:
    """Names of the packs that come with Isthmus."""
    return [path.parent.name for path in sorted(SHIPPED.glob(f"*/{HEAD}"))]


def layers(name: str | Path, roots: Sequence[Path] = ()) -> list[Layer]:
    """The folders of a pack from the one that extends nothing to its own. Raises PackError with file and line."""
    found: list[Layer] = []
    seen: list[Path] = []
    asked, told = str(name), ""
    while asked:
        folder = _folder(asked, [*roots, *(one.parent for one in seen), SHIPPED], told)
        if folder.resolve() in seen:
            ring = " → ".join([*(one.name for one in seen), folder.name])
            raise PackError(f"{told} packs extend each other in a ring: {ring}. Take one `extends` out.")
        seen.append(folder.resolve())
        layer = _read(folder)
        found.append(layer)
        head = layer.documents[HEAD]
        asked, told = str(head.get("extends") or ""), f"{head.place('extends')}:"
    return found[::-1]


def digest(found: Sequence[Layer]) -> str:
    """SHA-256 over all files of all layers; it changes with any byte of them."""
    whole = hashlib.sha256()
    for layer in found:
        for file, content in sorted(layer.files.items()):
            whole.update(f"{layer.name}/{file}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()


def merged(found: Sequence[Layer]) -> Layer:
    """The layers as one: items cell by cell, lists whole, other rows and keys by name."""
    documents: dict[str, Section] = {}
    items: dict[str, Row] = {}
    sheets: dict[str, dict[str, Row]] = {name: {} for name in SHEETS}
    for layer in found:
        for file, section in layer.documents.items():
            documents[file] = _over(documents[file], section, file) if file in documents else section
        for name, row in layer.items.items():
            items[name] = row.over(items[name]) if name in items else row
        for name, rows in layer.sheets.items():
            replaced = {row["list"] for row in rows.values()} if name == "lists.csv" else frozenset()
            sheets[name] = {key: row for key, row in sheets[name].items() if row.get("list") not in replaced} | dict(
                rows
            )
        for name in layer.documents[HEAD].get("drop") or ():
            items.pop(name, None)
    return Layer(found[-1].name, documents, items, sheets, {})


def _over(below: Section, over: Section, file: str) -> Section:
    """One document laid over another; what is not MERGED is replaced by names."""
    if file in MERGED:
        return below.merged(over)
    values = {key: value for key, value in {**below, **over}.items() if value is not None}
    return Section(values, file=over.file, lines={**below.lines, **over.lines}, line=over.line)


def _folder(name: str, roots: Sequence[Path], told: str) -> Path:
    for folder in (*(root / name for root in roots), Path(name)):
        if (folder / HEAD).is_file():
            return folder
    known = ", ".join(shipped()) or "none"
    raise PackError(f"{told} there is no registry '{name}': no folder with a {HEAD}. Known: {known}.".strip())


def _read(folder: Path) -> Layer:
    name = folder.resolve().name
    for path in _strange(folder):
        raise PackError(
            f"{name}/{path.relative_to(folder)}:1: nothing reads this file. A registry has items/GROUP.csv, "
            f"{', '.join((*DOCUMENTS, *SHEETS))}."
        )
    documents = {
        file: document.read(folder / file, name=f"{name}/{file}") for file in DOCUMENTS if (folder / file).is_file()
    }
    sheets = {
        file: sheet.keyed(
            sheet.read(folder / file, file=f"{name}/{file}", columns=columns, needed=keys), *keys
        )
        for file, (columns, keys) in SHEETS.items() if (folder / file).is_file()
    }  # fmt: skip
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }  # fmt: skip
    return Layer(name, documents, _items(folder, name), sheets, files)


def _strange(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        grouped = inside.parts[0] == "items" and len(inside.parts) == 2 and path.suffix == ".csv"
        known = str(inside) in (*DOCUMENTS, *SHEETS) or grouped or path.suffix in BESIDE
        if path.is_file() and not known and not any(part.startswith(".") for part in inside.parts):
            yield path


def _items(folder: Path, name: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for path in sorted(folder.glob("items/*.csv")):
        rows = sheet.read(path, file=f"{name}/items/{path.name}", columns=item.COLUMNS, needed=("item",))
        for key, row in sheet.keyed(rows, "item").items():
            if key in found:
                raise PackError(f"{row.place()}: item {key} stands already at {found[key].place()}. Keep one of them.")
            row["group"] = path.stem
            row.places["group"] = row.place()
            found[key] = row
    return found
