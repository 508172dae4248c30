"""Packs as they are written, and what is said of wrong ones: file, line, item, cause and mend, one test a fault."""

from typing import Any

import pytest

from isthmus.apps.contract import InputError, PackError
from isthmus.apps.pathways.reader import load, read, shipped
from isthmus.apps.pathways.window import EVER, Window, window
from lib.pathways import HEAD, NAMES, document, pack

GOOD: dict[str, Any] = {"of a": {"exists": "a"}}


def _fault(rules: dict[str, Any], **head: Any) -> str:
    with pytest.raises(PackError) as met:
        pack(rules, **head)
    return str(met.value)


def _line(text: bytes, part: str) -> int:
    """The line, from 1, on which something stands."""
    return 1 + next(at for at, line in enumerate(text.decode().splitlines()) if line.strip().startswith(part))


@pytest.mark.parametrize("name", shipped())
def test_every_pack_that_comes_along_is_read(name: str) -> None:
    found = load(name)
    assert found.name == name
    assert all(rule.source in found.sources for rule in found.rules.values())
    assert all(one.names["zh"] != one.names["en"] for one in (*found.steps.values(), *found.rules.values()))


def test_an_unknown_pack_is_told_with_those_that_come_along() -> None:
    with pytest.raises(InputError, match=r"Those that come along: .*liver"):
        load("liverish")


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("28 before to that day", -28, 0), ("1 after to 60 after", 1, 60), ("any time before to 1 before", -EVER, -1),
        ("that day to any time after", 0, EVER),
    ],
)  # fmt: skip
def test_a_window_is_days_around_a_day(text: str, low: int, high: int) -> None:
    assert window(text) == Window(low, high)
    assert Window(low, high).text == text


def test_a_fault_names_file_line_item_cause_and_mend() -> None:
    text = document({"of a": {"exists": "d"}})
    with pytest.raises(PackError) as met:
        read(text, file="mine.yaml")
    said = str(met.value)
    assert said.startswith(f"mine.yaml:{_line(text, 'exists: d')}: rule of a: there is no step 'd'.")
    assert "Write one of: a, b, c" in said


def test_all_faults_are_told_at_once() -> None:
    said = _fault({"one": {"exists": "x"}, "two": {"exists": "y"}})
    assert "'x'" in said
    assert "'y'" in said


