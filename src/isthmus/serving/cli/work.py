"""Verbs that change a workspace: init, site add, attach, replay, remap, rebuild, vocabulary."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from isthmus.base.errors import PartialError
from isthmus.flow import attach as attaching
from isthmus.flow import preview, replay, sites, start
from isthmus.flow.ingest import Report
from isthmus.flow.land import Landed
from isthmus.flow.workspace import Site, Workspace
from isthmus.records.store import total
from isthmus.serving import told
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, complain, document, say, table
from isthmus.serving.page.words import LANGUAGES

Accounts = Mapping[tuple[str, str], Mapping[str, Mapping[str, int]]]  # by site and feed: kind → outcome → records
OUTCOMES = ("mapped", "kept", "quarantined", "duplicate", "superseded")


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    site = typer.Typer(no_args_is_help=True, help="The sites of a workspace.")
    site.command("add")(add_site)
    site.command("list")(list_sites)
    app.add_typer(site, name="site")
    app.command("init")(init)
    app.command("attach")(attach)
    app.command("vocabulary")(vocabulary)
    app.command("replay")(replay_quarantine)
    app.command("remap")(remap)
    app.command("rebuild")(rebuild)


def init(
    workspace: Where,
    synthetic: Annotated[bool, typer.Option(help="All its patients are invented.")] = False,
    json: Json = False,
) -> None:
    """Make a new workspace: a folder with settings, sites, landing, lake and records."""
    made = start.new(workspace, synthetic=synthetic)
    edition = made.lake.editions.current()
    if json:
        document({"workspace": str(workspace), "edition": edition.number if edition else None})
    else:
        say(f"{workspace} is ready. Next: isthmus site add {quote(str(workspace))} NAME --from DIR")


def add_site(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    name: Annotated[str, typer.Argument(help="A short name: a-z, 0-9, - and _.")],
    source: Annotated[str, typer.Option("--from", metavar="DIR", help="The folder (or database URL) it exports to.")],
    mapping: Annotated[
        str | None, typer.Option(metavar="PACK", help="Name or folder of a pack; found by itself if not given.")
    ] = None,
    feed: Annotated[str | None, typer.Option(help="Name of the feed, if the folder is one.")] = None,
    title: Annotated[str, typer.Option(help="The hospital's full name.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Register nothing; only show sample rows before and after.")
    ] = False,
    json: Json = False,
) -> None:
    """Register a site and its feeds, and show what the mapping makes of sample rows."""
    opened = Workspace(workspace)
    planned = sites.plan(opened, name, source, pack=mapping, feed=feed, title=title)
    samples = preview.samples(opened, planned)
    if mapping is None:
        preview.demand_fit(planned, samples)
    if not dry_run:
        sites.add(opened, planned)
    if json:
        document({"site": _plainly(planned), "samples": samples, "registered": not dry_run})
        return
    table(f"Feeds of {name}", ["feed", "from", "pack"], [(one.name, one.shown, one.pack) for one in planned.feeds])
    for sample in samples:
        _print_sample(sample)
    say("" if dry_run else f"\nRegistered. Next: isthmus ingest {quote(str(workspace))} --site {name}")


def _print_sample(sample: preview.Sample) -> None:
    if sample.note:
        say(f"\n{sample.feed} · {sample.file}\n  {sample.note}")
        return
    say(f"\n{sample.feed} · {sample.record} · {sample.file}")
    for before, after in sample.pairs:
        say("  before  " + _shown(before))
        for row in after:
            say(f"  after   {row.table}: " + _shown(row.values))
        if not after:
            say("  after   nothing: no rule of the record applies; it would be kept and not mapped")


def list_sites(workspace: Where, json: Json = False) -> None:
    """List the registered sites and their feeds."""
    found = Workspace(workspace).sites()
    if json:
        document([_plainly(one) for one in found])
    else:
        rows = [(site.name, site.title, feed.name, feed.pack, feed.shown) for site in found for feed in site.feeds]
        table("Sites", ["site", "title", "feed", "pack", "from"], rows)


def _plainly(site: Site) -> dict[str, Any]:
    feeds = [{"name": one.name, "source": one.shown, "pack": one.pack} for one in site.feeds]
    return {"name": site.name, "title": site.title, "feeds": feeds}


def attach(
    workspace: Where,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An OMOP CDM, 5.3 or 5.4, Parquet or CSV.")],
    name: Annotated[str | None, typer.Option(help="Name of the site; the folder's name if not given.")] = None,
    title: Annotated[str, typer.Option(help="The full name.")] = "",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Take an existing OMOP CDM as a site."""
    opened = Workspace(workspace)
    with bars(quiet=quiet or json) as progress:
        report = attaching.attach(opened, folder, name=name or sites.name_of(folder), title=title, progress=progress)
    tell(opened, report, json=json)


def vocabulary(
    workspace: Where,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="An unpacked Athena export.")],
    json: Json = False,
) -> None:
    """Load an Athena vocabulary export, and publish an edition with it."""
    opened = Workspace(workspace)
    edition = start.load_athena(opened, folder)
    rows = {name: count for name, count in edition.tables().items() if name in start.VOCABULARY}
    if json:
        document({"edition": edition.number, "tables": rows})
    else:
        table(f"Vocabulary in edition {edition.number}", ["table", "rows"], list(rows.items()))


