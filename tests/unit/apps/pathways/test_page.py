"""The page: what is shown, in both languages, in the house's colours, with nothing from outside taken for markup."""

from datetime import date
from pathlib import Path

import pytest

from isthmus.apps.pathways.evaluate import evaluate
from isthmus.apps.pathways.page import fragment
from isthmus.apps.pathways.picture import COLOURS
from isthmus.apps.pathways.report import Report, day_of, report
from isthmus.apps.pathways.speech import LANGUAGES, words
from isthmus.serving.page.tokens import LIGHT
from isthmus.serving.pathways.write import told, write
from lib import cdm, pathways
from lib.pathways import A, B, Patient

RULES = {"b after a": {"response": "b", "of": "a", "window": "1 after to 30 after"}}
STEPS = pathways.HEAD["steps"] | {
    "a": {"en": "<i>a</i>", "zh": "甲", "procedure": "a", "treatment": True},
    "b": {"en": "b", "zh": "乙", "procedure": "b", "treatment": True},
}


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Three hospitals of forty patients; at the last, b is hardly ever done after a."""
    patients = []
    for person in range(120):
        home = f"h{person // 40}"
        followed = person % 40 < (4 if home == "h2" else 36)
        done = [(1, A, home), (9, B, home)] if followed else [(1, A, home)]
        patients.append(Patient(person + 1, home=home, done=done, death=200 if person % 4 == 0 else None))
    made = pathways.pack(RULES, steps=STEPS)
    with cdm.desk(tmp_path_factory.mktemp("page"), pathways.tables(patients)) as desk:
        found = evaluate(desk, made)
    given = {(40, "b after a", day_of(pathways.START)): {"reason": "declined", "by": "ann", "at": "2020-02-02"}}
    return report(found, 7, given)


def test_hospitals_outside_of_the_limits_are_marked(shown: Report) -> None:
    (rule,) = shown.rules
    assert {one.name: (one.met, one.violated) for one in rule.hospitals} == {
        "h0": (36, 4),
        "h1": (36, 4),
        "h2": (4, 36),
    }
    assert {one.name for one in rule.hospitals if one.outside} >= {"h2"}
    assert rule.justified == 1


def test_variants_are_counted_with_crude_survival(shown: Report) -> None:
    numbers = {name: step.number for name, step in shown.evaluation.pack.steps.items()}
    found = {one.path: one for one in shown.variants}
    both, alone = found[numbers["a"], numbers["b"]], found[(numbers["a"],)]
    assert (both.n, alone.n) == (76, 44)
    assert both.deaths + alone.deaths == 30
    assert both.alive[0] is None, "nobody is followed for a year"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_shows_everything_and_takes_nothing_for_markup(shown: Report, language: str) -> None:
    page = str(fragment(shown, language))
    assert "<i>a</i>" not in page
    for key in ("rules", "hospitals", "variants", "map", "outcome", "patients", "sources"):
        assert words()[key][language] in page
    assert page.count("<svg") >= 4
    assert "ann" in page


def test_pictures_have_the_colours_of_the_house() -> None:
    assert {name: LIGHT[name] for name in COLOURS} == dict(COLOURS)


def test_every_word_is_there_in_both_languages() -> None:
    assert all(set(texts) == set(LANGUAGES) and all(texts.values()) for texts in words().values())


def test_files_are_written_for_people_and_programs(shown: Report, tmp_path: Path) -> None:
    written = {path.name for path in write(shown, tmp_path, synthetic=True)}
    assert written == {
        "index.html", "index.zh.html", "patients.csv", "rules.csv", "results.parquet", "evidence.parquet",
    }  # fmt: skip
    assert (tmp_path / "patients.csv").read_text(encoding="utf-8").count("\n") == 121
    assert told(shown)["rules"][0]["hospitals"][2]["violated"] == 36
    assert day_of(pathways.START) == date(2020, 1, 1)
