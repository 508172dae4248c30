"""OMOP's concepts of what is measured and of its units: which analyte a test is, which concept a UCUM code."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from io import StringIO
from types import MappingProxyType

from isthmus.cdm.starter import starter


@cache
def analytes() -> Mapping[int, str]:
    """Keys of `analyte.csv` by the concepts of `measurement_concept_id` that stand for them (`concept.csv`)."""
    text = (files("isthmus.cdm") / "units" / "concept.csv").read_text(encoding="utf-8")
    return MappingProxyType({int(row["concept_id"]): row["analyte"] for row in csv.DictReader(StringIO(text))})


@cache
def units() -> Mapping[str, int]:
    """Concepts of UCUM codes, as the starter vocabulary has them."""
    tables = starter()
    concepts = tables["concept"].select(["concept_id", "concept_code", "domain_id", "standard_concept"]).to_pylist()
    known = {
        row["concept_code"]: row["concept_id"]
        for row in concepts
        if row["domain_id"] == "Unit" and row["standard_concept"]
    }
    mapped = tables["source_to_concept_map"].to_pylist()
    also = {row["source_code"]: row["target_concept_id"] for row in mapped if row["source_vocabulary_id"] == "UCUM"}
    return MappingProxyType({**also, **known})
