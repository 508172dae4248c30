"""Train a tagger from annotated sentences, keep it in a folder, load it, tag.

A folder holds `tagger.json` (names, word lists, clusters, settings) and one `field-N.crf` per field in the format of
crfsuite. Nothing in it is code.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import orjson

from isthmus.base.errors import InputError
from isthmus.mapping.text.lexicon import lexicon
from isthmus.mapping.text.tagger import cluster, crf, gazetteer
from isthmus.mapping.text.tagger.bio import Entity, Sentence, ended, entities, plain
from isthmus.mapping.text.tagger.feature import (
    Features,
    add_brackets,
    add_clauses,
    add_latin,
    add_words,
    letters,
    of_letters,
    tags_of,
)

FORMAT = 1
BLOCK = 25
LONGEST_WORD = 12


@dataclass(frozen=True, slots=True)
class Settings:
    """How much is spent: the number of fields that vote, passes of each, folds of the names, share of sentences."""

    fields: int = 1
    passes: int = 6
    folds: int = 10
    share: float = 0.9


@dataclass(frozen=True, slots=True)
class Tagger:
    """A trained tagger: what its features need, and its fields."""

    names: Mapping[str, str]
    words: Mapping[str, str]
    clusters: Sequence[cluster.Clusters]
    fields: Sequence[Path]

    def tag(self, sentences: Sequence[str]) -> list[list[Entity]]:
        """The entities of each sentence; positions are code points of the sentence."""
        features = (self.features(letters(one), self.names) for one in sentences if one)
        labels = iter(crf.tag(features, self.fields))
        return [entities(plain(next(labels))) if one else [] for one in sentences]

    def features(self, text: str, names: Mapping[str, str]) -> Features:
        """All features of a sentence, with the names that it may be told."""
        found = of_letters(text)
        add_words(tags_of(text, self.words, LONGEST_WORD), "x", found)
        add_words(tags_of(text, names, gazetteer.LONGEST), "G", found)
        add_words(tags_of(text, names, gazetteer.LONGEST, backwards=True), "R", found)
        add_words(tags_of(text, own_words(), LONGEST_WORD), "y", found)
        add_latin(text, found)
        add_clauses(text, found)
        add_brackets(text, found)
        for number, given in enumerate(self.clusters):
            cluster.add_clusters(text, number, given, found)
        return found


@cache
def own_words() -> Mapping[str, str]:
    """The terms of the rule layer's lexicon, and their kinds."""
    packs = lexicon()
    terms = ((letters(term), number) for term, number in zip(packs.terms, packs.entity.tolist(), strict=True))
    return {term: packs.meanings[number].kind[:3] for term, number in terms if number >= 0 and len(term) > 1}


def train(
    sentences: Sequence[Sentence],
    folder: Path,
    settings: Settings,
    lists: Sequence[Mapping[str, str]],
    tell: Callable[[str], None] = lambda _: None,
) -> Tagger:
    """Train a tagger into a new folder.

    `lists` are word lists (word → what kind it is); where two have a word, the first counts. Sentences that follow each
    other should come from the same notes: folds are made of blocks of them. Raises InputError where there is no
    sentence or the folder exists.
    """
    if not sentences:
        raise InputError("there is no annotated sentence, so nothing can be learned; give a file with some")
    if folder.exists():
        raise InputError(f"the folder {folder.name} exists; a model is written into a new one, so that none is lost")
    texts = [letters(one.text) for one in sentences]
    words = {letters(word): kind[:3] or "T" for given in reversed(lists) for word, kind in given.items()}
    tell(f"grouping letters of {len(texts):,} sentences")
    groups = cluster.clusters(texts)
    total, held = _names(texts, sentences, settings.folds)
    folder.mkdir(parents=True)
    fields = [folder / f"field-{number}.crf" for number in range(settings.fields)]
    tagger = Tagger(gazetteer.trusted(total), words, groups, fields)
    tell(f"training {settings.fields} fields")
    lessons = (
        (tagger.features(text, held[_fold(place, settings.folds)]), ended(one.labels))
        for place, (text, one) in enumerate(zip(texts, sentences, strict=True))
    )
    crf.fit(lessons, fields, settings.passes, settings.share)
    _save(tagger, folder, settings)
    return tagger


def _fold(place: int, folds: int) -> int:
    return place // BLOCK % folds


def _names(
    texts: Sequence[str], sentences: Sequence[Sentence], folds: int
) -> tuple[gazetteer.Names, Sequence[Mapping[str, str]]]:
    """The counts of all sentences, and for each fold the names that the others teach."""
    marked = [one.entities for one in sentences]
    known = gazetteer.all_names(texts, marked)
    parts = []
    for fold in range(folds):
        places = [place for place in range(len(texts)) if _fold(place, folds) == fold]
        parts.append(gazetteer.names([texts[p] for p in places], [marked[p] for p in places], known))
    total = gazetteer.summed(parts)
    return total, gazetteer.held_out(parts, total)


def _save(tagger: Tagger, folder: Path, settings: Settings) -> None:
    kept = {
        "format": FORMAT,
        "settings": asdict(settings),
        "names": dict(tagger.names),
        "words": dict(tagger.words),
        "clusters": [asdict(one) for one in tagger.clusters],
        "fields": [path.name for path in tagger.fields],
    }
    (folder / "tagger.json").write_bytes(orjson.dumps(kept))


def load(folder: Path) -> Tagger:
    """The tagger that a folder holds. Raises InputError where it holds none, or one of another format."""
    path = folder / "tagger.json"
    try:
        kept = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise InputError(f"{path.name} of the model cannot be read ({type(error).__name__}); train it again") from error
    if not isinstance(kept, dict) or kept.get("format") != FORMAT:
        raise InputError(f"{path.name} is not of format {FORMAT}; train the model again with this version")
    fields = [folder / name for name in kept["fields"]]
    if missing := [field.name for field in fields if not field.is_file()]:
        raise InputError(f"the model lacks {', '.join(missing)}; copy the whole folder or train it again")
    groups = [cluster.Clusters(**one) for one in kept["clusters"]]
    return Tagger(kept["names"], kept["words"], groups, fields)
