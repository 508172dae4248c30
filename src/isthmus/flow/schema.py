"""What the lake's tables look like: the CDM's columns, and where each row came from."""

from collections.abc import Sequence

import pyarrow as pa

from isthmus.cdm.tables import TABLES
from isthmus.mapping.identity import IDENTITY as SAID

PROVENANCE = (("part_id", pa.int64()), ("place", pa.int64()), ("mapping_id", pa.int64()))

# One row for every record that was ever read: what became of it, and why. With (part_id, place) it leads to the bytes.
RECORD = pa.schema(
    [
        ("kind", pa.string()), ("record_id", pa.int64()), ("print", pa.int64()), ("version", pa.string()),
        ("part_id", pa.int64()), ("place", pa.int64()), ("mapping_id", pa.int64()), ("outcome", pa.string()),
        ("reason", pa.string()), ("site", pa.string()),
    ]
)  # fmt: skip
# Columns that records keep for look-ups by other records of the same site and key space.
REFERENCE = pa.schema(
    [("keyspace", pa.string()), ("_record", pa.string()), ("_key", pa.string()), ("_fields", pa.string()), *PROVENANCE,
     ("site", pa.string())]
)  # fmt: skip
# Uses of codes that wait for a decision (concept 0), or were resolved by one: by record, code and concept column.
CODING = pa.schema(
    [("system", pa.string()), ("code", pa.string()), ("name", pa.string()), ("table", pa.string()),
     ("column", pa.string()), ("concept_id", pa.int64()), ("decision_id", pa.int64()), *PROVENANCE,
     ("site", pa.string())]
)  # fmt: skip
# What was mended of a measurement, by whose decision: its number, unit and limits as they were and as they are.
REPAIR = pa.schema(
    [("measurement_id", pa.int64()), ("decision_id", pa.int64()), ("proposal_id", pa.int64()), ("family", pa.string()),
     ("set_aside", pa.bool_()), ("was_value", pa.float64()), ("value", pa.float64()),
     ("was_unit_concept_id", pa.int64()), ("unit_concept_id", pa.int64()), ("was_low", pa.float64()),
     ("low", pa.float64()), ("was_high", pa.float64()), ("high", pa.float64()), *PROVENANCE, ("site", pa.string())]
)  # fmt: skip
# What records say of who a person is, as the site wrote it. Of the highest grade: the gate never hands it out.
IDENTITY = pa.schema([*((one.name, one.arrow) for one in SAID.columns), *PROVENANCE, ("site", pa.string())])
# Which person each record of `identity` is of: the number, since which edition, and why (linkage/index.py). `weight` is
# that of its strongest link. Records of one person with the same texts (`print`) are linked as one, `record_id`.
PERSON_LINK = pa.schema(
    [("identity_id", pa.int64()), ("person_id", pa.int64()), ("person", pa.int64()), ("since", pa.int64()),
     ("why", pa.string()), ("weight", pa.float64()), ("record_id", pa.int64()), ("cluster", pa.int64()),
     ("print", pa.int64())]
)  # fmt: skip
# What happened to persons' numbers, oldest first.
PERSON_EVENT = pa.schema(
    [("edition", pa.int64()), ("event", pa.string()), ("person", pa.int64()), ("other", pa.int64()),
     ("records", pa.int64())]
)  # fmt: skip
# Pairs of records that were scored: the weight, its steps in the order of the model, and why a link was not made. What
# a later linkage need not do again.
PERSON_PAIR = pa.schema(
    [("l", pa.int64()), ("r", pa.int64()), ("weight", pa.float64()), ("steps", pa.list_(pa.float32())),
     ("cut", pa.string())]
)  # fmt: skip
# The sites' persons who are one with another, or have another number than the site gave: what the gate joins by.
PERSON_ALIAS = pa.schema([("person_id", pa.int64()), ("person", pa.int64())])
LINKED = {
    "person_link": PERSON_LINK, "person_event": PERSON_EVENT, "person_pair": PERSON_PAIR, "person_alias": PERSON_ALIAS,
}  # fmt: skip
LINKED_ORDER = {
    "person_link": ("identity_id",), "person_event": ("edition", "event", "person", "other"),
    "person_pair": ("l", "r"), "person_alias": ("person_id",),
}  # fmt: skip
# The tables that are no tables of the CDM.
OWN = {
    "record": RECORD, "reference": REFERENCE, "coding": CODING, "repair": REPAIR, "identity": IDENTITY, **LINKED,
}  # fmt: skip

# Tables in which several records may speak of one row: a death told by a patient form and by follow-up forms, a
# person known to several systems of a hospital. By table the column that says which row is meant.
SHARED = {
    "care_site": "care_site_id", "death": "person_id", "location": "location_id", "person": "person_id",
    "provider": "provider_id", "visit_occurrence": "visit_occurrence_id",
}  # fmt: skip
# What each record states about such a row is kept in `<table>_statement`; the table itself has the one that stands.
STATEMENT = "_statement"


def shared_of(table: str) -> str | None:
    """The shared table whose statements this table holds, if any."""
    name = table.removesuffix(STATEMENT)
    return name if table.endswith(STATEMENT) and name in SHARED else None


def schema_of(table: str) -> pa.Schema:
    """The Arrow schema of a lake table, its partition column `site` last."""
    if table in OWN:
        return OWN[table]
    stated = shared_of(table)
    if stated is not None:
        return schema_of(stated).insert(0, pa.field("version", pa.string()))
    columns = [(column.name, column.arrow) for column in TABLES[table].columns]
    if TABLES[table].group == "vocabulary":
        return pa.schema(columns)
    return pa.schema([*columns, *PROVENANCE, ("site", pa.string())])


def columns_of(table: str) -> list[str]:
    """The columns that a data file of the table holds: all but the partition column `site`."""
    return [name for name in schema_of(table).names if name != "site"]


def order_of(table: str) -> Sequence[str]:
    """The columns by which a table's files are sorted: by person, and in one order only."""
    if table == "record":
        return ("kind", "part_id", "place")
    if table == "reference":
        return ("_record", "_key", "part_id", "place")
    if table == "identity":
        return ("person_id", "identity_id", "part_id", "place")
    if table in LINKED:
        return LINKED_ORDER[table]
    if table == "coding":
        return ("system", "code", "part_id", "place", "table", "column")
    if table == "repair":
        return ("measurement_id", "part_id", "place", "proposal_id")
    stated = shared_of(table)
    if stated is not None:
        return (SHARED[stated], "part_id", "place")
    spec = TABLES[table]
    first = ["person_id"] if any(column.name == "person_id" for column in spec.columns) else []
    if spec.primary_key:
        own = [spec.primary_key] if spec.primary_key not in first else []
        return (*first, *own, "part_id", "place")
    return (*first, "part_id", "place", *(c.name for c in spec.columns if c.name.endswith("concept_id")))
