"""The verb about registries: what a pack wants is built from an edition."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import pyarrow as pa
import typer

from isthmus.base.errors import RefusedError
from isthmus.flow.worklist.items import items
from isthmus.flow.workspace import Workspace
from isthmus.gate.desk import Desk
from isthmus.gate.office.session import Granted
from isthmus.gate.session import Session, open_session
from isthmus.research.registries.build import Registry, build
from isthmus.research.registries.difference import Difference, counted, differences
from isthmus.research.registries.enrolment.said import lasts, until_now
from isthmus.research.registries.pack import Pack, load
from isthmus.research.registries.worklist import OpenCode
from isthmus.serving.cli.acting import As, Grant, Purpose, granted_session
from isthmus.serving.cli.freezes import Again, Asked, Compare, Freeze, Freezes
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, document, say, table
from isthmus.serving.registered import SMALL, Registered, Sums, manifest, registered
from isthmus.serving.registries import export as exports
from isthmus.serving.registries.enrolling import Enrolling
from isthmus.serving.registries.kept import Kept
from isthmus.serving.registries.report.write import write as write_report

SHOWN = 20
WORK = ("item", "site", "missing", "blocks alone", "last core", "found, but", "may be")
Out = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Write every table as Parquet and CSV, with dictionary and report."),
]
Export = Annotated[
    tuple[str, Path] | None,
    typer.Option(metavar="FORM PATH", help="Also write it as cbioportal (a folder), redcap (.csv) or mcode (.ndjson)."),
]
Report = Annotated[
    Path | None, typer.Option("--report", metavar="HTML", help="Write the report alone, one page for clinicians.")
]
OnlyDifference = Annotated[
    bool, typer.Option("--difference", help="Only tell what the pack says otherwise than the one it extends.")
]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("registry")(registry)


def registry(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A registry that comes along, or a folder.")],
    out: Out = None, report: Report = None, export: Export = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    difference: OnlyDifference = False, grant: Grant = "", purpose: Purpose = "", by: As = "",
    freeze: Freeze = "", freezes: Freezes = False, again: Again = "", compare: Compare = None, quiet: Quiet = False,
    json: Json = False,
) -> None:  # fmt: skip
    """Build a disease registry from an edition: one table a group of items, completeness, work lists.

    A pack is a folder of data; docs/reference/registry-pack.md tells what is in it. Under a grant it is built of what
    the grant holds; how many and how full is told, and nothing is written.
    """
    asked = Asked(freeze, freezes, again, compare)
    if grant and (out or report or export or asked):
        raise RefusedError(
            "answers are not written to files, nor kept. What shall leave is asked for with `isthmus release`."
        )
    opened = Workspace(workspace)
    read = load(pack, [opened.root / "registries"])
    if difference:
        _tell_difference(read, json=json)
        return
    if grant:
        _tell_granted(opened, granted_session(opened, grant, by, kind=purpose, edition=edition), read, json=json)
        return
    if asked:
        asked.answer(opened, read, edition, json=json)
        return
    _build(opened, read, Written(out, report, export), edition, quiet=quiet, json=json)


@dataclass(frozen=True, slots=True)
class Written:
    """What is written, and where: all tables, the report alone, another program's form."""

    out: Path | None
    report: Path | None
    export: tuple[str, Path] | None

    @property
    def paths(self) -> list[Path]:
        """All places that are named."""
        return [one for one in (self.out, self.report, self.export[1] if self.export else None) if one is not None]

    def of(self, made: Registered, *, synthetic: bool) -> None:
        """Write what else is asked of the tables in a folder."""
        if made.folder is None:
            return
        kept = Kept(made.folder, made.pack, made.about, synthetic=synthetic)
        if self.out is not None:
            write_report(kept)
        if self.report is not None:
            write_report(kept, self.report)
        if self.export is not None:
            exports.export(kept, *self.export)


