"""Resident identity numbers (GB 11643): 18 digits with a check digit (ISO 7064, MOD 11-2), or 15 as given until 1999.

The residence permits of people from Hong Kong, Macao (81, 82) and Taiwan (83), and the permits of foreigners (9…, from
2023) have the same form.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.identity import text
from isthmus.cdm.identity.text import Bytes, Mask

WEIGHTS = np.array([7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
CHECKS = np.frombuffer(b"10X98765432", dtype=np.uint8)
PROVINCES = frozenset(
    (11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
     64, 65, 71, 81, 82, 83)
)  # fmt: skip
LEFT_FOR_CENTENARIANS = 996
"""In the 15-digit form the order numbers from here up were kept for people born in the century before."""


def residents(
    numbers: pa.Array, *, birth: pa.Array | None = None, sex: pa.Array | None = None, on: np.datetime64 | None = None
) -> pa.Table:
    """Read resident identity numbers.

    Columns: `number` (18 characters; null where bad), `birth_date`, `sex` (M or F), `area` (GB/T 2260, 6 digits),
    `kind` (resident, permit, foreigner), `reason` (missing, length, characters, area, birth-date, check-digit), and
    `differs`: birth-date, sex or both, where the column of birth dates (date32) or sexes (M, F) says otherwise. `on` is
    the day after which nobody can have been born.
    """
    plain = text.plain(numbers)
    reasons = text.Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    old, new = text.matching(plain, r"^\d{15}$"), text.matching(plain, r"^\d{17}[\dX]$")
    length = pc.utf8_length(plain).fill_null(0).to_numpy(zero_copy_only=False)
    reasons.mark(~np.isin(length, (15, 18)), "length")
    reasons.mark(~(old | new), "characters")
    letters = np.full((len(plain), 18), ord("0"), dtype=np.uint8)
    letters[new] = text.matrix(plain, new, 18)
    letters[old] = _lengthened(text.matrix(plain, old, 15))
    digits = text.digits(letters)
    province = text.number(digits[:, :2])
    reasons.mark(~np.isin(province, list(PROVINCES)) & (province < 90), "area")
    born, real = _born(digits, on)
    reasons.mark(~real, "birth-date")
    reasons.mark(CHECKS[digits[:, :17] @ WEIGHTS % 11] != letters[:, 17], "check-digit")
    good, texts = reasons.good, pa.array(letters.view("S18").ravel().astype("U18"))
    kind = np.where(province >= 90, "foreigner", np.where(province >= 81, "permit", "resident"))
    told = np.where(digits[:, 16] % 2 == 1, "M", "F")
    return pa.table(
        {
            "number": text.only(texts, good),
            "birth_date": pa.array(born.astype("datetime64[D]"), mask=~good),
            "sex": pa.array(told, mask=~good),
            "area": text.only(pc.utf8_slice_codeunits(texts, 0, 6), good),
            "kind": pa.array(kind, mask=~good),
            "reason": reasons.array(),
            "differs": _differs(good, born, told, birth, sex),
        }
    )


def check_digits(numbers: pa.Array) -> pa.Array:
    """The check digits that 17-digit texts should have."""
    return pa.array(CHECKS[text.digits(text.matrix(numbers, np.ones(len(numbers), dtype=bool), 17)) @ WEIGHTS % 11]
                    .view("S1").astype("U1"))  # fmt: skip


def _lengthened(letters: Bytes) -> Bytes:
    """15 digits as 18: the century and the check digit are added."""
    order = text.number(text.digits(letters[:, 12:]))
    century = np.where(
        (order >= LEFT_FOR_CENTENARIANS)[:, None], *np.frombuffer(b"1819", dtype=np.uint8).reshape(2, 1, 2)
    )
    longer = np.concatenate([letters[:, :6], century, letters[:, 6:], letters[:, :1]], axis=1)
    longer[:, 17] = CHECKS[text.digits(longer[:, :17]) @ WEIGHTS % 11]
    return np.asarray(longer, dtype=np.uint8)


def _born(digits: np.ndarray, on: np.datetime64 | None) -> tuple[np.ndarray, Mask]:
    """Birth dates, and whether each is a day of the calendar on which a patient can have been born."""
    year, month, day = (text.number(digits[:, part]) for part in (slice(6, 10), slice(10, 12), slice(12, 14)))
    real = (year >= 1800) & (month >= 1) & (month <= 12) & (day >= 1)
    months = np.where(real, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    date = months.astype("datetime64[D]") + np.where(real, day - 1, 0)
    real &= date.astype("datetime64[M]") == months
    if on is not None:
        real &= date <= on
    return date, np.asarray(real)


def _differs(good: Mask, born: np.ndarray, told: np.ndarray, birth: pa.Array | None, sex: pa.Array | None) -> pa.Array:
    """What the other columns of the record say otherwise."""
    other_birth, other_sex = np.zeros(len(good), dtype=bool), np.zeros(len(good), dtype=bool)
    if birth is not None:
        days = birth.cast(pa.date32())
        known = days.is_valid().to_numpy(zero_copy_only=False)
        other_birth = known & (days.fill_null(0).to_numpy(zero_copy_only=False) != born)
    if sex is not None:
        known = pc.fill_null(pc.is_in(sex, pa.array(["M", "F"])), False).to_numpy(zero_copy_only=False)
        other_sex = known & (np.asarray(sex.fill_null("").to_pylist()) != told)
    words = np.array(["", "birth-date", "sex", "both"])[other_birth + 2 * other_sex]
    return pa.array(words, mask=~good | (words == ""))
