"""An evidence pack written: a page and a printed sheet in both languages, and the same as tables (CSV, UTF-8)."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import typst
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isthmus import __version__
from isthmus.base.durable import replaced
from isthmus.base.errors import UsageError
from isthmus.flow.rules.judge import sources
from isthmus.serving.card.write import FACES
from isthmus.serving.evidence.evidence import Asked, Evidence, Ruled
from isthmus.serving.page.sheet import style
from isthmus.serving.page.words import LANGUAGES, Language, Speech, Texts

HERE = Path(__file__).parent
RULES = ("set", "id", "field", "type", "dimension", "en", "zh", "asked", "right", "ratio", "not_asked", "places",
         "source", "source_zh", "checked")  # fmt: skip
ITEMS = ("id", "dimension", "en", "zh", "asked", "right", "ratio", "passes", "source", "source_zh", "checked")
POINTS = ("group", "points", "en", "zh", "records", "lost", "rules", "source", "source_zh", "checked")
ASKED = ("id", "scheme", "part", "en", "zh", "evidence", "asked", "passed", "how_en", "how_zh", "source", "source_zh",
         "checked")  # fmt: skip


def write(found: Evidence, folder: Path) -> list[Path]:
    """Write the pack into a folder; what is in it already is replaced by name. Raises UsageError where it cannot be."""
    contents: dict[str, bytes] = {}
    for language in LANGUAGES:
        contents[f"evidence.{language}.html"] = html(found, language)
        contents[f"evidence.{language}.pdf"] = pdf(found, language)
    contents |= {f"{name}.csv": _table(head, rows) for name, head, rows in _tables(found)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            with replaced(folder / name) as stream:
                stream.write(content)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}. Name another folder.") from None
    return [folder / name for name in contents]


def html(found: Evidence, language: Language) -> bytes:
    """The page."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals |= {"w": Speech(language, texts()), "style": style(language)}
    return environment.get_template("evidence.html.j2").render(**values(found, language)).encode()


def pdf(found: Evidence, language: Language) -> bytes:
    """The printed sheet."""
    words = {key: text[language] for key, text in texts().items()}
    inputs = {"told": orjson.dumps({**values(found, language), "w": words, "faces": FACES}).decode()}
    drawn: bytes = typst.compile(str(HERE / "evidence.typ"), format="pdf", sys_inputs=inputs)
    return drawn


@cache
def texts() -> Texts:
    """The words of an evidence pack."""
    return yaml.safe_load((files("isthmus.serving.evidence") / "words.yaml").read_text(encoding="utf-8"))  # type: ignore[no-any-return]  # keys and languages, as the file has them


def values(found: Evidence, language: Language) -> dict[str, Any]:
    """What a pack shows, as texts."""
    w, cited = Speech(language, texts()), _sources(found)
    return {
        "title": found.title, "synthetic": found.synthetic, "lead": w("lead", title=found.title),
        "edition": w("edition", number=found.edition, day=found.published),
        "score": f"{found.score:.1f}" if found.score is not None else "–",
        "score_of": w("score.of", judged=f"{found.judged:g}", whole=found.whole, pages=f"{found.pages:,}")
        if found.score is not None else w("score.none"),
        "dimensions": [
            {"name": w(f"dimension.{one.name}"), "ratio": four(one.ratio),
             "told": w("passed", passed=one.passed, items=one.items)}
            for one in found.dimensions
        ],
        "items": [
            {"id": one.item_id, "dimension": w(f"dimension.{one.dimension}"),
             "what": (w("free") if one.item_id.startswith("G.") else "") + getattr(one, language),
             "right": f"{one.right:,}", "asked": f"{one.asked:,}", "ratio": four(one.ratio),
             "passes": "" if one.passes is None else w("passes.yes" if one.passes else "passes.no"),
             "checked": f"{one.checked} [{cited[one.source]}]"}
            for one in found.items
        ],
        "rules": [_rule(one, w, language, cited) for one in sorted(found.rules, key=_order)],
        "points": [
            {"what": getattr(one.point, language), "points": f"{one.point.points:g}",
             "lost": w("not.judged") if one.lost is None else f"{one.lost:,}", "rules": " ".join(one.point.rules),
             "checked": f"{one.point.checked} [{cited[one.point.source]}]"}
            for one in found.points
        ],
        "asked": [_requirement(one, w, language, cited) for one in found.asked],
        "sources": [f"[{number}] {sources()[name][language]}" for name, number in cited.items()],
        "source": w("source", number=found.edition, version=__version__),
    }  # fmt: skip


