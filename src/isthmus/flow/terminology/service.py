"""The terminology service of a workspace: search, look up, validate, translate, expand, over the vocabulary as it is.

The five are what FHIR calls `$lookup`, `$validate-code`, `$translate` and `$expand`, and a search.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import ibis

from isthmus.base.errors import InputError
from isthmus.cdm.concept_set import Item, expansion
from isthmus.flow.schema import schema_of
from isthmus.flow.statement import literal, query
from isthmus.flow.terminology import search
from isthmus.flow.workspace import Workspace
from isthmus.lake.engine import Engine
from isthmus.mapping.search.ask import ANYTHING, Hit, Search, Wanted
from isthmus.mapping.terms.writing import same_writing
from isthmus.mapping.vocabulary.form import relations

__all__ = ["Hit", "Item", "Terminology", "Wanted"]

TABLES = ("concept", "concept_ancestor", "concept_relationship", "concept_synonym", "vocabulary")
MAPS_TO, MAPPED_FROM = "maps to", "mapped from"
LISTED = 100  # children that are told

CONCEPT = """
    SELECT c.*, v.vocabulary_version AS edition FROM concept c LEFT JOIN vocabulary v USING (vocabulary_id)
    WHERE {which} ORDER BY c.invalid_reason NULLS FIRST, c.concept_id LIMIT 1
"""
SYNONYMS = """
    SELECT DISTINCT concept_synonym_name AS name FROM concept_synonym WHERE concept_id = {concept} ORDER BY name
"""
RELATED = """
    SELECT r.relationship_id AS relation, c.concept_id AS concept_id, c.concept_name AS name, c.concept_code AS code,
        c.vocabulary_id AS vocabulary, v.vocabulary_version AS edition,
        coalesce(c.standard_concept, '') = 'S' AS standard
    FROM concept_relationship r JOIN concept c ON c.concept_id = r.concept_id_2
    LEFT JOIN vocabulary v ON v.vocabulary_id = c.vocabulary_id
    WHERE r.concept_id_1 = {concept} AND r.concept_id_2 <> r.concept_id_1 AND coalesce(r.invalid_reason, '') = ''
        AND r.relationship_id IN ({relations})
    ORDER BY vocabulary, code, relation
"""
VOCABULARIES = """
    SELECT v.vocabulary_id AS vocabulary, v.vocabulary_name AS name, v.vocabulary_version AS edition,
        v.vocabulary_reference AS source, count(c.concept_id) AS codes,
        count(c.concept_id) FILTER (WHERE c.standard_concept = 'S') AS standard,
        count(c.concept_id) FILTER (WHERE c.concept_id IN (
            SELECT concept_id_1 FROM concept_relationship WHERE relationship_id = 'Maps to'
        ) AND coalesce(c.standard_concept, '') <> 'S') AS mapped
    FROM vocabulary v LEFT JOIN concept c USING (vocabulary_id) GROUP BY ALL ORDER BY vocabulary
"""
EXPANDED = """
    SELECT c.concept_id AS concept_id, c.concept_name AS name, c.concept_code AS code, c.vocabulary_id AS vocabulary,
        c.domain_id AS domain, coalesce(c.standard_concept, '') = 'S' AS standard, count(*) OVER () AS total
    FROM ({members}) m JOIN concept c USING (concept_id) WHERE {kept}
    ORDER BY vocabulary, code, concept_id LIMIT {count} OFFSET {offset}
"""


@dataclass(frozen=True, slots=True)
class Code:
    """A code of a vocabulary, as far as lists show it."""

    concept_id: int
    name: str
    code: str
    vocabulary: str
    edition: str
    standard: bool


@dataclass(frozen=True, slots=True)
class Target:
    """Where a code leads: `relation` is how the target stands to the code (equal, wider, narrower, related), or, for
    OMOP's own maps, `maps to` and `mapped from`; `through` is the code of equal meaning that leads there, if any."""

    relation: str
    target: Code
    through: Code | None = None


