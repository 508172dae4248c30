"""The values of a scorecard: counted once, so that the page and the printed sheet cannot disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from isthmus.base.progress import Progress
from isthmus.flow.findings.life import GRADES, Lived, lived
from isthmus.flow.quality import Quality, quality
from isthmus.flow.workspace import Workspace
from isthmus.records.store import total

OUTCOMES = ("mapped", "kept", "quarantined", "duplicate", "superseded")


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed: how many files arrived, when the last did, and what became of their records by outcome."""

    name: str
    files: int
    last: datetime | None
    outcomes: Mapping[str, int]

    @property
    def records(self) -> int:
        """Records read."""
        return sum(self.outcomes.values())


@dataclass(frozen=True, slots=True)
class Card:
    """A scorecard of one site in one edition.

    `passed` and `failed` count its checks; `usual` is the share of checks that pass at the median site, None where
    there is no other. `own` are findings that the site can mend, `ours` those of the mapping, `closed` what is gone.
    """

    site: str
    title: str
    synthetic: bool
    edition: int
    published: str
    feeds: Sequence[Feed]
    passed: int
    failed: int
    usual: float | None
    own: Sequence[Lived]
    ours: Sequence[Lived]
    closed: Sequence[Lived]
    trend: Mapping[int, int]

    @property
    def share(self) -> float:
        """The share of checks that pass, of those that could be asked."""
        asked = self.passed + self.failed
        return self.passed / asked if asked else 1.0

    def grades(self) -> Mapping[str, int]:
        """How many findings of the site there are by grade."""
        return {grade: sum(one.finding.grade == grade for one in self.own) for grade in GRADES}


def card(workspace: Workspace, site: str, *, progress: Progress | None = None) -> Card:
    """The scorecard of a site in the current edition.

    :raises InputError: before the first edition, or for a site that is not registered.
    """
    registered = workspace.site(site)
    listed = lived(workspace, site=site, progress=progress)
    judged = quality(workspace, site=site)
    standing = [one for one in listed if one.state != "verified"]
    return Card(
        site=site, title=registered.title or site, synthetic=workspace.synthetic,
        edition=judged.edition.number, published=str(judged.edition.body["published_at"])[:10],
        feeds=_feeds(workspace, site), passed=len(judged.ids("passed")), failed=len(judged.ids("failed")),
        usual=_usual(workspace, site, judged),
        own=[one for one in standing if one.is_the_sites],
        ours=[one for one in standing if not one.is_the_sites],
        closed=[one for one in listed if one.state == "verified"], trend=_trend(listed),
    )  # fmt: skip


def _feeds(workspace: Workspace, site: str) -> list[Feed]:
    receipts = {one.receipt_id: one for one in workspace.records.receipts() if one.site == site}
    parts = workspace.records.parts(list(receipts))
    found = []
    for feed in workspace.site(site).feeds:
        own = [one for one in receipts.values() if one.feed == feed.name]
        ids = {one.receipt_id for one in own}
        kinds = total([part.account for part in parts if part.receipt_id in ids])
        outcomes = {name: sum(one.get(name, 0) for one in kinds.values()) for name in OUTCOMES}
        found.append(Feed(feed.name, len(own), max((one.received_at for one in own), default=None), outcomes))
    return found


def _usual(workspace: Workspace, site: str, judged: Quality) -> float | None:
    """The median site's share of checks that pass, this one left out: no other site is named."""
    shares = []
    for other in workspace.sites():
        if other.name != site:
            found = quality(workspace, site=other.name, version=judged.version)
            asked = len(found.ids("passed")) + len(found.ids("failed"))
            shares += [len(found.ids("passed")) / asked] if asked else []
    return float(np.median(shares)) if shares else None


def _trend(listed: Sequence[Lived]) -> dict[int, int]:
    """How many findings there were by edition."""
    numbers = sorted({number for one in listed for number in one.trend})
    return {number: sum(one.trend.get(number, 0) > 0 for one in listed) for number in numbers}
