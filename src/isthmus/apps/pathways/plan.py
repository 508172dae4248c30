"""A pack as parameter tables: the statements read them and know no rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa

from isthmus.apps.pathways.events import ITEM, domains
from isthmus.apps.pathways.pack import ANCHOR, Events, Pack, Rule
from isthmus.apps.pathways.window import EVER

STEP, FACT, RECORDS = 1, 2, 3
"""What a source fills."""
PICKS = {"every": 0, "first": 1, "last": -1}
TAKES = {"nearest": 0, "first": 1, "last": -1}
CLAUSE, TO, OF = 1, 2, 3
"""What needs a kind of record: a condition, the target of a leg, the step that opens a leg."""

_TYPES = {"int": pa.int32(), "id": pa.int64(), "bool": pa.bool_(), "text": pa.string(), "number": pa.float64()}
SCHEMAS = {
    name: pa.schema([(column.split(":")[0], _TYPES[column.split(":")[1]]) for column in columns.split()])
    for name, columns in {
        "asked_set": "set:int concept_id:id below:bool",
        "asked_source": "source:int kind:int target:int rank:int domain:text set:int item:text valued:bool "
        "low:number high:number",
        "asked_value": "source:int value:text",
        "asked_code": "source:int value:text code:text position:int",
        "asked_fact": "fact:int take:int low:int high:int",
        "asked_step": "step:int treatment:bool apart:int",
        "asked_records": "records:int least:int after:int",
        "asked_rule": "rule:int valid_from:int valid_to:int",
        "asked_leg": "leg:int rule:int anchored:bool pick:int low:int high:int least:int most:int followed:int "
        "before:int",
        "asked_of": "leg:int step:int",
        "asked_to": "leg:int step:int",
        "asked_clause": "clause:int rule:int fact:int numeric:bool low:number high:number holds:bool",
        "asked_clause_code": "clause:int code:text",
        "asked_clause_step": "clause:int step:int",
        "asked_need": "kind:int number:int records:int",
    }.items()
}


@dataclass(slots=False)
class Plan:
    """The parameter tables of a pack, as rows by table; clauses are numbered through all rules, and so are legs."""

    pack: Pack
    rows: dict[str, list[dict[str, object]]] = field(default_factory=lambda: {name: [] for name in SCHEMAS})
    clauses: list[tuple[Rule, str]] = field(default_factory=list)
    _sources: int = 0

    def table(self, name: str) -> pa.Table:
        """One of the parameter tables."""
        schema, rows = SCHEMAS[name], self.rows[name]
        return pa.table([pa.array([row[one.name] for row in rows], one.type) for one in schema], schema=schema)

    def add(self, table: str, **row: object) -> None:
        """One more row of a table."""
        self.rows[table].append(row)

    @cached_property
    def sets(self) -> Mapping[str, int]:
        """The numbers of concept sets; 0 stands for any concept."""
        return {name: number for number, name in enumerate(self.pack.concepts, start=1)}

    def domains(self, *kinds: int, anything: bool) -> list[str]:
        """The domains from which sources of these kinds read: all rows of them, or those of a concept set."""
        used = {
            row["domain"] for row in self.rows["asked_source"]
            if row["kind"] in kinds and (row["set"] == 0) == anything
        }  # fmt: skip
        return [name for name in domains() if name in used]

    def source(self, kind: int, target: int, rank: int, events: Events) -> int:
        """Add what fills something; its number."""
        self._sources += 1
        low, high = events.number or (None, None)
        self.add(
            "asked_source", source=self._sources, kind=kind, target=target, rank=rank, domain=events.domain,
            set=self.sets.get(events.concepts, 0), item=events.item, valued=bool(events.values), low=low, high=high,
        )  # fmt: skip
        for value in events.values:
            self.add("asked_value", source=self._sources, value=str(value))
        return self._sources

    def need(self, kind: int, number: int, names: Iterable[str]) -> None:
        """Say which kinds of record somebody needs."""
        for name in sorted(set(names) - {""}):
            self.add("asked_need", kind=kind, number=number, records=self.pack.records[name].number)


def plan(pack: Pack) -> Plan:
    """The tables of a pack."""
    made = Plan(pack)
    for name, concepts in pack.concepts.items():
        for one in concepts:
            made.add("asked_set", set=made.sets[name], concept_id=one.concept_id, below=one.below)
    for step in pack.steps.values():
        made.add("asked_step", step=step.number, treatment=step.treatment, apart=step.apart)
        for rank, events in enumerate(step.events):
            made.source(STEP, step.number, rank, events)
    for records in pack.records.values():
        made.add("asked_records", records=records.number, least=records.least, after=records.after)
        made.source(RECORDS, records.number, 0, records.events)
    _facts(made)
    for rule in pack.rules.values():
        _rule(made, rule)
    return made


def _facts(made: Plan) -> None:
    for fact in made.pack.facts.values():
        made.add(
            "asked_fact", fact=fact.number, take=TAKES[fact.take], low=fact.window.low, high=fact.window.high
        )  # fmt: skip
        for rank, (events, codes) in enumerate(fact.sources):
            source = made.source(FACT, fact.number, rank, events)
            for code, values in codes.items():
                for value in values:
                    position = fact.codes.index(code)
                    made.add("asked_code", source=source, value=str(value), code=code, position=position)


def _rule(made: Plan, rule: Rule) -> None:
    pack = made.pack
    low, high = (
        max((day for day in days if day is not None), default=None, key=lambda day: sign * day)
        for days, sign in zip(zip(pack.valid, rule.valid, strict=True), (1, -1), strict=True)
    )
    made.add("asked_rule", rule=rule.number, valid_from=low, valid_to=high)
    steps = {one.number: one for one in pack.steps.values()}
    for leg in rule.legs:
        number = len(made.rows["asked_leg"]) + 1
        window = leg.window
        ahead = 0 if window.high >= EVER else max(window.high, 0)
        back = 0 if window.low <= -EVER else max(-window.low, 0)
        made.add(
            "asked_leg", leg=number, rule=rule.number, anchored=ANCHOR in leg.of, pick=PICKS[leg.pick], low=window.low,
            high=window.high, least=leg.least, most=leg.most,
            followed=ahead if rule.followed is None else rule.followed,
            before=back if rule.seen_before is None else rule.seen_before,
        )  # fmt: skip
        for table, named, kind in (("asked_of", leg.of, OF), ("asked_to", leg.to, TO)):
            for one in named:
                if one != ANCHOR:
                    made.add(table, leg=number, step=one)
            own = [steps[one].records for one in named if one != ANCHOR]
            made.need(kind, number, rule.records if kind == TO and rule.records else own)
    for clause in rule.clauses:
        made.clauses.append((rule, clause.fact))
        number = len(made.clauses)
        lowest, highest = clause.number or (None, None)
        fact = pack.facts[clause.fact].number if clause.fact else 0
        made.add(
            "asked_clause", clause=number, rule=rule.number, fact=fact, numeric=clause.number is not None, low=lowest,
            high=highest, holds=clause.holds,
        )  # fmt: skip
        for code in clause.codes:
            made.add("asked_clause_code", clause=number, code=code)
        below = {one for name in clause.steps for one in pack.parts[pack.steps[name].number]}
        for one in sorted(below):
            made.add("asked_clause_step", clause=number, step=one)
        made.need(CLAUSE, number, (steps[one].records for one in below))


def items(pack: Pack) -> bool:
    """Whether anything is read from a registry's items."""
    several = [one for step in pack.steps.values() for one in step.events]
    several += [one for fact in pack.facts.values() for one, _ in fact.sources]
    several += [one.events for one in pack.records.values()]
    return any(one.domain == ITEM for one in several)
