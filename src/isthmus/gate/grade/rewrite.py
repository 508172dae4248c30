"""Rewriting a question, so that it cannot read but what was granted.

Every table in it is replaced by its granted sites, rows and columns, with the measure of each column taken. The
question as asked then runs over those: what it computes, it computes from data that it may see.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any

import ibis
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
# Those of them that need no column for themselves, and kinds of node of whose relations only named columns are used.
NEUTRAL = (ops.Filter, ops.Sort, ops.Limit, ops.Sample, ops.DropColumns, ops.JoinReference, ops.SelfReference)
CUTTING = (ops.Project, ops.Aggregate, ops.JoinChain, ops.JoinLink, ops.Field, ops.CountStar)
OWNERS = ("person_id", "subject_id")
RAW, KEPT = "isthmus_raw_", "isthmus_kept_"
"""What names begin with that a question of ours reads, and nobody else can name."""
Named = Mapping[str, frozenset[str] | None]
"""By table the columns that a question can mean; None for all."""
WHO, PSEUDONYM, SHIFT, OWNER = "_who", "_pseudonym", "_shift", "_owner"  # columns of people, joined to their rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A person's use of a grant: the keys of the use, and the concepts of special diseases.

    A row that names one of the `special` concepts is withheld unless the grant is of the highest grade. Tables that are
    `moved` are read from files in which the dates of this use stand already (`gate/office/prepared.py`).
    """

    grant: Grant | None
    person: str
    kind: str
    keys: Keys
    special: frozenset[int] = field(default_factory=frozenset)
    moved: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A question over what the use may read.

    `kept` are rows that have to be taken apart before it runs, under names that it reads: of tables that also hold
    rows which the use may not read. An engine that moves a condition of the question in front of the one that
    withholds them would fail on them or not, and that tells of them.
    """

    question: ir.Table
    kept: Mapping[str, ir.Table]


def rewritten(question: ir.Table, use: Use, at: datetime) -> Rewritten:
    """The question over what the use may read. Raises RefusedError, which says why and what to do next."""
    check(question)
    named = columns_of(question)
    found = decide(use.grant, Request(person=use.person, kind=use.kind, at=at, columns=named))
    if isinstance(found, Refused):
        raise RefusedError(f"{found.why}. What next: {found.next}.")
    apart = _Apart(use, whole(question, named))
    replaced = {QUESTIONS[table].op(): apart.view(table, found).op() for table in named}
    try:
        return Rewritten(question.op().replace(replaced).to_expr(), apart.kept)
    except (IbisError, ValidationError, TypeError, ValueError) as error:
        raise RefusedError(
            f"the question does not fit what it may read ({type(error).__name__}). Identities are pseudonyms, texts "
            "that can only be compared with each other; select what you need by its name."
        ) from error


def views(allowed: Allowed, use: Use) -> dict[str, ir.Table]:
    """What may be read of each table of a decision, as expressions over `isthmus.cdm.questions`. They hold keys."""
    return {table: _view(table, QUESTIONS[table], allowed.columns[table], allowed, use) for table in allowed.columns}


def lent(
    allowed: Allowed, use: Use, named: Named, counted: frozenset[str] = frozenset()
) -> tuple[dict[str, ir.Table], dict[str, ir.Table]]:
    """The same for a statement that runs beside what it may not read: over tables named RAW + table, with no more
    columns than it may mean; and what has to be taken apart before (`Rewritten.kept`).

    Identities among the columns that it only counts and compares with themselves need no pseudonyms.
    """
    veiled = {name for name in counted if _is_one_kind(name, [(table, allowed.columns[table]) for table in named])}
    held = {
        table: {name: "veil" if name in veiled else one for name, one in measures.items()}
        for table, measures in allowed.columns.items()
    }
    apart = _Apart(use, named, prefix=RAW)
    return {table: apart.view(table, Allowed(allowed.sites, held)) for table in named}, apart.kept


def _is_one_kind(name: str, tables: Collection[tuple[str, Mapping[str, Measure]]]) -> bool:
    """Whether a column of this name is an identity of one kind in every table that gives it."""
    having = [(table, measures[name]) for table, measures in tables if name in measures]
    kinds = {graded(table, name).width for table, _ in having}
    return len(kinds) == 1 and all(one == "pseudonymise" for _, one in having)


def numbered(table: str, allowed: Allowed, use: Use) -> ir.Table:
    """What may be read of a table, over one named RAW + table, with numbers for identities: the model's types."""
    measures = {name: allowed.columns[table][name] for name in unmasked(table, allowed)}
    view = _view(table, ibis.table(QUESTIONS[table].schema(), name=f"{RAW}{table}"), measures, allowed, use)
    hidden = [name for name, one in measures.items() if one == "pseudonymise"]
    return view.mutate(**{name: use.keys.numbers(view[name]) for name in hidden}) if hidden else view


def unmasked(table: str, allowed: Allowed) -> list[str]:
    """The columns that `numbered` gives: texts that would have to be masked are left out, for steps read none."""
    return [name for name, one in allowed.columns[table].items() if one != "mask"]


def shifts(allowed: Allowed) -> bool:
    """Whether the dates of persons are moved in what may be read."""
    return any("shift" in measures.values() for measures in allowed.columns.values())


def persons(allowed: Allowed, use: Use, identities: Collection[int], numbers: Collection[int]) -> ir.Table:
    """Persons of the grant with what stands for them in it: `person_id, number, days` (by which their dates move).

    Those of these identities, and those for whom one of these numbers stands (`numbered`). Nobody may be told both.
    """
    people = _held(QUESTIONS["person"], "person", allowed, use).select("person_id").distinct()
    who = people.person_id
    if allowed.columns["person"]["person_id"] == "pseudonymise":
        who = use.keys.numbers(use.keys.pseudonyms(who, graded("person", "person_id").width))
    days = use.keys.shifts(people.person_id) if shifts(allowed) else ibis.literal(0, type="int64")
    people = people.mutate(number=who, days=days.cast("int64"))
    return people.filter(people.person_id.isin([*identities]) | people.number.isin([*numbers]))


