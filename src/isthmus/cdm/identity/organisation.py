"""Unified social credit codes of organisations (GB 32100): 18 characters, the last a check modulo 31."""

import numpy as np
import pyarrow as pa

from isthmus.cdm.identity import text

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = np.array([pow(3, place, 31) for place in range(17)])
FORM = rf"^[{ALPHABET}]{{2}}\d{{6}}[{ALPHABET}]{{10}}$"
VALUES = np.zeros(128, dtype=np.int64)
VALUES[np.frombuffer(ALPHABET.encode(), dtype=np.uint8)] = np.arange(31)


def organisations(codes: pa.Array) -> pa.Table:
    """Read unified social credit codes.

    Columns: `code` (null where bad), `area` (GB/T 2260 code of the registering office), `reason` (missing, length,
    characters, check-digit).
    """
    plain = text.plain(codes)
    reasons = text.Reasons(len(plain))
    reasons.mark(text.empty(plain), text.MISSING)
    reasons.mark(~text.matching(plain, r"^.{18}$"), "length")
    rows = text.matching(plain, FORM)
    reasons.mark(~rows, "characters")
    values = VALUES[text.matrix(plain, rows, 18)]
    wrong = np.zeros(len(plain), dtype=bool)
    wrong[rows] = (31 - values[:, :17] @ WEIGHTS % 31) % 31 != values[:, 17]
    reasons.mark(wrong, "check-digit")
    good = reasons.good
    area = pa.compute.utf8_slice_codeunits(plain, 2, 8)
    return pa.table({"code": text.only(plain, good), "area": text.only(area, good), "reason": reasons.array()})
