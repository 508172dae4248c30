"""Rewriting a question, so that it cannot read but what was granted.

Every table in it is replaced by its granted sites, rows and columns, with the measure of each column taken. The
question as asked then runs over those: what it computes, it computes from data that it may see.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import ibis.expr.types as ir
from ibis.common.annotations import ValidationError
from ibis.common.exceptions import IbisError

from isthmus.base.errors import RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import HIGHEST, Measure, graded
from isthmus.gate.grade.decision import PUBLIC, Allowed, Refused, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.leaves import check, nodes
from isthmus.gate.text.mask import masked
from isthmus.gate.text.own import KNOWN

# Kinds of relation whose columns are those of what they stand on.
PASSING = (
    *(ops.Filter, ops.Sort, ops.Limit, ops.Sample, ops.Distinct, ops.DropColumns, ops.DropNull, ops.FillNull),
    *(ops.JoinReference, ops.SelfReference),
)
OWNERS = ("person_id", "subject_id")
WHO, PSEUDONYM, SHIFT = "_who", "_pseudonym", "_shift"  # columns of people, joined to their rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A person's use of a grant: the keys of the use, and the concepts of special diseases.

    A row that names one of the `special` concepts is withheld unless the grant is of the highest grade.
    """

    grant: Grant | None
    person: str
    kind: str
    keys: Keys
    special: frozenset[int] = field(default_factory=frozenset)


def rewritten(question: ir.Table, use: Use, at: datetime) -> ir.Table:
    """The question over what the use may read. Raises RefusedError, which says why and what to do next."""
    check(question)
    named = columns_of(question)
    found = decide(use.grant, Request(person=use.person, kind=use.kind, at=at, columns=named))
    if isinstance(found, Refused):
        raise RefusedError(f"{found.why}. What next: {found.next}.")
    views = {QUESTIONS[table].op(): _view(table, found, use).op() for table in named}
    try:
        return question.op().replace(views).to_expr()
    except (IbisError, ValidationError, TypeError, ValueError) as error:
        raise RefusedError(
            f"the question does not fit what it may read ({type(error).__name__}). Identities are pseudonyms, texts "
            "that can only be compared with each other; select what you need by its name."
        ) from error


def views(allowed: Allowed, use: Use) -> dict[str, ir.Table]:
    """What may be read of each table of a decision, as expressions over `isthmus.cdm.questions`. They hold keys."""
    return {table: _view(table, allowed, use) for table in allowed.columns}


def columns_of(question: ir.Table) -> dict[str, frozenset[str]]:
    """Every table that a question reads, with the columns that it names."""
    named: dict[str, set[str]] = {}
    for node in nodes(question.op()):
        if isinstance(node, ops.UnboundTable):
            named.setdefault(node.name, set())
        if isinstance(node, ops.Field):
            source = node.rel
            while isinstance(source, PASSING):
                source = source.parent
            if isinstance(source, ops.UnboundTable):
                named.setdefault(source.name, set()).add(node.name)
    return {table: frozenset(columns) for table, columns in named.items()}


def _view(table: str, allowed: Allowed, use: Use) -> ir.Table:
    source = QUESTIONS[table]
    measures = allowed.columns[table]
    if table in PUBLIC:
        return source.select(*measures)
    rows = source.filter(source.site.isin(sorted(allowed.sites)))
    assert use.grant is not None  # or it was refused
    if use.grant.grade < HIGHEST and use.special:
        for column in source.columns:
            if graded(table, column).special:
                rows = rows.filter(rows[column].isnull() | rows[column].notin(sorted(use.special)))
    rows = _with_known(_with_people(rows, table, measures, use.keys), measures)
    return rows.select(**{column: _measured(rows, table, column, measures, use.keys) for column in measures})


def _with_people(rows: ir.Table, table: str, measures: Mapping[str, Measure], keys: Keys) -> ir.Table:
    """The rows with the pseudonym and the shift of their person beside them, where a measure needs one.

    Both are computed once for each person, and joined: for each row they would cost more than the question.
    """
    owner = next((one for one in OWNERS if one in rows.columns), None)
    shifted = "shift" in measures.values()
    if owner is None or not (shifted or measures.get(owner) == "pseudonymise"):
        return rows
    people = rows.select(**{WHO: rows[owner]}).distinct()
    people = people.mutate(**{PSEUDONYM: keys.pseudonyms(people[WHO], graded(table, owner).width)})
    if shifted:
        people = people.mutate(**{SHIFT: keys.shifts(people[WHO])})
    return rows.left_join(people, rows[owner] == people[WHO])


def _with_known(rows: ir.Table, measures: Mapping[str, Measure]) -> ir.Table:
    """The rows with what is known of their person beside them, where a text has to be masked."""
    owner = next((one for one in OWNERS if one in rows.columns), None)
    if owner is None or "mask" not in measures.values():
        return rows
    return rows.left_join(KNOWN, rows[owner] == KNOWN["_known_of"])


def _measured(rows: ir.Table, table: str, name: str, measures: Mapping[str, Measure], keys: Keys) -> Any:
    column, width = rows[name], graded(table, name).width
    match measures[name]:
        case "pseudonymise" if name in OWNERS:
            return rows[PSEUDONYM]
        case "pseudonymise":
            return keys.pseudonyms(column, width)
        case "mask":
            return masked(column, rows["_known"] if "_known" in rows.columns else None)
        case "shift":
            return keys.moved(column, rows[SHIFT])
        case "generalise" if isinstance(column.type(), dt.Integer):
            return (column // int(width) * int(width)).cast(column.type())
        case "generalise" if isinstance(column.type(), dt.Floating):
            return column.round(int(width))
        case "generalise":
            return column.left(int(width))
        case _:
            return column