def moved(table: str, columns: Collection[str], alias: ir.Table | None, keys: Keys) -> ir.Table:
    """The rows of a table named RAW + table with the dates of persons moved: of these columns, the others null.

    Its own numbers of persons stay; who is joined with whom (`alias`) says by how much.
    """
    rows = ibis.table(QUESTIONS[table].schema(), name=f"{RAW}{table}")
    whole = rows
    if alias is not None:
        joined = alias.select(_of="person_id", _person="person")
        whole = rows.left_join(joined, rows.person_id == joined["_of"])
    owner = ibis.coalesce(whole["_person"], whole.person_id) if alias is not None else whole.person_id
    whole = whole.mutate(**{OWNER: owner})
    people = whole.select(**{WHO: whole[OWNER]}).distinct()
    people = people.mutate(**{SHIFT: keys.shifts(people[WHO])})
    whole = whole.left_join(people, whole[OWNER] == people[WHO])
    found: dict[str, Any] = {}
    for name, kind in QUESTIONS[table].schema().items():
        column = whole[name] if name in columns else ibis.null(kind.copy(nullable=True))
        dated = name in columns and graded(table, name).measure == "shift"
        found[name] = keys.moved(column, whole[SHIFT]) if dated else column
    return whole.select(**found)


def padded(view: ir.Table, table: str, columns: Collection[str] | None = None) -> ir.Table:
    """The same with every column of the table, or these of them, null where the view has none of that name."""
    kinds = QUESTIONS[table].schema()
    whole = [one for one in kinds if columns is None or one in columns or one in view.columns]
    return view.select(
        **{one: view[one] if one in view.columns else ibis.null(kinds[one].copy(nullable=True)) for one in whole}
    )


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


def whole(question: ir.Table, named: Mapping[str, frozenset[str]]) -> Named:
    """Of each table the columns that a question can mean: all (None) where its rows flow on as they are."""
    found: dict[str, frozenset[str] | None] = dict(named)
    waiting: list[ops.Node] = [question.op()]
    for node in nodes(question.op()):
        if not isinstance(node, (*NEUTRAL, *CUTTING)):
            waiting += [one for one in node.__children__ if isinstance(one, ops.Relation)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ops.UnboundTable):
            found[node.name] = None
        elif isinstance(node, NEUTRAL):
            waiting.append(node.parent)
    return found


class _Apart:
    """Views of one question, and what of them is taken apart."""

    def __init__(self, use: Use, named: Named, *, prefix: str = "") -> None:
        self.kept: dict[str, ir.Table] = {}
        self._use, self._named, self._prefix = use, named, prefix

    def view(self, table: str, allowed: Allowed) -> ir.Table:
        source = QUESTIONS[table]
        if self._prefix:
            source = ibis.table(source.schema(), name=f"{self._prefix}{table}")
        wanted = self._named.get(table)
        measures = _unmoved(table, allowed.columns[table], self._use)
        if wanted is not None:
            measures = {name: one for name, one in measures.items() if name in wanted} or _least(measures)
        if table not in PUBLIC and _withheld(source, table, self._use) is not None:
            needed = [one for one in source.columns if one in {*measures, *OWNERS, "site"}]
            name = f"{KEPT}{table}"
            self.kept[name] = _held(source, table, allowed, self._use).select(*needed)
            source = ibis.table(self.kept[name].schema(), name=name)
            return _measured_all(source, table, measures, self._use.keys)
        return _view(table, source, measures, allowed, self._use)


def _least(measures: Mapping[str, Measure]) -> Mapping[str, Measure]:
    """One column, for who only counts rows."""
    name = "site" if "site" in measures else next(iter(measures))
    return {name: measures[name]}


def _view(table: str, source: ir.Table, measures: Mapping[str, Measure], allowed: Allowed, use: Use) -> ir.Table:
    if table in PUBLIC:
        return source.select(*measures)
    return _measured_all(_held(source, table, allowed, use), table, _unmoved(table, measures, use), use.keys)


def _unmoved(table: str, measures: Mapping[str, Measure], use: Use) -> Mapping[str, Measure]:
    """The measures that are left to take, where the dates of a table are moved in its files."""
    if table not in use.moved:
        return measures
    return {name: "allow" if one == "shift" else one for name, one in measures.items()}


def _held(source: ir.Table, table: str, allowed: Allowed, use: Use) -> ir.Table:
    """The rows that may be read."""
    rows = source.filter(source.site.isin(sorted(allowed.sites)))
    withheld = _withheld(source, table, use)
    return rows if withheld is None else rows.filter(withheld)


def _withheld(source: ir.Table, table: str, use: Use) -> ir.BooleanValue | None:
    """The condition that leaves out rows of special diseases; None where it leaves out none."""
    assert use.grant is not None  # or it was refused
    columns = [one for one in source.columns if graded(table, one).special]
    if use.grant.grade >= HIGHEST or not use.special or not columns:
        return None
    tests = [source[one].isnull() | source[one].notin(sorted(use.special)) for one in columns]
    return reduce(and_, tests)


def _measured_all(rows: ir.Table, table: str, measures: Mapping[str, Measure], keys: Keys) -> ir.Table:
    rows = _with_known(_with_people(rows, table, measures, keys), measures)
    return rows.select(**{column: _measured(rows, table, column, measures, keys) for column in measures})


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
        case "veil":
            return keys.veiled(column)
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
