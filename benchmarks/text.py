"""`python -m benchmarks.text rules|simulated|tag …`: speed, memory and precision of the structuring of notes.

rules --notes N [--processes P]           speed and memory of the rule layer on invented reports
simulated [--patients N] [--folder DIR]   precision and recall per item against the truth of a simulation
tag --train F --test F [--lexicon F …] [--keep DIR] [--fields N]
                                          train on one file, evaluate on the other: a letter and its label a line
"""

import argparse
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks import items
from isthmus.mapping.text.structure import structure
from isthmus.mapping.text.tagger import bio, pipeline, score

OUT = Console()
BATCH = 2_000
TYPES = {"disease": "DISEASE", "drug": "DRUG", "test": "TESTLAB", "anatomy": "ANATOMY", "procedure": "OPERATION"}
PICTURES = {
    *("ct", "chest_ct", "mri", "ultrasound", "pet_ct", "bone_scan", "chest_xray", "echocardiography", "angiography"),
    *("gastroscopy", "colonoscopy", "ecg"),
}

SITES = ("肝S4段", "肝右叶", "肝左外叶", "肝Ⅷ段", "肝尾状叶")
OPENINGS = (
    "主诉：右上腹隐痛{n}月。\n现病史：患者{n}月前无明显诱因出现右上腹隐痛，伴乏力、纳差，无发热、寒战，无恶心、呕吐，在当地医院行腹部彩超提示肝占位。",
    "检查名称：上腹部增强CT\n影像所见：肝脏形态不规则，{site}见一大小约{a}×{b}cm低密度影，边界欠清，动脉期明显强化，门脉期廓清。门静脉主干未见充盈缺损。",
    "手术经过：全麻成功后取右肋缘下切口，探查见{site}肿瘤{n}枚，最大直径约{a}cm，未侵犯膈肌，行肝部分切除术，术中出血约{v}ml，未输血。",
)
MIDDLES = (
    "既往史：乙肝病史{v}年，长期口服恩替卡韦0.5mg qd，否认高血压、糖尿病、冠心病病史，否认药物过敏史。",
    "实验室检查：AFP {v}ng/ml，PIVKA-II {v}mAU/ml，ALT {v}U/L，白蛋白 {n}8g/L，INR 1.{n}，PLT {v}×10^9/L。",
    "家族史：父亲死于肝癌，母亲体健，否认家族遗传病史。体格检查：皮肤巩膜无黄染，腹软，无压痛及反跳痛，移动性浊音阴性，双下肢无水肿。",
)
ENDINGS = (
    "诊断：1.原发性肝癌 BCLC B期 CNLC Ⅱa期 2.乙肝肝硬化 Child-Pugh A级（{n}分） 3.肺转移？ ECOG 1分。拟行TACE治疗。",
    "印象：肝癌可能大，未见明确肝外转移，双肺小结节，建议随访。胆囊结石，脾大，少量腹水。2023-0{n}-1{n}复查疗效评价：SD。",
)


def report(seed: random.Random) -> str:
    """An invented report of about 300 characters."""
    parts = [seed.choice(OPENINGS), seed.choice(MIDDLES), seed.choice(MIDDLES), seed.choice(ENDINGS)]
    values = {
        "n": seed.randint(1, 6), "a": f"{seed.uniform(1, 12):.1f}", "b": f"{seed.uniform(1, 9):.1f}",
        "v": seed.randint(3, 900), "site": seed.choice(SITES),
    }  # fmt: skip
    return "\n".join(part.format(**values) for part in parts)


def work(task: tuple[int, int]) -> tuple[int, int, float]:
    """Structure `count` notes of a seed: notes, findings, seconds of a processor spent on structuring alone."""
    seed, count = task
    source = random.Random(seed)
    notes = pa.array([report(source) for _ in range(count)])
    begun = time.process_time()
    found = sum(batch.num_rows for batch in structure(pa.array(range(count)), notes))
    return count, found, time.process_time() - begun


def rules(notes: int, processes: int) -> int:
    """Speed over all processes, and the most memory a process held."""
    tasks = [(seed, min(BATCH, notes - seed)) for seed in range(0, notes, BATCH)]
    with multiprocessing.get_context("spawn").Pool(processes, work, ((0, 10),)) as pool:
        begun = time.perf_counter()
        done = list(pool.imap_unordered(work, tasks))
    seconds = time.perf_counter() - begun
    busy = sum(one[2] for one in done)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    found = sum(one[1] for one in done)
    length = sum(len(report(random.Random(seed))) for seed in range(200)) / 200
    OUT.print(f"{notes:,} notes of {length:.0f} characters, {found / notes:.1f} findings a note")
    OUT.print(f"{notes / seconds:,.0f} notes/s by the clock on {processes} processes (writing the notes included)")
    OUT.print(f"{notes / busy:,.0f} notes per second of processor time; at most {peak:,.0f} MB in a process")
    return 0


