"""Data use: the cases of the Broad Institute's matcher of data use, both editions, and the codes of DUO itself.

Sources: DataUseMatcherV4Test and DataUseMatcherV3Test of consent-ontology (BSD-3-Clause), 33 cases each; duo.csv of
the GA4GH Data Use Ontology (CC BY 4.0). Each case is read from the test's own text; none is written down here.
"""

import csv
import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from isthmus.gate.use.match import match
from isthmus.gate.use.purpose import Conditions, Purpose, codes

pytestmark = pytest.mark.acceptance

CASE = re.compile(r"void (test\w+)\(\).*?\{(.*?)\n  \}", re.DOTALL)
BUILT = re.compile(r"(dataset|purpose) = new DataUseBuilderV\d\(\)(.*?)\.build\(\)", re.DOTALL)
SETTING = re.compile(r"\.set(\w+)\(((?:[^()]|\([^()]*\))*)\)")
NODE = re.compile(r'String (\w+) = "[^"]*/(\w+)"')
PARENT = re.compile(r'setId\("[^"]*/(\w+)"\)')
ANSWERS = {"Approve": "yes", "Deny": "no", "Abstain": "person"}
KINDS = {"GeneralUse": "GRU", "HmbResearch": "HMB", "PopulationOriginsAncestry": "POA", "MethodsResearch": "MDS"}
TOPICS = {
    "Controls": "controls",
    "Population": "population",
    "Gender": "gender",
    "Pediatric": "children",
    "VulnerablePopulations": "vulnerable",
    "IllegalBehavior": "illegal",
    "SexualDiseases": "sexual",
    "PsychologicalTraits": "psychological",
    "NotHealth": "not_health",
    "StigmatizeDiseases": "stigma",
}


def _fact(said: Mapping[str, str], yes: str, no: str) -> bool | None:
    return said[yes] == "true" if yes in said else said[no] != "true" if no in said else None


def _purpose(said: Mapping[str, str], diseases: frozenset[str]) -> Purpose:
    kinds = {kind for name, kind in KINDS.items() if said.get(name) == "true"} | ({"DS"} if diseases else set())
    return Purpose(
        kinds=frozenset(kinds),
        diseases=diseases,
        topics=frozenset(topic for name, topic in TOPICS.items() if said.get(name, "false") != "false"),
        not_for_profit=_fact(said, "NonProfitUse", "CommercialUse"),
        non_commercial=_fact(said, "NonProfitUse", "CommercialUse"),
        agreed=frozenset({"COL"} if said.get("CollaboratorRequired") == "true" else ()),
        ethics="approved" if said.get("EthicsApprovalRequired") == "true" else "",
        other=said.get("Other", "") + said.get("SecondaryOther", ""),
    )


def _conditions(said: Mapping[str, str], diseases: frozenset[str]) -> Conditions:
    asked = {kind for name, kind in KINDS.items() if said.get(name) == "true"} | ({"DS"} if diseases else set())
    profit = _fact(said, "NonProfitUse", "CommercialUse")
    return Conditions(
        codes=frozenset(asked | ({"NPU"} if profit is True else set())),
        waived=frozenset({"NPU"} if profit is False else ()),
        diseases=diseases,
    )


def _cases(text: str) -> list[tuple[str, Purpose, Conditions, frozenset[str], str]]:
    nodes = dict(NODE.findall(text))
    cases = []
    for name, body in CASE.findall(text):
        built = {}
        for side, calls in BUILT.findall(body):
            said = dict(SETTING.findall(calls))
            listed = frozenset(node for word, node in nodes.items() if word in said.get("DiseaseRestrictions", ""))
            built[side] = said, listed
        expected = re.search(r"assert(Approve|Deny|Abstain)\(", body)
        assert expected is not None, name
        above = frozenset(PARENT.findall(body))
        cases.append((name, _purpose(*built["purpose"]), _conditions(*built["dataset"]), above, expected[1]))
    return cases


@pytest.mark.parametrize("edition", ["V4", "V3"])
def test_every_case_of_the_matcher_is_answered_alike(outside: Path, edition: str) -> None:
    text = (outside / f"priv/duo_match/DataUseMatcher{edition}Test.java.txt").read_text(encoding="utf-8")
    cases = _cases(text)
    assert len(cases) == 33
    wrong = []
    for name, purpose, conditions, above, expected in cases:
        found = match(purpose, conditions, lambda term, above=above: above)
        if found.answer != ANSWERS[expected]:
            wrong.append((name, expected, found))
        assert found.reasons, name
        assert all(reason.why and (reason.next or reason.answer == "yes") for reason in found.reasons), name
    assert not wrong


def test_the_codes_are_those_of_the_ontology(outside: Path) -> None:
    with (outside / "priv/duo/duo.csv").open(encoding="utf-8", newline="") as file:
        theirs = {(row["id"], row["shorthand"], row["label"]) for row in csv.DictReader(file) if row["shorthand"]}
    assert {(one.code, one.short, one.label) for one in codes().values()} == theirs
