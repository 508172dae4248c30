"""Administration: accounts with their roles, and applications that are installed."""

from typing import Any

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.committee.event import ROLES
from isthmus.gate.office import people
from isthmus.records.owed import Owing
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table

MOST = 50  # accounts on a page, and lines of what waits
WHY = frozenset({"FailedError", "SlowError", "GoneError", "RefusedError", "InputError"})
"""Classes of errors of which the page says more than that it failed."""


def view(told: Asked) -> View:
    """The accounts, for administrators."""
    w, house = told.w, told.house
    ended = people.disabled(house.office)
    rows = [
        {"name": one.name, "roles": [told.w.name("role", role) for role in one.roles], "sites": list(one.sites),
         "state": "revoked" if one.actor in ended else "active", "made": one.made_at,
         "second": "yes" if one.second else "no"}
        for one in house.office.accounts.all()
    ]  # fmt: skip
    table = Table("accounts", (Column("name"), Column("roles", "list"), Column("sites", "list"), Column("state",
        "state"),
                               Column("second", "state"), Column("made", "day")), rows, Source(w("says"),
                               None), most=MOST)  # fmt: skip
    tables = (table, _waiting(told))
    values = {"roles": sorted(ROLES - people.OF_PERSONS), "known": [site.name for site in house.workspace.sites()],
              "done": "done" in told.query, "shortest": people.SHORTEST}  # fmt: skip
    return View(w("title"), w("lead", len(rows)), tables, values)


def _waiting(told: Asked) -> Table:
    """What applications were not told of yet: since when, how often it was tried, and why it failed."""
    w, house = told.w, told.house
    rows = [
        {"app": one.app, "hook": w.name("hook", one.hook), "events": one.events, "since": one.since, "tries": one.tries,
         "state": "given_up" if one.lost else "waits", "due": one.due, "place": one.place,
         "why": w(f"why.{one.kind if one.kind in WHY else 'other'}") if one.kind else w("why.none")}
        for one in Owing(house.workspace.records, "").waiting()
    ]  # fmt: skip
    columns = (
        Column("app"), Column("hook"), Column("events", "tally"), Column("since", "moment"), Column("tries", "tally"),
        Column("state", "state"), Column("due", "moment"), Column("why", note="place"),
    )  # fmt: skip
    return Table("waiting", columns, rows, Source(w("waiting.says"), None), most=MOST, empty="waiting.none")


def add(told: Asked) -> str:
    """Add an account with a password."""
    person, form = _administrator(told), told.form
    roles, sites = list(told.listed.get("role", ())), list(told.listed.get("site", ()))
    if not form.get("password"):
        raise InputError("an account that signs in has a password. Write one, and hand it over in person.")
    with told.house.acting() as office:
        people.add(office, form.get("name", ""), roles, sites, form["password"], by=person)
    return "/administration?done"


def disable(told: Asked) -> str:
    """Let an account act no more, at once, and end its sessions."""
    person, name = _administrator(told), told.form.get("name", "")
    if name == person.name:
        raise RefusedError("nobody disables their own account. Ask another administrator.")
    with told.house.acting() as office:
        people.disable(office, name, by=person)
    told.house.sessions.end_all(name)
    return "/administration?done"


def _administrator(told: Asked) -> Any:
    person = told.visitor.demanded()
    if "administrator" not in told.visitor.roles:
        raise RefusedError(f"{person.name} is no administrator. Ask one.")
    return person


def applications(told: Asked) -> View:
    """The applications that run, with their pages."""
    w, language = told.w, told.visitor.language
    rows = []
    for name, running in sorted(told.house.manager.running().items()):
        manifest = running.package.manifest
        pages = running.gives["pages"]
        first = next(iter(pages), "")
        rows.append({
            "title": manifest.title[language], "app": name, "address": f"/apps/{name}/{first}" if first else "",
            "version": str(manifest.version), "pages": len(pages), "services": len(running.gives["services"]),
            "purpose": ", ".join(sorted(manifest.purpose)), "reads": sorted(manifest.reads),
        })  # fmt: skip
    table = Table("applications", (
        Column("title", note="app", link="address"), Column("version"), Column("purpose"), Column("reads", "list"),
        Column("pages", "tally"), Column("services", "tally"),
    ), rows, Source(w("says"), None), empty="none")  # fmt: skip
    return View(w("title"), w("lead"), (table,))


PAGES = (
    Page("applications", "/applications", applications, group="house", icon="app", key="p"),
    Page("administration", "/administration", view, group="house", icon="gear", key="m",
         roles=frozenset({"administrator"}), acts={"add": add, "disable": disable}),
)  # fmt: skip
