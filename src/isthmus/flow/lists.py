"""Lists for the people who run a workspace: editions, quarantine, and the codes that wait for a concept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from isthmus.cdm.tables import TABLES
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.trace import UNREAD
from isthmus.flow.workspace import Workspace
from isthmus.records.models import Part, Receipt
from isthmus.records.store import origins


@dataclass(frozen=True, slots=True)
class Published:
    """What an edition says of itself; `tables` are rows by table."""

    number: int
    name: str
    published_at: str
    isthmus: str
    cdm: str
    digest: str
    tables: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """Records in quarantine for one reason. `example` names a place, never a value; `record_id` is its to trace."""

    site: str
    kind: str
    reason: str
    records: int
    first_seen: datetime | None
    last_seen: datetime | None
    example: str
    record_id: int = 0


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A source value without a standard concept, and the rows that one decision about it would mend."""

    table: str
    column: str
    source_value: str
    rows: int
    sites: int


def editions(workspace: Workspace) -> list[Published]:
    """The published editions, oldest first."""
    found = [workspace.lake.editions.get(number) for number in workspace.lake.editions.numbers()]
    return [
        Published(
            number=one.number, name=one.name, published_at=str(one.body["published_at"]),
            isthmus=str(one.body["isthmus"]), cdm=str(one.body["cdm"]), digest=one.digest, tables=one.tables(),
        )
        for one in found
    ]  # fmt: skip


def quarantine(workspace: Workspace, *, site: str | None = None) -> list[Waiting]:
    """What is in quarantine in the current edition, the most frequent reason first.

    Raises InputError for a site that is not registered.
    """
    if site is not None:
        workspace.site(site)
    edition = workspace.lake.editions.current()
    if edition is None:
        return []
    files = [workspace.lake.root / one.path for one in edition.files("record") if site in (None, one.site)]
    with workspace.lake.engine() as engine:
        engine.view("ledger", files, empty=schema_of("record"))
        rows = engine.rows(
            query("""
                SELECT site, kind, reason, count(*) AS n, list(DISTINCT part_id) AS parts,
                    arg_min(part_id, (part_id, place)) AS part, arg_min(place, (part_id, place)) AS place,
                    arg_min(record_id, (part_id, place)) AS record_id
                FROM ledger WHERE outcome = 'quarantined'
                GROUP BY site, kind, reason ORDER BY n DESC, site, kind, reason
            """)
        ).to_pylist()
    found = []
    known = origins(workspace.records, {part for row in rows for part in row["parts"]})
    for row in rows:
        first = known.get(row["part"])
        example = _place(*first, row["place"]) if first else ""
        times = sorted(known[part][1].received_at for part in row["parts"] if part in known)
        first_seen, last_seen = (times[0], times[-1]) if times else (None, None)
        found.append(
            Waiting(row["site"], row["kind"], row["reason"], row["n"], first_seen, last_seen, example, row["record_id"])
        )
    return found


def _place(part: Part, receipt: Receipt, place: int) -> str:
    """Where a record stands: file and place; the file alone, where nothing of it could be read."""
    if part.member.startswith(UNREAD):
        return receipt.name
    return part.member if place < 0 else f"{part.member} at {place}"


def unmapped(workspace: Workspace, *, limit: int = 100) -> list[Unmapped]:
    """Source values mapped to concept 0 in the current edition, ordered by how many rows each would mend."""
    edition = workspace.lake.editions.current()
    found: list[Unmapped] = []
    if edition is None:
        return found
    with workspace.lake.engine() as engine:
        for table, concept, source in _pairs():
            files = [workspace.lake.root / one.path for one in edition.files(table)]
            if not files:
                continue
            engine.view("t", files, empty=schema_of(table))
            rows = engine.rows(
                query(f"""
                    SELECT "{source}" AS value, count(*) AS n, count(DISTINCT site) AS sites FROM t
                    WHERE "{concept}" = 0 AND "{source}" IS NOT NULL
                    GROUP BY ALL ORDER BY n DESC, value LIMIT {int(limit)}
                """)
            ).to_pylist()
            found += [Unmapped(table, concept, row["value"], row["n"], row["sites"]) for row in rows]
    return sorted(found, key=lambda one: (-one.rows, one.table, one.source_value))[:limit]


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Table, concept column and the column that holds what the source wrote."""
    for name, table in TABLES.items():
        if table.group not in ("clinical", "derived"):
            continue
        columns = {column.name for column in table.columns}
        for column in columns:
            source = column.removesuffix("_concept_id") + "_source_value"
            if column.endswith("_concept_id") and not column.endswith("_source_concept_id") and source in columns:
                yield name, column, source
