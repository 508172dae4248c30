"""The vocabulary work list: codes without a concept, those first that mend most rows; one key decides one."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from urllib.parse import urlencode

from isthmus.base.errors import InputError, RefusedError
from isthmus.flow.worklist.automatic import asked
from isthmus.flow.worklist.decide import choice, decide, demand_concepts
from isthmus.flow.worklist.items import Item
from isthmus.flow.worklist.mappers import SHOWN, Candidate, mappers
from isthmus.records.models import Account
from isthmus.serving.web import counted
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.render import number
from isthmus.serving.web.shell.table import Column, Source, Table

EVERYWHERE = frozenset({"platform", "administrator"})
"""Who decides for all sites; a steward does for the sites that are the account's."""
AHEAD = 40  # codes that candidates are looked up for at once: one costs little less
NONE = "none"


def view(told: Asked) -> View:
    """All open codes."""
    w, found = told.w, counted.open_codes(told.house)
    rows = [
        {"wording": each.wording, "address": _address(each), "code": each.code, "system": each.system,
         "place": f"{each.table}.{each.column}", "rows": each.rows, "sites": each.sites}
        for each in found
    ]  # fmt: skip
    table = Table("codes", (
        Column("wording", link="address"), Column("code", "code"), Column("system"), Column("place", "code"),
        Column("rows", "count"), Column("sites", "list"),
    ), rows, Source(w("says"), told.house.edition), most=50, empty="none")  # fmt: skip
    waiting = sum(each.rows for each in found)
    values = {"first": _address(found[0]) if found else ""}
    return View(w("title"), w("lead", len(found), rows=number(told.mask.count(waiting))), (table,), values)


def one(told: Asked) -> View:
    """One open code: what it stands for, where, and the concepts that it may mean."""
    w, found = told.w, counted.open_codes(told.house)
    at = _place(found, told.query)
    if at is None:
        raise Missing(w("missing"), {w("page.codes"): "/codes"})
    item, text = found[at], told.query.get("q", "").strip()
    shown = _searched(told.house, item, text) if text else _proposed(told.house, found, at)
    table = Table("candidates", (
        Column("name"), Column("concept", "code"), Column("vocabulary"), Column("sure"), Column("evidence"),
    ), [
        {"name": each.name, "concept": each.concept_id, "vocabulary": f"{each.vocabulary} {each.code}",
         "sure": each.told, "evidence": each.evidence, "near": each.near}
        for each in shown
    ], Source(w("candidates.says"), told.house.edition), empty="candidates.none")  # fmt: skip
    values = {
        "item": item, "at": at + 1, "whole": len(found), "text": text, "done": told.query.get("done", ""),
        "next": _address(found[(at + 1) % len(found)]),
        "scopes": _scopes(told.visitor.account, item),
    }  # fmt: skip
    crumbs = ((w("page.codes"), "/codes"), (item.wording, ""))
    return View(
        item.wording,
        w("item.lead", rows=number(told.mask.count(item.rows)), sites=", ".join(item.sites)),
        (table,),
        values,
        crumbs,
    )


def chosen(told: Asked) -> str:
    """Decide what a code means, and go on to the next."""
    person, form = told.visitor.demanded(), told.form
    found = counted.open_codes(told.house)
    at = _place(found, form)
    if at is None:
        raise InputError("this code is not open any more. Somebody has decided it; go on to the next.")
    item, site = found[at], form.get("site", "")
    if site not in _scopes(person, item):
        raise RefusedError(
            "a decision for all sites is made by the platform or an administrator, one for a site by its steward. "
            "Choose a site that you speak for."
        )
    wanted = form.get("concept", "")
    if wanted != NONE and not (wanted.isascii() and wanted.isdecimal()):
        raise InputError("a decision names a concept by its number, or none. Choose one of the candidates.")
    concepts = [] if wanted == NONE else [int(wanted)]
    known: Sequence[Candidate] = told.house.memory.known(_key(told.house, item)) or ()
    model = next((each.mapper for each in known if [each.concept_id] == concepts), "")
    made = choice(item, concepts, reason=form.get("reason", "").strip(), model=model)
    if concepts:
        with mappers(told.house.workspace) as bench:
            demand_concepts([made], bench.concepts(concepts), [item])
    (kept,) = decide(told.house.workspace, [made], author=person.name, site=site)
    if len(found) == 1:
        return "/codes"
    return f"{_address(found[(at + 1) % len(found)])}&done={kept.decision_id}"


def undone(told: Asked) -> str:
    """Take back the decision that was made just now, by whoever made it."""
    person, number = told.visitor.demanded(), told.form.get("decision", "")
    made = told.house.workspace.decisions.some([int(number)] if number.isdecimal() else [])
    if not made or next(iter(made.values())).author != person.name:
        raise RefusedError("a decision is taken back here by whoever made it. Look at `isthmus decisions`.")
    (decision,) = made.values()
    told.house.workspace.decisions.revoke(decision.decision_id, author=person.name, reason="undone in review")
    return f"/codes/one?{urlencode({'system': decision.subject, 'code': decision.key})}"


def _scopes(account: Account | None, item: Item) -> list[str]:
    """For which sites an account may decide about a code; '' is for all."""
    if account is None:
        return []
    everywhere = [""] if EVERYWHERE & set(account.roles) else []
    return everywhere + sorted(set(account.sites) & set(item.sites) if "steward" in account.roles else ())


def _address(item: Item) -> str:
    return f"/codes/one?{urlencode({'system': item.system, 'code': item.code})}"


def _place(found: Sequence[Item], named: Mapping[str, str]) -> int | None:
    wanted = (named.get("system", ""), named.get("code", ""))
    return next((at for at, each in enumerate(found) if (each.system, each.code) == wanted), None)


def _proposed(house: House, found: Sequence[Item], at: int) -> Sequence[Candidate]:
    """What mappers propose for a code; looked up together with the codes behind it."""
    kept = house.memory.known(_key(house, found[at]))
    if kept is None:
        _look_up(house, [each for each in found[at : at + AHEAD] if house.memory.known(_key(house, each)) is None])
        kept = house.memory.known(_key(house, found[at]))
    return kept or ()


def _look_up(house: House, wanted: Iterable[Item]) -> None:
    items = list(wanted)
    with mappers(house.workspace) as bench:
        for item, candidates in zip(items, bench.candidates([asked(each) for each in items]), strict=True):
            house.memory.once(_key(house, item), partial(tuple, candidates))


def _key(house: House, item: Item) -> tuple[object, ...]:
    return ("candidates", house.edition, item.system, item.code)


def _searched(house: House, item: Item, text: str) -> Sequence[Candidate]:
    with mappers(house.workspace) as bench:
        return bench.search(text, asked(item).domains)[:SHOWN]


PAGES = (
    Page("codes", "/codes", view, group="data", icon="code", key="v", steady=True),
    Page("code", "/codes/one", one, under="codes", acts={"choose": chosen, "undo": undone}),
)
