"""Negative controls: outcomes that a treatment cannot cause, each of them simply the events of one concept.

They have no entry conditions, no observation period and no exit: an event is a member's stay of one day.
"""

from collections.abc import Collection, Mapping
from typing import Literal

import pyarrow as pa

from isthmus.gate.desk import Desk
from isthmus.research.cohorts.catalogue import domains
from isthmus.research.cohorts.concepts import step

DOMAINS = (
    "ConditionOccurrence", "DrugExposure", "DeviceExposure", "Measurement", "Observation", "ProcedureOccurrence",
    "VisitOccurrence",
)  # fmt: skip
OUTCOME = pa.schema({"cohort": pa.int64(), "concept_id": pa.int64()})

ITSELF = "SELECT cohort, concept_id FROM outcome"
BELOW = """
    SELECT DISTINCT o.cohort, a.descendant_concept_id AS concept_id
    FROM outcome o JOIN concept_ancestor a ON a.ancestor_concept_id = o.concept_id
"""
EVENTS = """
    SELECT m.cohort, e.person_id, {start} AS day
    FROM {table} e JOIN control m ON m.concept_id = e.{concept} WHERE {start} IS NOT NULL
"""
MEMBERS = """
    SELECT cohort, person_id, day AS start_date, day AS end_date
    FROM ({kept}) q ORDER BY cohort, person_id, day
"""
KEPT = {
    "all": "SELECT DISTINCT cohort, person_id, day FROM ({events}) e",
    "first": "SELECT cohort, person_id, min(day) AS day FROM ({events}) e GROUP BY cohort, person_id",
}


def controls(
    desk: Desk, outcomes: Mapping[int, int], *, occurrence: Literal["first", "all"] = "first",
    descendants: bool = True, within: Collection[str] = DOMAINS,
) -> pa.Table:  # fmt: skip
    """The events of outcomes (concept by number of the cohort): `cohort, person_id, start_date, end_date`, in order.

    With `descendants`, an outcome is what the vocabulary's table of ancestors has below its concept; that table has
    every concept below itself too, in a complete vocabulary. `within` are the kinds of events looked at.
    """
    columns = {"cohort": list(outcomes), "concept_id": list(outcomes.values())}
    desk.lay("outcome", pa.table(columns, schema=OUTCOME))
    desk.make("control", step(BELOW if descendants else ITSELF))
    events = " UNION ALL ".join(
        EVENTS.format(table=one.table, concept=one.concept, start=one.start)
        for one in (domains()[name] for name in within)
    )
    found = desk.take(step(MEMBERS.format(kept=KEPT[occurrence].format(events=events))))
    desk.drop("outcome", "control")
    return found
