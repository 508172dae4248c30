"""A checked vocabulary pack as rows of the CDM: set-based statements over the tables that `tables` gives.

Concept ids are derived from vocabulary id and code, so they are the same in every workspace and stay the same when an
edition is loaded again. They have 52 bits above 2,000,000,000: every program that holds numbers as JavaScript does, as
editors of concept sets do, holds them exactly.
"""

from collections.abc import Mapping, Sequence

import pyarrow as pa

from isthmus.cdm.starter import CHINESE, ENGLISH, OWN
from isthmus.mapping.search.index import HAN
from isthmus.mapping.vocabulary.check import APART, day_of, names_of, parents_of
from isthmus.mapping.vocabulary.form import Form, relations

RETIRED = "retired"
# The vocabulary of concepts that stand for vocabularies.
HOME = "Isthmus"

ID = f"CAST({OWN} + (isthmus_digest('concept' || chr(31) || {{vocabulary}} || chr(31) || {{code}}) >> 11) AS BIGINT)"
# The codes with their ids; `pack_code` is of `tables`.
OWNED = f"SELECT *, {ID.format(vocabulary='{vocabulary}', code='code')} AS concept_id FROM pack_code"
# The concept that stands for the vocabulary.
HEAD = f"SELECT *, {ID.format(vocabulary='{home}', code='concept_code')} AS concept_id FROM pack_head"
# The same id for two codes, or for a code and a concept that is there: it cannot be loaded.
CLASHES = """
    SELECT o.code AS code, any_value(c.concept_code) AS other FROM pack_owned o
    JOIN (SELECT concept_id, vocabulary_id, concept_code FROM concept
        UNION ALL SELECT concept_id, {vocabulary}, code FROM pack_owned) c USING (concept_id)
    WHERE c.vocabulary_id <> {vocabulary} OR c.concept_code <> o.code GROUP BY o.code
"""
EDGES = """
    SELECT c.concept_id AS child, p.concept_id AS parent
    FROM pack_edge e JOIN pack_owned c ON c.code = e.code JOIN pack_owned p ON p.code = e.parent
"""
# Where maps lead: of several concepts of one code the valid one.
TARGETS = """
    SELECT DISTINCT ON (m.code, m.vocabulary, m.target) o.concept_id AS source, c.concept_id AS target,
        m.relation AS relation, coalesce(c.standard_concept, '') = 'S' AS standard
    FROM pack_map m JOIN pack_owned o ON o.code = m.code
    JOIN concept c ON c.vocabulary_id = m.vocabulary AND c.concept_code = m.target
    ORDER BY m.code, m.vocabulary, m.target, c.invalid_reason NULLS FIRST, c.concept_id
"""
# What a code means in the standard vocabularies: what it is equal to, or what that maps to in its turn.
MEANT = """
    SELECT source, target FROM pack_targets WHERE standard AND relation = 'equal'
    UNION SELECT t.source, r.concept_id_2 FROM pack_targets t
    JOIN concept_relationship r ON r.concept_id_1 = t.target AND r.relationship_id = 'Maps to'
        AND coalesce(r.invalid_reason, '') = ''
    WHERE NOT t.standard AND t.relation = 'equal'
"""
CONCEPT = """
    SELECT concept_id, name AS concept_name, domain AS domain_id, {vocabulary} AS vocabulary_id,
        class AS concept_class_id,
        CASE WHEN {standard} AND invalid IS NULL AND concept_id NOT IN (SELECT source FROM pack_meant) THEN 'S' END
            AS standard_concept, code AS concept_code,
        valid_from AS valid_start_date, valid_to AS valid_end_date, invalid AS invalid_reason
    FROM pack_owned
    UNION ALL SELECT concept_id, concept_name, 'Metadata', {home}, 'Vocabulary', NULL, concept_code, {begin}, {end},
        NULL FROM pack_term
"""
SYNONYM = """
    SELECT o.concept_id AS concept_id, s.name AS concept_synonym_name, s.language AS language_concept_id
    FROM pack_synonym s JOIN pack_owned o ON o.code = s.code
    UNION ALL SELECT concept_id, chinese, {chinese} FROM pack_term WHERE chinese <> ''
"""
RELATIONSHIP = """
    SELECT concept_id_1, concept_id_2, relationship_id, {begin} AS valid_start_date, {end} AS valid_end_date,
        CAST(NULL AS TEXT) AS invalid_reason
    FROM (
        SELECT child AS concept_id_1, parent AS concept_id_2, 'Is a' AS relationship_id FROM pack_edges
        UNION ALL SELECT parent, child, 'Subsumes' FROM pack_edges
        UNION ALL SELECT t.source, t.target, r.forward FROM pack_targets t JOIN pack_relation r USING (relation)
        UNION ALL SELECT t.target, t.source, r.reverse FROM pack_targets t JOIN pack_relation r USING (relation)
        UNION ALL SELECT source, target, 'Maps to' FROM pack_meant
        UNION ALL SELECT target, source, 'Mapped from' FROM pack_meant
    )
"""
# Paths of one step, and of one step more than those of the last round; a hierarchy without rings comes to an end.
FIRST_STEP = "SELECT parent AS ancestor, child AS descendant FROM pack_edges"
NEXT_STEP = """
    SELECT DISTINCT e.parent AS ancestor, s.descendant AS descendant
    FROM pack_step s JOIN pack_edges e ON e.child = s.ancestor
"""
STEPS = "SELECT ancestor, descendant, {steps} AS steps FROM pack_step"
ANCESTOR = """
    SELECT ancestor AS ancestor_concept_id, descendant AS descendant_concept_id,
        CAST(min(steps) AS INTEGER) AS min_levels_of_separation, CAST(max(steps) AS INTEGER) AS max_levels_of_separation
    FROM (SELECT concept_id AS ancestor, concept_id AS descendant, 0 AS steps FROM pack_owned
        UNION ALL SELECT ancestor, descendant, steps FROM pack_path) GROUP BY ancestor, descendant
"""


