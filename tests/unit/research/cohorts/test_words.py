"""A definition in plain words: all that may be asked has words in both languages, and they say what is meant."""

import csv
from typing import Any

import orjson
import pytest

from isthmus.research.cohorts import circe, words
from isthmus.research.cohorts.catalogue import KINDS, demographics, domains
from isthmus.research.cohorts.definition import Definition

SET = {"id": 3, "name": "liver\n cancer ", "expression": {"items": [
    {"concept": {"CONCEPT_ID": 4001171, "CONCEPT_NAME": "Liver cell carcinoma"}, "includeDescendants": True},
    {"concept": {"CONCEPT_ID": 201519, "CONCEPT_NAME": "Primary"}, "isExcluded": True, "includeMapped": True},
]}}  # fmt: skip


def _definition(**body: Any) -> Definition:
    document = {"ConceptSets": [SET], "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {"CodesetId": 3}}]}}
    return circe.read(orjson.dumps(document | body), name="1", file="1.json")


def _said(language: str, **body: Any) -> list[str]:
    return [str(line) for line in words.told(_definition(**body), language)]


def _rule(**correlated: Any) -> dict[str, Any]:
    return {"InclusionRules": [{"name": "r", "expression": {"Type": "ALL", "CriteriaList": [correlated]}}]}


def _window(start: tuple[int | None, int], end: tuple[int | None, int], **more: Any) -> dict[str, Any]:
    ends = {
        name: {"Coeff": sign} | ({} if days is None else {"Days": days})
        for name, (days, sign) in (("Start", start), ("End", end))
    }
    return ends | more


@pytest.mark.parametrize("language", words.LANGUAGES)
def test_everything_that_may_be_asked_has_a_name(language: str) -> None:
    with (words.HERE / "words.csv").open(encoding="utf-8", newline="") as stream:
        named = {row["name"]: row[language] for row in csv.DictReader(stream)}
    silent = KINDS - {"integer", "decimal", "date", "concepts", "selection", "codeset", "text", "flag", "count"}
    asked = {one.name for domain in domains().values() for one in (*domain.attributes.values(), *domain.counts.values())
             if one.kind not in silent} | set(demographics())  # fmt: skip
    missing = [name for name in {*asked, *domains()} if not (named.get(name) or named.get(name.removesuffix("CS")))]
    assert missing == []


def test_a_small_definition_in_english() -> None:
    assert _said("en") == [
        "A person enters with",
        "  condition of “liver cancer”",
        "Of these events each person's earliest counts.",
        "A person leaves",
        "  with the end of the observation period",
        "Concept sets",
        "  “liver cancer”: Liver cell carcinoma (4001171) and all below it; not Primary (201519), what maps to it",
    ]


@pytest.mark.parametrize(
    ("correlated", "english", "chinese"),
    [
        (
            {"Occurrence": {"Type": 2, "Count": 1}, "StartWindow": _window((7, -1), (0, 1))},
            "at least one measurement, starting between 7 days before and the day of the start of the event",
            "至少 1 次检验检查，其开始介于事件开始日的前 7 天与当天之间",
        ),
        (
            {"Occurrence": {"Type": 0, "Count": 0}, "StartWindow": _window((None, -1), (None, 1))},
            "no measurement, at any time",
            "无检验检查，时间不限",
        ),
        (
            {
                "Occurrence": {"Type": 1, "Count": 2, "IsDistinct": True, "CountColumn": "START_DATE"},
                "StartWindow": _window((0, -1), (0, 1), UseIndexEnd=True, UseEventEnd=True),
            },
            "at most 2 × measurement, counting different days of start, ending on the day of the end of the event",
            "至多 2 次检验检查，按不同开始日计，其结束在事件结束日当天",
        ),
    ],
)
def test_what_lies_around_an_event(correlated: dict[str, Any], english: str, chinese: str) -> None:
    body = _rule(Criteria={"Measurement": {}}, **correlated)
    assert f"  {english}" in _said("en", **body)
    assert f"  {chinese}" in _said("zh", **body)


@pytest.mark.parametrize(
    ("asked", "english"),
    [
        ({"ValueAsNumber": {"Value": 5, "Op": "gt"}}, "value above 5"),
        ({"ValueAsNumber": {"Value": 5, "Op": "lte"}}, "value at most 5"),
        ({"ValueAsNumber": {"Value": 5, "Op": "!bt", "Extent": 9}}, "value below 5 or above 9"),
        ({"Age": {"Value": 18, "Op": "lt"}}, "age at most 17"),
        ({"OccurrenceStartDate": {"Value": "2020-01-02", "Op": "eq"}}, "its start 2020-01-02"),
        ({"Unit": [{"CONCEPT_ID": 8840}, {"CONCEPT_ID": 7, "CONCEPT_NAME": "x"}]}, "unit milligram per decilitre or x"),
        ({"MeasurementType": [{"CONCEPT_ID": 7}], "MeasurementTypeExclude": True}, "type of record other than 7"),
        ({"Abnormal": True}, "with abnormal result"),
    ],
)  # fmt: skip
def test_what_is_asked_of_an_event(asked: dict[str, Any], english: str) -> None:
    entry = {"CriteriaList": [{"Measurement": asked}]}
    assert english in _said("en", PrimaryCriteria=entry)[1]
