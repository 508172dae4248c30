"""What there is: sites, feeds, tables and columns of an edition, with counts and freshness. No row leaves the lake."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from isthmus.base.errors import InputError
from isthmus.cdm.tables import TABLES
from isthmus.flow.quality import day_of, files_of
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Feed, Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.footer import footers
from isthmus.records.models import Receipt
from isthmus.records.store import origins, total

OUTCOMES = ("mapped", "kept", "quarantined", "duplicate", "superseded")
OWN = "own"  # the group of tables that are not of the model
# A day after the edition's own says nothing of freshness: it is planned, or wrong.
EXTENT = """
    SELECT part_id, count(*) AS rows, max({day}) FILTER ({day} <= DATE '{until}') AS last
    FROM "{table}" GROUP BY part_id
"""


@dataclass(frozen=True, slots=True)
class Extent:
    """How many rows there are, and the last day in them (None: none of them has a day)."""

    rows: int
    last: date | None = None

    def and_more(self, other: "Extent") -> "Extent":
        """Both together."""
        return Extent(self.rows + other.rows, max(filter(None, (self.last, other.last)), default=None))


@dataclass(frozen=True, slots=True)
class Fed:
    """A feed: its deliveries, what became of their records by outcome, and what it fills in the edition by table."""

    site: str
    name: str
    pack: str
    files: int
    size: int
    received: datetime | None
    outcomes: Mapping[str, int]
    tables: Mapping[str, Extent] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Records read."""
        return sum(self.outcomes.values())

    @property
    def last(self) -> date | None:
        """The last day in its data."""
        return max((one.last for one in self.tables.values() if one.last), default=None)


@dataclass(frozen=True, slots=True)
class ColumnHeld:
    """A column: its type, and by site how many rows have a value (None: the files do not say)."""

    name: str
    type: str
    required: bool
    filled: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class TableHeld:
    """A table that has rows. `sites` has them by site, '' for those of none (the vocabulary)."""

    name: str
    group: str
    sites: Mapping[str, Extent]
    columns: Sequence[ColumnHeld]

    @property
    def extent(self) -> Extent:
        """All its rows."""
        whole = Extent(0)
        for one in self.sites.values():
            whole = whole.and_more(one)
        return whole

    def share(self, column: ColumnHeld, site: str | None = None) -> float | None:
        """The share of rows that have a value in a column, of one site or of all; None where it is not known."""
        sites = [site] if site is not None else list(self.sites)
        told = [column.filled.get(one) for one in sites]
        rows = sum(self.sites[one].rows for one in sites)
        return None if None in told or not rows else sum(one or 0 for one in told) / rows


@dataclass(frozen=True, slots=True)
class DataMap:
    """The map of an edition. `titles` are the full names of its sites; `parts` has rows by table and part."""

    edition: Edition
    titles: Mapping[str, str]
    feeds: Sequence[Fed]
    tables: Sequence[TableHeld]
    parts: Mapping[str, Mapping[int, Extent]]

    def table(self, name: str) -> TableHeld | None:
        """The table of that name, None where it has no rows."""
        return next((one for one in self.tables if one.name == name), None)


def chosen(workspace: Workspace, edition: int | None = None) -> Edition:
    """An edition by number, the current one by default. Raises InputError before the first."""
    found = workspace.lake.editions.current() if edition is None else workspace.lake.editions.get(edition)
    if found is None:
        raise InputError("nothing is published yet, so there is nothing to map. Run `isthmus ingest` first.")
    return found


