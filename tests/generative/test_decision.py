"""The decision on a request, and the rows that come of it, beside another evaluator that shares no code."""

import json
from dataclasses import replace
from datetime import timedelta
from random import Random

import cedarpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.gate.grade.decision import Refused, decide
from lib import rowed, rulings


def test_two_thousand_decisions_and_their_rows_are_those_of_another_evaluator() -> None:
    tally = rowed.held(2_000, seed=20270104, looked=0.25)
    assert min(tally.outcomes.values()) > 2_000 / 5
    assert tally.rows > 300


@pytest.mark.prove
def test_a_hundred_thousand_decisions_and_their_rows_are_those_of_another_evaluator() -> None:
    tally = rowed.held(100_000, seed=20270105)
    print(f"\n{dict(tally.outcomes)}; {tally.asked} tables asked, {tally.rows} rows, {tally.cells} cells")  # noqa: T201
    assert min(tally.outcomes.values()) > 100_000 / 5
    assert tally.rows > 100_000


def test_an_error_of_the_other_evaluator_is_a_refusal() -> None:
    grant, request = rulings.pair(Random(1))
    held = rulings.entity(0, grant)
    del held["attrs"]["suspended"]
    (answer,) = cedarpy.is_authorized_batch([rulings.question(0, grant, request)], rulings.POLICIES, json.dumps([held]))
    assert answer.diagnostics.errors, "the trap: Cedar skips the rule that forbids, and may allow"


@given(st.integers(0, 2**32), st.sampled_from(["revoked", "person", "kind", "late", "early", "none"]))
def test_what_is_not_granted_reads_nothing(seed: int, how: str) -> None:
    grant, request = rulings.pair(Random(seed))
    changed = {
        "revoked": (replace(grant, revoked=True), request),
        "person": (grant, replace(request, person="zoe")),
        "kind": (grant, replace(request, kind="CC")),
        "late": (grant, replace(request, at=grant.until)),
        "early": (grant, replace(request, at=grant.start - timedelta(microseconds=1))),
        "none": (None, request),
    }
    found = decide(*changed[how])
    assert isinstance(found, Refused)
    assert found.why
    assert found.next
