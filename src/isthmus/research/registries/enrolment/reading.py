"""`enrolment.yaml` of a pack, read against its items; what is wrong is noted."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from isthmus.base.document import Section
from isthmus.base.errors import InputError
from isthmus.research.cohorts.definition import Definition
from isthmus.research.registries.enrolment.model import (
    CONSENTS,
    INDEX,
    OPT_OUT,
    POLICIES,
    Consent,
    Enrolment,
    Finder,
    Visit,
)
from isthmus.research.registries.faults import Faults
from isthmus.research.registries.item import NAME, Item

KEYS = ("consent", "finding", "visits")
CONSENT = ("policy", "state", "withdrawn")
FINDING = ("people", "enough", "rules")
RULE = ("en", "zh", "points", "phenotype")
VISIT = ("en", "zh", "day", "window", "every", "until", "items", "from")
WINDOW = re.compile(r"(-?\d+)\.\.(\d+)")
LONGEST = 36_525
"""Days: no visit is asked for a hundred years after the first."""

Defined = Callable[[Any, str, str], Definition]
"""Body, name and place of a phenotype in; the definition out. Raises InputError."""


class Coded(Protocol):
    """What is asked of a code here."""

    @property
    def code(self) -> str:
        """The code itself."""


class Reading:
    """Reads the document; without one, the pack's cases are the only candidates and nobody is asked."""

    def __init__(
        self, items: Mapping[str, Item], lists: Mapping[str, Sequence[Coded]], defined: Defined, faults: Faults
    ) -> None:  # fmt: skip
        self._items = items
        self._lists = lists
        self._defined = defined
        self._faults = faults

    def enrolment(self, told: Section | None) -> Enrolment:
        """What the document says."""
        if told is None:
            return Enrolment()
        self._known(told, KEYS)
        finding = self._map(told, "finding", FINDING)
        rules = self._map(finding, "rules") if finding else None
        visits = self._map(told, "visits")
        found = [self._finder(rules, name) for name in rules] if rules is not None else []
        planned = [self._visit(visits, name) for name in visits] if visits is not None else []
        return Enrolment(
            self._consent(self._map(told, "consent", CONSENT)),
            int(self._number(finding, "people", 1, 1, 9)), self._number(finding, "enough", 1, 0, 1000),
            [one for one in found if one is not None], {one.name: one for one in planned if one is not None},
        )  # fmt: skip

    def _consent(self, told: Section | None) -> Consent:
        if told is None:
            return Consent()
        policy = str(told.get("policy", OPT_OUT))
        if policy not in POLICIES:
            self._faults.add(
                told.place("policy"), f"'{policy}' is no policy of consent.", f"Write {' or '.join(POLICIES)}."
            )
        state, withdrawn = (str(told.get(key) or "") for key in ("state", "withdrawn"))
        item = self._items.get(state)
        if state and (item is None or item.type != "choice"):
            self._faults.add(
                told.place("state"), f"'{state}' is no item of the type choice.", "Name one, or remove it."
            )
        elif item is not None:
            strange = {one.code for one in self._lists.get(item.list, ())} - set(CONSENTS)
            if strange:
                self._faults.add(
                    told.place("state"), f"the list of {state} has the code '{min(strange)}'.",
                    f"A consent is {', '.join(CONSENTS)}.",
                )  # fmt: skip
        if withdrawn and (withdrawn not in self._items or self._items[withdrawn].type != "date"):
            self._faults.add(told.place("withdrawn"), f"'{withdrawn}' is no item of the type date.", "Name one.")
        return Consent(policy, state, withdrawn)

    def _finder(self, rules: Section, name: str) -> Finder | None:
        body = self._map(rules, name, RULE)
        if body is None or not self._named(rules, name):
            return None
        told = body.get("phenotype")
        try:
            definition = None if told is None else self._defined(told, name, body.place("phenotype"))
        except InputError as error:
            self._faults.note(str(error))
            return None
        return Finder(
            name, _names(body), self._number(body, "points", 1, 0, 1000), definition, rules.place(name)
        )  # fmt: skip

    def _visit(self, visits: Section, name: str) -> Visit | None:
        body = self._map(visits, name, VISIT)
        if body is None or not self._named(visits, name):
            return None
        window = WINDOW.fullmatch(str(body.get("window", "0..0")))
        if window is None or int(window[1]) > 0:
            self._faults.add(
                body.place("window"), f"'{body.get('window')}' is no window about a visit.", "Write days: -14..30."
            )
            return None
        day, every = (int(self._number(body, key, 0, 0, LONGEST)) for key in ("day", "every"))
        until = int(self._number(body, "until", day, 0, LONGEST))
        if every and "until" not in body:
            self._faults.add(body.place("every"), f"visit {name} never ends.", "Add `until:`, days from the start.")
        low, high = int(window[1]), int(window[2])
        if every and high - low >= every:
            self._faults.add(
                body.place("window"), f"the windows of visit {name} overlap: one day would do for two.",
                f"Make them shorter than {every} days.",
            )  # fmt: skip
        anchor = str(body.get("from", INDEX))
        if anchor != INDEX and (anchor not in self._items or self._items[anchor].type != "date"):
            self._faults.add(body.place("from"), f"'{anchor}' is neither `index` nor an item of dates.", "Name one.")
            return None
        return Visit(
            name, _names(body), day, low, high, every, until, self._listed(body), anchor, visits.place(name)
        )  # fmt: skip

    def _listed(self, body: Section) -> list[str]:
        told = body.get("items") or []
        found = [str(one) for one in told] if isinstance(told, list) else []
        strange = [one for one in found if one not in self._items or self._items[one].derived]
        if not isinstance(told, list) or strange:
            said = f"'{strange[0]}' is no item that is told." if strange else "`items` is a list."
            self._faults.add(body.place("items"), said, "Name items that are not derived: [afp, imaging_date].")
        return [one for one in found if one not in strange]

    def _map(self, parent: Section | None, key: str, known: Sequence[str] = ()) -> Section | None:
        if parent is None or parent.get(key) is None:
            return None
        body = parent[key]
        if not isinstance(body, Section):
            self._faults.add(parent.place(key), f"`{key}` is a map.", "Write `name: value` lines below it.")
            return None
        if known:
            self._known(body, known)
        return body

    def _known(self, body: Section, known: Sequence[str]) -> None:
        for key in body:
            if key not in known:
                self._faults.add(body.place(key), f"'{key}' is not known here.", f"Write one of: {', '.join(known)}.")

    def _named(self, parent: Section, name: str) -> bool:
        if not NAME.fullmatch(name):
            self._faults.add(parent.place(name), f"'{name}' is no name.", "Write small letters, digits and _.")
        return bool(NAME.fullmatch(name))

    def _number(self, body: Section | None, key: str, usual: float, low: float, high: float) -> float:
        value = usual if body is None else body.get(key, usual)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            place = "" if body is None else body.place(key)
            self._faults.add(place, f"`{key}` is a number from {low:g} to {high:g}.", "Write one.")
            return usual
        return float(value)


def _names(body: Section) -> Mapping[str, str]:
    return {language: str(body.get(language) or "") for language in ("en", "zh")}
