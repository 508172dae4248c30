"""Registrations of 250,000 people and a million records are linked, in memory and through the lake.

The small forms of these run with the acceptance tests and in `tests/functional/test_link_grows.py`.
"""

from pathlib import Path

import pytest
from benchmarks.job import run
from benchmarks.linked import MEMORY

pytestmark = pytest.mark.prove
MILLION = 417_000  # people, of whom there are a million records


@pytest.mark.parametrize("persons", [250_000, MILLION])
def test_hospitals_with_errors_in_three_of_a_hundred_fields_are_linked(persons: int) -> None:
    done = run("linkage.simulated", persons=persons, sites=100)
    precision, recall = done.found["clusters"]
    print(f"\n{persons:,} people, {done.found['records']:,} records: precision {precision:.5f}, recall {recall:.5f}, "
          f"{done.seconds:.0f} s, {done.peak:,.0f} MB")  # fmt: skip
    for kind, there, merged in done.found["tempted"]:
        print(f"  {kind}: {merged:,} merged" + (f" of {there:,}" if there >= 0 else ""))
    assert precision >= 0.9995
    assert recall >= 0.98
    assert done.found["two_numbers"] == 0
    assert done.seconds < 600
    assert done.peak < 8_000


def test_a_hundredth_added_to_a_million_gives_what_all_at_once_gives(tmp_path: Path) -> None:
    done = run("linkage.added", persons=MILLION, sites=100, folder=str(tmp_path))
    found = done.found
    print(f"\n{found['records']:,} records added to {found['of']:,}: {done.seconds:.1f} s against "
          f"{found['whole']:.1f} s, {done.seconds / found['whole']:.3f}; pairs of both {found['pairs']:,}, of all at "
          f"once only {found['only_at_once']:,}, of the added only {found['only_added']:,}")  # fmt: skip
    assert found["only_at_once"] + found["only_added"] <= found["pairs"] / 10_000


def test_a_million_records_are_linked_through_the_lake(tmp_path: Path) -> None:
    done = run("linked.through", persons=MILLION, sites=100, folder=str(tmp_path), memory=MEMORY)
    found = done.found
    print(f"\n{found['records']:,} records: {found['whole']:.1f} s with learning; a hundredth added "
          f"{found['added']:.1f} s; with nothing new {found['nothing']:.1f} s; {done.peak:,.0f} MB")  # fmt: skip
    assert found["whole"] < 600
    assert done.peak < 8_000
    assert found["records"] > 1_000_000