def _build(
    opened: Workspace, pack: Pack, written: Written, edition: int | None, *, quiet: bool, json: bool
) -> None:  # fmt: skip
    """Build it of invented patients, write what is to be written, and tell of it."""
    if written.export is not None:
        exports.check(*written.export)
    session = open_session(opened.lake, synthetic=opened.synthetic, edition=edition)
    codes = None if edition else _open_codes(opened)
    with ExitStack() as stack:
        folder = written.out
        if folder is None and written.paths:
            folder = Path(stack.enter_context(TemporaryDirectory(dir=opened.root)))
        progress = stack.enter_context(bars(quiet=quiet or json))
        progress.start("registry")
        made = registered(
            session, pack, folder, *until_now(opened, pack.name), codes=codes,
            done=lambda part, of: progress.advance("registry"),
        )  # fmt: skip
        written.of(made, synthetic=opened.synthetic)
    if json:
        document(made.about | {"completeness": made.sums.by_site(), "worklist": made.sums.rows("worklist")[:SHOWN]})
        return
    _tell(made.built, session, made.sums)
    for path in written.paths:
        say(f"written: {path}")


def _open_codes(opened: Workspace) -> list[OpenCode]:
    """Codes without a concept, with their names; the rows are those of all sites."""
    return [
        OpenCode(site, one.table, one.code, one.name, one.rows) for one in items(opened) for site in one.sites
    ]  # fmt: skip


def _tell_granted(opened: Workspace, session: Granted, pack: Pack, *, json: bool) -> None:
    """Build it of what the grant holds, without those who refused or withdrew, and tell how many and how full."""
    sums, until = Sums(), lasts(opened).get(pack.name, 0)
    said = Enrolling(opened, pack, session).said(until)
    done: list[tuple[Registry, Mapping[str, Sequence[str]]]] = []

    def work(desk: Desk) -> dict[str, pa.Table]:
        kept: dict[str, list[pa.Table]] = {}

        def sink(name: str, rows: pa.Table) -> None:
            sums.take(name, rows)
            if name in SMALL:
                kept.setdefault(name, []).append(rows)

        done.append((build(desk, pack, sink, codes=(), rulings=said), desk.lacking))
        return {name: pa.concat_tables(pieces) for name, pieces in kept.items()}

    session.steps(f"registry {pack.name} {pack.version} ({pack.digest})", work, sparse=True)
    built, lacking = done[0]
    if json:
        document(manifest(session, built, until) | {"completeness": sums.by_site(), "lacking": lacking})
        return
    _tell(built, session, sums)
    table("Read as empty: the grant does not hold it", ("table", "columns"), [
        (name, ", ".join(columns)) for name, columns in lacking.items()
    ])  # fmt: skip


def _tell(built: Registry, session: Session | Granted, sums: Sums) -> None:
    pack = built.pack
    rows = [
        (name, group.names["en"], group.row, sum(one.group == name for one in pack.items.values()), built.rows[name])
        for name, group in pack.groups.items()
    ]
    said = f"{pack.titles.get('en') or pack.name}: {built.patients:,} patients of edition {session.edition.number}"
    table(said, ("table", "group", "row", "items", "rows"), rows)
    table("Cases", ("state", "persons"), list(built.cases.items()))
    shown = [
        (
            one["site"],
            *(_share(one.get(f"{need}_filled", 0), one.get(f"{need}_rows", 0)) for need in ("core", "wanted")),
        )
        for one in sums.by_site()
    ]
    table("Filled, of core and of wanted items", ("site", "core", "wanted"), shown)
    work = [
        (one["item"], one["site"], _share(one["missing"], one["patients"]), one["blocked_alone"], one["last_core"],
         one["found_but"], one["may_be"])
        for one in sums.rows("worklist")[:SHOWN]
    ]  # fmt: skip
    table("Missing, what holds up most patients first", WORK, work)
    others = {name: count for name, count in built.rows.items() if name not in pack.groups}
    table("Also", ("table", "rows"), list(others.items()))


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else ""


def _tell_difference(pack: Pack, *, json: bool) -> None:
    found = differences(pack)
    counts = counted(found)
    if json:
        document({"registry": pack.name, "packs": list(pack.lineage), "counts": counts, "differences": found})
        return
    if len(pack.lineage) < 2:
        say(f"{pack.name} extends no other registry.")
        return
    title = f"{pack.name} beside {pack.lineage[-2]}"
    table(title, ("kind", "added", "overridden", "dropped"), [(kind, *by.values()) for kind, by in counts.items()])
    table("Differences", ("what", "name", "change", "column", "below", "here", "place"), _listed(found))


def _listed(found: Sequence[Difference]) -> list[tuple[str, ...]]:
    return [
        (one.kind, one.name, one.change, one.column, one.below, one.here, one.place)
        for one in found
    ]  # fmt: skip
