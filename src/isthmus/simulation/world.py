"""Simulate hospitals: people chunk by chunk, each in the dialects of the hospitals they went to."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from isthmus.base.errors import UsageError
from isthmus.base.progress import Progress
from isthmus.simulation import chunk as chunks
from isthmus.simulation import dirt, emr, fhir, frontpage, his, hl7, lis, liver, site, vendor
from isthmus.simulation.chunk import Chunk
from isthmus.simulation.export import Export, lacks
from isthmus.simulation.ledger import people_truth
from isthmus.simulation.sink import Sink
from isthmus.simulation.site import Feed
from isthmus.simulation.truth import Truth

MOST_SITES = 1000
DIALECTS = (his, frontpage, lis, emr, vendor, fhir, hl7)


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written: the feeds with their packs, people, liver patients, rows of truth, errors injected."""

    feeds: Sequence[Feed]
    people: int
    liver: int
    events: int
    errors: int
    log_hazard_ratio: float


def simulate(
    out: Path, *, sites: int, patients: int, seed: int, progress: Progress, clean: bool = False, pathways: bool = False
) -> Summary:
    """Write `out/exports/<site>/<feed>/…` and `out/truth/*`; the same bytes for the same arguments.

    `patients` is the whole population; people go to one to three of the `sites`. `clean`: no errors are made; that
    hospitals differ, in units, codes and columns that they leave out, is none. `pathways`: steps of the guideline on
    liver cancer are taken and missed, and `truth/pathway.parquet` says which. Raises UsageError for numbers that make
    no hospital.
    """
    if not 1 <= sites <= MOST_SITES or patients < 1 or seed < 0:
        raise UsageError(
            f"simulate needs 1 to {MOST_SITES} sites, at least one patient and a seed of 0 or more; "
            f"got {sites} sites, {patients} patients, seed {seed}."
        )
    names = site.names(sites)
    sink = Sink(out / "exports", names)
    for feed in site.feeds(names):  # a system that has nothing to tell exports an empty folder
        (out / "exports" / feed.folder).mkdir(parents=True, exist_ok=True)
    ill = 0
    progress.start("simulate", total=patients, unit="people")
    with Truth(out / "truth", names, pathways=pathways) as truth:
        _whole_files(truth, names, seed, clean=clean)
        for start in range(0, patients, chunks.SIZE):
            count = min(chunks.SIZE, patients - start)
            chunk = chunks.draw(seed, start, count, sites, pathways=pathways)
            export = Export(seed, names, sink, truth, np.random.default_rng([seed, start, 1]), clean)
            _write(chunk, export)
            ill += len(chunk.course)
            progress.advance("simulate", count)
        sink.close({".hl7": hl7.FOOTER})
        summary = Summary(tuple(site.feeds(names)), patients, ill, truth.events, truth.errors, liver.EFFECT)
    _about(out / "truth", summary)
    progress.finish("simulate")
    return summary


def _write(chunk: Chunk, export: Export) -> None:
    for dialect in DIALECTS:
        dialect.write(chunk, export)
    people_truth(chunk, export)


def _whole_files(truth: Truth, names: Sequence[str], seed: int, *, clean: bool) -> None:
    """Errors that concern whole files: days on which the laboratory's interface was down, columns left out."""
    spoken = {feed.site for feed in site.feeds(names) if feed.keyspace == "hospital"}
    rows = [
        (names[number], "lis", lis.FILE, dirt.KINDS[dirt.OUTAGE], day, dirt.FAMILIES[dirt.OUTAGE])
        for number, day in dirt.outage_days(len(names), seed)
        if names[number] in spoken and not clean
    ]
    for number, name in enumerate(names):
        if lacks(number) and name in spoken:
            rows.append((name, "lis", lis.FILE, "missing-column", "CKFW", "gaps"))
    if rows:
        fields = ("site", "feed", "file", "kind", "key", "family")
        truth.write("errors", {field: [row[place] for row in rows] for place, field in enumerate(fields)})
        truth.errors += len(rows)


def _about(folder: Path, summary: Summary) -> None:
    question = {
        "question": "resection versus TACE among BCLC A and B: time from treatment to death",
        "treated": "resection",
        "control": "tace",
        "log_hazard_ratio": liver.EFFECT,
        "hazard_ratio": float(np.exp(liver.EFFECT)),
        "conditional_on": list(liver.ADJUST_FOR),
        "model": "Weibull proportional hazards",
    }
    (folder / "effect.json").write_text(json.dumps(question, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    feeds = summary.feeds
    table = {name: [getattr(feed, name) for feed in feeds] for name in ("site", "name", "pack", "keyspace", "folder")}
    pq.write_table(pa.table(table), folder / "feed.parquet")
