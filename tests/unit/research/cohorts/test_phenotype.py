"""Phenotypes in YAML: each says what a Circe document says, and what is wrong in one is told with its place."""

from typing import Any

import orjson
import pytest

from isthmus.research.cohorts import circe, phenotype
from isthmus.research.cohorts.cursor import DefinitionError
from isthmus.research.cohorts.definition import Definition

SMALL = """
concepts:
  fever: [437663 and below, "not 1", "2, mapped"]
  drug: [1125315]
enter:
  - condition: fever
"""
FEVER = {"id": 0, "name": "fever", "expression": {"items": [
    {"concept": {"CONCEPT_ID": 437663}, "includeDescendants": True},
    {"concept": {"CONCEPT_ID": 1}, "isExcluded": True},
    {"concept": {"CONCEPT_ID": 2}, "includeMapped": True},
]}}  # fmt: skip
DRUG = {"id": 1, "name": "drug", "expression": {"items": [{"concept": {"CONCEPT_ID": 1125315}}]}}
ANYWHERE = {"Start": {"Coeff": -1}, "End": {"Coeff": 1}}


def _told(text: str) -> Definition:
    return phenotype.read(text.encode(), name="p", file="p.yaml")


def _circe(**body: Any) -> Definition:
    document = {
        "ConceptSets": [FEVER, DRUG],
        "PrimaryCriteria": {
            "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}], "PrimaryCriteriaLimit": {"Type": "All"},
        },
        "QualifiedLimit": {"Type": "First"}, "ExpressionLimit": {"Type": "First"},
    }  # fmt: skip
    return circe.read(orjson.dumps(document | body), name="p", file="p.json")


def _entry(**event: Any) -> dict[str, Any]:
    return {"PrimaryCriteria": {"CriteriaList": [event], "PrimaryCriteriaLimit": {"Type": "All"}}}


def test_the_smallest_phenotype_is_its_circe_document() -> None:
    assert _told(SMALL) == _circe()


@pytest.mark.parametrize(
    ("event", "circe_event"),
    [
        ("{measurement: any, value: above 5.5}", {"Measurement": {"ValueAsNumber": {"Value": 5.5, "Op": "gt"}}}),
        ("{measurement: any, value: 5 to 9}",
         {"Measurement": {"ValueAsNumber": {"Value": 5, "Extent": 9, "Op": "bt"}}}),
        ("{measurement: any, value: not 5 to 9, unit: [8840, 8713]}",
         {"Measurement": {"ValueAsNumber": {"Value": 5, "Extent": 9, "Op": "!bt"},
                          "Unit": [{"CONCEPT_ID": 8840}, {"CONCEPT_ID": 8713}]}}),
        ("{condition: fever, first: true, age: at least 18, sex: [8507]}",
         {"ConditionOccurrence": {"CodesetId": 0, "First": True, "Age": {"Value": 18, "Op": "gte"},
                                  "Gender": [{"CONCEPT_ID": 8507}]}}),
        ("{drug: drug, as delivered: fever, days of supply: 30, its start: at least 2020-01-31}",
         {"DrugExposure": {"CodesetId": 1, "DrugSourceConcept": 0, "DaysSupply": {"Value": 30, "Op": "eq"},
                           "OccurrenceStartDate": {"Value": "2020-01-31", "Op": "gte"}}}),
        ("{visit: any, kind of visit: not fever}",
         {"VisitOccurrence": {"VisitTypeCS": {"CodesetId": 0, "IsExclusion": True}}}),
        ("{observation: any, text: not like %well%}",
         {"Observation": {"ValueAsString": {"Text": "well", "Op": "!contains"}}}),
        ("{measurement: any, abnormal result: true}", {"Measurement": {"Abnormal": True}}),
    ],
)  # fmt: skip
def test_an_event_says_what_circe_says(event: str, circe_event: dict[str, Any]) -> None:
    head = SMALL.partition("enter:")[0]
    assert _told(f"{head}enter: [{event}]") == _circe(**_entry(**circe_event))


