"""Verbs about who is who: link, person."""

from dataclasses import asdict
from shlex import quote
from typing import Annotated

import typer

from isthmus.base.errors import UsageError
from isthmus.flow.link import Outcome, Person, decide, joined, link, person, take_back, waiting
from isthmus.flow.workspace import Workspace
from isthmus.serving.cli.keys import keys
from isthmus.serving.cli.options import Json, Quiet, Where, user
from isthmus.serving.cli.output import STDERR, STDOUT, bars, document, say, table
from isthmus.serving.cli.pairs import REASON, Review


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("link")(link_persons)
    app.command("person")(show_person)


def link_persons(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    rules: Annotated[str, typer.Option(metavar="NAME|FILE", help="Rules: chinese, western, or a file.")] = "",
    learn: Annotated[bool, typer.Option("--learn", help="Learn the weights anew from the records.")] = False,
    review: Annotated[bool, typer.Option("--review", help="Decide about the pairs that wait, a key for each.")] = False,
    same: Annotated[
        tuple[int, int] | None, typer.Option(metavar="ID ID", help="Two records of identity are one person.")
    ] = None,
    apart: Annotated[
        tuple[int, int] | None,
        typer.Option(metavar="ID ID", help="They are two people; takes two who say so, where they are one now."),
    ] = None,
    revoke: Annotated[int | None, typer.Option(metavar="ID", help="Take a decision back.")] = None,
    author: Annotated[str, typer.Option(help="Who decides; by default the user of the operating system.")] = "",
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Link the records of one person across all sites, and publish an edition with it.

    From then on every ingest links what is new. With --review, --same, --apart or --revoke a person decides instead;
    the next link or ingest carries it out.
    """
    opened = Workspace(workspace)
    asked = [review, same is not None, apart is not None, revoke is not None]
    if sum(asked) > 1 or (any(asked) and (rules or learn)):
        raise UsageError("choose one of --review, --same, --apart and --revoke, or none to link.")
    if review:
        _review(opened, author or user(), reason, json=json)
    elif revoke is not None:
        made = take_back(opened, revoke, author=author or user(), reason=reason)
        _told(opened, made.decision_id, second=made.revokes is None, json=json)
    elif same or apart:
        _decide(opened, same or apart or (0, 0), author or user(), reason, same=bool(same), json=json)
    else:
        with bars(quiet=quiet or json) as progress:
            found = link(opened, chosen=rules, learn=learn, progress=progress)
        _print(opened, found, json=json)


def show_person(
    workspace: Where,
    number: Annotated[int, typer.Argument(metavar="ID", help="A person's number, of the index or of a site.")],
    json: Json = False,
) -> None:
    """All records of one person, where they stand, and why they are one.

    Prints identifiers: it is meant for those who may read the workspace.
    """
    found = person(Workspace(workspace), number)
    if json:
        document(asdict(found))
    else:
        _print_person(found)


def _print_person(found: Person) -> None:
    columns = ("record", "person of the site", "site", "feed", "file", "line", "since", "why")
    rows = [
        (str(one["identity_id"]), str(one["person_id"]), one["site"], one["feed"], one["file"], one["line"],
         one["since"], one["why"]) for one in found.records
    ]  # fmt: skip
    table(f"Person {found.number} in edition {found.edition}", columns, rows)
    names = list(dict.fromkeys(name for one in found.records for name in one["said"]))
    written = [(str(one["identity_id"]), *(one["said"].get(name, "") for name in names)) for one in found.records]
    table("As written", ("record", *names), written)
    for reason in found.reasons:
        title = f"{reason.pair[0]} and {reason.pair[1]}" + (f": {reason.decided}" if reason.decided else "")
        steps = [(one["comparison"], one["outcome"], f"{one['weight']:+.1f}", f"{one['total']:+.1f}")
                 for one in reason.steps]  # fmt: skip
        if steps:
            table(title, ("compared", "outcome", "weight", "sum"), steps)
        else:
            say(title)
    if found.events:
        told = ("edition", "event", "person", "other", "records")
        table("What happened", told, [[str(one[name] or "") for name in told] for one in found.events])


def _review(opened: Workspace, author: str, reason: str, *, json: bool) -> None:
    pairs = waiting(opened, author=author)
    with keys() as pressed:
        tally = Review(opened, pairs, pressed, STDERR if json else STDOUT, author, reason or REASON).run()
    if json:
        document({"open": len(pairs), **asdict(tally)})
    elif not pairs:
        say("No pair waits for you.")
    else:
        say(f"{tally.same} one person, {tally.apart} two people, {tally.second} to be seconded, {tally.skipped} "
            f"skipped, {tally.undone} undone.\nNext: isthmus link {quote(str(opened.root))}")  # fmt: skip


def _decide(opened: Workspace, pair: tuple[int, int], author: str, reason: str, *, same: bool, json: bool) -> None:
    now = joined(opened, pair)
    first = not any(one.pair == (min(pair), max(pair)) and one.asked for one in waiting(opened))
    made = decide(opened, pair, same=same, joined=now, author=author, reason=reason)
    _told(opened, made.decision_id, second=now and first and not same, json=json)


def _told(opened: Workspace, decision: int, *, second: bool, json: bool) -> None:
    if json:
        document({"decision": decision, "second": second})
    elif second:
        say(f"Decision {decision} waits: they are one person until another person says the same.")
    else:
        say(f"Decision {decision} is made. Next: isthmus link {quote(str(opened.root))}")


def _print(opened: Workspace, found: Outcome, *, json: bool) -> None:
    one = found.linked
    if json:
        document({**asdict(one), "model": found.kept.number, "rules": found.kept.name, "learnt": found.learnt,
                  "edition": found.edition.number if found.edition else None})  # fmt: skip
        return
    rows = [
        ("records of identity", one.records), ("persons", one.persons), ("sites", one.sites),
        ("sites' persons who are one with another", one.joined), ("merged in this edition", one.merged),
        ("split in this edition", one.split), ("moved in this edition", one.moved),
        ("pairs waiting for review", one.waiting), ("links refused by a constraint", one.refused),
        ("sites' persons whose own records part", one.parted), ("pairs scored now", one.scored),
    ]  # fmt: skip
    how = "learnt now" if found.learnt else "as it was kept"
    table(f"Persons, by model {found.kept.number} ({found.kept.name}, {how})", ("", "count"), rows)
    said = f"Edition {found.edition.number} is published with it." if found.edition else (
        "Nothing changed; the edition stands as it was.")  # fmt: skip
    more = f"\nDecide about those that wait: isthmus link {quote(str(opened.root))} --review" if one.waiting else ""
    say(said + more)
