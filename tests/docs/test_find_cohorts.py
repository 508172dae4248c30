"""The definition on docs/how-to/find-cohorts.md is one, and finds whom the page says that it finds."""

import json
import re
from datetime import date
from pathlib import Path

import yaml

from isthmus.research.cohorts import circe, phenotype
from isthmus.research.cohorts.evaluate import evaluate
from isthmus.research.cohorts.levels import needs
from isthmus.research.incidence import reader
from isthmus.research.incidence.rates import STEPS
from lib import cdm
from lib.tree import ROOT

TEXT = (ROOT / "docs" / "how-to" / "find-cohorts.md").read_text(encoding="utf-8")
FEVER = 437663


def test_the_definition_finds_adults_with_fever_for_thirty_days(tmp_path: Path) -> None:
    (written,) = re.findall(r"```json\n(.*?)```", TEXT, flags=re.DOTALL)
    definition = circe.read(json.dumps(json.loads(written)).encode(), name="101", file="101.json")
    people = ((1, 1950), (2, 2010))
    tables = {
        "concept": [{"concept_id": FEVER, "concept_name": "Fever"}],
        "person": [{"person_id": one, "year_of_birth": year} for one, year in people],
        "observation_period": [
            {
                "observation_period_id": one, "person_id": one, "observation_period_start_date": "2020-01-01",
                "observation_period_end_date": "2020-12-31",
            }
            for one, _ in people
        ],
        "condition_occurrence": [
            {
                "condition_occurrence_id": one, "person_id": one, "condition_concept_id": FEVER,
                "condition_start_date": "2020-02-01",
            }
            for one, _ in people
        ],
    }  # fmt: skip
    (shorter,) = re.findall(r"```yaml\n(.*?)```", TEXT, flags=re.DOTALL)
    again = phenotype.read(shorter.encode(), name="102", file="101.yaml")
    with cdm.desk(tmp_path, tables) as desk:
        found = evaluate(desk, [definition, again]).rows.to_pylist()
    told = [(row["person_id"], row["start_date"], row["end_date"]) for row in found]
    assert told == [(1, date(2020, 2, 1), date(2020, 3, 2))] * 2


def test_the_phenotype_of_the_reference_is_one() -> None:
    text = (ROOT / "docs" / "reference" / "phenotype.md").read_text(encoding="utf-8")
    written, of_registry = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    definition = phenotype.read(written.encode(), name="1", file="1.yaml")
    assert [rule.name for rule in definition.rules] == ["no other cancer before", "man, or old"]
    assert phenotype.read(of_registry.encode(), name="2", file="2.yaml").title.startswith("Child-Pugh A")


def test_the_cohorts_of_cohorts_of_the_reference_are_some() -> None:
    text = (ROOT / "docs" / "reference" / "cohorts.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    made = [
        phenotype.read(yaml.safe_dump(one).encode(), name=name, file=name)
        for name, one in yaml.safe_load(written).items()
    ]
    assert [len(needs(one)) for one in made] == [2, 2, 3, 2, 1, 1, 1, 2]


def test_the_design_of_the_reference_is_one() -> None:
    text = (ROOT / "docs" / "reference" / "incidence.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    design = reader.document(written.encode(), file="design.yaml")
    assert design.cohorts() == {"surgery", "ablation", "bleeding", "transplanted", "dead", "hepatitis B"}
    assert len(design.asked()) == 4
    assert "by ten\nstatements" in text
    assert len(STEPS) + 1 == 10  # and the one that puts them together
