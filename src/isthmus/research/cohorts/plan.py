"""All definitions as parameter tables. What is provably empty or true in the data is settled here, without a query.

An index id `ix` names the events that conditions look at: 2 × cohort are the entry events (for additional criteria),
2 × cohort + 1 the qualified ones (for inclusion rules), and a negative number the events of a set with criteria nested
in it, which is also the number of the set that comes of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from isthmus.research.cohorts.catalogue import kinds
from isthmus.research.cohorts.concepts import Concepts
from isthmus.research.cohorts.conditions import OPERATORS, Condition, Conditions, Events, Junction, Leaf, Truth, joined
from isthmus.research.cohorts.definition import Definition, EraExit, FixedExit, Group, Limit
from isthmus.research.cohorts.sets import Sets

ROOT = 0  # the parent of a condition on which an event stands or falls
DIRECTIONS = {"all": 0, "first": 1, "last": -1}

_TYPES = {"tiny": pa.int8(), "int": pa.int32(), "bool": pa.bool_(), "text": pa.string()}
SCHEMAS = {
    name: pa.schema([(column.split(":")[0], _TYPES[column.split(":")[1]]) for column in columns.split()])
    for name, columns in {
        "leaf": """stage:text node:int parent:int ix:int set_id:int any_period:bool same_visit:bool op:tiny n:int
            counted:text once:bool fallback:int start_low:tiny start_low_days:int start_high:tiny start_high_days:int
            start_of_index_end:bool start_of_event_end:bool end_low:tiny end_low_days:int end_high:tiny
            end_high_days:int end_of_index_end:bool end_of_event_end:bool""",
        "demographic": "node:int parent:int ix:int set_id:int",
        "junction": "node:int parent:int ix:int height:int base:int op:tiny n:int fallback:int",
        "root": "ix:int node:int fallback:int",
        "nest": "set_id:int base:int level:int",
        "entry": "cohort:int set_id:int domain:tiny prior:int post:int ix:int direction:tiny sorted:bool",
        "censor": "cohort:int set_id:int",
        "setting": """cohort:int rules:bool qualified:tiny included:tiny fixed:bool fixed_of_end:bool fixed_days:int
            era:int pad:int earliest:int latest:int""",
        "exposure": "era:int gap:int reach:int supply:int",
    }.items()
}


@dataclass(slots=True)
class Plan:
    """The parameter tables of all definitions, as rows by table, and the event sets that they name."""

    sets: Sets
    rows: dict[str, list[dict[str, object]]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})
    eras: dict[EraExit, int] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    heights: dict[str, int] = field(default_factory=dict)
    _nests: dict[int, tuple[int, Events]] = field(default_factory=dict)  # by identity; kept so that it stays theirs
    _nodes: int = ROOT

    @property
    def levels(self) -> int:
        """How deep criteria are nested in criteria."""
        return max((int(str(row["level"])) for row in self.rows["nest"]), default=0)

    def table(self, name: str) -> pa.Table:
        """One of the parameter tables."""
        schema, rows = SCHEMAS[name], self.rows[name]
        columns = [pa.array([row[column.name] for row in rows], column.type) for column in schema]
        return pa.table(columns, schema=schema)

    def add(self, table: str, **row: object) -> None:
        """One more row of a table."""
        self.rows[table].append(row)

    def events(self, events: Events) -> int:
        """The set id under which events are matched, nested criteria and all."""
        self.used.add(events.base)
        if events.level == 0:
            return events.base
        if id(events) not in self._nests:
            number = -(len(self._nests) + 1)
            self._nests[id(events)] = (number, events)
            self.add("nest", set_id=number, base=events.base, level=events.level)
            self.root(events.nested, number, stage=f"level {events.level}")
        return self._nests[id(events)][0]

    def root(self, truth: Truth, ix: int, *, stage: str) -> None:
        """What decides about the events of an index id."""
        if isinstance(truth, bool):
            self._nodes += 1
            self.add("root", ix=ix, node=self._nodes, fallback=int(truth))
            return
        self.heights[stage] = max(self.heights.get(stage, 0), truth.height)
        self.add("root", ix=ix, node=self._condition(truth, ix, ROOT, stage), fallback=truth.fallback)

    def _condition(self, one: Condition, ix: int, parent: int, stage: str) -> int:
        self._nodes += 1
        node = self._nodes
        if isinstance(one, Leaf):
            set_id = self.events(one.events)
            self.add(
                "leaf", stage=stage, node=node, parent=parent, ix=ix, set_id=set_id, fallback=one.fallback,
                **one.columns,
            )  # fmt: skip
        elif isinstance(one, Junction):
            for child in one.children:
                self._condition(child, ix, node, stage)
            self.add(
                "junction", node=node, parent=parent, ix=ix, height=one.height, base=one.base, op=OPERATORS[one.op],
                n=one.n, fallback=one.fallback,
            )  # fmt: skip
        else:
            self.add("demographic", node=node, parent=parent, ix=ix, set_id=one.set_id)
        return node

    def era(self, way: EraExit, definition: Definition) -> int:
        """The number of a rule for eras of exposure, equal rules of all definitions having one."""
        concepts = self.sets.concepts
        key = EraExit(concepts.number(definition.sets.get(way.codeset, frozenset())), way.gap, way.offset, way.supply)
        if key not in self.eras:
            self.eras[key] = len(self.eras) + 1
            self.add("exposure", era=self.eras[key], gap=way.gap, reach=way.gap + way.offset, supply=way.supply)
        return self.eras[key]


def plan(definitions: Sequence[Definition], concepts: Concepts, numbers: Sequence[int] | None = None) -> Plan:
    """Compile definitions; their cohorts have these numbers, or those from 1."""
    made = Plan(Sets(concepts))
    for number, one in zip(numbers or range(1, len(definitions) + 1), definitions, strict=True):
        _compile(made, one, number)
    return made


def _compile(made: Plan, one: Definition, number: int) -> None:
    """Add a definition's rows, or none when nobody can be in."""
    conditions = Conditions(made.sets, one)
    entries = [(criterion, conditions.events(criterion)) for criterion in one.primary]
    found = [(events, kinds()[criterion.domain].order) for criterion, events in entries if events is not None]
    additional: Truth = True if one.additional is None else conditions.group(one.additional)
    rules: Truth = joined(Group("ALL"), [conditions.group(rule.group) for rule in one.rules])
    if not found or additional is False or rules is False:
        return
    asks, ruled = not isinstance(additional, bool), not isinstance(rules, bool)
    primary, qualified, included = _limits(one, asks, ruled)
    if asks:
        made.root(additional, 2 * number, stage="additional")
    if ruled:
        made.root(rules, 2 * number + 1, stage="rules")
    for events, domain in found:
        made.add(
            "entry", cohort=number, set_id=made.events(events), domain=domain, prior=one.prior_days,
            post=one.post_days, ix=2 * number if asks else 2 * number + 1 if ruled else 0,
            direction=DIRECTIONS[primary], sorted=one.primary_limit != "all",
        )  # fmt: skip
    for criterion in one.censors:
        censors = conditions.events(criterion)
        if censors is not None:
            made.add("censor", cohort=number, set_id=made.events(censors))
    fixed = one.exit if isinstance(one.exit, FixedExit) else None
    made.add(
        "setting", cohort=number, rules=ruled, qualified=DIRECTIONS[qualified], included=DIRECTIONS[included],
        fixed=fixed is not None, fixed_of_end=fixed is not None and fixed.of_end, fixed_days=fixed.days if fixed else 0,
        era=made.era(one.exit, one) if isinstance(one.exit, EraExit) else 0, pad=one.era_pad,
        earliest=one.window[0], latest=one.window[1],
    )  # fmt: skip


def _limits(one: Definition, asks: bool, ruled: bool) -> tuple[Limit, Limit, Limit]:
    """The limits of entry, qualified and included events.

    Where nothing filters between two stages, the first limit that is one leaves one event a person and decides. The
    reference limits qualified events only where a definition has additional criteria, even empty ones.
    """
    primary = one.primary_limit
    qualified: Limit = one.qualified_limit if one.additional is not None else "all"
    included = one.expression_limit
    if not ruled:
        qualified, included = (qualified if qualified != "all" else included), "all"
    if not asks:
        primary, qualified = (primary if primary != "all" else qualified), "all"
    return primary, qualified, included
