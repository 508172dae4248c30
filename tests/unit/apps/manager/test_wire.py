"""The pipe: what is sent arrives as it was, and what is no frame ends the conversation instead of being understood."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

import pyarrow as pa
import pytest

from isthmus.apps.contract import InputError, Within
from isthmus.apps.manager.wire import HEAD, LENGTHS, Wire


@contextmanager
def ends(*, tails: bool = True) -> Iterator[tuple[Wire, int, Wire]]:
    """A wire that sends, the number of what it sends on, and one that receives."""
    read, write = os.pipe()
    with os.fdopen(read, "rb") as reading, os.fdopen(write, "wb") as writing:
        yield Wire(reading, writing, tails=tails), write, Wire(reading, writing, tails=tails)


def test_heads_and_tables_arrive_as_they_were() -> None:
    head = {
        "call": 1,
        "at": datetime.fromisoformat("2026-01-01T12:00"),
        "day": date(2026, 1, 1),
        "where": Within(1, None),
        "text": "肝",
    }
    table = pa.table({"person_id": [1, None], "text": ["a", "b"]})
    with ends() as (sending, _, receiving):
        sending.send(head, {"rows": table, "none": table.slice(0, 0)})
        found = receiving.receive()
    assert found is not None
    assert found[0] == head
    assert found[1]["rows"].equals(table)
    assert found[1]["none"].num_rows == 0


@pytest.mark.parametrize(
    ("sent", "tails"),
    [
        (b"", True), (b"\x00", True), (LENGTHS.pack(2, 0) + b"[]", True), (LENGTHS.pack(3, 0) + b"{x}", True),
        (LENGTHS.pack(HEAD + 1, 0), True), (LENGTHS.pack(2, 5) + b"{}junk.", False),
        (LENGTHS.pack(9, 0) + b'{"a": "x"', True), (LENGTHS.pack(23, 0) + b'{"a": {"$time": "soon"}}'[:23], True),
        (struct.pack(">II", 20_000, 0) + b"[" * 20_000, True),
    ],
)  # fmt: skip
def test_what_is_no_frame_ends_it(sent: bytes, tails: bool) -> None:
    with ends(tails=tails) as (sending, write, receiving):
        os.write(write, sent)
        sending.close(reading=False)
        assert receiving.receive() is None


def test_what_is_no_plain_value_is_not_sent() -> None:
    with ends() as (sending, _, _), pytest.raises(TypeError, match="cannot go over the pipe"):
        sending.send({"call": 1, "done": object()})
    with ends() as (sending, _, _), pytest.raises(InputError, match="too large"):
        sending.send({"call": 1, "done": "x" * (HEAD + 1)})
