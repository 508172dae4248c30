"""The work list: codes that wait for a concept, those first that would mend most rows."""

from dataclasses import dataclass

import pyarrow as pa

from isthmus.flow.decided import TERM
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace

CODING = "coding"
SETTLED = pa.schema(
    [("system", pa.string()), ("code", pa.string()), ("site", pa.string()), ("decision_id", pa.int64())]
)
PERSON, AUTOMATIC = "person", "automatic"  # how a decision was made
# A decision for all sites settles a code everywhere; one of a site only there. A code whose decision was revoked waits
# again at once, although its rows are mapped again only by the next ingest.
OPEN = """
    WITH waiting AS (
        SELECT * FROM coding c
        WHERE (concept_id = 0 AND decision_id IS NULL OR decision_id NOT IN (SELECT decision_id FROM settled))
            AND NOT EXISTS (
                SELECT 1 FROM settled s WHERE s.system = c.system AND s.code = c.code AND s.site IN ('', c.site))
    ), place AS (
        SELECT system, code, arg_max("table", (n, "table", "column")) AS "table",
            arg_max("column", (n, "table", "column")) AS "column"
        FROM (SELECT system, code, "table", "column", count(*) AS n FROM waiting GROUP BY ALL) GROUP BY system, code
    ), called AS (
        SELECT system, code, arg_max(name, (n, name)) AS name, count(*) AS variants
        FROM (SELECT system, code, name, count(*) AS n FROM waiting WHERE name <> '' GROUP BY ALL) GROUP BY system, code
    )
    SELECT w.system AS system, w.code AS code, any_value(c.name) AS name,
        coalesce(any_value(c.variants), 0) AS variants, any_value(p."table") AS "table",
        any_value(p."column") AS "column", count(*) AS rows,
        list_sort(list(DISTINCT w.site)) AS sites
    FROM waiting w JOIN place p USING (system, code) LEFT JOIN called c USING (system, code)
    GROUP BY w.system, w.code ORDER BY rows DESC, system, code
"""


@dataclass(frozen=True, slots=True)
class Item:
    """A code without a concept: where it stands most often, how many rows a decision would mend, and at which sites.

    `name` is what stands beside the code most often in the export, empty where nothing does; `variants` how many
    different names do: a code that stands for many things has no one meaning.
    """

    system: str
    code: str
    name: str
    table: str
    column: str
    rows: int
    sites: tuple[str, ...]
    variants: int = 1

    @property
    def wording(self) -> str:
        """What is to be understood: the name, or the code where there is none."""
        return self.name or self.code


def items(workspace: Workspace, *, site: str | None = None, limit: int | None = None) -> list[Item]:
    """The open codes of the current edition that no standing decision settles.

    :raises InputError: for a site that is not registered.
    """
    if site is not None:
        workspace.site(site)
    edition = workspace.lake.editions.current()
    if edition is None:
        return []
    files = [workspace.lake.root / one.path for one in edition.files(CODING) if site in (None, one.site)]
    with workspace.lake.engine() as engine:
        engine.view(CODING, files, empty=schema_of(CODING))
        engine.load("settled", settled(workspace))
        found = engine.rows(query(OPEN if limit is None else f"{OPEN} LIMIT {int(limit)}")).to_pylist()
    return [
        Item(row["system"], row["code"], row["name"] or "", row["table"], row["column"], row["rows"],
             tuple(row["sites"]), row["variants"])
        for row in found
    ]  # fmt: skip


def settled(workspace: Workspace) -> pa.Table:
    """Which codes of which systems have a standing decision, by site ('' for all)."""
    standing = workspace.decisions.standing(TERM)
    rows = [
        {"system": one.subject, "code": one.key, "site": one.site, "decision_id": one.decision_id} for one in standing
    ]
    return pa.Table.from_pylist(rows, schema=SETTLED)
