"""Cohorts: their definitions in words, who each condition leaves, whom they share, and two of them beside each other.

Where patients are real, definitions are shown and nothing is counted: that is done under a grant.
"""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from isthmus.research.cohorts.definition import Cohort, Definition
from isthmus.research.cohorts.words import told as spoken
from isthmus.serving.web.grouped import Counted, counted, defined
from isthmus.serving.web.shell import specs
from isthmus.serving.web.shell.chart import Chart
from isthmus.serving.web.shell.charts import funnel
from isthmus.serving.web.shell.page import Asked, Missing, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table

STEPS = ("steps", "steps_against")  # the tables of a cohort, and of the one beside it
SHARED = ("both", "together", "one_first", "same_day", "other_first")


def view(told: Asked) -> View:
    """All cohorts of the workspace with their persons, whom every two share, and what is refused."""
    w, (found, refused) = told.w, defined(told.house)
    number = told.edition
    counts = _counts(told, found, number)
    rows = []
    for one in found:
        records, people = counts.numbers.get(one.name, (None, None)) if counts else (None, None)
        rows.append({"title": one.title or one.name, "name": one.name, "address": _address(told, one.name),
                     "people": people, "records": records, "kind": type(one).__name__.lower()})  # fmt: skip
    table = Table("cohorts", (
        Column("title", note="name", link="address"), Column("people", "count"), Column("records", "count"),
        Column("kind", "state"),
    ), rows, Source(w("says"), number), empty="none")  # fmt: skip
    tables = [table, *([_shared(told, counts, number)] if counts and counts.shared else [])]
    doubts = [str(doubt) for one in found if isinstance(one, Definition) for doubt in one.doubts]
    values = {"faults": [str(one) for one in refused], "doubts": doubts, **_state(told, found, counts)}
    return View(w("title"), w("lead", len(rows)), tables, values)


def one(told: Asked) -> View:
    """A cohort; `against` names another to lay beside it, `since` an earlier edition, `edition` the one counted."""
    w, (found, _) = told.w, defined(told.house)
    chosen, other = _named(told, found, told.path["name"]), told.query.get("against", "")
    laid = [chosen, *([_named(told, found, other)] if other and other != chosen.name else [])]
    number, since = told.edition, told.numbered("since")
    counts = _counts(told, found, number)
    before = _counts(told, found, since) if since is not None else None
    tables: list[Table] = []
    if counts and not counts.fault:
        tables = [_steps(told, name, one, counts, before, number) for name, one in zip(STEPS, laid, strict=False)]
    if counts and counts.shared:
        tables.append(_shared(told, counts, number, chosen.name))
    parts = []
    for at, cohort in enumerate(laid):
        shown = tables[at] if counts and not counts.fault else None
        parts.append({"cohort": cohort, "title": cohort.title or cohort.name, "table": shown,
                      "lines": spoken(cohort, told.visitor.language), "picture": _picture(told, shown),
                      "numbers": counts.numbers.get(cohort.name) if counts else None})  # fmt: skip
    numbers = told.house.workspace.lake.editions.numbers()
    values = {
        "parts": parts, "chosen": chosen, "beside": other, "since": since,
        "others": [(one.name, one.title or one.name) for one in found if one.name != chosen.name],
        "earlier": [one for one in reversed(numbers) if number is not None and one < number][:20],
        **_state(told, found, counts, *([] if since is None else [before])),
    }  # fmt: skip
    crumbs = ((w("page.cohorts"), "/cohorts"), (chosen.title or chosen.name, ""))
    drawn = [Chart(name, name, f"{cohort.title or cohort.name}: {w('steps')}",
                   specs.funnel("step", "left", title=w("col.left")))
             for name, cohort in zip(STEPS, laid, strict=False) if parts[0]["table"]]  # fmt: skip
    return View(chosen.title or chosen.name, w("one.lead"), tables, values, crumbs, charts=drawn)


def _named(told: Asked, found: Sequence[Cohort], name: str) -> Cohort:
    for cohort in found:
        if cohort.name == name:
            return cohort
    raise Missing(told.w("missing"), {one.name: f"/cohorts/{one.name}" for one in found})


def _address(told: Asked, name: str) -> str:
    return f"/cohorts/{name}" + (f"?edition={told.pinned}" if told.pinned is not None else "")


def _counts(told: Asked, found: Sequence[Cohort], number: int | None) -> Counted | None:
    if not found or number is None or not told.house.synthetic:
        return None
    return counted(told.house, found, number)


def _state(told: Asked, found: Sequence[Cohort], *counts: Counted | None) -> dict[str, Any]:
    """Whether patients are real, what failed, and whether any of the counts is still to come."""
    expected = bool(found) and told.house.synthetic and told.house.edition is not None
    return {"real": not told.house.synthetic, "fault": next((one.fault for one in counts if one and one.fault), ""),
            "waiting": expected and None in counts}  # fmt: skip


def _steps(
    told: Asked, name: str, cohort: Cohort, counts: Counted, before: Counted | None, number: int | None
) -> Table:
    """Persons that each condition leaves; those that all leave, where a cohort is made of others."""
    then = [step.subjects for step in before.walks.get(cohort.name, ())] if before else []
    walk = counts.walks.get(cohort.name, ())
    first = walk[0].subjects if walk else 0
    rows: list[dict[str, Any]] = [
        {"step": _called(told, cohort, step.kind, step.rule), "left": step.subjects, "alone": step.alone,
         "share": (step.subjects, first) if first else None, "then": then[at] if at < len(then) else None}
        for at, step in enumerate(walk)
    ]  # fmt: skip
    if not rows:
        earlier = before.numbers.get(cohort.name) if before else None
        rows = [{"step": told.w("step.all"), "left": counts.numbers[cohort.name][1], "alone": None, "share": None,
                 "then": earlier[1] if earlier else None}]  # fmt: skip
    columns = [Column("step"), Column("left", "count"), Column("share", "share"), Column("alone", "count")]
    if before is not None:
        columns.insert(2, Column("then", "count"))
    return Table(name, columns, rows, Source(told.w("steps.says"), number))


def _called(told: Asked, cohort: Cohort, kind: str, rule: int) -> str:
    if kind == "rule" and isinstance(cohort, Definition):
        return " ".join(cohort.rules[rule].name.split()) or told.w("step.rule", at=rule + 1)
    return told.w(f"step.{kind}")


def _picture(told: Asked, table: Table | None) -> Markup:
    """The steps as bars, of what may be shown alone: a hidden count has no bar."""
    if table is None:
        return Markup("")
    rows = [(str(row["step"]), row["left"]) for row in table.masked(told.mask).rows]
    return funnel(rows, told.w("steps"))


def _shared(told: Asked, counts: Counted, number: int | None, name: str = "") -> Table:
    rows = [row for row in counts.shared if name in ("", row["one"], row["other"])]
    columns = [Column("one"), Column("other"), *(Column(key, "count") for key in SHARED)]
    return Table("overlap", columns, rows, Source(told.w("overlap.says"), number), empty="overlap.none")


PAGES = (
    Page("cohorts", "/cohorts", view, group="evidence", icon="people", key="b", steady=True, pinned=True),
    Page("cohort", "/cohorts/{name}", one, under="cohorts", pinned=True),
)
