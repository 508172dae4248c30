"""The verb that describes an edition: who is in it, since when, and with what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from isthmus.base.errors import RefusedError
from isthmus.flow import profile as flow
from isthmus.flow.persons import persons
from isthmus.flow.profile import SMALL, Form, Profile
from isthmus.flow.workspace import Workspace
from isthmus.serving.cli.acting import As, Grant, Purpose, granted_session
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table
from isthmus.serving.cli.whom import people
from isthmus.serving.profiled import granted

BARS = "▁▂▃▄▅▆▇█"
WIDTH = 40  # years that a row of bars has room for


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("profile")(profile)


def profile(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write the three tables of Achilles there.")
    ] = None,
    form: Annotated[Form, typer.Option("--format", help="How they are written.")] = "csv",
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    small: Annotated[int, typer.Option(min=0, help="Counts up to this are left out.")] = SMALL,
    top: Annotated[int, typer.Option(min=1, help="How many concepts of each table are shown.")] = 5,
    grant: Grant = "", purpose: Purpose = "", by: As = "", json: Json = False,
) -> None:  # fmt: skip
    """Describe an edition: people, time observed, records by table and year, frequent concepts.

    These are the 194 default analyses of OHDSI Achilles. They are counted once and kept with the edition. Under a grant
    they are counted over what it holds, told, and neither kept nor written.
    """
    if grant and out is not None:
        raise RefusedError("answers are not written to files. What shall leave is asked for with `isthmus release`.")
    opened = Workspace(workspace)
    if grant:
        session = granted_session(opened, grant, by, kind=purpose, edition=edition)
        found, lacking = granted(session, opened.root.resolve().name)
    else:
        found, lacking = flow.profile(opened, edition=edition), {}
    whom = None if grant else persons(opened, found.edition).told(small=small)
    hidden = None if out is None else flow.write(found, out, form=form, small=small)
    told = flow.describe(opened, found, small=small, top=top)
    if json:
        document({
            "edition": found.edition.name, "small": small, **told, "left_out": found.left_out,
            "rows": found.results.num_rows + found.distributions.num_rows, "rows_hidden": hidden,
            **({"lacking": lacking} if grant else {"patients": whom}),
        })  # fmt: skip
        return
    _print(found, told, small)
    if whom is not None:
        people(whom)
    for name, columns in lacking.items():
        say(f"The grant does not hold all of {name}: without {', '.join(columns)}.")
    if out is not None:
        say(f"Written to {out}: achilles_analysis, achilles_results, achilles_results_dist. "
            f"{hidden:,} rows with a count up to {small} are left out of them.")  # fmt: skip


def _print(found: Profile, told: Mapping[str, Any], small: int) -> None:
    shown = [(name, _number(value)) for name, value in told["people"].items()]
    shown += [(name.lower(), _number(count)) for name, count in told["sexes"].items()]
    table(f"Edition {found.edition.name}", ("", ""), shown)
    rows = _bars(told["years"])
    if rows:
        first, last = _span(told["years"])
        table("Records inside observation, by year", ("table", f"{first} to {last}", "records", "years"), rows)
        columns = ("table", "persons", "records", "concept", "name")
        table("Frequent concepts", columns, [
            (one["table"], one["persons"], one["records"], str(one["concept_id"]), one["name"])
            for one in told["concepts"]
        ])  # fmt: skip
    if found.left_out:
        empty = ", ".join(sorted({table for tables in found.left_out.values() for table in tables}))
        say(f"{len(found.left_out)} analyses have no rows, because they read tables that have none: {empty}.")
    say(f"Counts up to {small} are left out.")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def _span(years: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """The first year and the last that are shown: no more than there is room for."""
    last = max(one["year"] for one in years)
    return max(min(one["year"] for one in years), last - WIDTH + 1), last


def _bars(years: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, int, str]]:
    """A row for each table: a bar for each year, as high as its records beside the greatest year of the table."""
    counts: dict[str, dict[int, int]] = {}
    for one in years:
        counts.setdefault(one["table"], {})[one["year"]] = one["records"]
    rows = []
    for name, by_year in counts.items():
        first, last = _span(years)
        most = max(by_year.values())
        bars = "".join(_bar(by_year.get(year, 0), most) for year in range(first, last + 1))
        rows.append((name, bars, sum(by_year.values()), f"{min(by_year)} to {max(by_year)}"))
    return rows


def _bar(count: int, most: int) -> str:
    return " " if not count else BARS[(count * len(BARS) - 1) // most]
