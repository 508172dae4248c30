"""What holds an edition back: the quality of a site's rows got worse than its settings allow."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from shlex import quote
from typing import cast

import yaml

from isthmus.base.errors import IsthmusError
from isthmus.cdm.tables import TABLES
from isthmus.flow.checked import of_checks
from isthmus.flow.failing import failure
from isthmus.flow.places import Places
from isthmus.flow.quality import Quality, judged, version_of
from isthmus.flow.workspace import Workspace
from isthmus.lake.delta import DataFile
from isthmus.lake.edition import Edition
from isthmus.quality.checks.verdict import Result
from isthmus.quality.findings.finding import Finding, Language

TOLD = 3  # checks that a message names
NAMED = 5  # checks that are looked up


@dataclass(frozen=True, slots=True)
class Worse:
    """A check of a site that got worse: what it finds in the edition that is not published, and by how many per cent
    points more of its rows are wrong."""

    finding: Finding
    points: float

    def says(self, language: Language = "en", *, row: bool = True) -> str:
        """What is wrong, in how many rows, where (`row`: to the line), and how it is mended."""
        one, end, words = self.finding, ".。", _words()
        where = "".join(words["between"][language] + text for text in [self.where(language, row=row)] if text)
        return words["worse"][language].format(
            says=one.says(language).rstrip(end), rows=f"{one.rows:,}", of=f"{one.of:,}", points=f"{self.points:+.1f}",
            where=where, mend=one.mend(language).rstrip(end),
        )  # fmt: skip

    def where(self, language: Language = "en", *, row: bool = True) -> str:
        """The file that most of the rows came from, the columns, and for who may see a `row` the line of an example; ''
        where none is known."""
        if not self.finding.places:
            return ""
        place = self.finding.places[0]
        key = "where" if place.line is None or not row else "where.row" if place.sheet else "where.line"
        columns = f" [{', '.join(place.columns)}]" if place.columns else ""
        return _words()[key][language].format(name=place.name, columns=columns, line=place.line)


@dataclass(frozen=True, slots=True)
class Held:
    """Why a site's rows are in no edition: the checks that got worse by more than `most` per cent points, the worst
    first, `count` in all; the first of them are looked up."""

    site: str
    most: float
    worse: Sequence[Worse]
    count: int
    root: str = field(default="", repr=False)

    def says(self, language: Language = "en", *, row: bool = True) -> str:
        """What happened, to what, and what to do next."""
        words, told = _words(), self.worse[:TOLD]
        more = self.count - len(told)
        return words["held"][language].format(
            most=f"{self.most:g}", site=self.site, worse=words["between"][language].join(
                one.says(language, row=row) for one in told),
            more=words["more"][language].format(more=more) if more else "",
            accept=f"isthmus ingest {quote(self.root)} --accept {self.site}",
        )  # fmt: skip


class HeldError(IsthmusError):
    """An edition is not published. What was delivered is landed and mapped, and waits. `sites` says why, by site."""

    exit_code = 6

    def __init__(self, sites: Mapping[str, Held]) -> None:
        self.sites = sites
        super().__init__(self.says())

    def says(self, language: Language = "en", *, row: bool = True) -> str:
        """Why, in a language; `row`: with the lines of examples."""
        return "; ".join(f"{site}: {held.says(language, row=row)}" for site, held in self.sites.items())


def demand_no_worse(
    workspace: Workspace, former: Edition, candidate: Edition, sites: Collection[str], accepted: Collection[str]
) -> None:
    """Raise HeldError where a site's rows are worse in the candidate than its `worse` allows against the one before.

    Sites without that setting, those accepted, and those without rows in the one before may be as they are. Nothing is
    kept of the candidate.
    """
    found = (_held(workspace, former, candidate, name) for name in sorted(set(sites) - set(accepted)))
    held = {one.site: one for one in found if one is not None}
    if held:
        raise HeldError(held)


def worse(workspace: Workspace, site: str) -> Sequence[Worse]:
    """What holds a site's rows back that are mapped and in no edition, the worst first; nothing where none are."""
    former = workspace.lake.editions.current()
    if former is None or not any(one.site == site for one in workspace.records.batches("committed")):
        return ()
    candidate = workspace.lake.editions.drafted(tables_of(workspace), batches=(), notes=dict(former.body))
    held = _held(workspace, former, candidate, site)
    return held.worse if held is not None else ()


def tables_of(workspace: Workspace) -> dict[str, tuple[int, list[DataFile]]]:
    """Version and files of every table as it is now."""
    deltas, tables = workspace.lake.deltas, dict[str, tuple[int, list[DataFile]]]()
    for name in deltas.names():
        version = deltas.version(name)
        assert version is not None
        tables[name] = (version, deltas.files(name, version=version))
    return tables


def _held(workspace: Workspace, former: Edition, candidate: Edition, site: str) -> Held | None:
    """Why the candidate may not be published for a site's rows, None where it may."""
    most = workspace.site(site).worse
    if most is None or not any(one.site == site for name in former.tables() for one in former.files(name)):
        return None
    version = version_of(workspace, candidate, site)
    before, after = (judged(workspace, one, version, site) for one in (former, candidate))
    grown = sorted(((by, one) for by, one in _grown(before, after) if by > most), key=lambda one: -one[0])
    if not grown:
        return None
    listed = [failure(one) for _, one in grown[:NAMED]]
    led = of_checks(workspace, after, listed, Places(workspace, candidate, site))
    told = [Worse(one, by) for one, (by, _) in zip(led, grown[:NAMED], strict=True)]
    return Held(site, most, told, len(grown), str(workspace.root))


def _grown(before: Quality, after: Quality) -> list[tuple[float, Result]]:
    """By how many per cent points each check of the site's own tables has more wrong rows; a check without rows before
    had none wrong."""
    shares = {one.check.check_id: one.share for one in before.results}
    return [
        (100 * (one.share - shares.get(one.check.check_id, 0.0)), one)
        for one in after.results
        if one.status == "failed" and one.counts is not None and TABLES[one.check.table].group != "vocabulary"
    ]


@cache
def _words() -> Mapping[str, Mapping[Language, str]]:
    text = (files("isthmus.quality.findings") / "held.yaml").read_text(encoding="utf-8")
    return cast(Mapping[str, Mapping[Language, str]], yaml.load(text, yaml.CSafeLoader))
