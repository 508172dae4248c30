"""How much a grant gives in a day, as the table [quota] of isthmus.toml says."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isthmus.base.settings import numbers


@dataclass(frozen=True, slots=True)
class Quota:
    """How much one grant may have: `rows` and `seconds` within 24 hours, `longest` seconds for one question."""

    rows: int = 100_000
    seconds: float = 1800.0
    longest: float = 60.0


def quota(settings: Mapping[str, Any]) -> Quota:
    """The quota of the table [quota] in isthmus.toml. Raises InputError when it cannot be read."""
    return numbers(settings, "quota", Quota)
