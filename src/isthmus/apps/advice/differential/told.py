"""A differential in words: lines of a card, and the same as a document."""

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from isthmus.apps.advice.differential.rank import Differential, Evidence, Ratio
from isthmus.apps.advice.pack.base import Base
from isthmus.apps.advice.pack.signs import Finding
from isthmus.apps.contract import documents as document


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """What is said, by key and language."""
    return document.read(Path(__file__).parent / "words.yaml")


def lines(found: Differential, base: Base, language: str) -> list[str]:
    """As Markdown: each disease with its chance, what counted, and what would tell most."""
    if not found.suggested:
        return [_word("nothing", language)]
    told = [f"**{_word('points', language)}**"]
    for one in found.suggested:
        told.append(f"- **{named(base, one.disease, language)}**: {chance(one.chance, language)}")
        told += [f"  - {reason(each, language)}" for each in one.evidence]
        told += [f"  - {_word('open', language).format(listed(one.open, language))}"] if one.open else []
    return [*told, "", _word("method", language)]


def suggested(found: Differential, base: Base, language: str) -> list[dict[str, Any]]:
    """As a document, with the rows and the signs that made each suggestion."""
    return [
        {
            "disease": one.disease, "name": named(base, one.disease, language), "chance": _ratio(one.chance),
            "factor": _ratio(one.factor), "evidence": [_evidence(each, base, language) for each in one.evidence],
            "open": [each.name for each in one.open],
        }
        for one in found.suggested
    ]  # fmt: skip


def named(base: Base, disease: str, language: str) -> str:
    """A disease's name."""
    one = base.graph.concepts[disease]
    return one.en if language == "en" else one.zh


def chance(one: Ratio, language: str) -> str:
    """A chance with its range, in percent."""
    told = {end: _percent(getattr(one, end)) for end in ("middle", "low", "high")}
    return _word("chance", language).format(**told)


def _percent(value: float) -> str:
    """Whole percents; nothing is told as certain."""
    if not 0.01 <= value < 0.995:
        return "< 1 %" if value < 0.01 else "> 99 %"
    return f"{value * 100:.0f} %"


def reason(one: Evidence, language: str) -> str:
    """A finding that counted, with its ratio and rows."""
    said = _word("there" if one.there else "gone", language)
    rows = "; ".join([*dict.fromkeys(f"{row.table} {row.id}" for row in one.rows)][:3])
    text = said.format(finding=_called(one.finding, language), ratio=f"{one.ratio.middle:.2g}")
    return f"{text} ({rows})" if rows else text


def listed(some: Sequence[Finding], language: str) -> str:
    """Findings, one after the other."""
    return (", " if language == "en" else "、").join(_called(one, language) for one in some)


def _called(one: Finding, language: str) -> str:
    return one.en if language == "en" else one.zh


def _word(key: str, language: str) -> str:
    return words()[key][language]


def _ratio(one: Ratio) -> dict[str, float]:
    return {"middle": round(one.middle, 6), "low": round(one.low, 6), "high": round(one.high, 6)}


def _evidence(one: Evidence, base: Base, language: str) -> dict[str, Any]:
    source = base.sources[one.sign.source]
    return {
        "finding": one.finding.name, "name": _called(one.finding, language), "there": one.there,
        "ratio": _ratio(one.ratio), "sign": f"{one.sign.pack} {one.sign.place}", "source": source.title,
        "strength": one.sign.strength, "textChecked": source.read,
        "rows": [[row.table, row.id, row.fact] for row in one.rows],
    }  # fmt: skip
