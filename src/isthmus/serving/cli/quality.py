"""The verb about the quality of an edition: what the checks found, the worst first."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import orjson
import typer

from isthmus.base.durable import replaced
from isthmus.base.errors import UsageError
from isthmus.flow import quality as flow
from isthmus.flow.failing import Failure, failures, traced
from isthmus.flow.persons import persons
from isthmus.flow.quality import Quality
from isthmus.flow.workspace import Workspace
from isthmus.serving.cli.options import Json, Quiet, Where
from isthmus.serving.cli.output import bars, document, say, table
from isthmus.serving.cli.whom import people
from isthmus.serving.evidence import write as pack
from isthmus.serving.evidence.evidence import evidence as gather

STATES = ("passed", "failed", "not applicable", "error")


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("quality")(quality)


def quality(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write all results there, as DQD does.")] = None,
    edition: Annotated[int | None, typer.Option(help="An older edition.")] = None,
    cdm: Annotated[
        str | None, typer.Option(help="The checks of CDM 5.3 or 5.4; by default of what the sources say they are.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="The rows of this site alone.")] = None,
    evidence: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write what a site hands in for its ratings; with --site.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="How many failed checks to show.")] = 20,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Run the OHDSI data quality checks on an edition; once, for the results are kept with it."""
    opened = Workspace(workspace)
    if evidence is not None:
        _evidence(opened, site, evidence, edition, json=json)
        return
    with bars(quiet=quiet or json) as progress:
        found = flow.quality(opened, edition=edition, version=cdm, site=site or "", progress=progress)
        before = flow.former(opened, found, progress=progress)
    if out is not None:
        _write(out, flow.told(opened, found))
    listed = failures(found, before)
    shown = traced(opened, found, listed[:limit])
    whom = persons(opened, found.edition).told(found.site)
    if json:
        document(_summary(found, before, shown, listed) | {"patients": whom})
        return
    _print(found, before, shown, len(listed))
    people(whom)
    where = quote(str(workspace))
    example = next((one for one in shown if one.origins and one.origins[0].example is not None), None)
    if example is not None:
        say(f"See the source of one: isthmus trace {where} {example.origins[0].table} {example.origins[0].example}")
    say(f"All results: {out}" if out else f"All results: isthmus quality {where} --out FILE.json")


def _evidence(opened: Workspace, site: str | None, folder: Path, edition: int | None, *, json: bool) -> None:
    if site is None:
        raise UsageError("evidence is one hospital's. Name it with --site.")
    found = gather(opened, site, edition=edition)
    paths = pack.write(found, folder)
    broken = sum(bool(one.outcome.wrong) for one in found.rules)
    asked = sum(bool(one.outcome.asked) for one in found.rules)
    if json:
        ratios = {one.name: one.ratio for one in found.dimensions}
        told = {"site": site, "edition": found.edition, "files": paths, "rules": len(found.rules), "asked": asked}
        document(told | {"broken": broken, "score": found.score, "points_judged": found.judged, "dimensions": ratios})
        return
    rows = [(one.name, one.items, one.passed, one.right, one.asked, pack.four(one.ratio)) for one in found.dimensions]
    table(f"Grading of {site}", ("dimension", "items", "reach 0.5", "right", "of", "ratio"), rows)
    if found.score is not None:
        say(f"Front pages: {found.score:.1f} of {found.judged:g} points that can be judged, of {found.whole}.")
    say(f"{broken} of {asked} rules that could be asked are broken ({len(found.rules)} in all). In {folder}: "
        f"{', '.join(path.name for path in paths)}.")  # fmt: skip


def _write(path: Path, told: Mapping[str, Any]) -> None:
    try:
        with replaced(path) as stream:
            stream.write(orjson.dumps(told))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}. Name another file.") from None


def _print(found: Quality, before: Quality | None, shown: Sequence[Failure], failed: int) -> None:
    counts = found.counts()
    rows = []
    for category in sorted({category for category, _ in counts}):
        past = [before.counts().get((category, "failed"), 0)] if before else []
        rows.append((category, *(counts.get((category, state), 0) for state in STATES), *past))
    former = [f"failed in {before.edition.name}"] if before else []
    whose = f" at {found.site}" if found.site else ""
    own = len(found.results) - len(found.dashboard)
    asked = f"{len(found.dashboard):,} checks of CDM {found.version} and {own} rules"
    title = f"Quality of {found.edition.name}{whose}, by {asked}"
    table(title, ("category", *STATES, *former), rows)
    if not failed:
        say("No check failed.")
        return
    cells = [
        (one.severity, one.name, one.what, one.violated, one.of, f"{one.percent:.2f}", f"{one.threshold:g}", one.change,
         "; ".join(f"{file.site}/{file.feed}/{file.file}: {file.rows:,}" for file in one.origins))
        for one in shown
    ]  # fmt: skip
    columns = ("severity", "check", "what is wrong", "rows", "of", "%", "allowed %", "since", "most of them from")
    table(f"Failed: {len(shown)} of {failed}, the worst first", columns, cells)


def _summary(
    found: Quality, before: Quality | None, shown: Sequence[Failure], listed: Sequence[Failure]
) -> dict[str, Any]:
    return {
        "edition": found.edition.number, "cdm": found.version, "site": found.site or None, "checks": len(found.results),
        **{state.replace(" ", "_"): len(found.ids(state)) for state in STATES},
        "former": before.edition.number if before else None,
        "new": [one.check_id for one in listed if one.change],
        "mended": sorted(before.ids("failed") & found.ids("passed")) if before else [],
        "worst": shown,
    }  # fmt: skip
