"""The verb about the cases of a registry: who was found, who is confirmed, who consents, whose visit is overdue."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import pyarrow as pa
import typer

from isthmus.base.errors import InputError, UsageError
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import Session, open_session
from isthmus.research.registries import cases as enrolment
from isthmus.research.registries.build import build
from isthmus.research.registries.enrolment import ruling
from isthmus.research.registries.enrolment.model import GIVEN, REFUSED, WITHDRAWN
from isthmus.research.registries.enrolment.ruling import CASE, CONFIRMED, CONSENT, DUPLICATE, REFUTED
from isthmus.research.registries.pack import Pack, load
from isthmus.research.registries.plan import plan
from isthmus.serving.cli.options import Json, Where, user
from isthmus.serving.cli.output import document, say, table
from isthmus.serving.registries import rulings

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
    json: Json = False,
) -> None:
    """Who may be a case of a registry: lists candidates with their evidence, and keeps what people say of them.

    Rules of the pack find candidates and score them. What is ruled here holds from the next build of the registry on;
    whoever refuses or withdraws is in none of its tables any more. Nothing is overwritten: `history` tells all.
    """
    opened = Workspace(workspace)
    read = load(pack, [opened.root / "registries"])
    session = open_session(opened.lake, synthetic=opened.synthetic)
    asked = list(persons or ())
    if act in ACTS:
        kind, answer = ACTS[act]
        _demand(act, asked, reason, of)
        _demand_known(session, [*asked, *([of] if of is not None else [])])
        made = rulings.say(
            opened, read.name, kind, asked, answer, author=author or user(), reason=reason, day=_day(day), of=of
        )
        _tell_made(opened, read, made[0].kind, asked, json=json)
    elif act == "list":
        _list(opened, session, read, state, limit, json=json)
    elif act == "history":
        _history(opened, read, asked, json=json)
    elif act == "visits":
        _visits(opened, session, read, _day(on), state or "overdue", limit=limit, json=json)
    else:
        raise UsageError(f"'{act}' is nothing that is done here. Write one of: {', '.join((*LOOKS, *ACTS))}.")


def _demand(act: str, persons: Sequence[int], reason: str, of: int | None) -> None:
    if not persons:
        raise UsageError(f"say whom: `isthmus cases WS PACK {act} PERSON`. `list` shows their numbers.")
    if not reason.strip():
        raise UsageError("a ruling needs a reason. Add --reason TEXT: what was looked at, or the form that says so.")
    if (act == "duplicate") != (of is not None) or of in persons:
        raise UsageError("a duplicate is one of somebody else: `duplicate PERSON --of OTHER`; no other act has --of.")


def _demand_known(session: Session, persons: Sequence[int]) -> None:
    person = QUESTIONS["person"]
    found = session.ask(person.filter(person.person_id.isin(list(persons))).select(person.person_id))
    missing = set(persons) - set(found.column("person_id").to_pylist())
    if missing:
        raise InputError(f"the edition has no person {min(missing)}. `isthmus cases WS PACK list` shows numbers.")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f"'{text}' is no day. Write it as 2026-11-28.") from None


def _candidates(opened: Workspace, session: Session, pack: Pack) -> tuple[dict[str, int], pa.Table, pa.Table]:
    """The counts, the queue, and the evidence."""
    with session.desk() as desk:
        made = plan(pack)
        found = enrolment.found(desk, pack)
        for name, rows in made.tables.items():
            desk.lay(name, rows)
        enrolled = enrolment.enrol(desk, made, found, rulings.rulings(opened, pack.name))
        return enrolled.counts, *enrolment.queue(desk)


def _list(opened: Workspace, session: Session, pack: Pack, state: str, limit: int, *, json: bool) -> None:
    counts, listed, evidence = _candidates(opened, session, pack)
    rows = [one for one in listed.to_pylist() if not state or one["state"] == state]
    if json:
        by_person: dict[int, list[dict[str, Any]]] = {}
        for one in evidence.to_pylist():
            by_person.setdefault(one.pop("person_id"), []).append(one)
        shown = [one | {"evidence": by_person.get(one["person_id"], [])} for one in rows[:limit]]
        document({"registry": pack.name, "edition": session.edition.number, "counts": counts, "candidates": shown})
        return
    table(f"{pack.titles.get('en') or pack.name}, edition {session.edition.number}", ("state", "persons"),
          list(counts.items()))  # fmt: skip
    order = {"candidate": 0, "found": 1}
    rows.sort(key=lambda one: order.get(one["state"], 2))
    table("Candidates, those who wait first", LISTED, [tuple(one[name] for name in LISTED) for one in rows[:limit]])
    if pack.enrolment.people > 1:
        say(f"{pack.enrolment.people} people must say the same before it counts.")


def _tell_made(opened: Workspace, pack: Pack, kind: str, persons: Sequence[int], *, json: bool) -> None:
    """What holds of these persons now."""
    known = ruling.cases(rulings.rulings(opened, pack.name), pack.enrolment.people)
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


def _history(opened: Workspace, pack: Pack, persons: Sequence[int], *, json: bool) -> None:
    said = [one for one in rulings.rulings(opened, pack.name) if not persons or one.person in persons]
    rows = [
        {
            "number": one.number, "person_id": one.person, "kind": one.kind, "answer": one.answer, "day": one.day,
            "of": one.of, "author": one.author, "at": one.at, "reason": one.reason, "taken_back": one.taken_back,
        }
        for one in said
    ]  # fmt: skip
    if json:
        document({"registry": pack.name, "rulings": rows})
        return
    heads = ("number", "person_id", "kind", "answer", "day", "of", "author", "at", "reason", "taken_back")
    table(f"What was said for {pack.name}", heads, [tuple(one.values()) for one in rows])


def _visits(
    opened: Workspace, session: Session, pack: Pack, on: date | None, state: str, *, limit: int, json: bool
) -> None:  # fmt: skip
    if not pack.enrolment.visits:
        raise InputError(f"the registry {pack.name} asks for no visits. Write them into enrolment.yaml of the pack.")
    pieces: list[pa.Table] = []
    with session.desk() as desk:
        built = build(
            desk, pack, lambda name, rows: pieces.append(rows) if name == "visit_due" else None,
            rulings=rulings.rulings(opened, pack.name), on=on,
        )  # fmt: skip
    rows = pa.concat_tables(pieces).to_pylist() if pieces else []
    counts: dict[str, dict[str, int]] = {}
    for one in rows:
        by_state = counts.setdefault(one["visit"], {})
        by_state[one["state"]] = by_state.get(one["state"], 0) + 1
    rows = sorted((one for one in rows if one["state"] == state), key=lambda one: -(one["days_over"] or 0))
    if json:
        document({"registry": pack.name, "on": built.on, "counts": counts, "visits": rows[:limit]})
        return
    states = ("done", "due", "overdue", "missed", "ended", "coming")
    shown = [(name, *(by_state.get(one, 0) for one in states)) for name, by_state in counts.items()]
    table(f"Visits of {pack.name} as of {built.on}", ("visit", *states), shown)
    table(f"{state.capitalize()}, the longest first", OVERDUE, [tuple(one[n] for n in OVERDUE) for one in rows[:limit]])