RULES = [
    ({"response": "a"}, "response needs a step to look around"),
    ({"exists": "a", "absent": "b"}, "is exists and absent together"),
    ({"of": "a"}, "is of no family"),
    ({"within": "a", "of": "b"}, "within which days is not said"),
    ({"exists": "a", "window": "soon"}, "'soon' is no window"),
    ({"exists": "a", "window": "9 after to 2 after"}, "impossible window: it ends before it begins"),
    ({"exists": "a", "window": "that day to 40000 after"}, "impossible window: nobody is seen for over"),
    ({"exists": "a", "window": "300 after to 400 after"}, "impossible window: the pathway looks only from"),
    ({"exists": "a", "window": "that day to 300 after"}, "200 after, and some of these days lie outside"),
    ({"absent": "a", "window": "90 before to 30 after"}, "60 before to 200 after, and some of these days lie outside"),
    ({"within": "b", "of": "a", "window": "9 after to 300 after"}, "and no two of its days lie so far apart"),
    ({"precedence": "b", "of": "a", "window": "400 before to 300 before"}, "no two of its days lie so far apart"),
    ({"exactly": "a", "times": 262}, "261 can be told there"),
    ({"exactly": "a", "times": 202, "window": "that day to any time after"}, "201 can be told there"),
    ({"exactly": "a", "of": "b", "times": 262}, "261 can be told there"),
    ({"exists": []}, "`exists` names no step"),
    ({"exists": "a", "reasons": []}, "`reasons` names none"),
    ({"exists": "a", "records": []}, "`records` names none"),
    ({"exists": "a", "when": {"size": "above " + "9" * 400}}, "compares nothing"),
    ({"exists": "a", "of": []}, "`of` names no step"),
    ({"exists": "a", "when": {"stage": []}}, "no code of stage is named. Known: early, late"),
    ({"exists": "a", "when": {"done": []}}, "`done` names no step"),
    ({"absent": "a", "of": "a"}, "forbids the very days that it looks around: nobody can meet it"),
    ({"within": "a or b", "of": "a", "window": "that day to 9 after"}, "there is no step 'a or b'"),
    ({"within": "a", "of": "a", "window": "that day to 9 after"}, "met by the very days that it looks around"),
    ({"exists": "a", "when": {"size": "9 to 5"}}, "no size is 9 to 5. Write the smaller first"),
    ({"exists": "a", "when": {"size": "at most 5"}, "unless": {"size": "at most 9"}}, "something and its opposite"),
    ({"exists": "a", "when": {"done": "b", "not done": "b or c"}}, "something and its opposite: it never holds"),
    ({"response": "a", "of": "b", "window": "9 before to that day"}, "impossible window: a response comes after"),
    ({"precedence": "a", "of": "b", "window": "that day to 9 after"}, "impossible window: a precedence comes before"),
    ({"exactly": "a"}, "how often is not said"),
    ({"between": "a", "times": "3 to 1"}, "3 to 1 times cannot be"),
    ({"exists": "a", "each": "second"}, "'second' picks no day"),
    ({"exists": "a", "when": {"grade": "x"}}, "there is no fact 'grade'"),
    ({"exists": "a", "when": {"stage": "middle"}}, "the fact stage is never 'middle'"),
    ({"exists": "a", "when": {"size": "big"}}, "'big' compares nothing"),
    ({"exists": "a", "when": {"done": "z"}}, "there is no step 'z'"),
    ({"exists": "a", "followed": -1}, "'-1' is no number of days"),
    ({"exists": "a", "valid": "always"}, "'always' is no period"),
    ({"exists": "a", "valid": "2024-01-01 to 2023-01-01"}, "the period ends before it begins"),
    ({"exists": "a", "source": "them"}, "there is no source 'them'"),
    ({"exists": "a", "strength": "huge"}, "'huge' is no strength"),
    ({"exists": "a", "reasons": ["rain"]}, "there is no reason 'rain'"),
    ({"exists": "a", "records": "rain"}, "there is no kind of record 'rain'"),
    ({"exists": "a", "zh": ""}, "has no name in zh"),
    ({"exists": "a", "windows": "that day to 9 after"}, "has no 'windows'"),
    ({"first": "a", "among": ["a"]}, "there is nothing to be first of"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "said"), RULES, ids=[said for _, said in RULES])
def test_a_wrong_rule_is_refused(rule: dict[str, Any], said: str) -> None:
    told = _fault({"wrong": rule})
    assert said in told
    assert told.startswith("small.yaml:")


