"""Sessions of an application: what its manifest declares, of invented patients or of what a grant holds.

Whatever else is asked for is refused, before anything is read.
"""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from functools import partial

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from isthmus.base.errors import RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Columns
from isthmus.gate.desk import Desk, Lent, desk_over
from isthmus.gate.grade.decision import PUBLIC
from isthmus.gate.grade.rewrite import RAW, columns_of
from isthmus.gate.joined import reading_of
from isthmus.gate.leaves import check
from isthmus.gate.lending import BESIDE
from isthmus.gate.office.attended import attended
from isthmus.gate.office.brought import brought
from isthmus.gate.office.called import called
from isthmus.gate.office.session import Granted
from isthmus.gate.patient import patients
from isthmus.lake.asking import answer, opened
from isthmus.lake.edition import Edition
from isthmus.lake.engine import limited
from isthmus.lake.lake import Lake
from isthmus.lake.locked import MistakenError, locked, straight
from isthmus.lake.plain import plain

MOST = 1_000_000  # rows of one answer
SECONDS = 60.0  # of one question
NUMBER = re.compile(r"-?[0-9]{1,19}")
NOBODY = -(1 << 63)
"""A number that no person has."""
PERSON = "person_id"
PLACES = BESIDE - {"site"}
"""Where a row stands in what was delivered, which no grant tells."""
MEND = "add it to `reads` in app.yaml, or leave it out"


class Invented:
    """A session over invented patients that holds the `columns` of a manifest."""

    granted: Granted | None = None

    def __init__(self, lake: Lake, edition: Edition, columns: Columns) -> None:
        self._lake, self._edition, self._columns = lake, edition, columns

    @property
    def edition(self) -> int:
        """The number of the edition."""
        return self._edition.number

    def ask(self, question: ir.Table | str) -> pa.Table:
        """The rows of an unbound expression over the tables of the model, or of one SELECT over what was declared.

        Raises RefusedError for what the manifest does not declare, InputError when the statement is wrong.
        """
        if isinstance(question, str):
            return self._sql(question)
        check(question)
        named = columns_of(question)
        demand(self._columns, named)
        replaced = {QUESTIONS[table].op(): self._view(table).op() for table in named}
        over = question.op().replace(replaced).to_expr()
        return answer(self._lake, self._edition, over, reading_of(self._edition, named), seconds=SECONDS)

    def steps(self, text: str, work: Callable[[Desk], pa.Table]) -> pa.Table:
        """The answer of several steps at a desk. Raises RefusedError for what the manifest does not declare."""
        held = {**{table: frozenset(QUESTIONS[table].columns) for table in PUBLIC}, **self._columns}
        lent = {table: Lent(frozenset(columns), partial(_select, table, columns)) for table, columns in held.items()}
        with desk_over(self._lake, self._edition, lent, SECONDS) as desk:
            return work(desk)

    def patient(self, person: int | str) -> Mapping[str, pa.Table]:
        """The rows of one person, by the declared tables that have a person; a text that is no number is nobody."""
        tables = _of_persons(self._columns)
        number = int(person) if isinstance(person, int) or NUMBER.fullmatch(person) else NOBODY
        found, left = patients(self._lake, self._edition).whole(number, tables)
        return {**found, **self._by_engine(number, {table: tables[table] for table in left})}

    def called(self, numbers: Collection[int]) -> Mapping[int, int | str]:
        """What persons are called whose numbers are those of a desk: by the same numbers."""
        return {one: one for one in numbers}

    def brought(self, table: str, parts: Collection[int]) -> pa.Table:
        """The declared columns of a table's rows that some parts of deliveries brought."""
        source = QUESTIONS[table]
        some = source.filter(source.part_id.isin([*parts])).select(*self._held(table))
        return answer(self._lake, self._edition, some, reading_of(self._edition, [table]), seconds=SECONDS)

    def _by_engine(self, person: int, tables: Mapping[str, list[str]]) -> dict[str, pa.Table]:
        if not tables:
            return {}
        reading = reading_of(self._edition, tables)
        with opened(self._lake, self._edition, reading) as reader, limited(reader.connection, SECONDS):
            return {
                table: reader.rows(QUESTIONS[table].filter(QUESTIONS[table][PERSON] == person).select(*columns))
                for table, columns in tables.items()
            }

    def _sql(self, text: str) -> pa.Table:
        tables = named_in(text)
        demand(self._columns, tables)
        reading = reading_of(self._edition, tables)
        over = {table: self._view(table) for table in tables}
        if plain(text, {*self._columns, *PUBLIC}) is not None:
            direct = {table: ibis.table(QUESTIONS[table].schema(), name=f"{RAW}{table}") for table in tables}
            lent = {table: view.select(*self._held(table)) for table, view in direct.items()}
            straightly = straight(self._lake, self._edition, lent, {}, reading.renamed(RAW, QUESTIONS))
            with suppress(MistakenError), straightly as engine:  # what it names is told by who holds nothing else
                return engine.rows(text, most=MOST, seconds=SECONDS)
        with locked(self._lake, self._edition, over, reading) as engine:
            return engine.rows(text, most=MOST, seconds=SECONDS)

    def _held(self, table: str) -> list[str]:
        return [one for one in QUESTIONS[table].columns if table in PUBLIC or one in self._columns[table]]

    def _view(self, table: str) -> ir.Table:
        return QUESTIONS[table].select(*self._held(table))


