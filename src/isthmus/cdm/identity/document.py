"""Other papers by which patients are known: passports, permits to cross borders, identity cards, medical insurance.

Only the cards of Hong Kong have a check digit that is public; the others are told apart by their form alone, so a match
says what a number can be, not that it was issued.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.identity import text
from isthmus.cdm.identity.resident import PROVINCES, residents
from isthmus.cdm.identity.text import Mask

BLANKS = r"[\s\-–—·.]+"
FORMS = (
    ("hong-kong-card", r"^(?:[A-Z]\d{6}\(?[0-9A]\)?|[A-Z]{2}\d{6}\([0-9A]\))$"),
    ("macao-card", r"^[1578]\d{6}(?:\(\d\)|/\d)$"),
    ("home-return-permit", r"^[HM]\d{8}(?:\d{2})?$"),
    ("taiwan-permit", r"^(?:\d{8}|\d{10}(?:\([A-Z]\))?|T\d{8})$"),
    ("border-permit", r"^[CW][A-Z0-9]\d{7}$"),
    ("passport", r"^(?:E[A-HJ-NP-Z]\d{7}|[EGDSPH]\d{8}|1[45]\d{7}|(?:SE|DE|PE)\d{7})$"),
)
"""Tried in this order; a passport of another country has no form to be known by."""
INSURANCE = (("card", r"^[A-Z0-9]\d{8}$"), ("person", r"^\d{20,30}$"), ("local", r"^[A-Z]?\d{6,17}$"))


def documents(numbers: pa.Array) -> pa.Table:
    """Read numbers of papers that are no resident identity cards.

    Columns: `number`, `kind` (see FORMS), `reason` (missing, form, check-digit); brackets are left out of a number.
    """
    plain = text.plain(numbers, BLANKS)
    reasons = text.Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    kind = _first(plain, FORMS)
    reasons.mark(kind.is_null().to_numpy(zero_copy_only=False), "form")
    bare = pc.replace_substring_regex(plain, pattern=r"[()]", replacement="")
    cards = pc.fill_null(pc.equal(kind, "hong-kong-card"), False).to_numpy(zero_copy_only=False)
    wrong = cards & ~_checks(bare, cards)
    reasons.mark(wrong, "check-digit")
    good = reasons.good
    return pa.table({"number": text.only(bare, good), "kind": text.only(kind, good), "reason": reasons.array()})


def insurances(numbers: pa.Array) -> pa.Table:
    """Read numbers of medical insurance: a resident's number, a card's, a person's national one, or a local one.

    Columns: `number`, `kind` (resident, card, person, local), `reason` (missing, form, area, and those of `residents`
    for what has 18 characters).
    """
    plain = text.plain(numbers)
    reasons = text.Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    long = text.matching(plain, r"^.{18}$")
    resident = residents(pc.if_else(pa.array(long), plain, pa.scalar(None, pa.string())))
    for word in pc.unique(resident["reason"]).drop_null().to_pylist():
        reasons.mark(long & pc.fill_null(pc.equal(resident["reason"], word), False).to_numpy(), word)
    kind = pc.if_else(pa.array(long), "resident", _first(plain, INSURANCE))
    reasons.mark(kind.is_null().to_numpy(zero_copy_only=False), "form")
    known = "|".join(str(code) for code in sorted(PROVINCES))
    person = pc.fill_null(pc.equal(kind, "person"), False).to_numpy(zero_copy_only=False)
    reasons.mark(person & ~text.matching(plain, f"^(?:{known})"), "area")
    good = reasons.good
    return pa.table({"number": text.only(plain, good), "kind": text.only(kind, good), "reason": reasons.array()})


def _first(plain: pa.Array, forms: tuple[tuple[str, str], ...]) -> pa.Array:
    """The name of the first form that each text has."""
    kind = pa.nulls(len(plain), pa.string())
    for name, form in forms:
        kind = pc.if_else(pc.and_(kind.is_null(), pa.array(text.matching(plain, form))), name, kind)
    return kind


def _checks(bare: pa.Array, rows: Mask) -> Mask:
    """Whether cards of Hong Kong have their check digit: modulo 11 over nine places, the first blank worth 36."""
    right = np.zeros(len(bare), dtype=bool)
    padded = pc.utf8_lpad(bare, width=9, padding=" ")
    letters = text.matrix(padded, rows, 9).astype(np.int64)
    value = np.where(letters >= ord("A"), letters - 55, letters - ord("0"))
    value = np.where(letters == ord(" "), 36, value)
    right[rows] = value @ np.arange(9, 0, -1) % 11 == 0
    return right
