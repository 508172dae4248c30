"""The names in the SQL of types.yaml, put in the place of what a check really names."""

from datetime import date, timedelta
from functools import cache

import pyarrow as pa
from sqlglot import exp

from isthmus.quality.checks.catalogue import Check
from isthmus.quality.checks.layout import Layout
from isthmus.quality.checks.sources import scalar

ROLES = ("value", "other", "bound", "target")
CASTS = {"day": "date", "number": "double"}


class Roles:
    """Fills expressions for the checks of one CDM. `day` is today for limits that move with it."""

    def __init__(self, layout: Layout, day: date) -> None:
        self._layout, self._day = layout, day

    def filled(self, count: str, check: Check) -> exp.Expr:
        """A count with what the check names in the place of roles."""
        tree = scalar(count).copy()
        roles = {role: self._meant(role, check, "bound" in roles_of(count)) for role in roles_of(count)}
        for column in list(tree.find_all(exp.Column)):
            if column.table or column.name not in roles:
                continue
            meant = roles[column.name].copy()
            if column.name == "other" and check.target[0] != check.table:
                column.replace(meant)
            else:
                self._put(meant, column, check)
        for table in list(tree.find_all(exp.Table)):
            if table.name == "target":
                table.replace(roles["target"])
        return tree

    def known(self, source: exp.Expr, check: Check) -> None:
        """In a source that reads the table of a check alone, put what is known of its columns in their place."""
        for column in list(source.find_all(exp.Column)):
            self._put(column.copy(), column, check)

    def _put(self, meant: exp.Expr, place: exp.Expr, check: Check) -> None:
        """Put an expression over the check's own table into a place; of a column what is known, so it is not read.

        Known may be that it has no value, or one and the same in all rows, or that all rows have one: then the question
        IS NULL is answered.
        """
        own, name = self._layout[check.table], meant.name
        is_told = isinstance(meant, exp.Column) and name in own.nulls
        only = own.only(name) if is_told else None
        if is_told and own.is_blank(name):
            meant = exp.null()
        elif only is not None:
            meant = _literal(only)
        elif is_told and not own.nulls[name] and isinstance(place.parent, exp.Is):
            meant, place = exp.false(), place.parent
        place.replace(meant)

    def _meant(self, role: str, check: Check, bounded: bool) -> exp.Expr:
        table, column = check.target
        if role == "target":
            return exp.to_table(table or check.table, quoted=True)
        if role == "bound":
            return _literal(self.bound(check))
        if role == "value":
            limit = self.bound(check) if bounded else None
            takes = check.type.takes if limit is None else "day" if isinstance(limit, date) else "number"
            return self._column(check, check.field, takes, table="t", dated=isinstance(limit, date))
        if not column:
            return exp.null()
        return self._column(check, column, check.type.takes) if table == check.table else _named(column)

    def _column(
        self, check: Check, name: str, takes: str, *, table: str | None = None, dated: bool = False
    ) -> exp.Expr:
        """A field of the check's own table, read as what the check takes it for."""
        kind = self._layout[check.table].columns[name]
        is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind)
        if takes and (is_text or dated):
            return exp.TryCast(this=_named(name, table), to=exp.DataType.build(CASTS[takes]))
        return _named(name, table)

    def bound(self, check: Check) -> date | float:
        """The limit of a check."""
        moving: dict[str, date | float] = {"today+1": self._day + timedelta(days=1), "year+1": self._day.year + 1}
        if check.value in moving:
            return moving[check.value]
        return date.fromisoformat(check.value) if check.value.count("-") == 2 else float(check.value)


@cache
def roles_of(count: str) -> tuple[str, ...]:
    """The roles that a count names."""
    tree = scalar(count)
    columns = {column.name for column in tree.find_all(exp.Column) if not column.table}
    tables = {table.name for table in tree.find_all(exp.Table)}
    return tuple(role for role in ROLES if role in columns | tables)


def _named(column: str, table: str | None = None) -> exp.Column:
    return exp.column(column, table, quoted=True)


def _literal(value: date | float) -> exp.Expr:
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.Literal.number(f"{value:g}" if value != int(value) else int(value))
