"""Conditions that are said never to hold are worked out over random values: none of them does."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.research.expression import parse
from isthmus.research.expression.holding import Limits, can_hold, idle
from isthmus.research.expression.value import working

LIMITS = Limits(
    formulas={"twice": parse("2 * a", "here").node, "ill": parse("a > 3 and t", "here").node},
    spans={"a": (0, 5), "b": (-3, 2)},
    among={"s": ("x", "y"), "f": (False,)},
    implied={"t": ("u",)},
)


def _number(draw: Random, deep: int) -> str:
    if deep and draw.random() < 0.4:
        one, other = _number(draw, deep - 1), _number(draw, deep - 1)
        return draw.choice(
            [f"({one} + {other})", f"({one} - {other})", f"({one} * {other})", f"({one} / {other})", f"abs({one})",
             f"least({one}, {other})", f"greatest({one}, {other})", f"coalesce({one}, {other})", f"round({one})",
             f"highest({one}, {other})", f"case when {_truth(draw, deep - 1)} then {one} else {other} end"]
        )  # fmt: skip
    return draw.choice(["a", "b", "twice", str(draw.randint(-4, 12)), str(draw.randint(0, 9) / 2)])


def _truth(draw: Random, deep: int) -> str:
    if deep and draw.random() < 0.6:
        one, other = _truth(draw, deep - 1), _truth(draw, deep - 1)
        return draw.choice(
            [f"({one} and {other})", f"({one} and {other})", f"({one} or {other})", f"not ({one})",
             f"coalesce({one}, {other})", f"case when {one} then {other} else {_truth(draw, deep - 1)} end"]
        )  # fmt: skip
    sign = draw.choice(["<", "<=", ">", ">=", "=", "<>"])
    return draw.choice(
        [f"{_number(draw, deep)} {sign} {_number(draw, deep)}", f"a {sign} {draw.randint(-2, 7)}", "t", "u", "f", "ill",
         "s = 'x'", "s in ('x', 'z')", "s <> 'y'", "a is null", "a is not null",
         f"b between {draw.randint(-5, 3)} and 1"]
    )  # fmt: skip


def _values(draw: Random) -> dict[str, float | str | bool | None]:
    told: dict[str, float | str | bool | None] = {
        "a": draw.choice([None, 0.0, 5.0, float(draw.randint(0, 5)), draw.randint(0, 50) / 10]),
        "b": draw.choice([None, -3.0, 2.0, float(draw.randint(-3, 2))]),
        "s": draw.choice([None, "x", "y"]), "f": draw.choice([None, False]), "t": draw.choice([None, True, False]),
    }  # fmt: skip
    told["u"] = True if told["t"] else draw.choice([None, True, False])
    for name, node in LIMITS.formulas.items():
        told[name] = working(node)(told)  # type: ignore[assignment]  # no formula is of a date
    return told


@given(st.randoms(use_true_random=False))
@settings(max_examples=400, deadline=None)
def test_what_never_holds_does_not_hold(draw: Random) -> None:
    nodes = [parse(_truth(draw, 3), "here").node for _ in range(draw.randint(1, 2))]
    never = not can_hold(*nodes, limits=LIMITS)
    parts = [one for node in nodes for one in idle(node, LIMITS)]
    if not never and not parts:
        return
    for _ in range(100):
        values = _values(draw)
        told = [working(node)(values) for node in nodes]
        assert not never or not all(one is True for one in told), values
        assert not any(working(part)(values) is True for part in parts), values


def test_some_are_said_never_to_hold_and_others_not() -> None:
    draw = Random(7)
    told = [can_hold(parse(_truth(draw, 2), "here").node, limits=LIMITS) for _ in range(300)]
    assert 20 < told.count(False) < 280
