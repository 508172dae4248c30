"""Codes of the source become concepts; what has none becomes 0, and is never lost."""

from isthmus.flow.schema import schema_of
from isthmus.flow.statement import query
from lib.spec import Spec

LOCAL = """
== codes/sex.csv
code,name,concept_id
男,male,8507
女,female,8532
9,not said,0
== codes/lab.csv
code,name,vocabulary_id,concept_code
AFP,alpha fetoprotein,LOINC,{loinc}
ODD,not in the vocabulary,LOINC,0-0
== codes/both.csv
code,name,concept_id,vocabulary_id,concept_code
A,our choice goes first,8507,LOINC,{loinc}
"""
LOINC = "1751-7"  # albumin in serum, 3024561
PACK = LOCAL.format(loinc=LOINC)


def test_a_code_of_the_pack_has_the_concept_beside_it(spec: Spec) -> None:
    spec.holds(
        """
        x  | concept(x, 'sex') | source_concept(x, 'sex') | domain(x, 'sex')
        ---+-------------------+--------------------------+-----------------
        男 | 8507              | 0                        | Gender
        女 | 8532              | 0                        | Gender
        """,
        pack=PACK,
    )


def test_a_code_without_a_concept_is_0_and_no_code_is_null(spec: Spec) -> None:
    spec.holds(
        """
        x  | concept(x, 'sex') | source_concept(x, 'sex') | domain(x, 'sex')
        ---+-------------------+--------------------------+-----------------
        9  | 0                 | 0                        | Metadata
        ?  | 0                 | 0                        |
           |                   |                          |
        """,
        pack=PACK,
    )


def test_blanks_around_a_code_do_not_count_and_case_does(spec: Spec) -> None:
    spec.holds(
        """
        x   | concept(concat(' ', x, ' '), 'lab') | concept(lower(x), 'lab')
        ----+-------------------------------------+-------------------------
        AFP | 3024561                             | 0
        """,
        pack=PACK,
    )


def test_a_code_of_the_pack_may_point_into_a_vocabulary(spec: Spec) -> None:
    spec.holds(
        """
        x   | concept(x, 'lab') | source_concept(x, 'lab') | domain(x, 'lab')
        ----+-------------------+--------------------------+-----------------
        AFP | 3024561           | 3024561                  | Measurement
        ODD | 0                 | 0                        | Metadata
        """,
        pack=PACK,
    )


def test_a_concept_that_the_pack_names_goes_before_the_vocabulary(spec: Spec) -> None:
    spec.holds(
        """
        x | concept(x, 'both')
        --+-------------------
        A | 8507
        """,
        pack=PACK,
    )


def test_a_vocabulary_is_named_as_the_source_names_it(spec: Spec) -> None:
    spec.holds(
        """
        x      | u                | concept(x, u) | concept(x, 'http://loinc.org') | concept(x, 'LOINC')
        -------+------------------+---------------+--------------------------------+--------------------
        1751-7 | http://loinc.org | 3024561       | 3024561                        | 3024561
        1751-7 | LOINC            | 3024561       | 3024561                        | 3024561
        1751-7 | urn:other        | 0             | 3024561                        | 3024561
        1751-7 |                  | 0             | 3024561                        | 3024561
        0-0    | LOINC            | 0             | 0                              | 0
        """,
        pack='== pack.yaml\npack: spec\nvocabularies: {"http://loinc.org": LOINC}\n',
    )


def test_a_concept_that_is_not_standard_gives_the_one_it_maps_to(spec: Spec) -> None:
    spec.holds(
        """
        x         | concept(x, 'SNOMED') | source_concept(x, 'SNOMED')
        ----------+----------------------+----------------------------
        {code}    | {standard}           | {source}
        """.format(**_not_standard(spec)),
        pack="== pack.yaml\npack: spec\nvocabularies: {SNOMED: SNOMED}\n",
    )


def _not_standard(spec: Spec) -> dict[str, str]:
    """A code of the starter vocabulary that is mapped to another concept."""
    for name, files in spec.vocabulary.items():
        spec.engine.view(name, files, empty=schema_of(name))
    (row,) = spec.engine.rows(
        query(
            "SELECT c.concept_code AS code, c.concept_id AS source, r.concept_id_2 AS standard FROM concept c JOIN "
            "concept_relationship r ON c.concept_id = r.concept_id_1 WHERE c.standard_concept IS NULL AND "
            "c.vocabulary_id = 'SNOMED' AND r.relationship_id = 'Maps to' ORDER BY c.concept_id LIMIT 1"
        )
    ).to_pylist()
    return {name: str(value) for name, value in row.items()}


def test_one_code_in_two_systems_is_two_codes(spec: Spec) -> None:
    spec.holds(
        """
        x | concept(x, 'a') | concept(x, 'b')
        --+-----------------+----------------
        1 | 8507            | 8532
        """,
        pack="== codes/a.csv\ncode,concept_id\n1,8507\n== codes/b.csv\ncode,concept_id\n1,8532\n",
    )


def test_the_system_may_stand_in_the_row_with_a_list_of_the_pack(spec: Spec) -> None:
    spec.holds(
        """
        x | u | concept(x, u)
        --+---+--------------
        1 | a | 8507
        1 | b | 8532
        """,
        pack="== codes/a.csv\ncode,concept_id\n1,8507\n== codes/b.csv\ncode,concept_id\n1,8532\n",
    )
