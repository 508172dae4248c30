"""Search over 100,000 documents of an installation, in Chinese and English. `python -m benchmarks literature`.

The documents are made up as abstracts are written: a thousand characters, words by Zipf's law, of which some are names
of the packs' concepts; half are Chinese. What is asked: one to four names or words, in either language, each of which
is sought by the names that its concept has. Records are kept in SQLite, as a small installation keeps them.
"""

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import isthmus.apps.advice
from benchmarks.claim import Bench, Row, spent
from isthmus.apps.advice.pack.base import shipped
from isthmus.apps.advice.search.finding import find
from isthmus.apps.advice.search.library import renew
from isthmus.apps.contract import manifest_of
from isthmus.apps.contract.application import Context
from isthmus.apps.contract.schema import steps_of
from isthmus.base.clock import now
from isthmus.flow import workspace
from isthmus.flow.invented import invented
from isthmus.gate.declared import Invented
from isthmus.records.own import Own

FULL, SMALL = 100_000, 2_000
SOURCES = 10
ASKED = 400
LIMIT = 0.200
LETTERS = 1000
"""Characters of an abstract."""
FOLDER = Path(isthmus.apps.advice.__file__).parent


def literature(bench: Bench) -> Iterator[Row]:
    """How long a search takes, and how long taking the documents in."""
    documents, root = bench.pick(SMALL, FULL), str(bench.folder / "ws")
    made = bench.job(f"literature: {documents:,} documents", "literature.taken", root=root, documents=documents)
    ran = bench.job("literature: searches", "literature.searched", root=root)
    found = ran.found
    yield Row(
        "a search over guidelines and literature", f"{documents:,} documents, {found['asked']} searches",
        f"p95 {found['p95'] * 1e3:.0f} ms, p50 {found['p50'] * 1e3:.0f} ms", limit=f"p95 < {LIMIT * 1e3:.0f} ms",
        memory=ran.peak, cpu=spent(ran), holds=found["p95"] < LIMIT,
        note=f"{found['cpu'] * 1e3:.0f} ms of processor time a search; taken in within {made.seconds:.0f} s.",
    )  # fmt: skip


def _words(random: np.random.Generator) -> tuple[list[str], list[str]]:
    """Made-up words of Chinese and English, the most frequent first."""
    signs = [chr(0x4E00 + int(one)) for one in random.choice(5000, 2500, replace=False)]
    chinese = ["".join(random.choice(signs, size)) for size in random.integers(1, 5, 8_000)]
    parts = [f"{one}{two}{three}" for one in "bcdfglmnprstv" for two in "aeiou" for three in ("", "n", "r", "l", "s")]
    english = ["".join(random.choice(parts, size)) for size in random.integers(1, 5, 40_000)]
    return chinese, english


def _names() -> tuple[list[str], list[str]]:
    concepts = shipped().graph.concepts.values()
    return [one.zh for one in concepts], [one.en for one in concepts]


def write(folder: Path, documents: int) -> None:
    """Folders of sources as a user has them."""
    random = np.random.default_rng(7)
    words, names = _words(random), _names()
    for number in range(SOURCES):
        own = folder / f"source_{number}"
        own.mkdir(parents=True)
        head = f"title: Abstracts {number}\nversion: '2026'\nlicence: made up\n"
        (own / "source.yaml").write_text(head, encoding="utf-8")
        lines = [
            json.dumps(
                _document(random, words[at % 2], names[at % 2], "" if at % 2 == 0 else " ", at), ensure_ascii=False
            )
            for at in range(documents // SOURCES)
        ]
        (own / "abstracts.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _document(
    random: np.random.Generator, words: list[str], names: list[str], between: str, at: int
) -> Mapping[str, str]:  # fmt: skip
    count = LETTERS // (3 if not between else 8)
    chosen = [words[(int(one) - 1) % len(words)] for one in random.zipf(1.15, count)]
    for place in random.integers(0, count, 8):
        chosen[place] = names[int(random.zipf(1.3) - 1) % len(names)]
    stops = set(random.integers(0, count, 12).tolist())
    text = between.join(
        f"{word}{'。' if not between else '.'}" if i in stops else word for i, word in enumerate(chosen)
    )
    title = between.join([names[int(random.integers(len(names)))], *chosen[:5]])
    return {"name": str(at), "title": title, "text": text}


def _context(root: Path) -> Context:
    manifest = manifest_of(FOLDER)
    own = Own(f"sqlite:///{root / 'own.db'}", manifest.app, steps_of(FOLDER))
    own.migrate()
    opened = workspace.Workspace(root / "ws") if (root / "ws").exists() else invented(root / "ws", {"person": []})
    edition = opened.lake.editions.current()
    assert edition is not None
    return Context(
        session=Invented(opened.lake, edition, manifest.reads), records=own.of(""), settings={},
        learnt=lambda kind, rows: None, now=now(),
    )  # fmt: skip


def taken(root: str, documents: int) -> dict[str, Any]:
    """Write the documents, and take them in."""
    folder = Path(root)
    write(folder / "library", documents)
    began = time.perf_counter()
    renew(folder / "library", _context(folder))
    return {"seconds": time.perf_counter() - began}


def searched(root: str) -> dict[str, Any]:
    """Searches one after the other, each timed; the first, which makes what is kept, is not."""
    at = _context(Path(root))
    random = np.random.default_rng(11)
    words, names = _words(np.random.default_rng(7)), _names()
    took: list[float] = []
    used = time.process_time()
    for number in range(-2, ASKED):
        chosen = [str(random.choice(names[number % 2])) for _ in range(int(random.integers(1, 3)))]
        chosen += [str(words[number % 2][int(random.zipf(1.3) - 1) % 5000]) for _ in range(int(random.integers(0, 3)))]
        began = time.perf_counter()
        answer = find(" ".join(chosen), replace(at, language="zh" if number % 2 == 0 else "en"))
        if number < 0:
            used = time.process_time()
        else:
            took.append(time.perf_counter() - began)
        assert answer.hits
    took.sort()
    return {
        "asked": ASKED, "p50": took[ASKED // 2], "p95": took[int(ASKED * 0.95)],
        "cpu": (time.process_time() - used) / ASKED,
    }  # fmt: skip
