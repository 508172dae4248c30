"""A text looked up in the index: what it may be (word, pinyin, initials, abbreviation), and what is found, in order."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from isthmus.mapping.search.index import ACRONYM, HAN, LETTERS, Index, written
from isthmus.mapping.search.near import near
from isthmus.mapping.search.sound import BITS, SIGNS
from isthmus.mapping.search.syllable import spellings

# How a term was found, the best first: what ranking goes by before anything else.
HOW = ("exact", "synonym", "prefix", "word", "spoken", "spoken prefix", "spoken part", "part", "like")
EXACT, SAME, PREFIX, WORD, SPOKEN, SPOKEN_PREFIX, SPOKEN_PART, PART, LIKE = range(len(HOW))
NOT = 255
STEPS = 8  # tiers of what is alike, by how much of it
TOKENS = re.compile(rf"[{HAN}]+|[^\W_{HAN}]+")
CHINESE = re.compile(f"[{HAN}]")
LATIN = re.compile("[a-zü]+")
SOUNDED = 24  # letters beyond which nobody means pinyin initials
INSIDE = 3  # letters that a part of a word needs
RANK = 18  # bits of a term's own rank
MANY = 4096  # terms of which only the best ranked are looked at more closely
SHARED = 0.5  # of the pairs of characters, that a name must share to be alike


@dataclass(frozen=True, slots=True)
class Hit:
    """A concept that was found: by which of its names, and how (one of HOW)."""

    concept_id: int
    name: str
    code: str
    vocabulary: str
    domain: str
    standard: bool
    found: str
    how: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What may be found. Empty: anything. `mapped`: in place of a code that is not standard, what it maps to.
    `only`: by domain, the one vocabulary whose concepts may be found."""

    domains: Sequence[str] = ()
    vocabularies: Sequence[str] = ()
    standard: bool = False
    mapped: bool = False
    only: Mapping[str, str] = field(default_factory=dict)


ANYTHING = Wanted()


