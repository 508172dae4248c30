"""A column of drug names to ingredients and ATC codes. What is not wholly understood goes on the work list."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.mapping.drugs.lexicon import DILUENTS, HAN, Drug, lexicon
from isthmus.mapping.drugs.near import Near, nearest
from isthmus.mapping.drugs.parse import Parsed, parse

EXACT, REGIMEN, MISHEARD, MISSPELLED = "exact", "regimen", "misheard", "misspelled"
MATCH = pa.struct(
    [
        ("ingredients", pa.list_(pa.string())), ("atc", pa.list_(pa.string())), ("how", pa.string()),
        ("score", pa.float64()), ("reason", pa.string()), ("candidates", pa.list_(pa.string())),
    ]
)  # fmt: skip


def match(texts: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Match drug names; every distinct text is looked at once.

    Columns: `ingredients` and `atc` (lists; null where not matched), `how` (exact, regimen, misheard, misspelled),
    `score` (1, or for misspellings the share of letters that are right), `reason` (missing, unknown, partly: some of
    it was understood, trial: the text does not say what was given), `candidates` (for the work list).
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    encoded = texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)
    found = pa.array([*_matched(encoded.dictionary.to_pylist()), _row(reason="missing")], MATCH)
    rows = found.take(pc.fill_null(encoded.indices, len(found) - 1))
    return pa.table({name: pc.struct_field(rows, name) for name in MATCH.names})


def _matched(texts: Sequence[str]) -> list[dict[str, object]]:
    """One row for each distinct text. Misspellings of all texts are looked up together."""
    known = lexicon()
    parsed = [parse(text, known) for text in texts]
    words = sorted({word for one in parsed for word in one.rest if not HAN.search(word)})
    near = dict(zip(words, nearest(words), strict=True))
    return [_judged(one, near) for one in parsed]


def _judged(parsed: Parsed, near: dict[str, Near]) -> dict[str, object]:
    guesses = [near.get(word, Near(None, 0.0, ())) for word in parsed.rest]
    drugs = [*parsed.drugs, *(guess.drug for guess in guesses if guess.drug is not None)]
    names = [name for drug in drugs for name in drug.ingredients]
    candidates = list(
        dict.fromkeys([*names, *(name for guess in guesses if guess.drug is None for name in guess.names)])
    )
    if parsed.reason is not None:
        return _row(reason=parsed.reason, candidates=candidates)
    if not drugs or any(guess.drug is None for guess in guesses):
        return _row(reason="partly" if drugs else "unknown", candidates=candidates)
    how = MISSPELLED if guesses else MISHEARD if parsed.misheard else REGIMEN if parsed.regimen else EXACT
    score = min([1.0, *(guess.score for guess in guesses)])
    ingredients, codes = _together(drugs)
    return _row(ingredients=ingredients, atc=codes, how=how, score=round(score, 3))


def _together(drugs: Sequence[Drug]) -> tuple[list[str], list[str]]:
    """The ingredients without what they are dissolved in, and one code where the combination has its own."""
    active = [drug for drug in drugs if not DILUENTS & set(drug.ingredients)] or list(drugs)
    ingredients = list(dict.fromkeys(name for drug in active for name in drug.ingredients))
    combined = lexicon().together.get(frozenset(ingredients))
    codes = [combined] if combined else [drug.atc for drug in active]
    return ingredients, list(dict.fromkeys(code for code in codes if code))


def _row(
    *, ingredients: list[str] | None = None, atc: list[str] | None = None, how: str | None = None,
    score: float | None = None, reason: str | None = None, candidates: list[str] | None = None,
) -> dict[str, object]:  # fmt: skip
    return {
        "ingredients": ingredients,
        "atc": atc,
        "how": how,
        "score": score,
        "reason": reason,
        "candidates": candidates,
    }
