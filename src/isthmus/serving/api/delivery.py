"""What a grant delivers, as values: its tables with every column's measure, and the statements that page through one.

Rows of a page stand in the order of the table's key, or of all columns where the grant holds no key. A page ends in a
mark: the edition, the last key, and how many rows of that key were given. A mark is no right: it says where to go on,
and the grant is looked at again.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.cdm.questions import IBIS
from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Grant
from isthmus.gate.grade.column import Measure, graded, readable
from isthmus.gate.grade.decision import PUBLIC

LEFT = "rows_from_here"
"""The column that tells how many rows there are from the page's key on; it is taken off before the page is sent."""
LONGEST = 2000  # characters of a mark


class Mark(msgspec.Struct, forbid_unknown_fields=True, array_like=True):
    """Where a page ended: of which grant, table, columns and edition; the last key, and how many rows to skip there."""

    bound: str
    edition: int
    key: str | int | None
    skip: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """A page that is asked for: `columns` in the order that they are given, `size` rows at most, from `mark` on."""

    table: str
    columns: Sequence[str]
    size: int
    mark: Mark | None = None

    @property
    def key(self) -> str | None:
        """The column whose order the rows have, if it is among those that the grant holds; else None."""
        name = "person_id" if self.table == "death" else TABLES[self.table].primary_key
        return name if name in self.columns else None

    @property
    def sql(self) -> str:
        """The statement that gives the page."""
        listed = ", ".join(map(_named, self.columns))
        ordered = [self.key, *(one for one in self.columns if one != self.key)] if self.key else self.columns
        order = ", ".join(map(_named, ordered))
        from_here = f" WHERE {_named(self.key)} >= {_literal(self.mark.key)}" if self.key and self.mark else ""
        skip = f" OFFSET {self.mark.skip}" if self.mark else ""
        return (
            f"SELECT {listed}, count(*) OVER () AS {LEFT} FROM {self.table}{from_here} "
            f"ORDER BY {order} LIMIT {self.size}{skip}"
        )

    def after(self, rows: pa.Table, bound: str, edition: int) -> Mark | None:
        """The mark at the end of a page; None when it was the last."""
        if rows.num_rows < self.size:
            return None
        if self.key is None:
            return Mark(bound, edition, None, (self.mark.skip if self.mark else 0) + rows.num_rows)
        keys = rows[self.key].to_pylist()
        last = keys[-1]
        skip = sum(one == last for one in keys)
        if self.mark and self.mark.key == last:
            skip += self.mark.skip
        return Mark(bound, edition, last, skip)


def columns_of(grant: Grant, table: str) -> Mapping[str, Measure]:
    """The columns of a table that a grant delivers, in the model's order, with what is done to each; none where it does
    not hold the table."""
    if table in PUBLIC:
        found = readable(table, frozenset(column.name for column in TABLES[table].columns), 1)
    elif table in grant.columns:
        found = readable(table, grant.columns[table] | {"site"}, grant.grade)
    else:
        return {}
    ordered = [*(column.name for column in TABLES[table].columns), "site"]
    return {name: found[name] for name in ordered if name in found}


def contract(grant: Grant, table: str) -> dict[str, Any]:
    """A table of a grant as it is delivered, and which granted columns its grade leaves out."""
    measures = columns_of(grant, table)
    left = sorted(grant.columns[table] - measures.keys())
    return {
        "table": table,
        "columns": [
            {"name": name, "type": _type(table, name, one), "measure": one, "of": graded(table, name).width or None}
            for name, one in measures.items()
        ],
        "left_out": [{"name": name, "why": f"its grade is {graded(table, name).grade}"} for name in left],
        "key": Wanted(table, tuple(measures), 1).key,
    }


def bound(grant: Grant, table: str, columns: Sequence[str]) -> str:
    """What a mark is bound to."""
    return hashlib.sha256("\n".join([grant.id, table, *columns]).encode()).hexdigest()[:16]


def encoded(mark: Mark) -> str:
    """A mark as an address has it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode().rstrip("=")


def decoded(text: str, wanted: str) -> Mark:
    """A mark from an address. Raises InputError when it is none, or of another grant, table or columns."""
    try:
        raw = base64.urlsafe_b64decode(text[:LONGEST] + "=" * (-len(text) % 4))
        mark = msgspec.json.decode(raw, type=Mark)
        right = mark.bound == wanted and mark.skip >= 0 and mark.edition > 0
    except (binascii.Error, ValueError, msgspec.DecodeError):
        right = False
    if not right:
        raise InputError("`next` is no mark of this table under this grant. Follow the link of the page before.")
    return mark


def _named(column: str) -> str:
    """A column of the model as statements name it; one of them is called `offset`."""
    return f'"{column}"'


def _literal(value: str | int | None) -> str:
    if isinstance(value, int):
        return str(value)
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def _type(table: str, name: str, measure: Measure) -> str:
    if name == "site" or measure == "pseudonymise":
        return "string"
    return IBIS[TABLES[table].column(name).type]