def _sources(found: Evidence) -> dict[str, int]:
    """Every source that is named, with the number by which what comes from it points at it."""
    named = {one.rule.source for one in found.rules} | {one.source for one in found.items}
    named |= {one.requirement.source for one in found.asked} | {one.point.source for one in found.points}
    return {name: number for number, name in enumerate((one for one in sources() if one in named), 1)}


def _both(source: str) -> tuple[str, str]:
    """A source in English and in Chinese."""
    return sources()[source]["en"], sources()[source]["zh"]


def _order(one: Ruled) -> tuple[str, float, str]:
    """By rule set, what is broken most first, what was not asked last."""
    return one.set_name, 2.0 if one.outcome.ratio is None else one.outcome.ratio, one.rule.rule_id


def _rule(one: Ruled, w: Speech, language: Language, cited: Mapping[str, int]) -> dict[str, str | list[str]]:
    why = one.outcome.why
    told = w(f"why.{why[0]}", what=why[1]) if why else ("" if one.outcome.asked else w("why.nothing"))
    return {
        "set": one.title[language], "id": one.rule.rule_id, "what": one.rule.says(language), "field": one.rule.field,
        "right": f"{one.outcome.right:,}", "asked": f"{one.outcome.asked:,}", "ratio": four(one.outcome.ratio),
        "why": told, "checked": f"{one.rule.checked} [{cited[one.rule.source]}]",
        "places": [_place(w, *place) for place in one.places],
    }  # fmt: skip


def _place(w: Speech, feed: str, file: str, line: int | None, rows: int) -> str:
    return f"{feed}/{file}" + (w("line", line=f"{line:,}") if line else "") + f" ({rows:,})"


def _requirement(one: Asked, w: Speech, language: Language, cited: Mapping[str, int]) -> dict[str, str]:
    asked = one.requirement
    state = w("state.none") if not one.speaking else w("state.some", passed=one.passed, asked=one.asked)
    return {
        "id": asked.requirement_id, "scheme": asked.scheme, "what": getattr(asked, language), "state": state,
        "how": asked.how_zh if language == "zh" else asked.how_en, "speaking": " ".join(one.speaking),
        "checked": f"{asked.checked} [{cited[asked.source]}]",
    }  # fmt: skip


def four(ratio: float | None) -> str:
    """A share with four decimals cut off, so that 0.99996 does not look like all."""
    return "–" if ratio is None else f"{int(ratio * 10_000) / 10_000:.4f}"


def _tables(found: Evidence) -> Iterator[tuple[str, Sequence[str], Sequence[Sequence[Any]]]]:
    yield "rules", RULES, [
        (one.set_name, one.rule.rule_id, one.rule.field, one.rule.type, one.rule.dimension, one.rule.en, one.rule.zh,
         one.outcome.asked, one.outcome.right, one.outcome.ratio, ": ".join(one.outcome.why),
         "; ".join(f"{feed}/{file}:{line or ''}" for feed, file, line, _ in one.places), *_both(one.rule.source),
         one.rule.checked)
        for one in found.rules
    ]  # fmt: skip
    yield (
        "grading",
        ITEMS,
        [
            (
                one.item_id,
                one.dimension,
                one.en,
                one.zh,
                one.asked,
                one.right,
                one.ratio,
                one.passes,
                *_both(one.source),
                one.checked,
            )
            for one in found.items
        ],
    )
    yield "points", POINTS, [
        (one.point.group, one.point.points, one.point.en, one.point.zh, found.pages, one.lost,
         " ".join(one.point.rules), *_both(one.point.source), one.point.checked)
        for one in found.points
    ]  # fmt: skip
    yield "requirements", ASKED, [
        (one.requirement.requirement_id, one.requirement.scheme, one.requirement.part, one.requirement.en,
         one.requirement.zh, " ".join(one.speaking), one.asked, one.passed, one.requirement.how_en,
         one.requirement.how_zh, *_both(one.requirement.source), one.requirement.checked)
        for one in found.asked
    ]  # fmt: skip


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """With a byte order mark, so that spreadsheet programs read Chinese."""
    text = io.StringIO(newline="")
    sheet = csv.writer(text)
    sheet.writerow(head)
    sheet.writerows(rows)
    return text.getvalue().encode("utf-8-sig")
