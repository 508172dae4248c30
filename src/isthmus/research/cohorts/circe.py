"""Cohort definitions in Circe's JSON, as ATLAS and the OHDSI Phenotype Library write them.

The meaning is that of circe-be 1.12. Whatever a definition says and this cannot answer is refused by its name.
"""

import codecs
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson

from isthmus.cdm.concept_set import Item
from isthmus.research.cohorts.catalogue import (
    COHORT,
    Attribute,
    Domain,
    demographics,
    domains,
    kinds,
    persons,
    refused,
)
from isthmus.research.cohorts.codesets import check
from isthmus.research.cohorts.cursor import Cursor, DefinitionError
from isthmus.research.cohorts.definition import (
    INFINITE,
    Adjustment,
    Bound,
    ConceptSet,
    Correlated,
    Criterion,
    Definition,
    EraExit,
    FixedExit,
    Group,
    Limit,
    Occurrence,
    Rule,
    Test,
    Window,
)  # fmt: skip
from isthmus.research.cohorts.doubts import doubts

DOCUMENT = (
    "cdmVersionRange", "Title", "PrimaryCriteria", "AdditionalCriteria", "ConceptSets", "QualifiedLimit",
    "ExpressionLimit", "InclusionRules", "EndStrategy", "CensoringCriteria", "CollapseSettings", "CensorWindow",
)  # fmt: skip
WRAPPINGS = ("expression", "Expression")
CORRELATED = (
    "Criteria", "StartWindow", "EndWindow", "RestrictVisit", "IgnoreObservationPeriod", "Occurrence",
)  # fmt: skip
GROUP = ("Type", "Count", "CriteriaList", "DemographicCriteriaList", "Groups")
ITEM = frozenset({"concept", "isExcluded", "includeDescendants", "includeMapped"})
OPERATORS = ("=", "<=", ">=")
LIMITS: Mapping[str, Limit] = {"ALL": "all", "LAST": "last", "FIRST": "first"}
LARGEST = 2**63 - 1
DECIMALS = 4  # places that the reference keeps of a number


def read(content: bytes, *, name: str, file: str) -> Definition:
    """The definition in a JSON document; `name` is its id, `file` what errors call it. Raises DefinitionError."""
    try:
        document = orjson.loads(content.removeprefix(codecs.BOM_UTF8))
    except orjson.JSONDecodeError as error:
        raise DefinitionError(
            f"{file}: line {error.lineno}: this is not JSON ({error.msg}). Export the definition again."
        ) from None
    whole = document
    for wrapping in WRAPPINGS:
        if isinstance(document, dict) and "PrimaryCriteria" not in document and isinstance(
            document.get(wrapping), dict
        ):  # fmt: skip
            document = document[wrapping]
    root = Cursor(document, file=file)
    found = definition(root, name=name)
    return replace(found, doubts=doubts(content, whole, root, found))


def definition(root: Cursor, *, name: str) -> Definition:
    """The definition that a document is."""
    root.map(DOCUMENT, of="a cohort definition")
    primary = root["PrimaryCriteria"]
    if not primary:
        raise root.error("there is no PrimaryCriteria.", "Say which events let a person in.")
    primary.map(("CriteriaList", "ObservationWindow", "PrimaryCriteriaLimit"), of="PrimaryCriteria")
    if not primary["CriteriaList"].value:
        raise primary["CriteriaList"].error("no event lets a person in.", "Say which events do.")
    window = primary["ObservationWindow"]
    if window:
        window.map(("PriorDays", "PostDays"), of="ObservationWindow")
    sets, set_names = _concept_sets(root["ConceptSets"])
    additional = root["AdditionalCriteria"]
    collapse = root["CollapseSettings"]
    if collapse:
        collapse.map(("CollapseType", "EraPad"), of="CollapseSettings")
        if collapse["CollapseType"].text("ERA").upper() != "ERA":
            raise collapse["CollapseType"].error("Circe collapses by ERA only.", "Write ERA.")
    censored = root["CensorWindow"]
    found = Definition(
        name=name, title=root["Title"].text(""), sets=sets, set_names=set_names, concept_names=dict(_named(root.value)),
        primary=tuple(criterion(one) for one in primary["CriteriaList"].items()),
        prior_days=_length(window["PriorDays"]) if window else 0,
        post_days=_length(window["PostDays"]) if window else 0,
        primary_limit=_limit(primary["PrimaryCriteriaLimit"]),
        additional=group(additional) if additional else None,
        qualified_limit=_limit(root["QualifiedLimit"]),
        rules=tuple(_rule(one) for one in root["InclusionRules"].items()),
        expression_limit=_limit(root["ExpressionLimit"]),
        exit=_exit(root["EndStrategy"]),
        censors=tuple(criterion(one) for one in root["CensoringCriteria"].items()),
        era_pad=_length(collapse["EraPad"]) if collapse else 0,
        window=_period(censored) if censored else (None, None),
    )  # fmt: skip
    check(found, root)
    return found