PARTS = [
    ({"concepts": HEAD["concepts"] | {"a": ["x1"]}}, "concept set a: 'x1' is no concept"),
    ({"concepts": HEAD["concepts"] | {"a": []}}, "concept set a is empty"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"procedure": "q"}}}, "step a: there is no concept set 'q'"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"procedure": "a", "drug": "b"}}}, "says drug and procedure together"),
    ({"steps": HEAD["steps"] | {"a": NAMES}}, "step a says no event"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"item": "afp"}}}, "item 'afp' is asked for, but the population is no"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"procedure": "a", "records": "x"}}}, "there is no kind of record 'x'"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"condition": "a", "value": [1]}}}, "a condition has no value"),
    ({"steps": HEAD["steps"] | {"b or c": NAMES | {"any of": ["a", "b or c"]}}}, "b or c → b or c is a cycle"),
    ({"steps": HEAD["steps"] | {"b or c": NAMES | {"any of": ["b", "x"]}}}, "step b or c: there is no step 'x'"),
    ({"facts": {"stage": NAMES}}, "fact stage says not where it comes from"),
    ({"facts": {"stage": NAMES | {"from": [{"observation": "stage"}]}}}, "fact stage: no codes are said"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"procedure": "a", "apart": 261}}}, "it could never come again"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"measurement": "size", "number": "9 to 3"}}}, "no number is 9 to 3"),
    ({"steps": HEAD["steps"] | {"b or c": NAMES | {"any of": ["b", "c"], "apart": 9}}}, "step b or c has no 'apart'"),
    ({"steps": HEAD["steps"] | {"b or c": NAMES | {"any of": ["b"], "drug": "a"}}}, "step b or c has no 'drug'"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"from": [{"drug": "a"}], "drug": "b"}}}, "step a has no 'drug'"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"from": [{"drug": "a", "apart": 9}]}}}, "step a has no 'apart'"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"from": []}}}, "step a is from nothing"),
    ({"population": HEAD["population"] | {"registry": "liver"}}, "the population is a registry, and has 'enter'"),
    ({"records": {"of b": NAMES | {"procedure": "b", "at least": True}}}, "'True' is no number of days"),
    ({"records": {"of b": NAMES | {"procedure": "b", "at least": 0}}}, "at least 0 are delivered by everybody"),
    ({"steps": HEAD["steps"] | {"a": NAMES | {"observation": "stage", "value": []}}}, "`value` lists nothing"),
    ({"records": {"of b": NAMES | {"procedure": "b", "after": 201}}}, "only those 201 days after the beginning count"),
    ({"anchor": "x"}, "the pathway begins with 'x', which is no step"),
    ({"ends": "never"}, "the pathway cannot end 'never'"),
    ({"hospital": "ward"}, "'ward' is no hospital"),
    ({"looks": "always"}, "'always' is no window"),
    ({"sources": {"us": {"title": "ours"}}}, "source us has no `checked`"),
    ({"stepz": {}}, "a pathway has no 'stepz'"),
    ({"title": {"en": "only"}}, "the pathway has no name in zh"),
]  # fmt: skip


@pytest.mark.parametrize(("head", "said"), PARTS, ids=[said for _, said in PARTS])
def test_a_wrong_part_is_refused(head: dict[str, Any], said: str) -> None:
    told = _fault(GOOD, **head)
    assert said in told
    assert told.startswith("small.yaml:")


@pytest.mark.parametrize(
    "rules",
    [
        {"do": {"exists": "b"}, "never": {"absent": "b or c"}},
        {"do": {"response": "b", "of": "a", "window": "1 after to 9 after"},
         "never": {"within": "b", "of": "a", "window": "that day to 30 after", "times": "0"}},
        {"do": {"between": "b", "times": "3 to 4"}, "never": {"between": "b", "times": "0 to 2"}},
        {"do": {"exists": "b", "when": {"stage": ["early"]}}, "never": {"absent": "b", "when": {"size": "at least 3"}}},
    ],
)  # fmt: skip
def test_rules_that_contradict_each_other_are_refused(rules: dict[str, Any]) -> None:
    text = document(rules)
    with pytest.raises(PackError) as met:
        read(text, file="mine.yaml")
    assert "rule never contradicts rule do (mine.yaml:" in str(met.value)
    assert f"mine.yaml:{_line(text, 'never:') + 1}" in str(met.value)


