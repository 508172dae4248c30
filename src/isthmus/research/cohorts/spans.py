"""Days counted from the start or end of something, as people write them: `1 day after start to 30 days after end`."""

import re
from dataclasses import dataclass

from isthmus.research.cohorts.cursor import Cursor

LONGEST = 100_000  # days: longer than a life
ANCHOR = re.compile(r"(?:(?P<days>\d{1,6}) days? (?P<way>after|before) )?(?P<of>start|end)")
SPAN = re.compile(r"(?P<low>.+) to (?P<high>.+)")


@dataclass(frozen=True, slots=True)
class Anchored:
    """So many days after the start, or the end."""

    days: int
    of_end: bool


def span(at: Cursor, what: str) -> tuple[Anchored, Anchored]:
    """First and last day as written; `what` is said where it is none. Raises DefinitionError."""
    match = SPAN.fullmatch(at.text())
    ends = [ANCHOR.fullmatch(match[name]) for name in ("low", "high")] if match else []
    found = [_anchored(one) for one in ends if one is not None]
    if len(found) != 2 or any(abs(one.days) > LONGEST for one in found):
        raise at.error(
            f"'{at.value}' is no {what}.", "Write start to end, or 1 day after start to 365 days after start."
        )
    return found[0], found[1]


def _anchored(match: re.Match[str]) -> Anchored:
    days = int(match["days"] or 0)
    return Anchored(-days if match["way"] == "before" else days, match["of"] == "end")
