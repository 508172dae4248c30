"""Rules anchored at a term: stages, scores, numbers of tumours, grades, responses, times.

A pattern is tried only where one of its anchors stands, so that a page without the word costs nothing; a few patterns
that have no fixed word run over the whole page.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from isthmus.mapping.text.lexicon import Lexicon, Rule
from isthmus.mapping.text.page import Page
from isthmus.mapping.text.span import Spans

AHEAD = 24
"""Characters before an anchor that a `before` pattern may see."""

NUMERALS = {
    **{letter: float(number) for number, letter in enumerate("一二三四五六七八九十", start=1)},
    **{word: float(number) for number, word in enumerate(("one", "two", "three", "four", "five", "six"), start=1)},
    "两": 2.0,
}
ROMANS = (("ⅳ", "IV"), ("ⅲ", "III"), ("ⅱ", "II"), ("ⅰ", "I"), ("四", "IV"), ("三", "III"), ("二", "II"), ("一", "I"))
ARABIC = (("4", "IV"), ("3", "III"), ("2", "II"), ("1", "I"))


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that a rule found: where, by which rule, and the value in one form."""

    start: int
    end: int
    meaning: int
    value: str
    number: float
    high: float


def matched(page: Page, found: Spans, lexicon: Lexicon) -> list[Hit]:
    """All hits of all rules on a page in the order of their starts; of hits for one thing, one inside another goes."""
    hits = [*_anchored(page, found, lexicon), *_scanned(page, lexicon.rules)]
    of = [lexicon.meanings[hit.meaning].code for hit in hits]
    order = sorted(range(len(hits)), key=lambda number: (hits[number].start, -hits[number].end))
    reached: dict[str, int] = {}
    kept = []
    for number in order:
        hit = hits[number]
        if hit.end > reached.get(of[number], -1):
            reached[of[number]] = hit.end
            kept.append(hit)
    return kept


def _anchored(page: Page, found: Spans, lexicon: Lexicon) -> Iterator[Hit]:
    for start, end, term in zip(found.start.tolist(), found.end.tolist(), found.what.tolist(), strict=True):
        for number in lexicon.anchors.get(term, ()):
            rule = lexicon.rules[number]
            hit = _try(page.text, rule, start, end, lexicon.terms[term])
            if hit is not None:
                yield hit


def _try(text: str, rule: Rule, start: int, end: int, anchor: str) -> Hit | None:
    if rule.before is not None:
        ahead = rule.before.search(text, max(0, start - AHEAD), start)
        return None if ahead is None else _hit(rule, ahead, ahead.start(), end, anchor)
    after = rule.after.match(text, end) if rule.after is not None else None
    return None if after is None else _hit(rule, after, start, after.end(), anchor)


def _scanned(page: Page, rules: Sequence[Rule]) -> Iterator[Hit]:
    for rule in rules:
        if rule.scan is not None:
            for found in rule.scan.finditer(page.text):
                yield _hit(rule, found, found.start(), found.end(), "")


def _hit(rule: Rule, found: re.Match[str], start: int, end: int, anchor: str) -> Hit:
    groups = found.groupdict()
    written = groups.get("value") or ""
    value = rule.anchored.get(anchor) or rule.values.get(written) or _brought(written, rule)
    number, high = _count(groups.get("number")), _count(groups.get("high"))
    return Hit(start, end, rule.meaning, value, number, high)


def _count(written: str | None) -> float:
    if not written:
        return float("nan")
    return float(written) if written.isdigit() else NUMERALS.get(written, float("nan"))


def _brought(value: str, rule: Rule) -> str:
    """A value in one form: capitals without spaces, or Roman numerals with a capital letter for the group."""
    if rule.normal == "roman":
        for pairs in (ROMANS, ARABIC):
            for written, roman in pairs:
                value = value.replace(written, roman)
        stem = value.upper().rstrip("ABC")
        return stem + value[len(stem) :].lower() if stem != value.upper() else stem
    return value.upper().replace(" ", "") if rule.normal == "upper" else value