def simulated(folder: Path | None, patients: int) -> int:
    """Precision and recall per item on the notes of a simulation."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="isthmus-notes-") as made:
            items.simulated(Path(made) / "simulation", patients)
            return simulated(Path(made) / "simulation", patients)
    table = Table(title=f"items in simulated notes, {folder.name}", title_justify="left")
    for name in ("note", "item", "told", "found", "right", "precision", "recall"):
        table.add_column(name, justify="left" if name in {"note", "item"} else "right")
    for row in items.compared(folder):
        table.add_row(
            row.note,
            row.item,
            f"{row.told:,}",
            f"{row.found:,}",
            f"{row.right:,}",
            f"{row.precision:.3f}",
            f"{row.recall:.3f}",
        )
    OUT.print(table)
    return 0


def names(test: Path) -> int:
    """Names of the rule layer against annotated sentences: strictly, and counting any overlap of the same type."""
    truth = bio.read(test)
    batches = structure(pa.array(range(len(truth)), pa.int64()), pa.array([one.text for one in truth]))
    guess: list[list[bio.Entity]] = [[] for _ in truth]
    for row in (row for batch in batches for row in batch.to_pylist()):
        kind = "TESTIMAGE" if row["code"] in PICTURES else TYPES.get(row["kind"])
        if kind:
            guess[row["note_id"]].append(bio.Entity(row["start"], row["end"], kind))
    touched = [_touching(one.entities, found) for one, found in zip(truth, guess, strict=True)]
    scores = score.by_type([one.entities for one in truth], guess)
    _show(f"names of the lexicon in {len(truth):,} sentences: the same span", scores)
    _show("the same names: any overlap", score.by_type([one.entities for one in truth], touched))
    return 0


def _touching(truth: Sequence[bio.Entity], guess: Sequence[bio.Entity]) -> list[bio.Entity]:
    """Each guess as the entity of the same type that it overlaps, where there is one."""
    found = []
    for one in guess:
        same = (other for other in truth if other.type == one.type and other.start < one.end and one.start < other.end)
        found.append(next(same, one))
    return found


def _show(title: str, scores: Sequence[score.Score]) -> None:
    table = Table(title=title, title_justify="left")
    for name in ("type", "truth", "found", "right", "precision", "recall", "F1"):
        table.add_column(name, justify="left" if name == "type" else "right")
    for row in scores:
        counts = (f"{count:,}" for count in (row.truth, row.found, row.right))
        table.add_row(row.name, *counts, *(f"{rate:.2f}" for rate in (row.precision, row.recall, row.f1)))
    OUT.print(table)


def tag(train: Path, test: Path, lexicons: Sequence[Path], keep: Path | None, *, fields: int) -> int:
    """Train, evaluate by entity, and print by type; `keep` is where the model goes."""
    with tempfile.TemporaryDirectory(prefix="isthmus-tagger-") as scratch:
        begun = time.perf_counter()
        folder = keep or Path(scratch) / "model"
        pipeline.train(
            bio.read(train), folder, pipeline.Settings(fields), [bio.words(path) for path in lexicons], tell=_tell
        )
        trained = time.perf_counter() - begun
        truth = bio.read(test)
        guess = pipeline.load(folder).tag([one.text for one in truth])
        scores = score.by_type([one.entities for one in truth], guess)
        _show(f"trained in {trained:.0f} s, {time.perf_counter() - begun:.0f} s in all", scores)
    return 0


def _tell(said: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {said}\n")


def main() -> int:
    """Run one of the commands."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    speed = commands.add_parser("rules")
    speed.add_argument("--notes", type=int, default=20_000)
    speed.add_argument("--processes", type=int, default=2)
    truth = commands.add_parser("simulated")
    truth.add_argument("--patients", type=int, default=3_000)
    truth.add_argument("--folder", type=Path, help="a simulation that is there already")
    lexical = commands.add_parser("names")
    lexical.add_argument("--test", type=Path, required=True)
    learned = commands.add_parser("tag")
    learned.add_argument("--train", type=Path, required=True)
    learned.add_argument("--test", type=Path, required=True)
    learned.add_argument("--lexicon", type=Path, action="append", default=[], help="a file of words, one a line")
    learned.add_argument("--keep", type=Path, help="write the model into this new folder")
    learned.add_argument("--fields", type=int, default=1, help="how many fields are trained and vote")
    chosen = parser.parse_args()
    if chosen.command == "rules":
        return rules(chosen.notes, chosen.processes)
    if chosen.command == "simulated":
        return simulated(chosen.folder, chosen.patients)
    if chosen.command == "names":
        return names(chosen.test)
    return tag(chosen.train, chosen.test, chosen.lexicon, chosen.keep, fields=chosen.fields)


if __name__ == "__main__":
    sys.exit(main())