def replay_quarantine(
    workspace: Where,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only reasons beginning with this text.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Map quarantined records again, after a pack was mended; the originals are in the landing."""
    opened = Workspace(workspace)
    with bars(quiet=quiet or json) as progress:
        report = replay.replay(opened, site=site, reason=reason, progress=progress)
    tell(opened, report, json=json, title="Replay")


def remap(
    workspace: Where,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every record, not only those whose codes have another answer by now.")
    ] = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Map records again whose codes have another answer by now: by a decision, a mended list, a newer vocabulary."""
    opened = Workspace(workspace)
    with bars(quiet=quiet or json) as progress:
        report = replay.remap(opened, site=site, everything=everything, progress=progress)
    tell(opened, report, json=json, title="Mapped again")


def rebuild(
    workspace: Where,
    into: Annotated[Path, typer.Option(metavar="DIR", help="A new folder for the rebuilt lake.")],
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Build the lake anew from the landing, under the mappings of then, and compare it with the published one."""
    opened = Workspace(workspace)
    with bars(quiet=quiet or json) as progress:
        compared = replay.rebuild(opened, into, progress=progress)
    if json:
        document(compared)
    else:
        rows = [(one.table, one.files, one.same, one.missing, one.extra) for one in compared]
        table("Rebuilt against published", ["table", "files", "identical", "missing", "extra"], rows)
    replay.demand_same(compared)


def tell(opened: Workspace, report: Report, *, json: bool, title: str = "Ingest") -> None:
    """Tell applications and print what a run did; raises PartialError when a site failed."""
    report.notes += told.tell(opened)
    accounts = {key: total(parts) for key, parts in report.accounts.items()}
    if json:
        document(_as_document(report, accounts))
    else:
        _print_report(report, accounts, title)
    refused = [
        f"{site}/{one.feed}: {text}" for site, feeds in report.landed.items() for one in feeds for text in one.refused
    ]
    for text in (*refused, *(f"{site}: {text}" for site, text in report.failed.items())):
        complain(text)
    short = [f"{len(report.failed)} site(s) failed"] if report.failed else []
    short += [f"{len(refused)} file(s) or table(s) were not taken"] if refused else []
    if report.held:
        raise PartialError(f"{', '.join(short)}; no edition is published, and what was delivered waits.")
    if short:
        raise PartialError(f"{', '.join(short)}; what succeeded is published. Mend and ingest again.")


def _print_report(report: Report, accounts: Accounts, title: str) -> None:
    rows = []
    for site, feed, landed in _feeds(report, accounts):
        outcomes = accounts.get((site, feed), {})
        counts = [sum(kinds.get(name, 0) for kinds in outcomes.values()) for name in OUTCOMES]
        rows.append((site, feed, landed.delivered, landed.new, sum(counts), *counts))
    if rows:
        table(title, ["site", "feed", "delivered", "landed", "records", *OUTCOMES], rows)
    if report.edition is None:
        say("Held back; the edition stands as it was." if report.held else "Nothing new; the edition stands as it was.")
    else:
        filled = [
            (name, count) for name, count in report.edition.tables().items() if count and name not in start.VOCABULARY
        ]
        table(f"Edition {report.edition.number}", ["table", "rows"], filled)
        _say_persons(report.edition.body.get("linkage") or {})
    for note in report.notes:
        say(note)


def _say_persons(linkage: Mapping[str, Any]) -> None:
    """What became of persons, where they are linked."""
    if "persons" in linkage:
        persons, records, merged, split, waiting = (
            f"{linkage[name]:,}" for name in ("persons", "records", "merged", "split", "waiting")
        )
        say(f"Persons: {persons}, of {records} records of identity; merged now {merged}, split {split}; waiting for "
            f"review: {waiting} pairs.")  # fmt: skip


def _feeds(report: Report, accounts: Accounts) -> Iterator[tuple[str, str, Landed]]:
    """Site, feed and what was landed: also of feeds of which nothing was, but records were mapped (again)."""
    landed = {(site, one.feed): one for site, feeds in report.landed.items() for one in feeds}
    for site, feed in {**landed, **dict.fromkeys(accounts)}:
        yield site, feed, landed.get((site, feed), Landed(feed, 0, 0, 0, ()))


def _as_document(report: Report, accounts: Accounts) -> dict[str, Any]:
    feeds = []
    for site, feed, landed in _feeds(report, accounts):
        kinds = accounts.get((site, feed), {})
        counts = {name: sum(one.get(name, 0) for one in kinds.values()) for name in OUTCOMES}
        feeds.append(
            {
                "site": site, "feed": feed, "delivered": landed.delivered, "landed": landed.new,
                "repeated": landed.repeated, "refused": landed.refused, "records": sum(counts.values()), **counts,
                "duplicates": counts["duplicate"], "kinds": kinds,
            }
        )  # fmt: skip
    edition = report.edition
    return {
        "edition": edition.number if edition else None,
        "tables": edition.tables() if edition else {},
        "feeds": feeds,
        "failed": report.failed,
        "held": {site: {one: held.says(one) for one in LANGUAGES} for site, held in report.held.items()},
        "notes": report.notes,
    }


def _shown(values: Mapping[str, Any]) -> str:
    return "  ".join(f"{key}={value}" for key, value in values.items() if value is not None and value != "")[:400]
