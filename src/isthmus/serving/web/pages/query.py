"""Query: one SELECT under a grant, over what it holds and nothing else; its answer is for whoever asked."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.committee.application import Grant
from isthmus.gate.office import releases
from isthmus.gate.office.quota import quota
from isthmus.gate.office.releases import Table as Leaving
from isthmus.gate.office.session import open_granted
from isthmus.serving.web import granted
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.waiting import short

SHOWN = 200  # rows of an answer on the page
LONGEST = 20_000  # characters of a statement


def view(told: Asked) -> View:
    """The form of a question, and the answer to the last one."""
    w, held, summaries = told.w, granted.in_force(told), granted.summaries(told)
    limits = quota(told.house.workspace.settings)
    answer = _kept(told, held)
    chosen = (answer or {}).get("grant") or told.query.get("grant", "") or (short(held[0].id) if held else "")
    grant = next((one for one in held if short(one.id) == chosen), None)
    values: dict[str, Any] = {
        "grants": [{"id": short(one.id), "until": one.until, "called": summaries.get(one.id, "")} for one in held],
        "chosen": chosen, "kinds": sorted(grant.kinds) if grant else [], "answer": answer, "limits": limits,
        "tables": {name: sorted(columns) for name, columns in sorted(grant.columns.items())} if grant else {},
        "sql": (answer or {}).get("sql", ""), "gone": "answer" in told.query and answer is None,
    }  # fmt: skip
    return View(w("title"), w("lead"), (), values)


def asked(told: Asked) -> str:
    """Ask the question. The answer stays in memory, for whoever asked and as long as the grant holds."""
    person, form = told.visitor.demanded(), told.form
    sql = form.get("sql", "").strip()
    if not sql or len(sql) > LONGEST:
        raise InputError(f"a question is one SELECT of at most {LONGEST:,} characters. Write one.")
    house = told.house
    session = open_granted(
        house.office,
        house.workspace.lake,
        person,
        form.get("grant", ""),
        kind=form.get("kind", ""),
        edition=told.pinned,
    )
    rows = session.sql(sql)
    kept = house.answers.keep(
        person.name, short(form["grant"]), session.edition.number, sql, rows, kind=form.get("kind", "")
    )
    return f"/query?answer={kept}" + (f"&edition={told.pinned}" if told.pinned is not None else "")


def released(told: Asked) -> str:
    """Ask that the table of an answer leaves: its counts are hidden and rounded, the machine looks, then people do."""
    person, form = told.visitor.demanded(), told.form
    kept = told.house.answers.take(form.get("answer", ""), person.name)
    if kept is None:
        raise InputError("this answer is not kept any more. Ask again, then ask for its release.")
    house = told.house
    session = open_granted(house.office, house.workspace.lake, person, kept.grant, kind=kept.kind, edition=kept.edition)
    rows, grant = session.sql(kept.sql), house.office.named(kept.grant, "GR")
    with house.acting() as office:
        columns = releases.fitted(rows, form.get("counts", ""), releases.rules_of(office, grant)[1])
        table = Leaving(
            columns=columns, counts=form["counts"], context=form.get("context", "").strip(), query=kept.sql,
            edition=session.edition.number,
        )  # fmt: skip
        name, verdict = releases.request(office, person, grant, table)
    if verdict.answer == "fail":
        why = "; ".join(f"{one.where}: {one.why}" for one in verdict.findings if one.answer == "fail")
        raise RefusedError(f"it may not leave: {why}. Ask a question whose table fits the rules.")
    return f"/airlock/{short(name)}?done"


def _kept(told: Asked, held: Sequence[Grant]) -> dict[str, Any] | None:
    """An answer that is kept: for whoever asked, and while the grant holds."""
    found = told.house.answers.take(told.query.get("answer", ""), told.visitor.name)
    if found is None or found.grant not in {short(one.id) for one in held}:
        return None
    rows = [list(row.values()) for row in found.rows.slice(0, SHOWN).to_pylist()]
    return {
        "grant": found.grant, "sql": found.sql, "edition": found.edition, "name": told.query["answer"], "rows": rows,
        "columns": found.rows.column_names, "whole": found.rows.num_rows, "counts": _counts(found.rows),
    }  # fmt: skip


def _counts(rows: pa.Table) -> list[str]:
    """The columns of whole numbers, of which one may be the counts of a table that is to leave; mostly the last is."""
    return [name for name in reversed(rows.column_names) if pa.types.is_integer(rows.schema.field(name).type)]


PAGE = Page(
    "query", "/query", view, group="evidence", icon="ask", key="u", acts={"ask": asked, "release": released},
    pinned=True,
)  # fmt: skip
