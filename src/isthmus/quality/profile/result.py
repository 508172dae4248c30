"""The three tables of results as OHDSI's tools read them, and the rule about small cells."""

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.quality.profile.definition import analyses
from isthmus.quality.profile.spread import STRATA

RESULTS = pa.schema(
    [("analysis_id", pa.int32()), *((name, pa.string()) for name in STRATA), ("count_value", pa.int64())]
)
DISTRIBUTIONS = pa.schema(
    [*RESULTS, *((f"{name}_value", pa.float64()) for name in
                 ("min", "max", "avg", "stdev", "median", "p10", "p25", "p75", "p90"))]
)  # fmt: skip
ANALYSES = pa.schema(
    [("analysis_id", pa.int32()), ("analysis_name", pa.string()), *((f"{name}_name", pa.string()) for name in STRATA),
     ("is_default", pa.int32()), ("category", pa.string())]
)  # fmt: skip


def listed() -> pa.Table:
    """`achilles_analysis`: what each analysis is, and what its strata are."""
    rows = [
        {
            "analysis_id": one.analysis_id, "analysis_name": one.name, "is_default": 1, "category": one.category,
            **{f"{name}_name": said for name, said in zip(STRATA, one.named, strict=False)},
        }
        for one in analyses()
    ]  # fmt: skip
    return pa.Table.from_pylist(rows, schema=ANALYSES)


def without_small(table: pa.Table, small: int) -> pa.Table:
    """The rows of a table of results whose count is greater than `small`."""
    return table.filter(pc.greater(table["count_value"], small))
