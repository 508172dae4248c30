"""The mappers over a workspace with the starter vocabulary: who proposes what, and for which column."""

from collections.abc import Iterator
from datetime import datetime

import pyarrow as pa
import pytest

from isthmus.flow import start, vocabulary
from isthmus.flow.schema import schema_of
from isthmus.flow.worklist.decide import Choice, decide
from isthmus.flow.worklist.labelled import decided
from isthmus.flow.worklist.mappers import Asked, Mappers, mappers
from isthmus.flow.worklist.trained import Trained
from isthmus.flow.workspace import Workspace
from isthmus.mapping.candidates.candidate import Opinion
from isthmus.mapping.candidates.measured import Measured
from isthmus.records.models import Decision

FATTY_LIVER, SORAFENIB, OXALIPLATIN, FLUOROURACIL, HYPERTENSION, ALBUMIN = (
    4059290,
    1363387,
    1318011,
    955632,
    320128,
    3024561,
)
MEASURED = {"names": {"Condition": Measured(199, 200)}, "past": {"Condition": Measured(10, 10)}}


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    made = start.new(tmp_path_factory.mktemp("mappers") / "ws", synthetic=True)
    _add_edition(made)
    choices = [Choice("his/diagnosis", "X1", "高血压病（门诊）", (HYPERTENSION,))]
    decide(made, choices, author="Dr. Li", site="")
    decide(made, [Choice("his/diagnosis", "X2", "待查", ())], author="Dr. Li")
    automatic = Choice("his/diagnosis", "X3", "自动高血压", (HYPERTENSION,))
    decide(made, [automatic], author="isthmus", how="automatic")
    return made


@pytest.fixture(scope="module")
def bench(opened: Workspace) -> Iterator[Mappers]:
    with mappers(opened, learned=Trained(measured=MEASURED)) as found:
        yield found


def _add_edition(made: Workspace) -> None:
    """A code of ICD-10 that maps to fatty liver."""
    dates = {"valid_start_date": None, "valid_end_date": None, "invalid_reason": None}
    code = {"concept_id": 900001, "concept_name": "Fatty (change of) liver", "domain_id": "Condition",
            "vocabulary_id": "ICD10", "concept_class_id": "ICD10", "standard_concept": None,
            "concept_code": "K76.0", **dates}  # fmt: skip
    mapped = {"concept_id_1": 900001, "concept_id_2": FATTY_LIVER, "relationship_id": "Maps to", **dates}
    tables = {
        name: pa.Table.from_pylist([row], schema=schema_of(name))
        for name, row in (("concept", code), ("concept_relationship", mapped))
    }
    with made.lake.writing():
        vocabulary.keep(made.lake, tables, batch="edition")


def _by_mapper(opinions: list[Opinion]) -> dict[str, Opinion]:
    return {one.mapper.partition("@")[0]: one for one in opinions}


def test_a_wording_decided_elsewhere_says_who_and_when(bench: Mappers) -> None:
    (said,) = bench.opinions([Asked("高血压病(门诊)", ("Condition",))])
    past = _by_mapper(said)["past"]
    assert past.answer == (HYPERTENSION,)
    assert "decided by Dr. Li on" in past.candidates[0].evidence
    assert past.confidence is None  # ten known wordings are too few to say


def test_a_decision_from_elsewhere_says_when_it_was_made_there() -> None:
    made = Decision(
        decision_id=7, kind="term", site="", subject="list:his/dx", key="D1", wording="高血压病", answer=[1],
        how="person", model="", confidence=None, author="Dr. Li", reason="board of May (decided 2024-05-17)",
        made_at=datetime.fromisoformat("2026-01-02"),
    )  # fmt: skip
    assert decided(made).told.startswith("decided by Dr. Li on 2024-05-17 ")
    made.reason = "we decided 2024-05-17 to ask again"
    assert decided(made).told.startswith("decided by Dr. Li on 2026-01-02 ")


def test_settled_without_a_concept_and_automatic_decisions_propose_nothing(bench: Mappers) -> None:
    assert bench.opinions([Asked("待查", ("Condition",)), Asked("自动高血压", ("Condition",))]) == [[], []]


def test_a_name_of_the_vocabulary_is_proposed_with_what_was_measured(bench: Mappers) -> None:
    (said,) = bench.opinions([Asked("Fatty Liver", ("Condition",))])
    named = _by_mapper(said)["names"]
    assert [one.name for one in named.candidates] == ["fatty liver"]
    assert named.confidence == named.candidates[0].confidence == 199.5 / 201


def test_a_concept_of_another_domain_is_not_proposed(bench: Mappers) -> None:
    assert bench.opinions([Asked("Fatty Liver", ("Drug",))]) == [[]]
    assert [len(said) for said in bench.opinions([Asked("Fatty Liver", ())])] == [1]


def test_drugs_become_their_ingredients_together(bench: Mappers) -> None:
    said = bench.opinions([Asked("多吉美片 0.2g", ("Drug",)), Asked("oxaliplatin + 5-fluorouracil", ("Drug",))])
    one, two = (_by_mapper(each)["drugs"] for each in said)
    assert one.answer == (SORAFENIB,)
    assert set(two.answer) == {OXALIPLATIN, FLUOROURACIL}
    assert "drug lexicon" in one.candidates[0].evidence


def test_an_origin_may_not_help_when_it_is_measured(bench: Mappers) -> None:
    lists = {one.origin for one in bench.known if one.wording == "甲磺酸索拉非尼片"}
    assert len(lists) >= 2
    for origin in lists:
        (said,) = bench.opinions([Asked("甲磺酸索拉非尼片", ("Drug",), origin)])
        past = _by_mapper(said)["past"]
        assert past.answer == (SORAFENIB,)
        assert origin not in past.candidates[0].evidence


def test_a_national_code_is_known_by_the_code_that_it_lengthens(bench: Mappers) -> None:
    asked = [Asked("名称", ("Condition",), code=code) for code in ("K76.000", "K76.000x005", "Z99")]
    same, longer, unknown = (_by_mapper(said).get("codes") for said in bench.opinions(asked))
    assert same is not None
    assert longer is not None
    assert (same.answer, longer.answer) == ((FATTY_LIVER,), ())  # shortened, it may say less than was meant
    assert same.candidates[0].score > longer.candidates[0].score
    assert "code K76.0 in ICD10: Fatty (change of) liver" in longer.candidates[0].evidence
    assert unknown is None


def test_search_finds_by_part_of_a_name_by_code_and_by_id_and_keeps_to_the_column(bench: Mappers) -> None:
    assert ALBUMIN in [one.concept_id for one in bench.search("白蛋白", ("Measurement",))]
    assert bench.search("白蛋白", ("Drug",)) == []
    assert [one.concept_id for one in bench.search(str(ALBUMIN), ())] == [ALBUMIN]
    assert bench.search("it's not there", ()) == []


def test_wordings_that_say_nothing_have_no_candidates(bench: Mappers) -> None:
    asked = [Asked(word, ("Drug", "Condition")) for word in ("", "-", "99999", "无")]
    assert bench.candidates(asked) == [[], [], [], []]
