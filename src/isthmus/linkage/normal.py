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
from isthmus.linkage import contact, name

SEXES = {
    "1": "M", "2": "F", "M": "M", "F": "F", "MALE": "M", "FEMALE": "F", "男": "M", "女": "F", "男性": "M", "女性": "F",
}  # fmt: skip
VERSION = 1
"""Goes up when a form gives something else than before, so that what was kept is made anew."""
BETWEEN = r"[\s,.;:/\\'’`\"()（）_-]+"


@dataclass(frozen=True, slots=True)
class Form:
    """`suffixes` of the columns that `read` gives, in its order; it reads the columns of `takes` fields."""

    suffixes: tuple[str, ...]
    read: Callable[..., tuple[pa.Array, ...]]
    takes: int = 1


def words(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Lower case, single blanks, no punctuation."""
    plain = pc.utf8_lower(pc.utf8_normalize(texts.cast(pa.string()), form="NFKC"))
    plain = pc.utf8_trim_whitespace(pc.replace_substring_regex(plain, pattern=BETWEEN, replacement=" "))
    return (text.some(plain),)


def code(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Capitals without anything between them."""
    return (text.some(text.plain(texts)),)


def sex(texts: pa.Array) -> tuple[pa.Array, ...]:
    """M or F, as the code of GB/T 2261.1, a letter or a word says it; null for everything else."""
    plain = text.plain(texts)
    place = pc.index_in(plain, value_set=pa.array([*SEXES]))
    return (pa.array([*SEXES.values()]).take(place),)


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


FORMS: Mapping[str, Form] = {
    "words": Form(("",), words),
    "code": Form(("",), code),
    "sex": Form(("",), sex),
    "day": Form(("", "_day"), day),
    "chinese-name": Form(name.SUFFIXES, name.names),
    "resident-number": Form(contact.RESIDENT, contact.resident, 3),
    "phone": Form(contact.PHONE, contact.phone),
    "address": Form(contact.ADDRESS, contact.address),
}


def normal(records: pa.Table, fields: Mapping[str, tuple[str, tuple[str, ...]]]) -> pa.Table:
    """Records with `record_id` and `site` in their normal form; fields that the records do not have are left out.

    `fields` are a form and the columns that it reads, of which the first must be there.

    :raises InputError: where a column that every record needs is missing.
    """
    for needed in ("record_id", "site"):
        if needed not in records.column_names:
            raise InputError(
                f"records of identity need a column {needed}; there are {', '.join(records.column_names)}."
            )
    made = {"record_id": records["record_id"], "site": records["site"]}
    for field, (form, sources) in fields.items():
        if sources[0] in records.column_names:
            columns = [_column(records, source) for source in sources]
            for suffix, values in zip(FORMS[form].suffixes, FORMS[form].read(*columns), strict=True):
                made[f"{field}{suffix}"] = values
    return pa.table(made)


def _column(records: pa.Table, name: str) -> pa.Array:
    if name not in records.column_names:
        return pa.nulls(len(records), pa.string())
    return records[name].cast(pa.string()).combine_chunks()
