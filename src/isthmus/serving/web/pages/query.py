"""The query page: one SELECT under a grant, in the locked engine that holds what was granted and nothing else."""

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.office.session import open_granted
from isthmus.serving.web.shell.page import Asked, Page, View
from isthmus.serving.web.shell.table import Column, Source, Table
from isthmus.serving.web.waiting import short

SHOWN = 200  # rows of an answer on the page
LONGEST = 20_000  # characters of a question


def view(told: Asked) -> View:
    """The grants of who asks, the form, and the last answer; an answer is for who asked it, while its grant holds."""
    w, account = told.w, told.visitor.account
    own = [
        (short(one.case.grant.id), one.asked.summary, sorted(one.case.grant.columns), sorted(one.case.grant.kinds))
        for one in told.house.cases()
        if account and one.case.grant and account.name in one.case.grant.people
        and one.case.standing(told.now) == "active"
    ]  # fmt: skip
    kept = told.house.answers.take(told.query.get("answer", ""), told.visitor.name)
    found = kept if kept and kept.grant in {grant for grant, *_ in own} else None
    answer = None
    if found is not None:
        columns = tuple(Column(name) for name in found.rows.column_names)
        rows = found.rows.slice(0, SHOWN).to_pylist()
        answer = Table("answer", columns, rows, Source(w("answer.says", grant=found.grant), found.edition),
                       whole=found.rows.num_rows, empty="answer.none")  # fmt: skip
    return View(w("title"), w("lead"), (), {"own": own, "kept": found, "answer": answer})


def ask(told: Asked) -> str:
    """Ask; the answer is kept in memory for who asked it, and goes nowhere else."""
    account, form = told.visitor.demanded(), told.form
    text = form.get("sql", "")
    if not text.strip() or len(text) > LONGEST:
        raise InputError(f"a question is one SELECT of 1 to {LONGEST} characters. Write one.")
    if not form.get("grant"):
        raise RefusedError("questions are asked under a grant. Choose one, or apply for data.")
    session = open_granted(
        told.house.office, told.house.workspace.lake, account, form["grant"], kind=form.get("kind", "")
    )
    rows = session.sql(text)
    name = told.house.answers.keep(account.name, short(form["grant"]), session.edition.number, text, rows)
    return f"/query?answer={name}"


PAGE = Page("query", "/query", view, group="evidence", icon="ask", key="u", acts={"ask": ask})
