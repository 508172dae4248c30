"""What Parquet files say of their columns in their footers, without a row being read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.errors import IntegrityError


@dataclass(frozen=True, slots=True)
class Footers:
    """Rows of some files; by column (lower case) how many have no value, and the least and greatest value.

    A column of which some file does not say so is left out, as are ranges of types whose footers may round them.
    """

    rows: int
    nulls: Mapping[str, int]
    ranges: Mapping[str, tuple[Any, Any]]


def footers(files: Sequence[Path], schema: pa.Schema) -> Footers:
    """Gather the footers of files that have the columns of a schema; one that a file lacks has no value in it.

    Raises IntegrityError for a file that is missing, or is no Parquet any more.
    """
    rows = 0
    nulls: dict[str, int | None] = dict.fromkeys((name.lower() for name in schema.names), 0)
    ranges: dict[str, tuple[Any, ...] | None] = {field.name.lower(): () for field in schema if _is_exact(field.type)}
    for path in files:
        footer = _read(path)
        rows += footer.num_rows
        places = {footer.schema.column(place).name.lower(): place for place in range(footer.num_columns)}
        for name in nulls:
            if name not in places:
                nulls[name] = _plus(nulls[name], footer.num_rows)
                continue
            for number in range(footer.num_row_groups):
                group = footer.row_group(number)
                told = group.column(places[name]).statistics
                count = told.null_count if told is not None and told.has_null_count else None
                nulls[name] = _plus(nulls[name], count)
                if count != group.num_rows and ranges.get(name) is not None:
                    ranges[name] = _wider(ranges[name], told)
    return Footers(
        rows, {name: count for name, count in nulls.items() if count is not None},
        {name: (one[0], one[1]) for name, one in ranges.items() if one},
    )  # fmt: skip


def _read(path: Path) -> pq.FileMetaData:
    try:
        return pq.read_metadata(path)
    except FileNotFoundError:
        why = "is missing from the lake"
    except pa.ArrowInvalid:
        why = "in the lake was altered"
    raise IntegrityError(f"{path.name} {why}. `isthmus verify` tells what else is.")


def _is_exact(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_date(kind) or pa.types.is_timestamp(kind))


def _plus(count: int | None, more: int | None) -> int | None:
    return None if count is None or more is None else count + more


def _wider(known: tuple[Any, ...] | None, told: Any) -> tuple[Any, ...] | None:
    """A range that takes in a file's; None where that file does not tell its own. Nothing is known at first: ()."""
    if known is None or told is None or not told.has_min_max:
        return None
    return (min([*known[:1], told.min]), max([*known[1:], told.max]))
