"""Random cohort definitions in Circe's JSON, of a few concepts, so that their parts meet in data made for them."""

from random import Random
from typing import Any

from isthmus.research.cohorts.catalogue import Attribute, Domain, demographics, domains

Json = dict[str, Any]
CONCEPTS = tuple(range(1001, 1019))
SETS = 8
KINDS = {"concepts", "selection", "codeset"}
# The reference tests gender in these two, which is a fault of its own that is not repeated here.
NOT_ALIKE = frozenset({"RaceCS", "EthnicityCS"})
OFTEN = (
    "ConditionOccurrence", "DrugExposure", "Measurement", "Observation", "ProcedureOccurrence", "VisitOccurrence",
)  # fmt: skip
NUMBERS = {"Age": (0, 90), "AgeAtStart": (0, 90), "AgeAtEnd": (0, 90), "PeriodLength": (0, 4000)}
OPS = ("lt", "lte", "eq", "!eq", "gt", "gte", "bt", "!bt")
WORDS = ("alpha", "beta", "gamma")


def definition(random: Random) -> Json:
    """One definition; what it may say follows the catalogue."""
    made: Json = {
        "ConceptSets": [_concept_set(random, number) for number in range(SETS)],
        "PrimaryCriteria": {
            "CriteriaList": [criterion(random, depth=1) for _ in range(random.choice((1, 1, 2, 3)))],
            "ObservationWindow": {
                "PriorDays": random.choice((0, 0, 30, 365)), "PostDays": random.choice((0, 0, 0, 60)),
            },
            "PrimaryCriteriaLimit": _limit(random),
        },
        "QualifiedLimit": _limit(random), "ExpressionLimit": _limit(random), "CensoringCriteria": [],
        "CollapseSettings": {"CollapseType": "ERA", "EraPad": random.choice((0, 0, 0, 30, 180))},
        "InclusionRules": [
            {"name": f"rule {at}", "expression": group(random, depth=2)} for at in range(random.choice((0, 0, 1, 2, 3)))
        ],
    }  # fmt: skip
    if random.random() < 0.4:
        made["AdditionalCriteria"] = group(random, depth=2)
    if random.random() < 0.3:
        made["CensoringCriteria"] = [criterion(random, depth=0)]
    if random.random() < 0.5:
        made["EndStrategy"] = _exit(random)
    if random.random() < 0.15:
        made["CensorWindow"] = {"StartDate": "2010-01-01", "EndDate": "2016-12-31"}
    return made


def group(random: Random, *, depth: int) -> Json:
    """Conditions taken together, some of them groups again while `depth` lasts."""
    kind = random.choice(("ALL", "ANY", "ALL", "ANY", "AT_LEAST", "AT_MOST"))
    made: Json = {
        "Type": kind, "CriteriaList": [_correlated(random, depth) for _ in range(random.choice((0, 1, 1, 2, 3)))],
        "DemographicCriteriaList": [], "Groups": [],
    }  # fmt: skip
    if random.random() < 0.25:
        asked = _attributes(random, [one for one in demographics().values() if one.name not in NOT_ALIKE], 2)
        made["DemographicCriteriaList"] = [asked] if asked else []
    if depth > 0 and random.random() < 0.3:
        made["Groups"] = [group(random, depth=depth - 1)]
    if kind.startswith("AT_"):
        made["Count"] = random.choice((0, 1, 2))
    return made


def criterion(random: Random, *, depth: int) -> Json:
    """Events of a domain; with criteria nested in it while `depth` lasts."""
    name = random.choice(OFTEN) if random.random() < 0.7 else random.choice(sorted(domains()))
    domain = domains()[name]
    body = _attributes(random, list(domain.attributes.values()), random.choice((0, 0, 0, 1, 1, 2)))
    if domain.concept and random.random() < 0.9:
        body["CodesetId"] = random.randrange(SETS)
    if domain.source_attribute and random.random() < 0.1:
        body[domain.source_attribute] = random.randrange(SETS)
    for attribute in domain.attributes.values():
        if attribute.kind == "exclude" and attribute.meaning in body and random.random() < 0.4:
            body[attribute.name] = True
    if "First" in domain.attributes and random.random() < 0.25:
        body["First"] = True
    if depth > 0 and random.random() < 0.15:
        body["CorrelatedCriteria"] = group(random, depth=0)
    return {name: body}


def _correlated(random: Random, depth: int) -> Json:
    asked = criterion(random, depth=1 if depth == 2 else 0)
    (name,) = asked
    made: Json = {
        "Criteria": asked, "StartWindow": _window(random), "Occurrence": _occurrence(random, domains()[name]),
    }  # fmt: skip
    if random.random() < 0.2:
        made["EndWindow"] = _window(random)
    if random.random() < 0.1 and domains()[name].visit:
        made["RestrictVisit"] = True
    if random.random() < 0.15:
        made["IgnoreObservationPeriod"] = True
    return made


