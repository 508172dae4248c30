"""The access log: who did what for which purpose; and who could use data about a person."""

from collections.abc import Sequence

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.office import people, trail
from isthmus.gate.office.trail import Line
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.refusals import translated
from isthmus.serving.web.shell.render import purposes
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

COLUMNS = (
    Column("at", "moment"), Column("person"), Column("kind", "state"), Column("act"), Column("said"),
    Column("grant", link="address"), Column("entry", "code"),
)  # fmt: skip


def view(told: Asked) -> View:
    """Everything for auditors; what was done under a grant for its people and who watches; nobody else sees acts."""
    w, account, grant = told.w, told.visitor.account, told.query.get("grant", "")
    values: dict[str, object] = {"grant": grant, "closed": "", "auditor": "auditor" in told.visitor.roles}
    listed: Sequence[Line] = ()
    try:
        if account is None:
            raise RefusedError(w("closed.name"))
        office = told.house.office
        listed = trail.under(office, grant, by=account) if grant else trail.everything(office, by=account)
    except RefusedError as refused:
        values["closed"] = str(refused)
    except InputError as wrong:
        values["closed"] = str(wrong)
    rows = [_row(told, one) for one in list(listed)[::-1]]
    table = Table("log", COLUMNS, rows, Source(w("says"), None, len(rows)), most=100, empty="none")
    return View(w("title"), w("lead"), (table,), values)


def proved(told: Asked) -> View:
    """The log held against the records, by the verifier that shares no code with what writes it."""
    if not trail.WATCHING & told.visitor.roles:
        raise RefusedError("the log is proved for auditors and who watches. Sign in as one of them.")
    count, faults = trail.proved(told.house.office)
    values = {"count": count, "faults": faults}
    return View(
        told.w("proof"), told.w("proof.lead"), (), values, ((told.w("page.log"), "/log"), (told.w("proof"), ""))
    )


def you(told: Asked) -> View:
    """What somebody may see: by their roles, and grant by grant."""
    w, account = told.w, told.visitor.account
    rows = []
    if account is not None:
        for one in told.house.cases():
            grant = one.case.grant
            if grant is not None and account.name in grant.people:
                rows.append({
                    "grant": short(grant.id), "address": f"/requests/{short(one.id)}", "summary": one.asked.summary,
                    "state": one.case.standing(told.now), "purpose": purposes(grant.kinds, w),
                    "grade": grant.grade,
                    "sites": sorted(grant.open_sites), "tables": sorted(grant.columns), "until": grant.until,
                })  # fmt: skip
    table = Table("grants", (
        Column("summary", note="grant", link="address"), Column("state", "state"), Column("purpose"), Column("tables",
        "list"),
        Column("sites", "list"), Column("grade", "tally"), Column("until", "day"),
    ), rows, Source(w("grants.says"), None), empty="grants.none")  # fmt: skip
    persons = sorted(people.persons_of(told.house.office, account)) if account else []
    opens = ["page." + name for name in ("overview", "sites", "quality", "registries", "catalogue")]
    return View(w("you"), w("you.lead"), (table,), {"persons": persons, "opens": opens, "rules": told.mask.rules})


def about(told: Asked) -> View:
    """Who used data about a person: for the patient, who speaks for them, and auditors."""
    account, w = told.visitor.demanded(), told.w
    number = told.path["person"]
    if not number.isdecimal():
        raise InputError("a person has a number, as 4711. Take it from your own page.")
    listed = trail.about(told.house.office, told.house.workspace.lake, int(number), by=account)
    rows = [_row(told, one) for one in listed[::-1]]
    shown = (Column("at", "moment"), Column("person"), Column("said"), Column("grant", "code"), Column("entry", "code"))
    table = Table("uses", shown, rows, Source(w("uses.says"), None, len(rows)), empty="uses.none")
    return View(w("about"), w("about.lead"), (table,), {}, ((w("you"), "/you"), (w("about"), "")))


def _row(told: Asked, one: Line) -> dict[str, object]:
    """A line in the language of who looks: what people wrote stays as they wrote it."""
    words = [translated(part, told.visitor.language) or part for part in one.told]
    return {"at": one.at, "person": one.person, "kind": one.kind, "act": told.w.name("act", one.act),
            "said": told.w("semicolon").join([*one.written, *words]),
            "grant": short(one.grant), "address": f"/log?grant={short(one.grant)}" if one.grant else "",
            "entry": short(one.entry)}  # fmt: skip


PAGES = (
    Page("log", "/log", view, group="governance", icon="gate", key="a"),
    Page("log_proof", "/log/proof", proved, under="log"),
    Page("you", "/you", you, under="log"),
    Page("about", "/you/uses/{person}", about, under="log"),
)
