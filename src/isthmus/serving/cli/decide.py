"""Verbs about what open codes mean: decide, decisions."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError, UsageError
from isthmus.flow.decided import TERM
from isthmus.flow.linking.verdict import PERSON
from isthmus.flow.worklist.automatic import THRESHOLD, asked, automatic
from isthmus.flow.worklist.decide import NONE, decide, demand_concepts, read_choices, shared, take_over
from isthmus.flow.worklist.items import items
from isthmus.flow.worklist.learn import learn
from isthmus.flow.worklist.mappers import mappers
from isthmus.flow.workspace import Workspace
from isthmus.records.decisions import Decisions
from isthmus.records.models import Decision
from isthmus.serving.cli import sheet
from isthmus.serving.cli.keys import keys
from isthmus.serving.cli.options import Json, Quiet, Where, user
from isthmus.serving.cli.output import STDERR, STDOUT, bars, document, say, table
from isthmus.serving.cli.review import Review

Author = Annotated[str, typer.Option(help="Who decides; by default the user of the operating system.")]
Reason = Annotated[str, typer.Option(help="Why.")]


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("decide")(decide_codes)
    app.command("decisions")(decisions)


def decide_codes(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    site: Annotated[str | None, typer.Option(help="Only codes of this site; decisions are for it alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="Items of the work list, those first that mend most rows.")] = 500,
    author: Author = "",
    reason: Reason = "",
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the work list, to be filled in.")] = None,
    filled: Annotated[Path | None, typer.Option("--decide", metavar="FILE", help="Read a filled-in list back.")] = None,
    learned: Annotated[bool, typer.Option("--learn", help="Measure the mappers and train models here.")] = False,
    alone: Annotated[bool, typer.Option("--automatic", help="Decide what is measured to be right.")] = False,
    threshold: Annotated[float | None, typer.Option(help="Certainty from which --automatic decides.")] = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Say what open codes mean: one key for each, from a filled-in list, or automatically where that was measured."""
    opened = Workspace(workspace)
    if sum(map(bool, (export, filled, learned, alone))) > 1:
        raise UsageError("choose one of --export, --decide, --learn and --automatic.")
    if threshold is not None and not alone:
        raise UsageError("--threshold belongs to --automatic.")
    if learned:
        _learn(opened, json=json, quiet=quiet)
    elif alone:
        _automatic(opened, site, threshold, json=json)
    elif export is not None:
        _export(opened, site, limit, export, json=json)
    elif filled is not None:
        _decide(opened, site, filled, author or user(), reason, json=json)
    else:
        _review(opened, site, limit, author or user(), reason, json=json)


def _review(opened: Workspace, site: str | None, limit: int, author: str, reason: str, *, json: bool) -> None:
    waiting = items(opened, site=site, limit=limit)
    with mappers(opened) as bench, keys() as pressed:
        review = Review(opened, bench, waiting, pressed, STDERR if json else STDOUT, author, site or "", reason)
        tally = review.run()
    if json:
        document({"open": len(waiting), **asdict(tally)})
    elif not waiting:
        say("Every code has a concept, or a decision that it has none.")
    else:
        say(f"{tally.decided} decided ({tally.none} without a concept), {tally.skipped} skipped, {tally.undone} undone "
            f"in {tally.seconds:.0f} s; {tally.rows:,} rows." + _onward(opened, tally.decided))  # fmt: skip


def _decide(opened: Workspace, site: str | None, filled: Path, author: str, reason: str, *, json: bool) -> None:
    waiting = items(opened, site=site)
    choices = read_choices(sheet.read(filled), waiting)
    with mappers(opened) as bench:
        demand_concepts(choices, bench.concepts(concept for one in choices for concept in one.concepts), waiting)
    made = decide(opened, choices, author=author, site=site or "", reason=reason)
    if json:
        document({"decided": len(made), "none": sum(not one.answer for one in made)})
    else:
        say(f"{len(made)} decided." + _onward(opened, len(made)))


def _export(opened: Workspace, site: str | None, limit: int, path: Path, *, json: bool) -> None:
    waiting = items(opened, site=site, limit=limit)
    with mappers(opened) as bench:
        found = bench.candidates([asked(item) for item in waiting])
    if not _write(path, sheet.written(waiting, found)):
        return
    if json:
        document({"file": str(path), "items": len(waiting), "with_candidates": sum(map(bool, found))})
    else:
        say(f"{len(waiting)} items in {path}. Fill in concept_ids ('none' where there is none) and reason, then:\n"
            f"isthmus decide {opened.root} --decide {path}")  # fmt: skip


def _write(path: Path, content: bytes) -> bool:
    """Write a file whole, or to the standard output for `-`; returns whether it was a file."""
    if str(path) == "-":
        typer.echo(content, nl=False)
        return False
    with replaced(path) as stream:
        stream.write(content)
    return True


