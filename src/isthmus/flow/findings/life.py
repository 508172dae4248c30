"""The life of findings: opened by an edition, assigned, explained or said to be mended by people, verified by the next.

What people say is kept as decisions of the kind `finding`, one after another. Everything else is read off the findings
of the editions: since when a finding stands, whether what was said to be mended is gone, and whether what was explained
has grown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from isthmus.base.errors import InputError, UsageError
from isthmus.base.progress import Progress
from isthmus.flow.findings.gather import findings
from isthmus.flow.workspace import Workspace
from isthmus.quality.findings.finding import GRADES, SITE, Finding, worst_first
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision

__all__ = ["GRADES", "SAID", "Lived", "lived", "say"]

KIND = "finding"
LOOKED_BACK = 12  # editions
GROWN = 1.5  # times as many rows as were explained: the finding is open again
State = Literal["open", "assigned", "explained", "mended", "verified"]
SAID: tuple[State, ...] = ("assigned", "explained", "mended")


@dataclass(frozen=True, slots=True)
class Lived:
    """A finding with its life: its state, the edition since which it stands without a break, and who said what last.

    A verified finding is gone: `until` is the first edition without it. `again` says that it came back, or stayed,
    though it was said to be mended, or grew after it was explained. `trend` has its rows by edition, 0 where it is not.
    """

    finding: Finding
    state: State
    since: int
    until: int | None
    owner: str
    reason: str
    author: str
    again: bool
    trend: Mapping[int, int]

    @property
    def is_the_sites(self) -> bool:
        """Whether the site can mend it, and not who keeps the mapping."""
        return self.finding.whose == SITE


def lived(workspace: Workspace, *, site: str | None = None, progress: Progress | None = None) -> list[Lived]:
    """The findings of the current edition, and those of the editions before that are gone, the worst first.

    :raises InputError: before the first edition, or for a site that is not registered.
    """
    if site is not None:
        workspace.site(site)
    numbers = workspace.lake.editions.numbers()[-LOOKED_BACK:] or [0]
    history = {
        number: {one.finding_id: one for listed in found.values() for one in listed if site in (None, one.site)}
        for number in numbers for found in [findings(workspace, edition=number or None, progress=progress)]
    }  # fmt: skip
    said = {(one.site, one.key): one for one in workspace.decisions.standing(KIND)}
    latest = {key: one for number in numbers for key, one in history[number].items()}
    present = history[numbers[-1]]
    gone = [one for key, one in latest.items() if key not in present]
    ordered = [one.finding_id for some in (list(present.values()), gone) for one in worst_first(some)]
    return [_life(latest[key], history, said.get((latest[key].site, key))) for key in ordered]


def say(
    workspace: Workspace, finding_id: str, state: State, *, author: str, reason: str = "", owner: str = ""
) -> Decision:
    """Say of a finding of the current edition that it is somebody's, explained, or mended. Durable when this returns.

    It stays with whom it was assigned to, until another is named. Raises InputError for an id that is none, UsageError
    where the reason or the owner is missing.
    """
    if state not in SAID:
        raise UsageError(f"a finding cannot be made {state} by hand; say {', '.join(SAID)}.")
    if not author.strip():
        raise UsageError("this needs an author. Name one with --author.")
    if state == "assigned" and not owner.strip():
        raise UsageError("name whose the finding is: --to NAME.")
    if state == "explained" and not reason.strip():
        raise UsageError("an explanation needs its reason. Say why with --reason.")
    current = workspace.lake.editions.current()
    known = {one.finding_id: one for listed in findings(workspace).values() for one in listed}
    if finding_id not in known or current is None:
        raise InputError(f"there is no finding {finding_id} in the current edition. `isthmus findings` lists them.")
    one = known[finding_id]
    answer = {"state": state, "owner": owner or _owner(workspace, one), "rows": one.rows, "edition": current.number}
    draft = Draft(
        KIND, one.kind, finding_id, answer, author, site=one.site, wording=one.says(), reason=reason
    )  # fmt: skip
    return workspace.decisions.add(draft)[0]


def _owner(workspace: Workspace, one: Finding) -> str:
    """Whose a finding is by what was said last of it."""
    said = {(told.site, told.key): str(told.answer["owner"]) for told in workspace.decisions.standing(KIND)}
    return said.get((one.site, one.finding_id), "")


def _life(one: Finding, history: Mapping[int, Mapping[str, Finding]], said: Decision | None) -> Lived:
    trend = {number: found[one.finding_id].rows if one.finding_id in found else 0 for number, found in history.items()}
    numbers = list(history)
    there = [number for number in numbers if one.finding_id in history[number]]
    gone = there[-1] != numbers[-1]
    since = _unbroken(numbers[: numbers.index(there[-1]) + 1], there)
    until = numbers[numbers.index(there[-1]) + 1] if gone else None
    state, again = _state(one, said, gone=gone, newest=numbers[-1])
    answer = said.answer if said else {}
    return Lived(
        one, state, since, until, str(answer.get("owner", "")), said.reason if said else "",
        said.author if said else "", again, trend,
    )  # fmt: skip


def _unbroken(numbers: Sequence[int], there: Sequence[int]) -> int:
    """The first of the last editions in a row that have the finding."""
    since = numbers[-1]
    for number in reversed(numbers):
        if number not in there:
            break
        since = number
    return since


def _state(one: Finding, said: Decision | None, *, gone: bool, newest: int) -> tuple[State, bool]:
    """The state, and whether it is open again against what was said."""
    if gone:
        return "verified", False
    if said is None:
        return "open", False
    told, edition = said.answer["state"], said.answer["edition"]
    if told == "mended" and newest > edition:
        return "open", True
    if told == "explained" and one.rows > GROWN * said.answer["rows"]:
        return "open", True
    return told, False
