"""A new workspace with its starter vocabulary, and vocabularies loaded later."""

from pathlib import Path

import pyarrow as pa

from isthmus.base.identity import digest63
from isthmus.cdm import starter
from isthmus.flow import vocabulary, workspace
from isthmus.flow.ingest import publish
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition

VOCABULARY = vocabulary.VOCABULARY


def new(root: Path, *, synthetic: bool = False) -> Workspace:
    """Make a workspace whose first edition holds the starter vocabulary. Raises UsageError when the folder is taken."""
    made = workspace.create(root, synthetic=synthetic)
    with made.lake.writing():
        vocabulary.keep(made.lake, starter.starter(), batch="starter")
        publish(made, [])
    return made


def load_athena(opened: Workspace, folder: Path) -> Edition:
    """Add an unpacked Athena export to the vocabulary and publish an edition with it.

    Rows that are there already stay; records mapped before keep their concepts until they are mapped again.
    """
    tables = starter.athena(folder)
    with opened.lake.writing():
        for name, batches in tables.items():
            reader = pa.RecordBatchReader.from_batches(schema_of(name), batches)
            vocabulary.keep(opened.lake, {name: reader}, batch=f"v{digest63(str(folder.resolve()), name):016x}")
        return publish(opened, [])