def _length(at: Cursor) -> int:
    """A number of days, 0 or more."""
    days = at.integer(0)
    if days < 0:
        raise at.error(f"{days} is no number of days.", "Write 0 or more.")
    return days


def _limit(at: Cursor) -> Limit:
    if not at:
        return "first"
    kind = at.map(("Type",), of="a limit")["Type"].text("ALL")
    if kind.upper() not in LIMITS:
        raise at["Type"].error(f"'{kind}' is no limit.", "Write All, First or Last.")
    return LIMITS[kind.upper()]


def _rule(at: Cursor) -> Rule:
    at.map(("name", "description", "expression"), of="an inclusion rule")
    return Rule(at["name"].text(""), group(at["expression"]), at["description"].text(""))


def _named(value: Any) -> Iterator[tuple[int, str]]:
    """The concepts with a name, wherever a document has them."""
    if isinstance(value, dict):
        if isinstance(value.get("CONCEPT_ID"), int) and value.get("CONCEPT_NAME"):
            yield value["CONCEPT_ID"], str(value["CONCEPT_NAME"])
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _named(one)


def _concept_sets(at: Cursor) -> tuple[dict[int, ConceptSet], dict[int, str]]:
    sets: dict[int, ConceptSet] = {}
    set_names: dict[int, str] = {}
    for one in at.items():
        one.map(("id", "name", "expression"), of="a concept set")
        number = one["id"].integer(0)
        expression = one["expression"].map(("items",), of="a concept set")
        sets[number] = sets.get(number, frozenset()) | concept_set(expression["items"])
        set_names[number] = one["name"].text("")
    return sets, set_names


def concept_set(at: Cursor) -> ConceptSet:
    """The concepts of a set."""
    found = []
    for number, item in enumerate(at.value or ()):
        try:
            told = item["concept"]["CONCEPT_ID"]
            concept_id = int(told)
            if isinstance(told, bool) or not 0 <= concept_id <= LARGEST:
                raise ValueError
            if not ITEM.issuperset(item):
                at[number].map(ITEM, of="an entry of a concept set")
        except (TypeError, KeyError, ValueError):
            raise at[number].error("an entry needs a concept with its CONCEPT_ID.", "Add it.") from None
        found.append(
            Item(
                concept_id, descendants=bool(item.get("includeDescendants")), mapped=bool(item.get("includeMapped")),
                excluded=bool(item.get("isExcluded")),
            )
        )  # fmt: skip
    return frozenset(found)


def criterion(at: Cursor) -> Criterion:
    """The events that an entry like `{"Measurement": {…}}` asks for."""
    if not isinstance(at.value, dict) or len(at.value) != 1:
        raise at.error("a criterion is a map with one key, its domain.", "Write one criterion per entry of the list.")
    (name,) = at.value
    domain = (kinds() if at.ours else domains()).get(name)
    if domain is None:
        cause = refused().get((name, ""), "Circe 1.12 has no such domain")
        raise at.error(f"criteria on {name} cannot be answered: {cause}.", "Take the criterion out.")
    body = at[name] if at[name] else type(at)({}, file=at.file, parent=at, key=name)
    for key, value in body.value.items():
        cause = refused().get((name, key), "")
        if cause and value not in (None, []):
            raise body[key].error(f"{name}.{key} cannot be answered: {cause}.", "Take it out.")
    known = {*domain.attributes, "CorrelatedCriteria"}
    known |= {"Cohorts"} if name == COHORT else {"CodesetId"} if domain.concept else set()
    known |= {domain.source_attribute} - {""} | {key for (of, key) in refused() if of == name}
    body.map(known, of=name)
    nested = body["CorrelatedCriteria"]
    inner = group(nested) if nested else None
    adjustment, period = body["DateAdjustment"], body["UserDefinedPeriod"]
    return Criterion(
        domain=name, codeset=_number(body["CodesetId"]),
        source=_number(body[domain.source_attribute]) if domain.source_attribute else None,
        first=body["First"].flag(), adjustment=_adjustment(adjustment, domain) if adjustment else None,
        period=_period(period) if period else None, tests=_tests(body, domain.attributes),
        nested=None if inner is None or inner.empty else inner,
        cohorts=tuple(one.text() for one in body["Cohorts"].items()),
    )  # fmt: skip


