"""What is known of the person whose text it is, as one expression of RE2 for each person.

The gate may read `identity` for this, and gives nothing of it to anybody: names, telephones, numbers and addresses
that any record of a person holds are looked for in the texts of that person, wherever and however spaced they stand.
"""

from collections.abc import Sequence

import ibis
import pyarrow as pa
from sqlglot import exp, parse_one

NAMES = ("name", "contact_name")
PARTS = ("name", "given_name", "surname", "contact_name")
PHONES = ("phone", "contact_phone")
NUMBERS = ("record_number", "resident_id", "identifier", "email")
PLACES = ("address", "street")
FIELDS = tuple(dict.fromkeys((*NAMES, *PARTS, *PHONES, *NUMBERS, *PLACES)))
SCHEMA = pa.schema([("person_id", pa.int64()), *((name, pa.string()) for name in FIELDS)])
PERSONS = pa.schema([("person_id", pa.int64()), ("person_source_value", pa.string())])
IDENTITY, PERSON = "isthmus_identity", "isthmus_person"
"""Under which names the view reads the tables `identity` and `person` as they lie in the edition."""
KNOWN = ibis.table({"_known_of": "int64", "_known": "string"}, name="isthmus_known")
"""A row for each person: an expression of all that is known of it. Only the gate's own rewriting reads it."""

# A name of Han characters may be spaced; of another name its parts stand alone as well, as they are written or in
# capitals. Of a telephone the last eleven digits count, grouped in any way. Texts of one character are left out.
SQL = r"""
    WITH said AS (
        {fields}
        UNION ALL SELECT person_id, 'number', person_source_value FROM {person}
    ),
    clean AS (SELECT {who} AS person_id, how, trim(text) AS text FROM said s {alias} WHERE length(trim(text)) > 1),
    part AS (
        SELECT person_id, unnest(regexp_split_to_array(text, '[\s,，.]+')) AS text FROM clean WHERE how = 'part'
    ),
    form AS (
        SELECT person_id, regexp_replace(
            regexp_replace(text, '[\s\p{{Z}}·]', '', 'g'), '(\p{{Han}})', '\1[\\s\\p{{Z}}·]*', 'g'
        ) AS form
        FROM clean WHERE how = 'name' AND regexp_full_match(text, '[\p{{Han}}·\s\p{{Z}}]+')
        UNION ALL
        SELECT person_id, '(?i:\b' || regexp_replace(regexp_escape(text), '(\\\s)+', '[\\s,]+', 'g') || ')'
        FROM clean WHERE how = 'name' AND NOT regexp_full_match(text, '[\p{{Han}}·\s\p{{Z}}]+')
        UNION ALL
        SELECT person_id, CASE WHEN regexp_full_match(text, '\w.*\w') THEN '\b' || form || '\b' ELSE form END
        FROM (SELECT person_id, text, unnest([regexp_escape(text), regexp_escape(upper(text))]) AS form FROM part)
        WHERE length(text) > 2 AND NOT regexp_matches(text, '\p{{Han}}')
        UNION ALL
        SELECT person_id, regexp_replace(right(regexp_replace(text, '\D', '', 'g'), 11), '(\d)', '\1[\\s().-]*', 'g')
        FROM clean WHERE how = 'phone' AND length(regexp_replace(text, '\D', '', 'g')) > 6
        UNION ALL
        SELECT person_id, '(?i:\b' || regexp_escape(text) || '\b)' FROM clean WHERE how = 'number' AND length(text) > 3
        UNION ALL
        SELECT person_id, '(?i:' || regexp_replace(regexp_escape(text), '(\\\s)+', '\\s*', 'g') || ')'
        FROM clean WHERE how = 'place' AND length(text) > 3
    )
    SELECT person_id AS _known_of, string_agg(form, '|' ORDER BY length(form) DESC, form) AS _known
    FROM (SELECT DISTINCT person_id, form FROM form) GROUP BY person_id
"""


def known(alias: str = "") -> exp.Query:
    """What the name of `KNOWN` stands for. `alias` names the table by which the persons of sites are joined, if any."""
    sources = (("name", NAMES), ("part", PARTS), ("phone", PHONES), ("number", NUMBERS), ("place", PLACES))
    fields = " UNION ALL ".join(
        f"SELECT person_id, '{how}' AS how, {name} AS text FROM {IDENTITY}" for how, names in sources for name in names
    )
    tree = parse_one(
        SQL.format(
            fields=fields, person=PERSON,
            who="coalesce(a.person, s.person_id)" if alias else "s.person_id",
            alias=f"LEFT JOIN {alias} a ON a.person_id = s.person_id" if alias else "",
        ),
        dialect="duckdb",
    )  # fmt: skip
    assert isinstance(tree, exp.Query)
    return tree


def reads() -> Sequence[tuple[str, str, pa.Schema]]:
    """What the view reads: by which name, which table of the edition, which columns of it."""
    return ((IDENTITY, "identity", SCHEMA), (PERSON, "person", PERSONS))
