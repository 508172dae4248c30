"""The linkage as an edition has it: four tables, and the model and verdicts that they were made under."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.flow.linking.kept import Kept
from isthmus.flow.linking.verdict import Pair
from isthmus.flow.schema import LINKED
from isthmus.flow.statement import listed, query
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.lake.engine import Engine
from isthmus.linkage.cluster import Clusters
from isthmus.linkage.explain import waterfall

NOTE = "linkage"
"""What the linkage is called in the manifest of an edition."""
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class State:
    """The tables by name (flow.schema.LINKED), and the edition's note of the linkage."""

    tables: Mapping[str, pa.Table]
    note: Mapping[str, object]

    def standing(self) -> pa.Table:
        """The rows of person_link of the records that stand for others or themselves."""
        links = self.tables["person_link"]
        return links.filter(pc.equal(links["identity_id"], links["record_id"]))

    def clusters(self) -> Clusters:
        """The clusters as they were left, and the links that were not made."""
        pairs = self.tables["person_pair"]
        members = self.standing().select(["record_id", "cluster"])
        cut = pairs.filter(pairs["cut"].is_valid()).select(["l", "r", "weight", "cut"])
        return Clusters(members, cut.rename_columns(["l", "r", "weight", "reason"]))


def state_of(workspace: Workspace, engine: Engine, edition: Edition | None) -> State:
    """The linkage of an edition; empty tables where it has none."""
    tables = {}
    for name, schema in LINKED.items():
        files = [workspace.lake.root / one.path for one in (edition.files(name) if edition else ())]
        engine.view("former", files, empty=schema)
        tables[name] = engine.rows(query(f"SELECT {listed(schema.names)} FROM former")).cast(schema)
    return State(tables, (edition.body.get(NOTE) or {}) if edition else {})


def within(pairs: pa.Table, ids: pa.Array) -> pa.Table:
    """Those pairs both of whose records are among these."""
    return pairs.filter(pc.and_(pc.is_in(pairs["l"], ids), pc.is_in(pairs["r"], ids)))


def scored_schema(kept: Kept) -> pa.Schema:
    """Scored pairs under a model: both records, the weight, and each of its steps."""
    fields = [("l", pa.int64()), ("r", pa.int64()), ("weight", pa.float64())]
    return pa.schema([*fields, *((name, pa.float32()) for name in kept.steps)])


def opened(pairs: pa.Table, kept: Kept) -> pa.Table:
    """Pairs of the lake with a column for each of their steps (scored_schema)."""
    flat = pc.list_flatten(pairs["steps"]).to_numpy().reshape(len(pairs), len(kept.steps))
    columns = [pa.array(flat[:, at], pa.float32()) for at in range(len(kept.steps))]
    return pa.table([pairs["l"], pairs["r"], pairs["weight"], *columns], schema=scored_schema(kept))


def steps_of(scored: pa.Table, kept: Kept) -> dict[Pair, list[Row]]:
    """The steps of scored pairs (schema WATERFALL), by pair."""
    found: dict[Pair, list[Row]] = {}
    for row in waterfall(scored, kept.model).to_pylist() if len(scored) else ():
        found.setdefault((row["l"], row["r"]), []).append(row)
    return found
