"""A case after its events, as a value, and what an operator sets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from isthmus.gate.committee.application import Application, Grant
from isthmus.gate.use.match import Answer

Standing = Literal["none", "active", "suspended", "expired", "revoked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What an operator sets: how many votes in favour a grant needs (at least 2), and how long it may last."""

    quorum: int = 2
    longest: timedelta = timedelta(days=366)

    def __post_init__(self) -> None:
        if self.quorum < 2:
            raise ValueError("one vote is no committee; the quorum is 2 or more")


POLICY = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case after its events. `deciders` have taken part in deciding at any time, `votes` are of this round.

    `spoken` have answered for a site in this round. `stops` are suspended sites with the role that suspended them: who
    lifts one suspension lifts no other.
    """

    phase: str = "new"
    application: Application | None = None
    answers: Mapping[str, Answer] = field(default_factory=dict)
    cleared: frozenset[str] = frozenset()
    vetoed: frozenset[str] = frozenset()
    spoken: frozenset[str] = frozenset()
    votes: Mapping[str, bool] = field(default_factory=dict)
    deciders: frozenset[str] = frozenset()
    grant: Grant | None = None
    stops: frozenset[tuple[str, str]] = frozenset()
    at: datetime | None = None

    @property
    def beneficiaries(self) -> frozenset[str]:
        """Everybody whose own case this is: by the application at hand, and by the grant in force."""
        asked = self.application.people | {self.application.applicant} if self.application else frozenset()
        return asked | (self.grant.people if self.grant else frozenset())

    @property
    def open_sites(self) -> frozenset[str]:
        """The sites that a grant would have now: conditions fit or a steward has answered for it, and no veto."""
        fit = {site for site, answer in self.answers.items() if answer == "yes"}
        asked = {site for site, answer in self.answers.items() if answer == "person"}
        return frozenset(fit | (asked & self.cleared)) - self.vetoed

    def standing(self, at: datetime) -> Standing:
        """What is left of the grant at a moment."""
        if self.grant is None:
            return "none"
        if self.grant.revoked:
            return "revoked"
        if not self.grant.start <= at < self.grant.until:
            return "expired"
        return "active" if self.grant.open_sites else "suspended"
