"""What no single reader of a pack can see: what is well formed and yet means nothing, or never comes about."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from isthmus.base.document import Section
from isthmus.research.expression.node import Call, Literal, Node, children
from isthmus.research.registries.computed import Computed
from isthmus.research.registries.enrolment.model import Enrolment
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import DATED, NAME, Item
from isthmus.research.registries.layer import HEAD, Layer
from isthmus.research.registries.names import GRADE
from isthmus.research.registries.rules import Endpoint, Formula, Lines
from isthmus.research.registries.sheet import Row

FOLDER = re.compile(r"[a-z0-9][a-z0-9_-]{0,58}")
PERSONAL = {"birth": ("date",), "gender": ("choice", "text"), "site": ("choice", "text")}
NUMBERS = ("number", "whole")
MISSING = "_missing"
BOTH = "Give both: {en: …, zh: …}."
FARTHEST = 36_525
"""Days: no window reaches farther than a hundred years."""
LARGEST = 2**63 - 1


class Coded(Protocol):
    """What is asked of a code here."""

    @property
    def code(self) -> str:
        """The code itself."""

    @property
    def names(self) -> Mapping[str, str]:
        """What people call it."""


def head(told: Section, layers: Sequence[Layer], faults: Faults) -> None:
    """The name of a registry is one of folders; its version is a text; it has a title."""
    name = told.get("registry")
    if not isinstance(name, str) or not FOLDER.fullmatch(name):
        said = f"'{name}' is no name of a registry."
        faults.add(told.place("registry"), said, "Write small letters, digits, - and _.")
    version = told.get("version", "1")
    if isinstance(version, float):
        said = f"the version {version} was read as a number, so that 1.10 is 1.1."
        faults.add(told.place("version"), said, f'Write it between quotes: "{version}".')
    titles = told.get("title")
    if not isinstance(titles, dict) or not all(titles.get(language) for language in ("en", "zh")):
        faults.add(told.place("title"), "a registry has a title in two languages.", BOTH)
    for layer in layers:
        _groups(layer.documents[HEAD], faults)


def _groups(own: Section, faults: Faults) -> None:
    seen: dict[str, str] = {}
    entries = own.get("groups")
    if entries is not None and (not isinstance(entries, list) or not entries):
        faults.add(own.place("groups"), "`groups` is a list, and not empty.", "Write - {group: NAME, en: …, zh: …}.")
        faults.tell()
    for entry in entries or ():
        if not isinstance(entry, Section) or "group" not in entry:
            continue
        name = str(entry["group"])
        if name in seen:
            faults.add(entry.place(), f"group {name} stands already at {seen[name]}.", "Keep one of the two.")
        seen[name] = entry.place()


def lists(found: Mapping[str, Sequence[Coded]], rows: Mapping[str, Row], faults: Faults) -> None:
    """A code has names, holds no `|`, and is not what another code of its list is called."""
    for name, codes in found.items():
        meant: dict[str, str] = {}
        for one in codes:
            place = rows[f"{name} {one.code}"].place()
            if "|" in one.code:
                faults.add(
                    place, f"list {name}: the code '{one.code}' holds a |, which stands between codes.", "Write -."
                )
            for said in {one.code.casefold(), *(each.casefold() for each in one.names.values() if each)}:
                if meant.setdefault(said, one.code) != one.code:
                    faults.add(place, f"list {name}: '{said}' means {meant[said]} and {one.code}.",
                               "Call one of the two otherwise.")  # fmt: skip


def items(found: Mapping[str, Item], formulas: Mapping[str, Formula], faults: Faults) -> None:
    """A source can fill its item, a window is one of a life, and no item has the name of a score's column."""
    for one in found.values():
        place = f"{one.row.place('from')}: item {one.name}"
        _sources(one, place, faults)
        if any(abs(edge) > FARTHEST for edge in (one.low, one.high) if edge is not None):
            said = f"{one.row.place('window')}: item {one.name}"
            faults.add(said, "the window reaches farther than a hundred years.", "Leave an end open: `..0` or `0..`.")
        for ending in (GRADE, MISSING):
            score = one.name.removesuffix(ending)
            if one.name.endswith(ending) and score in formulas and formulas[score].score:
                said = f"item {one.name} has the name of a column of the score {score}."
                faults.add(one.row.place(), said, "Call it otherwise.")


