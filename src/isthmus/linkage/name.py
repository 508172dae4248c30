"""Chinese names: one way of writing the characters, how they sound, and names that stand for somebody without one.

Readings are pypinyin's, without tones. `surname.csv` has the commonest surnames and those of two characters, with how
they sound where that is not the character's usual reading; `variant.csv` other ways of writing a character.
"""

import csv
from collections.abc import Callable
from functools import cache
from importlib.resources import files

import pyarrow as pa
import pyarrow.compute as pc

from isthmus.base.pinyin import characters
from isthmus.cdm.identity import text

BLANKS = r"[\s\-–—·•.,'’`_*＊]+"
NOBODY = (
    r"^(?:无名.*|无姓名|姓名不详|不详|不明|未知.*|佚名|匿名|待查|空|无|测试.*|患者.*|急诊\d*|UNKNOWN|NONAME|TEST.*)$"
)
CHILD = (
    r"^(?P<mother>\p{Han}{2,5}?)(?:之(?P<one>[长次大小双三]?)(?:子|女|婴|儿|男婴|女婴)"
    r"|(?P<two>[长次大小双三])?(?:子|女|男婴|女婴|婴儿|毛毛))$"
)
"""What is written of a newborn: the mother's name, 之 or not, which child, and son or daughter."""
RANKS = {"长": "1", "大": "1", "次": "2", "小": "2", "双": "2", "三": "3"}
HAN = r"^\p{Han}+$"
LATIN = r"^[A-Z ]+$"
NEAR = (("v", "u"), ("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"), ("l", "n"), ("hu", "f"))
"""Sounds that many speakers do not keep apart."""
SUFFIXES = ("", "_sound", "_near", "_surname", "_first", "_second", "_behind", "_mother", "_rank")


def names(texts: pa.Array) -> tuple[pa.Array, ...]:
    """Names in the columns of SUFFIXES.

    The characters as they are usually written; how all of it sounds; and so that near sounds are one; surname, first
    and second character of the given name; the name without its first character, which may be a husband's surname. A
    newborn has no name: only its mother's, and the rank among its mother's children. A name in Latin letters has only
    a sound.
    """
    plain = _characters(texts)
    plain = text.only(plain, ~text.matching(plain, NOBODY) & ~text.empty(plain))
    parts = pc.extract_regex(plain, CHILD)
    child = newborn(texts)
    mother = text.only(pc.struct_field(parts, "mother"), child)
    rank = pc.binary_join_element_wise(
        pc.fill_null(pc.struct_field(parts, "one"), ""), pc.fill_null(pc.struct_field(parts, "two"), ""), ""
    )
    rank = text.only(_each(rank, lambda word: RANKS.get(word)), child)
    written = text.only(plain, text.matching(plain, HAN) & ~child)
    whole = pc.utf8_upper(pc.utf8_normalize(texts.cast(pa.string()), form="NFKC"))
    latin = pc.utf8_trim_whitespace(pc.replace_substring_regex(whole, pattern=BLANKS, replacement=" "))
    latin = text.only(latin, text.matching(latin, LATIN))
    split = pc.match_substring_regex(pc.utf8_slice_codeunits(written, 0, 2), pattern=_double())
    width = pc.if_else(pc.fill_null(split, False), 2, 1)
    long = pc.equal(width, 2)
    surname = _cut(written, long, 0, 2, 0, 1)
    first, second = _cut(written, long, 2, 3, 1, 2), _cut(written, long, 3, None, 2, None)
    given = pc.binary_join_element_wise(pc.fill_null(first, ""), pc.fill_null(second, ""), "")
    sound = pc.binary_join_element_wise(_each(surname, _surname_sound), _each(given, _sound), "")
    sound = pc.coalesce(text.only(sound, ~text.empty(written)), _each(latin, _spelled))
    behind = text.only(pc.utf8_slice_codeunits(written, 1), ~text.empty(pc.utf8_slice_codeunits(written, 2)))
    return written, sound, _each(sound, _near), surname, text.some(first), text.some(second), behind, mother, rank


def newborn(texts: pa.Array) -> text.Mask:
    """Which names are a mother's, with what stands for a child that has none yet."""
    plain = _characters(texts)
    return text.matching(plain, CHILD) & ~text.matching(plain, r"^\p{Han}{1,2}$")


def _characters(texts: pa.Array) -> pa.Array:
    return _plain(text.plain(texts, BLANKS))


def _cut(texts: pa.Array, long: pa.Array, *at: int | None) -> pa.Array:
    """A slice of texts, at other places where the surname is long."""
    return pc.if_else(long, pc.utf8_slice_codeunits(texts, at[0], at[1]), pc.utf8_slice_codeunits(texts, at[2], at[3]))


def _each(texts: pa.Array, meaning: Callable[[str], str | None]) -> pa.Array:
    """What each distinct text means; null stays null."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    packed = pc.dictionary_encode(texts)
    return pa.array([meaning(one) for one in packed.dictionary.to_pylist()], pa.string()).take(packed.indices)


@cache
def _table(name: str) -> dict[str, str]:
    source = (files("isthmus.linkage") / f"{name}.csv").read_text(encoding="utf-8")
    rows = csv.reader(source.splitlines())
    next(rows)
    return {row[0]: row[1] for row in rows}


def _plain(texts: pa.Array) -> pa.Array:
    table = str.maketrans(_table("variant"))
    return _each(texts, lambda name: name.translate(table))


@cache
def _double() -> str:
    return "^(?:" + "|".join(one for one in _table("surname") if len(one) > 1) + ")$"


def _surname_sound(surname: str) -> str:
    return _table("surname").get(surname) or _sound(surname)


def _sound(letters: str) -> str:
    return "".join(characters().get(letter, "") for letter in letters)


@cache
def _surname_sounds() -> frozenset[str]:
    """How the surnames of the table sound, by which order in Latin letters is told."""
    return frozenset(map(_surname_sound, _table("surname")))


def _spelled(name: str) -> str:
    """A romanised name as if its surname stood in front."""
    words = name.lower().split()
    if len(words) > 1 and words[0] not in _surname_sounds() and words[-1] in _surname_sounds():
        words = [words[-1], *words[:-1]]
    return "".join(words)


def _near(sound: str) -> str:
    for one, other in NEAR:
        sound = sound.replace(one, other)
    return sound
