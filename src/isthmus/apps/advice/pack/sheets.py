"""The sheets of a pack: `concepts.csv` and `relations.csv`, and what is wrong in them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from isthmus.apps.advice.pack.graph import Concept, Relation, ring
from isthmus.apps.contract import documents as document
from isthmus.apps.contract.documents import Faults
from isthmus.apps.contract.knowledge import Row
from isthmus.apps.contract.knowledge import rows as read

CONCEPTS = ("concept", "kind", "en", "zh", "omop", "codes", "also", "about")
RELATIONS = ("from", "relation", "to", "indicator", "strength", "source", "en", "zh", "about")
INDICATORS = ("info", "warning", "critical")
STRENGTHS = ("strong", "conditional", "label", "consensus")
"""How firmly a rule is meant: strong or conditional recommendation of a guideline, a drug's label, consensus."""
GREATEST = 2**31 - 1
"""The greatest id of a concept."""
NAME = re.compile(r"[a-z][a-z0-9_]*")
SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "ICD10": "http://hl7.org/fhir/sid/icd-10", "ICD10CM": "http://hl7.org/fhir/sid/icd-10-cm",
        "ICD9CM3": "http://hl7.org/fhir/sid/icd-9-cm", "LOINC": "http://loinc.org", "SCT": "http://snomed.info/sct",
        "RXN": "http://www.nlm.nih.gov/research/umls/rxnorm", "ATC": "http://www.whocc.no/atc",
    }
)  # fmt: skip
"""The code systems that concepts may name, and what FHIR calls them."""


@dataclass(frozen=True, slots=True)
class KindOf:
    """A kind of concept: its names, and the tables in which its events stand."""

    en: str
    zh: str
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tie:
    """A kind of relation: names, which kinds it joins, whether it may run in a ring, whether both are of a kind,
    whether it holds both ways, and the relation that may not hold beside it ("": none)."""

    en: str
    zh: str
    one: frozenset[str]
    other: frozenset[str]
    ring: bool
    alike: bool
    mutual: bool
    against: str


@cache
def kinds() -> Mapping[str, KindOf]:
    """Kinds of concepts by name, as `kinds.yaml` has them."""
    found = _grammar()["kinds"]
    return MappingProxyType({name: KindOf(one["en"], one["zh"], tuple(one["tables"])) for name, one in found.items()})


@cache
def ties() -> Mapping[str, Tie]:
    """Kinds of relations by name, as `kinds.yaml` has them."""
    found = _grammar()["relations"]
    return MappingProxyType(
        {
            name: Tie(
                one["en"],
                one["zh"],
                frozenset(one["from"]),
                frozenset(one["to"]),
                one["ring"],
                one.get("alike", False),
                one.get("mutual", False),
                one.get("against", ""),
            )
            for name, one in found.items()
        }
    )


@cache
def _grammar() -> document.Section:
    return document.read(Path(__file__).parent / "kinds.yaml")


def read_concepts(path: Path, file: str, known: Mapping[str, Concept], faults: Faults) -> dict[str, Concept]:
    """The concepts of a sheet after those that are known; faults are noted."""
    found = dict(known)
    rows = read(path, file=file, columns=CONCEPTS, needed=("concept", "kind", "en", "zh")) if path.exists() else []
    for row in rows:
        name, kind = row["concept"], row["kind"]
        item = f"{row.place()}: concept {name}"
        if not NAME.fullmatch(name):
            faults.note(f"{item}: that is no name. Use a-z, 0-9 and _.")
        if name in found:
            faults.note(f"{item}: it stands already at {found[name].place}. Keep one of the two.")
        if kind not in kinds():
            faults.note(f"{item}: '{kind}' is no kind of concept. Write one of {', '.join(kinds())}.")
        if not row["en"] or not row["zh"]:
            faults.note(f"{item}: it has no name in both languages. Fill `en` and `zh`.")
        ids, codes = _ids(row, item, faults), _codes(row, item, faults)
        also = tuple(one.strip() for one in row.get("also", "").split(";") if one.strip())
        found[name] = Concept(name, kind, row["en"], row["zh"], ids, codes, len(found) + 1, row.place(), also)
    return found


def _ids(row: Row, item: str, faults: Faults) -> tuple[int, ...]:
    words = row.get("omop", "").split()
    strange = [word for word in words if not (word.isdecimal() and 0 < int(word) <= GREATEST)]
    if strange:
        faults.note(f"{item}: '{strange[0]}' is no concept id of OMOP. Write numbers with blanks between them.")
    return tuple(int(word) for word in words if word not in strange)


