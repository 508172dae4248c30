"""The tables of the lake as unbound Ibis tables, from which questions are composed.

A question is a value: nothing here can be executed, only the gate has one answered. Rows that came from a site carry
four columns beside the model's (`PROVENANCE`); the vocabulary belongs to the whole lake and has none of them.
"""

from collections.abc import Mapping
from types import MappingProxyType

import ibis
import ibis.expr.types as ir

from isthmus.cdm.tables import TABLES, Table

IBIS: Mapping[str, str] = MappingProxyType(
    {
        "integer": "int32",
        "bigint": "int64",
        "float": "float64",
        "date": "date",
        "datetime": "timestamp(6)",
        "text": "string",
    }
)

PROVENANCE: Mapping[str, str] = MappingProxyType(
    {"site": "string", "part_id": "int64", "place": "int64", "mapping_id": "int64"}
)
"""Where a row came from: hospital, delivered part, place inside it, and the mapping that made the row."""


def _question(table: Table) -> ir.Table:
    columns = {column.name: IBIS[column.type] for column in table.columns}
    return ibis.table(columns if table.group == "vocabulary" else columns | dict(PROVENANCE), name=table.name)


QUESTIONS: Mapping[str, ir.Table] = MappingProxyType({name: _question(table) for name, table in TABLES.items()})
"""Every table of the CDM by name. Identity matters: the gate admits these very objects as leaves, no look-alikes."""

person = QUESTIONS["person"]
observation_period = QUESTIONS["observation_period"]
visit_occurrence = QUESTIONS["visit_occurrence"]
visit_detail = QUESTIONS["visit_detail"]
condition_occurrence = QUESTIONS["condition_occurrence"]
drug_exposure = QUESTIONS["drug_exposure"]
procedure_occurrence = QUESTIONS["procedure_occurrence"]
device_exposure = QUESTIONS["device_exposure"]
measurement = QUESTIONS["measurement"]
observation = QUESTIONS["observation"]
death = QUESTIONS["death"]
note = QUESTIONS["note"]
note_nlp = QUESTIONS["note_nlp"]
specimen = QUESTIONS["specimen"]
fact_relationship = QUESTIONS["fact_relationship"]
location = QUESTIONS["location"]
care_site = QUESTIONS["care_site"]
provider = QUESTIONS["provider"]
payer_plan_period = QUESTIONS["payer_plan_period"]
cost = QUESTIONS["cost"]
drug_era = QUESTIONS["drug_era"]
dose_era = QUESTIONS["dose_era"]
condition_era = QUESTIONS["condition_era"]
episode = QUESTIONS["episode"]
episode_event = QUESTIONS["episode_event"]
metadata = QUESTIONS["metadata"]
cdm_source = QUESTIONS["cdm_source"]
concept = QUESTIONS["concept"]
vocabulary = QUESTIONS["vocabulary"]
domain = QUESTIONS["domain"]
concept_class = QUESTIONS["concept_class"]
concept_relationship = QUESTIONS["concept_relationship"]
relationship = QUESTIONS["relationship"]
concept_synonym = QUESTIONS["concept_synonym"]
concept_ancestor = QUESTIONS["concept_ancestor"]
source_to_concept_map = QUESTIONS["source_to_concept_map"]
drug_strength = QUESTIONS["drug_strength"]
cohort = QUESTIONS["cohort"]
cohort_definition = QUESTIONS["cohort_definition"]
