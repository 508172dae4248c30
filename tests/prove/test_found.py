"""Errors that the simulation makes are found: 95 of 100 of each kind that can be; clean exports stay quiet."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from benchmarks import decidable

from isthmus.base.progress import Silence
from isthmus.flow import sites, start
from isthmus.flow.findings.gather import findings
from isthmus.flow.ingest import ingest
from isthmus.flow.rules.judge import judged
from isthmus.flow.workspace import Workspace
from isthmus.serving import mending
from isthmus.serving.demonstration import demonstrate
from isthmus.simulation import simulate
from lib.found import SILENT, UNITS, days_of, scores
from lib.quiet import UNITS as UNITS_READ
from lib.quiet import quiet

LEAST = 0.95
# What nobody can tell is counted in the plain number and left out of the other (benchmarks/decidable.py): a factor
# within what the body does, a number below the analyser's limit, a day without patients where few come. Of the few
# wrong units in exports of this size, chance alone takes the plain number now below LEAST, now above.
SHORT = {UNITS: 0.90}
CLEAN = (421, 422)
# Seeds of small hospitals, and of laboratories of a hospital's size, named with these sizes before anything of them
# was seen; what finds errors was last changed while looking at seeds 301 to 320.
SMALL = (401, 402, 403)
HOSPITALS = (411, 412)
# What says that something was done wrong; other kinds tell what differs between hospitals, or waits for a mapping.
# What differs from a hospital's other years or from other hospitals, or cannot follow one another.
LEARNT = ("drift.", "outlying.", "sequence.")
# Rules about delivered records that the simulation obeys where it fills the fields: what contradicts another field.
OBEYED = "logic"
UNFILLED = ("H20", "H21.anaesthesia")  # for these the simulation would have to fill fees
# Clean exports have no errors; but at their second hospital people are written otherwise, for linkage, also by birth.
WRITTEN = ("H09.birth",)
WRONG = ("quarantine.", "exchangedFields", "placeholderDay", "conflicts", "repeats", "silence", "units")


@pytest.fixture(scope="module", params=CLEAN)
def clean(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """1,200 patients at 6 hospitals without errors, of each of these seeds."""
    root = tmp_path_factory.mktemp("clean")
    simulate(root / "sim", sites=6, patients=1200, seed=request.param, progress=Silence(), clean=True)
    opened = start.new(root / "ws", synthetic=True)
    for folder in sorted((root / "sim" / "exports").iterdir()):
        sites.add(opened, sites.plan(opened, folder.name, str(folder), pack=None, feed=None, title=""))
    ingest(opened)
    return opened


@pytest.mark.prove
def test_injected_errors_are_found(tmp_path: Path) -> None:
    """Of three exports together: of some kinds one export has so few that a single one decides."""
    made, hit = Counter[str](), Counter[str]()
    for seed in SMALL:
        demonstrate(tmp_path / "demo", hospitals=6, patients=3000, seed=seed, progress=Silence())
        opened, truth = Workspace(tmp_path / "demo" / "workspace"), tmp_path / "demo" / "simulated" / "truth"
        for one in scores(opened, truth).values():
            made[one.kind] += one.made
            hit[one.kind] += one.found
            print(f"{seed} {one.kind:<24} {one.made:>5} {one.found:>6}  {one.recall:.3f}", flush=True)
    recall = {kind: hit[kind] / number for kind, number in made.items() if number}
    print("\nkind                      made  found  recall")
    for kind, share in recall.items():
        print(f"{kind:<24} {made[kind]:>5} {hit[kind]:>6}  {share:.3f}")
    assert {kind for kind, share in recall.items() if share < LEAST} <= {*SHORT, SILENT}
    assert all(recall[kind] >= least for kind, least in SHORT.items())


@pytest.mark.prove
@pytest.mark.parametrize("seed", HOSPITALS)
def test_in_laboratories_of_a_hospital_s_size_units_and_silent_days_are_found(tmp_path: Path, seed: int) -> None:
    """Two laboratories with 25,000 patients each year in and out: the size at which silence is no chance.

    The seeds were chosen, and the size was, before anything of them was looked at.
    """
    simulate(tmp_path / "sim", sites=2, patients=25_000, seed=seed, progress=Silence())
    opened = start.new(tmp_path / "ws", synthetic=True)
    for site in ("h01", "h02"):
        lis = tmp_path / "sim" / "exports" / site / "lis"
        sites.add(opened, sites.plan(opened, site, str(lis), pack="sim-lis", feed="lis", title=""))
    ingest(opened)
    truth = tmp_path / "sim" / "truth"
    silent = [one for listed in findings(opened).values() for one in listed if one.kind == "silence"]
    told = {(one.site, day) for one in silent for day in days_of(one.value)}
    made = pq.read_table(truth / "errors.parquet").to_pylist()
    assert told == {(one["site"], one["key"]) for one in made if one["kind"] == SILENT}
    wrong = [one for one in decidable.wrong_units(truth) if one["feed"] == "lis"]
    records = {(one["site"], one["feed"], one["source_key"]): one["chance"] for one in wrong}
    every = mending.named(opened, truth, records)
    able = mending.named(opened, truth, {key for key, chance in records.items() if chance >= decidable.LIKELIER})
    print(f"\nseed {seed}: {len(told)} silent days; wrong units {every.right} of {every.wrong}, {every.recall:.3f}; "
          f"of those that can be told {able.right} of {able.wrong}, {able.recall:.3f}")  # fmt: skip
    assert able.recall >= LEAST
    assert every.recall >= SHORT[UNITS]


@pytest.mark.prove
def test_clean_exports_have_few_findings_of_errors(clean: Workspace) -> None:
    found = quiet(clean)
    print("\nfamily               checks   told  of what is absent  false  of 1,000 checks")
    for name, one in found.items():
        print(f"{name:<20} {one.checks:>6} {one.told:>6} {one.true:>18} {one.false:>6} {one.often:>9.3f}")
    for one in (one for listed in findings(clean).values() for one in listed):
        if one.kind.startswith((*WRONG, *LEARNT)):
            print(f"  {one.site} {one.kind} {one.rows} {one.says()}")
    made = sum(one.checks for name, one in found.items() if name != UNITS_READ)
    wrong = [one for listed in findings(clean).values() for one in listed if one.kind.startswith(WRONG)]
    learnt = [one for listed in findings(clean).values() for one in listed if one.kind.startswith(LEARNT)]
    assert 1000 * len(wrong) / made < 5
    assert 1000 * len(learnt) / made < 2
    assert found[UNITS_READ].often < 0.1


@pytest.mark.prove
def test_clean_front_pages_and_reports_contradict_themselves_nowhere(clean: Workspace) -> None:
    """Of the rules that hold two fields against each other none is broken; fees and staff are not simulated at all."""
    broken = {
        (site.name, rule.rule_id): (outcome.wrong, outcome.asked)
        for site in clean.sites() for found in judged(clean, site.name)
        for rule in found.rules.rules if rule.type == OBEYED
        for outcome in [found.outcomes[rule.rule_id]] if outcome.wrong and rule.rule_id not in (*UNFILLED, *WRITTEN)
    }  # fmt: skip
    asked = sum(
        one.asked for site in clean.sites() for found in judged(clean, site.name) for one in found.outcomes.values()
    )
    print(f"\n{len(broken)} of these rules are broken, of {asked:,} questions in all: {broken}")
    assert not broken
