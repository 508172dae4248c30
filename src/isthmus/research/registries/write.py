"""A registry as files: each table as Parquet and CSV, the dictionary in both languages, a manifest.

Tables with a row for each value or score are Parquet only: no spreadsheet opens their size.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

from isthmus.base.durable import replaced, sync_file
from isthmus.research.registries import dictionary
from isthmus.research.registries.pack import Pack

DRAFT = ".draft"
LONG = ("value", "event", "score")


class Writer:
    """A sink that writes tables as they come; the files appear under their names when the block ends well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, list[pq.ParquetWriter | csv.CSVWriter]] = {}
        self._drafts: dict[Path, Path] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __call__(self, name: str, table: pa.Table) -> None:
        """Append rows to a table."""
        if name not in self._open:
            writers: list[pq.ParquetWriter | csv.CSVWriter] = [
                pq.ParquetWriter(self._draft(name, "parquet"), table.schema, compression="zstd")
            ]
            if name not in LONG:
                writers.append(csv.CSVWriter(self._draft(name, "csv"), table.schema))
            self._open[name] = [self._stack.enter_context(one) for one in writers]
        for one in self._open[name]:
            one.write_table(table)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._stack.close()
        for draft, final in self._drafts.items():
            if kind is None:
                sync_file(draft)
                draft.replace(final)
            else:
                draft.unlink(missing_ok=True)

    def _draft(self, name: str, ending: str) -> Path:
        draft = self.folder / f".{name}.{ending}{DRAFT}"
        self._drafts[draft] = self.folder / f"{name}.{ending}"
        return draft


def write_about(folder: Path, pack: Pack, manifest: Mapping[str, Any]) -> list[Path]:
    """Write the dictionary (CSV, and Markdown in both languages) and the manifest; the files written."""
    contents = {
        "dictionary.csv": dictionary.sheet(pack).encode(),
        "dictionary.md": dictionary.document(pack, "en").encode(),
        "dictionary.zh.md": dictionary.document(pack, "zh").encode(),
        "manifest.json": orjson.dumps(manifest, option=orjson.OPT_INDENT_2),
    }
    for name, content in contents.items():
        with replaced(folder / name) as stream:
            stream.write(content)
    return [folder / name for name in contents]
