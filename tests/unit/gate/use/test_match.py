"""Data use: each kind of purpose against each permission, each modifier, and how answers are combined."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.base.errors import InputError
from isthmus.gate.use.match import match
from isthmus.gate.use.purpose import Conditions, Purpose, codes, kinds, topics

# Rows: permission. Columns: kind of purpose. y yes, n no, p a person.
GRID = """
      GRU HMB DS POA MDS CC
NRES   y   y  y   y   y  y
GRU    y   y  y   y   y  n
HMB    n   y  y   n   y  n
DS     n   n  p   n   y  n
POA    n   n  n   y   y  n
CC     n   n  n   n   n  y
"""
WORDS = {"y": "yes", "n": "no", "p": "person"}


def _grid() -> list[tuple[str, str, str]]:
    head, *rows = [line.split() for line in GRID.strip().splitlines()]
    return [(row[0], kind, WORDS[cell]) for row in rows for kind, cell in zip(head, row[1:], strict=True)]


@pytest.mark.parametrize(("permission", "kind", "answer"), _grid())
def test_a_permission_covers_some_kinds(permission: str, kind: str, answer: str) -> None:
    found = match(Purpose(kinds=frozenset({kind})), Conditions(codes=frozenset({permission})))
    assert found.answer == answer


def test_the_grid_is_whole() -> None:
    permissions = {one.short for one in codes().values() if one.role == "permission"}
    assert {(one, kind) for one, kind, _ in _grid()} == {(one, kind) for one in permissions for kind in kinds()}


ABOVE = {"hepatocellular": frozenset({"liver cancer", "cancer"}), "liver cancer": frozenset({"cancer"})}


@pytest.mark.parametrize(
    ("wanted", "allowed", "answer"),
    [
        ({"liver cancer"}, {"liver cancer"}, "yes"),
        ({"hepatocellular"}, {"cancer"}, "yes"),
        ({"cancer"}, {"liver cancer"}, "no"),
        ({"hepatocellular", "stroke"}, {"cancer"}, "no"),
        ({"hepatocellular", "stroke"}, {"cancer", "stroke"}, "yes"),
        (set(), {"cancer"}, "person"),
        ({"cancer"}, set(), "person"),
    ],
)
def test_diseases_are_covered_by_those_above_them(wanted: set[str], allowed: set[str], answer: str) -> None:
    purpose = Purpose(kinds=frozenset({"DS"}), diseases=frozenset(wanted))
    conditions = Conditions(codes=frozenset({"DS"}), diseases=frozenset(allowed))
    assert match(purpose, conditions, lambda term: ABOVE.get(term, frozenset())).answer == answer


SAY = {"kinds": frozenset({"HMB"})}
SPRING = date(2027, 4, 1)


@pytest.mark.parametrize(
    ("code", "asked", "said", "answer"),
    [
        ("NPU", {}, {"not_for_profit": True}, "yes"),
        ("NPU", {}, {"not_for_profit": False}, "no"),
        ("NPU", {}, {}, "person"),
        ("NCU", {}, {"non_commercial": False}, "no"),
        ("NPUNCU", {}, {"not_for_profit": True, "non_commercial": True}, "yes"),
        ("NPUNCU", {}, {"not_for_profit": True, "non_commercial": False}, "no"),
        ("NPUNCU", {}, {"not_for_profit": True}, "person"),
        ("GSO", {}, {"genetic": False}, "no"),
        ("NMDS", {}, {}, "yes"),
        ("NMDS", {}, {"kinds": frozenset({"HMB", "MDS"})}, "no"),
        ("NPOA", {}, {}, "yes"),
        ("PUB", {}, {}, "no"),
        ("PUB", {}, {"agreed": frozenset({"PUB"})}, "yes"),
        ("COL", {}, {"agreed": frozenset({"PUB"})}, "no"),
        ("RTN", {}, {"agreed": frozenset({"RTN"})}, "yes"),
        ("IRB", {}, {}, "no"),
        ("IRB", {}, {"ethics": "2026-114"}, "person"),
        ("RS", {}, {}, "person"),
        ("TS", {"months": 12}, {"months": 12}, "yes"),
        ("TS", {"months": 12}, {"months": 13}, "no"),
        ("TS", {"months": 12}, {}, "person"),
        ("MOR", {"embargo": SPRING}, {"no_publication_before": SPRING}, "yes"),
        ("MOR", {"embargo": SPRING}, {"no_publication_before": date(2027, 3, 31)}, "no"),
        ("MOR", {"embargo": SPRING}, {}, "no"),
        ("MOR", {}, {"no_publication_before": SPRING}, "person"),
        ("US", {"people": frozenset({"li", "wu"})}, {"people": frozenset({"li"})}, "yes"),
        ("US", {"people": frozenset({"li"})}, {"people": frozenset({"li", "wu"})}, "no"),
        ("IS", {"institutions": frozenset({"east"})}, {}, "person"),
        ("PS", {"projects": frozenset({"p1"})}, {"projects": frozenset({"p2"})}, "no"),
        ("GS", {"places": frozenset({"33"})}, {"places": frozenset({"3301"})}, "yes"),
        ("GS", {"places": frozenset({"3301"})}, {"places": frozenset({"33"})}, "no"),
    ],
)
def test_a_modifier_is_judged(code: str, asked: dict, said: dict, answer: str) -> None:
    found = match(Purpose(**(SAY | said)), Conditions(codes=frozenset({"HMB", code}), **asked))
    assert found.answer == answer
    assert {reason.about for reason in found.reasons} == {"HMB", code}


def test_every_modifier_has_a_case() -> None:
    cases = next(mark for mark in test_a_modifier_is_judged.pytestmark if mark.name == "parametrize").args[1]
    assert {case[0] for case in cases} == {one.short for one in codes().values() if one.role == "modifier"}


def test_who_says_nothing_is_not_allowed_anything() -> None:
    silent = Conditions(codes=frozenset())
    assert match(Purpose(), silent).answer == "person"
    assert match(Purpose(kinds=frozenset({"HMB"})), silent).answer == "person"
    assert match(Purpose(), Conditions(codes=frozenset({"HMB"}))).answer == "person"


def test_a_condition_of_profit_is_not_lost_beside_a_permission() -> None:
    company = Purpose(kinds=frozenset({"HMB"}), not_for_profit=False)
    assert match(company, Conditions(codes=frozenset({"HMB", "NPU"}))).answer == "no"
    assert match(company, Conditions(codes=frozenset({"HMB"}), waived=frozenset({"NPU"}))).answer == "yes"


_short = st.sampled_from(sorted(codes()))
_purposes = st.builds(
    Purpose,
    kinds=st.frozensets(st.sampled_from(sorted(kinds()))),
    topics=st.frozensets(st.sampled_from(sorted(topics())), max_size=1),
    not_for_profit=st.none() | st.booleans(),
    non_commercial=st.none() | st.booleans(),
    agreed=st.frozensets(_short),
    months=st.none() | st.integers(1, 40),
    other=st.sampled_from(["", "words"]),
)
_conditions = st.builds(Conditions, codes=st.frozensets(_short), months=st.none() | st.integers(1, 40))
RANK = {"no": 0, "person": 1, "yes": 2}


@given(_purposes, _conditions)
def test_the_whole_is_the_worst_of_its_reasons(purpose: Purpose, conditions: Conditions) -> None:
    found = match(purpose, conditions)
    assert RANK[found.answer] == min(RANK[reason.answer] for reason in found.reasons)
    assert all(reason.why and (reason.next or reason.answer == "yes") for reason in found.reasons)


@given(_purposes, _conditions, _short)
def test_one_more_modifier_never_allows_more(purpose: Purpose, conditions: Conditions, code: str) -> None:
    if codes()[code].role == "permission":
        return
    more = Conditions(codes=conditions.codes | {code}, months=conditions.months)
    if conditions.codes:
        assert RANK[match(purpose, more).answer] <= RANK[match(purpose, conditions).answer]


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(InputError, match="unknown kind 'X'"):
        Purpose(kinds=frozenset({"X"}))
    with pytest.raises(InputError, match="unknown code 'X'"):
        Conditions(codes=frozenset({"X"}))
    with pytest.raises(InputError, match="without being of kind DS"):
        Purpose(diseases=frozenset({"cancer"}))
    with pytest.raises(InputError, match="both ask for NPU and waive it"):
        Conditions(codes=frozenset({"NPU"}), waived=frozenset({"NPU"}))
