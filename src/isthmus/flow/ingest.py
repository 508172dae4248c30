"""The loop that carries deliveries to a published edition: land, open a batch, stage, commit, publish.

Every step can be repeated. A batch that was interrupted is finished first, with the same deliveries under the same
mappings, before anything new is begun.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from isthmus import __version__
from isthmus.base.clock import now
from isthmus.base.errors import IsthmusError
from isthmus.base.progress import Progress, Silence
from isthmus.cdm.version import CDM_VERSION
from isthmus.flow import repairs, vocabulary
from isthmus.flow.again import outdated
from isthmus.flow.batch import Account, noted, open_batch, run_batch
from isthmus.flow.hold import Held, HeldError, demand_no_worse, tables_of
from isthmus.flow.land import Landed, land
from isthmus.flow.linking.kept import newest
from isthmus.flow.linking.renew import Linked, renew
from isthmus.flow.linking.state import NOTE
from isthmus.flow.workspace import Site, Workspace
from isthmus.lake.edition import Edition
from isthmus.records.models import Batch


@dataclass(slots=True)
class Report:
    """What an ingest did. `landed` by site, `accounts` of parts by (site, feed), `failed` by site; of these, `held`
    are the sites whose rows hold the edition back.

    `notes` are what a person should know of what was delivered, a sentence each.
    """

    landed: dict[str, list[Landed]] = field(default_factory=dict)
    accounts: dict[tuple[str, str], list[Account]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    held: dict[str, Held] = field(default_factory=dict)
    edition: Edition | None = None
    notes: list[str] = field(default_factory=list)


def ingest(
    workspace: Workspace, *, sites: Sequence[str] = (), accepted: Sequence[str] = (), progress: Progress | None = None
) -> Report:
    """Land and map what is new at some sites (all by default) and publish one edition over it.

    Sites whose quality may get worse than their settings allow are `accepted`; otherwise they are reported as failed,
    and no edition is published until they are mended.

    Records whose codes have another answer by now are mapped again first. A site that fails is named in the report and
    holds up no other. When nothing is new, no edition is published.
    """
    progress = progress or Silence()
    report = Report()
    chosen = [workspace.site(name) for name in sites] or workspace.sites()
    for name in accepted:
        workspace.site(name)
    with workspace.lake.writing():
        done = finish_interrupted(workspace, report, progress)
        edition = standing(workspace, done)
        for site in chosen:
            if site.name in report.failed:
                continue  # what came first goes first
            try:
                done += map_again(workspace, site, edition, report, progress)
                report.landed[site.name] = [land(workspace, site, feed, progress) for feed in site.feeds]
                pending = workspace.records.pending(site.name)
                if pending:
                    batch = open_batch(workspace, site, pending)
                    carry_out(workspace, batch, report, progress)
                    done.append(batch.batch_id)
            except IsthmusError as error:
                report.failed[site.name] = str(error)
        done += mend(workspace, chosen, report, progress)
        if done:
            try:
                report.edition = publish(workspace, done, accepted=accepted)
            except HeldError as held:
                report.held |= held.sites
                report.failed |= {site: one.says() for site, one in held.sites.items()}
    return report


def standing(workspace: Workspace, done: Sequence[str]) -> Edition | None:
    """The edition with what interrupted batches brought; the one before where that is held back."""
    try:
        return publish(workspace, done) if done else workspace.lake.editions.current()
    except HeldError:
        return workspace.lake.editions.current()


def mend(workspace: Workspace, sites: Sequence[Site], report: Report, progress: Progress) -> list[str]:
    """Carry out the confirmed repairs of units at sites where some came or went, or a batch has come; the batches."""
    mended = []
    for site in sites:
        if site.name in report.failed or not repairs.is_due(workspace, site.name):
            continue
        confirmed = repairs.keys_of(repairs.wanted(workspace, site.name))
        batch = open_batch(workspace, site, (), replays={"repairs": confirmed})
        carry_out(workspace, batch, report, progress)
        mended.append(batch.batch_id)
    return mended


def map_again(
    workspace: Workspace,
    site: Site,
    edition: Edition | None,
    report: Report,
    progress: Progress,
    *,
    everything: bool = False,
) -> list[str]:  # fmt: skip
    """Map the records of a site again whose codes have another answer than in an edition, or all; returns the batch."""
    if edition is None or not (everything or outdated(workspace, site, edition)):
        return []
    batch = open_batch(workspace, site, (), replays={"edition": edition.number, "all" if everything else "codes": True})
    carry_out(workspace, batch, report, progress)
    return [batch.batch_id]


def finish_interrupted(workspace: Workspace, report: Report, progress: Progress) -> list[str]:
    """Carry out batches that were begun and not published; returns their ids. Those that fail again are reported."""
    done = []
    for batch in workspace.records.batches("open", "committed"):
        try:
            if batch.state == "open":
                carry_out(workspace, batch, report, progress)
            done.append(batch.batch_id)
        except IsthmusError as error:
            report.failed[batch.site] = f"its interrupted batch {batch.batch_id} failed again: {error}"
    return done + (mend(workspace, workspace.sites(), report, progress) if done else [])


def carry_out(workspace: Workspace, batch: Batch, report: Report, progress: Progress) -> None:
    """Run a batch into the workspace's lake, and note what became of its parts."""
    ran = run_batch(workspace, workspace.lake, batch, progress)
    for receipt, part in ran.parts:
        report.accounts.setdefault((batch.site, receipt.feed), []).append(part.account)
    parts = noted(workspace, batch, [part for _, part in ran.parts])
    workspace.records.staged(batch.batch_id, parts, ran.messages)


def publish(
    workspace: Workspace, batches: Sequence[str], *, accepted: Sequence[str] = (), linked: Linked | None = None
) -> Edition:
    """Publish an edition over the tables as they are, and note it at its batches.

    Where linking is switched on, persons are linked before, so that an edition's persons are those of its records;
    `linked` says that it was done already.

    Raises HeldError where a site's quality got worse than it may, unless it is accepted.
    """
    current = workspace.lake.editions.current()
    if current is None or not batches or not set(batches) <= set(current.batches):
        kept = newest(workspace)
        if kept is not None:
            linked = linked or renew(workspace, kept)
        tables = tables_of(workspace)
        notes: dict[str, Any] = {
            "published_at": now().isoformat(timespec="seconds") + "Z",
            "isthmus": __version__,
            "cdm": CDM_VERSION,
            "vocabulary": vocabulary.digest(workspace.lake),
            **({NOTE: dict(linked.note)} if linked is not None else {}),
        }
        if current is not None:
            candidate = workspace.lake.editions.drafted(tables, batches=batches, notes=notes)
            waiting = {batch.site for batch in workspace.records.batches("committed")}
            demand_no_worse(workspace, current, candidate, waiting, accepted)
        current = workspace.lake.editions.publish(tables, batches=batches, notes=notes)
    workspace.records.published(batches, current.number, current.digest)
    return current
