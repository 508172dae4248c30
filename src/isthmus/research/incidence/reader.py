"""Designs of incidence in files: a short YAML (`docs/reference/incidence.md`), or the JSON of CohortIncidence.

Whatever a design says and this does not know is refused with file and place.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson
import yaml

from isthmus.base.errors import InputError
from isthmus.research.cohorts.combined import cohort_name
from isthmus.research.cohorts.cursor import Cursor, DefinitionError
from isthmus.research.cohorts.spans import LONGEST, SPAN, span
from isthmus.research.incidence.design import Analysis, AtRisk, Design, Outcome, Strata

KEYS = ("title", "targets", "outcomes", "at risk", "subgroups", "by", "study", "analyses")
DOCUMENT = (
    "cohortDefs", "targetDefs", "outcomeDefs", "timeAtRiskDefs", "analysisList", "conceptSets", "subgroups",
    "strataSettings", "studyWindow",
)  # fmt: skip


def read(path: Path) -> Design:
    """The design in a file, `.yaml` or `.json`. Raises InputError, with file and place where it is wrong."""
    try:
        content = path.read_bytes()
    except OSError:
        raise InputError(f"{path} cannot be read. Name a design of incidence, .yaml or .json.") from None
    return document(content, file=path.name)


def document(content: bytes, *, file: str) -> Design:
    """The design in the bytes of a file; the end of the file's name says which form it has."""
    try:
        found = orjson.loads(content) if file.endswith(".json") else yaml.safe_load(content)
    except orjson.JSONDecodeError as error:
        raise DefinitionError(f"{file}: line {error.lineno}: this is not JSON ({error.msg}). Mend it there.") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise DefinitionError(f"{file}: {line}this is no YAML. Look for a missing colon, quote or blank.") from None
    root = Cursor(found, file=file)
    return _ohdsi(root) if file.endswith(".json") else _ours(root)


def _ours(root: Cursor) -> Design:
    root.map(KEYS, of="a design of incidence")
    for key in ("targets", "outcomes", "at risk"):
        if not root[key].value:
            raise root.error(f"there is no '{key}'.", "Name target cohorts, outcomes and times at risk.")
    targets = _named(root["targets"])
    outcomes = {name: _outcome(root["outcomes"], name) for name in _map(root["outcomes"])}
    times = {name: _time(root["at risk"][name]) for name in _map(root["at risk"])}
    subgroups = _named(root["subgroups"]) if root["subgroups"] else {}
    analyses: tuple[Analysis, ...] = (Analysis(tuple(targets), tuple(outcomes), tuple(times)),)
    if root["analyses"]:
        analyses = tuple(_analysis(one, targets, outcomes, times) for one in root["analyses"].items())
    return Design(
        targets, outcomes, times, analyses, subgroups, _strata(root["by"]), _study(root["study"]),
        root["title"].text(""),
    )  # fmt: skip


def _map(at: Cursor) -> Mapping[Any, Any]:
    if not isinstance(at.value, dict):
        raise at.error("a map of names is expected.", "Write a name, a colon, and behind it what is meant.")
    return at.value


def _named(at: Cursor) -> dict[str, str]:
    """Cohorts as a list of their names, or as a map from other names to theirs."""
    if isinstance(at.value, list):
        return {cohort_name(one): cohort_name(one) for one in at.items()}
    return {str(key): cohort_name(at[key]) for key in _map(at)}


def _outcome(of: Cursor, name: str) -> Outcome:
    at = of[name]
    if not isinstance(at.value, dict):
        return Outcome(cohort_name(at))
    at.map(("cohort", "clean", "unless"), of="an outcome")
    cohort = cohort_name(at["cohort"]) if at["cohort"] else str(name)
    return Outcome(cohort, _clean(at["clean"]), cohort_name(at["unless"]) if at["unless"] else None)


def _clean(at: Cursor) -> int:
    """The days of a clean window."""
    if not 0 <= at.integer(0) <= LONGEST:
        raise at.error(f"a clean window has 0 to {LONGEST} days.", "Write the days after an outcome, for example 30.")
    return at.integer(0)


def _offset(at: Cursor) -> int:
    """Days from a start or end."""
    if abs(at.integer(0)) > LONGEST:
        raise at.error(f"more than {LONGEST} days are no time at risk.", "Write fewer.")
    return at.integer(0)


def _time(at: Cursor) -> AtRisk:
    low, high = span(at, "time at risk")
    return AtRisk(low.days, low.of_end, high.days, high.of_end)


