"""What people decided about pairs of records of identity, and when two of them have to say so.

A decision of kind "person" has the pair of record ids as its key, and as its answer whether they are one person
(`same`; null opens the question again) and whether they were at that time (`joined`). Who parts what is one person, or
takes such a merge back, needs a second person who says the same; until then what stood before stands.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from isthmus.base.errors import InputError, UsageError
from isthmus.flow.workspace import Workspace
from isthmus.records.decisions import Draft
from isthmus.records.models import Decision

PERSON = "person"
SUBJECT = "identity"
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What stands by pair; the decisions of pairs that wait for a second person."""

    stands: dict[Pair, Decision] = field(default_factory=dict)
    waiting: dict[Pair, Decision] = field(default_factory=dict)

    def same(self) -> dict[Pair, bool]:
        """By pair whether it is one person; what was opened again is not in it."""
        return {pair: one.answer["same"] for pair, one in self.stands.items() if one.answer["same"] is not None}


def verdicts(workspace: Workspace) -> Verdicts:
    """The verdicts as they stand now."""
    made = [one for one in workspace.decisions.all() if one.kind == PERSON]
    gone = {one.revokes for one in made if one.revokes is not None}
    by_pair: defaultdict[Pair, list[Decision]] = defaultdict(list)
    for one in made:
        if one.revokes is None and one.decision_id not in gone:
            by_pair[_pair_of(one)].append(one)
    found = Verdicts()
    for pair, several in by_pair.items():
        _judge(pair, several, found)
    return found


def decide(workspace: Workspace, pair: Pair, *, same: bool | None, joined: bool, author: str, reason: str) -> Decision:
    """Decide about a pair. Raises UsageError where a person has said the same of it already, or gives no reason."""
    left, right = min(pair), max(pair)
    if left == right:
        raise UsageError("a pair has two records; the same one was named twice.")
    if not reason.strip():
        raise UsageError("a decision about persons needs its reason. Say why with --reason.")
    found = verdicts(workspace)
    before = found.waiting.get((left, right)) or found.stands.get((left, right))
    if before is not None and before.answer["same"] == same and before.author == author:
        raise UsageError(f"{author} has decided so already; it takes another person to add to it.")
    answer = {"same": same, "joined": joined}
    draft = Draft(PERSON, SUBJECT, f"{left} {right}", answer, author, reason=reason)
    return workspace.decisions.add(draft)[0]


def take_back(workspace: Workspace, decision_id: int, *, author: str, reason: str) -> Decision:
    """Take a decision back. One that merged is opened again, which needs two people; any other goes at once."""
    found = workspace.decisions.some([decision_id]).get(decision_id)
    if found is None or found.kind != PERSON or found.revokes is not None:
        raise InputError(f"there is no decision {decision_id} about persons.")
    if found.answer["same"]:
        return decide(workspace, _pair_of(found), same=None, joined=True, author=author, reason=reason)
    return workspace.decisions.revoke(decision_id, author=author, reason=reason)


def pairs_of(made: Iterable[Decision]) -> list[Pair]:
    """The pairs that decisions are about."""
    return [_pair_of(one) for one in made]


def _judge(pair: Pair, several: list[Decision], found: Verdicts) -> None:
    """What stands of one pair's decisions, oldest first."""
    said: list[Decision] = []
    for one in several:
        said = [*said, one] if said and said[-1].answer["same"] == one.answer["same"] else [one]
        parts = one.answer["same"] is not True and said[0].answer["joined"]
        if parts and len({each.author for each in said}) < 2:
            found.waiting[pair] = one
            continue
        found.stands[pair] = one
        found.waiting.pop(pair, None)


def _pair_of(one: Decision) -> Pair:
    left, right = one.key.split(" ")
    return int(left), int(right)
