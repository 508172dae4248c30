"""New records are linked to old ones as if all had come at once; what people decide stands."""

from dataclasses import replace

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from splink.internals.linker_components.inference import LinkerInference

from isthmus.base.errors import UsageError
from isthmus.linkage import rules
from isthmus.linkage.block import KEY, beside, keyed, mark
from isthmus.linkage.cluster import Clusters, clusters, grown
from isthmus.linkage.decide import DECIDED, decided, queue
from isthmus.linkage.model import Model, score, score_new, train
from isthmus.linkage.normal import normal
from isthmus.linkage.rules import Comparison, Level, Rules, Training
from isthmus.simulation.identities import identities

NEW = 40
GRAPH = Rules(
    name="t", fields={}, differ=("number",), pairs=(), training=Training((), 0.9, ()), link=0.5, review=0.1,
    comparisons=(Comparison("evidence", "", (Level("same", ""),)),),
)  # fmt: skip


@pytest.fixture(scope="module")
def linked() -> tuple[pa.Table, Model, pa.Table]:
    drawn = identities(persons=1_500, sites=3, seed=5)
    chosen = rules.packed("chinese")
    records = normal(drawn.records, chosen.fields)
    with duckdb.connect() as connection:
        model = train(connection, records, chosen)
        return records, model, score(connection, records, model)


def _score_new(connection: duckdb.DuckDBPyConnection, old: pa.Table, new: pa.Table, model: Model) -> pa.Table:
    connection.register("old", keyed(connection, old, model.rules))
    try:
        return score_new(connection, "old", keyed(connection, new, model.rules), model)
    finally:
        connection.unregister("old")


def _sorted(scored: pa.Table) -> pa.Table:
    return scored.sort_by([("l", "ascending"), ("r", "ascending")])


