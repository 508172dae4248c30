"""Registries: what there is, how full, what is known of outcomes, and one patient's way, for who may see it."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from isthmus.base.errors import RefusedError
from isthmus.research.registries.figures import Figure
from isthmus.research.registries.pack import Pack
from isthmus.serving.page.words import Speech
from isthmus.serving.registries.kept import Kept
from isthmus.serving.registries.report import curves
from isthmus.serving.registries.report.tables import Tables
from isthmus.serving.registries.report.write import texts
from isthmus.serving.web import built
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table

NEEDS = ("core", "wanted")
UNEVEN = 24  # items of the matrix on the page
FEW = 7


def view(told: Asked) -> View:
    """All registries that come along, with what was built of them."""
    w, language = told.w, told.visitor.language
    rows = []
    for name, pack in built.packs(told.house).items():
        kept = built.of(told.house, name)
        rows.append({
            "title": pack.titles.get(language) or name, "name": name, "address": f"/registries/{name}",
            "items": len(pack.items), "core": sum(one.need == "core" for one in pack.items.values()),
            "groups": len(pack.groups), "patients": int(kept.about["patients"]) if kept else None,
            "state": "built" if kept else "none", "version": pack.version,
        })  # fmt: skip
    table = Table("registries", (
        Column("title", note="name", link="address"), Column("state", "state"), Column("patients", "count"),
        Column("items", "tally"), Column("core", "tally"), Column("groups", "tally"), Column("version"),
    ), rows, Source(w("says"), told.house.edition))  # fmt: skip
    return View(w("title"), w("lead", len(rows)), (table,), {"faults": built.refused(told.house)})


def one(told: Asked) -> View:
    """A registry: its groups, how full its items are at each site, and the work that would fill most."""
    pack, kept, language = _pack(told), built.of(told.house, told.path["name"]), told.visitor.language
    w = told.w
    items = _dictionary(told, pack)
    values: dict[str, Any] = {
        "pack": pack, "kept": kept, "about": kept.about if kept else {}, "groups": [], "sites": [],
        "building": kept is None and ("building" in told.query or built.renewing(told.house, told.path["name"])),
        "may": told.house.synthetic,
    }  # fmt: skip
    tables: tuple[Table, ...] = (items,)
    if kept is not None:
        matrix, sites = _matrix(told, kept)
        values |= {"sites": sites, "groups": _grouped(told, pack, matrix, sites)}
        tables = (matrix, items, _work(told, kept))
    crumbs = ((w("page.registries"), "/registries"), (pack.titles.get(language) or pack.name, ""))
    return View(pack.titles.get(language) or pack.name, w("one.lead", len(pack.items), groups=len(pack.groups)),
                tables, values, crumbs)  # fmt: skip


def _pack(told: Asked) -> Pack:
    packs = built.packs(told.house)
    if told.path["name"] not in packs:
        raise Missing(told.w("missing"), {name: f"/registries/{name}" for name in packs})
    return packs[told.path["name"]]


def make(told: Asked) -> str:
    """Build a registry of the newest edition."""
    pack = _pack(told)
    if not told.house.synthetic:
        raise RefusedError("registries of real patients are built under a grant: `isthmus registry`. Apply for one.")
    built.build(told.house, pack.name)
    return f"/registries/{pack.name}?building"


def _dictionary(told: Asked, pack: Pack) -> Table:
    language = told.visitor.language
    rows = [
        {"group": pack.groups[item.group].names.get(language, item.group), "item": name,
         "called": item.names.get(language) or name, "type": item.type, "unit": item.unit, "need": item.need,
         "codes": len(pack.lists.get(item.list, ())) or None, "reference": ", ".join(item.references)[:80]}
        for name, item in pack.items.items()
    ]  # fmt: skip
    return Table("dictionary", (
        Column("called", note="item"), Column("group"), Column("type", "code"), Column("unit"), Column("codes",
        "tally"),
        Column("need", "state"), Column("reference"),
    ), rows, Source(told.w("dictionary.says"), None, len(rows)), most=40)  # fmt: skip


def _matrix(told: Asked, kept: Kept) -> tuple[Table, list[str]]:
    """How full core items are by site; those that are most uneven or emptiest first within their group."""
    rows, filled = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for row in kept.table("completeness").to_pylist():
        if row["need"] in NEEDS:
            rows[row["item"], row["site"] or ""] += row["rows"]
            filled[row["item"], row["site"] or ""] += row["filled"]
    sites = sorted({site for _, site in rows})
    made = []
    for item in dict.fromkeys(item for item, _ in rows):
        line: dict[str, Any] = {"item": item, "need": kept.pack.items[item].need}
        for site in sites:
            whole, part = rows[item, site], filled[item, site]
            line[site] = (part, whole) if whole and part else None
        whole, part = sum(rows[item, site] for site in sites), sum(filled[item, site] for site in sites)
        line["all"] = (part, whole) if whole and part else None
        made.append(line)
    source = Source(told.w("matrix.says"), int(kept.about["edition"]), int(kept.about["patients"]))
    columns = (Column("item"), Column("need"), *(Column(site, "share") for site in sites), Column("all", "share"))
    return Table("completeness", columns, made, source), sites


def _grouped(told: Asked, pack: Pack, matrix: Table, sites: Sequence[str]) -> list[dict[str, Any]]:
    """Core items that at least one site has, most uneven first, under the names of their groups."""
    shown = [row for row in matrix.masked(told.mask).rows if row["need"] == "core" and row["all"] is not None]

    def spread(row: Any) -> float:
        shares = [row[site] or 0.0 for site in sites]
        return max(shares) - min(shares)

    chosen = sorted(shown, key=spread, reverse=True)[:UNEVEN]
    language = told.visitor.language
    return [
        {"name": group.names.get(language, name), "rows": [
            {"called": pack.items[row["item"]].names.get(language) or row["item"], "item": row["item"],
             "cells": [row[site] for site in sites], "all": row["all"]}
            for row in chosen if pack.items[row["item"]].group == name]}
        for name, group in pack.groups.items() if any(pack.items[row["item"]].group == name for row in chosen)
    ]  # fmt: skip


def _work(told: Asked, kept: Kept) -> Table:
    """What would fill most: items by site with their missing patients and the likely cause."""
    language = told.visitor.language
    rows = [
        {"called": row[language] or row["item"], "item": row["item"], "site": row["site"], "missing": row["missing"],
         "share": (row["patients"] - row["missing"], row["patients"]), "cause": row["found_but"] or row["may_be"] or ""}
        for row in kept.table("worklist").to_pylist() if row["need"] == "core"
    ]  # fmt: skip
    rows.sort(key=lambda row: (not row["cause"], -row["missing"]))
    return Table("work", (Column("called", note="item"), Column("site"), Column("missing", "count"), Column("share",
        "share"),
                          Column("cause")), rows, Source(told.w("work.says"), int(kept.about["edition"])),
                          most=12)  # fmt: skip


def outcomes(told: Asked) -> View:
    """Survival by a stage or another item, with patients at risk, and what may be relied on."""
    pack, w, language = _pack(told), told.w, told.visitor.language
    kept = built.of(told.house, pack.name)
    figures = [one for one in pack.figures if one.kind == "survival"]
    crumbs = ((w("page.registries"), "/registries"), (pack.titles.get(language) or pack.name,
        f"/registries/{pack.name}"),
              (w("outcomes"), ""))  # fmt: skip
    if kept is None or not figures:
        return View(w("outcomes"), w("outcomes.none"), (), {"kept": None, "pack": pack, "figures": []}, crumbs)
    chosen = next((one for one in figures if one.name == told.query.get("by")), figures[0])
    shown = told.house.once(("curves", kept.folder, chosen.name, language), lambda: _curves(kept, chosen, language))
    table = Table("survival", (Column("group"), Column("patients", "count"), Column("events", "count"),
        Column("median"),
                               Column("three"), Column("interval")), shown["rows"],
                  Source(w("survival.says", endpoint=chosen.endpoint), int(kept.about["edition"]),
                  int(kept.about["patients"])))  # fmt: skip
    values = {
        "kept": kept, "pack": pack, "figures": [(one.name, one.names[language]) for one in figures],
        "chosen": chosen.name,
        "drawing": shown["drawing"], "rely": list(_rely(told, shown)), "who": shown["who"],
    }  # fmt: skip
    return View(chosen.names[language], w("outcomes.lead"), (table,), values, crumbs)


def _curves(kept: Kept, figure: Figure, language: Any) -> dict[str, Any]:
    speech = Speech(language, texts())
    parts = Tables(kept, speech).divided(figure.by)
    found = curves.curves(kept, figure.endpoint, parts[1:] if figure.by else parts)
    rows = []
    for one in found:
        median, three = one.curve.median(), one.at(36.0)
        rows.append({
            "group": one.name, "patients": int(one.times.size), "events": int(one.events.sum()),
            "median": f"{median:.1f}" if median is not None else "–",
            "three": f"{100 * three[0]:.0f}%" if three else "–",
            "interval": f"{100 * three[1]:.0f}–{100 * three[2]:.0f}%" if three else "",
        })  # fmt: skip
    last = np.concatenate([one.times for one in found]) if found else np.array([])
    ended = np.concatenate([one.events for one in found]) if found else np.array([], dtype=bool)
    return {
        "rows": rows, "drawing": curves.drawn(found, speech, figure.names[language]) if found else "",
        "known": int(sum(one.times.size for one in found)), "patients": int(kept.about["patients"]),
        "short": int(((last < 12) & ~ended).sum()), "events": int(ended.sum()),
        "who": [("patients", int(kept.about["patients"])), ("followed", int(sum(one.times.size for one in found))),
                ("ended", int(ended.sum()))],
    }  # fmt: skip


def _rely(told: Asked, shown: Any) -> Iterator[dict[str, str]]:
    """Whether this can be relied on, from how much is known and how long patients were followed."""
    w, known, patients = told.w, shown["known"], shown["patients"] or 1
    share = known / patients
    yield {"state": "good" if share > 0.85 else "care", "text": w("rely.known", share=f"{100 * share:.0f}%"),
           "note": w("rely.known.note", patients - known)}  # fmt: skip
    short = shown["short"] / (known or 1)
    yield {"state": "good" if short < 0.1 else "care", "text": w("rely.short", share=f"{100 * short:.0f}%"),
           "note": w("rely.short.note")}  # fmt: skip
    few = [row["group"] for row in shown["rows"] if row["events"] <= FEW]
    if few:
        yield {"state": "care", "text": w("rely.few", groups=", ".join(few)), "note": w("rely.few.note", few=FEW)}
    yield {"state": "note", "text": w("rely.plain"), "note": w("rely.plain.note")}


PAGES = (
    Page("registries", "/registries", view, group="evidence", icon="book", key="e", steady=True),
    Page("registry", "/registries/{name}", one, under="registries", acts={"build": make}),
    Page("outcomes", "/registries/{name}/outcomes", outcomes, under="registries"),
)
