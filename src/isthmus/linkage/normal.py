"""Normal forms of the fields of identity: what is compared, with nothing in it that only shows how it was put down.

A form takes a column of texts and gives columns named by the field and a suffix. All work on whole columns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.errors import InputError
from isthmus.cdm.identity import text
from isthmus.cdm.identity.date import dates

BETWEEN = r"[\s,.;:/\\'’`\"()（）_-]+"


@dataclass(frozen=True, slots=True)
class Form:
    """`suffixes` of the columns that `read` gives, in its order."""

    suffixes: tuple[str, ...]
    read: Callable[[pa.Array], tuple[pa.Array, ...]]


def words(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Lower case, single blanks, no punctuation."""
    plain = pc.utf8_lower(pc.utf8_normalize(texts.cast(pa.string()), form="NFKC"))
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, pattern=BETWEEN, replacement=" "))
    return (_some(plain),)


def code(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Capitals without anything between them."""
    return (_some(text.plain(texts)),)


def day(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Its digits as eight letters, as far as the text says a day that could be one; and the day itself.

    What is no day of the calendar keeps its digits, for a slip in one of them still shows which day was meant.
    """
    read = dates(texts)
    whole = pc.fill_null(pc.not_equal(read["precision"], "year"), False)
    whole = pc.and_(whole, pc.not_equal(read["precision"], "month"))
    real = pc.if_else(whole, read["earliest"].cast(pa.date32()), pa.scalar(None, pa.date32()))
    digits = pc.replace_substring_regex(text.plain(texts), pattern=r"\D", replacement="")
    odd = pc.equal(pc.fill_null(read["reason"], ""), "no-such-day")
    letters = pc.if_else(pc.and_(odd, pc.equal(pc.utf8_length(digits), 8)), digits, pa.scalar(None, pa.string()))
    letters = pc.coalesce(pc.strftime(real, format="%Y%m%d"), letters)
    return letters.combine_chunks(), real.combine_chunks()


def _some(texts: pa.Array) -> pa.Array:
    return text.only(texts, ~text.empty(texts))


FORMS: Mapping[str, Form] = {
    "words": Form(("",), words),
    "code": Form(("",), code),
    "day": Form(("", "_day"), day),
}


def normal(records: pa.Table, fields: Mapping[str, tuple[str, str]]) -> pa.Table:
    """Records with `record_id` and `site` in their normal form; fields that the records do not have are left out.

    :raises InputError: where a column that every record needs is missing.
    """
    for needed in ("record_id", "site"):
        if needed not in records.column_names:
            raise InputError(
                f"records of identity need a column {needed}; there are {', '.join(records.column_names)}."
            )
    made = {"record_id": records["record_id"], "site": records["site"]}
    for name, (form, source) in fields.items():
        if source in records.column_names:
            column = records[source].combine_chunks()
            for suffix, values in zip(FORMS[form].suffixes, FORMS[form].read(column), strict=True):
                made[f"{name}{suffix}"] = values
    return pa.table(made)
