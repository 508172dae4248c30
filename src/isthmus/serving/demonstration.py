"""The demo: simulated hospitals, one command, a published edition, and what it says."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from isthmus.base.progress import Progress
from isthmus.cdm.questions import QUESTIONS
from isthmus.cdm.tables import TABLES
from isthmus.flow import lists, sites, start, verify
from isthmus.flow.ingest import Report, ingest
from isthmus.flow.lists import Published, Waiting
from isthmus.flow.worklist import items as worklist
from isthmus.flow.worklist.items import Item
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import Session, open_session
from isthmus.research.registries.pack import load
from isthmus.research.studies import resection
from isthmus.research.studies.resection import Result
from isthmus.serving import reading
from isthmus.serving.mending import Mended, tried
from isthmus.serving.reading import Row
from isthmus.serving.registered import Registered, registered
from isthmus.serving.truth import Score, scores, true_ratio
from isthmus.simulation import Summary, simulate


@dataclass(frozen=True, slots=True)
class Demo:
    """All that the page shows. Seconds by step in `seconds`; `example` is table and id of a row that can be traced."""

    workspace: Path
    summary: Summary
    report: Report
    edition: Published
    quarantine: list[Waiting]
    unmapped: list[Item]
    scores: list[Score]
    items: list[Row]
    by_text: dict[str, int]
    mended: Mended
    registry: Registered
    study: Result
    true_ratio: float
    checks: list[verify.Finding]
    seconds: dict[str, float]
    example: tuple[str, int] | None


def demonstrate(root: Path, *, hospitals: int, patients: int, seed: int, progress: Progress) -> Demo:
    """Simulate, ingest, verify, study. An earlier demo in the folder is replaced."""
    if (root / "workspace").exists() and not (root / "workspace" / "isthmus.toml").exists():
        raise FileExistsError(root)
    for name in ("simulated", "workspace", "registry"):
        shutil.rmtree(root / name, ignore_errors=True)
    seconds: dict[str, float] = {}
    began = time.perf_counter()
    summary = simulate(root / "simulated", sites=hospitals, patients=patients, seed=seed, progress=progress)
    seconds["simulate"] = time.perf_counter() - began
    began = time.perf_counter()
    workspace = _opened(root, summary)
    report = ingest(workspace, progress=progress)
    seconds["ingest"] = time.perf_counter() - began
    began = time.perf_counter()
    session = open_session(workspace.lake, synthetic=workspace.synthetic)
    study = resection.run(session)
    found = scores(session, root / "simulated" / "truth")
    items = reading.summed(reading.compared(reading.in_lake(session, root / "simulated" / "truth")))
    items += reading.damaged(lists.quarantine(workspace), root / "simulated" / "truth")
    seconds["study"] = time.perf_counter() - began
    began = time.perf_counter()
    kept = registered(session, load("liver"), root / "registry", (), 0)  # nobody has ruled in a new workspace
    seconds["registry"] = time.perf_counter() - began
    began = time.perf_counter()
    mended = tried(workspace, root / "simulated" / "truth", progress)
    checks = verify.verify(workspace)
    seconds["mend and verify"] = time.perf_counter() - began
    return Demo(
        workspace=workspace.root, summary=summary, report=report, edition=lists.editions(workspace)[-1],
        quarantine=lists.quarantine(workspace), unmapped=worklist.items(workspace, limit=12), scores=found, items=items,
        by_text=reading.rows_by_text(session), mended=mended, registry=kept, study=study,
        true_ratio=true_ratio(root / "simulated" / "truth"), checks=checks, seconds=seconds, example=example(session),
    )  # fmt: skip


def _opened(root: Path, summary: Summary) -> Workspace:
    """A workspace with every hospital and its feeds."""
    workspace = start.new(root / "workspace", synthetic=True)
    for feed in sorted(summary.feeds, key=lambda one: one.site):
        source = str(root / "simulated" / "exports" / feed.site / feed.name)
        planned = sites.plan(workspace, feed.site, source, pack=feed.pack, feed=feed.name, title=feed.site)
        sites.add(workspace, planned)
    return workspace


def example(session: Session) -> tuple[str, int] | None:
    """Table and id of one row of the edition, for people to trace: a measurement if there is any, else a person."""
    for name in ("measurement", "person"):
        key = TABLES[name].primary_key
        assert key is not None
        table = QUESTIONS[name]
        ids = session.ask(table.select(key).order_by(key).limit(1)).column(0).to_pylist()
        if ids:
            return name, ids[0]
    return None
