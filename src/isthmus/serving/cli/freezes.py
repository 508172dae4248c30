"""What `isthmus registry` does with frozen versions: freeze, list, build again, compare."""

from dataclasses import dataclass
from typing import Annotated

import typer

from isthmus.base.errors import IntegrityError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.research.registries.pack import Pack
from isthmus.serving.cli.options import user
from isthmus.serving.cli.output import document, say, table
from isthmus.serving.registries import frozen

SHOWN = 40
Freeze = Annotated[str, typer.Option("--freeze", metavar="NAME", help="Keep a version that never changes.")]
Freezes = Annotated[bool, typer.Option("--freezes", help="List the frozen versions.")]
Again = Annotated[
    str, typer.Option("--again", metavar="NAME", help="Build a frozen version anew and compare its bytes.")
]
Compare = Annotated[
    tuple[str, str] | None, typer.Option("--compare", metavar="NAME OTHER", help="What two frozen versions differ in.")
]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked about frozen versions, if anything."""

    freeze: str
    freezes: bool
    again: str
    compare: tuple[str, str] | None

    def __bool__(self) -> bool:
        return bool(self.freeze or self.freezes or self.again or self.compare)

    def answer(self, opened: Workspace, pack: Pack, edition: int | None, *, json: bool) -> None:
        """Do it, and tell. Raises UsageError when more than one thing was asked."""
        if sum(map(bool, (self.freeze, self.freezes, self.again, self.compare))) > 1:
            raise UsageError("choose one of --freeze, --freezes, --again and --compare.")
        if self.freeze:
            made = frozen.freeze(opened, pack, self.freeze, edition=edition, author=user())
            document(dict(made.about)) if json else say(f"frozen: {made.folder}")
        elif self.freezes:
            _list(opened, pack, json=json)
        elif self.again:
            _again(opened, pack, self.again, json=json)
        elif self.compare:
            _compare(opened, pack, self.compare, json=json)


def _list(opened: Workspace, pack: Pack, *, json: bool) -> None:
    rows = [
        (one.name, one.about["edition"], one.about["digest"][:12], one.about["version"], one.about["frozen_at"][:16],
         one.about["frozen_by"], frozen.withdrawn(opened, one))
        for one in frozen.freezes(opened.root, pack.name)
    ]  # fmt: skip
    heads = ("name", "edition", "packs", "version", "frozen at", "by", "withdrawn since")
    if json:
        named = [dict(zip((head.replace(" ", "_") for head in heads), row, strict=True)) for row in rows]
        document({"registry": pack.name, "freezes": named})
        return
    table(f"Frozen versions of {pack.name}", heads, rows)


def _again(opened: Workspace, pack: Pack, name: str, *, json: bool) -> None:
    """Raises IntegrityError when a file came out otherwise."""
    found = frozen.find(opened.root, pack.name, name)
    otherwise = frozen.again(opened, found)
    same_code = found.about["code"] == frozen.code()
    if json:
        document({"freeze": name, "files": len(found.about["files"]), "differ": otherwise, "same_code": same_code})
    if otherwise:
        why = "by the same code" if same_code else f"by other code than that of version {found.about['version']}"
        raise IntegrityError(
            f"{len(otherwise)} files of '{name}' came out otherwise {why}, {otherwise[0]} first. Build it with the "
            "code that froze it; if that differs too, run `isthmus verify`."
        )
    if not json:
        say(f"{name}: all files came out the same, byte for byte.")


def _compare(opened: Workspace, pack: Pack, names: tuple[str, str], *, json: bool) -> None:
    one, other = (frozen.find(opened.root, pack.name, name) for name in names)
    told = frozen.differences(one, other)
    if json:
        document(told)
        return
    said = ", ".join(told["because"]) or "nothing"
    say(
        f"{told['in_both']:,} patients in both, {told['came']:,} came, {told['gone']:,} went. Differs in what it was "
        f"built from: {said}."
    )
    rows = [tuple(each.values()) for each in told["items"][:SHOWN]]
    table("Values of patients in both", ("item", "patients", "new", "gone", "changed"), rows)
