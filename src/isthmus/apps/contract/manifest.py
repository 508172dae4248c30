"""The manifest of an application, `app.yaml`: what it is, what it needs, and what it gives."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any

import yaml

from isthmus.apps.contract.documents import (
    Section,
    check_keys,
    choice_of,
    fault,
    number_of,
    read,
    section_of,
    text_of,
)
from isthmus.apps.contract.event import HOOKS
from isthmus.base.errors import InputError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.use.purpose import kinds

CONTRACT = 1
"""The version of the contract that this Isthmus keeps."""
FILE = "app.yaml"
RESULT = frozenset({"person_id", "measurement_concept_id", "measurement_date"})
"""What an application reads of a result of which it is told that it is ready."""
LANGUAGES = ("en", "zh")
NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
VERSION = re.compile(r"\d+\.\d+\.\d+")
ENTRY = re.compile(r"[a-z_][a-z0-9_]*:[A-Za-z_]\w*")
PART = r"(?:[a-z0-9][a-z0-9_.-]*|\{[a-z][a-z0-9_]*\})"
ROUTE = re.compile(rf"(GET|POST|PUT|DELETE) {PART}(?:/{PART})*")
BRACES = re.compile(r"\{\w+\}")
SETTING = re.compile(r"[a-z][a-z0-9_]{0,39}")
KEYS = (
    "app", "version", "contract", "title", "entry", "purpose", "grade", "reads", "hooks", "pages", "routes",
    "services", "jobs", "settings",
)  # fmt: skip
TYPES: Mapping[str, Callable[[Any], bool]] = {
    "integer": lambda value: type(value) is int,
    "number": lambda value: type(value) in (int, float) and isfinite(value),
    "boolean": lambda value: type(value) is bool,
    "text": lambda value: isinstance(value, str),
    "day": lambda value: _is_written(value, date.fromisoformat),
    "moment": lambda value: _is_written(value, datetime.fromisoformat),
    "texts": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
}
WRITTEN: Mapping[str, str] = {
    "text": "text", "day": "a day, as 2024-03-31, or empty",
    "moment": "a day, or a day and time, as 2024-03-31T08:00, or empty",
}  # fmt: skip
"""Types whose values are what stands there, whatever it looks like, and what each is in words."""


def _is_written(value: Any, read_as: Callable[[str], object]) -> bool:
    """Whether a text is empty, or can be read so."""
    try:
        return isinstance(value, str) and (not value or bool(read_as(value)))
    except ValueError:
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting: its type, its default, what it does, and what it may be."""

    name: str
    type: str
    default: Any
    help: Mapping[str, str]
    choices: tuple[Any, ...] = ()
    least: float | None = None
    most: float | None = None

    def why_not(self, value: Any) -> str:
        """Why a value is not admitted; empty when it is."""
        if not TYPES[self.type](value):
            return f"`{self.name}` is {WRITTEN.get(self.type, f'of type {self.type}')}"
        if self.choices and value not in self.choices:
            return f"`{self.name}` is one of {', '.join(map(str, self.choices))}"
        if self.least is not None and value < self.least:
            return f"`{self.name}` is {self.least:g} or more"
        if self.most is not None and value > self.most:
            return f"`{self.name}` is {self.most:g} or less"
        return ""

    def read(self, text: str) -> Any:
        """The value that somebody wrote, by the type: a text or day is what stands there, anything else is YAML.

        Raises InputError for a value that is not admitted.
        """
        if self.type in WRITTEN:
            return self.admitted(text)
        loader = yaml.BaseLoader if self.type == "texts" else yaml.SafeLoader
        try:
            return self.admitted(yaml.load(text, loader))
        except yaml.YAMLError:
            return self.admitted(text)

    def admitted(self, value: Any) -> Any:
        """The value, if it may be the setting's. Raises InputError otherwise."""
        if why := self.why_not(value):
            raise InputError(f"{why}. Give another value, or none for the default ({self.default}).")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an application is, what it needs, and what it gives. `reads` has the columns of each table it asks.

    `grade` is the least grade of data that it works with: under a grant of a lower one it does not run.
    """

    app: str
    version: str
    title: Mapping[str, str]
    entry: str = "app:App"
    purpose: tuple[str, ...] = ()
    grade: int = 3
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    hooks: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    settings: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def order(self) -> tuple[int, ...]:
        """The version as numbers, by which versions are ordered."""
        return tuple(int(part) for part in self.version.split("."))

    def words(self, language: str) -> str:
        """The title in a language."""
        return self.title.get(language) or self.title["en"]


def manifest_of(folder: Path) -> Manifest:
    """The manifest in the folder of an application. Raises PackError that names file, line, cause and mend."""
    path = folder / FILE
    body = read(path, name=f"{folder.name}/{FILE}")
    name = text_of(body, "app", "manifest")
    item = f"application {name or '?'}"
    check_keys(body, item, KEYS, ("app", "version", "contract", "title"))
    _demand(body, "app", item, NAME.fullmatch(name), "is 1 to 40 of a-z, 0-9 and '-', a letter first")
    version = text_of(body, "version", item)
    _demand(body, "version", item, VERSION.fullmatch(version), "is three numbers, as 1.0.0")
    _demand(
        body, "contract", item, type(body["contract"]) is int and body["contract"] == CONTRACT,
        f"is {CONTRACT} for this Isthmus; an application written for another contract does not run here",
    )  # fmt: skip
    entry = text_of(body, "entry", item) or "app:App"
    _demand(body, "entry", item, ENTRY.fullmatch(entry), "is module:Class, as app:App")
    grade = body.get("grade", 3)
    _demand(body, "grade", item, type(grade) is int and grade in range(1, 6), "is a grade of data, 1 to 5")
    routes = _listed(body, "routes", item, ROUTE.fullmatch, "are a method and a path, as `GET alerts/{alert}`")
    _demand_apart(body, routes, item)
    reads = _reads(body, item)
    hooks = _listed(body, "hooks", item, lambda word: word in HOOKS, f"are some of {', '.join(HOOKS)}")
    if "ready" in hooks and (missing := sorted(RESULT - reads.get("measurement", frozenset()))):
        mend = f"Add {missing[0]} to measurement under `reads`, or leave the hook out"
        raise fault(body.place("hooks"), item, "`ready` tells of results that the manifest does not read", mend)
    return Manifest(
        app=name, version=version, title=_words(body, "title", item), entry=entry, grade=grade,
        purpose=_listed(body, "purpose", item, kinds().__contains__, f"names kinds of purpose: {', '.join(kinds())}"),
        reads=reads, hooks=hooks,
        pages=_listed(body, "pages", item, NAME.fullmatch, "are paths of a-z, 0-9 and '-'"),
        routes=routes,
        services=_listed(body, "services", item, NAME.fullmatch, "are ids of a-z, 0-9 and '-'"),
        jobs=_listed(body, "jobs", item, NAME.fullmatch, "are names of a-z, 0-9 and '-'"),
        settings={one.name: one for one in _settings(body, item)},
    )  # fmt: skip


def _demand(body: Section, key: str, item: str, holds: object, rule: str) -> None:
    if not holds:
        raise fault(body.place(key), item, f"`{key}` {rule}", f"'{body.get(key)}' is not; correct it")


def _demand_apart(body: Section, routes: tuple[str, ...], item: str) -> None:
    """Refuse routes that name a part twice, or that cannot be told apart."""
    met: dict[str, str] = {}
    for one in routes:
        parts, shape = BRACES.findall(one), BRACES.sub("{}", one)
        if len(set(parts)) < len(parts):
            raise fault(body.place("routes"), item, f"the route `{one}` names a part twice", "Name each part its own")
        if shape in met:
            said = f"the routes `{met[shape]}` and `{one}` cannot be told apart"
            raise fault(body.place("routes"), item, said, "Keep one of the two")
        met[shape] = one


def _words(body: Section, key: str, item: str) -> dict[str, str]:
    said = section_of(body, key, item)
    check_keys(said, f"{item}, {key}", LANGUAGES)
    found = {language: text_of(said, language, item) for language in LANGUAGES}
    if missing := [language for language, text in found.items() if not text]:
        raise fault(body.place(key), item, f"`{key}` has no text in '{missing[0]}'", "Write it in en and zh")
    return found


def _listed(body: Section, key: str, item: str, fits: Callable[[str], object], rule: str) -> tuple[str, ...]:
    said = body.get(key) or []
    if not isinstance(said, list) or not all(isinstance(one, str) for one in said):
        raise fault(body.place(key), item, f"`{key}` is a list of words", "Write `[one, another]`")
    for one in said:
        if not fits(one):
            raise fault(body.place(key), item, f"`{key}` {rule}", f"'{one}' is not; correct it")
    if len(set(said)) < len(said):
        raise fault(body.place(key), item, f"`{key}` names something twice", "Keep one of the two")
    return tuple(said)


def _reads(body: Section, item: str) -> dict[str, frozenset[str]]:
    said = section_of(body, "reads", item)
    found = {}
    for table in said:
        if table not in QUESTIONS:
            raise fault(said.place(table), item, f"there is no table '{table}'", "Name tables of the OMOP CDM 5.4")
        columns = _listed(said, table, item, set(QUESTIONS[table].columns).__contains__, "names columns of the table")
        if not columns:
            raise fault(said.place(table), item, f"`{table}` names no column", "List those that are needed")
        found[table] = frozenset(columns)
    return found


def _settings(body: Section, item: str) -> list[Setting]:
    said = section_of(body, "settings", item)
    for name in said:
        if not SETTING.fullmatch(name):
            raise fault(said.place(name), item, f"'{name}' cannot be a setting", "Use a-z, 0-9 and '_', a letter first")
    return [_setting(section_of(said, name, item), name, f"{item}, setting {name}") for name in said]


def _setting(said: Section, name: str, item: str) -> Setting:
    check_keys(said, item, ("type", "default", "help", "choices", "least", "most"), ("type", "help"))
    kind = choice_of(said, "type", item, TYPES, "")
    bounds = {key: number_of(said, key, item) if key in said else None for key in ("least", "most")}
    if kind not in ("integer", "number") and any(one is not None for one in bounds.values()):
        raise fault(said.place(), item, "only a number has `least` and `most`", "Leave them out")
    choices = said.get("choices") or []
    if not isinstance(choices, list) or not all(TYPES[kind](one) for one in choices):
        raise fault(said.place("choices"), item, f"`choices` is a list of values of type {kind}", "Correct the list")
    found = Setting(
        name=name, type=kind, default=said.get("default"), help=_words(said, "help", item), choices=tuple(choices),
        least=bounds["least"], most=bounds["most"],
    )  # fmt: skip
    if why := found.why_not(found.default):
        raise fault(said.place("default"), item, f"the default is not admitted: {why}", "Correct the one or the other")
    return found
