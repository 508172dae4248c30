"""What a pack says of events, values and days, read with the faults it may have."""

import csv
import math
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from isthmus.apps.contract.documents import Faults, Section
from isthmus.apps.contract.research import Registry
from isthmus.apps.pathways.pack import Concept, Events, Names, Number
from isthmus.apps.pathways.window import EVER, FORM, LONGEST, Window, window

GREATEST = 2**31 - 1
"""The greatest id of a concept that a vocabulary has."""

HERE = Path(__file__).parent
ITEM = "item"
ANY = "any"
LANGUAGES = ("en", "zh")
CONCEPT = re.compile(r"(?P<id>\d+)(?P<below> and below)?")
AMOUNT = r"-?\d+(?:\.\d+)?"
COMPARED = re.compile(rf"(?:(?P<how>at least|at most|above|below) )?(?P<low>{AMOUNT})(?: to (?P<high>{AMOUNT}))?")
NUMBERS = "at least 5, at most 5, above 5, below 5, 5 or 5 to 9"
EPOCH = date(1970, 1, 1)


@cache
def domains() -> Mapping[str, Mapping[str, str]]:
    """The tables that events are read from, by the name of their domain (`domains.csv`)."""
    with (HERE / "domains.csv").open(encoding="utf-8", newline="") as stream:
        return MappingProxyType({row["domain"]: row for row in csv.DictReader(stream)})


