"""The pathways of an installation by name: those that come along, and its own in the folder of a setting."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path

from isthmus.apps.contract import Context, InputError, manifest_of
from isthmus.apps.contract.documents import Faults
from isthmus.apps.pathways.events import HERE, ITEM, domains
from isthmus.apps.pathways.pack import Events, Pack
from isthmus.apps.pathways.reader import SHIPPED, read


def names(at: Context) -> Sequence[str]:
    """The pathways that are followed here. Raises InputError where there is none."""
    found: Sequence[str] = at.settings["pathways"]
    if not found:
        raise InputError("no pathway is followed here. Name some in the setting `pathways`.")
    return found


def pack_of(name: str, at: Context) -> Pack:
    """A pathway by its name: one's own, else one that comes along. It is read anew when its file has changed.

    Raises InputError where there is none of that name, or no pathway in the folder of the setting; PackError where it
    is wrong, or is called otherwise than its file.
    """
    known = {**_in(SHIPPED), **_own(at)}
    if name not in known:
        raise InputError(
            f"there is no pathway '{name[:80]}'. Write one of {', '.join(known)}; one of your own is NAME.yaml in the "
            "folder of the setting `knowledge`."
        )
    state = known[name].stat()
    return _read(known[name], state.st_mtime_ns, state.st_size)


def _own(at: Context) -> Mapping[str, Path]:
    named = str(at.settings["knowledge"])
    found = _in(Path(named)) if named else {}
    if named and not found:
        raise InputError(
            "the folder of the setting `knowledge` holds no pathway. Put each into a file NAME.yaml of its own."
        )
    return found


def _in(folder: Path) -> dict[str, Path]:
    return {one.stem: one for one in sorted(folder.glob("*.yaml"))}


@lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int) -> Pack:
    pack = read(path.read_bytes(), file=path.name)
    faults = Faults()
    if pack.name != path.stem:
        faults.add(
            pack.place, f"the pathway: it is called {pack.name}, its file {path.stem}.",
            "Make them one: answers are kept under that name.",
        )  # fmt: skip
    for place, what, events in _looked_for(pack):
        if events.domain != ITEM and domains()[events.domain]["table"] not in _read_here():
            faults.add(
                place, f"{what}: the application reads no {events.domain}, as its app.yaml says.",
                "Ask for another event, or hold an edition against it with `isthmus pathway`.",
            )  # fmt: skip
    faults.tell()
    return pack


def _looked_for(pack: Pack) -> Iterator[tuple[str, str, Events]]:
    """Every kind of event that a pack looks for, by whom, and where that stands."""
    for step in pack.steps.values():
        yield from ((step.place, f"step {step.name}", one) for one in step.events)
    for fact in pack.facts.values():
        yield from ((fact.place, f"fact {fact.name}", one) for one, _ in fact.sources)
    for records in pack.records.values():
        yield records.place, f"kind of record {records.name}", records.events


@cache
def _read_here() -> Collection[str]:
    """The tables that the application declares."""
    return manifest_of(HERE).reads
