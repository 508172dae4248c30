"""The airlock: what is to leave, what the machine said of it, and what checkers say."""

from typing import Any, cast, get_args

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.office import releases
from isthmus.gate.office.releases import Held
from isthmus.gate.release.request import Said
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

CELLS = 200
SEES = frozenset({"checker", "auditor", "committee", "administrator"})


def view(told: Asked) -> View:
    """The releases, for who checks and watches, and for the people of their grants."""
    w = told.w
    found = [one for one in releases.releases(told.house.office) if _may(told, one)][::-1]
    rows = [
        {"release": short(one.id), "address": f"/airlock/{short(one.id)}", "context": one.body["context"],
         "state": one.request.state,
         "machine": one.body["machine"], "grant": short(one.grant), "by": one.acts[0].person, "at": one.acts[0].at}
        for one in found
    ]  # fmt: skip
    table = Table("releases", (
        Column("context", note="release", link="address"), Column("state", "state"), Column("machine", "state"),
        Column("by"), Column("at", "moment"), Column("grant", "code"),
    ), rows, Source(w("says"), None), most=50, empty="none")  # fmt: skip
    return View(w("title"), w("lead"), (table,), {"signed": told.visitor.account is not None})


def _may(told: Asked, one: Held) -> bool:
    return bool(SEES & told.visitor.roles) or (told.visitor.name != "" and told.visitor.name in one.body["people"])


def _held(told: Asked) -> Held:
    try:
        found = releases.release(told.house.office, told.path["release"])
    except InputError:
        raise Missing(told.w("missing"), {told.w("page.airlock"): "/airlock"}) from None
    if not _may(told, found):
        raise RefusedError("this release is shown to its checkers, to who watches, and to the people of its grant.")
    return found


def one(told: Asked) -> View:
    """One release: the cells that would leave, what the machine found, and the checkers' words."""
    found, w = _held(told), told.w
    cells = [
        {"group": "; ".join(f"{key}: {', '.join(map(str, values))}" for key, values in where.items()),
         "value": str(value)}
        for where, value in found.body["cells"]
    ]  # fmt: skip
    table = Table("cells", (Column("group"), Column("value")), cells,
                  Source(w("cells.says"), int(found.body["edition"]), rule=str(found.body["rules"])),
                  most=CELLS)  # fmt: skip
    values: dict[str, Any] = {
        "held": found, "called": short(found.id), "said": get_args(Said), "may": "checker" in told.visitor.roles
        and found.request.state not in ("released", "rejected",
        "withdrawn") and told.visitor.name not in found.body["people"],
        "done": "done" in told.query, "findings": found.body["findings"],
        "history": [{"act": act.act, "person": act.person, "at": act.at, "reason": act.body.get("reason", "")}
                    for act in found.acts],
    }  # fmt: skip
    crumbs = ((w("page.airlock"), "/airlock"), (short(found.id), ""))
    return View(str(found.body["context"]), w("one.lead", by=found.acts[0].person), (table,), values, crumbs)


def say(told: Asked) -> str:
    """What a checker says."""
    person, word = told.visitor.demanded(), told.form.get("said", "")
    if "checker" not in told.visitor.roles:
        raise RefusedError(f"{person.name} is no checker. Ask one.")
    if word not in get_args(Said):
        raise InputError(f"a checker says {', '.join(get_args(Said))}. Choose one.")
    with told.house.acting() as office:
        releases.say(office, _held(told), person, cast(Said, word), told.form.get("reason", ""))
    return f"/airlock/{told.path['release']}?done"


PAGES = (
    Page("airlock", "/airlock", view, group="governance", icon="release", key="x"),
    Page("airlock_one", "/airlock/{release}", one, under="airlock", acts={"say": say}),
)
