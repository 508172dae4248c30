"""Pathways against a reading of their rules day by day, on random patients and random rules of every family."""

from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from isthmus.apps.contract import PackError
from isthmus.apps.pathways.evaluate import evaluate
from isthmus.apps.pathways.statements import CAUSES, STATES
from lib import cdm, pathways
from lib.pathways import FAMILIES, Oracle, Patient

SITES = ("h1", "h2")
COUNTED = ("exists", "absent", "exactly", "between")
PAIRED = ("response", "precedence", "succession", "responded", "within")


def _patients(draw: Random) -> list[Patient]:
    found = []
    for person in range(1, draw.randint(2, 6)):
        ill = draw.randint(0, 40)
        done = [
            (ill + draw.choice([*range(-8, 20), -70, 60, 120, 210]), draw.choice([31, 32, 33]), draw.choice(SITES))
            for _ in range(draw.randint(0, 7))
        ]
        told: list[tuple[int, int, float | None]] = [
            (ill + draw.choice([-40, -3, 0, 2, 3, 60]), draw.choice([22, 23]), None) for _ in range(draw.randint(0, 2))
        ]
        told += [(ill + draw.randint(-3, 3), 0, float(draw.randint(1, 6))) for _ in range(draw.randint(0, 1))]
        found.append(
            Patient(
                person, ill, (ill - draw.choice([0, 5, 100]), ill + draw.choice([0, 4, 12, 300])),
                draw.choice([None, None, ill + draw.randint(0, 30)]), draw.choice(SITES), done, told,
            )
        )  # fmt: skip
    return found


def _rule(draw: Random) -> dict[str, Any]:
    family = draw.choice(FAMILIES)
    names = ["a", "b", "c", "b or c"]
    rule: dict[str, Any] = {family: draw.choice(names)}
    if family in PAIRED or (family in COUNTED and draw.random() < 0.3):
        rule["of"] = draw.choice(names)
    if family in ("exactly", "between") or (family in ("response", "within") and draw.random() < 0.3):
        least = draw.randint(0, 2)
        rule["times"] = draw.choice([str(least), f"{least} to {least + draw.randint(0, 2)}"])
    if family not in ("first", "last", "responded") and (family == "within" or draw.random() < 0.7):
        rule["window"] = _window(draw, family)
    return rule | _more(draw)


def _more(draw: Random) -> dict[str, Any]:
    """What every family may say beside."""
    rule: dict[str, Any] = {}
    if draw.random() < 0.4:
        rule["each"] = draw.choice(["every", "first", "last"])
    if draw.random() < 0.3:
        rule["followed"] = draw.choice([0, 5, 90])
    if draw.random() < 0.3:
        rule["seen before"] = draw.choice([0, 5, 90])
    if draw.random() < 0.3:
        rule["valid"] = draw.choice(["2020-01-10 to open", "open to 2020-01-20"])
    for key in ("when", "unless"):
        if draw.random() < 0.3:
            rule[key] = draw.choice(
                [{"stage": ["early"]}, {"stage": "late"}, {"size": "at least 3"}, {"done": "b"}, {"not done": "b or c"}]
            )
    return rule


def _window(draw: Random, family: str) -> str:
    low, high = sorted((draw.randint(-20, 20), draw.randint(-20, 20)))
    if family in ("response", "succession"):
        low, high = sorted((abs(low), abs(high)))
    if family == "precedence":
        low, high = sorted((-abs(low), -abs(high)))
    first = "any time before" if family not in ("response", "succession") and draw.random() < 0.1 else _told(low)
    return f"{first} to {'any time after' if family != 'precedence' and draw.random() < 0.1 else _told(high)}"


def _told(days: int) -> str:
    return "that day" if days == 0 else f"{abs(days)} {'before' if days < 0 else 'after'}"


# Worlds are drawn from one number, which has no smaller form worth searching for.
@settings(
    max_examples=15, deadline=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(seed=st.integers(0, 10**9))
def test_every_rule_means_for_every_patient_what_its_text_says(seed: int, tmp_path: Path) -> None:
    draw = Random(seed)
    patients = _patients(draw)
    rules = {}
    for number in range(6):  # rules that cannot hold together are refused, so that each is read alone first
        rule = _rule(draw)
        try:
            pathways.pack(rules | {f"rule {number}": rule})
        except PackError:
            continue
        rules[f"rule {number}"] = rule
    if not rules:
        return
    made = pathways.pack(rules)
    with cdm.desk(tmp_path, pathways.tables(patients)) as desk:
        results = evaluate(desk, made).results.to_pylist()
    names = {one.number: one.name for one in made.rules.values()}
    found = {
        (row["person_id"], names[row["rule"]]): (STATES[row["state"]], CAUSES[row["cause"]]) for row in results
    }  # fmt: skip
    oracle = Oracle(patients)
    expected = {
        (one.person, name): oracle.judged(one, rule) for one in patients for name, rule in rules.items()
    }  # fmt: skip
    assert found == expected
