"""A registry from a pack and a desk: patients in parts, each part by the same statements, each table given away.

Nothing is held for all patients but counts: what a part gives goes to `sink` and leaves the desk.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import pyarrow as pa
from sqlglot import exp

from isthmus.base.memory import give_back
from isthmus.cdm.starter import BY_TEXT
from isthmus.gate.desk import Desk
from isthmus.research.cohorts.concepts import step
from isthmus.research.registries import (
    cases,
    completeness,
    derived,
    follow_up,
    scored,
    statements,
    units,
    visits,
    worklist,
)
from isthmus.research.registries import lines as treatment
from isthmus.research.registries.computed import Step
from isthmus.research.registries.enrolment.ruling import Ruling
from isthmus.research.registries.names import Names
from isthmus.research.registries.pack import Pack
from isthmus.research.registries.plan import Plan, domains, plan
from isthmus.research.registries.scored import Bound
from isthmus.research.registries.wide import group_query, value_query
from isthmus.research.registries.worklist import OpenCode

ROWS_PER_PART = 2_000_000
"""Rows of OMOP, counted once for each item that they may fill, that are worked on together."""
PARTS_PER_READING = 8
"""Parts whose rows are found by one reading of the edition, which costs the same however few the patients."""

Sink = Callable[[str, pa.Table], None]
"""Takes the rows of one table of the registry; a table comes in as many pieces as there are parts, in order."""


@dataclass(slots=True)
class Registry:
    """What was counted while a registry was built.

    `cases` are the counts of `cases.Enrolled`; `on` is the day for which visits are told as due.
    """

    pack: Pack
    patients: int = 0
    parts: int = 0
    steps: int = 0
    on: date | None = None
    cases: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


def build(
    desk: Desk, pack: Pack, sink: Sink, *, parts: int | None = None, codes: Sequence[OpenCode] | None = None,
    rulings: Sequence[Ruling] = (), on: date | None = None,
    done: Callable[[int, int], None] = lambda at, of: None,
) -> Registry:  # fmt: skip
    """Build the registry of a pack; its tables go to `sink`, `done` is told after each part.

    `codes`: source codes without a concept, with the names that exports give them; without it, those of the desk.
    `rulings`: what people said of candidates and consents. `on`: the day for which visits are told as due or overdue;
    without it, the last day of any observation period.
    """
    made = plan(pack)
    work = Building(desk, made, sink, codes)
    work.enrol(parts, rulings, on)
    for part in range(work.registry.parts):
        work.part(part)
        give_back()
        done(part + 1, work.registry.parts)
    work.close()
    work.registry.steps = desk.steps
    return work.registry


class Building:
    """The statements in their order, over one desk."""

    def __init__(self, desk: Desk, made: Plan, sink: Sink, codes: Sequence[OpenCode] | None = None) -> None:
        self._codes = codes
        self.desk = desk
        self.plan = made
        self.sink = sink
        self.registry = Registry(made.pack)
        self._counts: dict[str, pa.Table] = {}
        self._scores: dict[tuple[int, int], exp.Query] = {}
        self._patients: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._grains = derived.grains(made, follow_up.needs(made))

    def enrol(self, parts: int | None, rulings: Sequence[Ruling] = (), on: date | None = None) -> None:
        """Find the cases, lay what the statements read, and divide the patients into parts."""
        found = cases.found(self.desk, self.plan.pack)
        for name, table in self.plan.tables.items():
            self.desk.lay(name, table)
        enrolled = cases.enrol(self.desk, self.plan, found, rulings)
        self.registry.cases = enrolled.counts
        self.desk.lay("enrolled", cases.numbered(enrolled))
        self._make("patient", statements.PATIENT.format(site=cases.HOSPITALS[self.plan.pack.hospital]))
        self._make("visited", statements.VISITED)
        self._make("deceased", statements.DECEASED)
        self._sink("enrolment", enrolled.rows)
        for name, rows in zip(("candidate", "evidence"), cases.queue(self.desk), strict=True):
            self._sink(name, rows)
        self.desk.drop("found", "evidence", "candidate", "consent", "consented", "ruled", "finder")
        if self.plan.pack.enrolment.visits:
            for name, table in zip(("schedule", "visit_item"), visits.schedule(self.plan), strict=True):
                self.desk.lay(name, table)
            (day,) = self.desk.take(step(visits.LAST_DAY)).to_pylist()
            self.registry.on = on or day["day"] or date(1970, 1, 1)
        self.desk.lay("derived_need", completeness.needs(self.plan))
        self.desk.lay("score_need", scored.needs(*self._bound()))
        self.desk.lay("role", follow_up.roles(self.plan))
        self.desk.lay("regimen", treatment.regimens(self.plan))
        self._make("pick", statements.PICK)
        self._make("code", statements.CODE)
        (counted,) = self.desk.take(step(size())).to_pylist()
        self.registry.patients = enrolled.rows.num_rows
        self.registry.parts = parts or max(1, -(-int(counted["n"] or 0) // ROWS_PER_PART))
        self._units = self.desk.take(step(statements.CODES))

    def _bound(self) -> tuple[list[tuple[int, Bound]], Mapping[str, int], Names]:
        pack, numbers = self.plan.pack, self.plan.numbers
        steps = [one for of_group in pack.computed.steps.values() for one in of_group]
        bound = [(numbers[one.item.name], one.bound) for one in steps if one.bound is not None]
        return bound, numbers, Names(pack.items, pack.groups, pack.formulas)

    def part(self, part: int) -> None:
        """Everything for one part of the patients."""
        if part % PARTS_PER_READING == 0:
            last = min(part + PARTS_PER_READING, self.registry.parts)
            self._make("wanted", wanted(self._first(part), self._first(last)))
        within = {"low": self._first(part), "high": self._first(part + 1)}
        self._make("member", statements.MEMBER.format(**within))
        self._make("hit", statements.HIT.format(**within))
        found = self.desk.take(step(statements.UNITS))
        known = units.conversions(self.plan.pack, self.plan.numbers, found, self._units)
        self.desk.lay("conversion", known)
        self.desk.lay("reading", units.read(self.plan.pack.computed.readings, self.plan.numbers, known))
        self._make("told", statements.TOLD)
        self.desk.drop("hit")
        self._lines()
        self._rows()
        self._make("fitted", statements.FITTED)
        self._make("gathered", statements.GATHERED)
        self._make("chosen", statements.CHOSEN)
        self._make("value", statements.VALUE)
        self.desk.drop("fitted", "gathered", "chosen")
        self._make("telling", follow_up.telling(self.plan))
        self._make("followed", follow_up.FOLLOWED)
        self._derive()
        self._count()
        self._give()

    def _first(self, part: int) -> int:
        """The number of the first patient of a part."""
        return part * self.registry.patients // self.registry.parts

    def _lines(self) -> None:
        lines = self.plan.pack.lines
        if lines is not None:
            for name, sql in treatment.steps(lines, self.plan.numbers[lines.item]):
                self._make(name, sql)

    def _derive(self) -> None:
        """Derived items, kind of row after kind of row: patients first, as the others may need theirs."""
        self.desk.lay("score_all", scored.ALL.empty_table())
        for grain in self._grains:
            self.desk.make("given", derived.given(self.plan, grain))
            self.desk.make(f"formed_{grain.number}", derived.base(self.plan, grain))
            for level in derived.levels(grain):
                self._score(grain, level)
                self.desk.make(f"formed_{grain.number}", derived.formed(self.plan, grain, level))
            if any(one.expression is not None for one in grain.steps):
                self.desk.add("value", derived.values(self.plan, grain))
            self._sink("finding", self.desk.take(derived.findings(grain)))
        self._add("value", scored.VALUES)
        self._sink("score", self.desk.take(step(scored.SCORES)))

    def _score(self, grain: derived.Grain, level: Sequence[Step]) -> None:
        """The scores of one level, kept in `scored` for the next and in `score_all` for good."""
        bound = [(self.plan.numbers[one.item.name], one.bound) for one in level if one.bound is not None]
        if bound:
            known = self._scores.get((grain.number, level[0].level))
            if known is None:  # a large statement, spelled once for all parts
                known = scored.statement(bound, f"formed_{grain.number}")
                self._scores[grain.number, level[0].level] = known
            self.desk.make("scored", known)
            self._add("score_all", "SELECT * FROM scored")

    def _count(self) -> None:
        self._make("lack", completeness.LACK)
        for name, sql in completeness.statements(self.plan.pack.period).items():
            found = self.desk.take(step(sql))
            self._counts[name] = completeness.added([self._counts[name], found] if name in self._counts else [found])
        for row in self.desk.take(step(statements.PATIENTS)).to_pylist():
            self._patients[row["site"]] += row["n"]

    def close(self) -> None:
        """What is told of all patients: completeness and the work list."""
        counts = self._counts
        self._sink("completeness", completeness.completeness(self.plan, counts))
        concepts = self.desk.take(step(completeness.CONCEPTS))
        self._sink("source", completeness.sources(self.plan, counts, concepts))
        codes = self._codes
        if codes is None:
            codes = worklist.open_codes(self.desk.take(step(worklist.open_statement())))
        self._sink("rule", derived.rules(self.plan, self._faults))
        self._sink("worklist", worklist.worklist(self.plan, counts, codes, self._patients))

    def _rows(self) -> None:
        kinds = {one.row for one in self.plan.pack.groups.values()}
        self._make("registry_row", statements.ROW)
        for kind, sql in (
            ("visit", statements.VISIT_ROWS),
            ("event", statements.EVENT_ROWS),
            ("line", statements.LINE_ROWS),
        ):
            if kind in kinds and (kind != "line" or self.plan.pack.lines):
                self._add("registry_row", sql)

    def _give(self) -> None:
        for group in self.plan.pack.groups.values():
            self._sink(group.name, self.desk.take(group_query(self.plan, group.name)))
        if self.plan.pack.lines is not None:
            self._sink("line", self.desk.take(step(treatment.GIVEN)))
        self._sink("value", self.desk.take(value_query()))
        for name, sql in (("event", statements.EVENTS), ("set_aside", statements.SET_ASIDE)):
            self._sink(name, self.desk.take(step(sql)))
        self._sink("endpoint", self.desk.take(follow_up.endpoints(self.plan)))
        self._sink("conflict", self.desk.take(step(follow_up.CONFLICT)))
        if self.registry.on is not None:
            self._sink("visit_due", self.desk.take(step(visits.due(self.registry.on))))

    def _sink(self, name: str, table: pa.Table) -> None:
        if name == "finding":
            self._faults.update(table.column("rule").to_pylist())
        self.registry.rows[name] = self.registry.rows.get(name, 0) + table.num_rows
        self.sink(name, table)

    def _make(self, name: str, sql: str) -> None:
        self.desk.make(name, step(sql))

    def _add(self, name: str, sql: str) -> None:
        self.desk.add(name, step(sql))


def wanted(low: int, high: int) -> str:
    """The statement that finds all rows which any source wants, of patients with these numbers."""
    arms = []
    for one in domains():
        columns = {
            "concept": f"coalesce(e.{one['concept']}, 0)", "day": one["day"], "table": one["table"],
            "end": f"e.{one['end']}" if one["end"] else "CAST(NULL AS DATE)",
            "number": f"CAST(e.{one['number']} AS DOUBLE)" if one["number"] else "CAST(NULL AS DOUBLE)",
            "unit": f"coalesce(e.{one['unit']}, 0)" if one["unit"] else "CAST(0 AS BIGINT)",
            "unit_text": f"coalesce(e.{one['unit_text']}, '')" if one["unit_text"] else "''",
            "value": f"coalesce(e.{one['value']}, 0)" if one["value"] else "CAST(0 AS BIGINT)",
            "text": one["text"] if "(" in one["text"] else f"e.{one['text']}",
            "kind": f"coalesce(e.{one['type']}, 0) = {BY_TEXT}",
            "visit": f"e.{one['visit']}" if one["visit"] else "CAST(NULL AS BIGINT)",
        }  # fmt: skip
        columns |= {"low": str(low), "high": str(high)}
        arms += [statements.WANTED.format(source=source, wanted=join, **columns) for source, join in _wanted(one)]
    return "\nUNION ALL\n".join([*arms, statements.PERSON.format(low=low, high=high)])


def size() -> str:
    """The statement that counts them, for all patients."""
    arms = [statements.SIZE.format(table=one["table"], wanted=join) for one in domains() for _, join in _wanted(one)]
    return f"SELECT sum(n) AS n FROM ({' UNION ALL '.join(arms)})"


def _wanted(one: Mapping[str, str]) -> list[tuple[str, str]]:
    """How sources pick rows of a domain: the source's column, and the join; forms by the name of the item."""
    if one["domain"] == "death":
        return [("s.source", "JOIN source s ON s.domain = 'death'")]
    wanted = [("k.source", f"JOIN pick k ON k.domain = '{one['domain']}' AND k.concept_id = e.{one['concept']}")]
    if one["domain"] in ("measurement", "observation"):
        wanted.append(("f.source", f"JOIN form f ON f.text = e.{one['source_value']}"))
    return wanted
