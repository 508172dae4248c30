"""The verb about the cases of a registry: who was found, who is confirmed, who consents, whose visit is overdue."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer

from isthmus.base.errors import UsageError
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.research.registries.enrolment import ruling
from isthmus.research.registries.enrolment.model import GIVEN, REFUSED, WITHDRAWN
from isthmus.research.registries.enrolment.ruling import CASE, CONFIRMED, CONSENT, DUPLICATE, REFUTED
from isthmus.research.registries.pack import load
from isthmus.serving.cli.acting import As, Grant, Purpose, granted_session
from isthmus.serving.cli.options import Json, Where, user
from isthmus.serving.cli.output import document, say, table
from isthmus.serving.registries.enrolling import Enrolling

SHOWN = 40
ACTS = {
    "confirm": (CASE, CONFIRMED), "refute": (CASE, REFUTED), "duplicate": (CASE, DUPLICATE),
    "consent": (CONSENT, GIVEN), "refuse": (CONSENT, REFUSED), "withdraw": (CONSENT, WITHDRAWN),
}  # fmt: skip
LOOKS = ("list", "history", "visits")
LISTED = ("person_id", "site", "state", "score", "rules", "first_day", "last_ruling", "agree", "by")
OVERDUE = ("person_id", "site", "visit", "nth", "due", "closes", "days_over")
Act = Annotated[str, typer.Argument(metavar="ACT", help=f"{', '.join((*LOOKS, *ACTS))}.")]
Persons = Annotated[list[int] | None, typer.Argument(metavar="PERSON...", help="Numbers of persons.")]


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command("cases")(cases)


def cases(  # noqa: PLR0917 each parameter is an option of the command line
    workspace: Where,
    pack: Annotated[str, typer.Argument(metavar="PACK", help="A registry that comes along, or a folder.")],
    act: Act = "list",
    persons: Persons = None,
    reason: Annotated[str, typer.Option(help="Why; every ruling has a reason.")] = "",
    author: Annotated[str, typer.Option(help="Who says so; by default the user of the operating system.")] = "",
    day: Annotated[str, typer.Option(metavar="DATE", help="The day of diagnosis; of a consent, since when.")] = "",
    of: Annotated[int | None, typer.Option(metavar="PERSON", help="Whose duplicate it is.")] = None,
    state: Annotated[str, typer.Option(help="Only list candidates in this state, visits that are so.")] = "",
    on: Annotated[str, typer.Option(metavar="DATE", help="The day for which visits are told.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many are shown.")] = SHOWN,
    grant: Grant = "", purpose: Purpose = "", by: As = "", json: Json = False,
) -> None:  # fmt: skip
    """Who may be a case of a registry: lists candidates with their evidence, and keeps what people say of them.

    Rules of the pack find candidates and score them. What is ruled here holds from the next build of the registry on;
    whoever refuses or withdraws is in none of its tables any more. Nothing is overwritten: `history` tells all. Under
    a grant persons have its numbers and dates, and the account that asks is who rules.
    """
    asked = list(persons or ())
    if act in ACTS:
        _demand(act, asked, reason, of)
    elif act not in LOOKS:
        raise UsageError(f"'{act}' is nothing that is done here. Write one of: {', '.join((*LOOKS, *ACTS))}.")
    if grant and author:
        raise UsageError("under a grant the account of --as is who rules. Leave --author out.")
    work = _enrolling(Workspace(workspace), pack, grant, purpose, by)
    if act == "list":
        _list(work, state, limit, json=json)
    elif act == "history":
        _history(work, asked, json=json)
    elif act == "visits":
        _visits(work, _day(on), state or "overdue", limit=limit, json=json)
    else:
        kind, answer = ACTS[act]
        says = by if grant else author or user()
        work.rule(kind, answer, asked, author=says, reason=reason, day=_day(day), of=of)
        _tell_made(work, kind, asked, json=json)


def _enrolling(opened: Workspace, pack: str, grant: str, purpose: str, by: str) -> Enrolling:
    read = load(pack, [opened.root / "registries"])
    if grant:
        return Enrolling(opened, read, granted_session(opened, grant, by, kind=purpose, edition=None))
    return Enrolling(opened, read, open_session(opened.lake, synthetic=opened.synthetic))


def _demand(act: str, persons: Sequence[int], reason: str, of: int | None) -> None:
    if not persons:
        raise UsageError(f"say whom: `isthmus cases WS PACK {act} PERSON`. `list` shows their numbers.")
    if not reason.strip():
        raise UsageError("a ruling needs a reason. Add --reason TEXT: what was looked at, or the form that says so.")
    if (act == "duplicate") != (of is not None) or of in persons:
        raise UsageError("a duplicate is one of somebody else: `duplicate PERSON --of OTHER`; no other act has --of.")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"'{text}' is no day. Write it as 2026-11-28.") from None


def _list(work: Enrolling, state: str, limit: int, *, json: bool) -> None:
    pack = work.pack
    counts, listed, evidence = work.candidates()
    rows = [one for one in listed.to_pylist() if not state or one["state"] == state]
    if json:
        by_person: dict[int, list[dict[str, Any]]] = {}
        for one in evidence.to_pylist():
            by_person.setdefault(one.pop("person_id"), []).append(one)
        shown = [one | {"evidence": by_person.get(one["person_id"], [])} for one in rows[:limit]]
        document({"registry": pack.name, "edition": work.edition, "counts": counts, "candidates": shown})
        return
    table(f"{pack.titles.get('en') or pack.name}, edition {work.edition}", ("state", "persons"),
          list(counts.items()))  # fmt: skip
    order = {"candidate": 0, "found": 1}
    rows.sort(key=lambda one: order.get(one["state"], 2))
    table("Candidates, those who wait first", LISTED, [tuple(one[name] for name in LISTED) for one in rows[:limit]])
    if pack.enrolment.people > 1:
        say(f"{pack.enrolment.people} people must say the same before it counts.")


def _tell_made(work: Enrolling, kind: str, persons: Sequence[int], *, json: bool) -> None:
    """What holds of these persons now."""
    pack = work.pack
    known = ruling.cases(work.said(), pack.enrolment.people)
    rows = [one for one in known.to_pylist() if one["person_id"] in persons] if kind == CASE else []
    if json:
        document({"registry": pack.name, "kind": kind, "persons": list(persons), "stands": rows})
        return
    for one in rows:
        stands = one["state"] == one["last"]
        more = "" if stands else f"; {pack.enrolment.people - one['agree']} more must say the same before it counts"
        say(f"person {one['person_id']}: {one['last']} by {one['by']}{more}.")
    if kind == CONSENT:
        say(f"kept of {len(persons)}. It holds from the next build of the registry on.")


def _history(work: Enrolling, persons: Sequence[int], *, json: bool) -> None:
    said = [one for one in work.said() if not persons or one.person in persons]
    rows = [
        {
            "number": one.number, "person_id": one.person, "kind": one.kind, "answer": one.answer, "day": one.day,
            "of": one.of, "author": one.author, "at": one.at, "reason": one.reason, "taken_back": one.taken_back,
        }
        for one in said
    ]  # fmt: skip
    if json:
        document({"registry": work.pack.name, "rulings": rows})
        return
    heads = ("number", "person_id", "kind", "answer", "day", "of", "author", "at", "reason", "taken_back")
    table(f"What was said for {work.pack.name}", heads, [tuple(one.values()) for one in rows])


def _visits(work: Enrolling, on: date | None, state: str, *, limit: int, json: bool) -> None:
    found, day = work.visits(on)
    rows = found.to_pylist()
    counts: dict[str, dict[str, int]] = {}
    for one in rows:
        by_state = counts.setdefault(one["visit"], {})
        by_state[one["state"]] = by_state.get(one["state"], 0) + 1
    rows = sorted((one for one in rows if one["state"] == state), key=lambda one: -(one["days_over"] or 0))
    if json:
        document({"registry": work.pack.name, "on": day, "counts": counts, "visits": rows[:limit]})
        return
    states = ("done", "due", "overdue", "missed", "ended", "coming")
    shown = [(name, *(by_state.get(one, 0) for one in states)) for name, by_state in counts.items()]
    table(f"Visits of {work.pack.name} as of {day}", ("visit", *states), shown)
    table(f"{state.capitalize()}, the longest first", OVERDUE, [tuple(one[n] for n in OVERDUE) for one in rows[:limit]])
