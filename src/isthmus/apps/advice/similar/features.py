"""The declared features by which patients are compared, read from `features.yaml` and held against the base."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import log
from pathlib import Path

from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.beside import Beside
from isthmus.apps.advice.pack.fact import BUILT_IN, days
from isthmus.apps.contract import documents as document
from isthmus.apps.contract.documents import Section, check_keys, fault, number_of, section_of, switch_of, text_of
from isthmus.apps.contract.knowledge import Kind
from isthmus.apps.contract.research import Registry, registry

FILE = Path(__file__).parent / "features.yaml"
KEYS = ("patients", "registry", "after", "most", "judged", "known", "least", "hide", "years", "features", "treatments")


@dataclass(frozen=True, slots=True)
class Feature:
    """A fact with its weight. Numbers have a range, within which they are compared; `log`: their logarithms are."""

    name: str
    weight: float
    low: float | None
    high: float | None
    log: bool
    en: str
    zh: str


@dataclass(frozen=True, slots=True)
class Features:
    """What is compared, and of whom: those with a disease, as they were so many days after its first record; but for
    those whose case was refuted in its registry.

    `most` neighbours are told and `judged` of them followed. Of a neighbour at least the share `known` of the weights
    that are known of the patient is known too, of the patient at least the share `least` of all. Counts from 1 to
    `hide` are not told.
    """

    patients: str
    registry: Registry
    after: int
    most: int
    judged: int
    known: float
    least: float
    hide: int
    years: tuple[int, ...]
    features: Mapping[str, Feature]
    treatments: tuple[str, ...]


def features(base: Base, path: Path = FILE) -> Features:
    """The features over a base. Raises PackError with file, line, item, cause and mend."""
    return _features(base.digest, path, Beside(base))


@lru_cache(maxsize=4)
def _features(digest: str, path: Path, beside: Beside[Base]) -> Features:
    base = beside.made_from
    body = document.read(path, name=path.name)
    check_keys(body, "the file", KEYS, KEYS)
    after = days(text_of(body, "after", "the file"))
    if after is None:
        raise fault(body.place("after"), "the file", "`after` is no span", "Write 90 days")
    for name in (body["patients"], *body["treatments"]):
        if name not in base.graph.concepts:
            raise fault(body.place(), "the file", f"there is no concept '{name}'", "Write one of concepts.csv")
    section = section_of(body, "features", "the file")
    found = {name: _feature(name, section_of(section, name, f"feature {name}"), base) for name in section}
    return Features(
        str(body["patients"]), registry(str(body["registry"])), after, int(body["most"]), int(body["judged"]),
        float(body["known"]), float(body["least"]), int(body["hide"]), tuple(body["years"]), found,
        tuple(body["treatments"]),
    )  # fmt: skip


def _feature(name: str, body: Section, base: Base) -> Feature:
    item = f"feature {name}"
    check_keys(body, item, ("weight", "range", "log"), ("weight",))
    fact = base.facts.get(name)
    if fact is None and name not in BUILT_IN:
        raise fault(body.place(), item, "there is no such fact", "Write one of facts.yaml, age or sex")
    weight = number_of(body, "weight", item)
    if weight is None or weight <= 0:
        raise fault(body.place("weight"), item, "a weight is a number above 0", "Write 1, or take the feature out")
    low, high = _range(body, item, is_number=(fact.kind if fact else BUILT_IN[name]) is Kind.NUMBER)
    if switch_of(body, "log", item) and (low is None or low <= 0):
        raise fault(body.place("log"), item, "a logarithm needs a range above 0", "Mend `range`")
    en, zh = (fact.en, fact.zh) if fact else ("", "")
    return Feature(name, float(weight), low, high, switch_of(body, "log", item), en, zh)


def _range(body: Section, item: str, *, is_number: bool) -> tuple[float | None, float | None]:
    told = body.get("range")
    if not is_number:
        if told is not None:
            raise fault(body.place("range"), item, "it is no number, and has a range", "Take `range` out")
        return None, None
    ends = [float(one) for one in told if type(one) in (int, float)] if isinstance(told, list) else []
    if len(ends) != 2 or ends[0] >= ends[1]:
        raise fault(body.place("range"), item, "`range` is two numbers, the lower first", "Write [low, high]")
    return ends[0], ends[1]


def alike(feature: Feature, one: object, other: object) -> float | None:
    """How alike two values are, 0 to 1; None where one is not known. The same that statements reckon (a test)."""
    if one is None or other is None:
        return None
    if feature.low is None or feature.high is None:
        return float(one == other)
    ends = [min(max(float(str(value)), feature.low), feature.high) for value in (one, other)]
    low, high = feature.low, feature.high
    if feature.log:
        ends, low, high = [log(value) for value in ends], log(low), log(high)
    return 1 - abs(ends[0] - ends[1]) / (high - low)
