"""What the search stands on: names in the order of their writing, and for each word or pair of characters its names.

Latin words and numbers are looked up whole, by their beginning or by any part; Chinese, the syllables of its pinyin and
their initials as characters that stand beside each other. All of it is arrays that are read where they lie.
"""

from collections.abc import Iterable
from csv import DictReader
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from io import StringIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.mapping.search.sound import BITS, SIGNS, readings
from isthmus.mapping.terms.writing import plain

HAN = f"{chr(0x3400)}-{chr(0x9FFF)}{chr(0xF900)}-{chr(0xFAFF)}{chr(0x20000)}-{chr(0x3FFFF)}"
RANGES = ((0x3400, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF))
LETTERS = 0xF000  # where signs for the first letter of a syllable begin
NAME, SYNONYM = 0, 1
ACRONYM = "^"  # stands before acronyms among the words; no word has it
FEWEST, MOST = 2, 8  # letters of an acronym
# Words that acronyms pass over.
PASSED = "a|an|and|at|by|due|for|from|in|into|of|on|or|the|to|with|without"
BLOCK = 1 << 16
END = ord("\n")  # stands behind every text of a run; no text holds one
FIRST_ACCENTED = 0xC0


@dataclass(frozen=True)
class Lists:
    """For each of several keys a list of row numbers (int32): those of key `i` stand from `at[i]` to `at[i + 1]`."""

    at: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, key: np.ndarray, row: np.ndarray, count: int) -> "Lists":
        """From pairs; keys are numbers below `count`. A pair that comes twice is kept once."""
        order = np.lexsort((row, key))
        key, row = key[order], row[order].astype(np.int32)
        first = np.ones(len(key), bool)
        first[1:] = (key[1:] != key[:-1]) | (row[1:] != row[:-1])
        at = np.zeros(count + 1, np.int64)
        np.cumsum(np.bincount(key[first], minlength=count), out=at[1:])
        return cls(at, row[first])

    def between(self, low: int, high: int) -> np.ndarray:
        """The rows of keys from `low` up to `high`, not including it."""
        return self.rows[self.at[low] : self.at[high]]

    def several(self, keys: np.ndarray) -> np.ndarray:
        """The rows of some keys, one after another."""
        if not len(keys):
            return self.rows[:0]
        return np.concatenate([self.rows[self.at[one] : self.at[one + 1]] for one in keys.tolist()])


@dataclass(frozen=True)
class Index:
    """The arrays.

    `concepts`: concept_id, code, vocabulary, domain, standard, valid, label (the term that is its name).
    `terms`, sorted by `text`: text (in one writing), name (as it was written), sound (syllables as signs), initials,
    concept (row of `concepts`), kind (NAME or SYNONYM), rank (the smaller, the earlier among equals).
    `codes`, sorted: code in small letters, concept. `words`, sorted, with their terms. `grams`, sorted: up to three
    signs packed in a number, with their terms. `maps`: by row of `concepts` the rows of the standard concepts.
    """

    concepts: pa.Table
    terms: pa.Table
    codes: pa.Table
    words: pa.Array
    word_terms: Lists
    grams: np.ndarray
    gram_terms: Lists
    maps: Lists
    syllables: tuple[str, ...]

    @cached_property
    def signatures(self) -> np.ndarray:
        """By word the letters and digits that it has, a bit each."""
        return signatures(self.words)


def build(concepts: pa.Table, synonyms: pa.Table, maps: pa.Table) -> Index:
    """An index over `concepts` (concept_id, concept_name, concept_code, vocabulary_id, domain_id, standard, valid),
    `synonyms` (concept_id, name) and `maps` (concept_id, standard_id)."""
    ids = concepts["concept_id"].to_numpy()
    row = {"concept": np.arange(len(ids)), "synonym": _found(ids, synonyms["concept_id"])}
    fit = row["synonym"] >= 0
    synonyms, row["synonym"] = synonyms.filter(pa.array(fit)), row["synonym"][fit]
    name = pa.chunked_array([*concepts["concept_name"].chunks, *synonyms["name"].chunks], pa.string())
    concept = np.concatenate([row["concept"], row["synonym"]]).astype(np.int32)
    kind = np.repeat(np.array([NAME, SYNONYM], np.int8), [len(ids), synonyms.num_rows])
    terms = _terms(name.combine_chunks(), concept, kind, concepts)
    label = np.zeros(len(ids), np.int32)
    named = np.flatnonzero(terms["kind"].to_numpy() == NAME)
    label[terms["concept"].to_numpy()[named]] = named
    texts = terms["text"].combine_chunks()
    words, word_terms = _words(texts)
    terms, grams, gram_terms = _grams(terms, texts)
    source, target = _found(ids, maps["concept_id"]), _found(ids, maps["standard_id"])
    known = (source >= 0) & (target >= 0)
    return Index(
        _listed(concepts, label), terms, _codes(concepts), words, word_terms, grams, gram_terms,
        Lists.of(source[known], target[known], len(ids)), readings().syllables,
    )  # fmt: skip


