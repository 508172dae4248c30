"""What holds an edition back: the quality of a site's rows got worse than its settings allow."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from shlex import quote

from isthmus.base.errors import IsthmusError
from isthmus.flow.quality import Quality, judged, version_of
from isthmus.flow.workspace import Workspace
from isthmus.lake.delta import DataFile
from isthmus.lake.edition import Edition
from isthmus.quality.checks.verdict import Result

TOLD = 3  # checks that are named


class HeldError(IsthmusError):
    """An edition is not published. What was delivered is landed and mapped, and waits. `sites` says why, by site."""

    exit_code = 6

    def __init__(self, sites: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{site}: {text}" for site, text in sites.items()))
        self.sites = sites


def demand_no_worse(
    workspace: Workspace, former: Edition, candidate: Edition, sites: Collection[str], accepted: Collection[str]
) -> None:
    """Raise HeldError where a site's rows are worse in the candidate than its `worse` allows against the one before.

    Sites without that setting, and those accepted, may be as they are. Nothing is kept of the candidate.
    """
    held = {}
    for name in sorted(set(sites) - set(accepted)):
        most = workspace.site(name).worse
        if most is None:
            continue
        version = version_of(workspace, candidate, name)
        before, after = (judged(workspace, one, version, name) for one in (former, candidate))
        grown = sorted(((by, one) for by, one in _grown(before, after) if by > most), key=lambda one: -one[0])
        if grown:
            held[name] = _said(workspace, name, most, grown)
    if held:
        raise HeldError(held)


@dataclass(frozen=True, slots=True)
class Worse:
    """A check of a site that got worse: its sentence, wrong rows of rows asked now, and by how many per cent points."""

    check: str
    table: str
    violated: int
    of: int
    points: float


def worse(workspace: Workspace, site: str) -> list[Worse]:
    """What holds a site's rows back that are mapped and in no edition, the worst first; nothing where none are."""
    former, most = workspace.lake.editions.current(), workspace.site(site).worse
    if former is None or most is None or not any(one.site == site for one in workspace.records.batches("committed")):
        return []
    candidate = workspace.lake.editions.drafted(tables_of(workspace), batches=(), notes=dict(former.body))
    version = version_of(workspace, candidate, site)
    before, after = (judged(workspace, one, version, site) for one in (former, candidate))
    grown = sorted(((by, one) for by, one in _grown(before, after) if by > most), key=lambda one: -one[0])
    return [
        Worse(one.check.sentence, one.check.table, one.counts.violated, one.counts.of, by)
        for by, one in grown if one.counts is not None
    ]  # fmt: skip


def tables_of(workspace: Workspace) -> dict[str, tuple[int, list[DataFile]]]:
    """Version and files of every table as it is now."""
    deltas, tables = workspace.lake.deltas, dict[str, tuple[int, list[DataFile]]]()
    for name in deltas.names():
        version = deltas.version(name)
        assert version is not None
        tables[name] = (version, deltas.files(name, version=version))
    return tables


def _grown(before: Quality, after: Quality) -> list[tuple[float, Result]]:
    """By how many per cent points each check has more wrong rows; a check without rows before had none wrong."""
    shares = {one.check.check_id: one.share for one in before.results}
    return [
        (100 * (one.share - shares.get(one.check.check_id, 0.0)), one)
        for one in after.results if one.status == "failed" and one.counts is not None
    ]  # fmt: skip


def _said(workspace: Workspace, site: str, most: float, grown: list[tuple[float, Result]]) -> str:
    lines = [
        f"{one.check.sentence.rstrip('.')} ({one.counts.violated:,} of {one.counts.of:,}, {by:+.1f} points)"
        for by, one in grown[:TOLD] if one.counts is not None
    ]  # fmt: skip
    more = f"; and {len(grown) - TOLD} more" if len(grown) > TOLD else ""
    return (
        f"no edition is published, for the quality of its rows got worse by more than the {most:g} per cent points "
        f"that sites/{site}.toml allows: {'; '.join(lines)}{more}. What was delivered is kept and waits. Mend the "
        f"export and ingest again; or take it as it is: isthmus ingest {quote(str(workspace.root))} --accept {site}"
    )
