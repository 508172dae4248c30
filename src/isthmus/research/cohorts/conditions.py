"""Conditions on an index event as trees, with what is certain in the data settled.

The truth of a condition is later kept as its deviation from a fallback: what it is where nothing is found. So "none"
and "at most two" need no rows for the events that have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from isthmus.research.cohorts.definition import Bound, Correlated, Criterion, Definition, Group, Test, Window
from isthmus.research.cohorts.sets import Sets

OPERATORS = {"=": 0, "<=": 1, ">=": 2}
DAYS, OPENING, CLOSING, FREE = range(4)  # what a window's end is counted from
ONCE = frozenset({(">=", 1), ("=", 0), ("<=", 0)})  # asks only whether there is one


@dataclass(frozen=True, slots=True)
class Events:
    """Events of a set; of those, the ones around which a further condition holds. `level` is its depth."""

    base: int
    nested: "Truth"
    level: int


@dataclass(frozen=True, slots=True)
class Leaf:
    """So many events of a set in a window."""

    events: Events
    columns: Mapping[str, object]
    fallback: int
    height: int = 0


@dataclass(frozen=True, slots=True)
class Demographic:
    """What is asked of the person."""

    set_id: int
    fallback: int = 0
    height: int = 0


@dataclass(frozen=True, slots=True)
class Junction:
    """So many of several conditions. `base` is how many hold where nothing is found."""

    children: tuple["Condition", ...]
    base: int
    op: str
    n: int
    fallback: int
    height: int


Condition = Leaf | Demographic | Junction
Truth = Condition | bool


@dataclass(frozen=True, slots=True)
class Conditions:
    """Builds the conditions of one definition."""

    sets: Sets
    definition: Definition

    def events(self, criterion: Criterion, counted: str | None = None) -> Events | None:
        """The events of a criterion, or None when the data have none."""
        base = self.sets.add(criterion, self.definition, counted=counted)
        if base is None:
            return None
        if criterion.nested is None:
            return Events(base, True, 0)
        nested = self.group(criterion.nested, settle=False)
        return Events(base, nested, 1 + _level(nested))

    def group(self, group: Group, *, settle: bool = True) -> Truth:
        """A group, or its truth where that is certain.

        Groups in nested criteria are not settled: an event whose id occurs twice counts double in them.
        """
        children: list[Truth] = [self._leaf(one) for one in group.criteria]
        children += [self._demographic(tests) for tests in group.demographics]
        children += [self.group(one, settle=settle) for one in group.groups]
        return joined(group, children, settle=settle)

    def _leaf(self, one: Correlated) -> Truth:
        op, n, counted = one.occurrence.op, one.occurrence.count, one.occurrence.distinct
        fallback = holds(op, 0, n)
        if op == ">=" and n <= 0:
            return True
        events = self.events(one.criterion, counted)
        if events is None:
            return fallback
        columns: dict[str, object] = {
            "any_period": one.any_period, "same_visit": one.same_visit, "op": OPERATORS[op], "n": n,
            "counted": counted, "once": (op, n) in ONCE and counted is None,
        }  # fmt: skip
        columns |= _window("start", one.start_window, one.any_period) | _window("end", one.end_window, one.any_period)
        return Leaf(events, columns, int(fallback))

    def _demographic(self, tests: tuple[Test, ...]) -> Demographic:
        return Demographic(self.sets.add_demographic(tests, self.definition))


def joined(group: Group, children: list[Truth], *, settle: bool = True) -> Truth:
    """Conditions of a group taken together as the group says."""
    if not children or (group.kind == "AT_LEAST" and group.count == 0):
        return True
    op, n = {"ALL": ("=", len(children)), "ANY": (">=", 1), "AT_LEAST": (">=", group.count)}.get(
        group.kind, ("<=", group.count)
    )
    live = tuple(one for one in children if not isinstance(one, bool))
    sure = sum(1 for one in children if one is True)
    outcomes = {holds(op, count, n) for count in range(sure, sure + len(live) + 1)}
    if settle and len(outcomes) == 1:
        return outcomes.pop()
    if settle and len(live) == 1 and not holds(op, sure, n):
        return live[0]
    base = sure + sum(one.fallback for one in live)
    height = 1 + max((one.height for one in live), default=0)
    return Junction(live, base, op, n, int(holds(op, base, n)), height)


def holds(op: str, found: int, n: int) -> bool:
    """Whether so many are as many as asked for."""
    return found == n if op == "=" else found <= n if op == "<=" else found >= n


def _level(truth: Truth) -> int:
    """The depth of the deepest events that a condition counts."""
    if isinstance(truth, Leaf):
        return truth.events.level
    return max(map(_level, truth.children), default=0) if isinstance(truth, Junction) else 0


def _window(name: str, window: Window | None, any_period: bool) -> dict[str, object]:
    """A window as columns of a leaf."""
    if window is None:
        return _window(name, Window(Bound(None, 0), Bound(None, 0)), True)
    columns: dict[str, object] = {
        f"{name}_of_index_end": window.from_index_end, f"{name}_of_event_end": window.of_event_end,
    }  # fmt: skip
    for end, bound in (("low", window.start), ("high", window.end)):
        kind = DAYS if bound.days is not None else FREE if any_period else OPENING if bound.sign == -1 else CLOSING
        columns |= {f"{name}_{end}": kind, f"{name}_{end}_days": bound.sign * (bound.days or 0)}
    return columns