class Search:
    """Questions to one index."""

    def __init__(self, index: Index) -> None:
        self.index = index
        held = {name: index.terms[name].combine_chunks() for name in ("text", "name", "sound", "initials")}
        self._text, self._name = held["text"], held["name"]
        self._sound, self._initials = held["sound"], held["initials"]
        self._concept, self._kind, self._rank = (index.terms[one].to_numpy() for one in ("concept", "kind", "rank"))
        self._code, self._coded = index.codes["code"].combine_chunks(), index.codes["concept"].to_numpy()
        self._label = index.concepts["label"].to_numpy()
        self._standard = index.concepts["standard"].to_numpy()

    def find(self, text: str, wanted: Wanted = ANYTHING, *, most: int = 20) -> list[Hit]:
        """The concepts that a text may mean, at most so many, the best first."""
        (asked,) = written(pa.array([text], pa.string())).to_pylist()
        if not asked:
            return []
        allowed = self._allowed(wanted)
        tokens = TOKENS.findall(asked)
        coded = self._by_code(text.strip().lower())
        hits: list[Hit] = []
        for look in (self._first, self._inside, self._alike):
            tier = np.full(len(self._concept), NOT, np.uint8)
            look(tier, tokens)
            self._whole(tier, asked)
            hits = self._ordered(tier, allowed, wanted, most, coded)
            if len(hits) >= most or (hits and look == self._inside):
                break
        return hits

    def _first(self, tier: np.ndarray, tokens: Sequence[str]) -> None:
        """Terms that have every token: Chinese anywhere, a Latin one as the beginning of a word, or spoken."""
        self._together(tier, tokens, inside=False)

    def _inside(self, tier: np.ndarray, tokens: Sequence[str]) -> None:
        """The same, and a Latin token anywhere in a word."""
        self._together(tier, tokens, inside=True)

    def _together(self, tier: np.ndarray, tokens: Sequence[str], *, inside: bool) -> None:
        latin = [token for token in tokens if LATIN.fullmatch(token)]
        for number, token in enumerate(tokens):
            own = tier if number == 0 else np.full(len(tier), NOT, np.uint8)
            for how, rows in self._token(token, inside=inside):
                own[rows] = np.minimum(own[rows], how)
            if number:
                np.maximum(tier, own, out=tier)
        if latin and len(latin) == len(tokens):
            for how, rows in self._heard("".join(latin)):
                tier[rows] = np.minimum(tier[rows], how)

    def _heard(self, token: str) -> Iterator[tuple[int, np.ndarray]]:
        """Terms that sound like a text, have its initials, or are abbreviated so."""
        words, many = self.index.words, ACRONYM + token
        yield from self._spoken(token)
        if len(token) > 1:
            low, high = self._range(words, many)
            yield SPOKEN_PREFIX, self.index.word_terms.between(low, high)
            yield SPOKEN, self.index.word_terms.between(low, self._past(words, many))

    def _token(self, token: str, *, inside: bool) -> Iterator[tuple[int, np.ndarray]]:
        if CHINESE.match(token):
            yield PART, self._chinese(token)
            return
        words = self.index.words
        if inside and len(token) >= INSIDE:
            yield PART, self.index.word_terms.several(np.flatnonzero(pc.match_substring(words, token)))
        yield WORD, self.index.word_terms.between(*self._range(words, token))

    def _chinese(self, token: str) -> np.ndarray:
        """Terms that have these characters beside each other."""
        rows = self._beside([np.array([ord(one)]) for one in token])
        if len(token) > 2 and len(rows):
            rows = rows[_true(pc.match_substring(self._text.take(pa.array(rows)), token))]
        return rows

    def _spoken(self, token: str) -> Iterator[tuple[int, np.ndarray]]:
        """Terms whose Chinese sounds like this, or has these initials."""
        for spelt in spellings(token.replace("ü", "v"), self.index.syllables):
            signs = [np.array(one) + SIGNS for one in spelt]
            rows = self._beside(signs)
            if len(rows):
                pattern = "".join(f"[{''.join(map(chr, one))}]" for one in signs)
                yield from self._placed(self._sound, rows, pattern)
        if 2 <= len(token) <= SOUNDED:
            rows = self._lettered(token)
            if len(rows):
                yield from self._placed(self._initials, rows, re.escape(token))

    def _placed(self, texts: pa.Array, rows: np.ndarray, pattern: str) -> Iterator[tuple[int, np.ndarray]]:
        """Where in the sound of these terms a pattern stands: as all of it, at its beginning, or further on."""
        if len(rows) > MANY:
            yield SPOKEN_PART, rows
            rows = np.sort(rows[np.argpartition(self._rank[rows], MANY)[:MANY]])
        held = texts.take(pa.array(rows))
        for how, form in ((SPOKEN_PART, pattern), (SPOKEN_PREFIX, f"^{pattern}"), (SPOKEN, f"^{pattern}$")):
            fit = _true(pc.match_substring_regex(held, form))
            rows, held = rows[fit], held.filter(pa.array(fit))
            if not len(rows):
                return
            yield how, rows

    def _lettered(self, token: str) -> np.ndarray:
        """Terms that may have these initials beside each other."""
        signs = [LETTERS + ord(one) for one in token]
        if len(signs) == 2:
            return np.unique(self._between(signs[0] << 2 * BITS | signs[1] << BITS, 1 << BITS))
        keys = [a << 2 * BITS | b << BITS | c for a, b, c in zip(signs, signs[1:], signs[2:], strict=False)]
        return _common([self._between(key, 1) for key in keys])

    def _beside(self, signs: Sequence[np.ndarray]) -> np.ndarray:
        """Terms that have, for each pair of neighbours, one sign of the first beside one of the second."""
        if len(signs) == 1:
            return np.unique(np.concatenate([self._between(int(one) << 2 * BITS, 1 << 2 * BITS) for one in signs[0]]))
        lists = []
        for left, right in pairwise(signs):
            keys = [int(a) << 2 * BITS | int(b) << BITS for a in left for b in right]
            found = [self._between(key, 1) for key in keys]
            lists.append(found[0] if len(found) == 1 else np.unique(np.concatenate(found)))
            if not len(lists[-1]):
                return lists[-1]
        return _common(lists)

    def _between(self, key: int, width: int) -> np.ndarray:
        low, high = np.searchsorted(self.index.grams, [key, key + width])
        return self.index.gram_terms.between(int(low), int(high))

    def _alike(self, tier: np.ndarray, tokens: Sequence[str]) -> None:
        """Terms that share most pairs of characters, or words but for a slip or two, with every token."""
        for number, token in enumerate(tokens):
            own = tier if number == 0 else np.full(len(tier), NOT, np.uint8)
            if CHINESE.match(token):
                rows, how_like = self._sharing(token)
                own[rows] = how_like
            else:
                for how, rows in self._token(token, inside=False):
                    own[rows] = np.minimum(own[rows], how)
                found = near(token, self.index.words, self.index.signatures)
                rows = self.index.word_terms.several(found)
                own[rows] = np.minimum(own[rows], LIKE)
            if number:
                np.maximum(tier, own, out=tier)

    def _sharing(self, token: str) -> tuple[np.ndarray, np.ndarray]:
        """Terms that have at least half of the pairs of characters of a token, and tiers: the more, the better."""
        pairs = [ord(a) << 2 * BITS | ord(b) << BITS for a, b in pairwise(token)]
        lists = [self._between(one, 1) for one in dict.fromkeys(pairs)]
        count = np.zeros(len(self._concept), np.int16)
        for rows in lists:
            count[rows] += 1
        found = np.flatnonzero(count >= max(SHARED * len(lists), 1))
        return found, LIKE + (len(lists) - count[found]) * STEPS // max(len(lists), 1)

    def _whole(self, tier: np.ndarray, asked: str) -> None:
        """Terms that are the whole text, or begin with it."""
        low, high = self._range(self._text, asked)
        tier[low:high] = np.minimum(tier[low:high], PREFIX)
        end = self._past(self._text, asked)
        tier[low:end] = np.where(self._kind[low:end] == 0, EXACT, SAME)

    def _by_code(self, code: str) -> list[tuple[int, int, str]]:
        """(tier, concept, code) of concepts with this code or id, and of codes that begin with it."""
        ids = self.index.concepts["concept_id"].to_numpy()
        found = []
        if code.isascii() and code.isdigit() and len(code) < 19:
            at = int(np.searchsorted(ids, int(code)))
            found += [(EXACT, at, code)] if at < len(ids) and ids[at] == int(code) else []
        low, high = self._range(self._code, code)
        end = self._past(self._code, code)
        found += [(EXACT, int(self._coded[at]), self._code[at].as_py()) for at in range(low, end)]
        found += [(PREFIX, int(self._coded[at]), self._code[at].as_py()) for at in range(end, min(high, end + 200))]
        return found

    def _allowed(self, wanted: Wanted) -> np.ndarray | None:
        """By concept whether it may be shown; None where every one may."""
        concepts, allowed = self.index.concepts, None
        for name, chosen in (("domain", wanted.domains), ("vocabulary", wanted.vocabularies)):
            if chosen:
                fit = _true(pc.is_in(concepts[name].combine_chunks(), value_set=pa.array(list(chosen), pa.string())))
                allowed = fit if allowed is None else allowed & fit
        for domain, vocabulary in wanted.only.items():
            other = ~_true(pc.equal(concepts["domain"].combine_chunks(), domain))
            fit = other | _true(pc.equal(concepts["vocabulary"].combine_chunks(), vocabulary))
            allowed = fit if allowed is None else allowed & fit
        if wanted.standard or wanted.mapped:
            allowed = self._standard if allowed is None else allowed & self._standard
        return allowed

    def _ordered(
        self, tier: np.ndarray, allowed: np.ndarray | None, wanted: Wanted, most: int, coded: list[tuple[int, int, str]]
    ) -> list[Hit]:
        """The best concepts: by how they were found, standard ones first, then the shortest names."""
        rows = np.flatnonzero(tier < NOT)
        if allowed is not None:
            fit = allowed[self._concept[rows]]
            if wanted.mapped:
                fit |= self._leading(allowed)[self._concept[rows]]
            rows = rows[fit]
        key = tier[rows].astype(np.int32) << RANK | self._rank[rows]
        plenty = most * 16 + 64
        if len(rows) > plenty:
            near_best = np.argpartition(key, plenty)[:plenty]
            rows, key = rows[near_best], key[near_best]
        listed = [
            (int(key[at]), int(self._concept[rows[at]]), str(self._name[int(rows[at])]))
            for at in np.lexsort((rows, key))
        ]
        listed += [(how << RANK, concept, code) for how, concept, code in coded]
        listed.sort(key=lambda one: one[0])
        return self._hits(listed, allowed, wanted, most)

    def _leading(self, allowed: np.ndarray) -> np.ndarray:
        """By concept whether it maps to one that may be shown."""
        maps = self.index.maps
        found = np.zeros(len(allowed), bool)
        source = np.repeat(np.arange(len(allowed)), np.diff(maps.at))
        found[source[allowed[maps.rows]]] = True
        return found

    def _hits(
        self, listed: Sequence[tuple[int, int, str]], allowed: np.ndarray | None, wanted: Wanted, most: int
    ) -> list[Hit]:
        hits: dict[int, Hit] = {}
        for key, concept, found in listed:
            shown = [concept]
            if wanted.mapped and not self._standard[concept]:
                shown = self.index.maps.between(concept, concept + 1).tolist()
            for one in shown:
                if one not in hits and (allowed is None or allowed[one]):
                    hits[one] = self._hit(one, found, HOW[min(key >> RANK, LIKE)])
            if len(hits) >= most:
                break
        return list(hits.values())[:most]

    def _hit(self, concept: int, found: str, how: str) -> Hit:
        (row,) = self.index.concepts.slice(concept, 1).to_pylist()
        name = str(self._name[int(self._label[concept])])
        return Hit(row["concept_id"], name, row["code"], row["vocabulary"], row["domain"], row["standard"], found, how)

    def _range(self, texts: pa.Array, beginning: str) -> tuple[int, int]:
        """From where to where sorted texts begin with this."""
        return _lower(texts, beginning), _lower(texts, beginning + chr(0x10FFFF))

    def _past(self, texts: pa.Array, text: str) -> int:
        """Where those that are exactly this end."""
        return _lower(texts, text + "\0")


def _lower(texts: pa.Array, wanted: str) -> int:
    """The first place of sorted texts whose text is not before this one."""
    low, high = 0, len(texts)
    while low < high:
        middle = (low + high) // 2
        if texts[middle].as_py() < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def _common(lists: Sequence[np.ndarray]) -> np.ndarray:
    """What sorted lists have in common."""
    lists = sorted(lists, key=len)
    found = lists[0]
    for one in lists[1:]:
        if not len(found):
            break
        at = np.minimum(np.searchsorted(one, found), len(one) - 1)
        found = found[one[at] == found]
    return found


def _true(flags: pa.Array) -> np.ndarray:
    """Flags as an array; none is no."""
    found: np.ndarray = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return found
