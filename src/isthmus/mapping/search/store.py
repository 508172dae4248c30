"""An index as a folder of files that are read where they lie: only what a question touches comes into memory."""

from pathlib import Path

import numpy as np
import pyarrow as pa

from isthmus.mapping.search.index import Index, Lists

FORM = "1"  # of the files, and of what the index makes of a name: whoever changes either, counts on
LISTS = ("word_terms", "gram_terms", "maps")
TABLES = ("concepts", "terms", "codes")


def save(index: Index, folder: Path) -> None:
    """Write an index into a new folder."""
    folder.mkdir(parents=True)
    words = pa.table({"word": index.words})
    tables = {"words": words, "syllables": pa.table({"syllable": list(index.syllables)})}
    for name, table in {**tables, **{name: getattr(index, name) for name in TABLES}}.items():
        with pa.OSFile(str(folder / f"{name}.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks(), max_chunksize=max(table.num_rows, 1))
    np.save(folder / "grams.npy", index.grams)
    for name in LISTS:
        lists: Lists = getattr(index, name)
        np.save(folder / f"{name}_at.npy", lists.at)
        np.save(folder / f"{name}_rows.npy", lists.rows)


def load(folder: Path) -> Index:
    """Read an index. Raises OSError, ValueError or KeyError where the folder does not hold a whole one."""
    tables = {name: _table(folder / f"{name}.arrow") for name in (*TABLES, "words", "syllables")}
    lists = {name: Lists(_array(folder / f"{name}_at.npy"), _array(folder / f"{name}_rows.npy")) for name in LISTS}
    return Index(
        concepts=tables["concepts"], terms=tables["terms"], codes=tables["codes"],
        words=_whole(tables["words"]["word"]), grams=_array(folder / "grams.npy"),
        syllables=tuple(tables["syllables"]["syllable"].to_pylist()), **lists,
    )  # fmt: skip


def _table(path: Path) -> pa.Table:
    try:
        return pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as wrong:
        raise ValueError(f"{path.name} is damaged") from wrong


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array; with a single chunk nothing is copied."""
    return column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks or [pa.array([], column.type)])


def _array(path: Path) -> np.ndarray:
    found: np.ndarray = np.load(path, mmap_mode="r" if path.stat().st_size > 4096 else None, allow_pickle=False)
    return found
