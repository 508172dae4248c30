"""Finding: the passages of the library, and the rules and relations of the packs, that fit what somebody typed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow.compute as pc

from isthmus.apps.advice.pack.base import Base, base_of
from isthmus.apps.advice.pack.beside import Beside
from isthmus.apps.advice.pack.rule import PLACE
from isthmus.apps.advice.pack.sheets import ties
from isthmus.apps.advice.search.asking import Clause, Lexicon
from isthmus.apps.advice.search.index import Passage, Places, Segment, Times, bucket, lengths_of, posting_of, segment
from isthmus.apps.advice.search.library import WHOLE
from isthmus.apps.advice.search.ranking import Held, ranked
from isthmus.apps.advice.search.words import plain
from isthmus.apps.contract import Context, InputError, RefusedError, Session, tables

PACKS = "packs"
"""The segment of what comes with the packs."""
MOST = 100_000
AROUND = 120
"""Characters that are shown on either side of what was found."""
CLOSELY = 3
"""Of how many times as many as are asked for the texts are looked at."""
TOGETHER = 0.15
"""What a clause's words gain by standing together in a text, as a share of the passage's score."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that was found. `kind`: passage, rule or relation; `said` is the text around what was found."""

    kind: str
    source: str
    version: str
    licence: str
    url: str
    name: str
    title: str
    said: str
    score: float


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search gave: the best hits first, of how many passages, and the concepts that the text names."""

    hits: tuple[Hit, ...]
    passages: int
    concepts: tuple[str, ...]


def find(text: str, at: Context, *, most: int = 20) -> Answer:
    """The passages that fit a text, at most so many. Raises InputError for a text without a word."""
    base = base_of(at)
    clauses = lexicon_of(base, at.session).clauses(text[:400])
    if not clauses:
        raise InputError("there is no word to look for. Write what you seek, in Chinese or English.")
    sources = {row["made"]: row for row in at.records.find("source", WHOLE, most=MOST)}
    own = _of_packs(base.digest, at.language, Beside(base))
    held, made = _held(clauses, sources, own.segment, at)
    found = ranked(clauses, held, most * CLOSELY)
    texts = _texts([one[:2] for one in found], own.passages, at)
    hits = [
        _hit(texts[name, place], score, clauses, sources.get(made.get(name, "")), base, own)
        for name, place, score in found
        if (name, place) in texts
    ]
    best = sorted(hits, key=lambda one: -one.score)[:most]
    concepts = tuple(dict.fromkeys(name for one in clauses for name in one.concepts))
    return Answer(tuple(best), sum(map(len, held.lengths.values())), concepts)


def _held(
    clauses: Sequence[Clause], sources: Mapping[str, Any], own: Segment, at: Context
) -> tuple[Held, dict[str, str]]:
    """Lengths and postings of the packs and of the library, and by segment what it was made in."""
    grams = {gram for clause in clauses for one in clause.alternatives for gram in one.grams}
    made, lengths = dict[str, str](), {PACKS: own.lengths}
    for row in at.records.find("segment", {**WHOLE, "made": list(sources)}, most=MOST) if sources else []:
        made[row["segment"]], lengths[row["segment"]] = row["made"], lengths_of(row["lengths"])
    postings: dict[str, dict[str, tuple[Places, Times]]] = {
        gram: {PACKS: own.postings[gram]} for gram in grams if gram in own.postings
    }
    wanted = {**WHOLE, "bucket": list({bucket(gram) for gram in grams})}
    for row in at.records.find("posting", wanted, most=MOST) if made else []:
        for gram in grams.intersection(row["held"]) if row["segment"] in made else ():
            postings.setdefault(gram, {})[row["segment"]] = posting_of(row["held"][gram])
    return Held(lengths, postings), made


def _texts(
    found: Sequence[tuple[str, int]], own: Sequence[Passage], at: Context
) -> dict[tuple[str, int], Passage]:  # fmt: skip
    texts = {(PACKS, place): own[place] for name, place in found if name == PACKS}
    keys = [f"{name}:{place}" for name, place in found if name != PACKS]
    for row in at.records.find("passage", {**WHOLE, "passage": keys}, most=MOST) if keys else []:
        name, _, place = row["passage"].partition(":")
        texts[name, int(place)] = Passage("", row["name"], row["title"], row["text"])
    return texts


def _hit(
    one: Passage, score: float, clauses: Sequence[Clause], source: Mapping[str, Any] | None, base: Base, own: "OfPacks"
) -> Hit:  # fmt: skip
    told, title = plain(one.text), plain(one.title)
    places = [_place(clause, told) for clause in clauses]
    together = sum(place >= 0 or _place(clause, title) >= 0 for place, clause in zip(places, clauses, strict=True))
    first = min((place for place in places if place >= 0), default=0)
    begin = max(0, first - AROUND)
    said = f"{'…' if begin else ''}{one.text[begin : first + AROUND].strip()}"
    said += "…" if first + AROUND < len(one.text) else ""
    final = score * (1 + TOGETHER * together)
    if source is None:
        kind, _, name = one.name.partition("/")
        held, version = base.sources[one.source], own.versions[one.name]
        return Hit(kind, held.title, version, "", held.url, name, one.title, said, final)
    return Hit(
        "passage", source["title"], source["version"], source["licence"], source["url"],
        f"{source['source']}/{one.name}", one.title, said, final,
    )  # fmt: skip


def _place(clause: Clause, text: str) -> int:
    """Where the first of a clause's texts stands in a text; -1 for nowhere."""
    found = [place for one in clause.alternatives if (place := text.find(one.text)) >= 0]
    return min(found, default=-1)


