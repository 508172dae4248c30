"""All cohorts at once: definitions and a desk in, who is in which cohort from when to when out.

The statements are always the same; how often they run depends on the kinds of events asked for, on how deep conditions
are nested, and on the number of chunks of persons, never on the number of definitions.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from isthmus.base.errors import InputError
from isthmus.gate.desk import Desk
from isthmus.research.cohorts import controls, matching, statements
from isthmus.research.cohorts.catalogue import MEMBER, domains, kinds
from isthmus.research.cohorts.concepts import Concepts, pair, step
from isthmus.research.cohorts.definition import Cohort, Combination, Control, Definition, Registered
from isthmus.research.cohorts.levels import levels
from isthmus.research.cohorts.matching import AMONG, PERSON, days
from isthmus.research.cohorts.plan import SCHEMAS, Plan, plan

ROWS_PER_CHUNK = 8_000_000
"""Matched events that are worked on together: about 1.6 GB of memory at the widest point."""
PART = pa.schema([("cohort", pa.int32()), ("of", pa.int32()), ("weight", pa.int32()), ("need", pa.int32())])


@dataclass(frozen=True, slots=True)
class Cohorts:
    """The answer: `rows` has `cohort` (position in the definitions, from 1), `person_id`, `start_date`, `end_date`."""

    definitions: Sequence[Cohort]
    rows: pa.Table
    counts: pa.Table
    chunks: int


def evaluate(
    desk: Desk, definitions: Sequence[Cohort], *, chunks: int | None = None, among: pa.Table | None = None,
    done: Callable[[int, int], None] = lambda part, of: None,
) -> Cohorts:  # fmt: skip
    """Find the members of all cohorts; `done` is told after each chunk of persons. Order of rows is fixed.

    `among` has the only persons (`person_id`) to look at, if not all.

    Cohorts that are made of others are found after them: the statements run once for each level of such dependence.
    The table `result` stays on the desk. Raises InputError where a cohort is named that is not among the definitions.
    """
    numbers = {one.name: at for at, one in enumerate(definitions, start=1)}
    near = ""
    if among is not None:
        desk.lay("among", among)
        near = AMONG
    desk.make("result", step(statements.NOBODY))
    most = 0
    for at, level in enumerate(levels(definitions)):
        if at:
            desk.make(MEMBER, step(statements.MEMBERS))
        outcomes = [one for one in level if isinstance(one, Control)]
        if outcomes:
            controls.add(desk, outcomes, numbers, near)
        asked = [one for one in level if isinstance(one, Registered)]
        if asked:
            desk.lay("registered", _registered(asked, numbers, among))
            desk.add("result", step(statements.REGISTERED))
        plain = [one for one in level if isinstance(one, Definition)]
        if plain:
            made = plan(plain, Concepts(desk, plain, numbers), [numbers[one.name] for one in plain])
            work = Evaluation(desk, made, near)
            most = max(most, work.run(chunks, done))
        combinations = [one for one in level if isinstance(one, Combination)]
        if combinations:
            desk.lay("part", _parts(combinations, numbers))
            desk.add("result", step(statements.COMBINED))
    return answer_of(desk, definitions, most)


def answer_of(desk: Desk, definitions: Sequence[Cohort], chunks: int) -> Cohorts:
    """The members in the table `result` of a desk."""
    return Cohorts(definitions, desk.take(step(statements.ROWS)), desk.take(step(statements.COUNTS)), chunks)


def _registered(asked: Sequence[Registered], numbers: Mapping[str, int], among: pa.Table | None) -> pa.Table:
    """The members of cohorts that ask a registry. Raises InputError where it was not asked."""
    pieces = []
    for one in asked:
        if one.members is None:
            raise InputError(
                f"cohort {one.name} asks the registry {one.registry}, which is not built here. Leave it out, or count "
                "it with `isthmus cohorts` over invented patients."
            )
        number = pa.array([numbers[one.name]] * one.members.num_rows, pa.int32())
        pieces.append(one.members.append_column("cohort", number))
    found = pa.concat_tables(pieces)
    near = None if among is None else among.column("person_id")
    return found if near is None else found.filter(pc.is_in(found.column("person_id"), value_set=near))


def _parts(combinations: Sequence[Combination], numbers: Mapping[str, int]) -> pa.Table:
    """What combinations are made of: one row for each cohort in them."""
    rows = [
        {"cohort": numbers[one.name], "of": numbers[name], "weight": weight, "need": one.need}
        for one in combinations
        for name, weight in one.parts.items()
    ]
    return pa.Table.from_pylist(rows, schema=PART)


class Evaluation:
    """The statements in their order, over one desk."""

    def __init__(self, desk: Desk, plan: Plan, among: str = "") -> None:
        """`among` is what statements say of the persons to look at, beside the chunk."""
        self.desk = desk
        self.plan = plan
        self._among = among
        self._matching: list[str] = []
        self._people, self._wanted = plan.sets.asked_of_persons()

    def run(self, chunks: int | None, done: Callable[[int, int], None]) -> int:
        """Everything, in so many chunks of persons or as many as it takes; their number."""
        self.lay()
        parts = chunks or max(1, -(-self.plan.sets.rows(self.plan.used) // ROWS_PER_CHUNK))
        for part in range(parts):
            self.chunk(parts, part)
            done(part + 1, parts)
        return parts

    def lay(self) -> None:
        """Put the parameter tables on the desk."""
        for name in SCHEMAS:
            self.desk.lay(name, self.plan.table(name))
        sets = self.plan.sets
        for name, domain in kinds().items():
            for kind, chosen in sets.of(name, self.plan.used):
                at, sourced = f"{domain.table}_{kind}", chosen[0][1].sourced
                self.desk.lay(f"pick_{at}", sets.pick(name, [number for number, _ in chosen], sourced=sourced))
                if chosen[0][1].plain:
                    self._matching.append(matching.plain(domain, f"pick_{at}", PERSON, sourced=sourced))
                    continue
                asked = sets.asked(name, chosen)
                self.desk.lay(f"wanted_{at}", sets.wanted(asked, chosen))
                self._matching.append(
                    matching.tested(
                        domain, asked, pick=f"pick_{at}", wanted=f"wanted_{at}", chosen=PERSON, sourced=sourced
                    )
                )
        if self.plan.eras:
            eras = {number: rule.codeset for rule, number in self.plan.eras.items()}
            self.desk.lay("pick_era", sets.exposing(eras))
        self.desk.lay("wanted_person", self._wanted)
        self.desk.lay("listed", sets.listed())

    def chunk(self, chunks: int, chunk: int) -> None:
        """Everything for a share of the persons: those whose id leaves `chunk` when divided by `chunks`."""
        self.match(chunks, chunk)
        for level in range(1, self.plan.levels + 1):
            self._make("event", statements.NESTED_EVENTS.format(level=level))
            self._hold(f"level {level}", nested=True)
            self._add("match", statements.NESTED_MATCH.format(level=level))
        self._make("stay", statements.STAY)
        if self.plan.rows["root"]:
            self._conditions()
        self._leave(chunks, chunk)
        self.desk.drop("event", "held", "delta", "included", "stay", "span", "match", "many")

    def match(self, chunks: int = 1, chunk: int = 0) -> None:
        """Find observation periods and the events of all sets."""
        self._make("period", statements.PERIOD.format(chunks=chunks, chunk=chunk, among=self._among))
        self._make("match", statements.MATCH)
        for sql in self._matching:
            self._add("match", sql.format(chunks=chunks, chunk=chunk, among=self._among))

    def _conditions(self) -> None:
        """Additional criteria, then inclusion rules, each with its limit."""
        self._make("entered", statements.ENTERED)
        self._make("event", statements.ASKED_EVENTS)
        self._hold("additional")
        self._make("qualified", statements.QUALIFIED)
        self._add("stay", statements.STAY_QUALIFIED)
        self._make("event", statements.RULED_EVENTS)
        self.desk.drop("entered", "qualified")
        self._hold("rules")
        self._make("included", statements.INCLUDED)
        self._add("stay", statements.STAY_INCLUDED)

    def _hold(self, stage: str, *, nested: bool = False) -> None:
        """From index events to those for which their conditions hold."""
        self._make("many", statements.MANY if nested else statements.NEVER_MANY)
        self._make("delta", statements.NO_DELTA)
        self._add("delta", statements.ONCE.format(stage=stage, distinct="DISTINCT" if nested else ""))
        self._add("delta", statements.COUNTED.format(stage=stage))
        if self.plan.rows["demographic"]:
            self._add("delta", matching.of_persons(self._people))
        for height in range(1, self.plan.heights.get(stage, 0) + 1):
            self._add("delta", statements.JUNCTION.format(height=height))
        self._make("held", statements.HELD)

    def _leave(self, chunks: int, chunk: int) -> None:
        """From events to intervals, with exits, eras and censoring."""
        domain = domains()["DrugExposure"]
        if self.plan.eras:
            concept, source = pair(domain)
            exposed = statements.EXPOSED.format(
                concept=concept,
                source=source,
                end=days(domain.end),
                chunks=chunks,
                chunk=chunk,
                among=self._among,
            )
            self._make("exposed", exposed)
            self._make("era", statements.ERA)
            self.desk.drop("exposed")
        else:
            self._make("era", statements.NO_ERA)
        self._make("censored", statements.CENSORED)
        self._make("span", statements.SPAN)
        self._add("result", statements.RESULT)

    def _make(self, name: str, sql: str) -> None:
        self.desk.make(name, _query(sql))

    def _add(self, name: str, sql: str) -> None:
        self.desk.add(name, _query(sql))


def _query(sql: str) -> exp.Query:
    return step(sql)
