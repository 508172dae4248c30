"""The map as events of OpenLineage 2-0-2: a run for each batch, from feeds to tables, and one for each edition.

Counts and names of columns only; neither names of files nor any value of a row is told. Form: https://openlineage.io.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from isthmus import __version__
from isthmus.base.errors import IsthmusError
from isthmus.cdm.tables import TABLES
from isthmus.flow.batch import packs_of
from isthmus.flow.datamap.held import DataMap
from isthmus.flow.datamap.lineage import Edge, of_pack
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.records.models import Batch

Event = dict[str, Any]
PRODUCER = f"urn:isthmus:{__version__}"
SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
FACETS = "https://openlineage.io/spec/facets"
COLUMNS = f"{FACETS}/1-2-0/ColumnLineageDatasetFacet.json#/$defs/ColumnLineageDatasetFacet"
FIELDS = f"{FACETS}/1-2-0/SchemaDatasetFacet.json#/$defs/SchemaDatasetFacet"
VERSION = f"{FACETS}/1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet"
READ = f"{FACETS}/1-0-0/InputStatisticsInputDatasetFacet.json#/$defs/InputStatisticsInputDatasetFacet"
WRITTEN = f"{FACETS}/1-0-2/OutputStatisticsOutputDatasetFacet.json#/$defs/OutputStatisticsOutputDatasetFacet"


def events(workspace: Workspace, known: DataMap) -> Iterator[Event]:
    """Every run that led to an edition, oldest first: START and COMPLETE of each.

    Rows of an output are those that the mapped edition still has of the batch.
    """
    numbers = [one for one in workspace.lake.editions.numbers() if one <= known.edition.number]
    batches = [one for one in workspace.records.batches() if one.edition is not None]
    for number in numbers:
        edition = workspace.lake.editions.get(number)
        for batch in batches:
            if batch.edition == number:
                yield from _of_batch(workspace, known, edition, batch)
        yield from _of_edition(workspace, edition)


def _of_batch(workspace: Workspace, known: DataMap, edition: Edition, batch: Batch) -> Iterator[Event]:
    receipts = workspace.records.receipts(batch.batch_id)
    inputs = []
    for feed in sorted(filter(None, batch.mappings)):
        own = [one for one in receipts if one.feed == feed]
        facets = {"inputStatistics": _facet(READ, size=sum(one.size for one in own), fileCount=len(own))}
        inputs.append({"namespace": _site(workspace, batch.site), "name": feed, "inputFacets": facets})
    parts = {one.part_id for one in workspace.records.parts([one.receipt_id for one in receipts])}
    led = _edges(workspace, batch)
    outputs = []
    for table in sorted({one.table for one in led if one.table in TABLES}):
        rows = sum(one.rows for part, one in known.parts.get(table, {}).items() if part in parts)
        facets = {
            "schema": _fields(table), "version": _facet(VERSION, datasetVersion=edition.name),
            "columnLineage": _facet(COLUMNS, fields=_columns(workspace, [one for one in led if one.table == table])),
        }  # fmt: skip
        written = {"outputStatistics": _facet(WRITTEN, rowCount=rows)}
        outputs.append({**_table(workspace, table), "facets": facets, "outputFacets": written})
    job = {"namespace": _root(workspace), "name": f"{batch.site}.{'replay' if batch.replays else 'ingest'}"}
    yield from _run(batch.batch_id, job, batch.opened_at, _published(edition), inputs, outputs)


def _of_edition(workspace: Workspace, edition: Edition) -> Iterator[Event]:
    version = _facet(VERSION, datasetVersion=edition.name)
    inputs = [
        {**_table(workspace, name), "facets": {"version": version}, "inputFacets": {
            "inputStatistics": _facet(READ, rowCount=rows)}}
        for name, rows in edition.tables().items() if rows
    ]  # fmt: skip
    outputs = [{"namespace": _root(workspace), "name": "edition", "facets": {"version": version}}]
    job = {"namespace": _root(workspace), "name": "publish"}
    yield from _run(edition.digest, job, _published(edition), _published(edition), inputs, outputs)


def _run(
    key: str, job: Event, began: datetime, ended: datetime, inputs: Sequence[Event], outputs: Sequence[Event]
) -> Iterator[Event]:
    for kind, moment in (("START", began), ("COMPLETE", ended)):
        yield {
            "eventType": kind, "eventTime": f"{moment.replace(tzinfo=None).isoformat()}Z",
            "run": {"runId": str(uuid5(NAMESPACE_URL, f"{PRODUCER}/{key}"))}, "job": job,
            "inputs": list(inputs), "outputs": list(outputs) if kind == "COMPLETE" else [],
            "producer": PRODUCER, "schemaURL": SPEC,
        }  # fmt: skip


def _edges(workspace: Workspace, batch: Batch) -> list[Edge]:
    """The ways of a batch, by its packs as they were then; none of a pack that is not kept."""
    try:
        packs = packs_of(workspace, batch)
    except IsthmusError:
        return []
    return [edge for feed, pack in packs.items() for edge in of_pack(pack, batch.site, feed)]


def _columns(workspace: Workspace, led: Sequence[Edge]) -> Mapping[str, Event]:
    fields: dict[str, Event] = {}
    for one in led:
        direct = {"type": "DIRECT", "subtype": "IDENTITY" if one.sql in one.columns else "TRANSFORMATION",
                  "description": one.sql, "masking": False}  # fmt: skip
        inputs = fields.setdefault(one.column, {"inputFields": []})["inputFields"]
        inputs += [
            {"namespace": _site(workspace, one.site), "name": one.feed, "field": name, "transformations": [direct]}
            for name in one.columns
        ]
    return fields


def _fields(table: str) -> Event:
    return _facet(FIELDS, fields=[{"name": one.name, "type": str(one.type)} for one in schema_of(table)])


def _facet(schema: str, **values: Any) -> Event:
    return {"_producer": PRODUCER, "_schemaURL": schema, **values}


def _table(workspace: Workspace, name: str) -> Event:
    return {"namespace": _root(workspace), "name": name}


def _root(workspace: Workspace) -> str:
    return f"isthmus://{workspace.root.resolve().name}"


def _site(workspace: Workspace, site: str) -> str:
    return f"{_root(workspace)}/{site}"


def _published(edition: Edition) -> datetime:
    return datetime.fromisoformat(str(edition.body["published_at"]))
