"""Why a proposal is believed, in one sentence for the person who decides. It holds counts and limits, never a value."""

import numpy as np

from isthmus.mapping.units.belief import Belief, Column, Floats, Ints
from isthmus.mapping.units.families import ASIDE, Case
from isthmus.mapping.units.readings import NOTHING, OTHER, Reading, usual


def sentence(column: Column, belief: Belief, case: Case) -> str:
    """One sentence of evidence."""
    reading, meant = belief.readings[case.reading], belief.readings[belief.meant]
    several = len(case.rows) > 1
    count = f"{len(case.rows)} values" if several else "1 value"
    fit, stand = ("fit", "stand") if several else ("fits", "stands")
    ranges, what = _ranges(column, case.rows), _what(reading, meant)
    said = meant.unit if column.declared else f"{meant.unit}, which most sites write"
    if column.foreign and case.reading == belief.meant and case.family == "wrong-unit":
        return f"{count} {fit} {meant.unit}, and the unit that is written is one of another quantity."
    if case.family in ("wrong-unit", "wrong-scale", "wrong-analyte"):
        coarse = "; written too coarsely to be converted" if case.action == ASIDE else ""
        support = f"{_support(column, belief, case, ranges)}{_others(belief, case)}"
        return f"{count} {fit} {what} and not {said}; {support}{coarse}."
    return {
        "unit-conflict": f"{count} {stand} beside a range in another unit: {ranges} is {what}.",
        "range-typed": f"Of the range {ranges} beside {count}, {_factors(case)} what laboratories have.",
        "range-foreign": f"The range {ranges} beside {count} is {what}; what is measured {fit} {said}.",
        "mixed-units": f"In {what}: {count}; the others of this site are not.",
        "implausible": f"{count} cannot be of a living patient in {said}{_hint(reading, meant)}.",
    }[case.family]


def _what(reading: Reading, meant: Reading) -> str:
    if reading.kind == OTHER:
        return f"{usual()[reading.analyte].analyte} ({reading.unit})"
    return "nothing that is known" if reading.kind == NOTHING else reading.name(meant)


def _support(column: Column, belief: Belief, case: Case, ranges: str) -> str:
    into = belief.range[case.rows]
    if np.all(into < 0):
        alike = int(np.sum((column.site == column.site[case.rows[0]]) & (belief.value == case.reading)))
        return f"no range stands beside, and {alike} rows of this site are alike"
    agree = int(np.sum(into == case.reading))
    if len(case.rows) == 1:
        return f"its range ({ranges}) says {'the same' if agree else 'otherwise'}"
    return f"{agree} of their {len(case.rows)} ranges ({ranges}) say the same"


def _others(belief: Belief, case: Case) -> str:
    told = 0 if belief.by_series is None else int(belief.by_series[case.rows].sum())
    return f"; of {told} the other results of the same patient or of all, or the decimals, tell it" if told else ""


def _ranges(column: Column, rows: Ints) -> str:
    """The range that stands most often beside the rows."""
    pairs = np.stack([column.low[rows], column.high[rows]], axis=1)
    some = pairs[~np.all(np.isnan(pairs), axis=1)]
    if not len(some):
        return "none"
    different, count = np.unique(np.nan_to_num(some, nan=-1.0), axis=0, return_counts=True)
    return "-".join(_limit(limit) for limit in different[np.argmax(count)])


def _limit(number: Floats) -> str:
    return "?" if number < 0 else f"{number:g}"


def _factors(case: Case) -> str:
    parts = [f"the {name} limit is {1 / factor:g} times" for name, factor in (("lower", case.low), ("upper", case.high))
             if factor != 1.0]  # fmt: skip
    return " and ".join(parts)


def _hint(reading: Reading, meant: Reading) -> str:
    return "" if reading.kind == NOTHING else f", but could be {_what(reading, meant)}"
