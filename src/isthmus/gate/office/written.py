"""Applications, conditions and events of a case as they are written: in YAML and TOML by people, in JSON by records."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import yaml

from isthmus.base.errors import InputError
from isthmus.cdm.tables import TABLES
from isthmus.gate.committee.application import Application, Budget
from isthmus.gate.committee.event import Actor, Event
from isthmus.gate.use.purpose import Conditions, Purpose
from isthmus.records.models import Act

ALL = "all"
PARTS = ("people", "purpose", "summary", "sites", "tables", "until", "release", "grade", "privacy")
_SETS = ("kinds", "diseases", "topics", "agreed", "people", "institutions", "projects", "places")
_FACTS = ("not_for_profit", "non_commercial", "genetic")
_CONDITIONS = ("codes", "waived", "diseases", "people", "institutions", "projects", "places")


def read(path: Path) -> dict[str, Any]:
    """An application's parts from a YAML file. Raises InputError when it is none."""
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise InputError(f"{path.name} cannot be read as YAML ({type(error).__name__}). Correct it.") from None
    if not isinstance(found, dict):
        raise InputError(f"{path.name} is no application. It has the parts {', '.join(PARTS)}.")
    return {str(name): plain(one) for name, one in found.items()}


def plain(value: Any) -> Any:
    """Values of YAML as values of JSON: dates become text."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value.isoformat() if isinstance(value, date) else value


def application(body: Mapping[str, Any], applicant: str) -> Application:
    """The application of a person. Raises InputError that names what is missing, unknown or of a wrong form."""
    _demand_known("the application", body, PARTS)
    tables = body.get("tables", {})
    if not isinstance(tables, dict):
        raise InputError("`tables` names for each table its columns, as `person: [person_id, year_of_birth]`.")
    return Application(
        applicant=applicant,
        people=_set(body, "people") | {applicant},
        purpose=purpose(body.get("purpose", {})),
        summary=str(body.get("summary", "")),
        sites=_set(body, "sites"),
        columns={str(table): _columns(str(table), names) for table, names in tables.items()},
        until=moment(body.get("until")),
        release=str(body.get("release", "default")),
        grade=_grade(body.get("grade", 3)),
        budget=_budget(body.get("privacy", {})),
    )


def purpose(body: Any) -> Purpose:
    """What the data are wanted for."""
    if not isinstance(body, dict):
        raise InputError("`purpose` has parts of its own, at least `kinds`, as `purpose: {kinds: [HMB]}`.")
    known = (*_SETS, *_FACTS, "ethics", "no_publication_before", "months", "other")
    _demand_known("the purpose", body, known)
    if wrong := [name for name in _FACTS if not isinstance(body.get(name), bool | None)]:
        raise InputError(f"`{wrong[0]}` of the purpose is true or false. Correct it.")
    parts: dict[str, Any] = {name: _set(body, name) for name in _SETS} | {name: body.get(name) for name in _FACTS}
    return Purpose(
        **parts,
        ethics=str(body.get("ethics", "")),
        no_publication_before=_day(body.get("no_publication_before")),
        months=_number(body, "months"),
        other=str(body.get("other", "")),
    )


def conditions(site: str, body: Mapping[str, Any]) -> Conditions:
    """The conditions of a site, from the table [conditions] of its file."""
    try:
        _demand_known("[conditions]", body, (*_CONDITIONS, "months", "embargo"))
        return Conditions(
            **{name: _set(body, name) for name in _CONDITIONS},
            months=_number(body, "months"),
            embargo=_day(body.get("embargo")),
        )
    except InputError as error:
        raise InputError(f"sites/{site}.toml: {error}") from None


def event(act: Act) -> Event:
    """An act in a case as an event."""
    body = act.body
    asked = body.get("application")
    return Event(
        act=act.act,
        by=Actor(act.person, act.role, frozenset(body.get("speaks", ()))),
        at=act.at,
        reason=body.get("reason", ""),
        application=application(asked, act.person) if asked else None,
        answers=body.get("answers", {}),
        favour=body.get("favour", False),
        sites=frozenset(body.get("sites", ())),
        until=datetime.fromisoformat(body["until"]) if body.get("until") else None,
        id=body.get("grant", ""),
    )


def moment(value: Any) -> datetime:
    """A day or a moment in UTC; a day stands for its beginning."""
    try:
        found = datetime.fromisoformat(str(value))
    except ValueError:
        raise InputError("`until` is a day in UTC, as 2027-06-30. Add or correct it.") from None
    if found.tzinfo is not None:
        raise InputError("`until` is in UTC and names no zone. Leave the zone out.")
    return found


def _columns(table: str, names: Any) -> frozenset[str]:
    if names == ALL:  # a table that the model does not have stays, for the application to name it as unknown
        return frozenset(column.name for column in TABLES[table].columns) if table in TABLES else frozenset({ALL})
    return _listed(table, names)


def _set(body: Mapping[str, Any], name: str) -> frozenset[str]:
    return _listed(name, body.get(name, []))


def _listed(name: str, value: Any) -> frozenset[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise InputError(f"`{name}` is a list of words, as [one, two]. Correct it.")
    return frozenset(value)


def _number(body: Mapping[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int)):
        raise InputError(f"`{name}` is a whole number. Correct it.")
    return value


def _grade(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputError("`grade` is a whole number from 1 (public) to 5 (strictest). Correct it.")
    return value


def _budget(body: Any) -> Budget:
    if not isinstance(body, dict) or not all(type(one) in {int, float, str} for one in body.values()):
        raise InputError("`privacy` is a budget, as `privacy: {epsilon: 1, delta: 0.000001}`. Correct it.")
    _demand_known("`privacy`", body, ("epsilon", "delta"))
    try:
        found = [Decimal(str(body.get(name, 0))) for name in ("epsilon", "delta")]
    except InvalidOperation:
        raise InputError("`epsilon` and `delta` of `privacy` are numbers. Correct them.") from None
    if not all(one.is_finite() for one in found):
        raise InputError("`epsilon` and `delta` of `privacy` are finite numbers. Correct them.")
    return Budget(*found)


def _day(value: Any) -> date | None:
    try:
        return None if value is None else date.fromisoformat(str(value))
    except ValueError:
        raise InputError(f"'{value}' is no day, as 2027-06-30. Correct it.") from None


def _demand_known(what: str, body: Mapping[str, Any], known: Iterable[str]) -> None:
    if unknown := sorted(set(body) - set(known)):
        raise InputError(f"{what} has an unknown part '{unknown[0]}'; known are {', '.join(known)}. Correct it.")
