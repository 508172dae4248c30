"""One writing for the same words: width, case, Roman numerals, variants, stops; strings cut at their stops."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# Compatibility forms that NFKC leaves alone, and variants that lists and clinicians use side by side.
VARIANTS = {
    "粘膜": "黏膜",
    "返流": "反流",
    "症侯": "症候",
    "机能": "功能",
    "瘜": "息",
    "癎": "痫",
    "疤": "瘢",
    "癍": "斑",
    "“": '"',
    "”": '"',
    "、": ",",
    "。": ".",
    "【": "[",
    "】": "]",
    "×": "x",
    "α": "a",
    "β": "b",
}
# Roman stages and grades, after NFKC and lower case; a single i, v or x is too often something else.
ROMAN = {"iii": "3", "ii": "2", "iv": "4", "viii": "8", "vii": "7", "vi": "6", "ix": "9"}
STOPS = r"[,;.:?!+/|()\[\]{}<>\"' \t\r\n-]+"
NUMBERED = r"(^|[,;. ])\(?\d{1,2}[.,)](\D)"
SPLIT = r"[,;.?!+|()\[\] \t\r\n]+"


def plain(texts: pa.Array) -> pa.Array:
    """Each text in one writing: NFKC (full width, Roman numeral signs), lower case, variants, Roman numbers."""
    told = pc.utf8_normalize(pc.fill_null(texts.cast(pa.string()), ""), "NFKC")
    for old, new in VARIANTS.items():
        told = pc.replace_substring(told, old, new)
    told = pc.utf8_lower(told)
    for roman, number in ROMAN.items():
        told = pc.replace_substring_regex(told, rf"(^|[^a-z]){roman}($|[^a-z])", rf"\1{number}\2")
    return pc.utf8_trim_whitespace(told)


def bare(texts: pa.Array) -> pa.Array:
    """A plain text without its stops: what n-grams are cut from."""
    return pc.replace_substring_regex(texts, STOPS, "")


def segments(texts: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """The pieces of each plain text between stops: (row of each piece, piece), at least one piece a row.

    Pieces of one character say nothing and are dropped, unless the row has no other.
    """
    cut = pc.split_pattern_regex(pc.replace_substring_regex(texts, NUMBERED, r"\1,\2"), SPLIT)
    row, piece = pc.list_parent_indices(cut), bare(pc.list_flatten(cut))
    long = pc.greater_equal(pc.utf8_length(piece), 2)
    row, piece = row.filter(long).to_numpy(), piece.filter(long)
    bereft = np.setdiff1d(np.arange(len(texts)), row)
    rows = np.concatenate([row, bereft])
    order = np.argsort(rows, kind="stable")
    pieces = pa.concat_arrays([piece, bare(texts).take(pa.array(bereft))])
    return rows[order], pieces.take(pa.array(order))


def same_writing(one: str, other: str) -> bool:
    """Whether two texts are the same but for width, case, variants and stops."""
    written = bare(plain(pa.array([one, other], pa.string()))).to_pylist()
    return bool(written[0] == written[1])