@pytest.mark.parametrize(
    ("condition", "correlated"),
    [
        ("{drug: drug}", {"Occurrence": {"Type": 2, "Count": 1}, "StartWindow": ANYWHERE}),
        ("{drug: drug, at most: 2, counting: different visits, same visit: true, any period: true}",
         {"Occurrence": {"Type": 1, "Count": 2, "IsDistinct": True, "CountColumn": "VISIT_ID"}, "StartWindow": ANYWHERE,
          "RestrictVisit": True, "IgnoreObservationPeriod": True}),
        ("{drug: drug, exactly: 0, start: 30 before to that day of its end, end: any time before to 7 after}",
         {"Occurrence": {"Type": 0, "Count": 0},
          "StartWindow": {"Start": {"Days": 30, "Coeff": -1}, "End": {"Days": 0, "Coeff": -1}, "UseIndexEnd": True},
          "EndWindow": {"Start": {"Coeff": -1}, "End": {"Days": 7, "Coeff": 1}, "UseEventEnd": True}}),
    ],
)  # fmt: skip
def test_what_lies_around_says_what_circe_says(condition: str, correlated: dict[str, Any]) -> None:
    wanted = {"Criteria": {"DrugExposure": {"CodesetId": 1}}, **correlated}
    group = {"Type": "ALL", "CriteriaList": [wanted]}
    assert _told(f"{SMALL}require: [{condition}]\n") == _circe(AdditionalCriteria=group)


def test_groups_rules_and_ends_say_what_circe_says() -> None:
    told = _told(f"""{SMALL}
rules:
  one: {{at least 2 of: [{{drug: drug}}, {{person: {{age: at least 60}}}}, {{none of: [{{condition: fever}}]}}]}}
take: last
observed: {{before: 365}}
leave: {{drug: drug, gap: 30, offset: 7, supply: 14}}
censor: [{{drug: drug}}]
join: 5
calendar: 2015-01-01 to open
""")
    around = {"Occurrence": {"Type": 2, "Count": 1}, "StartWindow": ANYWHERE}
    rule = {
        "Type": "AT_LEAST", "Count": 2,
        "CriteriaList": [{"Criteria": {"DrugExposure": {"CodesetId": 1}}, **around}],
        "DemographicCriteriaList": [{"Age": {"Value": 60, "Op": "gte"}}],
        "Groups": [{"Type": "AT_MOST", "Count": 0,
                    "CriteriaList": [{"Criteria": {"ConditionOccurrence": {"CodesetId": 0}}, **around}]}],
    }  # fmt: skip
    assert told == _circe(
        PrimaryCriteria={
            "CriteriaList": [{"ConditionOccurrence": {"CodesetId": 0}}], "PrimaryCriteriaLimit": {"Type": "All"},
            "ObservationWindow": {"PriorDays": 365, "PostDays": 0},
        },
        QualifiedLimit={"Type": "All"}, ExpressionLimit={"Type": "Last"},
        InclusionRules=[{"name": "one", "expression": rule}],
        EndStrategy={"CustomEra": {"DrugCodesetId": 1, "GapDays": 30, "Offset": 7, "DaysSupplyOverride": 14}},
        CensoringCriteria=[{"DrugExposure": {"CodesetId": 1}}], CollapseSettings={"EraPad": 5},
        CensorWindow={"StartDate": "2015-01-01"},
    )  # fmt: skip
    assert (
        _told(f"{SMALL}leave: 30 days after end").exit
        == _circe(EndStrategy={"DateOffset": {"DateField": "EndDate", "Offset": 30}}).exit
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("enter: [", "p.yaml: line 1: this is no YAML"),
        ("title: x", "the document: there is no 'enter'"),
        (f"{SMALL}colour: red", "colour: a phenotype has no 'colour' here"),
        (SMALL.replace("condition: fever", "condition: cough"), "enter[0].condition: 'cough' is no concept set here"),
        (SMALL.replace("condition: fever", "illness: fever"), "enter[0]: exactly one kind of event is expected"),
        (SMALL.replace("condition: fever", "condition: fever\n    value: 5"), "enter[0].value: an event of the kind"),
        (SMALL.replace("437663 and below", "fever"), "concepts.fever[0]: 'fever' is no concept. Write 4001171"),
        (f"{SMALL}require: [{{drug: drug, start: soon}}]", "require[0].start: 'soon' is no window"),
        (f"{SMALL}require: [{{drug: drug, start: 3 to 5 after}}]", "require[0].start: '3' leads nowhere"),
        (f"{SMALL}require: [{{drug: drug, at least: 1, at most: 2}}]", "at most and at least are said together"),
        (f"{SMALL}require: [{{drug: drug, counting: sheep}}]", "require[0].counting: 'sheep' cannot be counted"),
        (f"{SMALL}rules: {{one: {{some of: []}}}}", "rules.one: this is no group of conditions"),
        (f"{SMALL}require: [{{person: {{age: old}}}}]", "require[0].person.age: 'old' is no comparison"),
        (f"{SMALL}take: any", "take: 'any' is no choice. Write first, last or all."),
        (f"{SMALL}leave: never", "leave: 'never' is no way out"),
        (f"{SMALL}calendar: 2020", "calendar: "),
    ],
)
def test_what_is_wrong_is_told_with_its_place_and_what_to_write(text: str, said: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        _told(text)
    assert said in str(refused.value)
