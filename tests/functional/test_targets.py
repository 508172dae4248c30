"""A workspace that says which vocabulary its codes are mapped to is proposed no other, and learns for that one."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.flow import vocabulary
from isthmus.flow.worklist.mappers import mappers
from isthmus.flow.worklist.trained import Trained, keep
from isthmus.flow.workspace import Workspace
from lib import open_codes, vocabularies
from lib.command import Done, complaint, run
from lib.open_codes import NAMES

LOCAL = 2_000_000_000
LISTED = 6  # of the hospital's open names, those that its own list has too


@pytest.fixture
def own(hospital: Workspace, tmp_path: Path) -> Workspace:
    """The hospital with a list of its own loaded, whose codes are standard concepts, and named as its target."""
    codes = "code,name\n" + "".join(f'A{at},"{name}"\n' for at, (_, name, _) in enumerate(NAMES[:LISTED]))
    pack = vocabularies.write(tmp_path, codes, hierarchy="none", more="standard: yes\n")
    assert run("terms", "load", hospital.root, pack).code == 0
    _aim(hospital, "LOCAL-1")
    return Workspace(hospital.root)


def _aim(opened: Workspace, wanted: str, domain: str = "Condition") -> None:
    path = opened.root / "isthmus.toml"
    before = path.read_text(encoding="utf-8").partition("\n[targets]")[0]
    path.write_text(f'{before}\n[targets]\n{domain} = "{wanted}"\n', encoding="utf-8")


def _proposed(opened: Workspace, sheet: Path) -> set[bool]:
    """Of all candidates of all open codes, whether they are of the list: it has the ids from 2,000,000,000 on."""
    assert run("decide", opened.root, "--export", sheet).code == 0
    with sheet.open(encoding="utf-8-sig", newline="") as lines:
        cells = [row[name] for row in csv.DictReader(lines) for name in row if name.startswith("candidate_")]
    return {int(cell.partition(" ")[0]) >= LOCAL for cell in cells if cell}


def test_only_concepts_of_the_target_are_proposed_and_found(
    own: Workspace, press: Callable[..., Done], tmp_path: Path
) -> None:
    assert _proposed(own, tmp_path / "list.csv") == {True}
    press("1q", "decide", own.root, "--author", "li")
    run("ingest", own.root)
    (one,) = run("decisions", own.root, "--json").document()
    assert open_codes.concepts(own)["D00"] == set(one["answer"]) != {NAMES[0][2]}
    shown = press(f"/{NAMES[LISTED + 1][1]}\nq", "decide", own.root).out
    assert "Nothing in the vocabulary is called so" in shown


def test_without_a_target_both_are_proposed(own: Workspace, tmp_path: Path) -> None:
    path = own.root / "isthmus.toml"
    path.write_text(path.read_text(encoding="utf-8").partition("\n[targets]")[0], encoding="utf-8")
    assert _proposed(own, tmp_path / "list.csv") == {True, False}


def test_a_model_may_choose_among_the_targets_alone(own: Workspace) -> None:
    with mappers(own) as bench:
        chosen = bench.targets("Condition", most=10_000, always=())
        assert sorted(chosen["name"].to_pylist()) == sorted(name for _, name, _ in NAMES[:LISTED])
        assert bench.targets("Drug", most=10_000, always=()).num_rows > LISTED


def test_what_was_learned_for_another_target_is_not_used(own: Workspace) -> None:
    keep(own, Trained(vocabulary=vocabulary.digest(own.lake), targets=own.targets), {})
    assert run("decide", own.root, "--automatic").code == 0
    _aim(own, "SNOMED")
    assert "--learn" in complaint(run("decide", own.root, "--automatic"), 3)


def test_a_target_that_is_not_there_is_told(hospital: Workspace) -> None:
    _aim(hospital, "NOWHERE-1")
    said = complaint(run("decide", hospital.root, "--learn"), 3)
    assert "NOWHERE-1" in said and "standard: yes" in said
    path = hospital.root / "isthmus.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"NOWHERE-1"', "7"), encoding="utf-8")
    assert "[targets]" in complaint(run("decide", hospital.root, "--learn"), 3)
