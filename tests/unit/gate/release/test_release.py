"""The airlock: counts, the check of a file, and the people who look at it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.release.check import File, check, dominated, thin
from isthmus.gate.release.counts import HIDDEN, REDACTED, interval, midpoint, shown, totals
from isthmus.gate.release.request import BECOMES, Event, fold
from isthmus.gate.release.rules import rules

RULES = rules()
TABLE = File(
    path="ages.csv",
    size=200,
    context="Patients with liver cancer by age, 2020 to 2025",
    columns={"age": ["21-30", "31-40", "41-50", "all"], "patients": [REDACTED, "10", "25", "35"]},
    counts=frozenset({"patients"}),
    totals=(3,),
)


def _answers(**changes: object) -> dict[str, str]:
    fields = {name: getattr(TABLE, name) for name in TABLE.__slots__} | changes
    return {finding.check: finding.answer for finding in check(File(**fields), RULES).findings}


def test_the_worked_example_of_opensafely() -> None:
    disease = shown(np.array([3, 8, 16, 23]), RULES)
    assert disease.tolist() == [HIDDEN, 10, 15, 25]
    assert totals(disease) == 50
    people = shown(np.array([18, 23, 31, 44]), RULES)
    # They print 45 for 44 and a total of 120.
    assert people.tolist() == [20, 25, 30, 45]
    assert totals(people) == 120


def test_midpoint_six_as_opensafely_has_it() -> None:
    assert midpoint(np.array([0, 1, 6, 7, 12, 13, 18])).tolist() == [0, 3, 3, 9, 9, 15, 15]


@given(st.integers(0, 400), st.sampled_from(["default", "acro"]))
def test_a_shown_count_stands_for_all_counts_that_are_shown_so(count: int, name: str) -> None:
    chosen = rules(name)
    value = int(shown(np.array([count]), chosen)[0])
    low, high = interval(value, chosen)
    same = [one for one in range(500) if int(shown(np.array([one]), chosen)[0]) == value]
    assert (low, high) == (min(same), max(same))
    assert same == list(range(low, high + 1))
    assert value == HIDDEN or value == 0 or high > chosen.hide


def test_a_table_that_follows_the_rules_passes() -> None:
    assert check(TABLE, RULES).answer == "pass"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"columns": {"patients": [REDACTED, "12", "25", "37"]}}, ("rounding", "fail")),
        ({"columns": {"patients": ["5", "10", "25", "40"]}}, ("small", "fail")),
        ({"columns": {"patients": [REDACTED, "10", "25", "40"]}}, ("totals", "fail")),
        ({"columns": {"patients": ["0", "10", "25", "35"]}}, ("zero", "review")),
        ({"columns": {"patients": ["few", "10", "25", "35"]}}, ("counts", "fail")),
        ({"columns": {"patients": ["-5", "10", "25", "30"]}}, ("counts", "fail")),
        ({"columns": {"other": ["a"]}}, ("counts", "fail")),
        ({"path": "ages.html"}, ("type", "fail")),
        ({"path": "ages"}, ("type", "fail")),
        ({"size": 16_000_001}, ("size", "fail")),
        ({"context": " "}, ("context", "fail")),
        ({"path": "ages.png", "columns": {}, "counts": frozenset()}, ("eyes", "review")),
        ({"columns": {"a": ["x"] * 5001}, "counts": frozenset()}, ("rows", "fail")),
        ({"columns": TABLE.columns | {"person_id": ["1"]}}, ("column", "fail")),
        ({"columns": TABLE.columns | {"max_age": ["91"]}}, ("extreme", "review")),
        ({"columns": TABLE.columns | {"mean_age": ["51.2"]}}, ("number", "review")),
        ({"columns": TABLE.columns | {"rate": ["0.1"] * 4}, "derived": {"rate": ["patients"]}}, ("derived", "fail")),
        ({"columns": TABLE.columns | {"rate": ["0.1"] * 4}, "derived": {"rate": ["visits"]}}, ("derived", "fail")),
    ],
)
def test_what_breaks_a_rule_is_found(changes: dict[str, object], found: tuple[str, str]) -> None:
    answers = _answers(**changes)
    assert answers.get(found[0]) == found[1], answers


def test_a_rate_over_a_hidden_count_is_hidden_too() -> None:
    columns = TABLE.columns | {"rate": [REDACTED, "0.1", "0.2", "0.2"]}
    assert _answers(columns=columns, derived={"rate": ["patients"]}) == {}


def test_no_finding_quotes_a_value() -> None:
    columns = {"patients": ["3", "12", "25", "41"]}
    said = " ".join(one.why for one in check(File(path="x.csv", size=1, context="x", columns=columns), RULES).findings)
    assert "12" not in said
    assert "41" not in said


def test_groups_in_which_few_give_most_are_found() -> None:
    group = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2])
    value = np.array([95.0, 3, 2, 10, 11, 12, 13, 5, -1, 4, np.nan])
    assert dominated(group, value, RULES) == (frozenset({0, 2}), frozenset({0, 2}))
    assert thin(np.array([0, 1, 7, 8]), RULES).tolist() == [False, True, True, False]
    assert thin(np.array([0, 1, 9, 10]), rules("acro")).tolist() == [True, True, True, False]


PUT = Event(act="put", by="ann", path="ages.csv", content="h1", machine="pass")
SUBMIT = Event(act="submit", by="ann")


def _says(by: str, said: str = "approve", reason: str = "") -> Event:
    return Event(act="say", by=by, path="ages.csv", said=said, reason=reason)  # type: ignore[arg-type]


LOOKED = [PUT, SUBMIT, _says("cai"), _says("dan")]


def test_two_checkers_let_a_file_leave() -> None:
    events = [PUT, SUBMIT, _says("cai"), _says("dan"), Event(act="approve", by="cai"), Event(act="release", by="dan")]
    assert fold({"ann", "bo"}, events, RULES).state == "released"


def test_a_changed_file_is_looked_at_again() -> None:
    back = Event(act="return", by="cai", reason="rounding")
    again = [PUT, SUBMIT, _says("cai"), _says("dan"), back, PUT, SUBMIT]
    request = fold({"ann"}, again, RULES)
    assert request.state == "submitted"
    assert request.approvals("ages.csv") == 0


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([PUT, SUBMIT, _says("ann")], "ann is one of the people of the grant"),
        ([PUT, SUBMIT, _says("bo")], "bo is one of the people of the grant"),
        ([PUT, SUBMIT, _says("cai"), Event(act="approve", by="cai")], "2 checkers have to approve"),
        ([PUT, SUBMIT, _says("cai"), _says("cai"), Event(act="approve", by="cai")], "2 checkers have to approve"),
        ([*LOOKED, _says("eva", "change", "small"), Event(act="approve", by="cai")], "no one may object"),
        ([PUT, SUBMIT, _says("cai", "change")], "Add a reason"),
        ([PUT, SUBMIT, PUT], "the request is submitted"),
        ([SUBMIT], "there is no file"),
        ([Event(act="put", by="zoe", path="x.csv")], "zoe is not one of the people"),
        ([Event(act="put", by="ann", path="x.csv", machine="fail"), SUBMIT], "found faults in x.csv"),
        ([PUT, SUBMIT, Event(act="release", by="cai")], "allows no 'release'"),
        ([PUT, SUBMIT, Event(act="reject", by="cai")], "Add a reason"),
        ([PUT, Event(act="withdraw", by="bo")], "Its author withdraws it"),
        ([Event(act="burn", by="ann")], "there is no act 'burn'"),
    ],
)  # fmt: skip
def test_a_refused_step_says_why(events: list[Event], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        fold({"ann", "bo"}, events, RULES)


def test_what_has_ended_stays_so() -> None:
    final = {
        "released": [*LOOKED, Event(act="approve", by="cai"), Event(act="release", by="dan")],
        "rejected": [PUT, SUBMIT, Event(act="reject", by="cai", reason="why")],
        "withdrawn": [PUT, Event(act="withdraw", by="ann")],
    }  # fmt: skip
    for state, events in final.items():
        assert fold({"ann"}, events, RULES).state == state
        for act in [*BECOMES, "put", "say"]:
            for by in ("ann", "cai"):
                with pytest.raises(RefusedError):
                    fold({"ann"}, [*events, Event(act=act, by=by, path="ages.csv", reason="why")], RULES)


def test_rules_that_do_not_exist_are_said() -> None:
    with pytest.raises(InputError, match="there are no release rules 'x'; known are default, acro"):
        rules("x")
