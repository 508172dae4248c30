"""A question in several steps: what a session lends to whoever cannot ask everything in one expression.

Parameter tables are laid on a desk, each step names its rows, later steps read them, and results are taken from it.
Every step is a value that is looked at before it runs: it may read tables of the model that the session covers, and
tables made at this desk, and nothing else.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from sqlglot import exp

from isthmus.base.errors import RefusedError, UsageError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.grade.rewrite import RAW
from isthmus.gate.joined import ALIAS, JOINING, SCHEMA, WHOLE, views_of
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine, copy, within
from isthmus.lake.lake import Lake

OURS = "isthmus_"
GIVEN = f"{OURS}given"
EVERYTHING = exp.select("*").from_(GIVEN)


@dataclass(frozen=True, slots=True)
class Lent:
    """What a grant holds of a table: its columns, and what makes the statement over RAW + table that gives them.

    The statement is made when a step reads the table: to make one takes longer than most steps. `lacking` are columns
    among these that the grant does not hold, which are null. Of a table that is not `held` no file is opened, and the
    statement gives no row. Where there are `rows` already, they are read and no file; one that is not `copied` is read
    in its files each time.
    """

    columns: frozenset[str]
    sql: Callable[[], str]
    lacking: frozenset[str] = frozenset()
    held: bool = True
    rows: pa.Table | None = None
    copied: bool = True


class Desk:
    """Temporary tables over an edition's tables, for one line of work. Steps are sqlglot queries."""

    def __init__(
        self,
        engine: Engine,
        files: Mapping[str, Sequence[Path]],
        views: Mapping[str, exp.Query],
        granted: Mapping[str, "Lent"] | None = None,
    ) -> None:
        """`files` has the Parquet files of the edition's tables; a table that is not in it has no rows.

        `views` are what steps read in place of some tables, for persons are joined (`isthmus.gate.joined`). `granted`
        is what a grant holds, where there is one: no other table is read, and of those nothing else.
        """
        self._granted = granted
        self._engine = engine
        self._files = files
        self._views = views
        if views:
            engine.view(JOINING, files[ALIAS], empty=SCHEMA)
        self._opened: set[str] = set()
        self._made: set[str] = set()
        self.steps = 0  # run so far

    @property
    def lacking(self) -> Mapping[str, Sequence[str]]:
        """Of the tables that were read here the columns that the grant does not hold; those of the model, sorted."""
        granted = self._granted or {}
        found = {name: sorted(granted[name].lacking) for name in sorted(self._opened & granted.keys())}
        return {name: columns for name, columns in found.items() if columns}

    def lay(self, name: str, table: pa.Table) -> None:
        """Put a table of parameters on the desk, replacing what had its name."""
        self._engine.load(GIVEN, table)
        try:
            self._create(name, EVERYTHING)
        finally:
            self._engine.drop(GIVEN)

    def make(self, name: str, step: exp.Query) -> int:
        """Give the rows of a step a name, replacing what had it; returns their number."""
        self._admit(step)
        return self._create(name, step)

    def add(self, name: str, step: exp.Query) -> None:
        """Append the rows of a step, by the names of their columns, to a table that was made here."""
        self._admit(step)
        if name not in self._made:
            raise UsageError(f"no table '{name}' was made at this desk, so that nothing can be added to it.")
        self.steps += 1
        self._engine.insert(name, step)

    def take(self, step: exp.Query) -> pa.Table:
        """The rows of a step."""
        self._admit(step)
        self.steps += 1
        return self._engine.rows(step)

    def drop(self, *names: str) -> None:
        """Take tables off the desk, if they are there."""
        for name in self._made.intersection(names):
            self._engine.drop(name)
            self._made.remove(name)

    def _create(self, name: str, step: exp.Query) -> int:
        if name in QUESTIONS or name.startswith(OURS):
            raise UsageError(f"'{name}' is a table of the model or of the gate; one made at a desk needs another name.")
        self.steps += 1
        self._made.add(name)
        return self._engine.create(name, step)

    def _admit(self, step: exp.Query) -> None:
        """Raise RefusedError when a step reaches for anything but the model's tables and this desk's."""
        within = {cte.alias for cte in step.ctes}
        self._admit_columns(step)
        for node in step.find_all(exp.Table, exp.Anonymous, exp.With):
            if isinstance(node, exp.Anonymous) or (isinstance(node, exp.With) and node.parent is not step):
                raise RefusedError(
                    f"a step uses {node.name or 'WITH'}, which is not admitted here. Steps use the standard "
                    "functions, and WITH only at their beginning."
                )
            if isinstance(node, exp.Table) and not self._known(node, within):
                raise RefusedError(
                    f"a step reads '{node.sql()}', which no grant gave. Steps read tables of isthmus.cdm.questions "
                    "and tables made at the same desk."
                )

    def _admit_columns(self, step: exp.Query) -> None:
        """Raise RefusedError when a step needs what the grant does not hold."""
        if self._granted is None:
            return
        read = {node.name for node in step.find_all(exp.Table)} & set(QUESTIONS)
        if missing := sorted(read - self._granted.keys()):
            raise RefusedError(
                f"the grant does not hold {missing[0]}. What next: leave it out, or ask for other terms."
            )
        for name in sorted({node.name for node in step.find_all(exp.Column)}):
            having = [table for table in sorted(read) if name in QUESTIONS[table].columns]
            if having and not any(name in self._granted[table].columns for table in having):
                raise RefusedError(
                    f"the grant does not hold {having[0]}.{name}, or not at its grade. What next: leave out what asks "
                    "for it, or ask for other terms."
                )

    def _known(self, node: exp.Table, within: set[str]) -> bool:
        if not isinstance(node.this, exp.Identifier) or node.db or node.catalog:
            return False
        name = node.name
        if name in QUESTIONS and name not in self._opened and self._granted is not None:
            self._lend(name, self._granted[name])
            self._opened.add(name)
        elif name in QUESTIONS and name not in self._opened:
            schema = QUESTIONS[name].schema().to_pyarrow()
            view = self._views.get(name)
            self._engine.view(f"{WHOLE}{name}" if view else name, self._files.get(name, ()), empty=schema)
            if view:
                self._engine.create_view(name, view)
            self._opened.add(name)
        return name in self._opened or name in self._made or name in within

    def _lend(self, name: str, lent: Lent) -> None:
        """Lay what a grant holds of a table on the desk: a copy, for most steps read it again and again."""
        if lent.rows is not None:
            self._engine.load(name, lent.rows)
            return
        files = self._files.get(name, ()) if lent.held else ()
        self._engine.view(f"{WHOLE}{name}", files, empty=QUESTIONS[name].schema().to_pyarrow())
        whole = exp.select("*").from_(f"{WHOLE}{name}")
        if not lent.copied:
            self._engine.create_view(name, whole.select(*sorted(lent.columns), append=False))
            return
        self._engine.create_view(f"{RAW}{name}", self._views.get(name, whole) if lent.held else whole)
        copy(self._engine, name, lent.sql())


@contextmanager
def desk_over(
    lake: Lake, edition: Edition, granted: Mapping[str, Lent] | None = None, seconds: float | None = None
) -> Iterator[Desk]:
    """A desk over the tables of an edition, or what a grant holds of them, for the length of a block.

    Raises RefusedError when a block takes longer than `seconds`.
    """
    with lake.engine() as engine:
        files = {name: [lake.root / one.path for one in edition.files(name)] for name in edition.tables()}
        with within(engine, seconds) if seconds else nullcontext():
            yield Desk(engine, files, views_of(edition, QUESTIONS), granted)
