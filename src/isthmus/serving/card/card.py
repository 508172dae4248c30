"""The values of a scorecard: counted once, so that the page and the printed sheet cannot disagree."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isthmus.base.progress import Progress
from isthmus.cdm.tables import TABLES
from isthmus.flow.datamap.held import Fed, delivered
from isthmus.flow.findings.life import GRADES, Lived, lived
from isthmus.flow.findings.plausible import Looked, pictured
from isthmus.flow.persons import AtSite, persons
from isthmus.flow.quality import Quality, quality
from isthmus.flow.workspace import Workspace

FUNNELS = 3  # that are shown


@dataclass(frozen=True, slots=True)
class Card:
    """A scorecard of one site in one edition.

    `passed` and `failed` count the checks that looked at rows of its own; `usual` is the share that passes at the
    median site, None where there is no other. `patients` are its patient numbers and the persons they are, None where
    nobody is linked. `own` are findings that the site can mend, `ours` those of the mapping, `closed` what is gone;
    `funnels` show it among the others.
    """

    site: str
    title: str
    synthetic: bool
    edition: int
    published: str
    feeds: Sequence[Fed]
    passed: int
    failed: int
    usual: float | None
    patients: AtSite | None
    own: Sequence[Lived]
    ours: Sequence[Lived]
    closed: Sequence[Lived]
    trend: Mapping[int, int]
    funnels: Sequence[Looked]

    @property
    def asked(self) -> int:
        """How many checks looked at rows of the site."""
        return self.passed + self.failed

    @property
    def share(self) -> float | None:
        """The share of these that pass; None where the site has no rows."""
        return self.passed / self.asked if self.asked else None

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
    whom = persons(workspace, judged.edition)
    standing = [one for one in listed if one.state != "verified"]
    passed, failed = _asked(judged)
    return Card(
        site=site, title=registered.title or site, synthetic=workspace.synthetic,
        edition=judged.edition.number, published=str(judged.edition.body["published_at"])[:10],
        feeds=delivered(workspace, site, registered.feeds), passed=passed, failed=failed,
        usual=_usual(workspace, site, judged),
        patients=whom.at(site) if whom.is_linked else None,
        own=[one for one in standing if one.is_the_sites],
        ours=[one for one in standing if not one.is_the_sites],
        closed=[one for one in listed if one.state == "verified"], trend=_trend(listed),
        funnels=pictured(workspace, judged.edition, site, most=FUNNELS),
    )  # fmt: skip


def _asked(judged: Quality) -> tuple[int, int]:
    """How many checks passed and failed that looked at rows of the site: not those of the vocabulary, which is
    everyone's, nor whether tables and columns are there, which they are for who delivered nothing too."""
    told = Counter(
        one.status for one in judged.results
        if one.check.type.over != "layout" and TABLES[one.check.table].group != "vocabulary"
        and one.counts is not None and one.counts.of
    )  # fmt: skip
    return told["passed"], told["failed"]


def _usual(workspace: Workspace, site: str, judged: Quality) -> float | None:
    """The median site's share of checks that pass, this one left out: no other site is named."""
    shares = []
    for other in workspace.sites():
        if other.name != site:
            found = quality(workspace, site=other.name, version=judged.version)
            passed, failed = _asked(found)
            shares += [passed / (passed + failed)] if passed + failed else []
    return float(np.median(shares)) if shares else None


def _trend(listed: Sequence[Lived]) -> dict[int, int]:
    """How many findings there were by edition."""
    numbers = sorted({number for one in listed for number in one.trend})
    return {number: sum(one.trend.get(number, 0) > 0 for one in listed) for number in numbers}
