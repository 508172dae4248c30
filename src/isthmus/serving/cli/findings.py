"""The verbs about findings: what is wrong at each site and how it is mended; and a scorecard for a site."""

from dataclasses import asdict
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from isthmus.base.errors import UsageError
from isthmus.flow.findings import life
from isthmus.flow.findings.life import Lived
from isthmus.flow.workspace import Workspace
from isthmus.serving.card import card as cards
from isthmus.serving.card import write as written
from isthmus.serving.cli.options import Json, Quiet, Where, user
from isthmus.serving.cli.output import bars, document, say, table
from isthmus.serving.page.words import LANGUAGES

STATES = ("open", "assigned", "explained", "mended", "verified")


def register(app: typer.Typer) -> None:
    """Add the verbs to the command."""
    app.command("findings")(findings)
    app.command("scorecard")(scorecard)


def findings(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    site: Annotated[str | None, typer.Option(help="Only this site.")] = None,
    state: Annotated[str | None, typer.Option(help="Only in this state; all but verified by default.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 40,
    assign: Annotated[str | None, typer.Option(metavar="ID", help="Make a finding somebody's; with --to.")] = None,
    to: Annotated[str, typer.Option(metavar="NAME", help="Whose it is.")] = "",
    explain: Annotated[str | None, typer.Option(metavar="ID", help="Say why it is right so; with --reason.")] = None,
    mended: Annotated[str | None, typer.Option(metavar="ID", help="Say that the source is mended.")] = None,
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    author: Annotated[str, typer.Option(help="Who says so; by default the user of the operating system.")] = "",
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """List what is wrong at the sites, since when and how it is mended; or say what became of a finding."""
    opened = Workspace(workspace)
    told = [(name, key) for name, key in (("assigned", assign), ("explained", explain), ("mended", mended)) if key]
    if len(told) > 1:
        raise UsageError("choose one of --assign, --explain and --mended.")
    if state is not None and state not in STATES:
        raise UsageError(f"there is no state '{state}'. Known: {', '.join(STATES)}.")
    if told:
        (name, key) = told[0]
        life.say(opened, key, name, author=author or user(), reason=reason, owner=to)  # type: ignore[arg-type]  # one of SAID, by the lines above
        say(f"Finding {key} is {name}." + (" The next edition will show." if name == "mended" else ""))
        return
    with bars(quiet=quiet or json) as progress:
        listed = life.lived(opened, site=site, progress=progress)
    chosen = [one for one in listed if one.state == state or (state is None and one.state != "verified")]
    if json:
        document([_plainly(one) for one in chosen])
        return
    if not chosen:
        say("Nothing is found that has to be mended." if state is None else f"No finding is {state}.")
        return
    _print(chosen[:limit], len(chosen))
    if chosen:
        say(
            f"For a hospital: isthmus scorecard {quote(str(workspace))} {quote(chosen[0].finding.site)} --out card.html"
        )


def _print(shown: list[Lived], found: int) -> None:
    rows = [
        (one.finding.finding_id, one.finding.site, one.finding.grade, one.finding.says(), f"{one.finding.rows:,}",
         f"{one.finding.percent:.2f}" if one.finding.of else "", _when(one),
         one.state + (" again" if one.again else ""), one.owner, _where(one), one.finding.whose, one.finding.mend())
        for one in shown
    ]  # fmt: skip
    columns = ("id", "site", "grade", "what is wrong", "rows", "%", "since", "state", "whose", "most of them from",
               "mended by", "how")  # fmt: skip
    table(f"Findings: {len(shown)} of {found}, the worst first", columns, rows)


def _when(one: Lived) -> str:
    """The edition since which it stands, and the first without it."""
    return f"e{one.since:06}" + (f", gone in e{one.until:06}" if one.until else "")


def _where(one: Lived) -> str:
    """The file with most of the rows, its columns, and the line of an example."""
    if not one.finding.places:
        return ""
    place = one.finding.places[0]
    columns = f" [{', '.join(place.columns)}]" if place.columns else ""
    line = f", {'row' if place.sheet else 'line'} {place.line}" if place.line else ""
    return f"{place.name}{columns}{line}"


def _plainly(one: Lived) -> dict[str, Any]:
    found = one.finding
    return {
        "id": found.finding_id, **asdict(found), "grade": found.grade, "mended_by": found.whose,
        "says": {language: found.says(language) for language in LANGUAGES},
        "mend": {language: found.mend(language) for language in LANGUAGES},
        "state": one.state, "again": one.again, "since": one.since, "until": one.until, "owner": one.owner,
        "reason": one.reason, "author": one.author, "trend": {str(key): rows for key, rows in one.trend.items()},
    }  # fmt: skip


def scorecard(
    workspace: Where,
    site: Annotated[str, typer.Argument(metavar="SITE", help="A site, as `isthmus site list` says.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write: a name that ends in .html or .pdf.")],
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    quiet: Quiet = False,
) -> None:
    """Write a hospital's scorecard: what it delivered, what became of it, what is wrong and how it is mended."""
    opened = Workspace(workspace)
    if language not in LANGUAGES:
        raise UsageError(f"there is no scorecard in '{language}'. Known: {', '.join(LANGUAGES)}.")
    with bars(quiet=quiet) as progress:
        card = cards.card(opened, site, progress=progress)
    written.write(card, out, language)
    say(f"The scorecard of {site} is in {out}.")