def _codes(row: Row, item: str, faults: Faults) -> tuple[tuple[str, str], ...]:
    found = []
    for word in row.get("codes", "").split():
        system, _, code = word.partition(":")
        if system not in SYSTEMS or not code.rstrip("*"):
            faults.note(f"{item}: '{word}' is no code. Write SYSTEM:CODE, the system one of {', '.join(SYSTEMS)}.")
            continue
        found.append((system, code))
    return tuple(found)


def read_relations(
    path: Path, pack: str, file: str, concepts: Mapping[str, Concept], sources: Mapping[str, object], faults: Faults
) -> list[Relation]:  # fmt: skip
    """The relations of a sheet; faults are noted: concepts not known, kinds that do not fit, what is missing."""
    if not path.exists():
        return []
    found: dict[tuple[str, str, str], Relation] = {}
    for row in read(path, file=file, columns=RELATIONS, needed=("from", "relation", "to", "source")):
        one = Relation(
            row["from"], row["relation"], row["to"], row.get("indicator", ""), row.get("strength", ""), row["source"],
            row.get("en", ""), row.get("zh", ""), pack, row.place(),
        )  # fmt: skip
        key = (one.one, one.relation, one.other)
        if key in found:
            faults.note(f"{_item(one)}: it stands already at {found[key].place}. Keep one of the two.")
        if _fits(one, concepts, sources, faults):
            found[key] = one
    return list(found.values())


def _item(one: Relation) -> str:
    return f"{one.place}: {one.one} {one.relation} {one.other}"


def _fits(one: Relation, concepts: Mapping[str, Concept], sources: Mapping[str, object], faults: Faults) -> bool:
    item = _item(one)
    tie = ties().get(one.relation)
    if tie is None:
        faults.note(f"{item}: there is no relation '{one.relation}'. Write one of {', '.join(ties())}.")
    strange = [name for name in (one.one, one.other) if name not in concepts]
    for name in strange:
        faults.note(f"{item}: there is no concept '{name}'. Add it to concepts.csv, or write one that is there.")
    if tie is None or strange:
        return False
    first, second = concepts[one.one].kind, concepts[one.other].kind
    if first not in tie.one or second not in tie.other or (tie.alike and first != second):
        faults.note(f"{item}: a {first} does not stand so to a {second}. Choose another relation, or mend the kinds.")
    if one.source not in sources:
        faults.note(f"{item}: there is no source '{one.source}'. Add it under `sources` of pack.yaml.")
    if one.indicator and one.indicator not in INDICATORS:
        faults.note(f"{item}: '{one.indicator}' is no indicator. Write one of {', '.join(INDICATORS)}.")
    if one.indicator and not (one.en and one.zh):
        faults.note(f"{item}: a card of it has no advice in both languages. Fill `en` and `zh`.")
    if one.strength and one.strength not in STRENGTHS:
        faults.note(f"{item}: '{one.strength}' is no strength. Write one of {', '.join(STRENGTHS)}.")
    return True


def check_rings(relations: Sequence[Relation], faults: Faults) -> None:
    """Note the rings among relations that may not have one, with every place that is part of it."""
    for name, tie in ties().items():
        if tie.ring:
            continue
        found = ring([one for one in relations if one.relation == name])
        if found:
            chain = " → ".join([*(one.one for one in found), found[-1].other])
            places = ", ".join(one.place for one in found)
            faults.note(
                f"{found[0].place}: {found[0].one} {name} {found[0].other}: the relation `{name}` runs in a ring, "
                f"{chain} ({places}). Take one of these rows out."
            )


def check_pairs(relations: Sequence[Relation], faults: Faults) -> None:
    """Note relations of a concept to itself, mutual ones that stand twice, and those that contradict each other."""
    met = {(one.one, one.relation, one.other): one for one in relations}
    for one in relations:
        tie = ties()[one.relation]
        if not tie.mutual and not tie.against:
            continue
        turned = met.get((one.other, one.relation, one.one)) if tie.mutual else None
        other = met.get((one.one, tie.against, one.other))
        if turned is one:
            faults.note(f"{_item(one)}: that is one and the same. Name another, or take it out.")
        elif turned is not None and relations.index(turned) < relations.index(one):
            faults.note(f"{_item(one)}: it stands already, the other way, at {turned.place}. Keep one of the two.")
        if other is not None:
            faults.note(f"{_item(one)}: it contradicts {_item(other)}. Take one of the two out.")
