"""Terms: wordings with their right terms, and a code list, in the files in which such sets are handed round."""

import argparse
import csv
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa

from isthmus.mapping.candidates.edition import families
from isthmus.mapping.terms.evaluate import Figures, compare
from isthmus.mapping.terms.knowledge import Decisions
from isthmus.mapping.terms.model import Model
from isthmus.mapping.terms.store import save

APART = "##"
DOMAINS = {"procedures": "Procedure", "diagnoses": "Condition"}
Targets = dict[str, int]  # terms, each with the number of its code's category, -1: none
Labelled = list[tuple[str, tuple[str, ...]]]


def arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--train", type=Path, required=True, help="wordings and terms: CSV, tab-separated or JSON")
    parser.add_argument("--targets", type=Path, required=True, help="codes and terms, tab- or comma-separated")
    parser.add_argument("--test", type=Path, help="wordings and terms to be measured on")
    parser.add_argument(
        "--folds", type=int, default=0, help="measure on this many parts of --train, each left out once"
    )
    parser.add_argument("--only", type=int, help="of the folds, measure this many")
    parser.add_argument("--curve", action="store_true", help="also with 25 and 50 %% of the decisions")
    parser.add_argument("--save", type=Path, help="write the model of all of --train to this folder")


def run(chosen: argparse.Namespace) -> int:
    """Train, measure, print."""
    train, targets = labelled(chosen.train), code_list(chosen.targets, DOMAINS[chosen.name])
    shares = (0.25, 0.5, 1.0) if chosen.curve else (1.0,)
    for share in shares:
        if chosen.test:
            started = time.perf_counter()
            _, figures = measure(part(train, share), labelled(chosen.test), targets)
            show(f"{chosen.test.name}, {share:.0%} of the decisions", figures, time.perf_counter() - started)
        if chosen.folds:
            started = time.perf_counter()
            whole = in_folds(train, targets, share, chosen.folds, chosen.only or chosen.folds)
            show(f"{chosen.folds} folds, {share:.0%} of the decisions", whole, time.perf_counter() - started)
    if chosen.save:
        number, names, family = _targets(train, targets)
        model = Model.learn(names, family, _decisions(train, number))
        save(model, chosen.save)
        print(f"model {model.version} in {chosen.save}")
    return 0


def in_folds(train: Labelled, targets: Targets, share: float, folds: int, only: int) -> Figures:
    """Each fold answered by a model of the others, the counts added."""
    fold = np.random.default_rng(0).permutation(len(train)) % folds
    whole: Figures | None = None
    for held in range(only):
        rest = [row for row, at in zip(train, fold, strict=True) if at != held]
        out = [row for row, at in zip(train, fold, strict=True) if at == held]
        _, figures = measure(part(rest, share), out, targets)
        print(f"  fold {held + 1}: F1 {figures.f1:.3f}, exact {figures.accuracy:.3f}", flush=True)
        whole = figures if whole is None else whole + figures
    if whole is None:
        raise SystemExit("--only must be at least 1")
    return whole


def part(rows: Labelled, share: float) -> Labelled:
    """The same share of the rows every time."""
    kept = np.random.default_rng(1).permutation(len(rows))[: round(len(rows) * share)]
    return [rows[at] for at in np.sort(kept)]


def measure(train: Labelled, test: Labelled, targets: Targets) -> tuple[Model, Figures]:
    """A model of the training rows, and its figures on the test rows."""
    number, names, family = _targets(train, targets)
    model = Model.learn(names, family, _decisions(train, number))
    answer = model.answer(pa.array([text for text, _ in test], pa.string()))
    return model, compare(answer, _decisions(test, number))


def _targets(train: Labelled, targets: Targets) -> tuple[dict[str, int], pa.Array, np.ndarray]:
    """Each distinct term's number; terms that only decisions name come last, and have no family."""
    family = targets | {name: -1 for _, terms in train for name in terms if name not in targets}
    number = {name: at for at, name in enumerate(family)}
    return number, pa.array(list(family), pa.string()), np.array(list(family.values()), np.int64)


def _decisions(rows: Labelled, number: dict[str, int]) -> Decisions:
    pairs = [(at, number.get(term, -1)) for at, (_, terms) in enumerate(rows) for term in terms]
    text, target = np.array(pairs, np.int64).reshape(-1, 2).T
    return Decisions(pa.array([text for text, _ in rows], pa.string()), text, target)


def labelled(path: Path) -> Labelled:
    """Wordings with their terms; a wording that comes twice is taken once."""
    found: dict[str, tuple[str, ...]] = {}
    for text, terms in _labels(path):
        names = dict.fromkeys(_clean(term) for term in terms.split(APART))
        found.setdefault(text, tuple(name for name in names if name))
    return [(text, terms) for text, terms in found.items() if terms]


def _labels(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".json":
        for row in orjson.loads(path.read_bytes()):
            yield row["text"], row["normalized_result"]
        return
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        next(lines)
        for line in lines:
            yield line[0], line[1]


def code_list(path: Path, domain: str) -> Targets:
    """The terms of a code list, each with its family; a line without code or term is left out."""
    with path.open(encoding="utf-8-sig", newline="") as stream:
        lines = (
            csv.reader(stream) if path.suffix == ".csv" else csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE)
        )
        coded: dict[str, str] = {}
        for line in lines:
            if len(line) > 1 and line[0] != "code" and _clean(line[1]):
                coded.setdefault(_clean(line[1]), line[0])
    family = families(pa.array(list(coded.values()), pa.string()), domain)
    return dict(zip(coded, family.tolist(), strict=True))


def _clean(term: str) -> str:
    return term.strip().strip('"').strip()


def show(title: str, figures: Figures, seconds: float) -> None:
    """The figures, in words."""
    share, low, high = figures.precision
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(f"{title}: {figures.wordings:,} wordings, {figures.terms:,} terms")
    print(f"  exact {figures.accuracy:.1%}; best candidate right {figures.top:.1%}; micro F1 {figures.f1:.1%}")
    print(f"  recall@10 {figures.recall:.1%}")
    print(f"  automatic {figures.coverage:.1%} of wordings, {share:.2%} of them exact (95 % {low:.1%} to {high:.1%})")
    print(f"  {seconds:.0f} s, peak memory {memory:,.0f} MB", flush=True)
