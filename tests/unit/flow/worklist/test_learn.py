"""Learning where the decisions are, and mapping automatically by nothing but what was measured."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pyarrow as pa
import pytest

from isthmus.base.errors import InputError, UsageError
from isthmus.flow import start, vocabulary
from isthmus.flow.decided import TERM
from isthmus.flow.schema import schema_of
from isthmus.flow.worklist import automatic as automatics
from isthmus.flow.worklist.automatic import automatic
from isthmus.flow.worklist.decide import Choice, decide
from isthmus.flow.worklist.items import Item
from isthmus.flow.worklist.learn import learn
from isthmus.flow.worklist.mappers import Asked, mappers
from isthmus.flow.worklist.trained import CARD, folder_of, is_current, trained
from isthmus.flow.workspace import Workspace
from lib import lessons

FATTY_LIVER = 4059290
ITEMS = [
    Item("his/diagnosis", "D1", "脂肪肝", "condition_occurrence", "condition_concept_id", 40, ("a",)),
    Item("his/diagnosis", "D2", "never heard of", "condition_occurrence", "condition_concept_id", 30, ("a",)),
    Item("his/diagnosis", "4059290", "", "condition_occurrence", "condition_concept_id", 20, ("a",)),
    Item("his/diagnosis", "ZZ9", "Fatty Liver", "condition_occurrence", "condition_concept_id", 15, ("a",), variants=2),
    Item("his/drug", "D3", "Fatty Liver", "drug_exposure", "drug_concept_id", 10, ("a",)),
]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace in which something was learned from the lists of the packs that come along."""
    made = start.new(tmp_path_factory.mktemp("learn") / "ws", synthetic=True)
    with pytest.MonkeyPatch.context() as patch:
        lessons.shorten(patch)
        learn(made)
        yield made


def test_the_card_says_what_was_measured_on_how_many(opened: Workspace) -> None:
    card = orjson.loads((folder_of(opened) / CARD).read_bytes())
    assert card["vocabulary"] == vocabulary.digest(opened.lake)
    for mapper in ("names", "past", "drugs"):
        for right, count in card["measured"][mapper].values():
            assert 0 <= right <= count
    condition = card["models"]["Condition"]
    assert condition["wordings"] >= 100
    assert condition["held_out"] >= 20
    assert 0 < condition["exact"] <= condition["recall_at_10"] <= 1
    assert condition["automatic_exact"] <= condition["automatic"] <= condition["held_out"]


def test_a_learned_model_proposes_with_its_version_confidence_and_reasons(opened: Workspace) -> None:
    found = trained(opened)
    assert is_current(opened, found)
    with mappers(opened) as bench:
        (said,) = bench.opinions([Asked("慢性乙型病毒性肝炎（轻度）", ("Condition",))])
    learned = next(one for one in said if one.mapper.startswith("terms-condition@"))
    assert learned.mapper.endswith(found.models["Condition"][0].version)
    assert learned.candidates[0].concept_id == 4281232
    assert learned.candidates[0].evidence.startswith("learned: ")
    assert 0 <= (learned.confidence or 0) <= 1


def test_only_what_is_sure_is_decided_and_says_by_what(opened: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automatics, "items", lambda *_, **__: ITEMS)
    found = automatic(opened, threshold=0.9)
    assert [(one.key, one.answer, one.how) for one in found.decisions] == [("D1", [FATTY_LIVER], "automatic")]
    assert (found.open, found.rows) == (3, 40)
    (made,) = found.decisions
    assert made.model.startswith(("names@", "past@", "terms-condition@"))
    assert (made.confidence or 0) >= 0.5
    assert "threshold 0.9" in made.reason
    assert automatic(opened, threshold=0.9999).decisions == []
    opened.decisions.revoke(made.decision_id, author="t", reason="test")
    assert opened.decisions.standing(TERM) == []


def test_nothing_is_automatic_before_something_was_measured(tmp_path: Path) -> None:
    fresh = start.new(tmp_path / "ws", synthetic=True)
    with pytest.raises(InputError, match="--learn"):
        automatic(fresh)
    with pytest.raises(UsageError, match="no threshold"):
        automatic(fresh, threshold=1.0)


def test_a_new_vocabulary_asks_to_learn_again(opened: Workspace) -> None:
    before = trained(opened)
    assert is_current(opened, before)
    with opened.lake.writing():
        row = {"concept_id": 1, "concept_name": "new", "domain_id": "Condition", "vocabulary_id": "X",
               "concept_class_id": "X", "standard_concept": "S", "concept_code": "1", "valid_start_date": None,
               "valid_end_date": None, "invalid_reason": None}  # fmt: skip
        rows = pa.Table.from_pylist([row], schema=schema_of("concept"))
        vocabulary.keep(opened.lake, {"concept": rows}, batch="new-concept")
    assert not is_current(opened, before)
    with pytest.raises(InputError, match="vocabulary as it is"):
        automatic(opened)


def test_a_damaged_model_is_refused(opened: Workspace) -> None:
    path = folder_of(opened) / CARD
    good = path.read_bytes()
    path.write_bytes(b"{")
    with pytest.raises(InputError, match="Learn again"):
        trained(opened)
    path.write_bytes(good)
    assert trained(opened).models


def test_decisions_teach_and_automatic_ones_do_not(tmp_path: Path) -> None:
    made = start.new(tmp_path / "ws", synthetic=True)
    decide(made, [Choice("s", "1", "一种新说法", (FATTY_LIVER,))], author="li")
    decide(made, [Choice("s", "2", "另一种说法", (FATTY_LIVER,))], author="isthmus", how="automatic")
    with mappers(made) as bench:
        wordings = {one.wording for one in bench.known}
    assert "一种新说法" in wordings
    assert "另一种说法" not in wordings
