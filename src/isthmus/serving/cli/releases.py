"""The verb about what leaves: release."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer

from isthmus.base.errors import InputError, RefusedError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.committee.application import Budget
from isthmus.gate.office import private, releases
from isthmus.gate.office.private import Asked as Wanted
from isthmus.gate.office.private import Give
from isthmus.gate.office.releases import Held, Table
from isthmus.gate.office.session import open_granted
from isthmus.gate.office.unit import Office
from isthmus.gate.release.request import Said
from isthmus.gate.release.rules import Verdict
from isthmus.records.models import Account
from isthmus.serving.cli.acting import As, actor, office_of
from isthmus.serving.cli.options import Json, Where
from isthmus.serving.cli.output import document, say, table

ReleaseId = Annotated[str, typer.Argument(metavar="RELEASE", help="The release, as RE….")]
SHOWN = 30  # rows that a checker is shown


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    group = typer.Typer(no_args_is_help=True, help="What leaves: asked for, checked, delivered.")
    group.command("request")(request)
    group.command("private")(with_noise)
    group.command("list")(list_releases)
    group.command("show")(show)
    group.command("check")(check)
    group.command("withdraw")(withdraw)
    group.command("deliver")(deliver)
    app.add_typer(group, name="release")


def request(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    by: As,
    grant: Annotated[str, typer.Option(help="The grant, as GR…; `isthmus use list` shows yours.")],
    counts: Annotated[str, typer.Option(help="The column that counts people.")],
    context: Annotated[str, typer.Option(help="What is shown of whom, and beside which other files.")],
    file: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="A table; or give --sql.")] = None,
    sql: Annotated[str, typer.Option(help="One SELECT; its counts are hidden and rounded.")] = "",
    unit: Annotated[str, typer.Option(help="What is counted.")] = "persons",
    where: Annotated[list[str], typer.Option(help="NAME=VALUE: of whom the whole table is.")] = [],  # noqa: B006 typer copies it
    total: Annotated[list[int], typer.Option(help="A row of FILE.csv, from 1, that sums the others.")] = [],  # noqa: B006 typer copies it
    purpose: Annotated[str, typer.Option(help="The kind of purpose, if the grant has several.")] = "",
    json: Json = False,
) -> None:
    """Ask that a table leaves. The machine checks it; then two checkers do, who are not of the grant."""
    if (file is None) == (not sql):
        raise UsageError("give FILE.csv or --sql, one of them.")
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "release")
    session = open_granted(office, opened.lake, person, grant, kind=purpose)
    name = office.named(grant, "GR")
    if file is None:
        rows = session.sql(sql)
        with office.open():
            columns = releases.fitted(rows, counts, releases.rules_of(office, name)[1])
    else:
        columns = releases.read(file)
    asked = Table(
        columns=columns, counts=counts, context=context, edition=session.edition.number, unit=unit, query=sql,
        totals=tuple(one - 1 for one in total), where=_where(where),
    )  # fmt: skip
    with office.open():
        made, verdict = releases.request(office, person, name, asked)
    _tell(made, verdict, json=json)


def with_noise(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    by: As,
    grant: Annotated[str, typer.Option(help="The grant, as GR….")],
    of: Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="Whose persons; the column of values.")],
    context: Annotated[str, typer.Option(help="What is shown of whom, and beside which other files.")],
    epsilon: Annotated[str, typer.Option(help="How much of the grant's budget of privacy it may spend.")],
    delta: Annotated[str, typer.Option(help="The same of its delta; above 0 the noise is Gaussian.")] = "0",
    give: Annotated[str, typer.Option(help="count, sum or mean.")] = "count",
    group: Annotated[str, typer.Option(help="The column of the groups.")] = "",
    value: Annotated[list[str], typer.Option(help="A group, as its value in the column; may be given again.")] = [],  # noqa: B006 typer copies it
    each: Annotated[str, typer.Option(help="How a person's rows become one value: min, max, mean or rows.")] = "mean",
    bounds: Annotated[str, typer.Option(help="LOW:HIGH, between which each person's value is brought.")] = "0:0",
    places: Annotated[int, typer.Option(help="Decimals that count.")] = 0,
    only: Annotated[list[str], typer.Option(help="COLUMN=VALUE that a row must have; may be given again.")] = [],  # noqa: B006 typer copies it
    purpose: Annotated[str, typer.Option(help="The kind of purpose, if the grant has several.")] = "",
    json: Json = False,
) -> None:
    """Ask that a table leaves whose numbers have noise (differential privacy). Needs the extra `dp`."""
    table_name, _, column = of.partition(".")
    low, _, high = bounds.partition(":")
    wanted = Wanted(
        table=table_name, of=column, by=group, groups=tuple(value), give=_give(give),
        each=each, low=_number(low), high=_number(high), places=places, only=_several(only),
        budget=Budget(_number(epsilon), _number(delta)),
    )  # fmt: skip
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "release")
    session = open_granted(office, opened.lake, person, grant, kind=purpose)
    made, verdict, shown = private.request(office, session, person, office.named(grant, "GR"), wanted, context)
    if verdict.answer != "fail" and not json:
        table("Table", tuple(shown.columns), list(zip(*shown.columns.values(), strict=True)))
        say(f"Left of the budget: epsilon {shown.private['left']['epsilon']}, delta {shown.private['left']['delta']}.")
    _tell(made, verdict, json=json)


def _give(text: str) -> Give:
    if text not in get_args(Give):
        raise UsageError(f"--give is one of {', '.join(get_args(Give))}.")
    return cast(Give, text)


def _number(text: str) -> Decimal:
    try:
        found = Decimal(text)
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite():
        raise UsageError(f"'{text}' is no number. Write one, as 0.5.")
    return found


def _several(only: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for one in only:
        name, given, value = one.partition("=")
        if not given:
            raise UsageError("--only is COLUMN=VALUE.")
        found[name] = (*found.get(name, ()), value)
    return found


def list_releases(workspace: Where, by: As, json: Json = False) -> None:
    """All releases that were asked for."""
    office = office_of(Workspace(workspace))
    actor(office, by, "release")
    found = [_told(one) for one in releases.releases(office)]
    if json:
        document(found)
        return
    names = ("release", "grant", "state", "asked by", "approved by", "machine")
    table("Releases", names, [tuple(str(value) for value in one.values()) for one in found])


def show(workspace: Where, release: ReleaseId, by: As, json: Json = False) -> None:
    """A release as a checker looks at it: its table, its context, and what the machine found."""
    office = office_of(Workspace(workspace))
    person = actor(office, by, "release")
    held = releases.release(office, release)
    if "checker" not in person.roles and person.name not in held.request.people:
        raise RefusedError(f"{person.name} is neither a checker nor one of the people of the grant. Ask one of them.")
    columns = releases.read(office.root / "releases" / held.id.rpartition("/")[2] / releases.NAME)
    if json:
        document({**_told(held), "context": held.body["context"], "columns": columns, "found": held.body["findings"]})
        return
    table(f"Release {held.id}", ("", ""), [(name, str(value)) for name, value in _told(held).items()])
    say(f"Context: {held.body['context']}")
    table("Table", tuple(columns), list(zip(*columns.values(), strict=True))[:SHOWN])
    for one in held.body["findings"]:
        say(f"  to be looked at: {one}")


def check(
    workspace: Where,
    release: ReleaseId,
    by: As,
    said: Annotated[str, typer.Option(help="approve, change or reject.")],
    reason: Annotated[str, typer.Option(help="Why.")] = "",
    json: Json = False,
) -> None:
    """Say of a release whether it may leave, as a checker who is not of the grant."""
    if said not in {"approve", "change", "reject"}:
        raise UsageError("--said is approve, change or reject.")
    office, person = _acting(workspace, by)
    with office.open():
        held = releases.release(office, release)
        after = releases.say(office, held, person, cast(Said, said), reason)
    if json:
        document({"release": held.id, "state": after.state, "approvals": after.approvals(releases.NAME)})
    else:
        say(f"{held.id} is {after.state}; {after.approvals(releases.NAME)} checker(s) approve of it.")


def withdraw(workspace: Where, release: ReleaseId, by: As, json: Json = False) -> None:
    """Take back a release that has not left."""
    office, person = _acting(workspace, by)
    with office.open():
        held = releases.release(office, release)
        after = releases.withdraw(office, held, person)
    if json:
        document({"release": held.id, "state": after.state})
    else:
        say(f"{held.id} is {after.state}.")


def deliver(
    workspace: Where,
    release: ReleaseId,
    by: As,
    out: Annotated[Path, typer.Option(metavar="DIR", help="A new folder.")],
    json: Json = False,
) -> None:
    """Let a release leave, once two checkers approve of it: its table, and a manifest that says where it is from."""
    opened = Workspace(workspace)
    office = office_of(opened)
    person = actor(office, by, "release")
    with office.open():
        held = releases.release(office, release)
        digest = opened.lake.editions.get(int(held.body["edition"])).digest
        releases.deliver(office, held, person, out, digest)
    if json:
        document({"release": held.id, "delivered": str(out)})
    else:
        say(f"{held.id} lies in {out}, with its manifest.")


def _acting(workspace: Path, by: str) -> tuple[Office, Account]:
    office = office_of(Workspace(workspace))
    return office, actor(office, by, "release")


def _told(held: Held) -> dict[str, Any]:
    approved = sorted(by for (_, by), one in held.request.said.items() if one == "approve")
    return {
        "release": held.id, "grant": held.grant, "state": held.request.state, "asked by": held.request.author,
        "approved by": " ".join(approved), "machine": held.body["machine"],
    }  # fmt: skip


def _tell(made: str, verdict: Verdict, *, json: bool) -> None:
    if json and verdict.answer != "fail":
        document({"release": made, "machine": verdict.answer, "findings": verdict.findings})
        return
    found = [(one.check, one.answer, one.where, one.why) for one in verdict.findings]
    if verdict.answer == "fail":
        why = "; ".join(f"{where}: {why}" for _, answer, where, why in found if answer == "fail")
        raise RefusedError(f"it may not leave: {why}. Mend it, and ask again.")
    if found:
        table("To be looked at by the checkers", ("check", "answer", "where", "why"), found)
    say(f"Release {made} is asked for. Next: two checkers say `isthmus release check`.")


def _where(words: Sequence[str]) -> dict[str, str]:
    if wrong := [one for one in words if not all(one.partition("=")[::2])]:
        raise InputError(f"--where {wrong[0]} is not of the form NAME=VALUE. Correct it.")
    return {name: value for name, _, value in (one.partition("=") for one in words)}
