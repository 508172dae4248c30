"""Rules as they are written, one family each, turned into legs: one meaning for all families.

| family | around | asks for |
|---|---|---|
| exists, absent, exactly, between | the days of `of` (else the anchor) | so many days with the step |
| first, last | the anchor; the first or last day of the step | the step; no other of `among` before or after it |
| response | each day of `of` | the step from that day on |
| precedence | each day of `of` | the step until that day |
| succession | both | the step after each of `of`, one of `of` before each step |
| responded | the first day of `of` | the step, at any time |
| within | each day of `of` | the step in `window` |
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from isthmus.apps.contract.documents import Section
from isthmus.apps.pathways.clauses import exclude
from isthmus.apps.pathways.events import LANGUAGES, Reading, compared
from isthmus.apps.pathways.pack import (
    ANCHOR,
    MANY,
    STRENGTHS,
    Clause,
    Fact,
    Leg,
    Names,
    Pick,
    Records,
    Rule,
    Source,
    Step,
)
from isthmus.apps.pathways.window import AFTER, ALWAYS, BEFORE, EVER, Window

COUNTED: Mapping[str, tuple[int, int] | None] = {
    "exists": (1, MANY), "absent": (0, 0), "exactly": None, "between": None,
}  # fmt: skip
PAIRED: Mapping[str, Window] = {
    "response": AFTER, "precedence": BEFORE, "succession": AFTER, "responded": ALWAYS, "within": ALWAYS,
}  # fmt: skip
ENDS: Mapping[str, tuple[Pick, Window]] = {"first": ("first", Window(-EVER, -1)), "last": ("last", Window(1, EVER))}
FAMILIES = (*COUNTED, *ENDS, *PAIRED)
KEYS = (
    *LANGUAGES, *FAMILIES, "of", "among", "each", "times", "window", "when", "unless", "followed", "seen before",
    "valid", "source", "where", "strength", "reasons", "records",
)  # fmt: skip
READ: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("exists", "absent"), ("of", "each", "window")),
    **dict.fromkeys(("exactly", "between"), ("of", "each", "window", "times")),
    **dict.fromkeys(ENDS, ("among",)), "succession": ("of", "each", "window"), "responded": ("of", "window"),
    **dict.fromkeys(("response", "precedence", "within"), ("of", "each", "window", "times")),
}  # fmt: skip
"""What each family reads of the keys that say around what, when and how often."""
PICKS: Mapping[str, Pick] = {"every": "every", "first": "first", "last": "last"}
TIMES = re.compile(r"(\d+)(?: to (\d+))?")
DONE = ("done", "not done")


@dataclass(frozen=True, slots=True)
class Known:
    """What rules may name; `parts` are the steps that each step stands for."""

    steps: Mapping[str, Step]
    parts: Mapping[int, tuple[int, ...]]
    facts: Mapping[str, Fact]
    records: Mapping[str, Records]
    sources: Mapping[str, Source]
    reasons: Mapping[str, Names]
    looks: Window


class Rules:
    """Reads the rules of a pack."""

    def __init__(self, reading: Reading, known: Known) -> None:
        self.reading = reading
        self.faults = reading.faults
        self.known = known

    def read(self, at: Section) -> dict[str, Rule]:
        """All rules by name, in the order in which they are written."""
        found: dict[str, Rule] = {}
        for name, one in at.items():
            if isinstance(one, Section):
                found[name] = self._rule(name, len(found) + 1, one)
            else:
                self.faults.add(at.place(name), f"rule {name} is no map.", "Write what it asks behind its name.")
        return found

    def _rule(self, name: str, number: int, at: Section) -> Rule:
        what = f"rule {name}"
        self.reading.keys(at, KEYS, what)
        families = [key for key in FAMILIES if key in at]
        if len(families) != 1:
            said = f"is {' and '.join(families)} together" if families else "is of no family"
            self.faults.add(at.place(), f"{what} {said}.", f"Write one of: {', '.join(FAMILIES)}.")
        family = families[0] if families else ""
        strength = str(at.get("strength", ""))
        if strength not in STRENGTHS:
            self.faults.add(
                at.place("strength"), f"{what}: '{strength}' is no strength.", f"Write {', '.join(STRENGTHS)}."
            )
        source = str(at.get("source", ""))
        if source not in self.known.sources:
            known = ", ".join(self.known.sources) or "none is declared"
            self.faults.add(at.place("source"), f"{what}: there is no source '{source}'.", f"Write one of: {known}.")
        clauses = (*self._clauses(at, "when", what), *self._clauses(at, "unless", what))
        legs = self._legs(at, family, what) if family else ()
        self._meant(at, clauses, legs, what)
        self._around_itself(at, legs, what)
        return Rule(
            name, number, self.reading.names(at, what), family, legs, clauses,
            self.reading.days(at, "followed", what), self.reading.days(at, "seen before", what),
            self.reading.period(at, "valid", what), source, self.reading.said(at, "where", what), strength,
            self._declared(at, "reasons", self.known.reasons, what) or tuple(self.known.reasons),
            self._declared(at, "records", self.known.records, what), at.place(),
        )  # fmt: skip

    def _meant(self, at: Section, clauses: Sequence[Clause], legs: Sequence[Leg], what: str) -> None:
        """Note a rule that is meant for nobody, or that nobody for whom it is meant can meet."""
        parts = {name: self.known.parts[one.number] for name, one in self.known.steps.items()}
        if any(exclude(one, other, parts) for one, other in combinations(clauses, 2)):
            self.faults.add(at.place(), f"{what} asks for something and its opposite: it never holds.", "Take one out.")
        for one in clauses:
            fact = self.known.facts.get(one.fact)
            if fact is not None and not one.holds and one.codes and set(one.codes) == set(fact.codes):
                self.faults.add(
                    at.place("unless"), f"{what} leaves out everything that {one.fact} can be: it is meant for nobody.",
                    "Leave a code in.",
                )  # fmt: skip
            done = {part for name in one.steps for part in parts[name]}
            for leg in legs if done else ():
                always = leg.of == (ANCHOR,) and leg.window.covers(self.known.looks)
                forbids = one.holds and leg.most == 0 and done <= set(leg.to)
                demands = not one.holds and leg.least > 0 and set(leg.to) <= done
                if always and (forbids or demands):
                    self.faults.add(
                        at.place(), f"{what} contradicts itself: whom it is meant for cannot meet it.",
                        "Change what it asks, or for whom.",
                    )  # fmt: skip

    def _around_itself(self, at: Section, legs: Sequence[Leg], what: str) -> None:
        """Note a rule that the days themselves that are looked around break, or meet."""
        for leg in legs:
            around = set(leg.of) & set(leg.to) if leg.window.low <= 0 <= leg.window.high else set()
            if around and leg.most == 0:
                self.faults.add(
                    at.place(), f"{what} forbids the very days that it looks around: nobody can meet it.",
                    "Begin the window 1 after, or end it 1 before.",
                )  # fmt: skip
            elif around and leg.least == 1 and leg.most == MANY and set(leg.of) <= set(leg.to):
                self.faults.add(
                    at.place(), f"{what} is met by the very days that it looks around: it says nothing.",
                    "Begin the window 1 after, or end it 1 before.",
                )  # fmt: skip

    def _declared(self, at: Section, key: str, known: Mapping[str, object], what: str) -> tuple[str, ...]:
        """Names below a key that were declared elsewhere in the pack."""
        named = tuple(str(one) for one in _several(at.get(key)))
        if key in at and not named:
            self.faults.add(at.place(key), f"{what}: `{key}` names none.", "Name some, or take it out.")
        for one in named:
            if one not in known:
                kind = {"reasons": "reason", "records": "kind of record"}[key]
                self.faults.add(
                    at.place(key), f"{what}: there is no {kind} '{one}'.",
                    f"Write one of: {', '.join(known) or 'none is declared'}.",
                )  # fmt: skip
        return tuple(one for one in named if one in known)

    def _legs(self, at: Section, family: str, what: str) -> tuple[Leg, ...]:
        """What the family means, as legs."""
        to, of = self._named(at, family, what), self._named(at, "of", what)
        for key in (family, "of"):
            if key in at and not _several(at[key]):
                self.faults.add(at.place(key), f"{what}: `{key}` names no step.", self._steps())
        pick = self._pick(at, what)
        for key in ("of", "among", "each", "times", "window"):
            if key in at and key not in READ[family]:
                self.faults.add(at.place(key), f"{what}: {family} does not read `{key}`.", "Take it out.")
        if family in PAIRED and not of:
            self.faults.add(at.place(), f"{what}: {family} needs a step to look around.", "Write `of: STEP`.")
        if family in ENDS:
            return self._ends(at, family, to, what)
        otherwise = PAIRED.get(family, ALWAYS)
        window = self.reading.window(at, "window", otherwise, what)
        self._possible(at, family, window, of, what)
        if family == "succession":
            return (
                Leg(of, pick, to, window, 1, MANY), Leg(to, pick, of, Window(-window.high, -window.low), 1, MANY),
            )  # fmt: skip
        if family == "responded":
            return (Leg(of, "first", to, window, 1, MANY),)
        if family in PAIRED:
            least, most = self._times(at, window, to, of, what) if "times" in at else (1, MANY)
            return (Leg(of, pick, to, window, least, most),)
        least, most = COUNTED[family] or self._times(at, window, to, of, what)
        return (Leg(of or (ANCHOR,), pick, to, window, least, most),)

    def _ends(self, at: Section, family: str, to: tuple[int, ...], what: str) -> tuple[Leg, ...]:
        others = self._named(at, "among", what)
        if not others and "among" not in at:
            others = tuple(sorted({one for several in self.known.parts.values() for one in several} - set(to)))
        pick, window = ENDS[family]
        others = tuple(one for one in others if one not in to)
        if not others:
            self.faults.add(at.place("among"), f"{what}: there is nothing to be {family} of.", "Name other steps.")
        return (
            Leg((ANCHOR,), "every", to, ALWAYS, 1, MANY), Leg(to, pick, others, window, 0, 0),
        )  # fmt: skip

    def _possible(self, at: Section, family: str, window: Window, of: tuple[int, ...], what: str) -> None:
        if family in ("response", "succession") and window.low < 0:
            self.faults.add(
                at.place("window"), f"{what}: '{window.text}' is an impossible window: a {family} comes after.",
                "Begin it with that day or later, or write `within`.",
            )  # fmt: skip
        if family == "precedence" and window.high > 0:
            self.faults.add(
                at.place("window"), f"{what}: '{window.text}' is an impossible window: a precedence comes before.",
                "End it with that day or earlier, or write `within`.",
            )  # fmt: skip
        looks = self.known.looks
        if not window.within(looks.reach if of else looks):
            why = "no two of its days lie so far apart" if of else "some of these days lie outside"
            self.faults.add(
                at.place("window"), f"{what}: '{window.text}' is an impossible window: the pathway looks only from "
                f"{looks.text}, and {why}.",
                "Change one of the two, or write any time for an end that does not matter.",
            )  # fmt: skip
        if family == "within" and "window" not in at:
            self.faults.add(
                at.place(), f"{what}: within which days is not said.", "Write `window: 28 before to that day`."
            )

    def _times(
        self, at: Section, window: Window, to: tuple[int, ...], of: tuple[int, ...], what: str
    ) -> tuple[int, int]:
        match = TIMES.fullmatch(str(at.get("times", "")))
        if match is None:
            self.faults.add(
                at.place("times"), f"{what}: how often is not said.", "Write `times: 2` or `times: 2 to 4`."
            )
            return 1, MANY
        least, most = int(match[1]), int(match[2] or match[1])
        if least > most:
            self.faults.add(
                at.place("times"), f"{what}: {least} to {most} times cannot be.", "Write the smaller first."
            )
        looks = self.known.looks
        room = min(window.days, looks.days) if of else window.common(looks).days
        fit = sum(-(-room // (self._apart(one) + 1)) for one in to)
        if least > min(room, fit) and room > 0 and to:
            self.faults.add(
                at.place("times"), f"{what}: {least} days cannot be within '{window.text}', an impossible window: "
                f"{min(room, fit)} can be told there by what the pathway looks at and what counts as one.",
                "Widen it, or ask for fewer.",
            )  # fmt: skip
        return least, most

    def _apart(self, step: int) -> int:
        """Days within which what happens of a step again is still the same."""
        return next(one.apart for one in self.known.steps.values() if one.number == step)

    def _pick(self, at: Section, what: str) -> Pick:
        told = str(at.get("each", "every"))
        if told not in PICKS:
            self.faults.add(at.place("each"), f"{what}: '{told}' picks no day.", f"Write {', '.join(PICKS)}.")
        return PICKS.get(told, "every")

    def _named(self, at: Section, key: str, what: str) -> tuple[int, ...]:
        """The numbers of the steps named by a key, groups as their parts."""
        found: set[int] = set()
        for name in _several(at.get(key)):
            if str(name) in self.known.steps:
                found.update(self.known.parts[self.known.steps[str(name)].number])
            else:
                self.faults.add(
                    at.place(key),
                    f"{what}: there is no step '{name}'.",
                    self._steps(),
                )
        return tuple(sorted(found))

    def _steps(self) -> str:
        return f"Write one of: {', '.join(self.known.steps)}."

    def _clauses(self, at: Section, key: str, what: str) -> Sequence[Clause]:
        section = self.reading.section(at, key)
        return [self._clause(section, name, what, holds=key == "when") for name in section]

    def _done(self, at: Section, name: str, what: str, *, holds: bool) -> Clause:
        for one in _several(at[name]):
            if str(one) not in self.known.steps:
                self.faults.add(
                    at.place(name),
                    f"{what}: there is no step '{one}'.",
                    self._steps(),
                )
        if not _several(at[name]):
            self.faults.add(at.place(name), f"{what}: `{name}` names no step.", self._steps())
        steps = tuple(str(one) for one in _several(at[name]) if str(one) in self.known.steps)
        return Clause(steps=steps, holds=holds)

    def _clause(self, at: Section, name: str, what: str, *, holds: bool) -> Clause:
        if name in DONE:
            return self._done(at, name, what, holds=holds == (name == "done"))
        fact = self.known.facts.get(name)
        if fact is None:
            self.faults.add(
                at.place(name), f"{what}: there is no fact '{name}'.",
                f"Write one of: {', '.join((*self.known.facts, *DONE))}.",
            )  # fmt: skip
            return Clause(name, holds=holds)
        if fact.numeric:
            number = compared(str(at[name]))
            if number is None:
                said = f"{what}: '{at[name]}' compares nothing."
                self.faults.add(at.place(name), said, "Write at least 5, 5 to 9, or the like.")
            elif number[0] > number[1]:
                self.faults.add(at.place(name), f"{what}: no {name} is {at[name]}.", "Write the smaller first.")
            return Clause(name, number=number, holds=holds)
        codes = tuple(str(one) for one in _several(at[name]))
        if not codes:
            self.faults.add(at.place(name), f"{what}: no code of {name} is named.", f"Known: {', '.join(fact.codes)}.")
        for code in codes:
            if code not in fact.codes:
                self.faults.add(
                    at.place(name), f"{what}: the fact {name} is never '{code}'.", f"Known: {', '.join(fact.codes)}."
                )
        return Clause(name, codes, holds=holds)


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