def _number(at: Cursor) -> int | None:
    return at.integer() if at else None


def _adjustment(at: Cursor, domain: Domain) -> Adjustment:
    at.map(("StartWith", "StartOffset", "EndWith", "EndOffset"), of="DateAdjustment")
    anchors = {}
    for key, default in (("StartWith", "START_DATE"), ("EndWith", "END_DATE")):
        anchors[key] = at[key].text(default)
        if anchors[key] not in ("START_DATE", "END_DATE"):
            raise at[key].error("a date is counted from START_DATE or END_DATE.", "Write one of the two.")
    if domain.name == "Death":  # the reference looks at neither anchor of a death
        anchors = {"StartWith": "START_DATE", "EndWith": "END_DATE"}
    return Adjustment(
        anchors["StartWith"] == "END_DATE", at["StartOffset"].integer(0),
        anchors["EndWith"] == "END_DATE", at["EndOffset"].integer(0),
    )  # fmt: skip


def _period(at: Cursor) -> tuple[int | None, int | None]:
    at.map(("StartDate", "EndDate"), of="a period")
    begin, end = (at[key].day() if at[key].value else None for key in ("StartDate", "EndDate"))
    return begin, end


def _tests(at: Cursor, known: Mapping[str, Attribute]) -> tuple[Test, ...]:
    turned = {one.meaning for one in known.values() if one.kind == "exclude" and at[one.name].flag()}
    found = []
    for name in at.value:
        one = known.get(name)
        if one is not None and at[name]:
            test = _test(at[name], one, name in turned)
            if test is not None:
                found.append(test)
    return tuple(found)


def _test(at: Cursor, one: Attribute, turned: bool) -> Test | None:
    match one.kind:
        case "integer":
            return _range(at, one.name, lambda end: at[end].integer(), 1)
        case "decimal":
            return _range(at, one.name, lambda end: round(at[end].number() + 0.0, DECIMALS), 0)
        case "date":
            return _range(at, one.name, lambda end: at[end].day(), 1)
        case "concepts":
            concepts = tuple(_concept(entry) for entry in at.items())
            return Test(one.name, not turned, concepts=concepts) if concepts else None
        case "selection":
            at.map(("CodesetId", "IsExclusion"), of=one.name)
            return Test(one.name, not at["IsExclusion"].flag(), codeset=_number(at["CodesetId"]))
        case "codeset":
            return Test(one.name, codeset=at.integer())
        case "text":
            return _like(at, one.name)
        case "flag":
            return Test(one.name) if at.flag() else None
    return None


def _concept(at: Cursor) -> int:
    if not isinstance(at.value, dict) or at["CONCEPT_ID"].value is None:
        raise at.error("a concept needs its CONCEPT_ID.", "Add it.")
    return at["CONCEPT_ID"].integer()


def _range(at: Cursor, name: str, value: Any, step: int) -> Test:
    """A comparison as lowest and highest value; `step` is the distance of neighbours, 0 of real numbers."""
    at.map(("Value", "Op", "Extent"), of=name)
    op = at["Op"].text("")
    low = value("Value")
    inside = not op.startswith("!")
    match op.removeprefix("!"):
        case "bt":
            return Test(name, inside, low, value("Extent"))
        case "eq":
            return Test(name, inside, low, low)
        case "gte" if inside:
            return Test(name, low=low)
        case "lte" if inside:
            return Test(name, high=low)
        case "gt" if inside:
            return Test(name, low=low + step if step else math.nextafter(low, INFINITE))
        case "lt" if inside:
            return Test(name, high=low - step if step else math.nextafter(low, -INFINITE))
    raise at["Op"].error(f"'{op}' is no comparison.", "Write one of lt, lte, eq, !eq, gt, gte, bt, !bt.")


def _like(at: Cursor, name: str) -> Test:
    at.map(("Text", "Op"), of=name)
    op = at["Op"].text("")
    kind = op.removeprefix("!")
    if kind not in ("eq", "startsWith", "endsWith", "contains"):
        raise at["Op"].error(f"'{op}' is no comparison of texts.", "Write one of eq, startsWith, endsWith, contains.")
    before = "%" if kind in ("endsWith", "contains") else ""
    after = "%" if kind in ("startsWith", "contains") else ""
    return Test(name, not op.startswith("!"), pattern=f"{before}{at['Text'].text()}{after}")


