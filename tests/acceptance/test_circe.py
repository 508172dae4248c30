"""The cases with which circe-be tests itself: a small CDM (PREP), and the rows that must come of it (VERIFY).

Source: OHDSI/circe-be 1.12, src/test (Apache-2.0). What each case asks is written in its Java tests, and said here
again. Tolerance: none. Left out: the selection of a dose unit (CDM 5.0), which is refused.
"""

import copy
import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pytest

from isthmus.gate.desk import Desk
from isthmus.research.cohorts import circe, files
from isthmus.research.cohorts.catalogue import domains
from isthmus.research.cohorts.concepts import Concepts, step
from isthmus.research.cohorts.controls import controls
from isthmus.research.cohorts.cursor import Cursor
from isthmus.research.cohorts.definition import Definition
from isthmus.research.cohorts.evaluate import Evaluation, evaluate
from isthmus.research.cohorts.matching import NOWHERE, UNSEEN
from isthmus.research.cohorts.plan import plan
from isthmus.research.cohorts.statements import BOX, ENTERED, INSIDE
from lib import cdm

pytestmark = pytest.mark.acceptance

Json = dict[str, Any]
ALL = {"Type": "All"}
EVER = {"Start": {"Coeff": -1}, "End": {"Coeff": 1}}
PRIOR_YEAR = {"Start": {"Days": 365, "Coeff": -1}, "End": {"Days": 0, "Coeff": -1}}


def _set(number: int, *, descendants: bool = False) -> Json:
    item = {"concept": {"CONCEPT_ID": number}, "includeDescendants": descendants}
    return {"id": number, "name": "", "expression": {"items": [item]}}


def _definition(primary: Json, **more: Any) -> Json:
    return {
        "ConceptSets": [_set(1), _set(2), _set(3), _set(99)],
        "PrimaryCriteria": {
            "CriteriaList": [primary], "ObservationWindow": {"PriorDays": 0, "PostDays": 0},
            "PrimaryCriteriaLimit": ALL,
        },
        "QualifiedLimit": ALL, "ExpressionLimit": ALL, **more,
    }  # fmt: skip


def _read(document: Json, name: str = "1") -> Definition:
    return circe.definition(Cursor(document, file="case.json"), name=name)


def _tables(folder: Path, prep: str) -> dict[str, list[Json]]:
    """The rows of a case under the CDM's names; `cohort` are the index events that some bring along."""
    tables: dict[str, list[Json]] = {}
    for name in ("datasets/vocabulary.json", prep):
        for table, rows in json.loads((folder / name).read_text()).items():
            tables[table.split(".")[1]] = rows
    return tables


def _matched(desk: Desk, definition: Definition) -> None:
    work = Evaluation(desk, plan([definition], Concepts(desk, [definition])))
    work.lay()
    work.match()


def _day(number: int) -> str | None:
    return None if number == UNSEEN else date.fromordinal(date(1970, 1, 1).toordinal() + number).isoformat()


def _selected(domain: str, **selections: int) -> Json:
    chosen = {f"{name}CS": {"CodesetId": number, "IsExclusion": False} for name, number in selections.items()}
    return {domain: chosen if domain == "ObservationPeriod" else {"CodesetId": 1, **chosen}}


VISITED = {"Gender": 1, "VisitType": 2, "ProviderSpecialty": 3}
ADJUSTED = {"StartWith": "START_DATE", "StartOffset": 15, "EndWith": "END_DATE", "EndOffset": -10}
SELECTIONS: Mapping[str, Mapping[str, int]] = {
    "ConditionEra": {"Gender": 1},
    "ConditionOccurrence": VISITED | {"ConditionType": 1},
    "Death": {"Gender": 1, "DeathType": 1},
    "DeviceExposure": VISITED | {"DeviceType": 1},
    "DoseEra": {"Gender": 1, "Unit": 3},
    "DrugEra": {"Gender": 1},
    "DrugExposure": VISITED | {"DrugType": 2, "RouteConcept": 3},
    "Measurement": VISITED | {"Operator": 3, "ValueAsConcept": 2, "Unit": 1},
    "Observation": VISITED | {"ObservationType": 1, "Qualifier": 3, "ValueAsConcept": 2, "Unit": 1},
    "ObservationPeriod": {"PeriodType": 1},
    "ProcedureOccurrence": VISITED | {"Modifier": 3, "ProcedureType": 2},
    "Specimen": {"Gender": 1, "SpecimenType": 2, "Unit": 3, "AnatomicSite": 2, "DiseaseStatus": 3},
    "VisitOccurrence": VISITED | {"PlaceOfService": 2},
}  # fmt: skip


