"""All records of one person, where each stands, and why they are one.

This shows identifiers: like a trace, it is for who may read the workspace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import InputError
from isthmus.flow.linking.kept import newest
from isthmus.flow.linking.records import SAID
from isthmus.flow.linking.state import Row, opened, state_of, steps_of, within
from isthmus.flow.linking.verdict import Pair, Verdicts, verdicts
from isthmus.flow.schema import IDENTITY
from isthmus.flow.statement import query
from isthmus.flow.trace import Tracer
from isthmus.flow.workspace import Workspace
from isthmus.linkage.index import current


@dataclass(frozen=True, slots=True)
class Reason:
    """Why two records are one: the pair, its steps (schema WATERFALL) if it was scored, and what was decided of it."""

    pair: Pair
    steps: Sequence[Row]
    decided: str


@dataclass(frozen=True, slots=True)
class Person:
    """A person of an edition: their number, their records with place and texts, the reasons, and what happened."""

    number: int
    edition: int
    records: Sequence[Row]
    reasons: Sequence[Reason]
    events: Sequence[Row]


def person(workspace: Workspace, wanted: int) -> Person:
    """The person with this number: of the index (a former one as well), or of one of the sites' persons.

    Raises InputError where there is none, or nobody was linked yet.
    """
    edition = workspace.lake.editions.current()
    kept = newest(workspace)
    if edition is None or kept is None or not edition.files("person_link"):
        raise InputError("nobody was linked here yet. Run `isthmus link` first.")
    with workspace.lake.engine() as engine:
        state = state_of(workspace, engine, edition)
        links, events = state.tables["person_link"], state.tables["person_event"]
        number = _number(links, events, wanted)
        mine = links.filter(pc.equal(links["person"], number))
        engine.load("mine", mine)
        files = [workspace.lake.root / one.path for one in edition.files("identity")]
        engine.view("identity", files, empty=IDENTITY)
        told = engine.rows(
            query(
                "SELECT i.*, m.since, m.why, m.weight, m.record_id FROM identity i JOIN mine m USING (identity_id) "
                "ORDER BY i.site, i.identity_id"
            )
        ).to_pylist()
    of_person = pc.or_(pc.equal(events["person"], number), pc.equal(events["other"], number))
    pairs = state.tables["person_pair"]
    scored = (
        opened(within(pairs, mine["record_id"].combine_chunks()), kept)
        if state.note.get("model") == kept.number
        else None
    )
    steps = steps_of(scored, kept) if scored is not None else {}
    tracer = Tracer(workspace)
    return Person(
        number, edition.number, [_placed(tracer, one) for one in told],
        _reasons(mine, scored, steps, verdicts(workspace)), events.filter(of_person).to_pylist(),
    )  # fmt: skip


def _number(links: pa.Table, events: pa.Table, wanted: int) -> int:
    """The person's number by now: asked for by a site's own, one of the index, or one that was merged away."""
    for column in ("person_id", "person", "identity_id"):
        found = links.filter(pc.equal(links[column], wanted))
        if len(found):
            return int(found["person"][0].as_py())
    now = current(events, wanted)
    if pc.any(pc.equal(links["person"], now)).as_py():
        return now
    raise InputError(
        f"nobody has the number {wanted}: no person of the index, no person of a site who has records of identity, and "
        "no record of identity."
    )


def _reasons(
    mine: pa.Table, scored: pa.Table | None, steps: Mapping[Pair, Sequence[Row]], told: Verdicts
) -> list[Reason]:  # fmt: skip
    """The strongest pairs that hold the records together, and every decided one."""
    ids = set(mine["record_id"].to_pylist())
    root = {one: one for one in ids}

    def part(one: int) -> int:
        while root[one] != one:
            one = root[one]
        return one

    decided = {pair: one for pair, one in told.stands.items() if set(pair) <= ids}
    by_weight = [] if scored is None else scored.sort_by([("weight", "descending")]).select(["l", "r"]).to_pylist()
    found = []
    for pair in [*decided, *((row["l"], row["r"]) for row in by_weight)]:
        left, right = part(pair[0]), part(pair[1])
        if left != right or pair in decided:
            root[right] = left
            one = decided.get(pair)
            said = f"decision {one.decision_id} by {one.author}: {one.reason}" if one else ""
            found.append(Reason(pair, steps.get(pair, ()), said))
    person_of = dict(zip(mine["record_id"].to_pylist(), mine["person_id"].to_pylist(), strict=True))
    for one in sorted(ids):  # what no pair holds is held by the hospital's word: one number, or a merge
        first = next((other for other in sorted(ids) if other < one and person_of[other] == person_of[one]), min(ids))
        if part(one) != part(first):
            root[part(one)] = part(first)
            said = "one number of one site" if person_of[first] == person_of[one] else "the site merged them"
            found.append(Reason((first, one), (), said))
    return found


def _placed(tracer: Tracer, row: Row) -> Row:
    """A record with the file and line that it came from."""
    found = tracer.origin("identity", row)
    said = {name: row[name] for name in ("record_number", *SAID) if row[name] is not None}
    return {
        "identity_id": row["identity_id"], "person_id": row["person_id"], "site": row["site"],
        "feed": found.receipt.feed, "file": found.receipt.name, "line": found.passage.line, "since": row["since"],
        "why": row["why"], "as": row["record_id"], "said": said,
    }  # fmt: skip
