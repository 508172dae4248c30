"""From which columns of which export a column of the lake is filled, and forward: what a column of an export fills.

All of it is read off the packs; no row is looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from isthmus.base.errors import InputError, IsthmusError
from isthmus.cdm.tables import TABLES
from isthmus.flow.columns import columns_read
from isthmus.flow.datamap.held import DataMap
from isthmus.flow.schema import OWN, shared_of
from isthmus.flow.workspace import Workspace
from isthmus.mapping.pack import Pack, Record, Rule

# What is not written by a rule of a pack, and from what it is made.
DERIVED: Mapping[str, Sequence[str]] = {
    "observation_period": tuple(name for name, one in TABLES.items() if one.dates),
    "note_nlp": ("note",),
    "repair": ("measurement",),
}


@dataclass(frozen=True, slots=True)
class Edge:
    """One way in which a column of a table is filled.

    `columns` are the columns of the export that `sql`, the pack's expression, reads; `when` is the rule's condition and
    `pack` the pack's name with the beginning of its digest. `files` are the names that the record's files may have.
    """

    site: str
    feed: str
    pack: str
    record: str
    files: Sequence[str]
    rule: str
    table: str
    column: str
    columns: Sequence[str]
    sql: str
    when: str


@dataclass(frozen=True, slots=True)
class Lineage:
    """The ways that lead to (or from) what was asked for; `made_from` are tables that it is derived from, `into` those
    that are derived from it. `vocabulary`: it comes from loaded vocabularies, and from no feed."""

    asked: str
    edges: Sequence[Edge]
    made_from: Sequence[str] = ()
    into: Sequence[str] = ()
    vocabulary: bool = False


def edges(workspace: Workspace) -> list[Edge]:
    """All ways of all feeds, by the packs as they are now. A pack that cannot be read has none."""
    found: list[Edge] = []
    for site in workspace.sites():
        for feed in site.feeds:
            try:
                found += of_pack(workspace.pack(feed.pack), site.name, feed.name)
            except IsthmusError:
                continue
    return found


def lineage(workspace: Workspace, known: DataMap, asked: str) -> Lineage:
    """The ways to TABLE or TABLE.COLUMN, or from SITE/FEED or SITE/FEED.COLUMN of the export.

    Raises InputError for what is neither.
    """
    every = edges(workspace)
    if "/" in asked:
        return _forward(every, known, asked)
    table, _, column = asked.partition(".")
    table = shared_of(table) or table
    if table not in TABLES and table not in OWN:
        raise InputError(f"there is no table '{table}'. `isthmus map` lists tables; a feed is named SITE/FEED.")
    if column and table in TABLES and column not in {one.name for one in TABLES[table].columns}:
        names = ", ".join(one.name for one in TABLES[table].columns)
        raise InputError(f"{table} has no column '{column}'. It has: {names}.")
    return Lineage(
        asked, [one for one in every if one.table == table and (not column or one.column == column)],
        DERIVED.get(table, ()), tuple(name for name, sources in DERIVED.items() if table in sources),
        table in TABLES and TABLES[table].group == "vocabulary",
    )  # fmt: skip


def _forward(every: Sequence[Edge], known: DataMap, asked: str) -> Lineage:
    feeds = sorted(((fed.site, fed.name) for fed in known.feeds), key=lambda one: -len(one[1]))
    for site, feed in feeds:
        whole = f"{site}/{feed}"
        if asked == whole or asked.startswith(whole + "."):
            column = asked[len(whole) + 1 :]
            own = [one for one in every if (one.site, one.feed) == (site, feed)]
            found = [one for one in own if not column or column in one.columns]
            if column and not found:
                raise InputError(f"no rule reads a column '{column}' of {whole}. `isthmus map --find` looks for names.")
            reached = {one.table for one in found}
            return Lineage(asked, found, (), tuple(name for name, made in DERIVED.items() if reached & set(made)))
    names = ", ".join(sorted(f"{site}/{feed}" for site, feed in feeds))
    raise InputError(f"there is no feed '{asked}'. Known: {names}.")


def of_pack(pack: Pack, site: str, feed: str) -> Iterator[Edge]:
    """The ways of a feed that a pack reads."""
    told = f"{pack.name} {pack.digest[:12]}"
    for record in pack.records:
        for rule in record.rules:
            for column, sql in {**dict(_implied(record, rule)), **rule.set}.items():
                yield Edge(
                    site, feed, told, record.name, tuple(record.files), rule.name, rule.table, column,
                    tuple(columns_read(record, rule, str(sql))), " ".join(str(sql).split()),
                    " ".join(str(rule.when or "").split()),
                )  # fmt: skip


def _implied(record: Record, rule: Rule) -> Iterator[tuple[str, str]]:
    """What no rule has to say: a row's number comes from its record's key, its person from the record's person."""
    if rule.table in TABLES:
        spec = TABLES[rule.table]
        if record.key and spec.primary_key:
            yield spec.primary_key, record.key
        if record.person and spec.person:
            yield "person_id", record.person
