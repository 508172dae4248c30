"""A registry as files: each table as Parquet and CSV, the dictionary in both languages, a manifest."""

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


class Writer:
    """A sink that writes tables as they come; the files appear under their names when the block ends well."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, tuple[pq.ParquetWriter, csv.CSVWriter]] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        return self

    def __call__(self, name: str, table: pa.Table) -> None:
        """Append rows to a table."""
        if name not in self._open:
            parquet = self._stack.enter_context(pq.ParquetWriter(self._draft(name, "parquet"), table.schema))
            text = self._stack.enter_context(csv.CSVWriter(self._draft(name, "csv"), table.schema))
            self._open[name] = (parquet, text)
        parquet, text = self._open[name]
        parquet.write_table(table)
        text.write_table(table)

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        self._stack.close()
        for name in self._open:
            for ending in ("parquet", "csv"):
                draft = self._draft(name, ending)
                if kind is None:
                    sync_file(draft)
                    draft.replace(self.folder / f"{name}.{ending}")
                else:
                    draft.unlink(missing_ok=True)

    def _draft(self, name: str, ending: str) -> Path:
        return self.folder / f".{name}.{ending}{DRAFT}"


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
