"""The page of a pathway: a fragment of HTML in one language, shown in the frame of whoever shows it."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from isthmus.apps.pathways import picture
from isthmus.apps.pathways.evaluate import LONGEST
from isthmus.apps.pathways.pack import Pack
from isthmus.apps.pathways.report import Followed, Report, Row, Variant
from isthmus.apps.pathways.speech import Speech, percent

HERE = Path(__file__).parent
SHOWN = 100
FAR = 0.998


def fragment(report: Report, language: str) -> Markup:
    """The page's body."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    speech = Speech(language)
    environment.globals["w"] = speech
    return Markup(environment.get_template("page.html.j2").render(**_values(report, speech)))  # escaped by the template


def links(packs: Sequence[Pack], language: str) -> Markup:
    """A line with the pages of other pathways that are followed; nothing where there are none."""
    speech = Speech(language)
    one = Markup('<a href="?pathway={}">{}</a>')
    listed = Markup(" · ").join(one.format(quote(pack.name), speech.name(pack.titles)) for pack in packs)
    return Markup('<p class="quiet">{}: {}</p>').format(speech("followed"), listed) if packs else Markup("")


def _values(report: Report, w: Speech) -> dict[str, Any]:
    pack = report.evaluation.pack
    met, violated, unknown = (
        sum(one.states[name] for one in report.rules) for name in ("met", "violated", "not assessable")
    )
    names = {one.number: w.name(one.names) for one in pack.steps.values()}
    violating = [one for one in report.patients if one["violated"]]
    return {
        "patients": report.patients, "edition": report.edition,
        "hospitals": len({one["hospital"] for one in report.patients}),
        "share": percent(met / (met + violated) if met + violated else None), "violated": violated, "open": unknown,
        "justified": sum(one.justified for one in report.rules),
        "rules": [_rule(one, w) for one in report.rules],
        "funnels": list(_funnels(report.rules, w)), "most": LONGEST,
        "flows": picture.flows({one.path: one.n for one in report.variants}, names, w),
        "arcs": picture.arcs(
            report.evaluation.reached.to_pylist(), report.evaluation.following.to_pylist(), names, w
        ),
        "variants": [_variant(one, names, w) for one in report.variants], "others": report.others,
        "violating": f"{len(violating):,}", "listed": [_patient(one, report, w) for one in violating[:SHOWN]],
        "sources": [(w.name(one.title), w.name(one.checked)) for one in pack.sources.values()],
        "pack": w.name(pack.titles), "version": pack.version,
    }  # fmt: skip


def _rule(one: Followed, w: Speech) -> Row:
    rule = one.rule
    return {
        "name": w.name(rule.names), "family": w(f"family.{rule.family}"), "share": percent(one.share),
        "bar": picture.bar(one.states, w), "states": one.states, "justified": one.justified,
        "causes": [f"{w(f'cause.{cause}')}: {n:,}" for cause, n in sorted(one.causes.items())],
        "source": rule.source, "where": w.name(rule.where), "strength": w(f"strength.{rule.strength}"),
    }  # fmt: skip


def _funnels(rules: Sequence[Followed], w: Speech) -> Iterator[Row]:
    for one in rules:
        if one.expected is not None:
            near = [hospital.name for hospital in one.hospitals if 0 < hospital.outside < FAR]
            far = [hospital.name for hospital in one.hospitals if hospital.outside >= FAR]
            told = [w("outside.far", names=", ".join(far))] if far else []
            told += [w("outside", names=", ".join(near))] if near else []
            yield {
                "name": w.name(one.rule.names), "svg": picture.funnel(one, w),
                "told": "; ".join(told) or w("outside.none"),
            }  # fmt: skip


def _variant(one: Variant, names: dict[int, str], w: Speech) -> Row:
    return {
        "name": " → ".join(names[step] for step in one.path) or w("untreated"), "n": one.n, "deaths": one.deaths,
        "year1": percent(one.alive[0]), "year3": percent(one.alive[1]),
        "median": "–" if one.median_years is None else f"{one.median_years:.1f}",
    }  # fmt: skip


def _patient(one: Row, report: Report, w: Speech) -> Row:
    pack = report.evaluation.pack
    told = []
    for violation in one["violations"]:
        reason = violation["reason"]
        more = [w("due", day=violation["due"])] if violation["due"] else []
        if reason is None:
            more.append(w("unjustified"))
        else:
            named = w.name(pack.reasons.get(reason["reason"], {"en": reason["reason"], "zh": reason["reason"]}))
            more.append(w("reason", reason=named, by=reason["by"], at=reason["at"]))
        told.append({"name": w.name(pack.rules[violation["rule"]].names), "more": ", ".join(more)})
    return one | {"told": told}
