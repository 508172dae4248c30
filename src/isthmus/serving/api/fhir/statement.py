"""The statement that a page of resources is read by, from the mapping, a search, and what the grant holds."""

import base64
import binascii
import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import msgspec

from isthmus.gate.committee.application import Grant
from isthmus.serving.api.delivery import columns_of
from isthmus.serving.api.fhir.mapping import Resource
from isthmus.serving.api.fhir.search import Search, alias, joined
from isthmus.serving.api.problem import Problem

MATCHED, KEY = "rows_matched", "sort_key"


class Mark(msgspec.Struct, forbid_unknown_fields=True, array_like=True):
    """Where a page ended: of which search and edition; the last key and id, and how many match in all."""

    bound: str
    edition: int
    key: str
    id: str
    total: int


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a search: `count` rows at most after `mark`."""

    resource: Resource
    held: frozenset[str]
    search: Search
    mark: Mark | None
    ids: Sequence[str] | None = None
    skip: int = 0

    @property
    def sql(self) -> str:
        """The statement; it counts what matches from here on in MATCHED, and gives the key of the order in KEY."""
        key, identity = self._key, alias(self.resource, self.resource.id)
        selected = [f"{alias(self.resource, one)} AS {named(one)}" for one in sorted(self.held)]
        for column in self._concepts:
            concept = joined(alias(self.resource, column))
            selected += [
                f"{concept}.concept_code AS {named(column)}__code", f"{concept}.concept_name AS {named(column)}__name",
                f"{concept}.vocabulary_id AS {named(column)}__vocabulary",
            ]  # fmt: skip
        order = f"{KEY} DESC, {named(self.resource.id)}" if self.search.down else f"{KEY}, {named(self.resource.id)}"
        skip = f" OFFSET {self.skip}" if self.skip else ""
        return (
            f"SELECT {', '.join(selected)}, {key} AS {KEY}, count(*) OVER () AS {MATCHED} FROM {self._from} "
            f"WHERE {' AND '.join([*self._where, *self._after(key, identity)])} "
            f"ORDER BY {order} LIMIT {self.search.count}{skip}"
        )

    @property
    def counting(self) -> str:
        """The statement that only counts."""
        return f"SELECT count(*) AS {MATCHED} FROM {self._from} WHERE {' AND '.join(self._where)}"

    @property
    def _key(self) -> str:
        column = self.search.sort
        return f"coalesce(CAST({alias(self.resource, column)} AS VARCHAR), '')" if column else "''"

    @property
    def _concepts(self) -> list[str]:
        """Columns of concepts that are written with their codes, or compared by them."""
        read = [one.column for one in self.resource.elements if one.how == "concept"]
        read += [one.unit for one in self.resource.elements if one.unit]
        read += [one.column for one in self.resource.search.values() if one.how == "concept"]
        return sorted(set(read) & self.held)

    @property
    def _from(self) -> str:
        parts = [f"{self.resource.table} t"]
        for table, column in self.resource.joins.items():
            if any(one.startswith(f"{table}.") for one in self.held):
                parts.append(f"LEFT JOIN {table} ON {table}.{column} = t.{column}")
        for column in self._concepts:
            concept = joined(alias(self.resource, column))
            parts.append(f"LEFT JOIN concept {concept} ON {concept}.concept_id = {alias(self.resource, column)}")
        return " ".join(parts)

    @property
    def _where(self) -> list[str]:
        conditions = ["1 = 1", *self.search.conditions]
        if self.ids is not None:
            listed = ", ".join(f"'{one}'" for one in self.ids) or "''"
            conditions.append(f"{alias(self.resource, self.resource.id)} IN ({listed})")
        return conditions

    def _after(self, key: str, identity: str) -> list[str]:
        if self.mark is None:
            return []
        last = "'" + self.mark.key.replace("'", "''") + "'"
        sign = "<" if self.search.down else ">"
        return [f"({key} {sign} {last} OR ({key} = {last} AND {identity} > '{self.mark.id}'))"]


def named(column: str) -> str:
    """A column of the mapping as rows have it."""
    return column.replace(".", "__")


def held_by(grant: Grant, resource: Resource) -> frozenset[str]:
    """The columns of a mapping that the grant holds; none where it cannot serve the resource. A year that it blurs is
    not a year."""
    columns: set[str] = set()
    for table in (resource.table, *resource.joins):
        measures = columns_of(grant, table)
        if table != resource.table and resource.joins[table] not in measures:
            continue
        blurred = {one.column for one in resource.elements if one.how == "year"}
        columns |= {
            name if table == resource.table else f"{table}.{name}"
            for name, measure in measures.items()
            if not (name in blurred and measure == "generalise")
        }
    wanted = _mapped(resource) & columns
    return frozenset(wanted) if {resource.id, *resource.needs} <= columns else frozenset()


def bound(grant: Grant, resource: Resource, asked: Collection[tuple[str, str]]) -> str:
    """What a mark is bound to."""
    said = sorted((name, value) for name, value in asked if name != "_page")
    return hashlib.sha256(f"{grant.id} {resource.type} {said}".encode()).hexdigest()[:16]


def encoded(mark: Mark) -> str:
    """A mark as an address has it."""
    return base64.urlsafe_b64encode(msgspec.json.encode(mark)).decode().rstrip("=")


def decoded(text: str, wanted: str) -> Mark:
    """A mark from an address. Raises Problem when it is none, or of another search."""
    try:
        mark = msgspec.json.decode(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=Mark)
        right = mark.bound == wanted and mark.edition > 0 and mark.id.isalnum()
    except (binascii.Error, ValueError, msgspec.DecodeError):
        right = False
    if not right:
        raise Problem("wrong", "`_page` is no mark of this search. Follow the link `next` of the page before.")
    return mark


def _mapped(resource: Resource) -> set[str]:
    """All columns that a mapping names."""
    found = {resource.id, *resource.needs}
    found |= {name for one in resource.elements for name in (one.column, one.text, one.unit, one.comparator) if name}
    return found | {one.column for one in resource.search.values() if one.column}
