"""Linkage review: pairs of records that wait for a person, side by side, and a key for each answer."""

from collections.abc import Iterator, Sequence
from typing import Any

from isthmus.base.errors import InputError, RefusedError
from isthmus.flow.link import Waiting, decide, joined, waiting
from isthmus.serving.web import counted
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.render import number
from isthmus.serving.web.shell.table import Column, Source, Table

REASON = "looked at in review"
ROLES = frozenset({"platform", "administrator"})
"""Who decides that records are of one person, or of two."""


def view(told: Asked) -> View:
    """How many records and persons there are, and the pairs that wait."""
    w, house = told.w, told.house
    said = _said(house)
    found = _pairs(told) if said and house.synthetic else []
    rows = [
        {"pair": _name(each), "address": f"/linkage/{_name(each)}", "why": w.name("why", each.why),
         "probability": None if each.probability is None else round(each.probability, 3),
         "sites": [str(each.left["site"]), str(each.right["site"])], "state": "one" if each.joined else "two"}
        for each in found
    ]  # fmt: skip
    table = Table("pairs", (
        Column("pair", link="address"), Column("why"), Column("probability"), Column("sites", "list"),
        Column("state", "state"),
    ), rows, Source(w("says"), house.edition), most=50, empty="none" if said else "never")  # fmt: skip
    values = {"said": said, "first": rows[0]["address"] if rows else "", "shown": house.synthetic}
    counts = {name: number(told.mask.count(said[name])) for name in ("persons", "records")} if said else {}
    lead = w("lead", **counts) if said else w("lead.never")
    return View(w("title"), lead, (table,), values)


def pair(told: Asked) -> View:
    """One pair: what both records say, what speaks for and against, and the answers."""
    w = told.w
    _demand_invented(told.house)
    found = _pairs(told)
    at = next((number for number, each in enumerate(found) if _name(each) == told.path["pair"]), None)
    if at is None:
        raise Missing(w("missing"), {w("page.linkage"): "/linkage"})
    each = found[at]
    sides = Table("records", (Column("field"), Column("left"), Column("right"), Column("state", "state")),
                  list(_sides(told, each)), Source(w("records.says"), told.house.edition))  # fmt: skip
    steps = Table("steps", (Column("comparison"), Column("outcome"), Column("weight"), Column("total")), [
        {"comparison": one["comparison"], "outcome": one["outcome"], "weight": f"{one['weight']:+.1f}",
         "total": f"{one['total']:+.1f}", "value": float(one["weight"])}
        for one in each.steps
    ], Source(w("steps.says"), told.house.edition), empty="steps.none")  # fmt: skip
    values = {
        "one": each, "at": at + 1, "whole": len(found), "why": w.name("why", each.why), "called": _name(each),
        "next": f"/linkage/{_name(found[(at + 1) % len(found)])}", "may": bool(ROLES & told.visitor.roles),
        "most": max((abs(row["value"]) for row in steps.rows), default=1.0), "done": "done" in told.query,
        "rows": steps.rows,
    }  # fmt: skip
    lead = w("pair.lead", chance="–" if each.probability is None else f"{each.probability:.3f}")
    return View(w("pair"), lead, (sides, steps), values, ((w("page.linkage"), "/linkage"), (_name(each), "")))


def said_by(same: bool) -> Any:
    """The form of an answer: one person, or two."""

    def do(told: Asked) -> str:
        person, house = told.visitor.demanded(), told.house
        _demand_invented(house)
        if not ROLES & told.visitor.roles:
            raise RefusedError("the platform and administrators say who is one person. Ask one of them.")
        left, _, right = told.path["pair"].partition("-")
        if not (left.isdecimal() and right.isdecimal()):
            raise InputError("a pair is two record numbers with a dash between them. Go back to the list.")
        ids = (int(left), int(right))
        reason = told.form.get("reason", "").strip() or REASON
        decide(house.workspace, ids, same=same, joined=joined(house.workspace, ids), author=person.name, reason=reason)
        left_over = _pairs(told)
        return f"/linkage/{_name(left_over[0])}?done" if left_over else "/linkage"

    return do


def _demand_invented(house: House) -> None:
    """Identities of real patients are shown to whoever operates the folder, and nowhere else."""
    if not house.synthetic:
        raise RefusedError(
            "what a record says of a real patient is not shown here: identities have the highest grade, and no grant "
            "lowers it. Whoever operates the workspace reviews with `isthmus link WORKSPACE --review`."
        )


def _said(house: House) -> dict[str, Any]:
    """What the newest edition says of its linkage; nothing before the first."""
    known = counted.map_of(house)
    return dict(known.edition.body.get("linkage") or {}) if known else {}


def _pairs(told: Asked) -> Sequence[Waiting]:
    """The pairs that wait for whoever asks."""
    house, author = told.house, told.visitor.name
    key = ("pairs", house.edition, house.workspace.decisions.last(), author)
    return house.memory.once(key, lambda: waiting(house.workspace, author=author))


def _name(one: Waiting) -> str:
    return f"{one.pair[0]}-{one.pair[1]}"


def _sides(told: Asked, one: Waiting) -> Iterator[dict[str, Any]]:
    """What both records say, field by field."""
    for name in dict.fromkeys([*one.left, *one.right]):
        left, right = (str(side.get(name, "")) for side in (one.left, one.right))
        state = "same" if left == right else "missing" if not left or not right else "differs"
        yield {"field": told.w.name("field", name), "left": left, "right": right, "state": state}


PAGES = (
    Page("linkage", "/linkage", view, group="data", icon="link", key="j"),
    Page(
        "pair", "/linkage/{pair}", pair, under="linkage", personal=True,
        acts={"same": said_by(True), "apart": said_by(False)},
    ),
)  # fmt: skip
