"""How long a search in half a million terms takes, by the kind of what is typed; the peer scans all the names."""

import csv
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.claim import Bench, Row, seconds, spent
from isthmus.mapping.search import store
from isthmus.mapping.search.ask import Search
from isthmus.mapping.search.index import build
from isthmus.mapping.search.sound import SIGNS, readings

PROMISE = 0.050
SHOWN = 20
EACH = 200  # queries of each kind
SIDES = ("左侧", "右侧", "双侧", "陈旧性", "复发性", "急性", "慢性", "先天性", "继发性", "疑似")
ENDS = ("", "伴感染", "术后", "并发症")
WORDS = ("Left ", "Right ", "Recurrent ", "Chronic ", "Suspected ", "Acute ", "Secondary ", "History of ")
# Names of our own for where the outside lists are not.
PLACES = ("肝", "胆囊", "胰腺", "胃", "结肠", "直肠", "食管", "肺", "肾", "膀胱", "甲状腺", "乳腺", "卵巢", "脑膜")
HARMS = ("恶性肿瘤", "良性肿瘤", "囊肿", "脓肿", "损伤", "炎", "结石", "出血", "梗阻", "发育不全", "瘘", "坏死")
SITES = ("liver", "gallbladder", "pancreas", "stomach", "colon", "rectum", "lung", "kidney", "bladder", "thyroid")
KINDS = ("carcinoma", "abscess", "cyst", "injury", "inflammation", "stone", "haemorrhage", "obstruction", "necrosis")
LISTS = ("cn/diagnosis_terms/icd10_beijing_v601.csv", "cn/opendrg_chs11/tables/icd10_yb.csv",
         "cn/opendrg_chs11/tables/icd9_yb.csv")  # fmt: skip
CONCEPTS = "ohdsi/concepts-seen.parquet"


def search(bench: Bench) -> Iterator[Row]:
    """Build an index over the terms, then ask it, and DuckDB, what people type."""
    count = bench.pick(20_000, 500_000)
    size = f"{count:,} terms"
    made = bench.job(f"search: an index of {size}", "search.make", folder=str(bench.folder), count=count)
    yield Row(f"search, index built ({made.found['source']} names)", size, seconds(made.seconds), memory=made.peak,
              cpu=spent(made))  # fmt: skip
    ours = bench.job("search: asking it", "search.ask", folder=str(bench.folder))
    peer = bench.job("search: asking DuckDB", "search.scan", folder=str(bench.folder))
    for kind, (middle, late) in ours.found["kinds"].items():
        scanned = peer.found["kinds"].get(kind)
        yield Row(f"search, {kind}", size, _told(middle, late), _told(*scanned) if scanned else "cannot",
                  ratio=late / scanned[1] if scanned else None)  # fmt: skip
    late = ours.found["late"]
    yield Row(
        "search, 95 of 100", size, f"{late * 1e3:.1f} ms", f"{peer.found['late'] * 1e3:.1f} ms of what it can",
        limit="≤ 50 ms", memory=ours.peak, cpu=spent(ours, peer), holds=late <= PROMISE,
        note=f"Of {ours.found['asked']:,} texts {ours.found['found']:.1%} found the name that they were made of, or "
        f"{SHOWN} others.",
    )  # fmt: skip


def make(folder: str, count: int) -> dict[str, Any]:
    """Names, and their index, in a folder; only the index is timed."""
    names, source = _terms(count)
    codes, standard = [f"C{number:06}" for number in range(count)], [number % 3 == 0 for number in range(count)]
    rows = pa.table({
        "concept_id": np.arange(1, count + 1), "concept_name": names, "concept_code": codes, "standard": standard,
        "vocabulary_id": ["V"] * count, "domain_id": ["Condition"] * count, "valid": [True] * count,
    })  # fmt: skip
    none = pa.schema([("concept_id", pa.int64()), ("name", pa.string()), ("standard_id", pa.int64())]).empty_table()
    pq.write_table(rows, Path(folder) / "names.parquet")
    begun = time.perf_counter()
    store.save(build(rows, none, none), Path(folder) / "index")
    return {"seconds": time.perf_counter() - begun, "source": source}