def _sources(one: Item, place: str, faults: Faults) -> None:
    seen = set()
    for source in one.sources:
        key = (source.domain, source.concept_id, source.what, source.values, source.by_text, source.as_date)
        if key in seen and source.concept_id:
            faults.add(place, f"{source.domain} {source.concept_id} is named twice.", "Name it once.")
        seen.add(key)
        if source.domain not in ("death", "person") and not 0 < source.concept_id <= LARGEST:
            faults.add(place, f"{source.concept_id} is no concept.", "Write the id of one, as 3024561.")
        if source.values and one.type == "number":
            said = f"`= {source.values[0]}` asks for a value that is a concept, and a number is none."
            faults.add(place, said, "Take it out, or write another type.")
        if one.type in NUMBERS and one.pick != "count" and source.domain in DATED and source.domain != "person":
            said = f"rows of {source.domain} carry no number."
            faults.add(
                place, said, "Name a measurement or observation, or count rows: the type whole with the pick count."
            )
        wanted = PERSONAL.get(source.what)
        if wanted and one.type not in wanted:
            faults.add(place, f"person {source.what} is no {one.type}.", f"Write the type {' or '.join(wanted)}.")


def formulas(told: Computed, found: Mapping[str, Formula], faults: Faults) -> None:
    """A score is given all that it cannot do without, and nothing is compared with null."""
    for step in (one for of_group in told.steps.values() for one in of_group):
        place = f"{found[step.item.name].place}: item {step.item.name}"
        expressions = [step.expression] if step.expression is not None else []
        if step.bound is not None:
            expressions += step.bound.inputs.values()
        for one in expressions:
            _compares(one.node, place, faults)
    for check in told.checks:
        place = f"{check.rule.place}: rule {check.rule.name}"
        _compares(check.expression.node, place, faults)
        if not check.expression.names:
            faults.add(place, "it asks nothing of a patient.", "Name an item in `when`.")


def _compares(node: Node, place: str, faults: Faults) -> None:
    if isinstance(node, Call) and node.name in ("=", "<>", "<", "<=", ">", ">=") and any(
        isinstance(one, Literal) and one.value is None for one in node.operands
    ):  # fmt: skip
        faults.add(place, f"nothing is `{node.name} null`: what is not known equals nothing.", "Write `is null`.")
    for child in children(node):
        _compares(child, place, faults)


def documents(
    told: Mapping[str, Section], points: Mapping[str, Endpoint], treated: Lines | None, enrolled: Enrolment,
    faults: Faults,
) -> None:  # fmt: skip
    """What end points, treatment lines and enrolment say is possible."""
    _endpoints(points, told.get("endpoints.yaml"), faults)
    _lines(told.get("lines.yaml"), treated, faults)
    _enrolment(enrolled, told.get("enrolment.yaml"), faults)


def _endpoints(found: Mapping[str, Endpoint], told: Section | None, faults: Faults) -> None:
    """An end point is a column and has names; switches are yes or no."""
    for name, one in found.items():
        if not NAME.fullmatch(name):
            faults.add(one.place, f"'{name}' is no name of an end point.", "Write small letters, digits and _.")
    follow = told.get("follow_up") if told else None
    if isinstance(follow, Section):
        _switch(follow, "records", faults)


def _lines(told: Section | None, found: Lines | None, faults: Faults) -> None:
    """Drugs of one regimen begin within fewer days than end a line."""
    if told is None or found is None:
        return
    _switch(told, "change", faults)
    for key in ("within", "gap"):
        if isinstance(told.get(key), bool):
            faults.add(told.place(key), f"`{key}` is a number of days.", "Write a whole number.")
    if found.within > found.gap:
        said = f"drugs within {found.within} days are one regimen, though {found.gap} days without any end a line."
        faults.add(told.place("within"), said, "Make `within` the smaller.")


def _enrolment(found: Enrolment, told: Section | None, faults: Faults) -> None:
    """Rules can find a candidate together, and visits end after they begin."""
    if told is None:
        return
    points = sum(one.points for one in found.finders)
    if found.finders and points < found.enough:
        said = f"all rules together give {points:g} points, and {found.enough:g} make a candidate."
        faults.add(told.place("finding"), said, "Lower `enough`, or give rules more points.")
    for visit in found.visits.values():
        if visit.every and visit.until < visit.day:
            faults.add(visit.place, f"visit {visit.name} ends on day {visit.until}, before its first on {visit.day}.",
                       "Make `until` the later.")  # fmt: skip


def _switch(told: Section, key: str, faults: Faults) -> None:
    value: Any = told.get(key)
    if value is not None and not isinstance(value, bool):
        faults.add(told.place(key), f"`{key}` is true or false, and '{value}' is neither.", "Write one of the two.")
