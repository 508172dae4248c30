"""Cohort definitions in a short readable form, YAML (`docs/reference/phenotype.md`).

A phenotype is turned into the document of Circe that says the same, and that one is read: there is one meaning, and
a phenotype can be handed to the tools of OHDSI. What Circe cannot say, stays in other cohorts and the site of a person,
is put into the same document, which then stays here; and a cohort made of others' days is no document at all.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from isthmus.research.cohorts import circe, combined
from isthmus.research.cohorts.catalogue import COHORT, Attribute, Domain, demographics, kinds, persons, refused
from isthmus.research.cohorts.concepts import demographic
from isthmus.research.cohorts.cursor import Cursor, DefinitionError, Phrase
from isthmus.research.cohorts.definition import Cohort, Definition
from isthmus.research.cohorts.levels import needs
from isthmus.research.cohorts.spans import span
from isthmus.research.cohorts.words import names

Document = dict[str, Any]
KEYS = (
    "title", "concepts", "enter", "observed", "take", "require", "rules", "leave", "censor", "join", "calendar",
)  # fmt: skip
SUBGROUP = ("title", "concepts", "of", "only", "take")
AROUND = ("at least", "at most", "exactly", "counting", "start", "end", "same visit", "any period")
GROUP = re.compile(r"(all|any|none|at least (\d+)|at most (\d+)) of")
KINDS = {"all": "ALL", "any": "ANY"}
COUNTS = {"exactly": 0, "at most": 1, "at least": 2}
CONCEPT = re.compile(r"(?P<out>not )?(?P<id>\d+)(?P<below> and below)?(?P<mapped>, mapped)?")
AMOUNT = r"-?\d+(?:\.\d+)?"
BOUND = r"(?P<{0}>any time|that day|\d+)(?: (?P<{0}_way>before|after))?"
WINDOW = re.compile(f"{BOUND.format('low')} to {BOUND.format('high')}(?P<of_end> of its end)?")
ASKED = ("integer", "decimal", "date", "concepts", "selection", "codeset", "text", "flag")
LEAVE = re.compile(r"(\d+) days after (start|end)")
DAY = r"\d{4}-\d{2}-\d{2}"
BETWEEN = re.compile(f"({DAY}|open) to ({DAY}|open)")
COMPARED = {"at least": "gte", "at most": "lte", "above": "gt", "below": "lt", "not": "!eq", "": "eq"}
LIKE = re.compile(r"(?P<out>not )?like (?P<before>%?)(?P<text>[^%]+)(?P<after>%?)")


def read(content: bytes, *, name: str, file: str) -> Cohort:
    """The cohort that a phenotype is; `name` is its id, `file` what errors call it. Raises DefinitionError."""
    root = _root(content, file=file)
    if isinstance(root.value, dict) and combined.made_of_others(root):
        return combined.read(root, name=name)
    if isinstance(root.value, dict) and combined.REGISTRY in root.value:
        return combined.registered(root, name=name)
    return circe.definition(Phrase(_Phenotype(root).document(), file=file), name=name)


def alone(content: bytes, *, name: str, file: str) -> Definition:
    """The definition that a phenotype is where no others are at hand. Raises DefinitionError, also if it needs any."""
    found = read(content, name=name, file=file)
    if not isinstance(found, Definition) or needs(found):
        raise DefinitionError(f"{file}: it asks for other cohorts, and none can be named here. Say events instead.")
    return found


def document(content: bytes, *, file: str) -> Document:
    """The Circe document that says what a phenotype says. Raises DefinitionError, also where Circe cannot say it."""
    found = read(content, name="", file=file)
    if not isinstance(found, Definition) or needs(found) or _asks_more(found):
        raise DefinitionError(
            f"{file}: Circe has no words for other cohorts, sites and full years of age. Leave this one out; it is "
            "evaluated here."
        )
    return _Phenotype(_root(content, file=file)).document()


def _asks_more(found: Definition) -> bool:
    """Whether something is asked of persons that Circe does not know: site, full years of age."""
    ours = persons().keys() - demographics().keys()
    return any(test.attribute in ours for test in demographic(found))


def _root(content: bytes, *, file: str) -> Cursor:
    """The phenotype as it is written."""
    try:
        told = yaml.safe_load(content)
    except ValueError as error:  # a date that is none
        raise DefinitionError(f"{file}: a date is none ({error}). Write it as 2024-12-31.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise DefinitionError(f"{file}: {line}this is no YAML. Look for a missing colon, quote or blank.") from None
    return Cursor(told, file=file)


class _Phenotype:
    def __init__(self, root: Cursor) -> None:
        self._root = root.map({*KEYS, *SUBGROUP}, of="a phenotype")
        sets = root["concepts"]
        self._sets = {name: number for number, name in enumerate(sets.value or {})}

    def document(self) -> Document:
        root = self._root
        if root["of"]:
            return self._subgroup()
        if not root["enter"]:
            raise root.error("there is no 'enter'.", "Say which events let a person in.")
        observed = root["observed"]
        if observed:
            observed.map(("before", "after"), of="observed")
        take = {"Type": self._take(root["take"])}
        found: Document = {
            "Title": root["title"].text(""),
            "ConceptSets": [self._set(root["concepts"][name]) for name in self._sets],
            "PrimaryCriteria": {
                "CriteriaList": [self._event(one) for one in root["enter"].items()],
                "ObservationWindow": {
                    "PriorDays": observed["before"].integer(0) if observed else 0,
                    "PostDays": observed["after"].integer(0) if observed else 0,
                },
                "PrimaryCriteriaLimit": {"Type": "All"},
            },
            "QualifiedLimit": {"Type": "All"} if root["rules"] else take,
            "ExpressionLimit": take,
            "InclusionRules": [
                {"name": str(name), "expression": self._group(root["rules"][name])}
                for name in root["rules"].value or {}
            ],
            "CensoringCriteria": [self._event(one) for one in root["censor"].items()],
            "CollapseSettings": {"CollapseType": "ERA", "EraPad": root["join"].integer(0)},
        }
        if root["require"]:
            found["AdditionalCriteria"] = self._group(root["require"])
        if root["calendar"]:
            found["CensorWindow"] = self._calendar(root["calendar"])
        if root["leave"]:
            found["EndStrategy"] = self._leave(root["leave"])
        return found

    def _subgroup(self) -> Document:
        """Stays in another cohort of which something holds, as they are there."""
        root = self._root.map(SUBGROUP, of="a subgroup")
        told = root["of"]
        if not isinstance(told.value, dict):  # the name of a cohort, or names
            told = Cursor({COHORT.lower(): told.value}, file=root.file, parent=root, key="of")
        every = {"Type": "All"}
        found: Document = {
            "Title": root["title"].text(""),
            "ConceptSets": [self._set(root["concepts"][name]) for name in self._sets],
            "PrimaryCriteria": {"CriteriaList": [self._event(told)], "PrimaryCriteriaLimit": every},
            "AdditionalCriteria": self._group(root["only"]) if root["only"] else {"Type": "ALL"},
            "QualifiedLimit": {"Type": self._take(root["take"], "all")}, "ExpressionLimit": every,
            "EndStrategy": {"DateOffset": {"DateField": "EndDate", "Offset": 0}},
        }  # fmt: skip
        return found

    def _take(self, at: Cursor, otherwise: str = "first") -> str:
        kind = at.text(otherwise)
        if kind not in ("first", "last", "all"):
            raise at.error(f"'{kind}' is no choice.", "Write first, last or all.")
        return kind.capitalize()

    def _set(self, at: Cursor) -> Document:
        items = []
        for one in at.items():
            match = CONCEPT.fullmatch(str(one.value).strip())
            if match is None:
                raise one.error(f"'{one.value}' is no concept.", "Write 4001171, 4001171 and below, or not 4001171.")
            items.append(
                {
                    "concept": {"CONCEPT_ID": int(match["id"])}, "isExcluded": bool(match["out"]),
                    "includeDescendants": bool(match["below"]), "includeMapped": bool(match["mapped"]),
                }
            )  # fmt: skip
        if not items:
            raise at.error("the set names no concept, so that nothing is of it.", "Name one: 4001171 and below.")
        return {"id": self._sets[str(at.key)], "name": str(at.key), "expression": {"items": items}}

    def _number(self, at: Cursor) -> int:
        name = at.text()
        if name not in self._sets:
            known = ", ".join(self._sets) or "none"
            raise at.error(f"'{name}' is no concept set here.", f"List it under 'concepts', or name one of: {known}.")
        return self._sets[name]

    def _domain(self, at: Cursor) -> Domain:
        """The kind of event that a map is about: one of its keys names it."""
        if not isinstance(at.value, dict):
            raise at.error("an event is a map.", "Write for example {condition: liver cancer}.")
        found = [one for one in kinds().values() if names()[one.name]["en"] in at.value]
        if len(found) != 1:
            known = ", ".join(names()[one]["en"] for one in kinds())
            raise at.error("exactly one kind of event is expected.", f"Write one of: {known}; behind it a set, or any.")
        return found[0]

    def _event(self, at: Cursor, more: Sequence[str] = ()) -> Document:
        domain = self._domain(at)
        word = names()[domain.name]["en"]
        asked = _asked(domain.attributes)
        known = (word, "first", "as delivered", "counted from", "where", *asked, *more)
        at.map(known, of=f"an event of the kind '{word}'")
        body: Document = {}
        if domain.name == COHORT:
            body["Cohorts"] = combined.called(at[word])
        elif at[word].text() != "any":
            body["CodesetId"] = self._number(at[word])
        if at["as delivered"]:
            if not domain.source_attribute:
                raise at["as delivered"].error(f"a {word} has no code as delivered.", "Take it out.")
            body[domain.source_attribute] = self._number(at["as delivered"])
        if at["first"].flag():
            body["First"] = True
        body |= self._tests(at, domain.attributes)
        if at["counted from"]:
            body["DateAdjustment"] = _moved(at["counted from"], domain)
        if at["where"]:
            body["CorrelatedCriteria"] = self._group(at["where"])
        return {domain.name: body}

    def _tests(self, at: Cursor, known: Mapping[str, Attribute]) -> Document:
        """What is asked of the attributes of an event, or of a person."""
        asked = _asked(known)
        found: Document = {}
        for key in (key for key in at.value if key in asked and at[key]):
            found |= self._test(at[key], asked[key])
        return found

    def _test(self, at: Cursor, kinds: Mapping[str, str]) -> Document:
        """One attribute, under the name that it has for the kind of value which is written."""
        value = at.value
        if "flag" in kinds:
            return {kinds["flag"]: at.flag()}
        if isinstance(value, list) and "concepts" in kinds:
            return {kinds["concepts"]: [{"CONCEPT_ID": one.integer()} for one in at.items()]}
        if isinstance(value, str) and "codeset" in kinds:
            return {kinds["codeset"]: self._number(at)}
        if isinstance(value, str) and "selection" in kinds:
            turned = value.startswith("not ")
            chosen = Cursor(value.removeprefix("not "), file=at.file, parent=at.parent, key=at.key)
            return {kinds["selection"]: {"CodesetId": self._number(chosen), "IsExclusion": turned}}
        for kind in ("integer", "decimal", "date"):
            if kind in kinds:
                return {kinds[kind]: _compared(at, DAY if kind == "date" else AMOUNT)}
        if "text" in kinds:
            return {kinds["text"]: _like(at)}
        raise at.error("this cannot be asked so.", "Write a list of concept ids, or the name of a concept set.")

    def _group(self, at: Cursor) -> Document:
        """Conditions taken together; a list is all of its entries."""
        if isinstance(at.value, list):
            return self._together(at, "ALL", None)
        key = next(iter(at.value)) if isinstance(at.value, dict) and len(at.value) == 1 else ""
        match = GROUP.fullmatch(str(key))
        if match is None:
            raise at.error(
                "this is no group of conditions.",
                "Write a list, or all of, any of, none of, at least 2 of, at most 2 of, and a list behind it.",
            )
        least, most = match[2], match[3]
        if match[1] in KINDS:
            return self._together(at[key], KINDS[match[1]], None)
        return self._together(at[key], "AT_LEAST" if least else "AT_MOST", int(least or most or 0))

    def _together(self, at: Cursor, kind: str, count: int | None) -> Document:
        group: Document = {"Type": kind, "CriteriaList": [], "DemographicCriteriaList": [], "Groups": []}
        group |= {} if count is None else {"Count": count}
        if not at.value:
            raise at.error("there is no condition here.", "Write one, or take it out.")
        for one in at.items():
            key = next(iter(one.value)) if isinstance(one.value, dict) and one.value else ""
            if key == "person":
                one.map(("person",), of="a condition on the person")
                one["person"].map(_asked(persons()), of="a condition on the person")
                group["DemographicCriteriaList"].append(self._tests(one["person"], persons()))
            elif GROUP.fullmatch(str(key)):
                group["Groups"].append(self._group(one))
            else:
                group["CriteriaList"].append(self._around(one))
        return group

    def _around(self, at: Cursor) -> Document:
        """So many events around the one that is looked at."""
        counts = [key for key in COUNTS if at.value.get(key) is not None] if isinstance(at.value, dict) else []
        event = self._event(at, AROUND)
        if len(counts) > 1:
            raise at.error(f"{' and '.join(counts)} are said together.", "Write one of them.")
        key = counts[0] if counts else "at least"
        occurrence: Document = {"Type": COUNTS[key], "Count": at[key].integer(1)}
        if at["counting"]:
            occurrence |= {"IsDistinct": True, "CountColumn": _counting(at["counting"], self._domain(at))}
        found = {"Criteria": event, "Occurrence": occurrence, "StartWindow": _window(at["start"], of_end=False)}
        if at["end"]:
            found["EndWindow"] = _window(at["end"], of_end=True)
        return found | {
            "RestrictVisit": at["same visit"].flag(), "IgnoreObservationPeriod": at["any period"].flag(),
        }  # fmt: skip

    def _leave(self, at: Cursor) -> Document:
        if isinstance(at.value, str):
            match = LEAVE.fullmatch(at.value)
            if match is None:
                raise at.error(f"'{at.value}' is no way out.", "Write 30 days after start, or 0 days after end.")
            return {"DateOffset": {"DateField": f"{match[2].capitalize()}Date", "Offset": int(match[1])}}
        at.map(("drug", "gap", "offset", "supply"), of="leave")
        era = {
            "DrugCodesetId": self._number(at["drug"]),
            "GapDays": at["gap"].integer(0),
            "Offset": at["offset"].integer(0),
        }
        return {"CustomEra": era | ({"DaysSupplyOverride": at["supply"].integer()} if at["supply"] else {})}

    def _calendar(self, at: Cursor) -> Document:
        match = BETWEEN.fullmatch(at.text())
        if match is None:
            raise at.error(f"'{at.value}' is no period.", "Write 2015-01-01 to 2020-12-31, or open for an end.")
        ends = zip(("StartDate", "EndDate"), match.groups(), strict=True)
        return {key: day for key, day in ends if day != "open"}


def _asked(known: Mapping[str, Attribute]) -> dict[str, dict[str, str]]:
    """By the English name of an attribute, and by the kind of its value, what Circe calls it."""
    found: dict[str, dict[str, str]] = {}
    for one in known.values():
        plain = one.name.removesuffix("CS") if one.kind == "selection" else one.name
        if one.kind in ASKED and plain in names():
            found.setdefault(names()[plain]["en"], {})[one.kind] = one.name
    return found


def _compared(at: Cursor, form: str) -> Document:
    """A comparison in words: `at least 5`, `above 5`, `5`, `not 5`, `5 to 9`, `not 5 to 9`."""
    text = str(at.value)
    match = re.fullmatch(
        rf"(?P<how>at least|at most|above|below|not)?\s*(?P<low>{form})(?: to (?P<high>{form}))?", text
    )
    if match is None or (match["high"] and match["how"] not in (None, "not")):
        raise at.error(
            f"'{text}' is no comparison.", "Write at least 5, at most 5, above 5, below 5, 5, not 5 or 5 to 9."
        )
    value = str if form == DAY else float
    if match["high"]:
        op = "!bt" if match["how"] else "bt"
        return {"Value": value(match["low"]), "Extent": value(match["high"]), "Op": op}
    return {"Value": value(match["low"]), "Op": COMPARED[match["how"] or ""]}


def _like(at: Cursor) -> Document:
    match = LIKE.fullmatch(at.text())
    if match is None:
        raise at.error(
            f"'{at.value}' is no likeness.", "Write like %part of it%, like begin%, like %end or like whole."
        )
    kind = {("%", "%"): "contains", ("", "%"): "startsWith", ("%", ""): "endsWith"}.get(
        (match["before"], match["after"]), "eq"
    )
    return {"Text": match["text"], "Op": f"{'!' if match['out'] else ''}{kind}"}


def _moved(at: Cursor, domain: Domain) -> Document:
    """An event that is taken to begin and end so many days after its start or end."""
    if refused().get((domain.name, "DateAdjustment")) or "DateAdjustment" not in domain.attributes:
        raise at.error(f"a {names()[domain.name]['en']} cannot be moved.", "Take it out.")
    first, last = span(at, "start and end of an event")
    return {
        "StartWith": "END_DATE" if first.of_end else "START_DATE", "StartOffset": first.days,
        "EndWith": "END_DATE" if last.of_end else "START_DATE", "EndOffset": last.days,
    }  # fmt: skip


def _counting(at: Cursor, domain: Domain) -> str:
    known = {names()[one]["en"]: one for one in ("START_DATE", "END_DATE", "VISIT_ID", *domain.counts)}
    if at.text() not in known:
        raise at.error(f"'{at.value}' cannot be counted.", f"Write one of: {', '.join(known)}.")
    return known[at.text()]


def _window(at: Cursor, *, of_end: bool) -> Document:
    """Days around the event that is looked at; without any, at any time."""
    text = at.text("any time before to any time after")
    match = WINDOW.fullmatch(text)
    if match is None:
        raise at.error(
            f"'{text}' is no window.",
            "Write 30 before to 7 after, any time before to 1 before, that day to that day; of "
            "its end behind it, where days are counted from the end of the event.",
        )
    ends = {key: _bound(at, match[name], match[f"{name}_way"]) for key, name in (("Start", "low"), ("End", "high"))}
    first, last = _day(ends["Start"]), _day(ends["End"])
    if first > last:
        raise at.error(f"the window '{text}' ends before it begins.", "Turn its ends round.")
    return ends | {"UseIndexEnd": bool(match["of_end"]), "UseEventEnd": of_end}


def _day(bound: Document) -> float:
    return bound["Coeff"] * float(bound.get("Days", "inf")) if bound.get("Days") != 0 else 0.0


def _bound(at: Cursor, told: str, way: str | None) -> Document:
    if told == "that day":
        return {"Days": 0, "Coeff": -1}
    if way is None:
        raise at.error(f"'{told}' leads nowhere.", "Write before or after behind it.")
    return {"Coeff": -1 if way == "before" else 1} | ({} if told == "any time" else {"Days": int(told)})
