"""What we know of drugs: ingredients with ATC codes and names (`lexicon.csv`), regimens, and words that name no drug.

Written from general knowledge; ATC codes are those of the WHO, shortened to the group where no code of five levels was
known to us. A name is compared without case, blanks, hyphens and full-width forms.
"""

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import StringIO

from isthmus.base.errors import PackError

FOLDER = files("isthmus.mapping") / "drugs"
HAN = re.compile(r"[一-龥]")
GREEK = str.maketrans({"α": "alpha", "β": "beta", "γ": "gamma", "Α": "alpha", "Β": "beta"})
DILUENTS = frozenset({"sodium chloride", "glucose"})
"""Named in a product beside its ingredient, they are what it is dissolved in."""


@dataclass(frozen=True, slots=True)
class Drug:
    """One entry: its ingredients, and the ATC code of them together ("" for none)."""

    ingredients: tuple[str, ...]
    atc: str


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All names, squeezed, with the drugs that each means: one, or for a regimen several."""

    names: dict[str, tuple[Drug, ...]]
    regimens: frozenset[str]
    folded: dict[str, str]
    together: dict[frozenset[str], str]
    noise: frozenset[str]
    longest: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of `lexicon.csv`: ingredients joined by `+`, ATC, the concept where one is known (else 0), all names."""

    ingredient: str
    atc: str
    concept_id: int
    names: tuple[str, ...]


@cache
def entries() -> tuple[Entry, ...]:
    """The lines of the lexicon as they are written, for those who look for names in running text."""
    return tuple(
        Entry(row["ingredient"], row["atc"], int(row["concept_id"] or 0), tuple(filter(None, row["names"].split("|"))))
        for row in _rows("lexicon.csv")
    )


def plain(text: str) -> str:
    """Full-width forms and Greek letters made plain, small letters."""
    return unicodedata.normalize("NFKC", text).translate(GREEK).casefold().strip()


def squeezed(text: str) -> str:
    """Letters, digits and Chinese characters only."""
    return re.sub(r"[^0-9a-z一-龥]+", "", plain(text))


def folded(name: str) -> str:
    """A Chinese name with each character replaced by the first of those that are taken for it."""
    return name.translate(_alike())


@cache
def lexicon() -> Lexicon:
    """The packed lexicon.

    :raises PackError: one name stands for two drugs, or a regimen for a drug that has no entry; with file and line.
    """
    names: dict[str, tuple[Drug, ...]] = {}
    for line, row in enumerate(_rows("lexicon.csv"), start=2):
        drug = Drug(tuple(row["ingredient"].split("+")), row["atc"])
        for name in (row["ingredient"], *filter(None, row["names"].split("|"))):
            _add(names, name, (drug,), f"lexicon.csv:{line}")
    for (drug,) in list(names.values()):
        for name in _latin(drug):
            names.setdefault(squeezed(name), (drug,))
    regimens = set()
    for line, row in enumerate(_rows("regimens.csv"), start=2):
        parts = [names.get(squeezed(name)) for name in row["ingredients"].split("|")]
        drugs = tuple(drug for part in parts if part for drug in part)
        if len(drugs) < len(parts):
            raise PackError(f"regimens.csv:{line}: a drug of this regimen has no entry in lexicon.csv. Add it there.")
        _add(names, row["regimen"], drugs, f"regimens.csv:{line}")
        regimens.add(squeezed(row["regimen"]))
    chinese = {folded(name): name for name in names if HAN.search(name)}
    noise = frozenset(squeezed(word) for row in _rows("noise.csv") for word in row["words"].split("|"))
    together = {frozenset(drug.ingredients): drug.atc for (drug, *_) in names.values() if len(drug.ingredients) > 1}
    return Lexicon(names, frozenset(regimens), chinese, together, noise, max(map(len, names)))


def _add(names: dict[str, tuple[Drug, ...]], name: str, drugs: tuple[Drug, ...], place: str) -> None:
    key = squeezed(name)
    if names.get(key, drugs) != drugs:
        raise PackError(f"{place}: '{name}' already names another drug. A name may stand for one drug only.")
    names[key] = drugs


def _latin(drug: Drug) -> list[str]:
    """The Latin names that prescriptions in many countries use: cisplatinum, etoposidum."""
    if len(drug.ingredients) > 1 or " " in drug.ingredients[0]:
        return []
    name = drug.ingredients[0]
    return [name + "um", re.sub(r"[ae]$", "", name) + "um", re.sub(r"[ae]$", "", name) + "ium", name + "e", name + "a"]


@cache
def _alike() -> dict[int, str]:
    """Characters that sound or look alike, each to the first of its line; a character counts on its first line only."""
    table: dict[int, str] = {}
    for row in _rows("alike.csv"):
        for character in row["characters"]:
            table.setdefault(ord(character), row["characters"][0])
    return table


def _rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO((FOLDER / name).read_text(encoding="utf-8"))))
