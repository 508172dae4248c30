"""What the same input costs without Isthmus: the bare minimum that any loader must do."""

from pathlib import Path
from typing import Any

import duckdb
import orjson

BLOCK = 8 << 20


def transcode(source: str, folder: str) -> dict[str, Any]:
    """GB18030 → UTF-8 by Python, then CSV → Parquet by DuckDB, every column a text: nothing is mapped or kept."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    text, target = Path(folder) / "utf8.csv", Path(folder) / "rows.parquet"
    with (
        Path(source).open(encoding="gb18030", newline="") as stream,
        text.open("w", encoding="utf-8", newline="") as out,
    ):
        while block := stream.read(BLOCK):
            out.write(block)
    with duckdb.connect(config={"memory_limit": "900MB", "threads": 2}) as connection:
        connection.execute(
            f"COPY (SELECT * FROM read_csv('{text}', header = true, all_varchar = true)) TO '{target}' "
            "(FORMAT parquet, COMPRESSION zstd)"
        )
        (rows,) = connection.execute(f"SELECT count(*) FROM '{target}'").fetchone() or (0,)
    return {"rows": rows}


def reparse(folder: str) -> dict[str, Any]:
    """Every Bundle loaded, and every resource of it dumped, by orjson; the result is thrown away."""
    resources = size = 0
    for path in sorted(Path(folder).glob("*.json")):
        for entry in orjson.loads(path.read_bytes())["entry"]:
            size += len(orjson.dumps(entry["resource"]))
            resources += 1
    return {"resources": resources, "bytes": size}
