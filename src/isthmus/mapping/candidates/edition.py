"""Codes of national editions, shortened until an edition that the vocabulary has knows them.

The Chinese editions of ICD-10 and ICD-9-CM-3 lengthen older codes (`K76.000x005`, `50.2200x003`): what stands before
the lengthening is a code of the older edition, or becomes one when it is shortened.
"""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

# By domain, the vocabularies whose codes are looked up, the nearest edition first.
VOCABULARIES = {"Condition": ("ICD10CN", "ICD10", "ICD10CM"), "Procedure": ("ICD9ProcCN", "ICD9Proc")}
SHAPES = {"Condition": re.compile(r"[A-Z]\d{2}(\.\w{1,4})?"), "Procedure": re.compile(r"\d{2}\.\d{1,4}")}
CATEGORIES = {"Condition": r"[A-Z]\d{2}", "Procedure": r"\d{2}\.\d"}
APART = re.compile(r"[+/;、，, ]+")
EXTENSION = re.compile(r"[xX]\d+$")
SHORTEST = {"Condition": 3, "Procedure": 4}


def forms(code: str, domain: str) -> list[str]:
    """A code and its shorter forms, the longest first; none where it has not the shape of the domain's codes.

    Of several codes in one (dagger and asterisk) the first is taken.
    """
    if domain not in SHAPES:
        return []
    first = APART.split(code.strip().upper())[0].rstrip("*†")
    whole = EXTENSION.sub("", first)
    bare = whole.replace(".X", ".")
    if not SHAPES[domain].match(bare):
        return []
    found = [first, whole]
    while len(bare) >= SHORTEST[domain]:
        found.append(bare.rstrip("."))
        bare = bare[:-1]
    return list(dict.fromkeys(found))


def same(form: str, code: str) -> bool:
    """Whether a form says as much as the code: only zeros at its end were taken away."""
    return code.strip().upper().rstrip("0").rstrip(".") == form.rstrip("0").rstrip(".")


def families(codes: pa.Array, domain: str) -> np.ndarray:
    """The number of each code's category (C22 of C22.0; 50.2 of 50.2200), int64; -1 where it has not the shape of the
    domain's codes."""
    if domain not in CATEGORIES:
        return np.full(len(codes), -1, np.int64)
    found = pc.struct_field(pc.extract_regex(codes, f"^(?P<category>{CATEGORIES[domain]})"), "category")
    numbers = pc.dictionary_encode(found).indices.fill_null(-1)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), np.int64)


def asked(row: int, code: str, domains: Sequence[str]) -> list[dict[str, object]]:
    """What is looked up for a code: row, vocabulary, form, and how far from the code it is."""
    return [
        {"row": row, "vocabulary": vocabulary, "form": form, "far": far}
        for domain in domains
        for far, form in enumerate(forms(code, domain))
        for vocabulary in VOCABULARIES[domain]
    ]


# Of each row and vocabulary the longest form that is a code there, with the standard concepts that it maps to.
KNOWN = """
    WITH hit AS (
        SELECT a.row, a.far, a.form, a.vocabulary, c.concept_id, c.concept_name, c.standard_concept
        FROM asked a JOIN concept c ON c.vocabulary_id = a.vocabulary AND c.concept_code = a.form
        QUALIFY a.far = min(a.far) OVER (PARTITION BY a.row)
    )
    SELECT h.row AS row, h.form AS form, h.vocabulary AS vocabulary, h.concept_name AS name, s.concept_id AS concept_id
    FROM hit h LEFT JOIN concept_relationship r ON r.concept_id_1 = h.concept_id AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    JOIN concept s ON s.standard_concept = 'S'
        AND s.concept_id = CASE WHEN h.standard_concept = 'S' THEN h.concept_id ELSE r.concept_id_2 END
    ORDER BY row, concept_id, vocabulary
"""
