"""What a pack says otherwise than the pack that it extends."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from isthmus.research.registries.layer import HEAD, Layer, merged
from isthmus.research.registries.pack import Pack, plain

Change = Literal["added", "overridden", "dropped"]
DOCUMENTED = {"derived.yaml": "formula", "endpoints.yaml": "end point", "lines.yaml": "lines", "report.yaml": "report"}
SHEETED = {"lists.csv": "code", "quality.csv": "rule", "regimens.csv": "regimen"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that is added, overridden (with what was below and what is here) or dropped; `place` is file:line."""

    kind: str
    name: str
    change: Change
    column: str
    below: str
    here: str
    place: str


def differences(pack: Pack) -> list[Difference]:
    """What the pack's own folder changes; nothing for one that extends none."""
    if len(pack.layers) < 2:
        return []
    below, whole, own = merged(pack.layers[:-1]), merged(pack.layers), pack.layers[-1]
    return [*_items(below, whole, own), *_sheets(below, whole), *_documents(below, whole)]


def counted(found: list[Difference]) -> dict[str, dict[str, int]]:
    """How many things of each kind are added, overridden and dropped."""
    names = {(one.kind, one.change, one.name) for one in found}
    counts: dict[str, dict[str, int]] = {}
    for kind, change, _ in sorted(names):
        by_change = counts.setdefault(kind, dict.fromkeys(("added", "overridden", "dropped"), 0))
        by_change[change] += 1
    return counts


def _items(below: Layer, whole: Layer, own: Layer) -> Iterator[Difference]:
    for name, row in whole.items.items():
        if name not in below.items:
            yield Difference("item", name, "added", "", "", row["en"] or row["zh"], row.place())
            continue
        for column in [key for key in row if row[key] != below.items[name].get(key, "")]:
            yield Difference(
                "item", name, "overridden", column, below.items[name].get(column, ""), row[column], row.place(column)
            )
    for name in below.items:
        if name not in whole.items:
            head = own.documents[HEAD]
            yield Difference("item", name, "dropped", "", below.items[name]["en"], "", head.place("drop"))


def _sheets(below: Layer, whole: Layer) -> Iterator[Difference]:
    for file, kind in SHEETED.items():
        yield from _pairs(kind, below.sheets[file], whole.sheets[file])


def _pairs(kind: str, below: Mapping[str, Any], whole: Mapping[str, Any]) -> Iterator[Difference]:
    for name, row in whole.items():
        if name not in below:
            yield Difference(kind, name, "added", "", "", row.get("en", ""), row.place())
        for column in [key for key in row if name in below and row[key] != below[name].get(key, "")]:
            yield Difference(
                kind, name, "overridden", column, below[name].get(column, ""), row[column], row.place(column)
            )
    for name, row in below.items():
        if name not in whole:
            yield Difference(kind, name, "dropped", "", row.get("en", ""), "", row.place())


def _documents(below: Layer, whole: Layer) -> Iterator[Difference]:
    for file, kind in (*DOCUMENTED.items(), (HEAD, "head")):
        old, new = below.documents.get(file), whole.documents.get(file)
        for key, value in (new or {}).items():
            place = new.place(key) if new is not None else ""
            if old is None or key not in old:
                if key not in ("extends", "drop"):
                    yield Difference(kind, key, "added", "", "", _short(value), place)
            elif plain(value) != plain(old[key]) and key not in ("registry", "version", "title", "extends", "drop"):
                yield Difference(kind, key, "overridden", "", _short(old[key]), _short(value), place)
        for key in old or {}:
            if new is not None and key not in new and old is not None:
                yield Difference(kind, key, "dropped", "", _short(old[key]), "", old.place(key))


def _short(value: Any) -> str:
    text = str(plain(value))
    return text if len(text) <= 80 else f"{text[:79]}…"