def _occurrence(random: Random, domain: Domain) -> Json:
    made: Json = {"Type": random.choice((0, 1, 2, 2, 2)), "Count": random.choice((0, 1, 1, 2, 3))}
    if random.random() < 0.2:
        columns = ["START_DATE", *(["VISIT_ID"] if domain.visit else []), "DOMAIN_CONCEPT"]
        made |= {"IsDistinct": True, "CountColumn": random.choice(columns if domain.concept else columns[:1])}
    return made


def _window(random: Random) -> Json:
    low, high = sorted(random.choice((-400, -90, -30, -7, -1, 0, 0, 1, 7, 30, 90, 400)) for _ in range(2))
    made: Json = {"Start": _bound(random, low, -1), "End": _bound(random, high, 1)}
    for name in ("UseIndexEnd", "UseEventEnd"):
        if random.random() < 0.25:
            made[name] = random.random() < 0.7
    return made


def _bound(random: Random, days: int, way: int) -> Json:
    if random.random() < 0.25:
        return {"Coeff": way}
    return {"Days": abs(days), "Coeff": -1 if days < 0 else 1}


def _exit(random: Random) -> Json:
    if random.random() < 0.5:
        field = random.choice(("StartDate", "EndDate"))
        return {"DateOffset": {"DateField": field, "Offset": random.choice((0, 1, 30, 365, -3))}}
    made = {
        "DrugCodesetId": random.randrange(SETS), "GapDays": random.choice((0, 7, 30)), "Offset": random.choice((0, 14)),
    }  # fmt: skip
    if random.random() < 0.3:
        made["DaysSupplyOverride"] = random.choice((1, 30))
    return {"CustomEra": made}


def _limit(random: Random) -> Json:
    return {"Type": random.choice(("All", "All", "First", "Last"))}


def _concept_set(random: Random, number: int) -> Json:
    chosen = random.sample(CONCEPTS, random.choice((1, 2, 3, 6)))
    items = [
        {
            "concept": {"CONCEPT_ID": one, "CONCEPT_NAME": f"concept {one}"}, "isExcluded": random.random() < 0.1,
            "includeDescendants": random.random() < 0.5, "includeMapped": random.random() < 0.1,
        }
        for one in chosen
    ]  # fmt: skip
    return {"id": number, "name": f"set {number}", "expression": {"items": items}}


def _attributes(random: Random, known: list[Attribute], many: int) -> Json:
    askable = [one for one in known if one.kind not in ("first", "exclude", "count")]
    made: Json = {}
    for one in random.sample(askable, min(many, len(askable))):
        if one.name.removesuffix("CS") not in {name.removesuffix("CS") for name in made}:
            made[one.name] = _asked(random, one)
    return made


def _asked(random: Random, one: Attribute) -> Any:
    match one.kind:
        case "integer":
            low, high = sorted(random.randint(*NUMBERS.get(one.name, (0, 60))) for _ in range(2))
            return _compared(random, low, high)
        case "decimal":
            low, high = sorted(random.choice((0.5, 1.0, 2.25, 7.5, 10.0, 40.0)) for _ in range(2))
            return _compared(random, low, high)
        case "date":
            low, high = sorted(f"20{random.randint(8, 18):02}-{random.randint(1, 12):02}-15" for _ in range(2))
            return _compared(random, low, high)
        case "concepts":
            pool = (8507, 8532) if one.name == "Gender" else CONCEPTS
            return [{"CONCEPT_ID": number} for number in random.sample(pool, random.randint(1, min(6, len(pool))))]
        case "selection":
            return {"CodesetId": random.randrange(SETS), "IsExclusion": random.random() < 0.4}
        case "codeset":
            return random.randrange(SETS)
        case "text":
            op = random.choice(("eq", "startsWith", "endsWith", "contains", "!contains"))
            return {"Text": random.choice((*WORDS, "a", "et")), "Op": op}
        case "adjustment":
            ends = [random.choice(("START_DATE", "END_DATE")) for _ in range(2)]
            days = [random.choice((-7, 0, 0, 3, 14)) for _ in range(2)]
            return {"StartWith": ends[0], "StartOffset": days[0], "EndWith": ends[1], "EndOffset": days[1]}
        case "period":
            return {"StartDate": "2012-01-01", "EndDate": "2014-12-31"}
    return True


def _compared(random: Random, low: Any, high: Any) -> Json:
    op = random.choice(OPS)
    return {"Value": low, "Op": op, **({"Extent": high} if op.endswith("bt") else {})}
