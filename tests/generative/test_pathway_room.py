"""Rules that are refused for want of room are held against every way in which steps can stand on a few days."""

import re
from itertools import combinations, product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.apps.contract import PackError
from isthmus.apps.contract.documents import Faults
from isthmus.apps.pathways.pack import ANCHOR, MANY, Leg, Pick, Rule
from isthmus.apps.pathways.room import Ground, check_room
from isthmus.apps.pathways.window import EVER, Window

LOOKS = Window(-1, 3)
STEPS = (1, 2)
NAMES = {1: "a", 2: "b"}
DAYS = range(LOOKS.low, LOOKS.high + 1)
SETS = [frozenset(chosen) for size in range(len(DAYS) + 1) for chosen in combinations(DAYS, size)]
PICKS: tuple[Pick, ...] = ("every", "first", "last")
REFUSED = re.compile(r"rule (\d+): ")


def _rule(draw: Random, number: int) -> Rule:
    of = draw.choice([(ANCHOR,), (1,), (2,), (1, 2)])
    low, high = sorted(draw.choice([-EVER, *range(-4, 5), EVER]) for _ in range(2))
    least, most = draw.choice([(1, MANY), (1, MANY), (0, 0)])
    leg = Leg(of, draw.choice(PICKS), draw.choice([(1,), (2,), (1, 2)]), Window(low, high), least, most)
    return Rule(
        str(number), number, {}, "within", (leg,), (), None, None, (None, None), "", {}, "strong", (), (), f"x:{number}"
    )


def _around(leg: Leg, stands: dict[int, frozenset[int]]) -> list[int]:
    if leg.of == (ANCHOR,):
        return [0]
    days = sorted({day for step in leg.of for day in stands[step]})
    return days if leg.pick == "every" else days[:1] if leg.pick == "first" else days[-1:]


def _met(leg: Leg, stands: dict[int, frozenset[int]]) -> bool:
    for day in _around(leg, stands):
        found = {one for step in leg.to for one in stands[step] if leg.window.low <= one - day <= leg.window.high}
        if not leg.least <= len(found) <= leg.most:
            return False
    return True


@given(st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_what_is_refused_can_be_met_by_no_patient(draw: Random) -> None:
    rules = {str(number): _rule(draw, number) for number in range(1, draw.randint(2, 4))}
    faults = Faults()
    check_room(rules, Ground(LOOKS, NAMES, {"a": (1,), "b": (2,)}), faults)
    try:
        faults.tell()
    except PackError as error:
        refused = [rules[name].legs[0] for name in REFUSED.findall(str(error))]
    else:
        return
    legs = [rule.legs[0] for rule in rules.values()]
    for days in product(SETS, repeat=len(STEPS)):
        stands = dict(zip(STEPS, days, strict=True))
        if all(_met(leg, stands) for leg in legs):
            assert not any(_around(leg, stands) for leg in refused), (stands, refused)


def test_it_refuses_and_does_not_refuse() -> None:
    """So that the comparison is of something: of random rules some are refused, and many are not."""
    counted = {True: 0, False: 0}
    for seed in range(200):
        draw, faults = Random(seed), Faults()
        rules = {str(number): _rule(draw, number) for number in (1, 2)}
        check_room(rules, Ground(LOOKS, NAMES, {"a": (1,), "b": (2,)}), faults)
        try:
            faults.tell()
            counted[False] += 1
        except PackError:
            counted[True] += 1
    assert counted[True] > 20
    assert counted[False] > 60
