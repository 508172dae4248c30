"""Data requests: apply, see what an approval allows and refuses, vote, and follow a case to its grant and end."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.names import name_of
from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.event import BOUND, acts
from isthmus.gate.committee.state import POLICY
from isthmus.gate.grade.column import graded
from isthmus.gate.office import cases, written
from isthmus.gate.office.cases import File
from isthmus.gate.release.rules import rules
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.render import purposes
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

GRADES = (1, 2, 3, 4, 5)
DAYS = 366
DOING = (
    "submit",
    "match",
    "vote",
    "clear",
    "veto",
    "grant",
    "return",
    "reject",
    "withdraw",
    "shorten",
    "suspend",
    "resume",
    "revoke",
)
OFFERED = ("match", "clear", "veto", "grant", "return", "reject", "withdraw", "suspend", "resume", "revoke")
PLAIN_TABLES = ("person", "visit_occurrence", "condition_occurrence", "drug_exposure", "procedure_occurrence",
    "measurement",
                "observation", "death", "note")  # fmt: skip


def view(told: Asked) -> View:
    """All cases, and what they became."""
    w, at = told.w, now()
    found = told.house.cases()[::-1]
    rows = [
        {"case": short(one.id), "address": f"/requests/{short(one.id)}", "summary": one.asked.summary,
         "applicant": one.asked.applicant, "state": one.case.phase, "votes": len(one.case.votes),
         "sites": len(one.asked.sites), "standing": "" if one.case.standing(at) == "none" else one.case.standing(at),
         "until": (one.case.grant.until if one.case.grant else one.asked.until)}
        for one in found
    ]  # fmt: skip
    table = Table("requests", (
        Column("summary", note="case", link="address"), Column("applicant"), Column("state", "state"), Column("votes",
        "tally"),
        Column("sites", "tally"), Column("standing", "state"), Column("until", "day"),
    ), rows, Source(w("says"), None, len(rows)), most=50, empty="none")  # fmt: skip
    waiting = sum(one.case.phase == "review" for one in found)
    return View(w("title"), w("lead", waiting), (table,), {"may": "user" in told.visitor.roles})


def case(told: Asked) -> View:
    """One case: what is asked for, what an approval allows, who decided what, and what somebody may do now."""
    one, w, visitor = _file(told), told.w, told.visitor
    asked, held = one.asked, one.case
    titles = {site.name: site.title for site in told.house.workspace.sites() if site.title != site.name}
    wanted = Table("columns", (Column("table"), Column("column", note="called"), Column("grade", "tally")), [
        {"table": table, "column": column, "called": name_of(table, column)[visitor.language],
         "grade": graded(table, column).grade}
        for table, columns in sorted(asked.columns.items()) for column in sorted(columns)
    ], Source(w("columns.says"), None))  # fmt: skip
    shown = (Column("site", note="called", link="address"), Column("answer", "state"), Column("open", "state"))
    sites = Table("sites", shown, [
        {"site": site, "called": titles.get(site, ""), "address": f"/sites/{site}",
         "answer": held.answers.get(site, "waiting"),
         "open": "vetoed" if site in held.vetoed else "cleared" if site in held.open_sites else "waiting"}
        for site in sorted(asked.sites)
    ], Source(w("sites.says"), None))  # fmt: skip
    values: dict[str, Any] = {
        "one": one, "wish": asked, "held": held, "called": short(one.id), "allowed": list(_allowed(told, one)),
        "refused": list(_refused(told, one)), "history": list(_history(told, one)), "standing": held.standing(now()),
        "quorum": POLICY.quorum, "favour": sum(held.votes.values()), "votes": dict(held.votes),
        "done": "done" in told.query,
        "voting": _may(told, one, "vote"), "offered": [act for act in OFFERED if _may(told, one, act)],
        "speaks": sorted(set(visitor.account.sites) & asked.sites) if visitor.account else [],
        "risks": list(_risks(told, one)),
        "grant": short(held.grant.id) if held.grant else "",
    }  # fmt: skip
    lead = w("case.lead", len(asked.people), applicant=asked.applicant, day=f"{one.acts[0].at:%Y-%m-%d}")
    crumbs = ((w("page.requests"), "/requests"), (short(one.id), ""))
    return View(asked.summary, lead, (wanted, sites), values, crumbs)


def _file(told: Asked) -> File:
    try:
        return cases.file(told.house.office, told.path["case"])
    except InputError:
        raise Missing(told.w("case.missing"), {told.w("page.requests"): "/requests"}) from None


def _may(told: Asked, one: File, act: str) -> bool:
    """Whether the page offers an act; the gate decides again when it is done."""
    visitor, table = told.visitor, acts()[act]
    if visitor.account is None or not table.roles & visitor.roles or one.case.phase not in table.phases:
        return False
    if table.decides and visitor.name in one.case.beneficiaries:
        return False
    if act == "vote" and visitor.name in one.case.votes:
        return False
    if act == "withdraw" and visitor.name != one.asked.applicant:
        return False
    if act in ("suspend", "resume", "revoke"):
        return one.case.standing(now()) in (("suspended",) if act == "resume" else ("active", "suspended"))
    if act in ("clear", "veto"):
        return bool(set(visitor.account.sites) & one.asked.sites) and visitor.name not in one.case.spoken
    if act in ("grant", "reject"):
        return len(one.case.votes) >= POLICY.quorum
    return True


def _allowed(told: Asked, one: File) -> Iterator[str]:
    """What an approval allows, in words made from the terms that the gate enforces."""
    w, asked = told.w, one.asked
    columns = sum(map(len, asked.columns.values()))
    yield w("allow.columns", columns, tables=len(asked.columns), grade=asked.grade)
    yield w("allow.sites", len(one.case.open_sites or asked.sites))
    yield w("allow.people", len(asked.people), people=", ".join(sorted(asked.people)))
    yield w("allow.purpose", kinds=purposes(asked.purpose.kinds, w), until=f"{asked.until:%Y-%m-%d}")


def _refused(told: Asked, one: File) -> Iterator[str]:
    """What the gate refuses all the same."""
    w, asked, applied = told.w, one.asked, rules(one.asked.release)
    yield w("refuse.columns", tables=len([name for name in TABLES if name not in asked.columns]))
    yield w("refuse.grade", grade=asked.grade)
    yield w("refuse.small", hide=applied.hide, base=applied.base)
    yield w("refuse.release", checkers=applied.checkers)
    yield w("refuse.until", until=f"{asked.until:%Y-%m-%d}")


def _risks(told: Asked, one: File) -> Iterator[dict[str, str]]:
    """What a member of the committee looks at, from the application and the conditions."""
    w, asked = told.w, one.asked
    high = [f"{table}.{column}" for table, columns in asked.columns.items() for column in columns
            if graded(table, column).grade > asked.grade]  # fmt: skip
    keys = [f"{table}.{column}" for table, columns in asked.columns.items() for column in columns
            if graded(table, column).grade >= 4]  # fmt: skip
    yield {"state": "care" if high else "good", "text": w("risk.grade"),
           "note": w("risk.grade.some", len(high),
           first=", ".join(sorted(high)[:3])) if high else w("risk.grade.none")}  # fmt: skip
    yield {"state": "care" if keys else "good", "text": w("risk.sensitive"),
           "note": ", ".join(sorted(keys)[:4]) if keys else w("risk.sensitive.none")}  # fmt: skip
    persons = sorted(site for site, answer in one.case.answers.items() if answer == "person")
    no = sorted(site for site, answer in one.case.answers.items() if answer == "no")
    yield {"state": "care" if persons or no else "good" if one.case.answers else "waiting",
        "text": w("risk.conditions"),
           "note": w("risk.conditions.some", persons=", ".join(persons) or "–", no=", ".join(no) or "–")}  # fmt: skip
    ethics = asked.purpose.ethics
    yield {"state": "good" if ethics else "care", "text": w("risk.ethics"), "note": ethics or w("risk.ethics.none")}


def _history(told: Asked, one: File) -> Iterator[dict[str, Any]]:
    for act in one.acts:
        favour = act.body.get("favour")
        text = told.w.name("act", f"{act.act}.{'yes' if favour else 'no'}" if act.act == "vote" else act.act)
        yield {"text": text, "at": act.at, "person": act.person, "reason": act.body.get("reason", ""),
               "tone": "bad" if act.act in ("veto", "reject", "revoke", "suspend") else "",
               "entry": short(act.entry)}  # fmt: skip


def done(act: str) -> Any:
    """The form of an act in a case."""

    def do(told: Asked) -> str:
        person, form = told.visitor.demanded(), told.form
        body: dict[str, Any] = {"reason": form.get("reason", "")}
        if act == "vote":
            if form.get("favour") not in ("yes", "no"):
                raise InputError("a vote is in favour or against. Choose one.")
            body["favour"] = form["favour"] == "yes"
        if act in ("clear", "veto", "suspend", "resume", "revoke"):
            body["sites"] = sorted(told.listed.get("site", ()))
        with told.house.acting() as office:
            held = cases.file(office, told.path["case"])
            if act == "match":
                body |= _compared(told, held)
            cases.do(office, held, person, act, body, role=_role(told, act))
        return f"/requests/{told.path['case']}?done"

    return do


def _role(told: Asked, act: str) -> str:
    """The role in which somebody acts: one that speaks for no site first, unless the act needs one that does."""
    fitting = sorted(told.visitor.roles & acts()[act].roles, key=lambda role: role in BOUND)
    return fitting[0] if fitting else ""


def _compared(told: Asked, held: File) -> Mapping[str, Any]:
    stated = {site.name: written.conditions(site.name, site.conditions) for site in told.house.workspace.sites()}
    return {"answers": {site: one.answer for site, one in cases.answers(held, stated).items()}}


def new(told: Asked) -> View:
    """The form of an application: who, what for, which columns at which sites, until when."""
    w, language = told.w, told.visitor.language
    tables = [
        {"name": table, "called": name_of(table)[language], "columns": [
            {"name": column.name, "called": name_of(table, column.name)[language], "grade": graded(table,
             column.name).grade}
            for column in TABLES[table].columns]}
        for table in PLAIN_TABLES
    ]  # fmt: skip
    values = {"shown": tables, "sites": told.house.workspace.sites(), "kinds": ("HMB", "DS", "CC", "MDS", "GRU", "POA"),
              "until": f"{now() + timedelta(days=180):%Y-%m-%d}", "latest": f"{now() + timedelta(days=DAYS):%Y-%m-%d}",
              "grades": GRADES, "may": "user" in told.visitor.roles}  # fmt: skip
    return View(w("new"), w("new.lead"), (), values, ((w("page.requests"), "/requests"), (w("new"), "")))


def apply(told: Asked) -> str:
    """Hand in an application."""
    person, form = told.visitor.demanded(), told.form
    if "user" not in told.visitor.roles:
        raise RefusedError(
            f"{person.name} is no researcher. Applications are handed in by accounts with the role user."
        )
    tables: dict[str, list[str]] = {}
    for one in told.listed.get("column", ()):
        table, _, column = one.partition(".")
        tables.setdefault(table, []).append(column)
    people = [one.strip() for one in form.get("people", "").split("\n") if one.strip()]
    body: dict[str, Any] = {
        "summary": form.get("summary", "").strip(), "people": people, "sites": sorted(told.listed.get("site", ())),
        "purpose": {"kinds": sorted(told.listed.get("kind", ())), "ethics": form.get("ethics", "").strip()},
        "tables": tables, "until": form.get("until", ""), "release": "default",
        "grade": int(form["grade"]) if form.get("grade", "").isdecimal() else 3,
    }  # fmt: skip
    unknown = set(body["sites"]) - {site.name for site in told.house.workspace.sites()}
    if unknown:
        raise InputError(f"there is no site '{min(unknown)}' here. Choose among those of the form.")
    with told.house.acting() as office:
        name = cases.apply(office, person, body)
    return f"/requests/{short(name)}?done"


PAGES = (
    Page("requests", "/requests", view, group="governance", icon="vote", key="r", steady=True),
    Page("request_new", "/requests/new", new, under="requests", acts={"apply": apply}),
    Page(
        "request", "/requests/{case}", case, under="requests", acts={act: done(act) for act in DOING if act != "submit"}
    ),
)
