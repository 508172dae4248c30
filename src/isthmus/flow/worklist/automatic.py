"""Mapping without a person: what is measured to be right at a site's threshold, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass

from isthmus.base.errors import InputError, UsageError
from isthmus.base.progress import Progress
from isthmus.flow.ingest import Report, ingest
from isthmus.flow.worklist.decide import Choice, decide
from isthmus.flow.worklist.items import AUTOMATIC, Item, items
from isthmus.flow.worklist.mappers import Asked, Mappers, mappers
from isthmus.flow.worklist.trained import is_current, trained
from isthmus.flow.workspace import Workspace
from isthmus.mapping.candidates.candidate import agreed
from isthmus.mapping.candidates.domain import domains
from isthmus.records.models import Decision

THRESHOLD = 0.99


@dataclass(frozen=True, slots=True)
class Mapped:
    """What was decided automatically, of how many open codes, and how many rows that mends."""

    decisions: Sequence[Decision]
    open: int
    rows: int


def asked(item: Item) -> Asked:
    """What is asked of the mappers about an item of the work list."""
    return Asked(item.wording, domains().get(item.column, ()), code=item.code)


def automatic(workspace: Workspace, *, site: str | None = None, threshold: float = THRESHOLD) -> Mapped:
    """Decide every open code of which a mapper's measured certainty reaches the threshold, for a site or for all.

    Codes without a name, with several, and those that mappers disagree about stay open.

    :raises InputError: nothing was measured here, or not with the vocabulary as it is now.
    """
    if not 0.5 < threshold < 1:
        raise UsageError(f"{threshold} is no threshold for automatic mapping. Give a share between 0.5 and 1: 0.99.")
    learned = trained(workspace)
    if not is_current(workspace, learned):
        raise InputError(
            "nothing was measured with the vocabulary as it is, so nothing may be mapped automatically. "
            f"Run `isthmus decide {workspace.root} --learn` first."
        )
    waiting = [item for item in items(workspace, site=site) if item.name and item.variants == 1]
    with mappers(workspace, learned=learned) as bench:
        choices = _sure(bench, waiting, threshold)
    made = decide(workspace, [one for one, _ in choices], author="isthmus", site=site or "", how=AUTOMATIC)
    return Mapped(made, len(waiting), sum(item.rows for _, item in choices))


def follow(workspace: Workspace, report: Report, progress: Progress) -> None:
    """After an ingest, decide automatically at the sites whose settings say so, and map again what that answers.

    What it came to stands in the notes of the report, as does what holds it up.
    """
    if report.edition is None:
        return
    for name in sorted(set(report.landed) - set(report.failed)):
        wanted = workspace.site(name).automatic
        if wanted is None:
            continue
        try:
            found = automatic(workspace, site=name, threshold=wanted)
        except InputError as missing:
            report.notes.append(f"{name}: {missing}")
            continue
        if found.decisions:
            again = ingest(workspace, sites=[name], progress=progress)
            report.edition = again.edition or report.edition
            report.failed |= again.failed
        report.notes.append(
            f"{name}: {len(found.decisions)} of {found.open} open codes with a name were decided automatically, "
            f"{found.rows:,} rows. `isthmus decisions {workspace.root}` lists them."
        )


def _sure(bench: Mappers, waiting: Sequence[Item], threshold: float) -> list[tuple[Choice, Item]]:
    found = []
    for item, opinions in zip(waiting, bench.opinions([asked(item) for item in waiting]), strict=True):
        opinion = agreed(opinions, threshold)
        if opinion is not None:
            one = Choice(
                item.system, item.code, item.wording, opinion.answer,
                reason=f"of answers as sure {opinion.trust:.2%} were right; threshold {threshold:g}",
                model=opinion.mapper, confidence=opinion.confidence,
            )  # fmt: skip
            found.append((one, item))
    return found
