"""Numbers of persons stay with most of their records; merges and splits are told."""

from collections.abc import Sequence

import pyarrow as pa
import pytest

from isthmus.base.errors import IntegrityError
from isthmus.linkage.index import EMPTY, Index, current, renewed


def _over(former: Index, groups: Sequence[Sequence[int]], edition: int) -> Index:
    rows = [(one, min(group)) for group in groups for one in group]
    records, clusters = zip(*sorted(rows), strict=True)
    return renewed(former, pa.table({"record_id": records, "cluster": clusters}), edition)


def _person(index: Index) -> dict[int, int]:
    return {row["record_id"]: row["person"] for row in index.links.to_pylist()}


def _told(index: Index, edition: int) -> list[tuple[str, int, int | None]]:
    return [
        (row["event"], row["person"], row["other"]) for row in index.events.to_pylist() if row["edition"] == edition
    ]


def test_the_first_edition_creates_everybody() -> None:
    index = _over(EMPTY, [[1, 2], [3]], 1)
    person = _person(index)
    assert person[1] == person[2] != person[3]
    assert {event for event, *_ in _told(index, 1)} == {"created"}


def test_nothing_new_changes_nothing() -> None:
    first = _over(EMPTY, [[1, 2], [3]], 1)
    second = _over(first, [[1, 2], [3]], 2)
    assert second.links.equals(first.links)
    assert second.events.equals(first.events)


def test_a_new_record_takes_the_number_that_is_there() -> None:
    first = _over(EMPTY, [[5, 6]], 1)
    second = _over(first, [[2, 5, 6]], 2)
    assert set(_person(second).values()) == {_person(first)[5]}
    assert [row["since"] for row in second.links.to_pylist()] == [2, 1, 1]
    assert _told(second, 2) == []


def test_a_merge_keeps_the_number_of_most_records_and_leads_there() -> None:
    first = _over(EMPTY, [[1], [2, 3]], 1)
    one, two = _person(first)[1], _person(first)[2]
    second = _over(first, [[1, 2, 3]], 2)
    assert set(_person(second).values()) == {two}
    assert _told(second, 2) == [("merged", two, one)]
    assert current(second.events, one) == current(second.events, two) == two


def test_a_split_keeps_the_number_and_gives_a_new_one() -> None:
    first = _over(EMPTY, [[1, 2, 3]], 1)
    whole = _person(first)[1]
    second = _over(first, [[1], [2, 3]], 2)
    assert _person(second)[2] == whole
    assert _told(second, 2) == [("split", whole, _person(second)[1])]


def test_merge_split_and_merge_again() -> None:
    editions = [EMPTY]
    for edition, groups in enumerate([[[1], [2, 3]], [[1, 2, 3]], [[1], [2, 3]], [[1, 2, 3]]], start=1):
        editions.append(_over(editions[-1], groups, edition))
    two = _person(editions[1])[2]
    assert all(_person(one)[2] == two for one in editions[1:])
    out, again = _person(editions[1])[1], _person(editions[3])[1]
    assert again not in (out, two)
    assert [row["event"] for row in editions[4].events.to_pylist()] == [
        "created",
        "created",
        "merged",
        "split",
        "merged",
    ]
    assert current(editions[4].events, out) == current(editions[4].events, again) == two


def test_records_that_go_over_to_another_person_are_told() -> None:
    first = _over(EMPTY, [[1, 2, 3], [4, 5]], 1)
    second = _over(first, [[1, 2], [3, 4, 5]], 2)
    one, four = _person(first)[1], _person(first)[4]
    assert _person(second) == {1: one, 2: one, 3: four, 4: four, 5: four}
    assert _told(second, 2) == [("moved", one, four)]
    assert second.links.to_pylist()[2]["why"] == "moved"


def test_the_former_index_is_as_it_was() -> None:
    first = _over(EMPTY, [[1], [2, 3]], 1)
    before = first.links.to_pylist()
    _over(first, [[1, 2, 3]], 2)
    assert first.links.to_pylist() == before


def test_a_record_may_not_be_forgotten() -> None:
    with pytest.raises(IntegrityError, match="1 records"):
        _over(_over(EMPTY, [[1], [2]], 1), [[1]], 2)
