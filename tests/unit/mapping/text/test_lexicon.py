"""The packs can be read, fit the vocabulary, and a wrong row is refused with its place."""

import pytest

from isthmus.base.errors import PackError
from isthmus.cdm.starter import starter
from isthmus.cdm.units import ucum
from isthmus.mapping.text.lexicon import DOMAINS, lexicon, read_rows, read_rule


def test_every_concept_of_the_packs_is_in_the_vocabulary_in_a_fitting_domain() -> None:
    concept = starter()["concept"]
    domains = dict(zip(concept["concept_id"].to_pylist(), concept["domain_id"].to_pylist(), strict=True))
    named = [one for one in lexicon().meanings if one.concept_id]
    assert len(named) > 300
    unknown = [one.rule for one in named if one.concept_id not in domains]
    assert not unknown
    kinds = {one.rule: DOMAINS.get(domains[one.concept_id]) for one in named if one.kind != "symptom"}
    assert not [rule for rule, kind in kinds.items() if kind and kind != rule.split(":")[0] and "concept:" not in rule]


def test_every_code_is_one_meaning() -> None:
    rules = [one.rule for one in lexicon().meanings]
    assert len(rules) == len(set(rules))


def test_every_anchor_value_is_an_anchor() -> None:
    words = set(lexicon().terms)
    assert not [word for rule in lexicon().rules for word in rule.anchored if word not in words]


def test_every_unit_of_the_texts_is_ucum() -> None:
    assert [code for code in lexicon().units.values() if not ucum.readable(code)] == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("code,terms\nx,a,b\n", "x.csv:2: the row has not as many fields"),
        ("code,terms\nx,a\ny,\n", "x.csv:3: the row has no term"),
    ],
)
def test_a_wrong_row_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PackError, match=said):
        list(read_rows("x.csv", text))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"rule": "x", "kind": "stage", "anchors": ["a"], "aftr": "b"}, "unknown keys aftr"),
        ({"rule": "x", "kind": "stage", "anchors": ["a"], "after": "(b"}, "after cannot be read"),
        ({"rule": "x", "kind": "stage", "anchors": ["a"], "after": "{nothing}"}, "after cannot be read"),
        ({"rule": "x", "kind": "stage"}, "either anchors or scan"),
        ({"rule": "x", "kind": "stage", "scan": "a", "normal": "lower"}, "normal is one of"),
    ],
)
def test_a_wrong_rule_is_refused_by_name(entry: dict[str, object], said: str) -> None:
    with pytest.raises(PackError, match=said):
        read_rule(entry, {}, 0)
