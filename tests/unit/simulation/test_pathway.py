"""Steps of a guideline that simulated hospitals miss: only where it is asked for, with a truth that says which."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from isthmus.base.progress import Silence
from isthmus.simulation.pathway import RULES, STATES
from isthmus.simulation.world import simulate


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("pair")
    for name, pathways in (("plain", False), ("missed", True)):
        simulate(root / name, sites=4, patients=400, seed=5, progress=Silence(), clean=True, pathways=pathways)
    return root / "plain", root / "missed"


def test_without_the_option_there_is_no_truth_of_pathways(pair: tuple[Path, Path]) -> None:
    plain, missed = pair
    assert not (plain / "truth" / "pathway.parquet").exists()
    assert (missed / "truth" / "pathway.parquet").exists()


def test_who_people_are_and_how_their_disease_went_is_untouched(pair: tuple[Path, Path]) -> None:
    for name in ("person", "liver", "feed"):
        plain, missed = (pq.read_table(folder / "truth" / f"{name}.parquet") for folder in pair)
        assert plain.equals(missed)


def test_the_truth_has_every_rule_of_every_patient(pair: tuple[Path, Path]) -> None:
    rows = pq.read_table(pair[1] / "truth" / "pathway.parquet").to_pylist()
    people = pq.read_table(pair[1] / "truth" / "liver.parquet").num_rows
    assert Counter(row["rule"] for row in rows) == dict.fromkeys(RULES, people)
    states = Counter(row["state"] for row in rows)
    assert set(states) <= set(STATES)
    assert 0.05 < states["violated"] / (states["met"] + states["violated"]) < 0.35