def _terms(count: int) -> tuple[list[str], str]:
    """So many names, the same every time, and whether they are made of outside lists or of our own words."""
    root = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data"))
    base = []
    for path in (root / one for one in LISTS):
        if path.is_file():
            with path.open(encoding="utf-8") as stream:
                base += [row[1] for row in list(csv.reader(stream))[1:]]
    if (root / CONCEPTS).is_file():
        base += pq.read_table(root / CONCEPTS)["concept_name"].to_pylist()
    source = "outside" if base else "own"
    if not base:
        base = [place + harm for place in PLACES for harm in HARMS]
        base += [f"{kind} of {site}" for site in SITES for kind in KINDS]
    chance = random.Random(500)
    names = chance.sample(base, min(count, len(base)))
    latin = [name for name in base if name.isascii()]
    chinese = [name for name in base if not name.isascii()]
    while len(names) < count:
        if chance.random() < 0.6:
            names.append(chance.choice(SIDES) + chance.choice(chinese) + chance.choice(ENDS))
        else:
            names.append(f"{chance.choice(WORDS)}{chance.choice(latin)} with {chance.choice(latin)}")
    return names, source


def _typed(names: list[str]) -> dict[str, list[tuple[str, str]]]:
    """By kind what somebody may type, each with the name that it was made of."""
    chance = random.Random(7)
    chinese = [name for name in names if len(name) > 3 and all("一" <= letter <= "龥" for letter in name)]
    latin = [name for name in names if name.isascii() and len(name.split()) > 1 and len(name.split()[0]) > 6]
    found: dict[str, list[tuple[str, str]]] = {}
    for _ in range(EACH):
        name, other = chance.choice(chinese), chance.choice(latin)
        at, long = chance.randrange(len(name) - 2), chance.randint(2, 5)
        heard = [readings().syllables[sign - SIGNS] for sign in readings().read(np.array([*map(ord, name)]))]
        words = other.split()
        first = words[0]
        slip = first[: len(first) // 2] + first[len(first) // 2 + 1 :]
        made = {
            "whole name": (name, name), "part of Chinese": (name[at : at + long], name),
            "two parts of Chinese": (f"{name[:2]} {name[-2:]}", name), "pinyin": ("".join(heard[at : at + long]), name),
            "unfinished pinyin": ("".join(heard[:4])[:-1], name),
            "initials": ("".join(one[0] for one in heard[:6]), name),
            "beginnings of words": (" ".join(word[:5] for word in words[:3]), other),
            "part of a word": (first[2:7], other), "abbreviation": ("".join(word[0] for word in words[:4]), other),
            "slip": (f"{slip} {words[1]}", other), "code": (f"C{chance.randrange(len(names)):06}", ""),
        }  # fmt: skip
        for kind, one in made.items():
            found.setdefault(kind, []).append(one)
    return found


def ask(folder: str) -> dict[str, Any]:
    """Seconds of every kind in the index, read where it lies."""
    asked = _typed(_names(folder))
    index = Search(store.load(Path(folder) / "index"))
    good = 0
    taken: dict[str, list[float]] = {}
    for kind, texts in asked.items():
        index.find(texts[0][0])  # what is read once from disk is not what a search costs
        for text, name in texts:
            begun = time.perf_counter()
            hits = index.find(text, most=SHOWN)
            taken.setdefault(kind, []).append(time.perf_counter() - begun)
            good += len(hits) == SHOWN or any(hit.found == name or not name for hit in hits)
    return _summed(taken) | {"found": good / sum(map(len, asked.values()))}


def scan(folder: str) -> dict[str, Any]:
    """The same in DuckDB: names in memory, in small letters, of which those with the text as a part are taken."""
    asked = _typed(_names(folder))
    taken: dict[str, list[float]] = {}
    path = Path(folder) / "names.parquet"
    with duckdb.connect(config={"threads": 2}) as engine:
        engine.execute(f"CREATE TABLE t AS SELECT concept_id, lower(concept_name) AS name FROM '{path}'")
        for kind in ("whole name", "part of Chinese", "part of a word"):
            for text, _ in asked[kind]:
                begun = time.perf_counter()
                engine.execute("SELECT concept_id, name FROM t WHERE contains(name, ?) ORDER BY length(name), name "
                               f"LIMIT {SHOWN}", [text.lower()]).fetchall()  # fmt: skip
                taken.setdefault(kind, []).append(time.perf_counter() - begun)
    return _summed(taken)


def _names(folder: str) -> list[str]:
    names: list[str] = pq.read_table(Path(folder) / "names.parquet", columns=["concept_name"])[
        "concept_name"
    ].to_pylist()
    return names


def _summed(taken: dict[str, list[float]]) -> dict[str, Any]:
    every = [one for several in taken.values() for one in several]
    kinds = {kind: (float(np.median(several)), float(np.quantile(several, 0.95))) for kind, several in taken.items()}
    return {"kinds": kinds, "late": float(np.quantile(every, 0.95)), "asked": len(every)}


def _told(middle: float, late: float) -> str:
    return f"{middle * 1e3:.1f}, 95 %: {late * 1e3:.1f} ms"
