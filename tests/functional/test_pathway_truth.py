"""Violations and missed tests that were put into simulated hospitals, found again in what they export, dirt and all.

Sensitivity, specificity and false alerts per 100 patients are printed, for each rule and of all.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.apps.pathways.evaluate import evaluate
from isthmus.apps.pathways.reader import load
from isthmus.apps.pathways.statements import STATES
from isthmus.base.identity import digest63
from isthmus.flow.workspace import Workspace
from isthmus.gate.joined import ALIAS
from isthmus.gate.session import open_session
from isthmus.simulation.pathway import RULES
from lib import hospitals

PATIENTS, SITES, SEED = 900, 6, 21


@dataclass(frozen=True, slots=True)
class Compared:
    """How often what was found agrees with the truth, of one rule or of all."""

    pairs: Counter[tuple[str, str]]
    patients: int

    @property
    def sensitivity(self) -> float:
        """Of true violations, the share that was found."""
        return self.pairs["violated", "violated"] / sum(n for (true, _), n in self.pairs.items() if true == "violated")

    @property
    def specificity(self) -> float:
        """Of what is no violation, the share that was not taken for one."""
        return 1 - self.false / sum(n for (true, _), n in self.pairs.items() if true != "violated")

    @property
    def false(self) -> int:
        """Violations that were found and are none."""
        return sum(n for (true, found), n in self.pairs.items() if found == "violated" and true != "violated")

    def __str__(self) -> str:
        alerts = 100 * self.false / self.patients
        return f"sensitivity {self.sensitivity:.3f}, specificity {self.specificity:.3f}, {alerts:.1f} false per 100"


def judged(opened: Workspace, truth: Path) -> dict[str, Compared]:
    """Every rule of the truth against what the pack of liver cancer finds in a workspace."""
    pack = load("liver")
    with open_session(opened.lake, synthetic=True).desk() as desk:
        results = evaluate(desk, pack).results.to_pylist()
    joined = {row["person_id"]: row["person"] for row in _aliases(opened)}
    names = {one.number: one.name for one in pack.rules.values()}
    found = {(row["person_id"], names[row["rule"]]): STATES[row["state"]] for row in results}
    by_number: dict[int, set[int]] = {}
    for row in pq.read_table(truth / "person.parquet").to_pylist():
        own = digest63(row["site"], row["keyspace"], "person", row["person_key"])
        by_number.setdefault(row["person"], set()).add(joined.get(own, own))
    told = pq.read_table(truth / "pathway.parquet").to_pylist()
    pairs: dict[str, Counter[tuple[str, str]]] = {name: Counter() for name in (*RULES, "all")}
    for row in told:
        states = [found[one, row["rule"]] for one in by_number[row["person"]] if (one, row["rule"]) in found]
        for name in (row["rule"], "all"):
            pairs[name][row["state"], states[0] if states else "not found"] += 1
    patients = len({row["person"] for row in told})
    return {name: Compared(counted, patients) for name, counted in pairs.items()}


def _aliases(opened: Workspace) -> Iterator[dict[str, int]]:
    """Which person each record of a person was joined into, where it is another."""
    edition = opened.lake.editions.current()
    assert edition is not None
    for file in edition.files(ALIAS):
        yield from pq.read_table(opened.lake.root / file.path).to_pylist()


@pytest.fixture(scope="module")
def agreement(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Compared]:
    """Simulated, loaded, evaluated, and every rule that has a truth held against it."""
    root = tmp_path_factory.mktemp("truth")
    opened = hospitals.simulated(root, patients=PATIENTS, sites=SITES, seed=SEED, pathways=True)
    return judged(opened, root / "sim" / "truth")


def test_missed_steps_are_found_and_few_are_invented(
    agreement: dict[str, Compared], capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        sys.stdout.write("".join(f"\n{name}: {one}" for name, one in agreement.items()) + "\n")
    assert agreement["all"].sensitivity > 0.9
    assert agreement["all"].specificity > 0.97
