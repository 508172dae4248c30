"""Whether rules can hold together: no cycles of steps that each wait for the next, no contradictions."""

from collections.abc import Iterator, Mapping, Sequence

from isthmus.apps.contract.documents import Faults
from isthmus.apps.pathways.clauses import exclude
from isthmus.apps.pathways.pack import ANCHOR, Leg, Rule

Bound = tuple[Rule, Leg]
Parts = Mapping[str, Sequence[int]]


def check(rules: Mapping[str, Rule], names: Mapping[int, str], parts: Parts, faults: Faults) -> None:
    """Note every contradiction and every cycle; `names` are those of steps by number, `parts` what each stands for."""
    legs = [(rule, leg) for rule in rules.values() for leg in rule.legs]
    for at, one in enumerate(legs):
        for other in legs[at + 1 :]:
            for asks, forbids in ((one, other), (other, one)):
                if _contradict(asks, forbids, parts):
                    faults.add(
                        other[0].place, f"rule {other[0].name} contradicts rule {one[0].name} ({one[0].place}): what "
                        "one demands the other forbids of the same patients.",
                        "Part them by `when`, or take one out.",
                    )  # fmt: skip
                    break
    _crowded(legs, parts, faults)
    _summed(legs, parts, faults)
    for later in (True, False):
        for ring in _rings([bound for bound in legs if _strict(bound[1], later=later)], parts):
            told = " → ".join([*(names.get(leg.of[0], "") for _, leg in ring), names.get(ring[0][1].of[0], "")])
            faults.add(
                ring[0][0].place, f"rule {ring[0][0].name}: {told} is a cycle: each waits for "
                f"{'a later' if later else 'an earlier'} one of the next without end "
                f"({', '.join(rule.name for rule, _ in ring)}).",
                "Take one of the rules out, or write `each: first`.",
            )  # fmt: skip


def _crowded(legs: Sequence[Bound], parts: Parts, faults: Faults) -> None:
    """Note a demand for one of some steps, each of which another rule forbids to the same patients."""
    for asks in legs:
        against = [one for one in legs if one[1].most == 0 < asks[1].least and _meet(asks, one, parts)]
        alone = any(set(asks[1].to) <= set(leg.to) for _, leg in against)
        parted = any(_apart(one, other, parts) for one, _ in against for other, _ in against)
        if not alone and not parted and set(asks[1].to) <= {step for _, leg in against for step in leg.to}:
            named = ", ".join(f"{rule.name} ({rule.place})" for rule, _ in against)
            faults.add(
                asks[0].place, f"rule {asks[0].name} contradicts the rules {named}: together they forbid all that it "
                "asks for.",
                "Part them by `when`, or take one out.",
            )  # fmt: skip


def _summed(legs: Sequence[Bound], parts: Parts, faults: Faults) -> None:
    """Note demands in windows that do not meet, each of which fits, and all of which are more than a rule allows."""
    for limit in legs:
        within = [
            one for one in legs
            if one[1].least and set(one[1].to) <= set(limit[1].to) and _meet(one, limit, parts)
        ]  # fmt: skip
        taken: list[Bound] = []
        for one in sorted(within, key=lambda bound: bound[1].window.high):
            apart = all(not _apart(one[0], other[0], parts) for other in taken)
            if apart and (not taken or one[1].window.low > taken[-1][1].window.high):
                taken.append(one)
        asked = sum(one[1].least for one in taken)
        if len(taken) > 1 and asked > limit[1].most:
            named = ", ".join(f"{rule.name} ({rule.place})" for rule, _ in taken)
            faults.add(
                limit[0].place, f"rule {limit[0].name} contradicts the rules {named}: they ask for {asked} days, and "
                f"it allows {limit[1].most}.", "Part them by `when`, or allow more.",
            )  # fmt: skip


def _contradict(asks: Bound, forbids: Bound, parts: Parts) -> bool:
    """Whether a leg demands more days than another allows, of the same patients around the same days."""
    leg, limit = asks[1], forbids[1]
    return leg.least > limit.most and set(leg.to) <= set(limit.to) and _meet(asks, forbids, parts)


def _meet(asks: Bound, forbids: Bound, parts: Parts) -> bool:
    """Whether two rules speak of the same patients, and one forbids on all days on which the other asks."""
    (rule, leg), (other, limit) = asks, forbids
    return (
        rule is not other and limit.window.covers(leg.window)
        and set(leg.of) & set(limit.of) != set() and (leg.pick == limit.pick or "every" in (leg.pick, limit.pick))
        and not _apart(rule, other, parts)
    )  # fmt: skip


def _apart(one: Rule, other: Rule, parts: Parts) -> bool:
    """Whether no patient can be meant by both: by what they say of facts and steps, or by their periods."""
    (low, high), (first, last) = one.valid, other.valid
    if (high is not None and first is not None and high < first) or (
        last is not None and low is not None and last < low
    ):
        return True
    return any(exclude(mine, theirs, parts) for mine in one.clauses for theirs in other.clauses)


def _strict(leg: Leg, *, later: bool) -> bool:
    """Whether a leg makes every one of its days wait for another, later (or earlier) one."""
    if leg.least == 0 or ANCHOR in leg.of:
        return False
    if later:
        return leg.window.low >= 1 and leg.pick in ("every", "last")
    return leg.window.high <= -1 and leg.pick in ("every", "first")


def _rings(legs: Sequence[Bound], parts: Parts) -> Iterator[list[Bound]]:
    """Cycles in which every choice of targets leads back: one for each set of steps that cannot come to rest."""
    steps = {step for _, leg in legs for step in (*leg.of, *leg.to)}
    resting: set[int] = set()
    while True:
        more = {
            step for step in steps - resting
            if all(resting & set(leg.to) for _, leg in legs if step in leg.of)
        }  # fmt: skip
        if not more:
            break
        resting |= more
    waiting = steps - resting
    while waiting:
        start = min(waiting)
        ring = _walk([bound for bound in legs if not resting & set(bound[1].to)], start)
        around = {step for _, leg in ring for step in leg.of}
        is_new = not waiting.isdisjoint(around)  # a way may lead into a ring that another way has led to before
        waiting -= around | {start}
        if is_new and not any(_apart(one, other, parts) for one, _ in ring for other, _ in ring):
            yield ring


def _walk(legs: Sequence[Bound], start: int) -> list[Bound]:
    """From leg to leg until a step comes again: the part that is a ring."""
    way: list[Bound] = []
    seen: list[int] = []
    at = start
    while at not in seen:
        seen.append(at)
        following = next((bound for bound in legs if at in bound[1].of), None)
        if following is None:
            return []
        way.append(following)
        at = following[1].to[0]
    return way[seen.index(at) :]
