"""Verbs that only look: editions, receipts, trace, quarantine, unmapped."""

from dataclasses import asdict
from shlex import quote
from typing import Annotated, Any

import typer

from isthmus.base.errors import UsageError
from isthmus.flow import lists
from isthmus.flow.trace import Coded, Trace, Tracer, rows_of_file
from isthmus.flow.worklist.items import items
from isthmus.flow.workspace import Workspace
from isthmus.records.models import Decision
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

Site = Annotated[str | None, typer.Option(help="Only this site.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("editions")(editions)
    app.command("receipts")(receipts)
    app.command("trace")(trace)
    app.command("quarantine")(quarantine)
    app.command("unmapped")(unmapped)


def editions(workspace: Where, json: Json = False) -> None:
    """List the published editions."""
    listed = [
        {
            "edition": one.number, "published_at": one.published_at, "isthmus": one.isthmus, "cdm": one.cdm,
            "persons": one.tables.get("person", 0), "rows": sum(one.tables.values()), "tables": one.tables,
            "digest": one.digest,
        }
        for one in lists.editions(Workspace(workspace))
    ]  # fmt: skip
    if json:
        document(listed)
    else:
        columns = ("edition", "published_at", "cdm", "persons", "rows", "digest")
        short = [{**one, "digest": str(one["digest"])[:16]} for one in listed]
        table("Editions", columns, [[one[name] for name in columns] for one in short])


def receipts(workspace: Where, site: Site = None, json: Json = False) -> None:
    """List what was landed: one receipt a delivery."""
    opened = Workspace(workspace)
    if site is not None:
        opened.site(site)
    found = [one for one in opened.records.receipts() if site in (None, one.site)]
    listed = [
        {
            "site": one.site, "feed": one.feed, "name": one.name, "size": one.size, "sha256": one.sha256,
            "received_at": one.received_at,
        }
        for one in found
    ]  # fmt: skip
    if json:
        document(listed)
    else:
        rows = [
            (one["site"], one["feed"], one["name"], one["size"], str(one["sha256"])[:16], one["received_at"])
            for one in listed
        ]
        table("Receipts", ("site", "feed", "file", "bytes", "sha256", "received"), rows)


def trace(
    workspace: Where,
    table_name: Annotated[str | None, typer.Argument(metavar="TABLE", help="A CDM table; or record.")] = None,
    row_id: Annotated[
        int | None, typer.Argument(metavar="ID", help="The row's primary key; or the id that quarantine shows.")
    ] = None,
    file: Annotated[
        str | None, typer.Option(metavar="SHA256", help="Instead: the rows that came from this landed file.")
    ] = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    json: Json = False,
) -> None:
    """Go from one row back to file, line and bytes; or from a landed file forward to its rows.

    Prints source data: it is meant for the site's own engineers, who can read the landing anyway.
    """
    opened = Workspace(workspace)
    if file is not None and (table_name, row_id, edition) == (None, None, None):
        _trace_file(opened, file, json)
        return
    if file is not None or table_name is None or row_id is None:
        raise UsageError("name a table and an id; or a landed file with --file SHA256, and nothing else.")
    found = Tracer(opened, edition=edition).trace(table_name, row_id)
    place = {
        "edition": found.edition, "table": found.table, "id": row_id, "site": found.receipt.site,
        "feed": found.receipt.feed, "file": found.receipt.name, "member": found.part.member,
        "sha256": found.receipt.sha256,
        "received_at": found.receipt.received_at, "line": found.passage.line, "start": found.passage.start,
        "end": found.passage.end, "mapping": found.mapping,
    }  # fmt: skip
    codes = [_coded(one) for one in found.codes]
    if json:
        words = None if found.words is None else asdict(found.words)
        more = {"words": words, "codes": codes, "repairs": found.repairs, "meanings": _meant(found)}
        document({**place, "source": found.passage.text, "row": dict(found.row), **more})
        return
    table(f"{table_name} {row_id}", ("", ""), [(key, str(value)) for key, value in place.items()])
    _print_trace(found, codes)


def _print_trace(found: Trace, codes: list[dict[str, Any]]) -> None:
    say("source  " + found.passage.text)
    if found.words is not None:
        say(f"read from note {found.words.note_id}, from character {found.words.start}: {found.words.text}")
        say(f"  by {found.words.system}: {found.words.said}")
    table("row", ("column", "value"), [(key, str(value)) for key, value in found.row.items() if value is not None])
    if found.repairs:
        changed = ("family", "was_value", "value", "set_aside", "decision_id", "author", "reason")
        table("repairs", changed, [[str(one[name]) for name in changed] for one in found.repairs])
    if codes:
        columns = ("column", "system", "code", "decision", "how", "author", "made_at", "reason")
        table("codes", columns, [[str(one.get(name, "")) for name in columns] for one in codes])
    for one in _meant(found):
        place = f"{one['vocabulary']} {one['code']}" + (f", edition {one['edition']}" if one["edition"] else "")
        say(f"{one['column']}: {one['concept_id']} {one['name']} ({place})\n  by {one['by']}")


def _meant(found: Trace) -> list[dict[str, Any]]:
    """Each concept of the row, and what made it: a decision (with the model that proposed it), or the mapping."""
    made = {one.column: one.decision for one in found.codes if one.decision}
    return [
        {**asdict(one), "by": f"mapping {found.mapping}" if one.column not in made else _decided(made[one.column])}
        for one in found.meanings
    ]


def _decided(made: Decision) -> str:
    """A decision in a word: its number, how it was made, and what proposed the answer."""
    return f"decision {made.decision_id}, {made.how}" + (f", {made.model}" if made.model else "")


def _coded(code: Coded) -> dict[str, Any]:
    """A code, and the decision that resolved it, if one did."""
    told = {"column": code.column, "system": code.system, "code": code.code, "concept_id": code.concept_id}
    made = code.decision
    if made is None:
        return told
    return {
        **told, "decision": made.decision_id, "how": made.how, "model": made.model, "confidence": made.confidence,
        "author": made.author, "made_at": made.made_at, "reason": made.reason,
    }  # fmt: skip


def _trace_file(opened: Workspace, sha256: str, json: bool) -> None:
    found = rows_of_file(opened, sha256)
    if json:
        document(
            [
                {"file": one.receipt.name, "sha256": one.receipt.sha256, "outcomes": one.outcomes, "rows": one.rows}
                for one in found
            ]
        )
        return
    for one in found:
        counts = [
            (kind, outcome, count) for kind, outcomes in one.outcomes.items() for outcome, count in outcomes.items()
        ]
        table(f"{one.receipt.site}/{one.receipt.feed}/{one.receipt.name}", ("record", "outcome", "records"), counts)
        table(
            "Rows",
            ("table", "rows", "first ids"),
            [(name, len(ids), ", ".join(map(str, ids[:3]))) for name, ids in one.rows.items()],
        )


def quarantine(workspace: Where, site: Site = None, json: Json = False) -> None:
    """What could not be read or mapped, by reason; the originals stay in the landing."""
    found = lists.quarantine(Workspace(workspace), site=site)
    if json:
        document(found)
    else:
        rows = [(one.site, one.kind, one.reason, one.records, one.example, str(one.record_id)) for one in found]
        if rows:
            table("Quarantine", ("site", "record", "reason", "records", "for example", "id"), rows)
            say(
                f"See the source of one: isthmus trace {quote(str(workspace))} record ID\n"
                f"Mend the pack (or the export), then: isthmus replay {quote(str(workspace))}"
            )
        else:
            say("Nothing is in quarantine.")


def unmapped(
    workspace: Where, site: Site = None, limit: Annotated[int, typer.Option(min=1)] = 40, json: Json = False
) -> None:
    """Codes that wait for a concept, ordered by how many rows each would mend."""
    every = items(Workspace(workspace), site=site)
    found = every[:limit]
    if json:
        document(found)
        return
    rows = [(one.system, one.code, one.name, one.table, one.column, one.rows, ", ".join(one.sites)) for one in found]
    if rows:
        table(
            f"Work list: {len(found)} of {len(every)} codes",
            ("system", "code", "name", "table", "column", "rows", "sites"),
            rows,
        )
        say(f"Decide what they mean: isthmus decide {workspace}")
    else:
        say("Every code has a concept, or a decision that it has none.")