def tables(codes: pa.Table, maps: Sequence[pa.Table], form: Form) -> Mapping[str, pa.Table]:
    """The tables that the statements read: pack_code, pack_synonym, pack_edge, pack_map, pack_relation."""
    code, names = codes["code"], names_of(codes, form)
    edges = [(child, one) for child, above in zip(code.to_pylist(), parents_of(codes, form), strict=True)
             for one in above]  # fmt: skip
    text = pa.string()
    listed = [one.select(["code", "vocabulary", "target", "relation"]) for one in maps]
    empty = pa.schema([("code", text), ("vocabulary", text), ("target", text), ("relation", text)]).empty_table()
    spoken = [(one.relation, one.forward, one.reverse) for one in relations().values()]
    return {
        "pack_code": pa.table({"code": code, "name": pa.array(names, text), **_said(codes, form)}),
        "pack_synonym": _table(("code", "name", "language"), _synonyms(codes, names), (text, text, pa.int64())),
        "pack_edge": _table(("code", "parent"), edges, (text, text)),
        "pack_map": pa.concat_tables([empty, *listed]),
        "pack_relation": _table(("relation", "forward", "reverse"), spoken, (text, text, text)),
    }


def _said(codes: pa.Table, form: Form) -> dict[str, pa.Array]:
    """What a code says of itself, or the pack of all its codes."""
    retired = [one == RETIRED for one in codes["status"].to_pylist()]
    begin = [day_of(one) or form.valid_from for one in codes["valid_from"].to_pylist()]
    end = [day_of(one) or form.valid_to for one in codes["valid_to"].to_pylist()]
    return {
        "domain": pa.array([one or form.domain for one in codes["domain"].to_pylist()]),
        "class": pa.array([one or form.concept_class for one in codes["class"].to_pylist()]),
        "valid_from": pa.array(begin, pa.date32()),
        "valid_to": pa.array(end, pa.date32()),
        "invalid": pa.array(["D" if one else None for one in retired], pa.string()),
    }


def _synonyms(codes: pa.Table, names: Sequence[str]) -> list[tuple[str, str, int]]:
    """Other names than the one that a code has: in English, in Chinese, and those listed as synonyms."""
    found: dict[tuple[str, str, int], None] = {}
    columns = (codes[name].to_pylist() for name in ("code", "name_en", "name_zh", "synonyms"))
    for own, code, english, chinese, others in zip(names, *columns, strict=True):
        told = [(english, ENGLISH), (chinese, CHINESE)]
        told += [(one.strip(), CHINESE if _is_chinese(one) else ENGLISH) for one in others.split(APART)]
        found.update({(code, name, language): None for name, language in told if name and name != own})
    return list(found)


def _is_chinese(text: str) -> bool:
    low, high = HAN[0], HAN[2]
    return any(low <= letter <= high for letter in text)


def _table(names: Sequence[str], rows: Sequence[tuple[object, ...]], types: Sequence[pa.DataType]) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return pa.table({name: pa.array(column, kind) for name, column, kind in zip(names, columns, types, strict=True)})
