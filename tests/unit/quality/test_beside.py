"""Two engines beside each other: the same views, and tables of their own."""

from pathlib import Path

from isthmus.flow.statement import query
from isthmus.lake.engine import beside
from lib.checks import Small

PERSON = [{"person_id": "1", "gender_concept_id": "0", "year_of_birth": "2000"}]


def test_a_second_engine_reads_the_same_views(tmp_path: Path) -> None:
    small = Small(tmp_path, {"person": PERSON})
    small.engine.create_view("born", query("SELECT year_of_birth FROM person"))
    with beside(small.engine) as other:
        assert other.rows(query("SELECT * FROM born")).to_pylist() == [{"year_of_birth": 2000}]
        other.create("mine", query("SELECT 1 AS a"))
    assert "mine" not in small.engine.tables()
