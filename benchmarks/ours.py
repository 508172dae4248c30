"""What Isthmus does in a benchmark: the same calls that the command line makes."""

import time
from pathlib import Path
from typing import Any

from isthmus.base.progress import Silence
from isthmus.flow.ingest import ingest as run_ingest
from isthmus.flow.start import new
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.simulation import simulate as run_simulation

SITE = "h01"


def prepare(root: str, feeds: dict[str, tuple[str, str]]) -> None:
    """A new workspace with one site; `feeds` by name: (folder, pack)."""
    made = new(Path(root), synthetic=True)
    made.keep_site(Site(SITE, "Hospital", tuple(Feed(name, folder, pack) for name, (folder, pack) in feeds.items())))


def ingest(root: str) -> dict[str, Any]:
    """Everything that waits, from the first byte landed to the published edition."""
    workspace = Workspace(Path(root))
    before = workspace.lake.editions.current()
    began = time.perf_counter()
    report = run_ingest(workspace)
    seconds = time.perf_counter() - began
    if report.failed:
        raise RuntimeError(str(report.failed))
    outcomes: dict[str, int] = {}
    for accounts in report.accounts.values():
        for account in accounts:
            for counts in account.values():
                for outcome, count in counts.items():
                    outcomes[outcome] = outcomes.get(outcome, 0) + count
    now = workspace.lake.editions.current()
    assert now is not None and before is not None
    return {"seconds": seconds, "outcomes": outcomes, "edition": now.number, "before": before.number}


def simulate(folder: str, sites: int, patients: int) -> dict[str, Any]:
    """The simulated hospitals' exports."""
    return {"people": run_simulation(Path(folder), sites=sites, patients=patients, seed=1, progress=Silence()).people}
