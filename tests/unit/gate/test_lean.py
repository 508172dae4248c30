"""Ids that are made up where somebody asks: of one row as in the whole column, and for nobody before."""

import pyarrow as pa

from isthmus.gate.lean import Ids, Rows


def test_an_id_is_the_same_alone_and_in_its_column_and_is_made_when_it_is_asked_for() -> None:
    asked: list[int] = []

    def known(one: int) -> str:
        asked.append(one)
        return f"x{one}"

    lean = {
        "measurement": pa.table({"person_id": ["p", "p"], "value": [1.0, 2.0]}),
        "person": pa.table({"year": [1960]}),
    }
    rows = Rows(lean, {"measurement": Ids("measurement_id", 1, pa.chunked_array([[7, 9]]), known)})
    assert set(rows) == {"measurement", "person"} and "measurement" in rows and not asked
    assert rows.called("measurement", 1) == "x9" and asked == [9]
    assert rows["measurement"].to_pydict() == {
        "person_id": ["p", "p"],
        "measurement_id": ["x7", "x9"],
        "value": [1.0, 2.0],
    }
    assert rows["person"].to_pydict() == {"year": [1960]} and rows.lean["measurement"].num_columns == 2
    assert rows["measurement"].num_rows == 2 and asked == [9, 7, 9]  # the column is made once
