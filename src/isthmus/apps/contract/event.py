"""What an application may be told of: one class for each hook. Events are plain values, and name no patient's data
beyond an identity.

What happens is kept, and told by whoever runs: a service within a second or two, else `isthmus app tick`. Nothing that
happens waits for an application. Each event is told at least once, so that a method does the same when it is told
again; one that fails, or takes too long, is told again after a minute, five, twenty-five and two hours, and given up
after five times. An application meets what happened since it was enabled; events may come in another order.
"""

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
    """Messages were received: their kind, as ADT^A01, under which receipt they were kept, and how many there are.

    Told of HL7 v2 when a delivery has been read, once of each kind in it; a kind that cannot be made out is "".
    """

    site: str
    feed: str
    kind: str
    receipt: int
    messages: int = 1


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has passed: from `since` until `until`, both UTC. Told every minute while a service runs.

    The next begins where this one ends, also when nothing ran for a while.
    """

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Opened:
    """A patient was opened by somebody, who waits: `person` is the patient's number in the session, or what stands for
    it under a grant.

    Opened is who is the patient of a service of patient-view, of a route with a part {person}, of a page that is asked
    with `person`. Told once, within a minute or not at all; under a grant of patients of that grant only.
    """

    site: str
    person: int | str


@dataclass(frozen=True, slots=True)
class Ready:
    """A result is ready: of which patient (as in `Opened`), and which concept was measured.

    Told of rows of `measurement` that a new delivery brought, when their edition is published: each patient and concept
    once, and of a delivery with more than a thousand the newest. The manifest reads person_id, measurement_concept_id
    and measurement_date of them, and only what the grant holds is told.
    """

    site: str
    person: int | str
    concept: int


Event = Landed | Published | Received | Passed | Opened | Ready
HOOKS: Mapping[str, type[Event]] = MappingProxyType(
    {
        "landed": Landed, "published": Published, "received": Received, "passed": Passed, "opened": Opened,
        "ready": Ready,
    }
)  # fmt: skip
"""The hooks by name: also the name of the method of `Application` that is told."""
