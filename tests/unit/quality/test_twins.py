"""What is asked of the day of a moment is asked of the date beside it, where both are known to say the same."""

from pathlib import Path

from isthmus.flow.statement import query
from isthmus.lake.engine import Engine, beside
from isthmus.quality.checks import twins
from lib.checks import Small

PERSON = [{"person_id": "1", "gender_concept_id": "0", "year_of_birth": "2000"}]
VISIT = {"visit_occurrence_id": "1", "person_id": "1", "visit_start_date": "1990-01-01"}
DATE, MOMENT = (f"field_plausibleafterbirth_visit_occurrence_visit_start_{one}" for one in ("date", "datetime"))


def _same(small: Small) -> dict[str, str]:
    questions = twins.questions(small.layout)
    answers = {table: small.engine.rows(one) for table, one in questions.items()}
    return dict(twins.learnt(small.layout, answers)["visit_occurrence"].same)


def test_moments_of_the_same_day_in_every_row_are_twins(tmp_path: Path) -> None:
    visits = [{**VISIT, "visit_start_datetime": "1990-01-01 23:59:59"}]
    small = Small(tmp_path, {"person": PERSON, "visit_occurrence": visits})
    assert _same(small) == {"visit_start_datetime": "visit_start_date"}
    found = small.results()
    assert found[DATE].counts == found[MOMENT].counts
    assert found[DATE].counts is not None and found[DATE].counts.violated == 1


def test_one_row_that_says_another_day_or_none_keeps_them_apart(tmp_path: Path) -> None:
    for other in ("2001-01-01 00:00:00", None):
        visits = [{**VISIT, "visit_start_datetime": "1990-01-01 08:00:00"}, {**VISIT, "visit_start_datetime": other}]
        small = Small(tmp_path, {"person": PERSON, "visit_occurrence": visits})
        assert _same(small) == {}
        found = small.results()
        assert [found[one].counts.violated for one in (DATE, MOMENT) if found[one].counts] == [2, 1]


def test_a_second_engine_reads_the_same_views(tmp_path: Path) -> None:
    small = Small(tmp_path, {"person": PERSON})
    small.engine.create_view("born", query("SELECT year_of_birth FROM person"))
    with beside(small.engine) as other:
        assert isinstance(other, Engine)
        assert other.rows(query("SELECT * FROM born")).to_pylist() == [{"year_of_birth": 2000}]
        other.create("mine", query("SELECT 1 AS a"))
    assert "mine" not in small.engine.tables()
