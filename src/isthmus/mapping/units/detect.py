"""From a table of results to proposals: what is wrong, in which rows, by what factor, and why that is believed.

Nothing is changed here. A rule or a person confirms a proposal by its id, and `repair` applies it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import InputError
from isthmus.base.identity import digest63
from isthmus.cdm.units import analyte as facts
from isthmus.cdm.units import spelling, ucum
from isthmus.mapping.units import crowd, limits, series
from isthmus.mapping.units.belief import Belief, Column, Floats, Ints, weigh
from isthmus.mapping.units.evidence import sentence
from isthmus.mapping.units.families import Case, cases
from isthmus.mapping.units.readings import OTHER, usual

RESULTS = pa.schema(
    [("site", pa.string()), ("analyte", pa.string()), ("value", pa.float64()), ("unit", pa.string()),
     ("low", pa.float64()), ("high", pa.float64())]
)  # fmt: skip
"""What `detect` reads: keys of `cdm/units/analyte.csv`, units as they were written, null for what is missing."""
PERSON, DAY = "person_id", "day"
"""Columns, of any type that has an order, that may tell whose each result is, and of when."""

PROPOSALS = pa.schema(
    [
        ("proposal_id", pa.int64()), ("family", pa.string()), ("site", pa.string()), ("analyte", pa.string()),
        ("unit", pa.string()), ("meant", pa.string()), ("found", pa.string()), ("to_analyte", pa.string()),
        ("to_unit", pa.string()), ("action", pa.string()), ("factor", pa.float64()), ("offset", pa.float64()),
        ("low_factor", pa.float64()), ("high_factor", pa.float64()), ("rows", pa.int64()),
        ("confidence", pa.float64()), ("evidence", pa.string()),
    ]
)  # fmt: skip
ROWS = pa.schema(
    [("row", pa.int64()), ("proposal_id", pa.int64()), ("family", pa.string()), ("confidence", pa.float64())]
)


@dataclass(frozen=True, slots=True)
class Findings:
    """`proposals` (schema PROPOSALS) and the `rows` (schema ROWS: numbers of rows of the results) that each is about.

    `unread` counts results that were not looked at, as no fact is known about their analyte.
    """

    proposals: pa.Table
    rows: pa.Table
    unread: int


def detect(results: pa.Table) -> Findings:
    """Look at all results at once: a laboratory is judged by its own ranges and by what other sites write.

    Where the results have the columns PERSON and DAY, those before and after of the same patient are looked at too.

    :raises InputError: a column of RESULTS is missing or has another type.
    """
    table = _checked(results)
    numbers = {name: _floats(table[name]) for name in ("value", "low", "high")}
    site = pc.dictionary_encode(pc.fill_null(table["site"], "").combine_chunks())
    sites, names = site.indices.to_numpy().astype(np.int64), site.dictionary.to_pylist()
    followed, columns, places = _followed(results), [], []
    for key, code, rows in _groups(table):
        if key in usual():
            part = {name: values[rows] for name, values in numbers.items()}
            whose, turn = (None, None) if followed is None else (one[rows] for one in followed)
            columns.append(Column(key, _declared(key, code), sites[rows], **part, foreign=_foreign(key, code),
                                  person=whose, turn=turn))  # fmt: skip
            places.append((rows, code))
    beliefs = series.told(columns, [weigh(column) for column in columns])
    beliefs = crowd.told(columns, beliefs, series.slips(columns, beliefs))
    found = [
        limits.moved(column, belief, ranges)
        for column, belief, ranges in zip(columns, beliefs, limits.borrowed(columns, beliefs), strict=True)
    ]
    proposals: list[dict[str, object]] = []
    about: list[tuple[Ints, int, str, Floats]] = []
    for column, belief, (rows, code) in zip(columns, found, places, strict=True):
        for case in cases(column, belief):
            proposal = _proposal(column, belief, case, names[int(column.site[case.rows[0]])], code)
            proposals.append(proposal)
            about.append((rows[case.rows], int(str(proposal["proposal_id"])), case.family, _sure(belief, case)))
    read = sum(len(column.site) for column in columns)
    return Findings(pa.Table.from_pylist(proposals, schema=PROPOSALS), _rows(about), len(table) - read)


def _checked(results: pa.Table) -> pa.Table:
    missing = [name for name in RESULTS.names if name not in results.column_names]
    if missing:
        raise InputError(
            f"The results have no column {', '.join(missing)}, without which units cannot be judged. Give the columns "
            f"{', '.join(RESULTS.names)}; what is not known may be null."
        )
    try:
        return results.select(RESULTS.names).cast(RESULTS)
    except pa.ArrowInvalid:
        raise InputError(
            "The results hold text where numbers are needed. Turn value, low and high into numbers first; what is no "
            "number becomes null."
        ) from None


def _followed(results: pa.Table) -> tuple[Ints, Ints] | None:
    """For each result a number for whoever it is of, -1 where nobody is told, and one that rises with the day.

    None where the results do not tell both.
    """
    if not {PERSON, DAY} <= set(results.column_names):
        return None
    whose = pc.dictionary_encode(results[PERSON].combine_chunks()).indices
    turn = pc.rank(results[DAY], sort_keys="ascending", tiebreaker="dense")
    return (
        np.asarray(pc.fill_null(whose, -1).to_numpy(zero_copy_only=False), dtype=np.int64),
        np.asarray(turn.to_numpy(zero_copy_only=False), dtype=np.int64),
    )


def _groups(table: pa.Table) -> Iterator[tuple[str, str, Ints]]:
    """Analyte, UCUM code ("" for none) and rows of each column of results, in the order of the words."""
    words = [pc.dictionary_encode(pc.fill_null(texts, "").combine_chunks())
             for texts in (table["analyte"], pa.chunked_array([spelling.codes(table["unit"])]))]  # fmt: skip
    keys, codes = ([*word.dictionary.to_pylist()] for word in words)
    first, second = (word.indices.to_numpy().astype(np.int64) for word in words)
    group = first * len(codes) + second
    order = np.argsort(group, kind="stable")
    found, start = np.unique(group[order], return_index=True)
    rows = np.split(order, start[1:])
    pairs = [(keys[number // len(codes)], codes[number % len(codes)]) for number in found.tolist()]
    for number in sorted(range(len(pairs)), key=lambda one: pairs[one]):
        yield *pairs[number], rows[number]


def _floats(numbers: pa.ChunkedArray) -> Floats:
    return np.asarray(pc.fill_null(numbers, float("nan")).to_numpy(), dtype=np.float64)


def _declared(key: str, code: str) -> str | None:
    """The declared unit where the analyte can have it; a unit of something else is as good as none."""
    if not code or facts.conversion(key, code, usual()[key].unit) is None:
        return None
    return code


def _foreign(key: str, code: str) -> bool:
    """Whether the unit is one of another quantity: cells are not weighed, and no concentration is a time.

    Between amounts in a volume nothing is said, for the fact that would convert them may only be missing here.
    """
    if not code or _declared(key, code) is not None:
        return False
    mine, theirs = (ucum.read(unit).dimension for unit in (usual()[key].unit, code))
    concentration = ("m", -3) in mine and len(mine) > 1
    return ("m", -3) not in theirs if concentration else mine != theirs


def _sure(belief: Belief, case: Case) -> Floats:
    of_range = case.family.startswith(("range", "unit-conflict"))
    return belief.range_sure[case.rows] if of_range else belief.value_sure[case.rows]


def _proposal(column: Column, belief: Belief, case: Case, site: str, code: str) -> dict[str, object]:
    reading, meant = belief.readings[case.reading], belief.readings[belief.meant]
    elsewhere = reading.kind == OTHER
    words = (case.family, site, column.analyte, code, meant.unit, reading.name(meant), case.action,
             f"{case.factor:g}/{case.low:g}/{case.high:g}")  # fmt: skip
    return {
        "proposal_id": digest63(*words), "family": case.family, "site": site, "analyte": column.analyte,
        "unit": code or None, "meant": meant.unit, "found": reading.name(meant),
        "to_analyte": reading.analyte if elsewhere else column.analyte,
        "to_unit": reading.unit if elsewhere else meant.unit, "action": case.action, "factor": case.factor,
        "offset": case.offset, "low_factor": case.low, "high_factor": case.high, "rows": len(case.rows),
        "confidence": round(float(np.mean(_sure(belief, case))), 4),
        "evidence": sentence(column, belief, case),
    }  # fmt: skip


def _rows(about: list[tuple[Ints, int, str, Floats]]) -> pa.Table:
    if not about:
        return ROWS.empty_table()
    return pa.table(
        [
            np.concatenate([rows for rows, *_ in about]),
            np.concatenate([np.full(len(rows), one) for rows, one, *_ in about]),
            pa.chunked_array([pa.repeat(pa.scalar(family), len(rows)) for rows, _, family, _ in about]),
            np.concatenate([sure for *_, sure in about]),
        ],
        schema=ROWS,
    )
