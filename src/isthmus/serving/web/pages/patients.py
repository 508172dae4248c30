"""Patients under a grant: the persons it holds, and one person's events over time.

Each view is a question to the gate, which logs it before a row leaves: persons are pseudonyms of the use of the grant,
days are moved as it says. There is no way here around a grant, also where patients are invented.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from isthmus.base.errors import RefusedError
from isthmus.gate.committee.application import Grant
from isthmus.gate.desk import Desk
from isthmus.gate.grade.keys import FORM, Keys
from isthmus.gate.office.attended import TEXT, attended_at_desk
from isthmus.gate.office.session import Granted
from isthmus.research.cohorts.concepts import step
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.treated import treated
from isthmus.serving.web import built, granted, patient
from isthmus.serving.web.shell import specs, timeline
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.render import purposes
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

PAGE = 50  # persons on a page
EVENTS = 60  # events that a page shows at once; files have all


def mine(told: Asked) -> View:
    """The grants under which whoever asks may look at patients."""
    w, summaries = told.w, granted.summaries(told)
    rows = [
        {"grant": short(one.id), "address": f"/patients/{short(one.id)}", "called": summaries.get(one.id, ""),
         "kinds": purposes(one.kinds, w), "sites": sorted(one.open_sites),
         "holds": [w(f"kind.{kind.kind}") for kind in patient.shown(one)], "until": one.until}
        for one in granted.in_force(told) if "person_id" in patient.held(one, "person")
    ]  # fmt: skip
    table = Table("grants", (
        Column("grant", note="called", link="address"), Column("kinds"), Column("sites", "list"),
        Column("holds", "list"), Column("until", "day"),
    ), rows, Source(w("grants.says"), None, len(rows)), empty="grants.none")  # fmt: skip
    return View(w("title"), w("lead"), (table,), {"grants": rows})


def people(told: Asked) -> View:
    """A page of the persons of a grant, in the order of their pseudonyms."""
    w, grant, session = told.w, *_opened(told)
    after = told.query.get("after", "")
    if after and not FORM.fullmatch(after):
        raise Missing(w("person.missing"))
    found = session.sql(patient.people(grant, PAGE + 1, after)).to_pylist()
    more = len(found) > PAGE
    name, held = short(told.path["grant"]), patient.shown(grant)
    rows = [{**row, "sex": _sex(told, row["sex"]), "address": _address(told, name, row["person_id"])}
            for row in found[:PAGE]]  # fmt: skip
    columns = [Column("person_id", "code", link="address"), Column("sex"), Column("born"),
               *(Column(one.kind, "tally") for one in held), Column("first", "day"), Column("last", "day")]  # fmt: skip
    table = Table("patients", columns, rows, _source(told, session, w("people.says")), empty="people.none")
    values = {"grant": name, "told": _terms(told, grant), "next": rows[-1]["person_id"] if more else "",
              "whole": not more and not after, "kinds": _purposes(grant),
              "purpose": told.query.get("purpose", "")}  # fmt: skip
    return View(w("people", grant=name), w("people.lead"), (table,), values, _crumbs(told, name))


def one(told: Asked) -> View:
    """One person's events, as a picture and as a table; `kind` shows those of one kind."""
    w, grant, session = told.w, *_opened(told)
    person, name = told.path["person"], short(told.path["grant"])
    if not FORM.fullmatch(person):
        raise Missing(w("person.missing"), {w("people", grant=name): f"/patients/{name}"})
    taken = attended_at_desk(session, person, patient.columns(grant), _work(told, grant, person), _text(told, grant))
    found = taken["events"].to_pylist()
    if not found:
        raise Missing(w("person.missing"), {w("people", grant=name): f"/patients/{name}"})
    itself = [row for row in found if row["kind"] == "person"]
    rows = [{**row, "called": row["called"] or w("unmapped")} for row in found if row["kind"] != "person"]
    rows += _lines(told, taken)
    rows.sort(key=lambda row: (row["day"] is None, row["day"]))
    counts = timeline.counted(rows)
    wanted = told.query.get("kind", "")
    shown = [{**row, "what": w(f"one.{row['kind']}")} for row in rows if wanted in ("", row["kind"])]
    columns = (Column("day", "day"), Column("called"), Column("value", "value"), Column("unit"), Column("result"),
               Column("what"), Column("until", "day"), Column("site"))  # fmt: skip
    table = Table("events", columns, shown, _source(told, session, w("events.says")), most=EVENTS, empty="events.none")
    values = {
        "person": person, "grant": name, "told": _terms(told, grant), "counts": counts, "wanted": wanted,
        "about": _about(told, itself, rows), "purpose": told.query.get("purpose", ""),
        "picture": timeline.drawn(shown, w, w("picture.label", n=f"{len(shown):,}")),
        "packs": [(key, pack.titles.get(told.visitor.language) or key) for key, pack in _with_lines(told).items()],
        "pack": _pack(told), "lacking": [w(f"kind.{each.kind}") for each in patient.kinds()
        if each not in patient.shown(grant)],
    }  # fmt: skip
    drawn = Chart("timeline", "events", w("one", person=person[:8]), specs.timeline())
    crumbs = (*_crumbs(told, name)[:-1], (name, _address(told, name)), (f"{person[:8]}…", ""))
    return View(w("one", person=person[:8]), w("one.lead"), (table,), values, crumbs, charts=(drawn,))