def _strata(at: Cursor) -> Strata:
    if not at:
        return Strata()
    at.map(("age", "sex", "year"), of="by")
    ages: list[tuple[int, ...]] = []
    if at["age"]:
        nested = bool(at["age"].value) and isinstance(at["age"].value[0], list)
        ages = [_breaks(one) for one in at["age"].items()] if nested else [_breaks(at["age"])]
    return Strata(tuple(ages), at["sex"].flag(), at["year"].flag())


def _breaks(at: Cursor) -> tuple[int, ...]:
    found = tuple(one.integer() for one in at.items())
    if not found or list(found) != sorted(set(found)):
        raise at.error("the first years of age groups ascend.", "Write for example [18, 45, 65].")
    return found


def _study(at: Cursor) -> tuple[int | None, int | None]:
    if not at:
        return None, None
    match = SPAN.fullmatch(at.text())
    if match is None:
        raise at.error(f"'{at.value}' is no period.", "Write 2015-01-01 to 2020-12-31, or open for an end.")
    low, high = (
        None if day == "open" else Cursor(day, file=at.file, parent=at.parent, key=at.key).day()
        for day in (match["low"], match["high"])
    )
    return low, high


def _analysis(
    at: Cursor, targets: Mapping[str, str], outcomes: Mapping[str, Outcome], times: Mapping[str, AtRisk]
) -> Analysis:
    at.map(("targets", "outcomes", "at risk"), of="an analysis")
    known: Mapping[str, Mapping[str, object]] = {"targets": targets, "outcomes": outcomes, "at risk": times}
    return Analysis(*(_chosen(at[key], known[key]) for key in known))


def _chosen(at: Cursor, known: Mapping[str, object]) -> tuple[str, ...]:
    """Names that were said above; all of them where none is chosen."""
    if not at:
        return tuple(known)
    for one in at.items():
        if cohort_name(one) not in known:
            raise one.error(f"'{one.value}' was not said above.", f"Name one of: {', '.join(known)}.")
    return tuple(cohort_name(one) for one in at.items())


def _ohdsi(root: Cursor) -> Design:
    """A design as CohortIncidence writes it; targets, outcomes and times are called by their numbers."""
    root.map(DOCUMENT, of="a design of CohortIncidence")
    targets = {cohort_name(one["id"]): cohort_name(one["id"]) for one in root["targetDefs"].items()}
    outcomes = {cohort_name(one["id"]): _ohdsi_outcome(one) for one in root["outcomeDefs"].items()}
    times = {cohort_name(one["id"]): _ohdsi_time(one) for one in root["timeAtRiskDefs"].items()}
    subgroups = {}
    for one in root["subgroups"].items():
        told = one.map(("CohortSubgroup",), of="a subgroup")["CohortSubgroup"]
        subgroups[cohort_name(told["id"])] = cohort_name(told["cohort"]["id"])
    window = root["studyWindow"]
    ends = (window["startDate"], window["endDate"]) if window else ()
    study = tuple(end.day() if end else None for end in ends) or (None, None)
    analyses = []
    for one in root["analysisList"].items():
        one.map(("targets", "outcomes", "tars"), of="an analysis")
        known: Mapping[str, Mapping[str, object]] = {"targets": targets, "outcomes": outcomes, "tars": times}
        analyses.append(Analysis(*(_chosen(one[key], known[key]) for key in known)))
    return Design(
        targets, outcomes, times, tuple(analyses), subgroups, _ohdsi_strata(root["strataSettings"]),
        (study[0], study[1]),
    )  # fmt: skip


def _ohdsi_outcome(at: Cursor) -> Outcome:
    at.map(("id", "name", "cohortId", "cleanWindow", "excludeCohortId"), of="an outcome")
    unless = at["excludeCohortId"]
    return Outcome(cohort_name(at["cohortId"]), _clean(at["cleanWindow"]), cohort_name(unless) if unless else None)


def _ohdsi_time(at: Cursor) -> AtRisk:
    at.map(("id", "start", "end"), of="a time at risk")
    for key in ("start", "end"):
        at[key].map(("dateField", "offset"), of=f"the {key} of a time at risk")
    start, end = at["start"], at["end"]
    return AtRisk(
        _offset(start["offset"]), start["dateField"].text("start") == "end",
        _offset(end["offset"]), end["dateField"].text("end") == "end",
    )  # fmt: skip


def _ohdsi_strata(at: Cursor) -> Strata:
    if not at:
        return Strata()
    at.map(("byAge", "byGender", "byYear", "ageBreaks", "ageBreakList"), of="strataSettings")
    ages: list[tuple[int, ...]] = []
    if at["byAge"].flag():
        ages = [_breaks(at["ageBreaks"])] if at["ageBreaks"].value else []
        ages += [_breaks(one) for one in at["ageBreakList"].items()]
    return Strata(tuple(ages), at["byGender"].flag(), at["byYear"].flag())
