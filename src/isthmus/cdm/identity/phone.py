"""Telephone numbers of mainland China, and mobile numbers of Hong Kong and Macao, as E.164 writes them."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.identity import text

BLANKS = r"[\s\-–—·.()（）/]+"
EXTENSION = r"(?:转|#|,|X|EXT)\s*(?P<extension>\d{1,6})$"
FORMS = (
    ("mobile", r"^(?:\+?86|0086)?0?(?P<number>1[3-9]\d{9})$", "+86"),
    ("service", r"^(?P<number>[48]00\d{7})$", "+86"),
    ("landline", r"^(?:(?:\+?86|0086)0?|0)(?P<number>(?:10|2\d)\d{8}|[3-9]\d{2}\d{7,8})$", "+86"),
    ("mobile", r"^\+?(?P<number>852[4-9]\d{7}|8536\d{7})$", "+"),
)
"""An area code is 10, 20 to 29, or three digits from 3 up, behind a 0 or the country's code."""
LOCAL = r"^[2-8]\d{6,7}$"
PLACEHOLDERS = r"^(?:1?(0+|1{7,}|2{7,}|3{7,}|5{7,}|6{7,}|8{7,}|9{7,})|12345678\d*|1[3-9]([0-9])?0{8,9}|1380013800\d)$"


def phones(numbers: pa.Array) -> pa.Table:
    """Read telephone numbers.

    Columns: `number` (+86…; null where bad), `kind` (mobile, landline, service), `extension`, `reason` (missing,
    placeholder, no-area-code, form).
    """
    plain = text.plain(numbers, BLANKS)
    extension = pc.struct_field(pc.extract_regex(plain, EXTENSION), "extension")
    plain = pc.replace_substring_regex(plain, pattern=EXTENSION, replacement="")
    reasons = text.Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    reasons.mark(text.matching(plain, PLACEHOLDERS), "placeholder")
    found = pa.nulls(len(plain), pa.string())
    kind = pa.nulls(len(plain), pa.string())
    for name, form, prefix in FORMS:
        matched = pc.struct_field(pc.extract_regex(plain, form), "number")
        fresh = pc.and_(found.is_null(), matched.is_valid())
        found = pc.if_else(fresh, pc.binary_join_element_wise(prefix, matched, ""), found)
        kind = pc.if_else(fresh, name, kind)
    unread = found.is_null().to_numpy(zero_copy_only=False)
    reasons.mark(unread & text.matching(plain, LOCAL), "no-area-code")
    reasons.mark(unread, "form")
    good = np.asarray(reasons.good)
    return pa.table(
        {
            "number": text.only(found, good), "kind": text.only(kind, good),
            "extension": text.only(extension, good), "reason": reasons.array(),
        }
    )  # fmt: skip
