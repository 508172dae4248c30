"""A claim: what is measured, what it is held against, and the row that the table shows of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmarks.job import Sample, run

Scale = Literal["small", "full"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `holds` is None where nothing was promised; `ours` and `peer` are texts with units.

    `cpu` is processor time, of us and of the peer, with the start of the interpreter: what a busy machine leaves
    comparable.
    """

    task: str
    size: str
    ours: str
    peer: str = ""
    ratio: float | None = None
    limit: str = ""
    memory: float = 0.0
    cpu: str = ""
    holds: bool | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Bench:
    """What a claim gets: its scale, a folder of its own, and somebody to tell what is being done."""

    scale: Scale
    folder: Path
    tell: Callable[[str], None]

    def pick(self, small: int, full: int) -> int:
        """The number for this scale."""
        return full if self.scale == "full" else small

    def job(self, said: str, name: str, /, **arguments: Any) -> Sample:
        """Run a job, telling what it is."""
        self.tell(said)
        return run(name, **arguments)


Claim = Callable[[Bench], Iterator[Row]]


def fastest(samples: list[Sample]) -> Sample:
    """The run that was disturbed least, with the greatest memory of all runs."""
    best = min(samples, key=lambda one: one.seconds)
    return Sample(best.seconds, best.whole, best.cpu, max(one.peak for one in samples), best.found)


def accounted(sample: Sample) -> int:
    """Records that an ingest accounts for, whatever became of them."""
    return sum(sample.found["outcomes"].values())


def seconds(value: float) -> str:
    """Seconds as the table shows them."""
    return f"{value:,.2f} s"


def many(value: float) -> str:
    """A count as the table shows it."""
    return f"{value:,.0f}"


def spent(ours: Sample, peer: Sample | None = None) -> str:
    """Processor time as the table shows it."""
    return f"{ours.cpu:,.1f} s" if peer is None else f"{ours.cpu:,.1f} / {peer.cpu:,.1f} s"
