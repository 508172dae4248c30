"""Facts: named values of one patient on one day, each drawn out of events by one of a few ways, or reckoned.

    last, lowest, highest   a number of events of a concept, in the fact's unit        number, and NAME_day
    coded                   the last coded answer of a concept, as one of the fact's codes   text, and NAME_day
    ever                    whether there is an event of a concept                     yes or no
    during                  whether an event of a concept still lasts                  yes or no
    count                   how many events of a concept there are                     number
    ago                     days since the last event of a concept                     number
    ordered                 whether the call orders a concept                          yes or no
    dose                    what the call orders of a concept in a day, in mg          number
    allergic                whether there is an allergy to a concept                   yes or no
    score                   value or grade of a score over other facts                 number or text
    let                     an expression over other facts

Everybody has `age` (whole years), `sex` and `today`. Names that begin with `has_`, `taking_`, `ordered_`, `dose_`,
`allergic_` or `ago_` and go on with a concept need no definition: they are read with what is usual (`USUAL`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from types import MappingProxyType

from isthmus.apps.advice.pack.graph import Concept
from isthmus.apps.advice.pack.sheets import GREATEST
from isthmus.apps.contract import UsageError
from isthmus.apps.contract.documents import Faults, Section
from isthmus.apps.contract.knowledge import (
    Expression,
    ExpressionError,
    Kind,
    Score,
    analyte,
    conversion,
    find,
    parse,
    ucum,
)

NUMBERS, TRUTHS, COUNTS = (
    ("last", "lowest", "highest"),
    ("ever", "during", "ordered", "allergic"),
    ("count", "ago", "dose"),
)
DRAWN = (*NUMBERS, "coded", *TRUTHS, *COUNTS)
ALL = ("en", "zh", "about")
READ: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        **dict.fromkeys(NUMBERS, ("unit", "analyte", "range", "within", "decimals")), "coded": ("codes", "within"),
        "ever": ("within",), "during": ("within", "after"), "count": ("within", "decimals"),
        "ago": ("within", "decimals"), "ordered": (), "allergic": (), "dose": ("decimals",),
        "score": ("give", "with", "decimals"), "let": ("unit", "decimals"),
    }
)  # fmt: skip
"""What each way reads beside what all do."""
WAYS = (*DRAWN, "score", "let")
KEYS = ("en", "zh", "unit", "analyte", "range", "within", "after", "codes", "give", "with", "decimals", "about")
BUILT_IN: Mapping[str, Kind] = MappingProxyType({"age": Kind.NUMBER, "sex": Kind.TEXT, "today": Kind.DATE})
DAY = "_day"
USUAL: Mapping[str, str] = MappingProxyType(
    {
        "has_": "ever", "taking_": "during", "ordered_": "ordered", "dose_": "dose", "allergic_": "allergic",
        "ago_": "ago",
    }
)  # fmt: skip
GRACE = 30
"""Days for which a drug whose end is not known, or that was last given so long ago, is still taken."""
MOST_DECIMALS = 9
LONG_AGO = 36_525
"""Days that stand for ever."""
SPAN = re.compile(r"(\d+) (days?|weeks?|months?|years?)")
DAYS: Mapping[str, int] = MappingProxyType({"day": 1, "week": 7, "month": 30, "year": 365})


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact. `within`: days before today that are looked at, today with them; `after`: days by which an event outlasts
    its end. `inputs` are the expressions that a score takes, `formula` that of `let`. `codes`: by code the ids of
    answers that mean it. `units` are those of the inputs that are facts as they are; others are in the score's own.
    """

    name: str
    way: str
    kind: Kind
    en: str
    zh: str
    place: str
    concept: str = ""
    unit: str = ""
    analyte: str = ""
    low: float | None = None
    high: float | None = None
    within: int = LONG_AGO
    after: int = 0
    codes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    score: Score | None = None
    give: str = "value"
    inputs: Mapping[str, Expression] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    formula: Expression | None = None
    decimals: int | None = None

    @property
    def needs(self) -> tuple[str, ...]:
        """The names that it is reckoned from."""
        if self.formula is not None:
            return self.formula.names
        return tuple(name for one in self.inputs.values() for name in one.names)