@dataclass(frozen=True, slots=True)
class OfPacks:
    """What of the packs is searched, and of which version it is."""

    passages: tuple[Passage, ...]
    versions: Mapping[str, str]
    segment: Segment


@lru_cache(maxsize=4)
def _of_packs(digest: str, language: str, beside: Beside[Base]) -> OfPacks:
    base = beside.made_from
    found = list(_told(base, language))
    listed = tuple(one for one, _ in found)
    return OfPacks(listed, {one.name: version for one, version in found}, segment(listed))


def _told(base: Base, language: str) -> Iterator[tuple[Passage, str]]:
    """Rules and relations as passages, with the version of each; both languages are searched, one is shown first."""
    other = "zh" if language == "en" else "en"
    packs = {one.name: one.version for one in base.packs}
    for rule in base.rules.values():
        texts = [text for each in (language, other) for text in (rule.summary[each], rule.detail.get(each, ""))]
        whole = PLACE.sub("…", " ".join(text for text in texts if text))
        yield Passage(rule.source, f"rule/{rule.name}", rule.title[language], whole), rule.version
    for one in base.graph.relations:
        first, second, tie = base.graph.concepts[one.one], base.graph.concepts[one.other], ties()[one.relation]
        english, chinese = f"{first.en} {tie.en} {second.en}", f"{first.zh}{tie.zh}{second.zh}"
        title, also = (english, chinese) if language == "en" else (chinese, english)
        advice = (one.en, one.zh) if language == "en" else (one.zh, one.en)
        text = " ".join(each for each in (advice[0], also, advice[1]) if each)
        name = f"relation/{one.one}.{one.relation}.{one.other}"
        yield Passage(one.source, name, title, text), packs[one.pack]


def lexicon_of(base: Base, session: Session) -> Lexicon:
    """The names of the base's concepts, with those of the edition's vocabulary where one is to be had."""
    try:
        edition = session.edition
    except (InputError, RefusedError):  # rules are searched before anything is published
        edition = 0
    return _lexicon(base.digest, edition, Beside((base, session)))


@lru_cache(maxsize=4)
def _lexicon(digest: str, edition: int, beside: Beside[tuple[Base, Session]]) -> Lexicon:
    base, session = beside.made_from
    return Lexicon(base.graph, _names(base, session) if edition else {})


def _names(base: Base, session: Session) -> dict[int, list[str]]:
    """By concept id the name and the synonyms that the edition's vocabulary has."""
    ids = sorted({one for concept in base.graph.concepts.values() for one in concept.ids})
    found: dict[int, list[str]] = {}
    for table, column in (("concept", "concept_name"), ("concept_synonym", "concept_synonym_name")):
        asked = tables[table]
        answer = session.ask(asked.filter(asked.concept_id.isin(ids)).select("concept_id", column))
        for one, name in zip(
            pc.cast(answer["concept_id"], "int64").to_pylist(), answer[column].to_pylist(), strict=True
        ):
            if name:
                found.setdefault(one, []).append(name)
    return found