def _lower(domain: str) -> str:
    return domain[0].lower() + domain[1:]


def _events(desk: Desk, primary: Json) -> Counter[tuple[Any, ...]]:
    _matched(desk, _read(_definition(primary)))
    rows = desk.take(step("SELECT person_id, event_id, start_day, end_day, visit, sort_day FROM match")).to_pylist()
    return Counter(
        (row["person_id"], row["event_id"], _day(row["start_day"]), _day(row["end_day"]),
         None if row["visit"] == NOWHERE else row["visit"], _day(row["sort_day"]))
        for row in rows
    )  # fmt: skip


def _expected(rows: list[Json]) -> Counter[tuple[Any, ...]]:
    names = ("person_id", "event_id", "start_date", "end_date", "visit_occurrence_id", "sort_date")
    return Counter(tuple(row[name] for name in names) for row in rows)


@pytest.mark.parametrize("domain", SELECTIONS)
def test_criteria_select_by_concept_sets(domain: str, outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    case = f"criteria/{_lower(domain)}ConceptSet"
    (expected,) = json.loads((folder / f"{case}_VERIFY.json").read_text()).values()
    with cdm.desk(tmp_path, _tables(folder, f"{case}_PREP.json")) as desk:
        assert _events(desk, _selected(domain, **SELECTIONS[domain])) == _expected(expected)


@pytest.mark.parametrize("domain", sorted({*SELECTIONS, "PayerPlanPeriod", "VisitDetail"} - {"Specimen"}))
def test_criteria_move_dates(domain: str, outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    case = f"criteria/{_lower(domain)}DateOffset"
    expected = json.loads((folder / f"{case}_VERIFY.json").read_text())
    with cdm.desk(tmp_path, _tables(folder, f"{case}_PREP.json")) as desk:
        asked: Json = {"CodesetId": 1} if domains()[domain].concept else {}
        wanted = {"simple": dict(asked)}
        wanted["date_adjust"] = wanted["simple"] | {"DateAdjustment": ADJUSTED}
        wanted["user_defined"] = wanted["date_adjust"] | {
            "UserDefinedPeriod": {"StartDate": "2000-09-01", "EndDate": "2000-09-30"}
        }
        for name, rows in expected.items():
            assert _events(desk, {domain: wanted[name.split(".")[1]]}) == _expected(rows), name


WINDOWS = (
    "ConditionEra", "ConditionOccurrence", "Death", "DeviceExposure", "DoseEra", "DrugEra", "DrugExposure",
    "Measurement", "Observation", "ObservationPeriod", "ProcedureOccurrence", "Specimen", "VisitDetail",
    "VisitOccurrence",
)  # fmt: skip
COLUMNS = {
    "domain_concept_id": "DOMAIN_CONCEPT", "occurrence_count": "ERA_OCCURRENCES", "unit_concept_id": "UNIT",
}  # fmt: skip


def _index(tables: dict[str, list[Json]], domain: str) -> Json:
    """Index events of a case, put into a table that the case does not look at; the criterion that finds them."""
    name = "Measurement" if domain in ("DeviceExposure", "Any") else "DeviceExposure"
    one = domains()[name]
    tables["concept"].append({"concept_id": 99, "concept_name": "index"})
    ends = {} if name == "Measurement" else {"device_exposure_end_date": "cohort_end_date"}
    tables[one.table] = [
        {one.id: 900 + at, "person_id": row["subject_id"], one.concept: 99, one.start: row["cohort_start_date"]}
        | {column: row[value] for column, value in ends.items()}
        for at, row in enumerate(tables.pop("cohort"))
    ]
    return {name: {"CodesetId": 99}}


def _asked(criterion: Json, occurrence: Json, window: Json = PRIOR_YEAR) -> Json:
    return {
        "Type": "ALL",
        "CriteriaList": [{"Criteria": criterion, "StartWindow": window, "Occurrence": occurrence}],
    }


@pytest.mark.parametrize("domain", [*WINDOWS, "ObservationPeriodUserDefined"])
def test_windows_find_events_and_their_columns(domain: str, outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    case = f"windowcriteria/window{domain}"
    plain, columned = json.loads((folder / f"{case}_VERIFY.json").read_text()).values()
    tables = _tables(folder, f"{case}_PREP.json")
    body = {"UserDefinedPeriod": {"StartDate": "2008-01-01", "EndDate": "2009-01-01"}} if "User" in domain else {}
    window = EVER if "User" in domain else PRIOR_YEAR
    domain = domain.removesuffix("UserDefined")
    primary = _index(tables, domain)
    with cdm.desk(tmp_path, tables) as desk:
        for column in columned[0].keys() - {"person_id", "event_id"}:
            counted = COLUMNS.get(column, column.upper())
            occurrence = {"Type": 2, "Count": 2, "IsDistinct": True, "CountColumn": counted}
            asked = _asked({domain: body}, occurrence, window)
            found = _in_window(desk, _definition(primary, AdditionalCriteria=asked))
            assert len(found) == len(plain), column
            own = {"start_date": "start_day", "end_date": "end_day"}.get(column)
            values = Counter(_day(row[own]) if own else row["counted"] for row in found)
            assert values == Counter(row[column] for row in columned), column


def _in_window(desk: Desk, document: Json) -> list[Json]:
    definition = _read(document)
    work = Evaluation(desk, plan([definition], Concepts(desk, [definition])))
    work.lay()
    work.match()
    desk.make("event", step(ENTERED))
    box = BOX.format(kind="TRUE")
    return desk.take(step(f"SELECT m.* FROM ({box}) b JOIN match m ON {INSIDE}")).to_pylist()


def _members(desk: Desk, *documents: Json) -> Counter[tuple[Any, ...]]:
    found = evaluate(desk, [_read(one, str(at)) for at, one in enumerate(documents, start=1)])
    rows = files.cohort_table(found).to_pylist()
    return Counter(
        (row["cohort_definition_id"], row["subject_id"], row["cohort_start_date"].isoformat(),
         row["cohort_end_date"].isoformat())
        for row in rows
    )  # fmt: skip


@pytest.mark.parametrize(
    ("case", "occurrences"),
    [
        ("simpleInclusion", {"inclusion": {"Type": 2, "Count": 1}, "exclusion": {"Type": 0, "Count": 0}}),
        ("distinctStart", {"output": {"Type": 2, "Count": 2, "IsDistinct": True, "CountColumn": "START_DATE"}}),
        ("distinctVisit", {"output": {"Type": 2, "Count": 2, "IsDistinct": True, "CountColumn": "VISIT_ID"}}),
        ("distinctDefault", {"output": {"Type": 2, "Count": 2, "IsDistinct": True}}),
    ],
)
def test_index_events_are_counted_around(case: str, occurrences: Json, outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    expected = json.loads((folder / f"corelatedcriteria/{case}_VERIFY.json").read_text())
    tables = _tables(folder, f"corelatedcriteria/{case}_PREP.json")
    primary = _index(tables, "Any")
    with cdm.desk(tmp_path, tables) as desk:
        for name, occurrence in occurrences.items():
            asked = _asked({"ConditionOccurrence": {}}, occurrence)
            found = _members(desk, _definition(primary, AdditionalCriteria=asked))
            (rows,) = (rows for key, rows in expected.items() if key.endswith(f".{name}"))
            assert Counter(row[1] for row in found) == Counter(row["person_id"] for row in rows), name


def test_visit_details_select_by_person_and_provider(outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    case = "corelatedcriteria/visitDetailCodesetCriteria"
    expected = json.loads((folder / f"{case}_VERIFY.json").read_text())
    tables = _tables(folder, f"{case}_PREP.json")
    # The case brings its concept set along resolved.
    members = [row["concept_id"] for row in tables.pop("codesets") if row["codeset_id"] == 1]
    known = {row["concept_id"] for row in tables["concept"]}
    tables["concept"] += [{"concept_id": one, "concept_name": ""} for one in members if one not in known]
    primary = _index(tables, "Any")
    with cdm.desk(tmp_path, tables) as desk:
        for name, rows in expected.items():
            what, excluded = name.split(".")[1].split("_")[0], "not_in" in name
            attribute = {"gender": "GenderCS", "provider": "ProviderSpecialtyCS", "place": "PlaceOfServiceCS"}[what]
            criterion = {"VisitDetail": {attribute: {"CodesetId": 1, "IsExclusion": excluded}}}
            document = _definition(primary, AdditionalCriteria=_asked(criterion, {"Type": 0, "Count": 1}))
            document["ConceptSets"][0]["expression"]["items"] = [{"concept": {"CONCEPT_ID": one}} for one in members]
            found = _members(desk, document)
            assert Counter(row[1] for row in found) == Counter(row["person_id"] for row in rows), name


def _changed(document: Json, change: Callable[[Json], Any]) -> Json:
    changed = copy.deepcopy(document)
    change(changed)
    return changed


def _counts(document: Json) -> list[Json]:
    def occurrence(kind: int, count: int) -> Callable[[Json], Any]:
        return lambda one: one["AdditionalCriteria"]["CriteriaList"][0]["Occurrence"].update(Type=kind, Count=count)

    return [document, _changed(document, occurrence(2, 1)), _changed(document, occurrence(1, 0))]


def _groups(document: Json) -> list[Json]:
    least = _changed(document, lambda one: one["AdditionalCriteria"].update(Type="AT_LEAST", Count=2))
    most = _changed(document, lambda one: one["AdditionalCriteria"].update(Type="AT_MOST", Count=2))
    none = _changed(most, lambda one: one["AdditionalCriteria"].update(Type="ALL"))
    none["AdditionalCriteria"]["Groups"][0].update(Type="AT_MOST", Count=0)
    return [document, least, most, none, _changed(none, lambda one: one["AdditionalCriteria"].update(Groups=[]))]


def _limits(document: Json) -> list[Json]:
    made = [document]
    for place, kind in (("ExpressionLimit", "first"), ("QualifiedLimit", "first"), ("", "first"), ("", "last")):
        at = copy.deepcopy(made[-1])
        (at["PrimaryCriteria"]["PrimaryCriteriaLimit"] if not place else at[place])["Type"] = kind
        made.append(at)
    return made


def _exposures(document: Json) -> list[Json]:
    return [
        document,
        _changed(document, lambda one: one["PrimaryCriteria"]["PrimaryCriteriaLimit"].update(Type="First")),
    ]


COHORTS: Mapping[str, tuple[str, Callable[[Json], list[Json]]]] = {
    "correlatedCriteria/groupTest": ("correlatedCriteria/groupExpression", _groups),
    "limits/limitTest": ("limits/limitExpression", _limits),
    "inclusionRules/simpleInclusionRule": ("inclusionRules/simpleInclusionRule", lambda one: [one]),
    "exits/continuousExposure": ("exits/continuousExposureExpression", _exposures),
    "exits/continuousExposureCensor": (
        "exits/continuousExposureExpression",
        lambda one: [_changed(one, lambda it: it["EndStrategy"]["CustomEra"].update(Offset=9999))],
    ),
    "exits/fixedOffsetCensor": ("exits/fixedOffsetCensorExpression", lambda one: [one]),
    "exits/censorEvent": ("exits/censorEventExpression", lambda one: [one]),
    "correlatedCriteria/countsTest": ("correlatedCriteria/countsExpression", _counts),
}


@pytest.mark.parametrize("case", COHORTS)
def test_cohorts_have_the_rows_of_the_reference(case: str, outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    expression, variants = COHORTS[case]
    documents = variants(json.loads((folder / f"cohortgeneration/{expression}.json").read_text()))
    if case.endswith("countsTest"):
        documents.append(json.loads((folder / "cohortgeneration/correlatedCriteria/visitExpression.json").read_text()))
    _same(folder, f"cohortgeneration/{case}", tmp_path, documents)


def test_the_first_occurrence_is_found_in_every_domain(outside: Path, tmp_path: Path) -> None:
    names = (
        "ConditionEra", "ConditionOccurrence", "DeviceExposure", "DrugEra", "DrugExposure", "Measurement",
        "Observation", "ProcedureOccurrence", "Specimen", "VisitOccurrence", "PayerPlanPeriod",
    )  # fmt: skip
    documents = [_definition({name: {"First": True}}, QualifiedLimit={"Type": "First"}) for name in names]
    for one in documents:
        one["PrimaryCriteria"] |= {
            "ObservationWindow": {"PriorDays": 90, "PostDays": 0}, "PrimaryCriteriaLimit": {"Type": "First"},
        }  # fmt: skip
    case = "cohortgeneration/firstOccurrence/firstOccurrenceTest"
    _same(outside / "ohdsi" / "circe-be", case, tmp_path, documents)


def test_a_condition_has_the_status_asked_for(outside: Path, tmp_path: Path) -> None:
    asked: tuple[Json, ...] = ({}, {"ConditionStatus": []}, {"ConditionStatus": [{"CONCEPT_ID": 1}]})
    documents = [_definition({"ConditionOccurrence": one}) for one in asked]
    for one in documents:
        one["PrimaryCriteria"]["PrimaryCriteriaLimit"] = {"Type": "First"}
    case = "cohortgeneration/conditionOccurrence/conditionStatusTest"
    _same(outside / "ohdsi" / "circe-be", case, tmp_path, documents)


def test_a_set_of_four_thousand_items_excludes_and_includes(outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    ((_, expected),) = json.loads((folder / "conceptset/inClause_VERIFY.json").read_text()).items()
    document = _definition({"Measurement": {"CodesetId": 0}})
    document["ConceptSets"] = [{"id": 0, "expression": {"items": [
        {"concept": {"CONCEPT_ID": one}, "isExcluded": one % 2 == 0, "includeDescendants": True}
        for one in range(1, 4000)
    ]}}]  # fmt: skip
    tables = _tables(folder, "datasets/vocabulary.json")
    tables["measurement"] = [
        {"measurement_id": one, "person_id": 1, "measurement_concept_id": one, "measurement_date": "2000-01-01"}
        for one in range(1, 200)
    ]
    with cdm.desk(tmp_path, tables) as desk:
        _matched(desk, _read(document))
        found = desk.take(step("SELECT event_id AS concept_id FROM match ORDER BY 1")).to_pylist()
    assert found == expected


def _same(folder: Path, case: str, tmp_path: Path, documents: list[Json]) -> None:
    (expected,) = (
        rows
        for key, rows in json.loads((folder / f"{case}_VERIFY.json").read_text()).items()
        if key.endswith(".cohort")
    )
    names = ("cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date")
    with cdm.desk(tmp_path, _tables(folder, f"{case}_PREP.json")) as desk:
        assert _members(desk, *documents) == Counter(tuple(row[name] for name in names) for row in expected)


CONTROLS: Mapping[str, tuple[int, Literal["first", "all"], bool]] = {
    "firstOccurrence/firstOccurrenceTest": (2, "first", False),
    "allOccurrences/allOccurrencesTest": (2, "all", False),
    "detectOnDescendants/detectOnDescendantsFalseTest": (1, "all", False),
    "detectOnDescendants/detectOnDescendantsTrueTest": (1, "all", True),
}


@pytest.mark.parametrize("case", CONTROLS)
def test_negative_controls_are_the_events_of_a_concept(case: str, outside: Path, tmp_path: Path) -> None:
    folder = outside / "ohdsi" / "circe-be"
    concept, occurrence, descendants = CONTROLS[case]
    (expected,) = json.loads((folder / f"negativecontrols/{case}_VERIFY.json").read_text()).values()
    with cdm.desk(tmp_path, _tables(folder, f"negativecontrols/{case}_PREP.json")) as desk:
        found = controls(desk, {1: concept}, occurrence=occurrence, descendants=descendants).to_pylist()
    names = ("cohort_definition_id", "subject_id", "cohort_start_date", "cohort_end_date")
    assert [tuple(map(str, row.values())) for row in found] == [
        tuple(str(row[name]) for name in names) for row in expected
    ]