def days(text: str) -> int | None:
    """`30 days`, `2 years` as days; None for what is no span, or is longer than a hundred years.

    A month has 30 days here, a year 365.
    """
    match = SPAN.fullmatch(text)
    found = int(match[1]) * DAYS[match[2].removesuffix("s")] if match else None
    return found if found is not None and found <= LONG_AGO else None


class Facts:
    """The facts of a base while it is read: those defined, and those that go without saying."""

    def __init__(self, concepts: Mapping[str, Concept], faults: Faults) -> None:
        self.concepts = concepts
        self.faults = faults
        self.known: dict[str, Fact] = {}

    def read(self, body: Section, file: str) -> None:
        """The facts of a document, each over those before it."""
        for name in body:
            item = f"{body.place(name)}: fact {name}"
            section = body[name]
            if not isinstance(section, Section):
                self.faults.note(f"{item}: it is no mapping. Write `last: CONCEPT` or another way below it.")
            elif name in self.known or name in BUILT_IN:
                self.faults.note(f"{item}: it is known already. Rename it, or take one of the two out.")
            else:
                try:
                    self.known[name] = self._fact(name, section, item)
                except (_Fault, ExpressionError) as error:
                    self.faults.note(f"{error}{self._below(str(error), body)}")

    def _below(self, error: str, body: Section) -> str:
        """What to add where a fact names one that is defined further down, or itself."""
        named = [name for name in body if name not in self.known and f"`{name}` is not known here" in error]
        if not named:
            return ""
        return (
            f" `{named[0]}` stands at {body.place(named[0])}: a fact comes after those that it needs. Move it up; if "
            "the two need each other, one of them has to go."
        )

    def kinds(self) -> dict[str, Kind | None]:
        """What expressions may name, with days beside numbers and codes."""
        found: dict[str, Kind | None] = dict(BUILT_IN)
        for name, one in self.known.items():
            found[name] = one.kind
            if one.way in (*NUMBERS, "coded"):
                found[f"{name}{DAY}"] = Kind.DATE
        return found

    def parsed(self, text: object, place: str) -> Expression:
        """An expression over facts; those that go without saying come to be by being named. Raises ExpressionError."""
        loose = parse(text, place)
        for name in loose.names:
            self._imply(name)
        return parse(text, place, self.kinds())

    def _imply(self, name: str) -> None:
        for prefix, way in USUAL.items():
            concept = self.concepts.get(name.removeprefix(prefix)) if name.startswith(prefix) else None
            if concept is not None and name not in self.known:
                self.known[name] = usual(name, way, concept)

    def _fact(self, name: str, section: Section, item: str) -> Fact:
        ways = [way for way in WAYS if way in section]
        if len(ways) != 1:
            raise _Fault(f"{item}: it is drawn in {len(ways)} ways. Write one of {', '.join(WAYS)}.")
        way = ways[0]
        strange = [key for key in section if key not in (way, *KEYS)]
        if strange:
            raise _Fault(
                f"{section.place(strange[0])}: fact {name}: `{strange[0]}` is not known here. Known: {', '.join(KEYS)}."
            )
        for key in section:
            if key not in (way, *ALL, *READ[way]):
                raise _Fault(f"{section.place(key)}: fact {name}: `{way}` does not read `{key}`. Take it out.")
        places = section.get("decimals")
        if places is not None and not (type(places) is int and 0 <= places <= MOST_DECIMALS):
            raise _Fault(
                f"{section.place('decimals')}: fact {name}: '{places}' is no number of decimals. Write 0 to "
                f"{MOST_DECIMALS}."
            )
        if ("en" in section) != ("zh" in section):
            raise _Fault(f"{section.place()}: fact {name}: it has a name in one language only. Write `en` and `zh`.")
        en, zh = str(section.get("en", name)), str(section.get("zh", section.get("en", name)))
        if way == "let":
            formula = self.parsed(section["let"], f"{section.place('let')}: fact {name}")
            return Fact(
                name, way, formula.kind or Kind.NUMBER, en, zh, section.place(), formula=formula,
                unit=str(section.get("unit", "")), decimals=section.get("decimals"),
            )  # fmt: skip
        return self._scored(name, section, en, zh) if way == "score" else self._drawn(name, way, section, en, zh)

    def _scored(self, name: str, section: Section, en: str, zh: str) -> Fact:
        item = f"{section.place('score')}: fact {name}"
        try:
            score = find(str(section["score"]))
        except UsageError as error:
            raise _Fault(f"{item}: {error}") from None
        give = str(section.get("give", "grade" if score.grades else "value"))
        if (
            give not in ("value", "grade")
            or (give == "value" and not score.has_value)
            or (give == "grade" and not score.grades)
        ):
            raise _Fault(
                f"{item}: {score.name} gives no {give}. Write `give: {'value' if score.has_value else 'grade'}`."
            )
        given = section.get("with") or {}
        strange = [one for one in given if one not in score.inputs]
        if strange:
            raise _Fault(f"{item}: {score.name} has no input '{strange[0]}'. It has {', '.join(score.inputs)}.")
        known = self.kinds()
        told = {one: given.get(one, one) for one in score.inputs if one in given or one in known}
        inputs = {one: self.parsed(text, f"{section.place('with')}: fact {name}, {one}") for one, text in told.items()}
        for one, found in inputs.items():
            if found.kind not in (None, score.inputs[one].kind):
                raise _Fault(
                    f"{item}: the input {one} is {score.inputs[one].kind}, and {found.kind} is given. Mend it."
                )
        kind = Kind.NUMBER if give == "value" else Kind.TEXT
        unit = score.unit if give == "value" else ""
        return Fact(
            name, "score", kind, en, zh, section.place(), unit=unit, score=score, give=give, inputs=inputs,
            units=self._units(score, inputs, item), decimals=section.get("decimals"),
        )  # fmt: skip

    def _units(self, score: Score, inputs: Mapping[str, Expression], item: str) -> dict[str, str]:
        """The units of the inputs that are facts; one that does not become the score's own is a fault."""
        found = {}
        for one, text in inputs.items():
            fact = self.known.get(text.text)
            if fact is not None and fact.unit and score.inputs[one].unit:
                if conversion(score.inputs[one], fact.unit) is None:
                    wanted = score.inputs[one].unit
                    raise _Fault(
                        f"{item}: {one} is needed in {wanted}, and {fact.unit} is given. Give one that converts."
                    )
                found[one] = fact.unit
        return found

    def _drawn(self, name: str, way: str, section: Section, en: str, zh: str) -> Fact:
        item = f"{section.place(way)}: fact {name}"
        concept = self.concepts.get(str(section[way]))
        if concept is None:
            raise _Fault(
                f"{item}: there is no concept '{section[way]}'. Add it to concepts.csv, or write one that is there."
            )
        unit, key = str(section.get("unit", "")), str(section.get("analyte", ""))
        if unit and not ucum.readable(unit):
            raise _Fault(f"{section.place('unit')}: fact {name}: '{unit}' is no UCUM code. Write it as UCUM does.")
        if key and key not in analyte.analytes():
            raise _Fault(
                f"{section.place('analyte')}: fact {name}: there is no analyte '{key}'. Use a key of "
                "cdm/units/analyte.csv."
            )
        if key and not (unit and analyte.measures(key, unit)):
            raise _Fault(
                f"{section.place('analyte')}: fact {name}: {key} is not measured in '{unit}'. Mend the unit, or the "
                "analyte."
            )
        low, high = self._range(section, name)
        within = self._span(section, "within", name, LONG_AGO)
        after = self._span(section, "after", name, GRACE if way == "during" else 0)
        if "after" in section and after > within:
            raise _Fault(
                f"{section.place('after')}: fact {name}: nothing that began within {within} days can have ended "
                f"{after} days ago: `after` is longer than `within`. Shorten the one, or lengthen the other."
            )
        return Fact(
            name, way, _kind(way), en, zh, section.place(), concept.name, unit, key, low, high, within, after,
            self._codes(section, name, way), decimals=section.get("decimals"),
        )  # fmt: skip

    def _range(self, section: Section, name: str) -> tuple[float | None, float | None]:
        told = section.get("range")
        if told is None:
            return None, None
        fits = isinstance(told, list) and len(told) == 2 and all(_is_number(one) for one in told)
        if not fits or told[0] >= told[1]:
            raise _Fault(
                f"{section.place('range')}: fact {name}: `range` is two numbers, the lower first. Write [low, high]."
            )
        return float(told[0]), float(told[1])

    def _span(self, section: Section, key: str, name: str, otherwise: int) -> int:
        if key not in section:
            return otherwise
        found = days(str(section[key]))
        if not found:
            raise _Fault(
                f"{section.place(key)}: fact {name}: `{key}: {section[key]}` is a window in which nothing can lie. "
                "Write a span above zero, and of a hundred years at most: 30 days, 2 years."
            )
        return found

    def _codes(self, section: Section, name: str, way: str) -> dict[str, tuple[int, ...]]:
        told = section.get("codes")
        if (told is not None) != (way == "coded"):
            raise _Fault(f"{section.place()}: fact {name}: `coded` needs `codes`, and nothing else has them. Mend it.")
        if told is None:
            return {}
        if not isinstance(told, Section) or not told or not all(isinstance(one, list) and one for one in told.values()):
            raise _Fault(f"{section.place('codes')}: fact {name}: `codes` is a mapping. Write `code: [concept ids]`.")
        listed = [one for ids in told.values() for one in ids]
        strange = [one for one in listed if type(one) is not int or one <= 0 or one > GREATEST]
        if strange:
            raise _Fault(
                f"{section.place('codes')}: fact {name}: '{strange[0]}' is no concept id. Write the numbers of OMOP's "
                "answers."
            )
        twice = next((one for one in listed if listed.count(one) > 1), None)
        if twice is not None:
            raise _Fault(
                f"{section.place('codes')}: fact {name}: the answer {twice} means two codes. Keep one of the two."
            )
        return {code: tuple(ids) for code, ids in told.items()}


class _Fault(Exception):
    """One fact cannot be read; the text is the fault."""


def _is_number(value: object) -> bool:
    return type(value) in (int, float) and isfinite(value)  # type: ignore[arg-type]  # it is a number


def _kind(way: str) -> Kind:
    if way in TRUTHS:
        return Kind.TRUTH
    return Kind.TEXT if way == "coded" else Kind.NUMBER


def usual(name: str, way: str, concept: Concept) -> Fact:
    """The fact that a name of a known beginning means."""
    words = {
        "ever": ("{}", "{}"), "during": ("takes {}", "正在使用{}"), "ordered": ("order of {}", "开具{}"),
        "dose": ("{} a day", "{}日剂量"), "allergic": ("allergy to {}", "{}过敏"), "ago": ("days since {}", "距{}天数"),
    }[way]  # fmt: skip
    unit = {"dose": "mg", "ago": "d"}.get(way, "")
    return Fact(
        name, way, _kind(way), words[0].format(concept.en), words[1].format(concept.zh), concept.place, concept.name,
        unit, after=GRACE if way == "during" else 0,
    )  # fmt: skip
