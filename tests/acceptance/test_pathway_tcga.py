"""A pathway over real patients: TCGA's raw tables of liver cancer (biotab, 377 patients of 38 hospitals).

There is no published answer; the counts are printed, and held against what the tables can and cannot tell. They know
days of operations, drugs and follow-up, results at the diagnosis, and no imaging, no discussion of a team and no later
results: nobody may be found wanting in these.
"""

import shutil
import sys
from collections import Counter
from pathlib import Path

import pytest

from isthmus.apps.pathways.evaluate import Evaluation, evaluate
from isthmus.apps.pathways.reader import load, read
from isthmus.apps.pathways.statements import CAUSES, STATES
from isthmus.flow.ingest import ingest
from isthmus.flow.start import new
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.gate.session import open_session

pytestmark = pytest.mark.acceptance

BY_ITEM = """
pathway: liver-items
title: {en: "Liver cancer, by items of the registry", zh: 原发性肝癌（登记条目）}
population: {registry: liver}
hospital: care site
steps:
  operated: {en: Operation, zh: 手术, item: surgery_date, treatment: true}
  treated: {en: First treatment, zh: 首次治疗, item: first_treatment_date, treatment: true}
  recurred: {en: Recurrence, zh: 复发, item: recurrence_date}
facts:
  stage:
    en: CNLC stage
    zh: CNLC 分期
    from: [{item: cnlc, codes: {Ia: [Ia], Ib: [Ib], IIa: [IIa], IIb: [IIb], IIIa: [IIIa], IIIb: [IIIb], IV: [IV]}}]
  function:
    en: Child-Pugh class
    zh: Child-Pugh 分级
    from: [{item: child_class_told, codes: {A: [A], B: [B], C: [C]}}]
sources:
  ours: {title: A trial of the grammar on real data, checked: "not applicable"}
rules:
  operated in time:
    {en: Operation within 180 days of the diagnosis, zh: 诊断后 180 天内手术, exists: operated,
     window: 30 before to 180 after, seen before: 0, when: {function: A}, source: ours, strength: expert}
  operated at early stage:
    {en: Operation within 180 days at stages Ia and Ib, zh: Ia、Ib 期诊断后 180 天内手术, exists: operated,
     window: 30 before to 180 after, seen before: 0, when: {stage: [Ia, Ib]}, source: ours, strength: expert}
  not operated twice in a month:
    {en: No second operation within 30 days, zh: 术后 30 天内无再次手术, within: operated, of: operated, times: "0",
     window: 1 after to 30 after, source: ours, strength: expert}
"""


@pytest.fixture(scope="module")
def tcga(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    folder = tmp_path_factory.mktemp("lihc")
    (folder / "exports").mkdir()
    for path in (outside / "onc" / "tcga_biotab").glob("*_lihc.txt"):
        shutil.copy(path, folder / "exports")
    shutil.copy(outside / "onc" / "tcga_cdr" / "tss_info.csv", folder / "exports")
    opened = new(folder / "ws")
    opened.keep_site(Site("tcga", "TCGA", (Feed("biotab", str(folder / "exports"), "tcga-lihc"),)))
    assert not ingest(opened).failed
    return opened


def _counted(found: Evaluation) -> dict[str, Counter[str]]:
    names = {one.number: one.name for one in found.pack.rules.values()}
    counted: dict[str, Counter[str]] = {name: Counter() for name in names.values()}
    for row in found.results.to_pylist():
        cause = f" ({CAUSES[row['cause']]})" if row["state"] == STATES.index("not assessable") else ""
        counted[names[row["rule"]]][STATES[row["state"]] + cause] += 1
    return counted


def _evaluated(opened: Workspace, capsys: pytest.CaptureFixture[str], by_item: bool) -> Evaluation:
    pack = read(BY_ITEM.encode(), file="items.yaml") if by_item else load("liver")
    with open_session(opened.lake, synthetic=True).desk() as desk:
        found = evaluate(desk, pack)
    with capsys.disabled():
        for name, states in _counted(found).items():
            sys.stdout.write(f"\n{name}: {dict(sorted(states.items()))}")
        sys.stdout.write("\n")
    return found


def test_what_the_tables_do_not_tell_is_not_held_against_anybody(
    tcga: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = _counted(_evaluated(tcga, capsys, by_item=False))
    for name in (
        "imaging at diagnosis", "team before treatment", "imaging before resection", "imaging after local treatment",
        "AFP after treatment meant to cure",
    ):  # fmt: skip
        assert counted[name]["violated"] == counted[name]["met"] == 0
    assert counted["imaging at diagnosis"].total() == 377


def test_items_of_a_registry_make_steps_and_conditions(tcga: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    found = _evaluated(tcga, capsys, by_item=True)
    counted = _counted(found)
    assert counted["operated in time"].total() == 377
    assert counted["operated in time"]["met"] > 100
    # Child-Pugh classes as the forms have them, counted in the raw table.
    function = found.pack.facts["function"].number
    told = Counter(row["code"] for row in found.facts.to_pylist() if row["fact"] == function)
    assert told == {"A": 223, "B": 21, "C": 1}
    assert counted["operated in time"]["not applicable"] >= 21 + 1
    assert len(set(found.episodes.column("hospital").to_pylist())) == 38
