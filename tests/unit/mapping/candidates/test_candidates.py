"""Candidates of several mappers: merged for a person, agreed on for automatic mapping, and measured."""

from isthmus.cdm.tables import TABLES
from isthmus.mapping.candidates.candidate import Candidate, Opinion, agreed, merged
from isthmus.mapping.candidates.domain import domains, fits
from isthmus.mapping.candidates.measured import FEWEST, Measured, measured, of
from isthmus.mapping.candidates.naming import Known, Past, keys, unanimous


def candidate(concept: int, mapper: str, score: float, confidence: float | None = None) -> Candidate:
    return Candidate(concept, f"c{concept}", "Condition", "V", str(concept), score, confidence, mapper, f"by {mapper}")


def test_a_concept_that_two_mappers_propose_is_one_line_with_both_reasons() -> None:
    one = Opinion("past@1", (candidate(7, "past@1", 0.9),))
    other = Opinion("names@1", (candidate(7, "names@1", 0.5), candidate(8, "names@1", 0.6)))
    found = merged([other, one])
    assert [(each.concept_id, each.mapper, each.evidence) for each in found] == [
        (7, "past@1", "by past@1; by names@1"),
        (8, "names@1", "by names@1"),
    ]


def test_candidates_are_as_many_as_there_are_keys() -> None:
    many = tuple(candidate(at, "names@1", 1 / (at + 1)) for at in range(20))
    found = merged([Opinion("names@1", many)])
    assert [each.concept_id for each in found] == list(range(9))


def test_behind_the_first_few_what_is_hardly_ever_right_is_left_out() -> None:
    many = tuple(candidate(at, "terms@1", 0.001, 0.001) for at in range(9))
    assert len(merged([Opinion("terms@1", many)])) == 5
    assert len(merged([Opinion("terms@1", many), Opinion("names@1", (candidate(50, "names@1", 0.0),))])) == 6


def test_a_percentage_is_told_only_of_what_was_measured() -> None:
    assert candidate(1, "names@1", 0.9).told == "0.90"
    assert candidate(1, "names@1", 0.9, 0.998).told == "99.8%"


def test_nothing_is_automatic_without_a_measured_confidence() -> None:
    assert agreed([Opinion("names@1", (), (7,), None)], 0.99) is None
    assert agreed([Opinion("names@1", (), (), 0.999, 0.999)], 0.99) is None
    assert agreed([Opinion("names@1", (), (7,), 0.98, 0.98)], 0.99) is None
    sure = Opinion("names@1", (), (7,), 0.9, 0.995)
    assert agreed([sure, Opinion("past@1", (), (7,), 0.9)], 0.99) == sure


def test_mappers_that_disagree_leave_the_code_open() -> None:
    sure = Opinion("names@1", (), (7,), 0.9, 0.995)
    assert agreed([sure, Opinion("terms@1", (), (7, 8), 0.6)], 0.99) is None
    assert agreed([sure, Opinion("drugs@1", (), (8,), None)], 0.99) is None
    assert agreed([sure, Opinion("terms@1", (), (8,), 0.1)], 0.99) == sure  # it hardly believes itself


def test_a_column_takes_its_domains_and_an_unknown_column_any() -> None:
    assert fits("condition_concept_id", "Condition")
    assert not fits("condition_concept_id", "Drug")
    assert fits("anything_concept_id", "Drug")
    columns = {column.name for table in TABLES.values() for column in table.columns}
    assert {name for name in domains() if name not in columns} == {"dose_unit_concept_id"}


def test_confidence_is_the_measured_share_and_never_one() -> None:
    right, wrong = frozenset({1}), frozenset({2})
    answers = [("Drug", right, right)] * 99 + [("Drug", wrong, right)] + [("Unit", right, right)] * (FEWEST - 1)
    found = measured([*answers, ("Race", frozenset(), right)])
    assert found == {"Drug": Measured(99, 100), "Unit": Measured(FEWEST - 1, FEWEST - 1)}
    assert of(found, "Drug") == 99.5 / 101
    assert of(found, "Unit") is None  # too few were seen
    assert of(found, "Race") is None
    assert (Measured(10**6, 10**6).confidence or 1) < 1


def test_names_are_compared_without_width_case_variants_and_stops() -> None:
    assert len(set(keys(["胃粘膜 活检", "胃黏膜活检", "胃黏膜(活检)"]))) == 1
    assert keys(["ＡＦＰ"]) == keys(["afp"])
    assert keys(["左肾"]) != keys(["右肾"])


def test_a_wording_is_found_where_it_was_decided_but_not_by_its_own_origin() -> None:
    past = Past(
        [Known("肝癌", (1,), "list a", "a"), Known("肝 癌", (1,), "list b", "b"), Known("", (3,), "list c", "c")]
    )
    (key,) = keys(["肝癌"])
    assert [one.origin for one in past.find(key)] == ["a", "b"]
    assert [one.origin for one in past.find(key, without="a")] == ["b"]
    assert past.find("") == []
    past.add(Known("肝癌", (1, 2), "decided", "d"))
    assert unanimous(past.find(key)) == ()
    assert unanimous(past.find(key, without="d")) == (1,)