@dataclass(frozen=True, slots=True)
class Looked:
    """All that is known of a code."""

    code: Code
    domain: str
    concept_class: str
    valid_from: date
    valid_to: date
    valid: bool
    synonyms: Sequence[str]
    parents: Sequence[Code]
    children: Sequence[Code]
    maps: Sequence[Target]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a code is one of its vocabulary; `message` says what is wrong, '' where nothing is."""

    valid: bool
    message: str
    code: Code | None = None


@dataclass(frozen=True, slots=True)
class Expansion:
    """A page of a concept set; `total` counts all of it."""

    total: int
    offset: int
    concepts: Sequence[Mapping[str, Any]]


class Terminology:
    """The vocabulary of one workspace; made by `Terminology.of`."""

    def __init__(self, workspace: Workspace, engine: Engine) -> None:
        self._workspace = workspace
        self._engine = engine

    @classmethod
    @contextmanager
    def of(cls, workspace: Workspace) -> Iterator["Terminology"]:
        """The service for the length of a block, over the vocabulary as it is at its beginning."""
        with workspace.lake.engine() as engine:
            for name in TABLES:
                files = [workspace.lake.root / one.path for one in workspace.lake.deltas.files(name)]
                engine.view(name, files, empty=schema_of(name))
            yield cls(workspace, engine)

    @cached_property
    def _search(self) -> Search:
        return search.search(self._workspace)

    def vocabularies(self) -> list[dict[str, Any]]:
        """Every vocabulary with its edition and counts: codes, those that are standard, those that map to such."""
        return self._rows(VOCABULARIES)

    def search(self, text: str, wanted: Wanted = ANYTHING, *, most: int = 20) -> list[Hit]:
        """Concepts by name, code or id, in English, Chinese, pinyin or abbreviated; the best first."""
        return self._search.find(text, wanted, most=most)

    def search_many(self, texts: Sequence[str], wanted: Wanted = ANYTHING, *, most: int = 20) -> list[list[Hit]]:
        """The same for several texts."""
        return [self._search.find(text, wanted, most=most) for text in texts]

    def lookup(self, vocabulary: str, code: str) -> Looked | None:
        """All that is known of a code; None where the vocabulary has no such."""
        row = self._concept(vocabulary, code)
        if row is None:
            return None
        near = self._related(row["concept_id"], ("Is a", "Subsumes"))
        return Looked(
            code=_code(row), domain=row["domain_id"], concept_class=row["concept_class_id"],
            valid_from=row["valid_start_date"], valid_to=row["valid_end_date"], valid=not row["invalid_reason"],
            synonyms=[one["name"] for one in self._rows(SYNONYMS.format(concept=row["concept_id"]))],
            parents=[_listed(one) for one in near if one["relation"] == "Is a"],
            children=[_listed(one) for one in near if one["relation"] == "Subsumes"][:LISTED],
            maps=self._targets(row["concept_id"]),
        )  # fmt: skip

    def validate(
        self, vocabulary: str, code: str, *, edition: str | None = None, display: str | None = None,
        on: date | None = None,
    ) -> Verdict:  # fmt: skip
        """Whether a code is one of the vocabulary, in this edition, on this day, and is called so."""
        row = self._concept(vocabulary, code)
        if row is None:
            return Verdict(False, self._unknown(vocabulary, code))
        found = _code(row)
        if edition is not None and edition != found.edition:
            return Verdict(False, f"edition '{edition}' of {vocabulary} is not here; this is {found.edition}.", found)
        day = on or date.max
        if row["invalid_reason"] or (on and not row["valid_start_date"] <= day <= row["valid_end_date"]):
            return Verdict(False, f"'{code}' of {vocabulary} is not valid any more, or not yet.", found)
        names = [found.name, *(one["name"] for one in self._rows(SYNONYMS.format(concept=row["concept_id"])))]
        if display is not None and not any(same_writing(display, one) for one in names):
            return Verdict(False, f"'{code}' of {vocabulary} is called '{found.name}', not '{display}'.", found)
        return Verdict(True, "", found)

    def translate(self, vocabulary: str, code: str, *, to: str | None = None) -> list[Target]:
        """Where a code leads in other vocabularies (or in one), whichever of the two has the map.

        Where no map leads to the wanted vocabulary directly, what a code of equal meaning leads to is told, with that
        code. Raises InputError where there is no such code.
        """
        row = self._concept(vocabulary, code)
        if row is None:
            raise InputError(self._unknown(vocabulary, code))
        direct = self._targets(row["concept_id"])
        found = [one for one in direct if to in (None, one.target.vocabulary)]
        if to is None or any(one.relation in relations() for one in found):
            return found
        through = [
            Target(one.relation, one.target, near.target)
            for near in direct if near.relation == "equal"
            for one in self._targets(near.target.concept_id) if one.target.vocabulary == to
        ]  # fmt: skip
        return through or found

    def expand(
        self, items: Sequence[Item], *, text: str = "", vocabularies: Sequence[str] = (), standard: bool = False,
        offset: int = 0, count: int = 100,
    ) -> Expansion:  # fmt: skip
        """A page of the concepts of a set, filtered by a part of their name, by vocabularies, or to standard ones."""
        kept = ["true"]
        if text:
            kept.append(f"contains(lower(c.concept_name), lower({literal(text)}))")
        if vocabularies:
            kept.append(f"c.vocabulary_id IN ({', '.join(map(literal, vocabularies))})")
        if standard:
            kept.append("c.standard_concept = 'S'")
        members = str(ibis.to_sql(expansion(items), dialect="duckdb", pretty=False))
        asked = {"members": members, "kept": " AND ".join(kept)}
        rows = self._rows(EXPANDED.format(**asked, count=max(count, 1), offset=offset))
        total = rows[0]["total"] if rows else 0
        if not rows and offset:
            first = self._rows(EXPANDED.format(**asked, count=1, offset=0))
            total = first[0]["total"] if first else 0
        shown = [{key: value for key, value in row.items() if key != "total"} for row in rows]
        return Expansion(total, offset, shown if count else [])

    def _concept(self, vocabulary: str, code: str) -> dict[str, Any] | None:
        which = f"c.vocabulary_id = {literal(vocabulary)} AND c.concept_code = {literal(code)}"
        rows = self._rows(CONCEPT.format(which=which))
        return rows[0] if rows else None

    def _unknown(self, vocabulary: str, code: str) -> str:
        known = {one["vocabulary"] for one in self.vocabularies()}
        if vocabulary in known:
            return f"'{code}' is no code of {vocabulary}."
        return f"vocabulary '{vocabulary}' is not in this workspace. Known: {', '.join(sorted(known))}."

    def _targets(self, concept: int) -> list[Target]:
        """The maps of a concept, the equal ones first; a map of OMOP's only where no other says more of the pair."""
        told = {one.forward: one.relation for one in relations().values()}
        told |= {one.reverse: one.inverse for one in relations().values()}
        told |= {"Maps to": MAPS_TO, "Mapped from": MAPPED_FROM}
        order = [*relations(), MAPS_TO, MAPPED_FROM]
        rows = sorted(self._related(concept, tuple(told)), key=lambda one: order.index(told[one["relation"]]))
        found: dict[int, Target] = {}
        for row in rows:
            found.setdefault(row["concept_id"], Target(told[row["relation"]], _listed(row)))
        return list(found.values())

    def _related(self, concept: int, names: Sequence[str]) -> list[dict[str, Any]]:
        return self._rows(RELATED.format(concept=concept, relations=", ".join(map(literal, names))))

    def _rows(self, sql: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._engine.rows(query(sql)).to_pylist()
        return found


def _code(row: Mapping[str, Any]) -> Code:
    """A row of `CONCEPT`."""
    return Code(
        row["concept_id"], row["concept_name"], row["concept_code"], row["vocabulary_id"], row["edition"] or "",
        row["standard_concept"] == "S",
    )  # fmt: skip


def _listed(row: Mapping[str, Any]) -> Code:
    """A row of `RELATED`."""
    return Code(row["concept_id"], row["name"], row["code"], row["vocabulary"], row["edition"] or "", row["standard"])