def _learn(opened: Workspace, *, json: bool, quiet: bool) -> None:
    with bars(quiet=quiet or json) as progress:
        card = learn(opened, progress)
    if json:
        document(card)
        return
    rows = [
        (mapper, domain, right, count)
        for mapper, found in card["measured"].items()
        for domain, (right, count) in found.items()
    ]
    table("Mappers on wordings with a known meaning", ("mapper", "domain", "right", "of"), rows)
    columns = ("wordings", "targets", "held_out", "exact", "recall_at_10", "automatic", "automatic_exact")
    told = [(domain, *(one.get(name) for name in columns)) for domain, one in card["models"].items()]
    table("Models", ("domain", *columns), told)
    for domain, one in card["models"].items():
        if one.get("automatic") == 0:
            say(f"{domain}: of the {one['held_out']} wordings held out none would be mapped automatically: no answer "
                f"was so sure that {THRESHOLD:.0%} of such answers can be promised to be right. More decisions help "
                "most; --automatic --threshold takes a lower share.")  # fmt: skip


def _automatic(opened: Workspace, site: str | None, threshold: float | None, *, json: bool) -> None:
    wanted = threshold if threshold is not None else (opened.site(site).automatic if site else None)
    found = automatic(opened, site=site, threshold=THRESHOLD if wanted is None else wanted)
    if json:
        document({"open": found.open, "decided": len(found.decisions), "rows": found.rows,
                  "decisions": shared(found.decisions)})  # fmt: skip
    else:
        say(f"{len(found.decisions)} of {found.open} open codes with a name were decided automatically, {found.rows:,} "
            "rows." + _onward(opened, len(found.decisions)))  # fmt: skip


def decisions(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    history: Annotated[bool, typer.Option("--history", help="Also what was revoked or decided anew since.")] = False,
    revoke: Annotated[int | None, typer.Option(metavar="ID", help="Take a decision back; needs --reason.")] = None,
    reason: Reason = "",
    author: Author = "",
    export: Annotated[Path | None, typer.Option(metavar="FILE", help="Write what stands, to be shared.")] = None,
    taken: Annotated[Path | None, typer.Option("--import", metavar="FILE", help="Take over what was shared.")] = None,
    json: Json = False,
) -> None:
    """List decisions about codes, revoke one, or share them between workspaces."""
    opened = Workspace(workspace)
    ledger = opened.decisions
    if sum(one is not None for one in (revoke, export, taken)) > 1:
        raise UsageError("choose one of --revoke, --export and --import.")
    if revoke is not None:
        if not reason.strip():
            raise UsageError("a revocation needs its reason. Say why with --reason.")
        if any(one.kind == PERSON for one in ledger.some([revoke]).values()):
            raise UsageError(f"decision {revoke} is about persons: isthmus link {opened.root} --revoke {revoke}")
        made = ledger.revoke(revoke, author=author or user(), reason=reason)
        left = [one for one in ledger.standing(TERM) if (one.subject, one.key) == (made.subject, made.key)]
        now = "".join(
            f"\nDecision {one.decision_id} stands now: {' '.join(map(str, one.answer)) or NONE} "
            f"({one.site or 'all sites'}, {one.author})." for one in left
        )  # fmt: skip
        told = {"revoked": revoke, "by": made.decision_id, "stands": [one.decision_id for one in left]}
        _told(told, f"Decision {revoke} is revoked.{now}" + _onward(opened, 1), json)
    elif export is not None:
        standing = ledger.standing(TERM)
        if _write(export, b"".join(orjson.dumps(one) + b"\n" for one in shared(standing))):
            _told({"file": str(export), "decisions": len(standing)}, f"{len(standing)} decisions in {export}.", json)
    elif taken is not None:
        found = take_over(opened, _lines(taken))
        text = (f"{found.made} taken over, {found.known} known already, {found.conflicting} decided otherwise here, "
                f"where ours stand, {found.elsewhere} about sites that are not here.")  # fmt: skip
        _told(asdict(found), text + _onward(opened, found.made), json)
    else:
        _list(ledger, history, json)


def _list(ledger: Decisions, history: bool, json: bool) -> None:
    listed = [one for one in ledger.all() if one.kind == TERM] if history else ledger.standing(TERM)
    if json:
        document([{**one, "decision_id": made.decision_id, "revokes": made.revokes}
                  for one, made in zip(shared(listed), listed, strict=True)])  # fmt: skip
        return
    table("Decisions", ("id", "system", "code", "wording", "concepts", "site", "how", "by", "when", "reason"),
          [_row(one) for one in listed])  # fmt: skip


def _row(one: Decision) -> tuple[str, ...]:
    answer = f"revokes {one.revokes}" if one.revokes else " ".join(map(str, one.answer)) or "none"
    return (str(one.decision_id), one.subject, one.key, one.wording, answer, one.site or "all", one.how,
            one.author, f"{one.made_at:%Y-%m-%d %H:%M}", one.reason)  # fmt: skip


def _lines(path: Path) -> Sequence[dict[str, Any]]:
    try:
        return [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
    except OSError as wrong:
        raise InputError(f"{path} cannot be read: {wrong.strerror}. Name a file that --export wrote.") from None
    except ValueError:
        raise InputError(f"{path.name} is not what `isthmus decisions WS --export` writes. Export again.") from None


def _told(told: dict[str, Any], text: str, json: bool) -> None:
    if json:
        document(told)
    else:
        say(text)


def _onward(opened: Workspace, count: int) -> str:
    return f"\nNext: isthmus ingest {opened.root}" if count else ""
