"""What a wording says about side, number, negation, manner and the like, and whether two wordings agree on it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# family → patterns of its values, on plain text. A wording may hold several values of a family.
FAMILIES: dict[str, tuple[str, ...]] = {
    "side": (r"左|\bleft\b", r"右|\bright\b", r"双|两侧|\bbilateral\b", r"单侧|\bunilateral\b"),
    "number": tuple(rf"(^|[^0-9]){n}([^0-9]|$)" for n in range(1, 10)),
    "negation": (r"无|未(?!特指)|没有|\bno\b|\bwithout\b", r"非|不|\bnot\b"),
    "manner": (r"镜", r"经皮", r"开放|切开", r"经尿道", r"激光", r"\bopen\b", r"scop"),
    "time": (
        r"急性|\bacute\b",
        r"慢性|\bchronic\b",
        r"陈旧|\bold\b",
        r"先天|\bcongenital\b",
        r"术后|\bpost",
        r"复发|\brecurren",
    ),
    "height": (r"上", r"中", r"下", r"前", r"后", r"内", r"外"),
    "unspecified": (r"未特指|nos\b|\bunspecified\b", r"其他|nec\b|\bother\b"),
    "course": (
        r"部分|\bpartial\b",
        r"全|根治|\btotal\b|\bradical\b",
        r"恶性|癌|\bmalignant\b|carcinoma",
        r"良性|\bbenign\b",
    ),
}


def marks(texts: pa.Array) -> np.ndarray:
    """Texts × values, bool: which values of all families each plain text holds."""
    patterns = [pattern for family in FAMILIES.values() for pattern in family]
    return np.stack([_found(texts, pattern) for pattern in patterns], axis=1)


def _found(texts: pa.Array, pattern: str) -> np.ndarray:
    # RE2, which Arrow uses, has no look-ahead; the one word that needs it is taken out instead.
    if "(?!特指)" in pattern:
        texts, pattern = pc.replace_substring(texts, "未特指", ""), pattern.replace("(?!特指)", "")
    out: np.ndarray = pc.match_substring_regex(texts, pattern).to_numpy(zero_copy_only=False)
    return out


def agreement(text: np.ndarray, target: np.ndarray) -> np.ndarray:
    """For pairs of rows of marks, pairs × 2·families: how many values of each only one of the two has."""
    columns, start = [], 0
    for patterns in FAMILIES.values():
        part = slice(start, start + len(patterns))
        columns += [(text[:, part] & ~target[:, part]).sum(1), (target[:, part] & ~text[:, part]).sum(1)]
        start += len(patterns)
    return np.stack(columns, axis=1).astype(np.float32)
