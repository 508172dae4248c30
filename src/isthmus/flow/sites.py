"""Registering a site: which of its folders is which feed, and which pack reads it."""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from isthmus.base.errors import InputError, UsageError
from isthmus.flow.land import files_of
from isthmus.flow.workspace import NAME, Feed, Site, Workspace
from isthmus.intake import archive, formats
from isthmus.intake.record import Batch, Format, Part
from isthmus.intake.stream import head_of
from isthmus.mapping import pack as packs
from isthmus.mapping.pack import Pack
from isthmus.mapping.plan import plan as compile_record

HEAD = 1 << 16  # bytes of a file that show its format
LOOKED_AT = 200  # file names of a folder that are looked at to find its pack


def plan(workspace: Workspace, name: str, source: str, *, pack: str | None, feed: str | None, title: str) -> Site:
    """The site as it would be registered. Without a pack, one is looked for that knows the folder's files.

    Feeds that the site has already stay; one of the same name is replaced. Raises InputError or UsageError with what
    to do when the folder is not there, or no pack or several packs fit.
    """
    if not NAME.fullmatch(name):
        raise UsageError(
            f"'{name}' cannot name a site. Use 1 to 63 of a-z, 0-9, '-', '_'; the full name goes into --title."
        )
    found = (
        [_feed(workspace, source, pack, feed)] if pack or "://" in source else list(_detected(workspace, Path(source)))
    )
    known = [site for site in workspace.sites() if site.name == name]
    former = known[0].feeds if known else ()
    names = {one.name for one in found}
    kept = [one for one in former if one.name not in names]
    automatic = known[0].automatic if known else None
    worse, conditions = (known[0].worse, known[0].conditions) if known else (None, {})
    return Site(name, title or (known[0].title if known else name), (*kept, *found), automatic, worse, conditions)


def add(workspace: Workspace, site: Site) -> None:
    """Register what `plan` gave."""
    workspace.keep_site(site)


def name_of(folder: Path) -> str:
    """A name for a site, from the name of its folder."""
    return re.sub(r"[^a-z0-9_-]+", "-", folder.resolve().name.lower()).strip("-_") or "site"


def shipped_packs() -> list[str]:
    """Names of the packs that come with Isthmus."""
    return list(packs.shipped())


def check_pack(name: str) -> None:
    """Raise PackError, naming file and line, when a pack cannot be used: it is read, and every record compiled."""
    pack = packs.load(name)
    for record in pack.records:
        columns = [*record.columns, *record.optional] if record.shape is None else ["resource"]
        compile_record(pack, record, columns)


def _feed(workspace: Workspace, source: str, pack: str | None, name: str | None) -> Feed:
    if pack is None:
        raise UsageError(f"name the pack that reads {source.split('://')[0]} databases: --mapping PACK.")
    loaded = workspace.pack(pack)
    # A folder is found again from wherever the next command is run.
    known = pack if pack in _names(workspace) else str(Path(pack).resolve())
    if "://" not in source:
        folder = Path(source)
        if not folder.exists():
            raise InputError(f"{source} is not there. Name the folder that the system exports to.")
        return Feed(name or name_of(folder if folder.is_dir() else folder.parent), str(folder.resolve()), known)
    return Feed(name or loaded.name, source, known)


def _detected(workspace: Workspace, root: Path) -> Iterator[Feed]:
    if not root.is_dir():
        raise InputError(f"{root} is not a folder. Name the folder that the system exports to.")
    candidates = [workspace.pack(name) for name in _names(workspace)]
    inner = [folder for folder in sorted(root.iterdir()) if folder.is_dir() and not folder.name.startswith(".")]
    found = [(folder, _best(candidates, folder)) for folder in inner]
    if any(pack for _, pack in found):
        lost = [folder.name for folder, pack in found if pack is None]
        if lost:
            raise InputError(
                f"no pack knows the files in: {', '.join(lost)}. Add these one by one with --feed and --mapping."
            )
        for folder, pack in found:
            assert pack is not None
            yield Feed(name_of(folder), str(folder.resolve()), pack.name)
        return
    best = _best(candidates, root)
    if best is None:
        raise InputError(
            f"no pack knows the files in {root}. Name one with --mapping, or write one: docs/how-to/write-a-pack.md. "
            f"Packs here: {', '.join(pack.name for pack in candidates)}."
        )
    yield Feed(name_of(root), str(root.resolve()), best.name)


def _names(workspace: Workspace) -> list[str]:
    own = [path.parent.name for path in sorted((workspace.root / "packs").glob("*/pack.yaml"))]
    return list(dict.fromkeys([*own, *packs.shipped()]))


def _best(candidates: Sequence[Pack], folder: Path) -> Pack | None:
    """The pack whose globs match most of the folder's files, the more demanding one first."""
    files = list(islice(files_of(Feed("", str(folder), "")), LOOKED_AT))
    scored = [
        (share, len(pack.detect.get("columns", ())), pack) for pack in candidates if (share := _share(pack, files))
    ]
    if not scored:
        return None
    scored.sort(key=lambda one: (-one[0], -one[1]))
    top = [pack.name for share, columns, pack in scored if (share, columns) == scored[0][:2]]
    if len(top) > 1:
        raise UsageError(f"several packs know the files in {folder}: {', '.join(top)}. Choose one with --mapping.")
    return scored[0][2]


def _share(pack: Pack, files: Sequence[tuple[str, Path]]) -> float:
    globs = [str(glob).lower() for glob in pack.detect.get("files", ())]
    matched = [
        (name, path)
        for name, path in files
        if any(fnmatchcase(name.rsplit("/", 1)[-1].lower(), glob) for glob in globs)
    ]
    kind = pack.detect.get("format")
    if kind and not any(_kind(name, path) == kind for name, path in matched):
        return 0.0
    wanted = [_called(pack, column) for column in pack.detect.get("columns", ())]
    if wanted and not any(all(map(_header(pack, name, path).intersection, wanted)) for name, path in matched):
        return 0.0
    return len(matched) / len(files) if files else 0.0


def _called(pack: Pack, column: str) -> set[str]:
    """The names that the pack's records know a column by."""
    return {column}.union(*(record.columns.get(column, ()) for record in pack.records))


def _kind(name: str, path: Path) -> str:
    """The format of a file, or of the first file in an archive, as its bytes show it; none when it cannot be read."""
    try:
        part = next(archive.members(path, name), None)
        return formats.guess(part.name, head_of(part, HEAD)) if isinstance(part, Part) else ""
    except InputError:
        return ""


def _header(pack: Pack, name: str, path: Path) -> set[str]:
    """Column names of the first rows of a file; none when it cannot be read."""
    options = {key: value for key, value in pack.format.items() if key != "kind"}
    try:
        part = Part(name, lambda: path.open("rb"), path.stat().st_size)
        for item in formats.read(part, Format(pack.format.get("kind", "csv"), options)):
            if isinstance(item, Batch):
                return set(item.rows.column_names)
    except InputError:
        pass
    return set()
