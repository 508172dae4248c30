"""Abbreviations in Latin letters: their meanings written behind them, and the words that nobody here has seen before.

`abbreviation.csv` has those that mean one thing in every department; what means several (VSD, CI) is not in it.
"""

import csv
from functools import cache
from importlib.resources import files
from io import StringIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.mapping.terms.writing import plain

WORD = r"[a-z][a-z0-9]*[a-z][a-z0-9]*"  # two letters at least
APART = r"[^a-z0-9]+"


@cache
def meanings() -> dict[str, str]:
    """By abbreviation, in small letters, what it means in Chinese."""
    text = (files("isthmus.mapping.terms") / "abbreviation.csv").read_text(encoding="utf-8")
    return {row["abbreviation"]: row["meaning"] for row in csv.DictReader(StringIO(text))}


def spelled(texts: pa.Array) -> pa.Array:
    """Each text in one writing (`plain`), every abbreviation with its meaning behind it."""
    told = plain(texts)
    _, word = words(told)
    for abbreviation in sorted(set(pc.unique(word).to_pylist()) & set(meanings())):
        held = rf"(^|[^a-z0-9])({abbreviation})($|[^a-z0-9])"
        told = pc.replace_substring_regex(told, held, rf"\1\2{meanings()[abbreviation]}\3")
    return told


def words(told: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """The words of two Latin letters or more in plain texts: (row of each word, word)."""
    cut = pc.split_pattern_regex(told, APART)
    row, word = pc.list_parent_indices(cut), pc.list_flatten(cut)
    held = pc.match_substring_regex(word, f"^{WORD}$")
    return row.filter(held).to_numpy(), word.filter(held)


def familiar(told: pa.Array, at_least: int = 1) -> pa.Array:
    """The words that plain texts have, in so many of them or more, and all abbreviations with a known meaning."""
    row, word = words(told)
    once = pa.table({"row": row, "word": word}).group_by(["row", "word"]).aggregate([])
    counted = once.group_by("word").aggregate([("word", "count")])
    often = counted.filter(pc.greater_equal(counted["word_count"], at_least))["word"].combine_chunks()
    return pa.concat_arrays([often, pa.array(sorted(meanings()), pa.string())])


def strange(told: pa.Array, known: pa.Array) -> np.ndarray:
    """For each plain text whether it has a word in Latin letters that is not among the known ones."""
    row, word = words(told)
    out = np.zeros(len(told), bool)
    out[row[~pc.is_in(word, value_set=known).to_numpy(zero_copy_only=False)]] = True
    return out
