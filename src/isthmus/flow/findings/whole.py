"""Files that came again in whole: what was wrong with records of the earlier delivery is told by the newest one."""

from collections.abc import Mapping

from isthmus.flow.workspace import Workspace
from isthmus.lake.edition import Edition
from isthmus.records.models import Part

WHOLE = 0.98  # of the records that could be read of a file: so many came again, the same or changed


def replaced(workspace: Workspace, edition: Edition, site: str, changed: Mapping[int, int]) -> set[int]:
    """The parts of a site that a later delivery under the same name holds again, in an edition.

    `changed` are the records of each part that gave way to others. A record that could not be read has no number to
    know it by, so that a mended one is told by its file alone; a delivery of some rows takes the place of none.
    """
    batches = {
        one.batch_id for one in workspace.records.batches(site=site) if one.edition and one.edition <= edition.number
    }
    receipts = {one.receipt_id: one for one in workspace.records.receipts() if one.site == site}
    named: dict[tuple[str, str, str], list[tuple[int, Part]]] = {}
    for part in workspace.records.parts(list(receipts)):
        own = receipts[part.receipt_id]
        if part.batch_id in batches:
            named.setdefault((own.feed, own.name, part.member), []).append((own.sequence, part))
    found = set()
    for listed in named.values():
        ordered = [part for _, part in sorted(listed, key=lambda one: one[0])]
        found |= {
            early.part_id for at, early in enumerate(ordered)
            if any(_holds(late, early, changed.get(early.part_id, 0)) for late in ordered[at + 1 :])
        }  # fmt: skip
    return found


def _holds(late: Part, early: Part, changed: int) -> bool:
    """Whether the later part has the records of the earlier one."""
    read = sum(_total(early, name) for name in ("mapped", "kept", "duplicate", "superseded"))
    since = changed - _total(early, "superseded")
    return read > 0 and _total(late, "duplicate") + since >= WHOLE * read


def _total(part: Part, outcome: str) -> int:
    return sum(outcomes.get(outcome, 0) for outcomes in part.account.values())
