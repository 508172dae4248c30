"""What a hospital wrote for a unit, as a UCUM code: `×10^9/L`, `10⁹/Ｌ`, `μmol/l`, `IU/ml`, `毫克/分升`."""

import csv
import re
import unicodedata
from functools import cache
from importlib.resources import files
from io import StringIO

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.cdm.units import ucum

RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
AFTER_TEN = re.compile(r"10\s*([⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺]+)")
TEN = re.compile(r"(?<![\d.])[x×*✕·.]?(?:10(?:\*\*|[*^]|e\+?0*)|1?e\+?0*)\(?([+-]?\d+)\)?", re.IGNORECASE)
AMBIGUOUS = frozenset({"G/L"})
"""Giga per litre to one laboratory, grams per litre in capitals to another: only the analyte could tell."""
NUMBER = re.compile(r"[<>]?[-+]?[\d.,]+")
"""A result that has slipped into the unit's field."""
BODY = re.compile(r"/?1\.?73m\^?2$", re.IGNORECASE)
LOST = re.compile(r"^[x×*]?10\s*(3|4|6|9|12)(?=(?:个|cells?)?/)", re.IGNORECASE)
"""A power whose raised digits have sunk: `109/L`, `10 9/L`."""
NOTHING = frozenset({"", "-", "--", "/", "\\", "无", "n/a", "na", "null", "none", "unknown", "未知", "."})


def codes(texts: pa.Array | pa.ChunkedArray) -> pa.Array:
    """UCUM codes of a column of texts, of the same length; null where the text is null or cannot be read.

    The work is done once for every distinct text.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    encoded = texts if pa.types.is_dictionary(texts.type) else pc.dictionary_encode(texts)
    known = pa.array([None if text is None else code(text) for text in encoded.dictionary.to_pylist()], pa.string())
    return known.take(encoded.indices)


@cache
def code(text: str) -> str | None:
    """The UCUM code of one text, or None. A usual code is given where the text means one, else a code spelled out."""
    cleaned = _cleaned(text)
    if cleaned.lower() in NOTHING or cleaned in AMBIGUOUS or NUMBER.fullmatch(text.strip()):
        return None
    whole, tokens = _spellings(), _tokens(cleaned)
    for candidate in (cleaned, whole.get(cleaned), _usual().get(cleaned.casefold()), whole.get(cleaned.casefold())):
        if candidate in _usual_codes():
            return candidate
    joined = re.sub(r"^1(?=/)", "", "".join(tokens).replace(".1/", "/"))
    if joined.casefold() in _usual():
        return _usual()[joined.casefold()]
    return joined if ucum.readable(joined) else whole.get(cleaned.casefold())


def _cleaned(text: str) -> str:
    """The text with full-width letters made plain, powers of ten as UCUM writes them, and no blanks."""
    text = AFTER_TEN.sub(lambda found: f"10*{found[1].translate(RAISED)}", text.strip())
    text = unicodedata.normalize("NFKC", text.translate(RAISED)).replace("μ", "u").replace("每", "/").replace("∕", "/")
    text = LOST.sub(r"10*\1", text)
    text = re.sub(r"(?<=[\w%])\s+per\s+|\s*/\s*", "/", text, flags=re.IGNORECASE)
    text = TEN.sub(r"10*\1", re.sub(r"\s+", "", text))
    text = BODY.sub("/{1.73_m2}", re.sub(r"^[x×*]+(?=10\*)", "", text))
    return re.sub(r"(?<=[a-z])\^(?=\d)", "", text)


def _tokens(cleaned: str) -> list[str]:
    """The words between operators, each as UCUM spells it where that is known."""
    parts = re.split(r"([/.])(?![^{]*\})", re.sub(r"(10\*\d+)(?=[^\d/.])", r"\1.", cleaned))
    return [part if part in "/." else _word(part) for part in parts]


def _word(word: str) -> str:
    spelled = _spellings().get(word) or _spellings().get(word.casefold())
    if spelled is not None:
        return spelled
    if ucum.readable(word):
        return word
    return _parts().get(word.casefold(), word)


@cache
def _spellings() -> dict[str, str]:
    rows = _rows("spelling.csv")
    return {row["written"]: row["ucum"] for row in rows}


@cache
def _usual_codes() -> frozenset[str]:
    return frozenset(row["ucum"] for row in _rows("usual.csv"))


@cache
def _usual() -> dict[str, str]:
    """Usual codes whatever their case; the first in the file wins."""
    found: dict[str, str] = {}
    for row in _rows("usual.csv"):
        found.setdefault(row["ucum"].casefold(), row["ucum"])
    return found


@cache
def _parts() -> dict[str, str]:
    """The words that usual codes are made of, whatever their case."""
    found: dict[str, str] = {}
    for row in _rows("usual.csv"):
        for part in re.split(r"[/.()]", row["ucum"]):
            if part:
                found.setdefault(part.casefold(), part)
    return found


def _rows(name: str) -> list[dict[str, str]]:
    text = (files("isthmus.cdm") / "units" / name).read_text(encoding="utf-8")
    return list(csv.DictReader(StringIO(text)))
