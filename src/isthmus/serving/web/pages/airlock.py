"""The airlock: tables that ask to leave, what machine and checkers say of them, and how they leave."""

from typing import Any, cast

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.office import releases
from isthmus.gate.office.releases import Held
from isthmus.gate.release.request import Said
from isthmus.gate.release.rules import rules
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

SAID = ("approve", "change", "reject")
SEES = frozenset({"checker", "auditor", "committee", "administrator"})
"""Who sees that a table asks to leave, beside the people of its grant."""
ASKED, LEFT = "submitted", "released"


def view(told: Asked) -> View:
    """All tables that were asked for, the newest first."""
    w = told.w
    rows = [
        {"release": short(one.id), "address": f"/airlock/{short(one.id)}", "context": one.body["context"],
         "state": one.request.state, "author": one.request.author, "machine": one.body["machine"],
         "approvals": one.request.approvals(releases.NAME), "asked": one.acts[0].at}
        for one in reversed(releases.releases(told.house.office)) if _sees(told, one)
    ]  # fmt: skip
    table = Table("releases", (
        Column("context", note="release", link="address"), Column("author"), Column("machine", "state"),
        Column("approvals", "tally"), Column("state", "state"), Column("asked", "moment"),
    ), rows, Source(w("says"), None, len(rows)), most=50, empty="none")  # fmt: skip
    return View(w("title"), w("lead", sum(row["state"] == ASKED for row in rows)), (table,))


def one(told: Asked) -> View:
    """One table that asks to leave: itself, where it is from, what was found, who said what."""
    w, held = told.w, _held(told)
    body, visitor = held.body, told.visitor
    may_look = "checker" in visitor.roles or visitor.name in held.request.people
    columns = releases.read(told.house.office.root / "releases" / short(held.id) / releases.NAME) if may_look else {}
    rows = [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
    leaving = Table("table", tuple(Column(name) for name in columns), rows, Source(w("table.says"), body["edition"]))
    applied = rules(body["rules"])
    values: dict[str, Any] = {
        "held": held, "body": body, "called": short(held.id), "grant": short(held.grant), "rows": rows,
        "heads": list(columns), "may_look": may_look, "needed": applied.checkers, "done": "done" in told.query,
        "approvals": held.request.approvals(releases.NAME), "state": held.request.state,
        "said": {by: said for (_, by), said in held.request.said.items()},
        "checking": held.request.state == ASKED and _may_check(told, held),
        "leaving": held.request.state in (ASKED, LEFT) and "checker" in visitor.roles
        and held.request.approvals(releases.NAME) >= applied.checkers,
        "withdrawing": held.request.state == ASKED and visitor.name == held.request.author,
    }  # fmt: skip
    # Only what has left can be had as a file: until then a table is looked at, and no more.
    shown = (leaving,) if rows and held.request.state == LEFT else ()
    crumbs = ((w("page.airlock"), "/airlock"), (short(held.id), ""))
    return View(w("release"), body["context"], shown, values, crumbs)


def said(told: Asked) -> str:
    """What a checker says of it."""
    person, word = told.visitor.demanded(), told.form.get("said", "")
    if word not in SAID:
        raise InputError("a checker approves, asks for a change, or rejects. Choose one.")
    with told.house.acting() as office:
        held = releases.release(office, told.path["release"])
        releases.say(office, held, person, cast(Said, word), told.form.get("reason", "").strip())
    return f"/airlock/{told.path['release']}?done"


def withdrawn(told: Asked) -> str:
    """Take it back."""
    person = told.visitor.demanded()
    with told.house.acting() as office:
        releases.withdraw(office, releases.release(office, told.path["release"]), person)
    return f"/airlock/{told.path['release']}?done"


def left(told: Asked) -> str:
    """Let it leave: it is held against what has left meanwhile, logged, and written with its manifest."""
    person, house = told.visitor.demanded(), told.house
    with house.acting() as office:
        held = releases.release(office, told.path["release"])
        digest = house.workspace.lake.editions.get(int(held.body["edition"])).digest
        out = office.root / "releases" / short(held.id) / "left"
        if held.request.state == LEFT and out.exists():
            raise RefusedError("it has left already. Its people take its file from this page.")
        releases.deliver(office, held, person, out, digest)
    return f"/airlock/{told.path['release']}?done"


def _held(told: Asked) -> Held:
    try:
        held = releases.release(told.house.office, told.path["release"])
    except InputError:
        raise Missing(told.w("missing"), {told.w("page.airlock"): "/airlock"}) from None
    if not _sees(told, held):
        raise RefusedError(
            "this release is shown to checkers, to who watches, and to the people of its grant. Sign in."
        )
    return held


def _sees(told: Asked, held: Held) -> bool:
    return bool(SEES & told.visitor.roles) or told.visitor.name in held.request.people


def _may_check(told: Asked, held: Held) -> bool:
    visitor = told.visitor
    spoken = {by for _, by in held.request.said}
    return "checker" in visitor.roles and visitor.name not in held.request.people | spoken


PAGES = (
    Page("airlock", "/airlock", view, group="governance", icon="release", key="x"),
    Page("release", "/airlock/{release}", one, under="airlock",
         acts={"say": said, "withdraw": withdrawn, "leave": left}),
)  # fmt: skip
