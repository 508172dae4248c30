"""The expansion of a concept set, as a question: concepts, with their descendants and what maps to them, less others.

It is the meaning that OHDSI's Circe gives to its concept set expressions: a concept is included as it is; a descendant
where it is valid; a code where it maps to a concept that is included. The same of all that is excluded is taken away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from isthmus.cdm.questions import concept, concept_ancestor, concept_relationship


@dataclass(frozen=True, slots=True)
class Item:
    """A concept of a set: with its descendants, with what maps to it, or to be taken away."""

    concept_id: int
    descendants: bool = False
    mapped: bool = False
    excluded: bool = False


def expansion(items: Sequence[Item]) -> ir.Table:
    """One column, concept_id, with a row for each concept of the set."""
    included = _members([one for one in items if not one.excluded])
    excluded = _members([one for one in items if one.excluded])
    return included.difference(excluded) if any(one.excluded for one in items) else included


def _members(items: Sequence[Item]) -> ir.Table:
    """Every concept that these items name, once."""
    members = _named([one.concept_id for one in items], [one.concept_id for one in items if one.descendants])
    mapped = [one for one in items if one.mapped]
    if mapped:
        reached = _named([one.concept_id for one in mapped], [one.concept_id for one in mapped if one.descendants])
        relation = concept_relationship.filter(
            concept_relationship.relationship_id == "Maps to", concept_relationship.invalid_reason.isnull()
        )
        codes = relation.semi_join(reached, relation.concept_id_2 == reached.concept_id)
        members = members.union(codes.select(concept_id=codes.concept_id_1))
    return members.distinct()


def _named(ids: Sequence[int], with_descendants: Sequence[int]) -> ir.Table:
    named = concept.filter(_in(concept.concept_id, ids)).select("concept_id")
    if not with_descendants:
        return named
    below = concept_ancestor.filter(_in(concept_ancestor.ancestor_concept_id, with_descendants))
    valid = concept.filter(concept.invalid_reason.isnull()).select("concept_id")
    found = valid.semi_join(below, valid.concept_id == below.descendant_concept_id)
    return named.union(found, distinct=True)


def _in(column: ir.Column, ids: Sequence[int]) -> ir.Value:
    return column.isin(sorted(set(ids))) if ids else ibis.literal(False)