def test_new_records_give_the_pairs_that_all_at_once_give(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    records, model, scored = linked
    old, new = records.slice(0, len(records) - NEW), records.slice(len(records) - NEW)
    with duckdb.connect() as connection:
        before = score(connection, old, model)
        fresh = _score_new(connection, old, new, model)
        assert not connection.execute("SHOW TABLES").fetchall()
    ids = new["record_id"].combine_chunks()
    touched = pc.or_(pc.is_in(scored["l"], ids), pc.is_in(scored["r"], ids))
    one, other = _sorted(scored.filter(touched)), _sorted(fresh)
    assert one.select(["l", "r"]).to_pylist() == other.select(["l", "r"]).to_pylist()
    assert one["weight"].to_pylist() == pytest.approx(other["weight"].to_pylist(), abs=1e-3)
    together = clusters(records, pa.concat_tables([before, fresh.select(before.column_names)]), model.rules)
    whole = clusters(records, scored, model.rules)
    assert together.members.equals(whole.members)
    more = grown(clusters(old, before, model.rules), records, pa.concat_tables([before, fresh]), model.rules)
    assert more.members.equals(whole.members)
    assert _cuts(more) == _cuts(whole)


def test_keys_are_believed_for_as_long_as_the_rules_are_the_same(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    _, model, _ = linked
    with duckdb.connect() as connection:
        assert mark(connection, model.rules) == mark(connection, replace(model.rules, link=0.9))
        assert mark(connection, model.rules) != mark(connection, replace(model.rules, pairs=model.rules.pairs[1:]))


def test_a_condition_that_asks_each_side_otherwise_finds_both(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    crossed = replace(GRAPH, pairs=("l.a = r.b and l.c = r.c and l.d <> r.d", "l.d > r.d"))
    columns = ["record_id", "a", "b", "c", "d"]
    values = [["x", "p", "x", None, "q"], ["p", "y", "q", "y", "q"], ["m"] * 5, ["1"] * 5]
    old = pa.table([[1, 2, 3, 4, 5], *values], names=columns)
    new = pa.table([[9], ["y"], ["x"], ["m"], ["2"]], names=columns)
    with duckdb.connect() as connection:
        kept, fresh = (keyed(connection, one, crossed) for one in (old, new))
    assert [name for name in kept.column_names if name.startswith(KEY)] == ["block_0_l", "block_0_r", "block_1"]
    assert beside(kept, fresh).to_pylist() == [1, 2, 3, 4, 5], "of a condition without an equality all are near"
    assert beside(kept.drop(["block_1"]), fresh.drop(["block_1"])).to_pylist() == [1, 2, 3, 4]


def test_nothing_is_left_behind_where_scoring_is_broken_off(
    linked: tuple[pa.Table, Model, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    records, model, _ = linked

    def broken(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with duckdb.connect() as connection:
        monkeypatch.setattr(LinkerInference, "predict_between", broken)
        with pytest.raises(KeyboardInterrupt):
            _score_new(connection, records.slice(NEW), records.slice(0, NEW), model)
        assert not connection.execute("SHOW TABLES").fetchall()


def _cuts(found: Clusters) -> set[tuple[int, int, str]]:
    return {(row["l"], row["r"], row["reason"]) for row in found.cut.to_pylist()}


@pytest.mark.parametrize("seed", range(30))
def test_clusters_that_grow_are_those_of_all_at_once(seed: int) -> None:
    """On any graph, with any records new."""
    rng = np.random.default_rng(seed)
    count = 60
    pairs = {(int(a), int(b)): float(rng.normal(2, 8)) for a, b in rng.integers(0, count, (120, 2)) if a < b}
    numbers = [None if one == 0 else str(one) for one in rng.integers(0, 12, count)]
    records = pa.table({"record_id": range(count), "number": pa.array(numbers, pa.string())})
    left, right = (pa.array([pair[side] for pair in pairs]) for side in (0, 1))
    values = pa.array(list(pairs.values()))
    scored = pa.table({"l": left, "r": right, "weight": values, "weight_evidence": values})
    old = pc.less(records["record_id"], count - int(rng.integers(1, 20)))
    ids = records.filter(old)["record_id"].combine_chunks()
    among = pc.and_(pc.is_in(scored["l"], ids), pc.is_in(scored["r"], ids))
    former = clusters(records.filter(old), scored.filter(among), GRAPH)
    more, whole = grown(former, records, scored, GRAPH), clusters(records, scored, GRAPH)
    assert more.members.equals(whole.members)
    assert _cuts(more) == _cuts(whole)


def _cluster(found: Clusters) -> dict[int, int]:
    return {row["record_id"]: row["cluster"] for row in found.members.to_pylist()}


def _decide(*pairs: tuple[int, int, bool]) -> pa.Table:
    return pa.table([pa.array(column) for column in zip(*pairs, strict=True)], schema=DECIDED)


def test_two_people_by_decision_are_never_one(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    records, model, scored = linked
    best = scored.sort_by([("weight", "descending")]).slice(0, 1).to_pylist()[0]
    assert len({_cluster(clusters(records, scored, model.rules))[best[side]] for side in "lr"}) == 1
    told = decided(scored, _decide((best["r"], best["l"], False)))
    assert len({_cluster(clusters(records, told, model.rules))[best[side]] for side in "lr"}) == 2


def test_one_person_by_decision_is_one_though_nothing_agrees(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    records, model, scored = linked
    nameless = records.filter(records["resident_written"].is_null())["record_id"].to_pylist()
    one, other = nameless[0], nameless[-1]
    told = decided(scored, _decide((one, other, True)))
    found = _cluster(clusters(records, told, model.rules))
    assert found[one] == found[other]
    assert len(told) == len(scored) + 1


def test_no_decision_changes_nothing(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    _, _, scored = linked
    assert decided(scored, DECIDED.empty_table()).equals(_sorted(scored))


def test_a_constraint_is_above_a_decision(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    records, model, scored = linked
    known = records.filter(records["resident_written"].is_valid()).slice(0, 2)
    one, other = known["record_id"].to_pylist()
    found = clusters(records, decided(scored, _decide((one, other, True))), model.rules)
    assert _cluster(found)[one] != _cluster(found)[other]
    assert {"l": one, "r": other, "reason": "constraint"} in found.cut.select(["l", "r", "reason"]).to_pylist()


def test_both_ways_is_refused(linked: tuple[pa.Table, Model, pa.Table]) -> None:
    with pytest.raises(UsageError, match="one person and two"):
        decided(linked[2], _decide((1, 2, True), (2, 1, False)))


def test_the_queue_holds_what_is_open_and_is_empty_of_what_is_decided(
    linked: tuple[pa.Table, Model, pa.Table],
) -> None:
    records, model, scored = linked
    waiting = queue(scored, clusters(records, scored, model.rules), model.rules)
    assert len(waiting)
    chances = waiting["probability"].to_pylist()
    assert chances == sorted(chances, reverse=True)
    first = waiting.to_pylist()[0]
    told = decided(scored, _decide((first["l"], first["r"], False)))
    left = queue(told, clusters(records, told, model.rules), model.rules)
    assert (first["l"], first["r"]) not in {(row["l"], row["r"]) for row in left.to_pylist()}