@pytest.mark.parametrize(
    "rules",
    [
        {"do": {"exists": "b", "when": {"stage": "early"}}, "never": {"absent": "b", "when": {"stage": "late"}}},
        {"do": {"exists": "b", "when": {"stage": "early"}}, "never": {"absent": "b", "unless": {"stage": "early"}}},
        {"do": {"exists": "b", "when": {"size": "below 3"}}, "never": {"absent": "b", "when": {"size": "at least 3"}}},
        {"do": {"exists": "b", "when": {"done": "a"}}, "never": {"absent": "b", "when": {"not done": "a"}}},
        {"do": {"exists": "b", "valid": "open to 2023-12-31"}, "never": {"absent": "b", "valid": "2024-01-01 to open"}},
        {"do": {"exists": "b"}, "never": {"absent": "b", "window": "that day to 9 after"}},
        {"do": {"exists": "b or c"}, "never": {"absent": "b"}},
    ],
)  # fmt: skip
def test_rules_for_different_patients_or_days_do_not_contradict(rules: dict[str, Any]) -> None:
    assert len(pack(rules).rules) == 2


@pytest.mark.parametrize(
    ("rules", "ring"),
    [
        ({"one": {"response": "b", "of": "a", "window": "1 after to 9 after"},
          "two": {"response": "a", "of": "b", "window": "1 after to 9 after"}}, "a → b → a is a cycle"),
        ({"one": {"precedence": "b", "of": "a", "window": "9 before to 1 before"},
          "two": {"precedence": "c", "of": "b", "window": "9 before to 1 before"},
          "three": {"precedence": "a", "of": "c", "window": "9 before to 1 before"}}, "a → b → c → a is a cycle"),
        ({"one": {"response": "a", "of": "a", "window": "1 after to 9 after"}}, "a → a is a cycle"),
        ({"one": {"response": "b", "of": "a", "window": "1 after to 9 after"},  # a way that leads into a ring
          "two": {"response": "c", "of": "b", "window": "1 after to 9 after"},
          "three": {"response": "b", "of": "c", "window": "1 after to 9 after"}}, "b → c → b is a cycle"),
    ],
)  # fmt: skip
def test_steps_that_wait_for_each_other_without_end_are_refused(rules: dict[str, Any], ring: str) -> None:
    assert ring in _fault(rules)


@pytest.mark.parametrize(
    "rules",
    [
        {"one": {"response": "b", "of": "a", "window": "1 after to 9 after"},
         "two": {"precedence": "a", "of": "b", "window": "9 before to 1 before"}},
        {"one": {"response": "b", "of": "a", "window": "1 after to 9 after", "each": "first"},
         "two": {"response": "a", "of": "b", "window": "1 after to 9 after"}},
        {"one": {"response": "b", "of": "a"}, "two": {"response": "a", "of": "b"}},
        {"one": {"response": ["b", "c"], "of": "a", "window": "1 after to 9 after"},
         "two": {"response": "a", "of": "b", "window": "1 after to 9 after"}},
    ],
)  # fmt: skip
def test_steps_that_come_to_rest_are_no_cycle(rules: dict[str, Any]) -> None:
    assert len(pack(rules).rules) == 2


def test_demands_that_each_fit_and_together_do_not_are_refused() -> None:
    rules = {
        "one": {"exactly": "a", "times": 2, "window": "that day to 5 after"},
        "two": {"exactly": "a", "times": 2, "window": "6 after to 10 after"},
        "limit": {"between": "a", "times": "0 to 3", "window": "that day to 10 after"},
    }
    assert "rule limit contradicts the rules one (small.yaml:" in _fault(rules)
    assert "they ask for 4 days, and it allows 3" in _fault(rules)
    rules["limit"]["times"] = "0 to 4"
    assert len(pack(rules).rules) == 3


