"""Alerts about missed tests against the simulation's truth: sensitivity, specificity, false alerts in 100 patients.

The truth says of every patient who was treated to cure whether AFP and imaging followed in their windows. Hospitals
then write that down in their dialects, with their errors; the alerts read what came of it. `-s` prints the figures.
"""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from isthmus.apps.advice.bench.measure import Right, against, fire
from isthmus.apps.advice.chart.facts import Concepts
from isthmus.apps.advice.pack.base import shipped
from isthmus.apps.contract.research import step
from isthmus.base.identity import digest63
from isthmus.base.progress import Silence
from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.gate.desk import Desk
from isthmus.gate.session import open_session
from isthmus.simulation.world import simulate

pytestmark = pytest.mark.prove
PEOPLE, SITES, SEED = 900, 6, 21
RULES = {
    "afp_after_cure": ("AFP after treatment meant to cure", 130),
    "imaging_after_cure": ("imaging after treatment meant to cure", 250),
}
CALLS = """
    SELECT p.person_id, min(p.procedure_date) + {days} AS day FROM procedure_occurrence p
    JOIN known k ON k.person_id = p.person_id WHERE p.procedure_concept_id IN ({cures}) GROUP BY p.person_id
"""


def _said(folder: Path, rule: str, workspace: Workspace) -> Mapping[int, bool]:
    """By person of the edition whether the truth says that the step was missed; only where it says anything."""
    edition = workspace.lake.editions.current()
    assert edition is not None
    files = [workspace.lake.root / one.path for one in edition.files("person_alias") if one.rows]
    joined = {row["person_id"]: row["person"] for one in files for row in pq.read_table(one).to_pylist()}
    numbers = {}
    for row in pq.read_table(folder / "liver.parquet").to_pylist():
        own = digest63(row["site"], row["keyspace"], "person", row["person_key"])
        numbers[row["person"]] = joined.get(own, own)
    told = {"violated": True, "met": False}
    return {
        numbers[row["person"]]: told[row["state"]]
        for row in pq.read_table(folder / "pathway.parquet").to_pylist()
        if row["rule"] == rule and row["state"] in told and row["person"] in numbers
    }


def _judged(desk: Desk, rule: str, said: Mapping[int, bool]) -> Right:
    """The rule at the end of its window, for every person of whom the truth speaks."""
    base = shipped()
    concepts = Concepts(base.graph)
    cures = [concepts.ids(one).tolist() for one in ("liver_resection", "liver_ablation", "liver_transplant")]
    listed = ", ".join(str(each) for one in cures for each in one)
    desk.lay("known", pa.table({"person_id": pa.array(list(said), pa.int64())}))
    fire(desk, base, "patient-view", concepts, rules=[rule],
         calls=step(CALLS.format(days=RULES[rule][1], cures=listed)))  # fmt: skip
    missed = [person for person, one in said.items() if one]
    truth = pa.table({"person_id": pa.array(missed, pa.int64()), "rule": [rule] * len(missed)})
    (right,) = against(desk, truth)
    return right


def _hospitals(root: Path) -> Workspace:
    """Simulated hospitals, their exports loaded and their persons linked."""
    simulate(root / "sim", sites=SITES, patients=PEOPLE, seed=SEED, progress=Silence(), pathways=True)
    opened = start.new(root / "ws", synthetic=True)
    feeds = pq.read_table(root / "sim/truth/feed.parquet").to_pylist()
    for name in sorted({one["site"] for one in feeds}):
        mine = [one for one in feeds if one["site"] == name]
        parts = tuple(Feed(one["name"], str(root / "sim/exports" / one["folder"]), one["pack"]) for one in mine)
        opened.keep_site(Site(name, name, parts))
    assert not ingest(opened).failed
    link(opened)
    return opened


def test_missed_tests_are_found(tmp_path: Path) -> None:
    workspace = _hospitals(tmp_path)
    for rule, (truth, _) in RULES.items():
        said = _said(tmp_path / "sim/truth", truth, workspace)
        with open_session(workspace.lake, synthetic=True).desk() as desk:
            right = _judged(desk, rule, said)
        assert right.sensitivity is not None and right.specificity is not None
        print(
            f"\n{rule}: {right.persons} patients, sensitivity {right.sensitivity:.3f}, specificity "
            f"{right.specificity:.3f}, {right.false_per_100:.1f} false alerts in 100 patients"
        )
        assert right.persons > 0.9 * len(said) > 80
        assert right.sensitivity > 0.9
        assert right.specificity > 0.95
