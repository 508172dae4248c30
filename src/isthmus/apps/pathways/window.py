"""Days around a day: `28 before to that day`, `1 after to 60 after`, `any time before to 1 before`."""

import re
from dataclasses import dataclass

EVER = 1_000_000
"""Days that stand for any time: more than any record reaches."""
LONGEST = 36_500
BOUND = re.compile(r"(?:(?P<days>\d+|any time) (?P<way>before|after)|(?P<zero>that day))")
FORM = "28 before to that day, 1 after to 60 after, or any time before to any time after"


@dataclass(frozen=True, slots=True)
class Window:
    """From `low` to `high` days after a day, both included; negative before it, beyond EVER without end."""

    low: int
    high: int

    @property
    def text(self) -> str:
        """As it is written in a pack."""
        return f"{_told(self.low)} to {_told(self.high)}"

    def covers(self, other: "Window") -> bool:
        """Whether every day of another window is a day of this one."""
        return self.low <= other.low and other.high <= self.high

    def within(self, other: "Window") -> bool:
        """Whether both ends lie in another window; an end at any time is wherever the other ends."""
        ends = [day for day in (self.low, self.high) if abs(day) < EVER]
        return all(other.low <= day <= other.high for day in ends)

    def common(self, other: "Window") -> "Window":
        """The days of both; it ends before it begins where there are none."""
        return Window(max(self.low, other.low), min(self.high, other.high))

    @property
    def days(self) -> int:
        """How many days it has; at least EVER where it has no end."""
        return self.high - self.low + 1

    @property
    def reach(self) -> "Window":
        """How far one of its days can lie from another."""
        return Window(self.low - self.high, self.high - self.low)


ALWAYS = Window(-EVER, EVER)
BEFORE = Window(-EVER, 0)
AFTER = Window(0, EVER)


def window(text: str) -> Window | None:
    """The window that a text says; None where it says none."""
    low, _, high = text.partition(" to ")
    ends = [_days(one.strip()) for one in (low, high)]
    return None if None in ends else Window(int(ends[0] or 0), int(ends[1] or 0))


def _days(text: str) -> int | None:
    match = BOUND.fullmatch(text)
    if match is None:
        return None
    if match["zero"]:
        return 0
    days = EVER if match["days"] == "any time" else min(int(match["days"]), EVER - 1)
    return -days if match["way"] == "before" else days


def _told(days: int) -> str:
    if days == 0:
        return "that day"
    return f"{'any time' if abs(days) >= EVER else abs(days)} {'before' if days < 0 else 'after'}"
