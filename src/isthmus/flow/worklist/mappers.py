"""The mappers at work: one reading of vocabulary, decisions and lists, and opinions on many wordings at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from typing import Any

import numpy as np
import pyarrow as pa

from isthmus.base.errors import InputError
from isthmus.flow import vocabulary
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import literal, query
from isthmus.flow.terminology import search
from isthmus.flow.worklist.labelled import decided, labelled
from isthmus.flow.worklist.trained import Trained, trained
from isthmus.flow.workspace import Workspace
from isthmus.lake.engine import Engine
from isthmus.mapping.candidates import edition, measured, naming
from isthmus.mapping.candidates.candidate import SHOWN, Candidate, Concept, Opinion, merged
from isthmus.mapping.candidates.naming import Known, Past
from isthmus.mapping.drugs.match import match
from isthmus.mapping.search.ask import HOW, Search, Wanted
from isthmus.mapping.terms.model import Model
from isthmus.records.models import Decision

__all__ = ["SHOWN", "Asked", "Candidate", "Mappers", "mappers", "writing"]

TABLES = ("concept", "concept_relationship", "concept_synonym")
PAST, NAMES, DRUGS, CODES, SEARCH = "past", "names", "drugs", "codes", "search"
LIKE = 0.3  # of two wordings, from which one is told as evidence for the other
# How far a mapper is believed before anything was measured: it only orders candidates.
BELIEF = {PAST: 0.97, NAMES: 0.9, DRUGS: 0.8, CODES: 0.75}


@dataclass(frozen=True, slots=True)
class Asked:
    """A wording, the domains that its column takes (none: any), its code, and the origin that may not help when its
    mappers are measured."""

    wording: str
    domains: tuple[str, ...]
    origin: str = ""
    code: str = ""

    def takes(self, domain: str) -> bool:
        """Whether a concept of this domain is wanted."""
        return not self.domains or domain in self.domains


class Mappers:
    """All mappers over one workspace; made by `mappers`."""

    def __init__(self, workspace: Workspace, engine: Engine, learned: Trained, known: Sequence[Known]) -> None:
        self._engine = engine
        self._learned = learned
        self._past = Past(known)
        self._version = vocabulary.digest(workspace.lake)[:12]
        self.known = known
        self._workspace = workspace
        self._only = targets_of(workspace, engine)

    @cached_property
    def _search(self) -> Search:
        return search.search(self._workspace)

    def opinions(self, asked: Sequence[Asked]) -> list[list[Opinion]]:
        """What each mapper says of each wording; mappers that have nothing to say are left out."""
        keys = naming.keys([one.wording for one in asked])
        said: list[list[Opinion]] = [[] for _ in asked]
        for opinions in (
            self._decided(asked, keys),
            self._named(asked, keys),
            self._drugs(asked),
            self._coded(asked),
            *self._models(asked),
        ):
            for at, opinion in opinions:
                said[at].append(opinion)
        return said

    def concepts(self, ids: Iterable[int]) -> dict[int, Concept]:
        """Concepts by their ids; those that the vocabulary lacks are absent."""
        self._engine.load("asked_concept", pa.table({"concept_id": pa.array(sorted(set(ids)), pa.int64())}))
        rows = self._engine.rows(query("SELECT c.* FROM concept c JOIN asked_concept USING (concept_id)")).to_pylist()
        self._engine.drop("asked_concept")
        return {
            row["concept_id"]: Concept(
                row["concept_id"], row["concept_name"], row["domain_id"], row["vocabulary_id"], row["concept_code"],
                row["standard_concept"] == "S",
            )
            for row in rows
        }  # fmt: skip

    def candidates(self, asked: Sequence[Asked]) -> list[list[Candidate]]:
        """For each wording the candidates of all mappers as one list, the best first."""
        return [merged(opinions) for opinions in self.opinions(asked)]

    def remember(self, decision: Decision) -> None:
        """What was decided just now: the next opinions know of it."""
        if decision.answer:
            self._past.add(decided(decision))

    def search(self, text: str, wanted: Sequence[str]) -> list[Candidate]:
        """Standard concepts that a text may mean, of these domains (none: of any)."""
        hits = self._search.find(text, Wanted(domains=wanted, mapped=True, only=self._only), most=SHOWN)
        name = f"{SEARCH}@{self._version}"
        return [
            Candidate(
                hit.concept_id, hit.name, hit.domain, hit.vocabulary, hit.code, 1 / place, None, name,
                f"search '{text.strip()}'" + (f": {hit.found}" if hit.found != hit.name else ""),
                near=hit.how == HOW[-1],
            )
            for place, hit in enumerate(hits, start=2)
        ]  # fmt: skip

    def is_target(self, concept: Concept) -> bool:
        """Whether a concept is of the vocabulary that codes of its domain are mapped to here."""
        return self._only.get(concept.domain, concept.vocabulary) == concept.vocabulary

    def targets(self, domain: str, *, most: int, always: Iterable[int]) -> pa.Table:
        """The concepts of a domain that codes are mapped to: `concept_id`, `name`, `code`. Where there are more than
        `most`, only those of `always`."""
        only = f"AND vocabulary_id = {literal(self._only[domain])}" if domain in self._only else ""
        held = f"SELECT * FROM concept WHERE standard_concept = 'S' AND domain_id = {literal(domain)} {only}"
        self._engine.create_view("target", query(held))
        every = self._engine.count("target") <= most
        self._engine.load("wanted", pa.table({"concept_id": pa.array(sorted(always), pa.int64())}))
        found = self._engine.rows(query(naming.TARGETS.format(all="true" if every else "false")))
        self._engine.drop("wanted")
        return found

    def _fits(self, one: Asked, concept: Concept) -> bool:
        return one.takes(concept.domain) and self.is_target(concept)

    def _decided(self, asked: Sequence[Asked], keys: Sequence[str]) -> Iterator[tuple[int, Opinion]]:
        """The same wording, decided or listed elsewhere."""
        found = [self._past.find(key, without=one.origin) for key, one in zip(keys, asked, strict=True)]
        about = self.concepts(concept for lists in found for one in lists for concept in one.answer)
        for at, (one, lists) in enumerate(zip(asked, found, strict=True)):
            fit = [known for known in lists if all(c in about and self._fits(one, about[c]) for c in known.answer)]
            told: dict[int, list[str]] = {}
            for known in fit:
                for concept in known.answer:
                    told.setdefault(concept, []).append(known.told)
            if told:
                score = BELIEF[PAST] / len({frozenset(known.answer) for known in fit})
                lines = {concept: f"same wording: {_few(words)}" for concept, words in told.items()}
                yield at, self._opinion(PAST, lines, about, score, naming.unanimous(fit))

    def _named(self, asked: Sequence[Asked], keys: Sequence[str]) -> Iterator[tuple[int, Opinion]]:
        """Concepts that are called so in the vocabulary."""
        wanted = [{"row": at, "key": key} for at, key in enumerate(keys) if key]
        found: dict[int, dict[int, str]] = {}
        for row in self._ask(naming.NAMED, wanted):
            line = f"{'synonym' if row['synonym'] else 'name'} in {row['vocabulary']}: {row['name']}"
            found.setdefault(row["row"], {})[row["concept_id"]] = line + (", mapped" if row["mapped"] else "")
        about = self.concepts(concept for lines in found.values() for concept in lines)
        for at, lines in found.items():
            fit = {concept: line for concept, line in lines.items() if self._fits(asked[at], about[concept])}
            if fit:
                yield at, self._opinion(NAMES, fit, about, BELIEF[NAMES] / len(fit), naming.single(fit))

    def _drugs(self, asked: Sequence[Asked]) -> Iterator[tuple[int, Opinion]]:
        """Drugs by the lexicon: brand, misspelling and dose form to ingredients, and those to concepts."""
        rows = [at for at, one in enumerate(asked) if one.takes("Drug") and one.wording]
        matched = match(pa.array([asked[at].wording for at in rows], pa.string())).to_pylist()
        told = {at: row for at, row in zip(rows, matched, strict=True) if row["ingredients"]}
        wanted = [
            {"row": at, "name": name, "atc": code}
            for at, row in told.items()
            for name, code in zip_longest(row["ingredients"], row["atc"][: len(row["ingredients"])], fillvalue="")
        ]
        found: dict[int, dict[int, str]] = {}
        for row in self._ask(naming.INGREDIENTS, wanted):
            found.setdefault(row["row"], {})[row["concept_id"]] = row["name"]
        about = self.concepts(concept for names in found.values() for concept in names)
        for at, every in found.items():
            names = {concept: name for concept, name in every.items() if self._fits(asked[at], about[concept])}
            heard = told[at]["ingredients"]
            lines = {concept: f"drug lexicon ({told[at]['how']}): {name}" for concept, name in names.items()}
            whole = len(names) == len(heard) and set(names.values()) == set(heard)  # one concept for each ingredient
            yield (
                at,
                self._opinion(DRUGS, lines, about, BELIEF[DRUGS] * told[at]["score"], tuple(names) if whole else ()),
            )

    def _coded(self, asked: Sequence[Asked]) -> Iterator[tuple[int, Opinion]]:
        """Codes of national editions by the code of the edition that they lengthen."""
        wanted = [line for at, one in enumerate(asked) for line in edition.asked(at, one.code, one.domains)]
        found: dict[int, dict[int, tuple[str, str]]] = {}
        for row in self._ask(edition.KNOWN, wanted):
            line = f"code {row['form']} in {row['vocabulary']}: {row['name']}"
            found.setdefault(row["row"], {}).setdefault(row["concept_id"], (row["form"], line))
        about = self.concepts(concept for lines in found.values() for concept in lines)
        for at, lines in found.items():
            fit = {concept: line for concept, (_, line) in lines.items() if self._fits(asked[at], about[concept])}
            if fit:
                exact = all(edition.same(form, asked[at].code) for form, _ in lines.values())
                score = BELIEF[CODES] / len(fit) * (1 if exact else 0.5)
                yield at, self._opinion(CODES, fit, about, score, naming.single(fit) if exact else ())

    def _models(self, asked: Sequence[Asked]) -> Iterator[Iterator[tuple[int, Opinion]]]:
        for domain, model in self._learned.models.items():
            rows = [at for at, one in enumerate(asked) if domain in one.domains and one.wording]
            if rows:
                yield self._modelled(asked, rows, domain, model)

    def _modelled(
        self, asked: Sequence[Asked], rows: Sequence[int], domain: str, model: tuple[Model, np.ndarray]
    ) -> Iterator[tuple[int, Opinion]]:
        """What a learned model says: its best candidates, and the set that it would choose."""
        ranker, concepts = model
        texts = pa.array([asked[at].wording for at in rows], pa.string())
        said = ranker.answer(texts)
        pairs = said.pairs
        order = np.lexsort((-said.score, pairs.row))
        place = np.arange(len(order)) - np.searchsorted(pairs.row[order], pairs.row[order])
        top = order[place < SHOWN]
        lines = self._likest(ranker, texts, pairs.row[top], pairs.target[top])
        about = self.concepts(concepts[pairs.target[top]].tolist())
        name = f"terms-{domain.lower().replace(' ', '-')}@{ranker.version}"
        listed: dict[int, list[Candidate]] = {}
        for at, line in zip(top, lines, strict=True):
            concept = about.get(int(concepts[pairs.target[at]]))
            if concept is not None and self.is_target(concept):
                one = _candidate(concept, float(said.score[at]), float(said.confidence[at]), name, line)
                listed.setdefault(int(pairs.row[at]), []).append(one)
        for row, candidates in listed.items():
            picked = said.picked & (pairs.row == row)
            chosen = [int(one) for one in concepts[pairs.target[picked]]]
            answer = tuple(chosen) if {one.concept_id for one in candidates}.issuperset(chosen) else ()
            yield (
                rows[row],
                Opinion(name, tuple(candidates), answer, float(said.certainty[row]), float(said.trust[row])),
            )

    def _likest(self, ranker: Model, texts: pa.Array, row: np.ndarray, target: np.ndarray) -> list[str]:
        """For each pair of a text and a target a line: the likest wording that was given this meaning before."""
        nearest, like = ranker.nearest(texts, row, target)
        wordings = ranker.known.decisions.texts
        return [
            f"learned: as '{wordings[int(at)].as_py()}' was decided ({share:.0%} alike)"
            if share >= LIKE else "learned: no wording like it was given this meaning"
            for at, share in zip(nearest, like, strict=True)
        ]  # fmt: skip

    def _opinion(
        self, mapper: str, lines: Mapping[int, str], about: Mapping[int, Concept], score: float, answer: tuple[int, ...]
    ) -> Opinion:
        tables = self._learned.measured.get(mapper, {})
        domain = about[answer[0]].domain if answer else ""
        confidence = measured.of(tables, domain) if answer else None
        name = f"{mapper}@{self._version}"
        candidates = tuple(
            _candidate(about[concept], score, confidence if (concept,) == answer else None, name, line)
            for concept, line in lines.items()
            if concept in about
        )
        return Opinion(name, candidates, answer, confidence, confidence)

    def _ask(self, sql: str, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The rows of a statement over the table `asked`."""
        if not wanted:
            return []
        self._engine.load("asked", pa.Table.from_pylist(list(wanted)))
        rows: list[dict[str, Any]] = self._engine.rows(query(sql)).to_pylist()
        self._engine.drop("asked")
        return rows