def written(texts: pa.Array) -> pa.Array:
    """Each text in the one writing in which names are compared, a single blank between its words."""
    return pc.replace_substring_regex(plain(texts), r"\s+", " ")


def _listed(concepts: pa.Table, label: np.ndarray) -> pa.Table:
    names = {"concept_id": "concept_id", "concept_code": "code", "vocabulary_id": "vocabulary", "domain_id": "domain",
             "standard": "standard", "valid": "valid"}  # fmt: skip
    listed = concepts.select(list(names)).rename_columns(list(names.values())).append_column("label", pa.array(label))
    for name in ("vocabulary", "domain"):
        coded = listed[name].combine_chunks().dictionary_encode()
        listed = listed.set_column(listed.schema.get_field_index(name), name, coded)
    return listed.combine_chunks()


def _codes(concepts: pa.Table) -> pa.Table:
    code = pc.utf8_trim_whitespace(pc.utf8_lower(concepts["concept_code"]))
    table = pa.table({"code": code, "concept": np.arange(len(code), dtype=np.int32)})
    return table.sort_by([("code", "ascending"), ("concept", "ascending")]).combine_chunks()


def _terms(name: pa.Array, concept: np.ndarray, kind: np.ndarray, concepts: pa.Table) -> pa.Table:
    """The names in the order of their writing; one that a concept has twice stands once, empty ones not at all."""
    text = pa.concat_arrays([written(name.slice(at, BLOCK)) for at in range(0, len(name), BLOCK)] or [name])
    length = np.minimum(pc.utf8_length(text).to_numpy(zero_copy_only=False), 4095)
    standard, valid = (concepts[one].to_numpy() for one in ("standard", "valid"))
    rank = (~valid[concept]).astype(np.int32) << 15 | (~standard[concept]).astype(np.int32) << 14
    rank = (rank | length.astype(np.int32)) << 1 | kind
    table = pa.table({"text": text, "name": name, "concept": concept, "kind": kind, "rank": rank})
    table = table.filter(pc.or_(pc.greater(pc.binary_length(text), 0), pc.equal(table["kind"], NAME)))
    table = table.sort_by([("text", "ascending"), ("concept", "ascending"), ("kind", "ascending")]).combine_chunks()
    held, text = table["concept"].to_numpy(), table["text"].combine_chunks()
    again = np.zeros(len(held), bool)
    if len(held) > 1:
        again[1:] = (held[1:] == held[:-1]) & pc.equal(text[1:], text[:-1]).to_numpy(zero_copy_only=False)
    return table.filter(pa.array(~again)).combine_chunks()


def _words(texts: pa.Array) -> tuple[pa.Array, Lists]:
    """Latin words, numbers and acronyms, sorted, with the terms that have them."""
    rows, words = [], []
    for start in range(0, len(texts), BLOCK):
        block = texts.slice(start, BLOCK)
        cut = pc.split_pattern_regex(block, rf"(?:[^\pL\pN]|[{HAN}])+")
        for row, word in ((pc.list_parent_indices(cut), pc.list_flatten(cut)), *acronyms(block)):
            some = pc.greater(pc.binary_length(word), 0)
            rows.append(row.filter(some).to_numpy() + start)
            words.append(word.filter(some).dictionary_encode())
    encoded = pa.chunked_array(words, pa.dictionary(pa.int32(), pa.string())).unify_dictionaries().combine_chunks()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.chunk(0)
    known = encoded.dictionary
    order = pc.sort_indices(known).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    row = np.concatenate(rows) if rows else np.zeros(0, np.int64)
    return known.take(pa.array(order)), Lists.of(place[encoded.indices.to_numpy()], row, len(order))


def acronyms(texts: pa.Array) -> Iterable[tuple[pa.Array, pa.Array]]:
    """(row, acronym with its sign) of Latin names: of their words, and with combining forms as words of their own."""
    row = pa.array(np.arange(len(texts)))
    latin = pc.invert(pc.match_substring_regex(texts, f"[{HAN}]"))
    row, texts = row.filter(latin), texts.filter(latin)
    whole = pc.replace_substring_regex(texts, rf"\b(?:{PASSED})\b", " ")
    apart = pc.replace_substring_regex(whole, rf"({_forms()})", r"\1 ")
    for said in (whole, apart):
        first = _first_letters(said)
        long = pc.utf8_length(first)
        fit = pc.and_(pc.greater_equal(long, FEWEST), pc.less_equal(long, MOST))
        yield row.filter(fit), pc.binary_join_element_wise(ACRONYM, first.filter(fit), "")