def held(workspace: Workspace, *, edition: int | None = None) -> DataMap:
    """The map of an edition, the current one by default. Raises InputError before the first."""
    found = chosen(workspace, edition)
    names = [name for name, rows in found.tables().items() if rows]
    extents = {name: _extents(workspace, found, name) for name in names if "part_id" in schema_of(name).names}
    receipts = {part: origin[1] for part, origin in origins(workspace.records, _parts(extents)).items()}
    filled: dict[tuple[str, str], dict[str, Extent]] = {}
    for table, parts in extents.items():
        for part, extent in parts.items():
            receipt = receipts.get(part)
            if receipt is not None:
                of_feed = filled.setdefault((receipt.site, receipt.feed), {})
                of_feed[table] = of_feed[table].and_more(extent) if table in of_feed else extent
    sites = workspace.sites()
    feeds = [fed for site in sites for fed in delivered(workspace, site.name, site.feeds, found.number, filled=filled)]
    tables = [_table(workspace, found, name, extents.get(name, {}), receipts) for name in names]
    ordered = sorted(tables, key=lambda one: (_rank(one.name), one.name))
    return DataMap(found, {site.name: site.title or site.name for site in sites}, feeds, ordered, extents)


def delivered(
    workspace: Workspace, site: str, feeds: Sequence[Feed], edition: int | None = None, *,
    filled: Mapping[tuple[str, str], Mapping[str, Extent]] | None = None,
) -> list[Fed]:  # fmt: skip
    """A site's feeds with their deliveries: those that are in an edition, or all."""
    inside = {
        one.batch_id for one in workspace.records.batches()
        if edition is None or (one.edition is not None and one.edition <= edition)
    }  # fmt: skip
    receipts = [
        one for one in workspace.records.receipts()
        if one.site == site and (edition is None or one.batch_id in inside)
    ]  # fmt: skip
    parts = workspace.records.parts([one.receipt_id for one in receipts])
    found = []
    for feed in feeds:
        own = [one for one in receipts if one.feed == feed.name]
        ids = {one.receipt_id for one in own}
        kinds = total([part.account for part in parts if part.receipt_id in ids and part.batch_id in inside])
        outcomes = {name: sum(one.get(name, 0) for one in kinds.values()) for name in OUTCOMES}
        found.append(
            Fed(
                site, feed.name, feed.pack, len(own), sum(one.size for one in own),
                max((one.received_at for one in own), default=None), outcomes,
                (filled or {}).get((site, feed.name), {}),
            )
        )  # fmt: skip
    return found


def _parts(extents: Mapping[str, Mapping[int, Extent]]) -> set[int]:
    return {part for parts in extents.values() for part in parts}


def _extents(workspace: Workspace, edition: Edition, table: str) -> dict[int, Extent]:
    """Rows and last day of a table by part."""
    dates = TABLES[table].dates if table in TABLES else None
    day = f'CAST("{dates[0]}" AS DATE)' if dates else "CAST(NULL AS DATE)"
    with workspace.lake.engine() as engine:
        engine.view(table, files_of(workspace, edition, table), empty=schema_of(table))
        rows = engine.rows(query(EXTENT.format(table=table, day=day, until=day_of(edition)))).to_pylist()
    return {row["part_id"]: Extent(row["rows"], row["last"]) for row in rows}


def _table(
    workspace: Workspace, edition: Edition, name: str, extents: Mapping[int, Extent], receipts: Mapping[int, Receipt]
) -> TableHeld:
    schema = schema_of(name)
    sites: dict[str, Extent] = {}
    nulls: dict[str, Mapping[str, int]] = {}
    for site in sorted({one.site or "" for one in edition.files(name)}):
        own = [workspace.lake.root / one.path for one in edition.files(name) if (one.site or "") == site]
        told = footers(own, schema)
        sites[site], nulls[site] = Extent(told.rows), told.nulls
    for part, extent in extents.items():
        receipt = receipts.get(part)
        if receipt is not None and receipt.site in sites:
            sites[receipt.site] = Extent(0, extent.last).and_more(sites[receipt.site])
    required = {one.name for one in TABLES[name].columns if one.required} if name in TABLES else set()
    columns = [
        ColumnHeld(
            one.name, str(one.type), one.name in required,
            {site: sites[site].rows - told[one.name] if one.name in told else None for site, told in nulls.items()},
        )
        for one in schema if one.name != "site"
    ]  # fmt: skip
    return TableHeld(name, TABLES[name].group if name in TABLES else OWN, sites, columns)


def _rank(name: str) -> int:
    """The model's tables in the order of its specification, then ours."""
    return list(TABLES).index(name) if name in TABLES else len(TABLES)
