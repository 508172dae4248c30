"""Stages as the tables of the guidelines have them, row by row, of patients of whom all is known: an oracle."""

from collections.abc import Callable, Mapping
from typing import Any

Patient = Mapping[str, Any]


def cnlc(one: Patient) -> str:
    """The table of CNLC: performance status, Child-Pugh, tumour, vessels, metastases."""
    fit = one["ps"] <= 2 and one["child_pugh"] in "AB"
    vessels, beyond, number, size = one["macrovascular"], one["extrahepatic"], one["nodules"], one["largest"]
    inside = fit and not vessels and not beyond
    rows = {
        "IV": one["ps"] in (3, 4) or one["child_pugh"] == "C",
        "IIIb": fit and beyond,
        "IIIa": fit and vessels and not beyond,
        "IIb": inside and number >= 4,
        "IIa": inside and number in (2, 3) and size > 3,
        "Ib": inside and ((number == 1 and size > 5) or (number in (2, 3) and size <= 3)),
        "Ia": inside and number == 1 and size <= 5,
    }
    return _only(rows)


def _bclc(one: Patient, single: float) -> str:
    end = one["ps"] >= 3 or one["child_pugh"] == "C"
    advanced = not end and (one["macrovascular"] or one["extrahepatic"] or one["ps"] in (1, 2))
    early = not end and not advanced
    alone, few = one["nodules"] == 1, one["nodules"] in (2, 3)
    rows = {
        "D": end,
        "C": advanced,
        "0": early and alone and one["largest"] <= 2,
        "A": early and ((alone and 2 < one["largest"] <= single) or (few and one["largest"] <= 3)),
        "B": early and ((alone and one["largest"] > single) or one["nodules"] >= 4 or (few and one["largest"] > 3)),
    }
    return _only(rows)


def bclc(one: Patient) -> str:
    """BCLC 2022 of who is no candidate for transplantation and whose status is due to the tumour."""
    return _bclc(one, float("inf"))


def bclc_single_5(one: Patient) -> str:
    """The same as texts before 2018 have it."""
    return _bclc(one, 5)


def _t8(one: Patient) -> str:
    out = one["major_branch"] or one["adjacent_organ"] or one["peritoneum"]
    alone, large, vessels = one["nodules"] == 1, one["largest"] > 2, one["vascular_invasion"]
    rows = {
        "T1a": not out and alone and not large,
        "T1b": not out and alone and large and not vessels,
        "T2": not out and ((alone and large and vessels) or (not alone and one["largest"] <= 5)),
        "T3": not out and not alone and one["largest"] > 5,
        "T4": out,
    }
    return _only(rows)


def tnm8(one: Patient) -> str:
    """AJCC 8: stage by T, N, M."""
    of_t = {"T1a": "IA", "T1b": "IB", "T2": "II", "T3": "IIIA", "T4": "IIIB"}
    return "IVB" if one["metastasis"] else "IVA" if one["nodes"] else of_t[_t8(one)]


def tnm7(one: Patient) -> str:
    """AJCC 7: stage by T, N, M."""
    t4 = one["adjacent_organ"] or one["peritoneum"]
    t3b = not t4 and one["major_branch"]
    within = not t4 and not t3b
    alone = one["nodules"] == 1
    rows = {
        "I": within and alone and not one["vascular_invasion"],
        "II": within and ((alone and one["vascular_invasion"]) or (not alone and one["largest"] <= 5)),
        "IIIA": within and not alone and one["largest"] > 5,
        "IIIB": t3b,
        "IIIC": t4,
    }
    return "IVB" if one["metastasis"] else "IVA" if one["nodes"] else _only(rows)


def milan(one: Patient) -> str:
    """One tumour to 5 cm, or two or three to 3 cm; nothing in vessels or beyond the liver."""
    size = one["largest"] <= {1: 5, 2: 3, 3: 3}.get(one["nodules"], 0)
    return _inside(size and not one["macrovascular"] and not one["extrahepatic"])


def ucsf(one: Patient) -> str:
    """One to 6.5 cm, or two or three to 4.5 cm that sum up to 8 cm."""
    return _inside(_sized(one, 6.5, 4.5, 8))


def fudan(one: Patient) -> str:
    """One to 9 cm, or two or three to 5 cm that sum up to 9 cm."""
    return _inside(_sized(one, 9, 5, 9))


def _sized(one: Patient, single: float, each: float, total: float) -> bool:
    if one["macrovascular"] or one["extrahepatic"] or one["nodules"] > 3:
        return False
    if one["nodules"] == 1:
        return bool(one["largest"] <= single)
    return bool(one["largest"] <= each and one["total_diameter"] <= total)


def hangzhou(one: Patient) -> str:
    """A total of 8 cm, or grade I or II with AFP up to 400."""
    return _inside(one["total_diameter"] <= 8 or (one["histological_grade"] in (1, 2) and one["afp"] <= 400))


def _target(one: Patient, *, growth: float) -> str:
    base, best, now = one["baseline_sum"], min(one["smallest_sum"], one["baseline_sum"]), one["current_sum"]
    if now == 0:
        return "CR"
    if best == 0 or (now - best >= 0.2 * best - 1e-9 and now - best >= growth):
        return "PD"
    return "PR" if base - now >= 0.3 * base - 1e-9 else "SD"


def mrecist_target(one: Patient) -> str:
    """mRECIST of target lesions."""
    return _target(one, growth=0)


def recist11_target(one: Patient) -> str:
    """RECIST 1.1 of target lesions."""
    return _target(one, growth=5)


def _overall(one: Patient, target: str) -> str:
    if target == "PD" or one["new_lesion"] or one["non_target"] == "pd":
        return "PD"
    return "PR" if target == "CR" and one["non_target"] == "stable" else target


def mrecist(one: Patient) -> str:
    """mRECIST overall."""
    return _overall(one, mrecist_target(one))


def recist11(one: Patient) -> str:
    """RECIST 1.1 overall."""
    return _overall(one, recist11_target(one))


def _inside(within: object) -> str:
    return "in" if within else "out"


def _only(rows: Mapping[str, object]) -> str:
    """The one row that holds; the tables of stages leave no gap and have no overlap."""
    held = [name for name, holds in rows.items() if holds]
    if len(held) != 1:
        raise AssertionError(held)
    return held[0]


ORACLES: Mapping[str, Callable[[Patient], str]] = {
    "cnlc": cnlc, "bclc": bclc, "bclc@single-5": bclc_single_5, "tnm8_t": _t8, "tnm8": tnm8, "tnm7": tnm7,
    "milan": milan, "ucsf": ucsf, "fudan": fudan, "hangzhou": hangzhou, "mrecist_target": mrecist_target,
    "recist11_target": recist11_target, "mrecist": mrecist, "recist11": recist11,
}  # fmt: skip
