"""Names compared: one writing for the same words, and the wordings that were given a meaning before."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from isthmus.mapping.terms.writing import STOPS, bare, plain


def keys(texts: Sequence[str]) -> list[str]:
    """Each text in the writing in which names are compared: width, case, variants and stops do not count."""
    written: list[str] = bare(plain(pa.array(list(texts), pa.string()))).to_pylist()
    return written


@dataclass(frozen=True, slots=True)
class Known:
    """A wording with a known meaning: by a decision, or by a pack's list. `told` says where from, in words."""

    wording: str
    answer: tuple[int, ...]
    told: str
    origin: str  # the decision or list, so that one may be left out when another is measured


class Past:
    """Wordings with known meanings, by the writing in which they are compared."""

    def __init__(self, known: Iterable[Known]) -> None:
        self._by_key: dict[str, list[Known]] = {}
        self.add(*known)

    def add(self, *known: Known) -> None:
        """Wordings that are known from now on."""
        for key, one in zip(keys([one.wording for one in known]), known, strict=True):
            if key:
                self._by_key.setdefault(key, []).append(one)

    def find(self, key: str, *, without: str = "") -> list[Known]:
        """What is known of a wording, leaving out one origin."""
        return [one for one in self._by_key.get(key, ()) if not without or one.origin != without]


def unanimous(known: Sequence[Known]) -> tuple[int, ...]:
    """The meaning that all of them give; none where they differ."""
    answers = {frozenset(one.answer) for one in known}
    return known[0].answer if len(answers) == 1 else ()


# Concepts whose name or synonym is a wording's; a name that is not standard stands for what it maps to. `asked` has
# row and key. The engine writes keys as `keys` does, but for full-width letters and variants, which names seldom have.
NAMED = f"""
    WITH called AS (
        SELECT concept_id, concept_name AS name, false AS synonym FROM concept
        UNION ALL SELECT concept_id, concept_synonym_name, true FROM concept_synonym
    ), hit AS (
        SELECT a.row, n.concept_id, n.name, n.synonym FROM called n
        JOIN asked a ON a.key = regexp_replace(lower(n.name), '{STOPS.replace("'", "''")}', '', 'g')
    )
    SELECT h.row AS row, s.concept_id AS concept_id, any_value(h.name) AS name, bool_and(h.synonym) AS synonym,
        bool_and(s.concept_id <> h.concept_id) AS mapped, any_value(c.vocabulary_id) AS vocabulary
    FROM hit h JOIN concept c ON c.concept_id = h.concept_id
    LEFT JOIN concept_relationship r ON r.concept_id_1 = c.concept_id AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    JOIN concept s ON s.standard_concept = 'S'
        AND s.concept_id = CASE WHEN c.standard_concept = 'S' THEN c.concept_id ELSE r.concept_id_2 END
    GROUP BY h.row, s.concept_id ORDER BY h.row, s.concept_id
"""

# Ingredients by name or ATC code; `asked` has row, name (small letters) and atc.
INGREDIENTS = """
    SELECT DISTINCT a.row AS row, a.name AS name, s.concept_id AS concept_id, s.concept_name AS found
    FROM asked a JOIN concept s ON s.standard_concept = 'S' AND s.domain_id = 'Drug' AND lower(s.concept_name) = a.name
    UNION
    SELECT DISTINCT a.row, a.name, s.concept_id, s.concept_name
    FROM asked a JOIN concept c ON c.vocabulary_id = 'ATC' AND c.concept_code = a.atc
    JOIN concept_relationship r ON r.concept_id_1 = c.concept_id
        AND r.relationship_id IN ('Maps to', 'ATC - RxNorm pr lat') AND coalesce(r.invalid_reason, '') = ''
    JOIN concept s ON s.concept_id = r.concept_id_2 AND s.standard_concept = 'S' AND s.concept_class_id = 'Ingredient'
    WHERE NOT EXISTS (SELECT 1 FROM concept d WHERE d.standard_concept = 'S' AND d.domain_id = 'Drug'
        AND lower(d.concept_name) = a.name)
    ORDER BY row, concept_id
"""

# The concepts that may be meant (`target`) under one name each, the Chinese one where there is any, with their codes;
# `wanted` has concept_id.
TARGETS = """
    SELECT c.concept_id AS concept_id, coalesce(min(n.concept_synonym_name), any_value(c.concept_name)) AS name,
        any_value(c.concept_code) AS code
    FROM target c LEFT JOIN concept_synonym n
        ON n.concept_id = c.concept_id AND regexp_matches(n.concept_synonym_name, '[一-龥]')
    WHERE {all} OR c.concept_id IN (SELECT concept_id FROM wanted)
    GROUP BY c.concept_id ORDER BY c.concept_id
"""


def single(found: Mapping[int, object]) -> tuple[int, ...]:
    """The one concept that was found; none where there are several."""
    return tuple(found) if len(found) == 1 else ()
