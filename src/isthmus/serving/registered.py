"""A registry built over a session, as people have ruled on its cases, with what is shown of it: groups, how full."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from isthmus.gate.office.session import Granted
from isthmus.gate.session import Session
from isthmus.research.registries.build import Registry, build
from isthmus.research.registries.enrolment.ruling import Ruling
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.worklist import OpenCode
from isthmus.research.registries.write import Writer, write_about

SMALL = ("completeness", "worklist")
NEEDS = ("core", "wanted")


@dataclass(frozen=True, slots=True)
class Sums:
    """What is shown of a registry: its small tables, which have no row of a patient."""

    tables: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def take(self, name: str, rows: pa.Table) -> None:
        """Keep the rows of a table, if it is one of the small."""
        if name in SMALL:
            self.tables.setdefault(name, []).extend(rows.to_pylist())

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table."""
        return self.tables.get(name, [])

    def by_site(self) -> list[dict[str, Any]]:
        """Of each site the rows that core and wanted items could fill, and those filled."""
        found: dict[str, Counter[str]] = {}
        for row in self.rows("completeness"):
            counts = found.setdefault(row["site"] or "", Counter())
            counts[f"{row['need']}_rows"] += row["rows"]
            counts[f"{row['need']}_filled"] += row["filled"]
        return [{"site": site, **counts} for site, counts in sorted(found.items())]

    def shares(self, item: str) -> dict[str, float]:
        """Of each site how full an item is."""
        rows, filled = Counter[str](), Counter[str]()
        for row in self.rows("completeness"):
            if row["item"] == item:
                rows[row["site"]] += row["rows"]
                filled[row["site"]] += row["filled"]
        return {site: filled[site] / count for site, count in sorted(rows.items()) if count}


@dataclass(frozen=True, slots=True)
class Registered:
    """A registry as it was built, what is shown of it, and its manifest; the folder, if it was written into one."""

    folder: Path | None
    pack: Pack
    built: Registry
    sums: Sums
    about: dict[str, Any]

    def uneven(self, count: int) -> list[str]:
        """Core and wanted items that are full at one site and not at another, the most uneven first."""
        told = {row["item"] for row in self.sums.rows("completeness") if row["need"] in NEEDS}
        spread = {}
        for item in told:
            shares = self.sums.shares(item).values()
            spread[item] = max(shares, default=0) - min(shares, default=0)
        order = list(self.pack.items)
        return sorted(sorted(spread, key=order.index), key=lambda item: -spread[item])[:count]


def registered(
    session: Session, pack: Pack, folder: Path | None, rulings: Sequence[Ruling], until: int, *,
    codes: Sequence[OpenCode] | None = None, done: Callable[[int, int], None] = lambda at, of: None,
) -> Registered:  # fmt: skip
    """Build a registry of invented patients, into a folder if one is given.

    `rulings`: all that people said of its cases up to the decision of the number `until`. `codes`: those without a
    concept, with their names.
    """
    sums = Sums()
    with session.desk() as desk, Writer(folder) if folder is not None else nullcontext() as writer:

        def sink(table: str, rows: pa.Table) -> None:
            sums.take(table, rows)
            if writer is not None:
                writer(table, rows)

        built = build(desk, pack, sink, codes=codes, rulings=rulings, done=done)
    about = manifest(session, built, until)
    if folder is not None:
        write_about(folder, pack, about)
    return Registered(folder, pack, built, sums, about)


def manifest(session: Session | Granted, built: Registry, until: int) -> dict[str, Any]:
    """Of which edition, by which packs, which ruling was the last that counted, and how many rows."""
    pack = built.pack
    return {
        "registry": pack.name, "version": pack.version, "packs": list(pack.lineage), "digest": pack.digest,
        "edition": session.edition.number, "edition_digest": session.edition.digest, "rulings": until,
        "patients": built.patients, "items": len(pack.items), "cases": built.cases, "rows": built.rows,
    }  # fmt: skip
