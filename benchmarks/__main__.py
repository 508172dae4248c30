"""`python -m benchmarks [NAME …] [--scale small|full] [--json FILE] [--keep DIR]`: run the claims, print one table."""

import argparse
import os
import platform
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import (
    advice,
    chain,
    cohorts,
    fresh,
    gate,
    ledger,
    linkage,
    literature,
    memory,
    million,
    profile,
    quality,
    redelivery,
    search,
    speed,
    vte,
    workbench,
)
from benchmarks.claim import Bench, Claim, Row

CLAIMS: Mapping[str, Claim] = {
    "advice": advice.advice,
    "chain": chain.chain,
    "cohorts": cohorts.cohorts,
    "csv": speed.csv,
    "fhir": speed.fhir,
    "fresh": fresh.fresh,
    "gate": gate.gate,
    "ledger": ledger.ledger,
    "linkage": linkage.linkage,
    "literature": literature.literature,
    "memory": memory.memory,
    "million": million.million,
    "profile": profile.profile,
    "quality": quality.quality,
    "redelivery": redelivery.redelivery,
    "search": search.search,
    "vte": vte.vte,
    "workbench": workbench.workbench,
}
STDERR = Console(stderr=True)


def main() -> int:
    """0 when every promise that was measured at full scale holds, else 1; small runs promise nothing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {', '.join(CLAIMS)} (default: all)")
    parser.add_argument("--scale", choices=("small", "full"), default="full", help="small is for trying out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make inputs and lakes there, and leave them")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(CLAIMS)
    if unknown:
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(CLAIMS)}")
    rows: list[Row] = []
    for name in chosen.names or CLAIMS:
        with _folder(chosen.keep, name) as folder:
            for row in CLAIMS[name](Bench(chosen.scale, folder, _tell)):
                rows.append(row)
                _tell(
                    f"{row.task}, {row.size}: {row.ours} against {row.peer or '-'}, {row.memory:,.0f} MB, cpu {row.cpu}"
                )
    _show(rows, chosen.scale)
    if chosen.json:
        body = {"machine": machine(), "scale": chosen.scale, "rows": [asdict(row) for row in rows]}
        chosen.json.write_bytes(orjson.dumps(body, option=orjson.OPT_INDENT_2))
    return int(chosen.scale == "full" and any(row.holds is False for row in rows))


def machine() -> str:
    """What it runs on: processors, memory, system."""
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    cores = len(os.sched_getaffinity(0))
    busy = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    return f"{cores} cores, {pages * size / 1e9:.0f} GB, {platform.platform()}, load {busy}"


def _tell(said: str) -> None:
    STDERR.print(f"[dim]{time.strftime('%H:%M:%S')}[/] {said}", highlight=False)


@contextmanager
def _folder(keep: Path | None, name: str) -> Iterator[Path]:
    if keep is not None:
        (keep / name).mkdir(parents=True, exist_ok=True)
        yield (keep / name).resolve()
        return
    with tempfile.TemporaryDirectory(prefix="isthmus-bench-") as folder:
        yield Path(folder)


def _show(rows: Sequence[Row], scale: str) -> None:
    table = Table(title=f"{scale} scale; {machine()}", title_justify="left")
    for name in ("task", "size", "ours", "peer", "ratio", "limit", "memory", "cpu", "holds?"):
        table.add_column(name, justify="left" if name in ("task", "size", "limit", "holds?") else "right")
    verdict = {True: "yes", False: "NO", None: ""}
    for row in rows:
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        table.add_row(
            row.task,
            row.size,
            row.ours,
            row.peer,
            ratio,
            row.limit,
            f"{row.memory:,.0f} MB",
            row.cpu,
            verdict[row.holds],
        )
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table)
    for row in rows:
        if row.note:
            console.print(f"{row.task}, {row.size}: {row.note}", highlight=False)
    if scale == "small":
        console.print("Small inputs are mostly start-up; only --scale full measures the promises.", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