NOTHING = "SELECT 1 AS kind"  # what is asked where there is no grant, so that the refusal is the gate's, and logged


def _opened(told: Asked) -> tuple[Grant, Granted]:
    """The grant of the address and a session under it. Raises RefusedError, as the gate says it, for all others."""
    name = told.path["grant"]
    grant = next((one for one in granted.in_force(told) if short(one.id) == name), None)
    session = granted.session(told, name, kind=told.query.get("purpose", ""), edition=told.pinned)
    if grant is None:
        session.sql(NOTHING)
        raise RefusedError("this grant is not one of yours that is in force. Your grants are listed under Patients.")
    return grant, session


def _work(told: Asked, grant: Grant, person: str) -> Callable[[Desk], dict[str, pa.Table]]:
    """What is made of a person's rows: events, and treatment lines where the grant holds drugs."""
    pack = _telling(told, grant)

    def work(desk: Desk) -> dict[str, pa.Table]:
        made = {"events": desk.take(step(patient.events(grant)))}
        return made if pack is None else made | {"lines": treated(desk, pack, Keys.number(person))}

    return work


def _text(told: Asked, grant: Grant) -> str:
    """What is asked, in words."""
    pack = _telling(told, grant)
    return TEXT if pack is None else f"{TEXT}, and treatment lines by the rules of {pack.name}"


def _telling(told: Asked, grant: Grant) -> Pack | None:
    """The registry by whose rules lines are told; None where the grant does not hold drugs."""
    holds = any(one.kind == "drug" for one in patient.shown(grant))
    return _with_lines(told).get(_pack(told)) if holds else None


def _lines(told: Asked, taken: Mapping[str, pa.Table]) -> list[dict[str, Any]]:
    """The treatment lines of a person as rows beside the events."""
    if "lines" not in taken:
        return []
    pack, language = _with_lines(told)[_pack(told)], told.visitor.language
    return [
        {"kind": "line", "day": row["start_date"], "until": row["end_date"], "value": None, "unit": None,
         "called": f"{row['line']} · {_regimen(pack, row, language)}", "result": None, "site": None}
        for row in taken["lines"].to_pylist()
    ]  # fmt: skip


def _regimen(pack: Pack, row: Mapping[str, Any], language: str) -> str:
    """What people call a regimen: by its name, else by its drugs."""
    named = {one.name: one.names.get(language) or one.name for one in pack.regimens}
    if row["regimen"] in named:
        return named[row["regimen"]]
    assert pack.lines is not None  # or there is no line
    codes = {one.code: one.names.get(language) or one.code for one in pack.lists[pack.items[pack.lines.item].list]}
    return " + ".join(codes.get(one.strip(), one.strip()) for one in str(row["regimen"]).split("+"))


def _with_lines(told: Asked) -> Mapping[str, Pack]:
    return {name: pack for name, pack in built.packs(told.house).items() if pack.lines is not None}


def _pack(told: Asked) -> str:
    """The registry by whose rules lines are told: as asked, else the first; '' where none has rules."""
    packs = _with_lines(told)
    asked = told.query.get("registry", "")
    return asked if asked in packs else "liver" if "liver" in packs else next(iter(packs), "")


def _about(
    told: Asked, itself: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> list[tuple[str, str]]:
    w = told.w
    days = sorted(row["day"] for row in rows if row["day"] is not None)
    facts = {"sex": next((_sex(told, row["called"]) for row in itself if row["called"]), None),
             "born": next((f"{row['value']:.0f}" for row in itself if row["value"]), None),
             "first": days[0].isoformat() if days else None, "last": days[-1].isoformat() if days else None,
             "sites": ", ".join(sorted({row["site"] for row in rows if row["site"]}))}  # fmt: skip
    return [(w(f"about.{key}"), value) for key, value in facts.items() if value]


def _sex(told: Asked, concept: str | None) -> str | None:
    """What people call a sex, whose concept the vocabulary names in English."""
    return concept and told.w.name("sex", concept.lower())


def _terms(told: Asked, grant: Grant) -> list[str]:
    """What the grant does to what is shown, in words."""
    w = told.w
    said = [w("terms.purpose", kinds=purposes(grant.kinds, w), until=f"{grant.until:%Y-%m-%d}")]
    said.append(w("terms.shifted") if patient.is_shifted(grant) else w("terms.days"))
    if patient.held(grant, "person").get("year_of_birth") == "generalise":
        said.append(w("terms.born"))
    return said


def _purposes(grant: Grant) -> list[str]:
    return sorted(grant.kinds) if len(grant.kinds) > 1 else []


def _source(told: Asked, session: Granted, says: str) -> Source:
    return Source(says, session.edition.number, None, rule=told.w("rule", grant=short(told.path["grant"])))


def _crumbs(told: Asked, name: str) -> tuple[tuple[str, str], ...]:
    return ((told.w("page.patients"), "/patients"), (name, ""))


def _address(told: Asked, grant: str, person: str = "") -> str:
    """The address of a person, or of the persons of a grant, for the same purpose."""
    purpose = told.query.get("purpose", "")
    return f"/patients/{grant}" + (f"/{person}" if person else "") + (f"?purpose={purpose}" if purpose else "")


PAGES = (
    Page("patients", "/patients", mine, group="evidence", icon="me", key="t"),
    Page("patients_of", "/patients/{grant}", people, under="patients", personal=True, pinned=True),
    Page("patient", "/patients/{grant}/{person}", one, under="patients", personal=True, pinned=True),
)
