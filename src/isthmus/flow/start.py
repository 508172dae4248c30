"""A new workspace with its starter vocabulary, and vocabularies loaded later."""

from pathlib import Path

import pyarrow as pa

from isthmus.base.progress import Silence
from isthmus.cdm import starter
from isthmus.flow import vocabulary, workspace
from isthmus.flow.ingest import Report, finish_interrupted, publish
from isthmus.flow.schema import schema_of
from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition

VOCABULARY = vocabulary.VOCABULARY


def new(root: Path, *, synthetic: bool = False) -> Workspace:
    """Make a workspace whose first edition holds the starter vocabulary. Raises UsageError when the folder is taken.

    One whose making was interrupted is finished: without its vocabulary it would map every code to 0.
    """
    begun = (root / workspace.SETTINGS).exists() and not Workspace(root).lake.editions.numbers()
    made = Workspace(root) if begun else workspace.create(root, synthetic=synthetic)
    with made.lake.writing():
        vocabulary.keep(made.lake, starter.starter(), batch="starter")
        publish(made, [])
    return made


def load_athena(opened: Workspace, folder: Path) -> Edition:
    """Lay an unpacked Athena export over the vocabulary and publish an edition with it.

    What the export speaks of it replaces, be it the starter's or an older export's. Records mapped before keep their
    concepts until they are mapped again. Interrupted batches are finished first, under the vocabulary that they began
    with. The same export again publishes nothing, and the edition that stands is returned.
    """
    tables = starter.athena(folder)
    with opened.lake.writing():
        done = finish_interrupted(opened, Report(), Silence())
        readers = {
            name: pa.RecordBatchReader.from_batches(schema_of(name), batches) for name, batches in tables.items()
        }
        vocabulary.lay_over(opened.lake, readers)
        current = opened.lake.editions.current()
        if current is not None and not done and not vocabulary.has_changed(opened.lake, current):
            return current
        return publish(opened, done)
