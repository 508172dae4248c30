"""The pairs that wait for a person: those of the grey zone, links that were not made, and verdicts to be seconded."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import InputError
from isthmus.flow.linking.kept import newest
from isthmus.flow.linking.records import SAID
from isthmus.flow.linking.state import Row, opened, state_of, steps_of
from isthmus.flow.linking.verdict import Pair, verdicts
from isthmus.flow.schema import IDENTITY
from isthmus.flow.statement import query
from isthmus.flow.workspace import Workspace
from isthmus.linkage.decide import queue

SECOND = "second"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pair to be looked at: both records with site and texts, the probability, why it waits, and its steps.

    `joined`: whether both are one person now. Where `why` is SECOND, `asked` says what was decided and by whom.
    """

    pair: Pair
    left: Row
    right: Row
    probability: float | None
    why: str
    joined: bool
    steps: Sequence[Row]
    asked: str = ""


def waiting(workspace: Workspace, *, author: str = "") -> list[Waiting]:
    """The pairs that wait, those to be seconded first; without those that only somebody else than `author` may second.

    Raises InputError where nobody was linked yet.
    """
    edition, kept = workspace.lake.editions.current(), newest(workspace)
    if edition is None or kept is None or not edition.files("person_link"):
        raise InputError("nobody was linked here yet. Run `isthmus link` first.")
    told = verdicts(workspace)
    with workspace.lake.engine() as engine:
        state = state_of(workspace, engine, edition)
        links = state.tables["person_link"]
        scored = opened(state.tables["person_pair"], kept)
        asked = {pair: one for pair, one in told.waiting.items() if one.author != author}
        pairs: list[tuple[Pair, float | None, str]] = [(pair, None, SECOND) for pair in asked]
        for row in queue(scored, state.clusters(), kept.model.rules).to_pylist():
            pair = (row["l"], row["r"])
            if pair not in told.stands and pair not in told.waiting:
                pairs.append((pair, row["probability"], row["why"]))
        ids = {one for pair, *_ in pairs for one in pair}
        engine.load("wanted", pa.table({"identity_id": pa.array(sorted(ids), pa.int64())}))
        files = [workspace.lake.root / one.path for one in edition.files("identity")]
        engine.view("identity", files, empty=IDENTITY)
        rows = engine.rows(query("SELECT i.* FROM identity i SEMI JOIN wanted USING (identity_id)")).to_pylist()
    said = {row["identity_id"]: _said(row) for row in rows}
    person = dict(zip(links["identity_id"].to_pylist(), links["person"].to_pylist(), strict=True)) if ids else {}
    sides = [pa.array([pair[at] for pair, *_ in pairs], pa.int64()) for at in (0, 1)]
    steps = steps_of(scored.join(pa.table(sides, names=["l", "r"]), ["l", "r"], join_type="left semi"), kept)
    return [
        Waiting(
            pair, said[pair[0]], said[pair[1]], chance, why, person.get(pair[0]) == person.get(pair[1]),
            steps.get(pair, ()), _asked(asked[pair]) if why == SECOND else "",
        )
        for pair, chance, why in pairs if pair[0] in said and pair[1] in said
    ]  # fmt: skip


def joined(workspace: Workspace, pair: Pair) -> bool:
    """Whether two records are one person in the current edition. Raises InputError for a record that is not linked."""
    edition = workspace.lake.editions.current()
    with workspace.lake.engine() as engine:
        links = state_of(workspace, engine, edition).tables["person_link"]
    found = []
    for one in pair:
        row = links.filter(pc.equal(links["identity_id"], one))
        if not len(row):
            raise InputError(f"no record of identity has the id {one}. `isthmus person` shows the ids of records.")
        found.append(row["person"][0].as_py())
    return bool(found[0] == found[1])


def _said(row: dict[str, Any]) -> Row:
    return {"site": row["site"], **{name: row[name] for name in SAID if row[name] is not None}}


def _asked(one: Any) -> str:
    what = "two people" if one.answer["same"] is False else "not one by decision any more"
    return f"{one.author} says: {what} ({one.reason})"
