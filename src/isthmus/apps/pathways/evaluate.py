"""All rules of a pack over all patients at a desk, by a number of statements that does not depend on the rules."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.apps.contract import PackError
from isthmus.apps.contract.research import Desk, build, step
from isthmus.apps.contract.research import evaluate as members
from isthmus.apps.pathways import statements
from isthmus.apps.pathways.pack import ANCHOR, Pack
from isthmus.apps.pathways.plan import SCHEMAS, Plan, items, plan

ITEM_VALUE = pa.schema(
    [
        ("person_id", pa.int64()), ("item", pa.string()), ("day", pa.int32()), ("number", pa.float64()),
        ("value", pa.string()), ("site", pa.string()), ("part_id", pa.int64()), ("place", pa.int64()),
    ]
)  # fmt: skip
LONGEST = 6
"""Treatments of a variant that are told apart; what comes later is left out."""
TAKEN = {
    "results": statements.RESULT,
    "evidence": statements.EVIDENCE,
    "episodes": """
        SELECT p.episode, p.person_id, p.hospital, p.site, p.day, s.first, s.last, s.death
        FROM pathway p JOIN seen s ON s.episode = p.episode ORDER BY 1
    """,
    "occurrences": "SELECT episode, step, day, min(site) AS site FROM occurred GROUP BY 1, 2, 3 ORDER BY 1, 3, 2",
    "facts": "SELECT episode, fact, code, number, day FROM fact_found ORDER BY 1, 2",
    "delivered": "SELECT records, site, first, last, n FROM delivered ORDER BY 1, 2",
    "variants": statements.VARIANT.format(most=LONGEST),
    "following": statements.NEXT,
    "reached": statements.REACHED,
}
"""What is taken from the desk, by the name that it has in the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What became of every rule in every episode (a patient's stay on the pathway); days since 1970-01-01.

    `results`: episode, person_id, hospital, site, rule, state, cause, clause, day, due, found_day, met, violated.
    `evidence`: rule, episode, around, role (opens or found), step, day, table, row_id, site, part_id, place.
    `episodes`: episode, person_id, hospital, site, day, first, last, death. `occurrences`: episode, step, day, site.
    `variants`: episode, path (the steps of treatment in their order, `>` between). `following`: before, step, n, days
    (median). `reached`: step, n, days (median since the beginning). Steps and rules stand by their numbers.
    """

    pack: Pack
    plan: Plan
    results: pa.Table
    evidence: pa.Table
    episodes: pa.Table
    occurrences: pa.Table
    facts: pa.Table
    delivered: pa.Table
    variants: pa.Table
    following: pa.Table
    reached: pa.Table
    entered: int
    steps: int


def evaluate(desk: Desk, pack: Pack, *, without: Collection[int] = ()) -> Evaluation:
    """Evaluate a pack, `without` some persons. Raises PackError where the vocabulary has no such concept."""
    made = plan(pack)
    for name in SCHEMAS:
        desk.lay(name, made.table(name))
    _known(desk, pack)
    entered = _enter(desk, pack, without)
    _make(desk, "asked_concept", statements.CONCEPT)
    _make(desk, "wanted", statements.WANTED)
    _make(desk, "enrolled", statements.ENTERED.format(hospital=statements.HOSPITALS[pack.hospital]))
    _make(desk, "enrolled_person", statements.PEOPLE)
    _make(desk, "raw_row", statements.rows(made))
    _make(desk, "found", statements.FOUND)
    looks = {"low": pack.looks.low, "high": pack.looks.high}
    begins = statements.PATHWAY_STEP.format(steps=statements.among(pack.parts.get(pack.anchor, ())), **looks)
    _make(desk, "pathway", statements.PATHWAY_ENTRY if pack.anchor == ANCHOR else begins)
    _make(desk, "occurred", statements.OCCURRED.format(until=statements.UNTIL if pack.ends else "", **looks))
    ended = "p.until" if pack.ends else "CAST(NULL AS INTEGER)"
    for name, sql in (
        ("seen", statements.SEEN.format(ended=ended)), ("delivered", statements.delivered(made)),
        ("fact_found", statements.FACT_FOUND), ("lacking", statements.LACKING), ("answered", statements.ANSWERED),
        ("meant", statements.MEANT), ("activation", statements.ACTIVATION), ("counted", statements.COUNTED),
        ("judged", statements.JUDGED),
    ):  # fmt: skip
        _make(desk, name, sql)
    taken = {name: desk.take(step(sql)) for name, sql in TAKEN.items()}
    return Evaluation(pack=pack, plan=made, entered=entered, steps=desk.steps, **taken)


def _known(desk: Desk, pack: Pack) -> None:
    """Refuse concepts that nobody has heard of: a slip of the pen would find nothing, and say so of patients."""
    unknown = set(desk.take(step(statements.UNKNOWN)).column("concept_id").to_pylist())
    said = [
        f"{one.place}: concept set {name}: the vocabulary has no concept {one.concept_id}. Correct the id, or attach "
        "the vocabulary that has it."
        for name, concepts in pack.concepts.items()
        for one in concepts
        if one.concept_id in unknown
    ]
    if said:
        raise PackError("\n".join(said))


def _enter(desk: Desk, pack: Pack, without: Collection[int]) -> int:
    """Find who is in the population, and since when; with a registry's items where those are asked for."""
    if pack.registry is not None and items(pack):
        desk.lay("item_value", _items(desk, pack))
    rows = members(desk, [pack.population]).rows
    rows = rows.filter(pc.invert(pc.is_in(rows.column("person_id"), pa.array(sorted(without), pa.int64()))))
    day, until = (pc.cast(rows.column(name).cast(pa.date32()), pa.int32()) for name in ("start_date", "end_date"))
    desk.lay("entered", pa.table({"person_id": rows.column("person_id"), "day": day, "until": until}))
    return int(rows.num_rows)


def _items(desk: Desk, pack: Pack) -> pa.Table:
    """The values of a registry's items that the pack asks for, each with its day."""
    assert pack.registry is not None
    wanted = {one.item for step in pack.steps.values() for one in step.events}
    wanted |= {one.item for fact in pack.facts.values() for one, _ in fact.sources}
    wanted |= {one.events.item for one in pack.records.values()}
    pieces: list[pa.Table] = []
    build(desk, pack.registry, _sink(pieces, wanted), codes=())
    return pa.concat_tables(pieces) if pieces else ITEM_VALUE.empty_table()


def _sink(pieces: list[pa.Table], wanted: set[str]) -> Callable[[str, pa.Table], None]:
    names = pa.array(sorted(wanted - {""}))

    def take(name: str, rows: pa.Table) -> None:
        if name == "value":
            pieces.append(_dated(rows.filter(pc.is_in(rows.column("item"), names))))

    return take


def _dated(rows: pa.Table) -> pa.Table:
    day = pc.coalesce(rows.column("value_date").cast(pa.date32()), rows.column("day").cast(pa.date32()))
    columns: Sequence[pa.ChunkedArray] = [
        rows.column("person_id"), rows.column("item"), pc.cast(day, pa.int32()),
        rows.column("value_number").cast(pa.float64()), rows.column("value_code"), rows.column("site"),
        rows.column("part_id").cast(pa.int64()), rows.column("place").cast(pa.int64()),
    ]  # fmt: skip
    return pa.table(list(columns), schema=ITEM_VALUE)


def _make(desk: Desk, name: str, sql: str) -> None:
    desk.make(name, step(sql))