class Reading:
    """Reads the small things of a pack, and notes what is wrong with them."""

    def __init__(self, faults: Faults, registry: Registry | None, file: str) -> None:
        self.faults = faults
        self.registry = registry
        self.file = file
        self.concepts: dict[str, tuple[Concept, ...]] = {}

    def names(self, at: Section, what: str) -> Names:
        """`en` and `zh` of something; both must be there."""
        for language in LANGUAGES:
            if not isinstance(at.get(language), str | int | float) or at[language] == "":
                self.faults.add(at.place(language), f"{what} has no name in {language}.", f"Write `{language}: …`.")
        return {language: str(at.get(language, "")) for language in LANGUAGES}

    def said(self, at: Section, key: str, what: str) -> Names:
        """A text below a key in both languages, where there is one; a plain text is the same in both."""
        value = at.get(key)
        if isinstance(value, Section):
            self.keys(value, LANGUAGES, f"{key} of {what}")
            return self.names(value, f"{key} of {what}")
        return {language: str(value or "") for language in LANGUAGES}

    def keys(self, at: Section, known: tuple[str, ...], what: str) -> None:
        """Note every key that is not known."""
        for key in at:
            if key not in known:
                self.faults.add(at.place(key), f"{what} has no '{key}'.", f"Write one of: {', '.join(known)}.")

    def sets(self, at: Section) -> None:
        """The concept sets of a pack."""
        for name, value in at.items():
            found = []
            for text in _list(value):
                match = CONCEPT.fullmatch(str(text))
                if match is None or not 0 < int(match["id"]) <= GREATEST:
                    self.faults.add(
                        at.place(name), f"concept set {name}: '{text}' is no concept.",
                        "Write ids as 201519 or `4001171 and below`.",
                    )  # fmt: skip
                    continue
                found.append(Concept(int(match["id"]), bool(match["below"]), at.place(name)))
            if not found:
                self.faults.add(at.place(name), f"concept set {name} is empty.", "List concept ids between [ and ].")
            self.concepts[name] = tuple(found)

    def kind(self, at: Section, what: str) -> str:
        """Which key of a section names its events; nothing, and a fault, where not one does."""
        known = (*domains(), ITEM)
        named = [key for key in known if key in at]
        if len(named) == 1:
            return named[0]
        said = f"says {' and '.join(named)} together" if named else "says no event"
        self.faults.add(at.place(), f"{what} {said}.", f"Write one of: {', '.join(known)}.")
        return ""

    def events(self, at: Section, what: str) -> Events | None:
        """The rows that a section looks for; None where that cannot be said."""
        kind = self.kind(at, what)
        if not kind:
            return None
        if kind == ITEM:
            return self._item(at, what)
        name = str(at[kind])
        if name != ANY and name not in self.concepts:
            self.faults.add(
                at.place(kind), f"{what}: there is no concept set '{name}'.",
                f"Declare it under `concepts`, or write one of: {', '.join((*self.concepts, ANY))}.",
            )  # fmt: skip
        if ("value" in at or "number" in at) and not domains()[kind]["number" if "number" in at else "value"]:
            key = "number" if "number" in at else "value"
            self.faults.add(at.place(key), f"{what}: a {kind} has no {key}.", "Take it out.")
        if "value" in at and not _list(at["value"]):
            self.faults.add(at.place("value"), f"{what}: `value` lists nothing.", "Write ids between [ and ], or none.")
        values = tuple(self._concept(at, one, what) for one in _list(at.get("value")))
        return Events(kind, "" if name == ANY else name, "", values, self.number(at, "number", what))

    def _concept(self, at: Section, value: Any, what: str) -> int:
        if type(value) is int and 0 < value <= GREATEST:
            return value
        self.faults.add(
            at.place("value"), f"{what}: '{value}' is no concept id.", "Write numbers above 0 between [ and ]."
        )
        return 0

    def _item(self, at: Section, what: str) -> Events | None:
        name = str(at[ITEM])
        if self.registry is None:
            self.faults.add(
                at.place(ITEM), f"{what}: item '{name}' is asked for, but the population is no registry.",
                "Write `population: {registry: NAME}`, or ask for events.",
            )  # fmt: skip
            return None
        if name not in self.registry.items:
            self.faults.add(
                at.place(ITEM), f"{what}: the registry {self.registry.name} has no item '{name}'.",
                "Look for it in the registry's dictionary.",
            )  # fmt: skip
            return None
        item = self.registry.items[name]
        codes = tuple(str(one) for one in _list(at.get("value")))
        known = {one.code for one in self.registry.lists.get(item.list, ())}
        for code in codes:
            if known and code not in known:
                self.faults.add(
                    at.place("value"), f"{what}: item {name} is never '{code}'.", f"Known: {', '.join(sorted(known))}."
                )
        return Events(ITEM, "", name, codes, self.number(at, "number", what))

    def number(self, at: Section, key: str, what: str) -> Number | None:
        """Lowest and highest number of a comparison in words."""
        if key not in at:
            return None
        found = compared(str(at[key]))
        if found is None:
            self.faults.add(at.place(key), f"{what}: '{at[key]}' is no comparison.", f"Write {NUMBERS}.")
        elif found[0] > found[1]:
            self.faults.add(at.place(key), f"{what}: no number is {at[key]}.", "Write the smaller first.")
        return found

    def window(self, at: Section, key: str, otherwise: Window, what: str) -> Window:
        """A window of days, which must be possible."""
        if key not in at:
            return otherwise
        text = str(at[key])
        found = window(text)
        if found is None:
            self.faults.add(at.place(key), f"{what}: '{text}' is no window.", f"Write it as {FORM}.")
            return otherwise
        if found.low > found.high:
            self.faults.add(
                at.place(key), f"{what}: '{text}' is an impossible window: it ends before it begins.",
                "Write the earlier day first.",
            )  # fmt: skip
        if any(LONGEST < abs(days) < EVER for days in (found.low, found.high)):
            self.faults.add(
                at.place(key), f"{what}: '{text}' is an impossible window: nobody is seen for over {LONGEST} days.",
                "Write fewer days, or any time.",
            )  # fmt: skip
        return found

    def period(self, at: Section, key: str, what: str) -> tuple[int | None, int | None]:
        """First and last day of `2024-01-01 to open`, as days since 1970."""
        if key not in at:
            return None, None
        low, _, high = str(at[key]).partition(" to ")
        try:
            first, last = (None if one.strip() == "open" else _day(one) for one in (low, high))
        except ValueError:
            self.faults.add(
                at.place(key), f"{what}: '{at[key]}' is no period.", "Write 2024-01-01 to 2026-12-31, or open."
            )
            return None, None
        if first is not None and last is not None and first > last:
            self.faults.add(at.place(key), f"{what}: the period ends before it begins.", "Write the earlier day first.")
        return first, last

    def switch(self, at: Section, key: str, what: str) -> bool:
        """Yes or no; no where nothing is said."""
        value = at.get(key, False)
        if not isinstance(value, bool):
            self.faults.add(at.place(key), f"{what}: `{key}` is yes or no, not '{value}'.", "Write true or false.")
        return value is True

    def days(self, at: Section, key: str, what: str) -> int | None:
        """A whole number of days, not negative."""
        value = at.get(key)
        if value is None or (type(value) is int and 0 <= value <= LONGEST):
            return value
        self.faults.add(at.place(key), f"{what}: '{value}' is no number of days.", f"Write 0 to {LONGEST}.")
        return None

    def section(self, at: Section, key: str) -> Section:
        """A mapping below a key; an empty one, and a fault, where something else stands."""
        value = at.get(key)
        if isinstance(value, Section):
            return value
        if value is not None:
            self.faults.add(at.place(key), f"`{key}:` is no map.", "Write names, each with a colon behind it.")
        return Section({}, file=self.file, lines={}, line=at.lines.get(key, at.line))


def compared(text: str) -> Number | None:
    """Lowest and highest number that a comparison in words lets through; None where it is none."""
    match = COMPARED.fullmatch(text.strip())
    if match is None or (match["how"] and match["high"]):
        return None
    low, high = float(match["low"]), float(match["high"] or match["low"])
    if math.isinf(low) or math.isinf(high):
        return None
    if match["high"]:
        return low, high
    return {
        "at least": (low, math.inf), "at most": (-math.inf, low), "above": (math.nextafter(low, math.inf), math.inf),
        "below": (-math.inf, math.nextafter(low, -math.inf)),
    }.get(match["how"] or "", (low, low))  # fmt: skip


def _day(text: str) -> int:
    return (date.fromisoformat(text.strip()) - EPOCH).days


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
