"""What a pack says beyond its items: formulas and scores, quality rules, follow-up, end points, lines and regimens."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from isthmus.base.document import Section
from isthmus.base.errors import InputError
from isthmus.cdm.units import ucum
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import Item
from isthmus.research.registries.sheet import Row

INDEX, DEATH, CONTACT = "index", "death", "last_contact"
SEVERITIES = ("error", "warning", "note")
ENDPOINT = ("en", "zh", "about", "about_zh", "start", "events", "competing", "censor", "only", "source")
FORMULA = ("is", "score", "with", "unit", "source")
LINES = ("item", "within", "gap", "change", "source")
FOLLOW_UP = ("death", "dead", "contact", "records")
NO = "Take it out, or correct its name."


class Grouped(Protocol):
    """What is asked of a group here."""

    @property
    def row(self) -> str:
        """Its grain."""


class Coded(Protocol):
    """What is asked of a code here."""

    @property
    def code(self) -> str:
        """The code itself."""


@dataclass(frozen=True, slots=True)
class Formula:
    """How an item is derived: by an expression, or by a score whose inputs are expressions over items."""

    item: str
    expression: str
    score: str
    inputs: Mapping[str, str]
    place: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A quality rule: `when` is true of a fault."""

    name: str
    items: Sequence[str]
    when: str
    says: Mapping[str, str]
    mends: Mapping[str, str]
    severity: str
    place: str


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What tells a death or that somebody was alive; `dead` has codes by item. `records`: any record is a contact."""

    death: Sequence[str]
    dead: Mapping[str, Sequence[str]]
    contact: Sequence[str]
    records: bool


@dataclass(frozen=True, slots=True)
class Ending:
    """A day that ends the time looked at: an item of the type date, or `death`; only where `when` is true."""

    day: str
    when: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Time from `start` to the first of `events`; who has none is censored at `censor`, or ends by `competing`.

    `about` says in words, by language, what is counted.
    """

    name: str
    names: Mapping[str, str]
    about: Mapping[str, str]
    start: str
    events: Sequence[Ending]
    competing: Sequence[Ending]
    censor: str
    only: str
    place: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Treatment lines: which item's values are drugs, days within which they make one regimen, the gap between lines.

    `change`: a drug that comes after those days opens a line.
    """

    item: str
    within: int
    gap: int
    change: bool
    place: str


@dataclass(frozen=True, slots=True)
class Regimen:
    """A regimen by its name and the codes of its drugs."""

    name: str
    names: Mapping[str, str]
    drugs: frozenset[str]
    place: str


class Reading:
    """Reads these parts against the items of the pack; what is wrong is noted."""

    def __init__(
        self, items: Mapping[str, Item], groups: Mapping[str, Grouped], lists: Mapping[str, Sequence[Coded]],
        faults: Faults,
    ) -> None:  # fmt: skip
        self._items = items
        self._groups = groups
        self._lists = lists
        self._faults = faults

    def formulas(self, told: Section | None) -> dict[str, Formula]:
        """`derived.yaml`: what fills every item whose `from` is `derived`."""
        found: dict[str, Formula] = {}
        for name, body in (told or {}).items():
            place = told.place(name) if told is not None else ""
            if name not in self._items or not self._items[name].derived:
                said = "no item" if name not in self._items else "an item that is not `derived`"
                self._faults.add(place, f"'{name}' is {said}.", "Write it into items/ with `derived` as `from`.")
            elif self._map(body, place, name, FORMULA):
                found[name] = self._formula(name, body, place)
        for name, item in self._items.items():
            if item.derived and name not in (told or {}):
                self._faults.add(
                    item.row.place("from"), f"item {name} is derived, but derived.yaml does not say how.",
                    f"Add `{name}: {{is: EXPRESSION}}` or `{name}: {{score: NAME, with: …}}` there.",
                )  # fmt: skip
        return found

    def _formula(self, name: str, body: Section, place: str) -> Formula:
        if ("is" in body) == ("score" in body):
            self._faults.add(place, f"item {name} needs either `is` or `score`.", "Write one of the two.")
        inputs = body.get("with") or {}
        if not isinstance(inputs, dict):
            self._faults.add(body.place("with"), f"item {name}: `with` is a map.", "Write {input: item}.")
            inputs = {}
        return Formula(
            name, str(body.get("is", "")), str(body.get("score", "")),
            {str(key): str(value) for key, value in inputs.items()}, place,
        )  # fmt: skip

    def endpoints(self, told: Section | None) -> tuple[FollowUp, dict[str, Endpoint]]:
        """`endpoints.yaml`: how deaths and contacts are told, and the end points by name."""
        found: dict[str, Endpoint] = {}
        follow = FollowUp((), {}, (), True)
        for name, body in (told or {}).items():
            place = told.place(name) if told is not None else ""
            if name == "follow_up":
                if self._map(body, place, name, FOLLOW_UP):
                    follow = self._follow_up(body)
            elif self._map(body, place, name, ENDPOINT):
                found[name] = self._endpoint(name, body, place)
        return follow, found

    def _follow_up(self, body: Section) -> FollowUp:
        dead: dict[str, Sequence[str]] = {}
        told = body.get("dead")
        if told is not None and not isinstance(told, Section):
            self._faults.add(body.place("dead"), "`dead` is a map of items and codes.", "Write {vital_status: [dead]}.")
            told = None
        for name, codes in (told or {}).items():
            place = body["dead"].place(name)
            dead[name] = tuple(map(str, codes if isinstance(codes, list) else [codes]))
            if self._item(name, place, "choice", "many", "yesno"):
                self._codes(name, dead[name], place)
        days = {key: tuple(map(str, body.get(key) or ())) for key in ("death", "contact")}
        for key, names in days.items():
            for name in names:
                self._item(name, body.place(key), "date")
        return FollowUp(days["death"], dead, days["contact"], bool(body.get("records", True)))

    def _codes(self, name: str, codes: Sequence[str], place: str) -> None:
        known = {one.code for one in self._lists.get(self._items[name].list, ())} or {"yes", "no"}
        for code in codes:
            if code not in known:
                self._faults.add(
                    place, f"'{code}' is no code of item {name}.", f"Write one of: {', '.join(sorted(known))}."
                )

    def _endpoint(self, name: str, body: Section, place: str) -> Endpoint:
        start, censor = str(body.get("start", INDEX)), str(body.get("censor", CONTACT))
        if start != INDEX:
            self._item(start, body.place("start"), "date")
        if censor != CONTACT:
            self._item(censor, body.place("censor"), "date")
        if not body.get("events"):
            self._faults.add(place, f"end point {name} has no `events`.", "Name dates, for example [death].")
        for taken in (f"{name}_days", f"{name}_event"):
            if taken in self._items:
                self._faults.add(place, f"end point {name} gives a column {taken}, which an item has.", "Rename one.")
        return Endpoint(
            name, {key: str(body.get(key, name)) for key in ("en", "zh")},
            {"en": str(body.get("about", "")), "zh": str(body.get("about_zh", ""))}, start,
            tuple(self._endings(body, "events")), tuple(self._endings(body, "competing")), censor,
            str(body.get("only", "")), place,
        )  # fmt: skip

    def _endings(self, body: Section, key: str) -> Iterator[Ending]:
        if not isinstance(body.get(key) or [], list):
            self._faults.add(body.place(key), f"`{key}` is a list.", "Write [death], with one day or more.")
            return
        for one in body.get(key) or ():
            place = one.place() if isinstance(one, Section) else body.place(key)
            if isinstance(one, Section) and not self._map(one, place, key, ("date", "when")):
                continue
            ending = (
                Ending(str(one.get("date", "")), str(one.get("when", "")))
                if isinstance(one, Section)
                else Ending(str(one), "")
            )
            if ending.day != DEATH:
                self._item(ending.day, place, "date")
            yield ending

    def lines(self, told: Section | None) -> Lines | None:
        """`lines.yaml`: how drugs become lines of treatment."""
        if not told:
            return None
        if not self._map(told, told.place(), "lines.yaml", LINES):
            return None
        name = str(told.get("item", ""))
        self._item(name, told.place("item"), "choice")
        days = {key: told.get(key, usual) for key, usual in (("within", 28), ("gap", 120))}
        for key, value in days.items():
            if not isinstance(value, int) or value < 0:
                self._faults.add(told.place(key), f"`{key}` is a number of days.", "Write a whole number.")
                return None
        return Lines(name, days["within"], days["gap"], bool(told.get("change", True)), told.place())

    def regimens(self, rows: Mapping[str, Row], lines: Lines | None) -> list[Regimen]:
        """`regimens.csv`: names of what is given together."""
        found: dict[frozenset[str], Regimen] = {}
        item = self._items.get(lines.item) if lines else None
        known = {one.code for one in self._lists.get(item.list, ())} if item else set()
        for name, row in rows.items():
            drugs = frozenset(part.strip() for part in row.get("drugs", "").split("|") if part.strip())
            for drug in sorted(drugs - known):
                self._faults.add(
                    row.place("drugs"), f"regimen {name}: '{drug}' is no code of the drugs of lines.yaml.",
                    "Write codes of that item's list, with | between them.",
                )  # fmt: skip
            one = Regimen(name, {key: row.get(key, "") for key in ("en", "zh")}, drugs, row.place())
            if not drugs or found.setdefault(drugs, one) is not one:
                said = f"has the drugs of {found[drugs].name}" if drugs else "has no drugs"
                self._faults.add(row.place("drugs"), f"regimen {name} {said}.", "Keep one of each.")
        return list(found.values())

    def quality(self, rows: Mapping[str, Row]) -> list[Rule]:
        """`quality.csv`: what must not be."""
        found = []
        for name, row in rows.items():
            items = tuple(part.strip() for part in row.get("items", "").split("|") if part.strip())
            for one in items:
                self._item(one, row.place("items"))
            severity = row.get("severity") or "warning"
            if severity not in SEVERITIES:
                self._faults.add(
                    row.place("severity"), f"rule {name}: '{severity}' is no severity.",
                    f"Write one of: {', '.join(SEVERITIES)}.",
                )  # fmt: skip
            if not row.get("when"):
                self._faults.add(row.place("when"), f"rule {name} does not say when.", "Write what is true of a fault.")
            found.append(
                Rule(
                    name, items, row.get("when", ""), {key: row.get(key, "") for key in ("en", "zh")},
                    {key: row.get(f"mend_{key}", "") for key in ("en", "zh")}, severity, row.place("when"),
                )
            )  # fmt: skip
        return found

    def assumed(self, head: Section) -> dict[str, str]:
        """`assumed unit`: the unit of numbers whose unit nobody told, by item."""
        found: dict[str, str] = {}
        told = head.get("assumed unit")
        if told is not None and not isinstance(told, Section):
            self._faults.add(head.place("assumed unit"), "`assumed unit` is a map.", "Write {platelets: 10*9/L}.")
        if not isinstance(told, Section):
            return found
        for name, unit in told.items():
            place = told.place(name)
            if self._item(name, place, "number"):
                try:
                    ucum.read(str(unit))
                    found[name] = str(unit)
                except InputError:
                    self._faults.add(place, f"'{unit}' is not a UCUM code known here.", "Write it as UCUM does.")
        return found

    def _item(self, name: str, place: str, *types: str) -> bool:
        """Whether there is such an item, of one of these types if any are named."""
        if name not in self._items:
            self._faults.add(place, f"'{name}' is no item of this pack.", NO)
            return False
        if types and self._items[name].type not in types:
            self._faults.add(place, f"item {name} is of the type '{self._items[name].type}'.",
                             f"Name one of the type {' or '.join(types)}.")  # fmt: skip
            return False
        return True

    def _map(self, body: Any, place: str, name: str, known: Sequence[str]) -> bool:
        if not isinstance(body, Section):
            self._faults.add(place, f"'{name}' is a map here.", f"Known keys: {', '.join(known)}.")
            return False
        for key in body:
            if key not in known:
                self._faults.add(body.place(key), f"'{name}' has no '{key}'.", f"Known: {', '.join(known)}.")
        return True
