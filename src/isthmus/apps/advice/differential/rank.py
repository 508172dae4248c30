"""Ranking by naive Bayes: the odds of a disease, times the likelihood ratio of each finding that is known.

    finding there       share of the disease's patients who have it / share of the others who have it
    finding not there   (1 - share of the disease's patients) / (1 - share of the others)
    not known           says nothing

Shares are ranges. `factor` and `chance` are reckoned from their middles; `low` and `high` from the ends that speak
least and most for the disease, so that what lies between them is what the ranges leave open. Of findings that say the
same (`alike`) the one that tells most counts, for naive Bayes takes findings to be independent. A finding of which no
row speaks for a disease says nothing about it. Chances of several diseases need not sum to 1: a patient may have two.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log, prod

from isthmus.apps.advice.chart.chart import Chart, Row
from isthmus.apps.advice.chart.facts import Concepts, Found, facts_of
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.fact import Fact
from isthmus.apps.advice.pack.signs import Finding, Share, Sign, Signs

MOST = 8
"""Suggestions that are told."""
ASKED = 3
"""Findings that are named as what would tell most."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """A likelihood ratio, with the least and most that its shares leave open."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finding that counted for or against a disease: whether it is there, its ratio, sign and rows."""

    finding: Finding
    there: bool
    ratio: Ratio
    sign: Sign
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A disease: by how much all findings change its odds, its chance (0 to 1) with a range, evidence, and the findings
    that are not known and would tell most."""

    disease: str
    factor: Ratio
    chance: Ratio
    evidence: tuple[Evidence, ...]
    open: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Differential:
    """Suggestions, the likeliest first; and the diseases of the list that the patient is known to have."""

    suggested: tuple[Suggestion, ...]
    known: tuple[str, ...]


def differential(base: Base, chart: Chart, concepts: Concepts) -> Differential:
    """What a chart's findings point to. A disease that no finding speaks for is not suggested."""
    facts = facts_of(chart, needed(base), concepts)
    return ranked(base.signs, facts, base)


def needed(base: Base) -> list[Fact]:
    """The facts that findings are made of, each after those that it is reckoned from."""
    names = [name for one in base.signs.findings.values() for name in one.when.names]
    return base.needing([*names, *(f"has_{one}" for one in base.signs.causes)])


def ranked(signs: Signs, facts: Mapping[str, Found], base: Base) -> Differential:
    """The same of facts that are known already."""
    values = {name: one.value for name, one in facts.items()}
    there = {name: one.when.value(values) for name, one in signs.findings.items()}
    known = tuple(one for one in signs.causes if values.get(f"has_{one}") is True)
    found = [_of(one, signs, there, facts, base) for one in signs.causes if one not in known]
    suggested = [one for one in found if one.factor.middle > 1 and any(each.there for each in one.evidence)]
    return Differential(tuple(sorted(suggested, key=lambda one: (-one.chance.middle, one.disease))[:MOST]), known)


def _of(
    disease: str, signs: Signs, there: Mapping[str, object], facts: Mapping[str, Found], base: Base
) -> Suggestion:  # fmt: skip
    evidence: dict[str, Evidence] = {}
    unknown: list[tuple[float, Finding]] = []
    for sign in (one for one in signs.signs if one.disease == disease):
        finding = signs.findings[sign.finding]
        holds = there[sign.finding]
        if not isinstance(holds, bool):
            unknown.append((abs(log(ratio(sign.share, finding.others, there=True).middle)), finding))
            continue
        told = ratio(sign.share, finding.others, there=holds)
        rows = tuple(dict.fromkeys(row for name in base.names_of(finding.when.names) for row in _rows(facts, name)))
        one = Evidence(finding, holds, told, sign, rows)
        if finding.alike not in evidence or _weight(evidence[finding.alike]) < _weight(one):
            evidence[finding.alike] = one
    counted = tuple(sorted(evidence.values(), key=lambda one: (-one.ratio.middle, one.finding.name)))
    factor = Ratio(*(prod(getattr(one.ratio, end) for one in counted) for end in ("middle", "low", "high")))
    asked = sorted(unknown, key=lambda one: (-one[0], one[1].name))[:ASKED]
    return Suggestion(
        disease, factor, _chance(signs.causes[disease].among, factor), counted, tuple(one for _, one in asked)
    )


def ratio(share: Share, others: Share, *, there: bool) -> Ratio:
    """The likelihood ratio of a finding that is there or is not."""
    if there:
        return Ratio(share.middle / others.middle, share.low / others.high, share.high / others.low)
    return Ratio(
        (1 - share.middle) / (1 - others.middle), (1 - share.high) / (1 - others.low),
        (1 - share.low) / (1 - others.high),
    )  # fmt: skip


def _chance(among: Share, factor: Ratio) -> Ratio:
    """The chance after the findings, of the chance before them."""
    pairs = ((among.middle, factor.middle), (among.low, factor.low), (among.high, factor.high))
    odds = [before / (1 - before) * times for before, times in pairs]
    return Ratio(*(one / (1 + one) for one in odds))


def _weight(one: Evidence) -> float:
    return abs(log(one.ratio.middle))


def _rows(facts: Mapping[str, Found], name: str) -> Sequence[Row]:
    return facts[name].rows if name in facts else ()
