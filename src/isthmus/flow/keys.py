"""Ids that several rows share: a fault of ours, or of a source whose ids were kept as they came."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from isthmus.cdm.tables import TABLES
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.mapping.expression import parse_scalar
from isthmus.mapping.identity import IDENTITY
from isthmus.mapping.pack import Pack

# The death of a person is one, though the model gives that table no key.
KEYS: Mapping[str, str] = {
    **{name: table.primary_key for name, table in TABLES.items() if table.primary_key is not None},
    "death": "person_id",
    IDENTITY.name: str(IDENTITY.primary_key),
}
SHARING = """
    SELECT "{key}" AS id, count(*) AS n, count(DISTINCT site) AS sites, min(site) AS site,
        list(DISTINCT mapping_id) AS mappings
    FROM t GROUP BY "{key}" HAVING count(*) > 1
"""
SUMMED = f"SELECT site, sites, mappings, sum(n) AS rows FROM ({SHARING}) GROUP BY ALL ORDER BY ALL"


@dataclass(frozen=True, slots=True)
class Repeated:
    """`rows` rows of a table have an id that another row has too. `delivered`: their source gave them so."""

    table: str
    key: str
    site: str
    rows: int
    delivered: bool

    def __str__(self) -> str:
        said = f"{self.table}: {self.rows:,} rows share their {self.key} with another"
        return f"{said}, as site {self.site} delivered them" if self.delivered else said


def repeated(workspace: Workspace, edition: Edition) -> Iterator[Repeated]:
    """Every id of an edition that more than one row has, counted by table.

    A mapping that takes a table's ids from a column of the source as they are (`isthmus attach` writes such a pack)
    hands on what the source repeats. Ids that we derive, and those of two sites, may never meet.
    """
    given = _mappings_that_take_ids(workspace)
    for table, key in KEYS.items():
        files = [workspace.lake.root / one.path for one in edition.files(table)]
        if not files or "part_id" not in schema_of(table).names:
            continue
        with workspace.lake.engine() as engine:
            engine.view("t", files, empty=schema_of(table))
            all_differ = query(f'SELECT count(*) = count(DISTINCT "{key}") AS holds FROM t')
            if engine.rows(all_differ).column(0)[0].as_py():
                continue  # nearly always, and far cheaper to see
            found = engine.rows(query(SUMMED.format(key=key))).to_pylist()
        counts: dict[tuple[str, bool], int] = {}
        for row in found:
            delivered = row["sites"] == 1 and all((table, one) in given for one in row["mappings"])
            known = (row["site"], delivered)
            counts[known] = counts.get(known, 0) + int(row["rows"])
        for (site, delivered), rows in sorted(counts.items()):
            yield Repeated(table, key, site, rows, delivered)


def _mappings_that_take_ids(workspace: Workspace) -> set[tuple[str, int]]:
    """Table and mapping id, where the mapping takes the table's ids from a column of the source."""
    found = set()
    packs: dict[str, Pack] = {}
    for batch in workspace.records.batches():
        for feed, mapping in batch.mappings.items():
            if not feed:
                continue
            name, digest = mapping.rsplit("@", 1)
            if mapping not in packs:
                packs[mapping] = workspace.archived(digest, name)
            identity = batch.mapping_ids[feed]
            found |= {(table, identity) for table in KEYS if _takes_ids(packs[mapping], table)}
    return found


def _takes_ids(pack: Pack, table: str) -> bool:
    rules = [rule for record in pack.records for rule in record.rules if rule.table == table]
    values = [rule.set.get(KEYS[table]) for rule in rules]
    return bool(values) and all(
        value is not None and isinstance(parse_scalar(value, ""), exp.Column) for value in values
    )