def _first_letters(texts: pa.Array) -> pa.Array:
    """The first letters of the words of each text, as one word."""
    points = _points(texts)
    ascii_letter = (points >= 97) & (points < 123) | (points >= 48) & (points < 58)
    inside = ascii_letter | (points >= FIRST_ACCENTED)
    begins = inside & ~np.concatenate([[False], inside[:-1]])
    return _apart(points[begins | (points == END)])


@cache
def _forms() -> str:
    text = (files("isthmus.mapping.search") / "combining.csv").read_text(encoding="utf-8")
    return "|".join(sorted((row["form"] for row in DictReader(StringIO(text))), key=len, reverse=True))


def _grams(terms: pa.Table, texts: pa.Array) -> tuple[pa.Table, np.ndarray, Lists]:
    """The terms with how their Chinese sounds, and all grams of it with their terms."""
    rows, keys, sounds, initials = [], [], [], []
    letters = np.array([LETTERS + ord(one[0]) for one in readings().syllables], np.int64)
    for start in range(0, len(texts), BLOCK):
        block = texts.slice(start, BLOCK)
        points = _points(block)
        row = np.repeat(np.arange(len(block)), pc.utf8_length(block).to_numpy() + 1)
        sign = readings().read(points)
        letter = np.where(sign > 0, letters[np.maximum(sign - SIGNS, 0)], 0)
        sounds.append(_apart(np.where(sign > 0, sign, points)))
        initials.append(pc.utf8_trim(_apart(_blanked(letter, points)), " "))
        for marks, most in ((np.where(is_han(points), points, 0), 2), (sign, 2), (letter, 3)):
            at = np.flatnonzero(marks)
            rows.append((row[at] + start).astype(np.int32))
            keys.append(_key(marks, at, most))
    known, key = np.unique(np.concatenate(keys) if keys else np.zeros(0, np.int64), return_inverse=True)
    row = np.concatenate(rows) if rows else np.zeros(0, np.int32)
    for name, pieces in (("sound", sounds), ("initials", initials)):
        terms = terms.append_column(name, pa.chunked_array(pieces, pa.string()))
    return terms.combine_chunks(), known, Lists.of(key, row, len(known))


def is_han(points: np.ndarray) -> np.ndarray:
    """Which code points are Chinese characters."""
    found = np.zeros(len(points), bool)
    for low, high in RANGES:
        found |= (points >= low) & (points <= high)
    return found


def _blanked(letter: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The letters of initials, with a blank for everything else but the ends of texts."""
    return np.where(letter > 0, letter - LETTERS, np.where(points == END, points, ord(" ")))


def _points(texts: pa.Array) -> np.ndarray:
    """The code points of some texts, one after another, with END behind each."""
    raw = "\n".join([*texts.to_pylist(), ""]).encode("utf-32-le")
    return np.frombuffer(raw, "<u4").astype(np.int64)


def _apart(points: np.ndarray) -> pa.Array:
    """The texts of a run of code points, each of which ends with a line feed."""
    return pa.array(points.astype(np.uint32).tobytes().decode("utf-32-le").split("\n")[:-1], pa.string())


def _key(marks: np.ndarray, at: np.ndarray, most: int) -> np.ndarray:
    """For each place the marks from there on, at most so many, as long as they stand beside each other."""
    held = np.concatenate([marks, np.zeros(2, np.int64)])
    second = held[at + 1]
    third = np.where(second > 0, held[at + 2], 0) if most > 2 else np.zeros(len(at), np.int64)
    key: np.ndarray = held[at] << 2 * BITS | second << BITS | third
    return key


def signatures(words: pa.Array) -> np.ndarray:
    """By word the letters a to z and the digits that it has, a bit each (int64)."""
    if not len(words):
        return np.zeros(0, np.int64)
    points = _points(words)
    digit = np.where((points >= 48) & (points < 58), points - 22, 36)
    bit = np.where((points >= 97) & (points < 123), points - 97, digit)
    length = pc.utf8_length(words).to_numpy() + 1
    starts = np.concatenate([[0], np.cumsum(length)[:-1]])
    found: np.ndarray = np.bitwise_or.reduceat(np.int64(1) << bit, starts)
    return found


def _found(ids: np.ndarray, wanted: pa.ChunkedArray) -> np.ndarray:
    """The place of each id among the concepts (sorted by id), -1 where it is none."""
    asked = wanted.to_numpy()
    if not len(ids):
        return np.full(len(asked), -1)
    at = np.minimum(np.searchsorted(ids, asked), len(ids) - 1)
    return np.where(ids[at] == asked, at, -1)