def group(at: Cursor) -> Group:
    """Conditions taken together."""
    at.map(GROUP, of="a group")
    kind = at["Type"].text("ALL").upper()
    if kind not in ("ALL", "ANY", "AT_LEAST", "AT_MOST"):
        raise at["Type"].error(f"'{kind}' is no kind of group.", "Write one of ALL, ANY, AT_LEAST, AT_MOST.")
    if kind.startswith("AT_") and not at["Count"]:
        raise at["Count"].error("a group of this type needs a count.", "Say how many of its conditions must hold.")
    return Group(
        kind, at["Count"].integer(0) if kind.startswith("AT_") else 0,  # type: ignore[arg-type]  # one of the four, as was asked above
        criteria=tuple(_correlated(one) for one in at["CriteriaList"].items()),
        demographics=tuple(_demographic(one) for one in at["DemographicCriteriaList"].items()),
        groups=tuple(group(one) for one in at["Groups"].items()),
    )  # fmt: skip


def _demographic(at: Cursor) -> tuple[Test, ...]:
    known = persons() if at.ours else demographics()
    return _tests(at.map(known, of="a demographic criterion"), known)


def _correlated(at: Cursor) -> Correlated:
    at.map(CORRELATED, of="a correlated criterion")
    if not at["Criteria"]:
        raise at.error("there is no Criteria.", "Say which events are meant.")
    asked = criterion(at["Criteria"])
    end = at["EndWindow"]
    return Correlated(
        asked, _occurrence(at["Occurrence"], kinds()[asked.domain]),
        _window(at["StartWindow"], of_end=False), _window(end, of_end=True) if end else None,
        at["RestrictVisit"].flag(), at["IgnoreObservationPeriod"].flag(),
    )  # fmt: skip


def _window(at: Cursor, *, of_end: bool) -> Window:
    if not at:
        raise at.error("there is no window.", "Say in which days around the index event the events may lie.")
    at.map(("Start", "End", "UseIndexEnd", "UseEventEnd"), of="a window")
    return Window(_bound(at["Start"]), _bound(at["End"]), at["UseIndexEnd"].flag(), at["UseEventEnd"].flag(of_end))


def _bound(at: Cursor) -> Bound:
    at.map(("Days", "Coeff"), of="an end of a window")
    return Bound(_number(at["Days"]), at["Coeff"].integer(0))


def _occurrence(at: Cursor, domain: Domain) -> Occurrence:
    at.map(("Type", "Count", "IsDistinct", "CountColumn"), of="Occurrence")
    kind = at["Type"].integer(0)
    if kind not in range(len(OPERATORS)):
        raise at["Type"].error(f"{kind} is no kind of occurrence.", "Write 0 (exactly), 1 (at most) or 2 (at least).")
    distinct = at["CountColumn"].text("DOMAIN_CONCEPT") if at["IsDistinct"].flag() else None
    known = ("START_DATE", "END_DATE", "VISIT_ID", *domain.counts)
    if distinct is not None and distinct not in known:
        raise at["CountColumn"].error(
            f"{domain.name} has no column {distinct} to count by.", f"Write {', '.join(known)}."
        )
    return Occurrence(OPERATORS[kind], at["Count"].integer(0), distinct)  # type: ignore[arg-type]  # a value of OPERATORS


def _exit(at: Cursor) -> FixedExit | EraExit | None:
    if not at:
        return None
    if not isinstance(at.value, dict) or set(at.value) not in ({"DateOffset"}, {"CustomEra"}):
        raise at.error("an exit is either a DateOffset or a CustomEra.", "Write one of the two.")
    if "DateOffset" in at.value:
        body = at["DateOffset"].map(("DateField", "Offset"), of="DateOffset")
        anchor = body["DateField"].text("StartDate")
        if anchor not in ("StartDate", "EndDate"):
            raise body["DateField"].error(f"'{anchor}' is no date of an event.", "Write StartDate or EndDate.")
        return FixedExit(body["Offset"].integer(0), anchor == "EndDate")
    body = at["CustomEra"].map(("DrugCodesetId", "GapDays", "Offset", "DaysSupplyOverride"), of="CustomEra")
    if not body["DrugCodesetId"]:
        raise body.error("there is no DrugCodesetId.", "Say which drugs keep a person in.")
    return EraExit(
        body["DrugCodesetId"].integer(), body["GapDays"].integer(0), body["Offset"].integer(0),
        _number(body["DaysSupplyOverride"]),
    )  # fmt: skip
