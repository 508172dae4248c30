"""FHIR input of any size: Synthea's Bundles (or simulated ones) written again and again for other patients."""

import gzip
import os
import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from isthmus.base.progress import Silence
from isthmus.simulation import simulate

OUTSIDE = Path("smart-on-fhir+generated-sample-data")
UUID_HEAD = re.compile(rb"[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
LINES = 20_000  # of one NDJSON file


def write(folder: str, *, resources: int, kind: str) -> dict[str, Any]:
    """At least that many resources as `bundles` (pretty JSON), `gz` (the same, packed) or `ndjson`; says how many.

    Every repetition has ids of its own: the first eight digits of every UUID are its number.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    originals, count = [], 0
    for one in _originals():
        originals.append(one)
        count += one.count(b'"fullUrl"')
        if count >= resources:
            break
    repetitions = -(-resources // count)
    if kind == "ndjson":
        _write_lines(target, originals, repetitions)
    else:
        _write_bundles(target, originals, repetitions, packed=kind == "gz")
    return {"resources": count * repetitions, "source": "outside" if _outside() else "simulated"}


def _write_bundles(target: Path, originals: list[bytes], repetitions: int, *, packed: bool) -> None:
    split = [UUID_HEAD.split(one) for one in originals]
    for repetition in range(repetitions):
        for number, pieces in enumerate(split):
            text = (b"%08x" % (repetition + 1)).join(pieces)
            name = f"patient-{repetition:04d}-{number:04d}.json"
            (target / (name + ".gz" if packed else name)).write_bytes(gzip.compress(text, 1) if packed else text)


def _write_lines(target: Path, originals: list[bytes], repetitions: int) -> None:
    lines: dict[str, list[bytes]] = {}
    for one in originals:
        for entry in orjson.loads(one)["entry"]:
            lines.setdefault(entry["resource"]["resourceType"], []).append(orjson.dumps(entry["resource"]))
    for kind, texts in sorted(lines.items()):
        pieces = UUID_HEAD.split(b"\n".join(texts) + b"\n")
        together = max(1, LINES // len(texts))
        for first in range(0, repetitions, together):
            with (target / f"{kind}.{first:06d}.ndjson").open("wb") as stream:
                for repetition in range(first, min(first + together, repetitions)):
                    stream.write((b"%08x" % (repetition + 1)).join(pieces))


def _outside() -> Path | None:
    named = Path(os.environ.get("ISTHMUS_TEST_DATA", "../shared/data"))
    folder = named / "fhir" / OUTSIDE
    return folder if folder.is_dir() else None


def _originals() -> Iterator[bytes]:
    folder = _outside()
    if folder is not None:
        for path in sorted(folder.rglob("*.json.gz")):
            yield gzip.decompress(path.read_bytes())
        return
    with TemporaryDirectory() as simulated:
        simulate(Path(simulated), sites=6, patients=600, seed=1, progress=Silence())
        yield from _bundled(Path(simulated))


def _bundled(exports: Path) -> Iterator[bytes]:
    """The NDJSON of simulated hospitals as one pretty Bundle per person."""
    people: dict[str, list[dict[str, Any]]] = {}
    for path in sorted(exports.glob("exports/*/*/*.ndjson*")):
        packed = path.read_bytes()
        for line in (gzip.decompress(packed) if path.suffix == ".gz" else packed).splitlines():
            resource = orjson.loads(line)
            subject = resource.get("subject") or resource.get("patient") or {}
            person = subject.get("reference", f"Patient/{resource['id']}")
            people.setdefault(str(path.parent) + person, []).append(resource)
    for resources in people.values():
        entries = [{"fullUrl": f"urn:uuid:{one['id']}", "resource": one} for one in resources]
        bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        yield orjson.dumps(bundle, option=orjson.OPT_INDENT_2)
