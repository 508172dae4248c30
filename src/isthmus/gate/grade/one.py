"""What is done to the columns of one person's rows: the same as `rewrite` has an engine do to everybody's (a test holds
the two equal), for who opens a patient and waits."""

from collections.abc import Collection, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.gate.grade.column import Measure, graded
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import OWNERS

WORD = 16  # hexadecimal digits of a pseudonym by which it is looked up
DAY = 86_400_000_000  # microseconds


class Known:
    """Who stands behind the pseudonyms of a use: 16 bytes a person, made once for an edition.

    `former` is that of another edition under the same keys: who was known there is not reckoned again.
    """

    _words: np.ndarray
    _persons: np.ndarray

    def __init__(self, persons: np.ndarray, keys: Keys, former: "Known | None" = None) -> None:
        self._keys, self._domain = keys, graded("person", "person_id").width
        known, words = (former._persons, former._words) if former else (persons[:0], np.empty(0, ">u8"))
        there, fresh = np.isin(known, persons), persons[~np.isin(persons, known)]
        names = keys.named(fresh.tolist(), self._domain)
        made = np.frombuffer(bytes.fromhex("".join(name[:WORD] for name in names if name)), dtype=">u8")
        whole = np.concatenate([words[there], made]), np.concatenate([known[there], fresh])
        order = np.argsort(whole[0])
        self._words, self._persons = whole[0][order], whole[1][order]

    def person(self, pseudonym: str) -> int | None:
        """The person that a pseudonym stands for, if there is one."""
        try:
            word = np.uint64(int(pseudonym[:WORD], 16))
        except ValueError:
            return None
        first, last = (int(np.searchsorted(self._words, word, side=side)) for side in ("left", "right"))
        found = self._persons[first:last].tolist()
        return next((one for one in found if self._keys.pseudonym(one, self._domain) == pseudonym), None)


def measured(table: str, rows: pa.Table, measures: Mapping[str, Measure], keys: Keys, person: int) -> pa.Table:
    """Some columns of a person's rows, with what is done to each. None may be masked: that is an engine's."""
    found = {name: _measured(table, name, rows[name], (how, keys, person)) for name, how in measures.items()}
    return pa.table(found)


def without(table: str, rows: pa.Table, special: Collection[int]) -> pa.Table:
    """The rows that name none of the concepts of special diseases."""
    if not special:
        return rows
    concepts = pa.array(sorted(special), pa.int64())
    for name in (one for one in rows.column_names if graded(table, one).special):
        rows = rows.filter(pc.invert(pc.is_in(rows[name].cast(pa.int64()), value_set=concepts)))
    return rows


def _measured(table: str, name: str, column: pa.ChunkedArray, how: tuple[Measure, Keys, int]) -> pa.ChunkedArray:
    measure, keys, person = how
    width = graded(table, name).width
    match measure:
        case "pseudonymise" if name in OWNERS:
            return pa.chunked_array([pa.repeat(pa.scalar(keys.pseudonym(person, width)), len(column))])
        case "pseudonymise":
            return pa.chunked_array([pa.array(keys.named(column.to_pylist(), width), pa.string())])
        case "shift":
            return _moved(column, keys.days(person))
        case "generalise" if pa.types.is_integer(column.type):
            return pc.multiply(pc.divide(column, int(width)), int(width)).cast(column.type)
        case "generalise" if pa.types.is_floating(column.type):
            return pc.round(column, int(width), round_mode="half_towards_infinity")
        case "generalise":
            return pc.utf8_slice_codeunits(column, 0, int(width))
        case _:
            return column


def _moved(column: pa.ChunkedArray, days: int) -> pa.ChunkedArray:
    if pa.types.is_date(column.type):
        return pc.add(column.cast(pa.date32()).cast(pa.int32()), pa.scalar(days, pa.int32())).cast(pa.date32())
    return pc.add(column.cast(pa.timestamp("us")).cast(pa.int64()), days * DAY).cast(pa.timestamp("us"))
