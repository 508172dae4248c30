"""Write what a pathway's evaluation gave into a folder, and say it as one document."""

import csv
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from isthmus.apps.pathways.page import fragment
from isthmus.apps.pathways.report import Report
from isthmus.apps.pathways.speech import Speech
from isthmus.base.durable import replaced
from isthmus.serving.page.sheet import style
from isthmus.serving.page.words import Language

HERE = Path(__file__).parent
PAGES: Mapping[Language, str] = {"en": "index.html", "zh": "index.zh.html"}
INVENTED: Mapping[Language, str] = {"en": "Every patient here is invented.", "zh": "这里的每一位患者都是虚构的。"}
PATIENTS = ("person_id", "hospital", "begins", "met", "violated", "score", "violations", "not_assessable")
RULES = ("rule", "family", "met", "violated", "justified", "not assessable", "not applicable", "share")


def write(report: Report, folder: Path, *, synthetic: bool) -> list[Path]:
    """Write pages, `patients.csv`, `rules.csv`, `results.parquet` and `evidence.parquet`; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    contents = {name: page(report, language, synthetic=synthetic) for language, name in PAGES.items()}
    contents["patients.csv"] = _sheet(PATIENTS, [_flat(row) for row in report.patients])
    contents["rules.csv"] = _sheet(RULES, told(report)["rules"])
    for name, content in contents.items():
        with replaced(folder / name) as stream:
            stream.write(content)
    for name in ("results", "evidence"):
        with replaced(folder / f"{name}.parquet") as stream:
            pq.write_table(getattr(report.evaluation, name), stream)
    return [folder / name for name in (*contents, "results.parquet", "evidence.parquet")]


def page(report: Report, language: Language, *, synthetic: bool) -> bytes:
    """The page, complete in itself."""
    environment = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    speech, pack = Speech(language), report.evaluation.pack
    values = {
        "lang": speech("lang"), "kind": speech("title"), "title": speech.name(pack.titles),
        "version": speech("version", name=pack.name, version=pack.version), "style": style(language),
        "synthetic": synthetic, "invented": INVENTED[language], "body": fragment(report, language),
    }  # fmt: skip
    return environment.get_template("pathway.html.j2").render(**values).encode()


def told(report: Report) -> dict[str, Any]:
    """What the command says as JSON: rules, hospitals, variants, sources."""
    pack = report.evaluation.pack
    names = {one.number: one.name for one in pack.steps.values()}
    return {
        "pathway": pack.name, "version": pack.version, "digest": pack.digest, "edition": report.edition,
        "entered": report.evaluation.entered, "episodes": report.evaluation.episodes.num_rows,
        "rules": [
            {"rule": one.rule.name, "family": one.rule.family, **one.states, "justified": one.justified,
             "share": None if one.share is None else round(one.share, 4), "causes": dict(one.causes),
             "source": one.rule.source, "strength": one.rule.strength,
             "hospitals": [
                 {"hospital": each.name, "met": each.met, "violated": each.violated, "outside": each.outside}
                 for each in one.hospitals
             ]}
            for one in report.rules
        ],
        "variants": [
            {"steps": [names[step] for step in one.path], "patients": one.n, "deaths": one.deaths,
             "crude_alive_1_year": one.alive[0], "crude_alive_3_years": one.alive[1],
             "crude_median_years": one.median_years}
            for one in report.variants
        ],
        "other_variants": report.others,
        "sources": {
            name: {"title": one.title["en"], "checked": one.checked["en"]} for name, one in pack.sources.items()
        },
    }  # fmt: skip


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    violations = "; ".join(
        one["rule"]
        + (f" (due {one['due']})" if one["due"] else "")
        + (f" [{one['reason']['reason']}]" if one["reason"] else "")
        for one in row["violations"]
    )
    open_ = "; ".join(f"{rule}: {cause}" for rule, cause in row["not_assessable"].items())
    return {**row, "violations": violations, "not_assessable": open_}


def _sheet(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