ROOM = [
    ("a day that another rule takes to the time before the pathway",
     {"it": {"exists": "b", "window": "that day to 5 after"},
      "other": {"precedence": "a", "of": "b", "window": "100 before to 80 before"}}),
    ("a day that another rule takes to the time after it",
     {"it": {"exists": "b", "window": "190 after to 200 after"},
      "other": {"response": "a", "of": "b", "window": "20 after to 30 after"}}),
    ("a way that is longer than the pathway",
     {"it": {"precedence": "b", "of": "a", "window": "200 before to 150 before"},
      "other": {"precedence": "c", "of": "b", "window": "200 before to 150 before"}}),
    ("what is forbidden in pieces",
     {"it": {"exists": "a", "window": "that day to 10 after"},
      "one": {"absent": "a", "window": "that day to 5 after"}, "other": {"absent": "a", "window": "6 after to 9 after"},
      "last": {"absent": "a", "window": "10 after to 20 after"}}),
    ("what is to follow where it is forbidden",
     {"it": {"exists": "a", "window": "that day to 10 after"},
      "other": {"response": "b", "of": "a", "window": "1 after to 5 after"},
      "last": {"absent": "b", "window": "that day to 30 after"}}),
    ("what is asked of those to whom it was not done",
     {"it": {"exists": "b or c", "window": "that day to 10 after", "when": {"not done": ["b", "c"]}},
      "other": {"exists": "a"}}),
]  # fmt: skip


@pytest.mark.parametrize("rules", [rules for _, rules in ROOM], ids=[name for name, _ in ROOM])
def test_a_rule_to_which_the_others_leave_no_day_is_refused(rules: dict[str, Any]) -> None:
    text = document(rules)
    with pytest.raises(PackError, match=rf"small\.yaml:{_line(text, 'it:') + 1}: rule it: .* is an impossible window"):
        read(text, file="small.yaml")


@pytest.mark.parametrize(
    "rules",
    [
        {"it": {"exists": "a", "window": "60 before to 200 after"}},
        {"it": {"within": "b", "of": "a", "window": "260 before to 260 after"}},
        {"it": {"exactly": "a", "times": 261}},
        {"it": {"exists": "b", "window": "that day to 5 after"},
         "other": {"precedence": "a", "of": "b", "window": "100 before to 60 before"}},
        {"it": {"exists": "b", "window": "that day to 5 after", "when": {"stage": "early"}},
         "other": {"precedence": "a", "of": "b", "window": "100 before to 80 before", "when": {"stage": "late"}}},
        {"it": {"exists": "b", "window": "that day to 5 after", "valid": "open to 2023-12-31"},
         "other": {"precedence": "a", "of": "b", "window": "100 before to 80 before", "valid": "2024-01-01 to open"}},
        {"it": {"exists": "b or c", "window": "that day to 5 after"},
         "other": {"precedence": "a", "of": "b", "window": "100 before to 80 before"}},
        {"it": {"exists": "a", "window": "that day to 10 after"},
         "one": {"absent": "a", "window": "that day to 5 after"},
         "other": {"absent": "a", "window": "7 after to 20 after"}},
    ],
)  # fmt: skip
def test_a_rule_to_which_a_day_is_left_is_read(rules: dict[str, Any]) -> None:
    assert pack(rules).rules.keys() == rules.keys()


def test_a_registry_has_the_items_that_are_asked_for() -> None:
    population = {"population": {"registry": "liver"}}
    steps = HEAD["steps"] | {"a": NAMES | {"item": "surgery_date"}}
    assert pack(GOOD, **population, steps=steps).registry is not None
    steps = HEAD["steps"] | {"a": NAMES | {"item": "surgery_dat"}}
    assert "the registry liver has no item 'surgery_dat'" in _fault(GOOD, **population, steps=steps)
    facts = {"stage": NAMES | {"from": [{"item": "cnlc", "value": ["V"], "codes": {"x": ["Ia"]}}]}}
    assert "item cnlc is never 'V'" in _fault(GOOD, **population, facts=facts)


def test_what_is_no_yaml_is_told_with_its_line() -> None:
    with pytest.raises(PackError, match=r"mine\.yaml:2"):
        read(b"pathway: x\n  steps: [", file="mine.yaml")
    with pytest.raises(PackError, match="`steps:` is missing"):
        read(b"pathway: x\n", file="mine.yaml")
