"""Dates of which not everything is known: 2019年, 2019-03, 约2018年, 二〇一九年三月, 2019-03-UN, Mar 2019.

A date is the span of moments that the text allows, and how precise it is. Nothing is guessed: a text whose day and
month could be exchanged, or whose year has two digits, is refused with the reason.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.identity import text
from isthmus.cdm.identity.text import Mask, Reasons

PRECISIONS = ("year", "month", "day", "minute", "second")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
ABOUT = r"大约|大概|约|左右|前后|上下|估计|可能|CIRCA|ABOUT|APPROX\.?|EST\.?|^CA?[. ]*|[~≈?？]"
TENS = ((r"([一二三四五六七八九])十([一二三四五六七八九])", r"\1\2"), (r"([一二三四五六七八九])十", r"\10"),
        (r"十([一二三四五六七八九])", r"1\1"), (r"十", "10"))  # fmt: skip
NUMERALS = "〇零○一二三四五六七八九"
UNKNOWN = r"(?:00|XX|UU|UN|UK|UNK|\?\?|--|99)"

YEAR = r"^(?P<year>[12]\d{3})"
FORMS = (
    YEAR + r"年?$",
    YEAR + rf"[-/.]{UNKNOWN}(?:[-/.]{UNKNOWN})?$",
    YEAR + r"年?(?:初|末|底|中|春|夏|秋|冬|上半年|下半年|年初|年末|年底)$",
    YEAR + rf"(?:[-/.]|年)(?P<month>\d{{1,2}})(?:月份?|[-/.]{UNKNOWN})?$",
    YEAR + r"年(?P<month>\d{1,2})月(?:初|末|底|中|上旬|中旬|下旬|月初|月末|月底)$",
    YEAR + r"(?P<month>\d{2})(?:00)?$",
    YEAR + r"(?:[-/.]|年)(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})[日号]?$",
    YEAR + r"(?P<month>\d{2})(?P<day>\d{2})$",
    YEAR + r"(?:[-/.]|年)(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})[日号]?[T ]?"
    r"(?P<hour>\d{1,2})(?::|时|点)(?P<minute>\d{1,2})(?:分|$)(?:(?P<second>\d{1,2})秒)?$",
    YEAR + r"(?:[-/.]|年)(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})[日号]?[T ]?"
    r"(?P<hour>\d{1,2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})?$",
    YEAR + r"(?P<month>\d{2})(?P<day>\d{2})T?(?P<hour>\d{2})(?P<minute>\d{2})(?P<second>\d{2})?$",
)  # fmt: skip
WRITTEN_OUT = (
    r"^(?P<month>@)[A-Z]*\.?[- ,/]*(?P<year>[12]\d{3})$",
    r"^(?P<month>@)[A-Z]*\.?[- ]*(?P<day>\d{1,2})(?:ST|ND|RD|TH)?[, ]+(?P<year>[12]\d{3})$",
    r"^(?P<day>\d{1,2})(?:ST|ND|RD|TH)?[- /.]*(?P<month>@)[A-Z]*\.?[- ,/]*(?P<year>[12]\d{3})$",
)
EXCHANGEABLE = r"^\d{1,2}[-/.]\d{1,2}[-/.][12]\d{3}"
SHORT_YEAR = r"^\d{2}(?:[-/.]\d{1,2}[-/.]\d{1,2}|年)|^\d{1,2}[-/.]\d{1,2}[-/.]\d{2}$"
PLACEHOLDERS = r"^(?:1900-?01-?01|1899-?12-?30|1753-?01-?01|0001-?01-?01|9999-?12-?31|2099-?12-?31|1970-?01-?01)"
FIELDS = ("year", "month", "day", "hour", "minute", "second")
Numbers = npt.NDArray[np.int64]


class Parts(NamedTuple):
    """The parts of every row's date, -1 where the text does not say."""

    year: Numbers
    month: Numbers
    day: Numbers
    hour: Numbers
    minute: Numbers
    second: Numbers