def targets_of(workspace: Workspace, engine: Engine) -> Mapping[str, str]:
    """By domain, the vocabulary that the workspace's settings map its codes to; `concept` is a view of the engine.

    Raises InputError where that vocabulary has no standard concept of the domain.
    """
    for domain, vocabulary_id in workspace.targets.items():
        held = f"standard_concept = 'S' AND domain_id = {literal(domain)} AND vocabulary_id = {literal(vocabulary_id)}"
        if not engine.rows(query(f"SELECT 1 AS one FROM concept WHERE {held} LIMIT 1")).num_rows:
            raise InputError(
                f"isthmus.toml maps codes of the domain {domain} to the vocabulary {vocabulary_id}, which has no "
                "standard concept of it here. Load it with `standard: yes` (`isthmus terms load`), or correct "
                "[targets]."
            )
    return workspace.targets


@contextmanager
def mappers(workspace: Workspace, *, learned: Trained | None = None) -> Iterator[Mappers]:
    """All mappers, over the vocabulary as it is now and the decisions that stand."""
    with workspace.lake.engine() as engine:
        for name in TABLES:
            files = [workspace.lake.root / one.path for one in workspace.lake.deltas.files(name)]
            engine.view(name, files, empty=schema_of(name))
        known = labelled(workspace, engine)
        yield Mappers(workspace, engine, trained(workspace) if learned is None else learned, known)


def writing(wording: str) -> str:
    """A wording in the writing in which wordings are compared: width, case, variants and stops do not count."""
    (key,) = naming.keys([wording])
    return key


def _candidate(concept: Concept, score: float, confidence: float | None, mapper: str, evidence: str) -> Candidate:
    return Candidate(
        concept.concept_id, concept.name, concept.domain, concept.vocabulary, concept.code, score, confidence, mapper,
        evidence,
    )  # fmt: skip


def _few(words: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(words))
    return ", ".join(distinct[:2]) + (f" and {len(distinct) - 2} more" if len(distinct) > 2 else "")
