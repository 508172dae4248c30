"""What an application may be told of: one class for each hook. Events are plain values, and name no patient's data
beyond an identity."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Landed:
    """Data landed: new deliveries of a feed are kept, and not mapped yet."""

    site: str
    feed: str
    deliveries: int


@dataclass(frozen=True, slots=True)
class Published:
    """An edition was published. `sites` are those that brought something."""

    edition: int
    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Received:
    """A message was received: its kind, as ADT^A01, and under which receipt it was kept."""

    site: str
    feed: str
    kind: str
    receipt: int


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has passed: from `since` until `until`, both UTC. Told every minute while the service runs."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A patient was opened by somebody, who waits: `person` is the patient's number in the session."""

    site: str
    person: int


@dataclass(frozen=True, slots=True)
class Ready:
    """A result is ready: of which patient, and which concept was measured."""

    site: str
    person: int
    concept: int


Event = Landed | Published | Received | Passed | Opened | Ready
HOOKS: Mapping[str, type[Event]] = MappingProxyType(
    {
        "landed": Landed, "published": Published, "received": Received, "passed": Passed, "opened": Opened,
        "ready": Ready,
    }
)  # fmt: skip
"""The hooks by name: also the name of the method of `Application` that is told."""