def dates(texts: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Read dates and times of any precision.

    Columns: `earliest` and `latest` (timestamp[s]; the first and the last second that the text allows), `precision`
    (year, month, day, minute, second), `approximate` (the text says "about"), `reason` (missing, placeholder,
    day-or-month, two-digit-year, no-such-day, no-such-time, form). Zones are left out: the hospital's clock counts.
    """
    plain = _plain(texts)
    reasons = Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    reasons.mark(text.matching(plain, PLACEHOLDERS), "placeholder")
    gaps = text.matching(plain, r"\?\?")
    about = text.matching(plain, ABOUT) & ~gaps
    bare = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, pattern=ABOUT, replacement=""))
    bare = pc.if_else(pa.array(gaps), plain, bare)
    parts = _parts(bare)
    unread = parts.year < 0
    reasons.mark(unread & text.matching(bare, EXCHANGEABLE), "day-or-month")
    reasons.mark(unread & text.matching(bare, SHORT_YEAR), "two-digit-year")
    reasons.mark(unread, "form")
    first, last = _span(parts, reasons)
    good = reasons.good
    depth = np.select([parts.second >= 0, parts.minute >= 0, parts.day >= 0, parts.month >= 0], [4, 3, 2, 1], 0)
    precision = pa.array(PRECISIONS).take(pa.array(depth, mask=~good))
    spans = (pa.array(moment.astype("datetime64[s]"), mask=~good) for moment in (first, last))
    return pa.table([*spans, precision, pa.array(about & good), reasons.array()],
                    names=["earliest", "latest", "precision", "approximate", "reason"])  # fmt: skip


def _plain(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Full-width and Chinese digits as plain ones, capitals, single blanks."""
    plain = text.plain(texts, r"^\s+|\s+$")
    plain = pc.replace_substring_regex(plain, pattern=r"\s*([年月日号时点分秒/])\s*", replacement=r"\1")
    plain = pc.replace_substring_regex(plain, pattern=r"\s+", replacement=" ")
    for pattern, replacement in TENS:
        plain = pc.replace_substring_regex(plain, pattern=pattern, replacement=replacement)
    for place, numeral in enumerate(NUMERALS):
        plain = pc.replace_substring(plain, pattern=numeral, replacement=str(max(place - 2, 0)))
    return plain


def _parts(bare: pa.Array) -> Parts:
    """Each form is tried on the whole column; forms exclude each other, so their order does not matter."""
    parts = {name: np.full(len(bare), -1, dtype=np.int64) for name in FIELDS}
    for form in FORMS:
        _take(parts, pc.extract_regex(bare, form), {})
    names = {name: number for number, name in enumerate(MONTHS, start=1)}
    for form in WRITTEN_OUT:
        _take(parts, pc.extract_regex(bare, form.replace("@", "|".join(MONTHS))), names)
    return Parts(*(parts[name] for name in FIELDS))


def _take(parts: dict[str, Numbers], found: pa.StructArray, months: dict[str, int]) -> None:
    rows = found.is_valid().to_numpy(zero_copy_only=False) & (parts["year"] < 0)
    for field in found.type:
        values = pc.struct_field(found, field.name)
        if field.name == "month" and months:
            position = pc.index_in(values, pa.array(list(months)))
            number = pc.fill_null(pc.add(position, 1), -1)
        else:
            number = pc.fill_null(pc.if_else(pc.equal(values, ""), "-1", values), "-1").cast(pa.int64())
        parts[field.name] = np.where(rows, number.to_numpy(zero_copy_only=False), parts[field.name])


def _span(parts: Parts, reasons: Reasons) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last second of each row's date."""
    has = [part >= 0 for part in parts]
    month, day = np.where(has[1], parts.month, 1), np.where(has[2], parts.day, 1)
    real: Mask = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
    months = np.where(real, (parts.year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + np.where(real, day - 1, 0)
    real &= days.astype("datetime64[M]") == months
    reasons.mark(~real, "no-such-day")
    timed = (parts.hour <= 23) & (parts.minute <= 59) & (parts.second <= 59)
    reasons.mark(~timed, "no-such-time")
    hour, minute, second = (np.maximum(part, 0) for part in parts[3:])
    first = days.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second)
    years = months.astype("datetime64[Y]")
    after = np.where(has[1], (months + 1).astype("datetime64[s]"), (years + 1).astype("datetime64[s]"))
    after = np.where(has[2], (days + 1).astype("datetime64[s]"), after)
    after = np.where(has[4], first + 60, after)
    return first, np.where(has[5], first, after - np.timedelta64(1, "s"))