class Declared:
    """A session under a grant that holds what a manifest declares too. `granted` is opened within those columns."""

    def __init__(self, granted: Granted, columns: Columns) -> None:
        self.granted, self._columns = granted, columns

    @property
    def edition(self) -> int:
        """The number of the edition."""
        return self.granted.edition.number

    def ask(self, question: ir.Table | str) -> pa.Table:
        """The rows of an unbound expression over the tables of the model, or of one SELECT, under the grant.

        Raises RefusedError for what manifest or grant do not hold, InputError when the statement is wrong.
        """
        if isinstance(question, str):
            demand(self._columns, named_in(question))
            return self.granted.sql(question)
        demand(self._columns, columns_of(question))
        return self.granted.ask(question)

    def steps(self, text: str, work: Callable[[Desk], pa.Table]) -> pa.Table:
        """The answer of several steps at a desk, under the grant."""
        return self.granted.steps(text, work)

    def patient(self, person: int | str) -> Mapping[str, pa.Table]:
        """The rows of one person, by the declared tables that have a person: one question under the grant."""
        held = _of_persons(self._columns).items()
        told = {table: [one for one in named if one not in PLACES] for table, named in held}
        return attended(self.granted, person, told)

    def called(self, numbers: Collection[int]) -> Mapping[int, int | str]:
        """What persons are called whose numbers are those of a desk: one question under the grant."""
        return called(self.granted, numbers) if numbers else {}

    def brought(self, table: str, parts: Collection[int]) -> pa.Table:
        """The declared columns of a table's rows that some parts of deliveries brought, under the grant."""
        found = brought(self.granted, table, parts)
        return found.select([one for one in found.column_names if one in self._columns[table]])


def demand(declared: Columns, named: Mapping[str, frozenset[str]]) -> None:
    """Raise RefusedError for a table or column that a manifest does not declare."""
    for table, columns in named.items():
        if table in PUBLIC:
            continue
        if table not in declared:
            raise RefusedError(f"the manifest does not declare {table}. What next: {MEND}.")
        if missing := sorted(columns - declared[table]):
            raise RefusedError(f"the manifest does not declare {table}.{missing[0]}. What next: {MEND}.")


def named_in(text: str) -> dict[str, frozenset[str]]:
    """The tables of the model that a statement names. Raises RefusedError when it cannot be read."""
    try:
        found = [one for one in sqlglot.parse(text, dialect="duckdb") if one is not None]
    except SqlglotError:
        raise RefusedError("the SQL cannot be read. Write one SELECT over the tables of the manifest.") from None
    own = {cte.alias_or_name.lower() for one in found for cte in one.find_all(exp.CTE)}
    names = {table.name.lower() for one in found for table in one.find_all(exp.Table)} - own
    return {name: frozenset[str]() for name in sorted(names & set(QUESTIONS))}


def _of_persons(columns: Columns) -> dict[str, list[str]]:
    """The declared tables that have a person, each with its declared columns in order."""
    return {
        table: [one for one in QUESTIONS[table].columns if one in held]
        for table, held in sorted(columns.items())
        if PERSON in held
    }


def _select(table: str, columns: Collection[str]) -> str:
    held = [one for one in QUESTIONS[table].columns if one in columns]
    return exp.select(*(exp.column(one, quoted=True) for one in held)).from_(f"{RAW}{table}").sql("duckdb")
