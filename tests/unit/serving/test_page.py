"""The demo's page: complete in both languages, true to the numbers given, closed to the network, and well formed."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from isthmus.flow.ingest import Report
from isthmus.flow.land import Landed
from isthmus.flow.lists import Published, Waiting
from isthmus.flow.verify import Finding
from isthmus.flow.worklist.items import Item
from isthmus.intake.record import REASONS
from isthmus.research.methods.survival import Curve, kaplan_meier
from isthmus.research.registries.build import Registry
from isthmus.research.registries.pack import load
from isthmus.research.studies.resection import Effect, Result
from isthmus.serving.demonstration import Demo
from isthmus.serving.mending import Mended
from isthmus.serving.page.demo import write
from isthmus.serving.page.tokens import CHARTED, DARK, LIGHT
from isthmus.serving.page.view import OUTCOMES, view
from isthmus.serving.page.words import Speech, percent, words
from isthmus.serving.reading import Row
from isthmus.serving.registered import Registered, Sums
from isthmus.serving.truth import Score
from isthmus.simulation import Summary
from isthmus.simulation.site import Feed, feeds
from lib.tree import SOURCE

PAGE = SOURCE / "serving" / "page"
VOID = {"br", "link", "meta"}
MEDIANS = {"0": 95.0, "A": 60.0, "B": 27.0, "C": 11.0, "D": 4.0}
PATIENTS = {"0": 58, "A": 181, "B": 132, "C": 143, "D": 31}
ROWS = {
    "person": 1894, "observation_period": 1871, "visit_occurrence": 6320, "condition_occurrence": 8431,
    "drug_exposure": 14208, "procedure_occurrence": 2745, "measurement": 88120, "observation": 5102, "death": 287,
    "note": 1622, "record": 171234, "concept": 1204, "reference": 3411, "death_statement": 287,
}  # fmt: skip
CHECKS = {
    "landed bytes are what their receipts say": 118, "editions follow one another unaltered": 2,
    "every file of every edition is there, unaltered": 96, "table versions hold the files that editions list": 31,
    "every record read is accounted for": 171_234, "every row comes from a record in the ledger": 130_600,
    "primary keys are unique": 128_729, "no batch is half done": 6,
}  # fmt: skip


def _curve(stage: str) -> Curve:
    rng = np.random.default_rng([1, ord(stage)])
    died = rng.exponential(MEDIANS[stage] * 30.4 / np.log(2), PATIENTS[stage])
    last = rng.uniform(400, 2600, PATIENTS[stage])
    return kaplan_meier(np.ceil(np.minimum(died, last)), died <= last)


def _report(found: list[Feed]) -> Report:
    report = Report()
    for number, feed in enumerate(found):
        files, base = 6 + 5 * number, 9000 + 3517 * number
        report.landed.setdefault(feed.site, []).append(Landed(feed.name, files + number % 3, files, number % 3, ()))
        laboratory = {"mapped": base, "quarantined": base // 90, "duplicate": base // 50}
        patients = {"mapped": 400, "superseded": number * 7}
        report.accounts[feed.site, feed.name] = [
            {"lab": laboratory, "bill": {"kept": base // 8}},
            {"patient": patients},
        ]
    return report


def _quarantine() -> list[Waiting]:
    day = datetime(2026, 1, 5, tzinfo=UTC)
    reasons = [
        ("h01", "lab", "measurement_date: unreadable or missing", 412, "检验结果_2023.csv at 184233"),
        ("h05", "lab", "measurement_date: unreadable or missing", 131, "LIS_2022.csv at 90412"),
        ("h01", "row", "wrong-width: 11 fields where the header has 12", 208, "门诊就诊.csv at 7812"),
        ("h02", "row", "undecodable: bytes that are no GB18030", 96, "患者.csv at 400122"),
        ("h03", "result", "no-person", 61, "results at 3021"),
        ("h04", "row", "something-new: never seen before", 3, "x.csv at 1"),
    ]
    return [Waiting(site, kind, reason, n, day, day, example) for site, kind, reason, n, example in reasons]


def _effect() -> Effect:
    return Effect(naive=(0.31, 0.22, 0.43), adjusted=(0.57, 0.4, 0.81), subjects=236, deaths=121, left_out=14)


@pytest.fixture(scope="module")
def shown() -> Demo:
    found = list(feeds([f"h{number:02d}" for number in range(1, 7)]))
    edition = Published(2, "e000002", "2026-01-05T10:11:12Z", "0.1.0", "5.4", "c0ffee" * 10 + "beef", ROWS)
    return Demo(
        workspace=Path("demo/workspace"), summary=Summary(found, 1200, 545, 130_000, 2210, -0.6), report=_report(found),
        edition=edition, quarantine=_quarantine(),
        unmapped=[
            Item("list:lis/lab", "PIVKA-II", "", "measurement", "measurement_concept_id", 341, ("a", "b", "c")),
            Item("list:his/drug", "D7", "复方苦参注射液", "drug_exposure", "drug_concept_id", 122, ("a", "b")),
        ],
        scores=[
            Score("condition_occurrence", 8400, 8431, 8398), Score("death", 287, 287, 287),
            Score("measurement", 89_000, 88_120, 87_311), Score("person", 1894, 1894, 1894),
        ],
        items=[Row("", "bclc", 59, 59, 58)], by_text={"observation": 507}, mended=Mended(38, 30, 28, 27, 26),
        study=Result({stage: _curve(stage) for stage in MEDIANS}, _effect(), 545), true_ratio=0.5488,
        checks=[Finding(check, count, ()) for check, count in CHECKS.items()],
        seconds={"simulate": 6.61, "ingest": 21.27, "study": 2.2, "mend and verify": 3.94},
        example=("measurement", 4_611_686_018_427_387_904), registry=_registered(),
    )  # fmt: skip


def _registered() -> Registered:
    """A liver registry of which two hospitals differ most in AFP."""
    pack, sums = load("liver"), Sums()
    told = [("afp", "h01", 40, 36), ("afp", "h02", 40, 4), ("albumin", "h01", 40, 30), ("albumin", "h02", 40, 20)]
    columns = ("item", "site", "rows", "filled")
    rows = [dict(zip(columns, one, strict=True), need="core") for one in told]
    sums.take("completeness", pa.Table.from_pylist(rows))
    built = Registry(pack, patients=545, rows=dict.fromkeys(pack.groups, 545))
    return Registered(Path("demo/registry"), pack, built, sums, {})


@pytest.fixture(scope="module")
def pages(shown: Demo, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return _pages(shown, tmp_path_factory.mktemp("page"))


def _pages(shown: Demo, folder: Path) -> dict[str, str]:
    index = write(shown, folder)
    assert index == folder / "index.html"
    return {"en": index.read_text("utf-8"), "zh": (folder / "index.zh.html").read_text("utf-8")}


class Reader(HTMLParser):
    """Reads a page as a careful browser would: every element is closed in its turn, every address is noted."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    def all(self, name: str) -> list[str]:
        return [value for _, each, value in self.attributes if each == name]


def test_every_word_is_there_in_both_languages() -> None:
    for key, texts in words().items():
        english, chinese = texts["en"], texts["zh"]
        assert english.strip() and chinese.strip(), key
        assert re.findall(r"\{(\w+)\}", chinese.partition("|")[0]) or "{" not in chinese, key
        assert set(re.findall(r"\{\w+\}", chinese)) == set(re.findall(r"\{\w+\}", english)), key
        assert "|" not in chinese, key


def test_every_word_is_used() -> None:
    source = "\n".join(path.read_text("utf-8") for path in PAGE.iterdir() if path.suffix in {".py", ".j2"})
    groups = ("axis", "check", "effect", "means", "outcome", "pack", "reason", "rely", "row", "step", "table", "next")
    unused = [key for key in words() if f'"{key}"' not in source and f"'{key}'" not in source]
    assert not [key for key in unused if key.partition(".")[0] not in groups]


def test_every_check_and_every_reason_has_a_name() -> None:
    named = set(re.findall(r'Finding\("([^"]+)"', (SOURCE / "flow" / "verify.py").read_text("utf-8")))
    assert named
    assert not [check for check in named if f"check.{check}" not in words()]
    assert not [slug for slug in REASONS if f"reason.{slug}" not in words()]
    assert not [name for name in OUTCOMES if f"means.{name}" not in words()]
    assert not [feed.pack for feed in feeds(["h01", "h02", "h03", "h04"]) if f"pack.{feed.pack}" not in words()]


def test_a_missing_word_is_an_error() -> None:
    with pytest.raises(KeyError):
        Speech("zh")("no.such.word")


def test_a_number_has_its_form() -> None:
    assert Speech("en")("unit.feeds", 1) == "1 feed"
    assert Speech("en")("unit.feeds", 1200) == "1,200 feeds"
    assert Speech("zh")("unit.feeds", 1) == "1 个数据源"


@pytest.mark.parametrize(
    ("share", "text"), [(1, "100%"), (0, "0%"), (0.99999, "99.9%"), (0.00001, "0.1%"), (0.5, "50.0%"), (None, "–")]
)
def test_nothing_is_rounded_to_all_or_none(share: float | None, text: str) -> None:
    assert percent(share) == text


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_well_formed(pages: dict[str, str], language: str) -> None:
    read = Reader(pages[language])
    ids = read.all("id")
    assert len(ids) == len(set(ids))
    assert set(read.all("aria-labelledby")) <= set(ids)
    pictures = re.findall(r"<svg.*?</svg>", pages[language], re.DOTALL)
    assert len([svg for svg in pictures if 'class="chart' in svg]) == 4
    for svg in pictures:
        assert 'role="img"' in svg or 'aria-hidden="true"' in svg
        ElementTree.fromstring(svg)
    used = set(re.findall(r"url\(#([^)]+)\)", pages[language]))
    assert used <= set(ids)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_asks_nothing_of_the_network(pages: dict[str, str], language: str) -> None:
    page, read = pages[language], Reader(pages[language])
    assert set(read.all("href")) == {"#content", "data:,", "index.zh.html" if language == "en" else "index.html"}
    assert not read.all("src") and not read.all("style")
    assert not re.search(r"<script|<img|@import|url\((?!#)|https?://", page)
    assert "default-src 'none'" in page


def test_the_page_tells_the_numbers_it_was_given(shown: Demo, pages: dict[str, str]) -> None:
    counted = view(shown)
    told = [
        counted.all.records, counted.all.files, counted.rows, *counted.all.counts.values(), 88_120, 545, 2210, 341,
        *(row.counts["quarantined"] for row in counted.feeds), *(row.rows for row in counted.tables), 412 + 131,
    ]  # fmt: skip
    for page in pages.values():
        text = "".join(Reader(page).texts)
        assert not [number for number in told if f"{number:,}" not in text]
        effect = ("0.57", "0.40", "0.81", "0.31", "0.55")
        for word in (*effect, "e000002", shown.edition.digest, "复方苦参注射液", "demo/workspace"):
            assert word in text
    assert sum(stage.deaths for stage in counted.stages) == sum(_deaths(stage) for stage in MEDIANS)
    assert [stage.patients for stage in counted.stages] == list(PATIENTS.values())


def _deaths(stage: str) -> int:
    rng = np.random.default_rng([1, ord(stage)])
    died = rng.exponential(MEDIANS[stage] * 30.4 / np.log(2), PATIENTS[stage])
    return int((died <= rng.uniform(400, 2600, PATIENTS[stage])).sum())


def test_what_is_no_table_of_the_model_is_not_counted(shown: Demo) -> None:
    counted = view(shown)
    assert counted.rows == sum(
        rows for name, rows in ROWS.items() if name not in ("record", "concept", "reference", "death_statement")
    )


def test_reasons_of_one_class_are_added_up(shown: Demo) -> None:
    first = view(shown).reasons[0]
    assert (first.slug, first.column) == ("unreadable", "measurement_date")
    assert (first.records, first.sites) == (543, {"h01", "h05"})
    assert (first.example_site, *first.example) == ("h01", "检验结果_2023.csv", "184233")


def test_a_bar_is_filled_and_shows_what_is_rare(shown: Demo) -> None:
    for row in view(shown).feeds:
        pieces = row.segments()
        assert sum(piece.width for piece in pieces) == pytest.approx(100, abs=0.1)
        assert min(piece.width for piece in pieces) >= 0.5


def test_names_from_outside_stay_text(shown: Demo, tmp_path: Path) -> None:
    nasty = "<script>alert(1)</script>"
    report = replace(shown.report, failed={nasty: nasty}, landed={nasty: [Landed("his", 1, 1, 0, (nasty,))]})
    summary = replace(shown.summary, feeds=[Feed(nasty, nasty, nasty, nasty), *shown.summary.feeds])
    changed = replace(
        shown, report=report, summary=summary, workspace=Path(nasty),
        unmapped=[Item(nasty, nasty, nasty, nasty, nasty, 1, (nasty,))],
        quarantine=[replace(shown.quarantine[0], site=nasty, kind=nasty, reason=nasty, example=f"{nasty} at {nasty}")],
        checks=[Finding(nasty, 1, (nasty,))],
    )  # fmt: skip
    for page in _pages(changed, tmp_path).values():
        assert "<script" not in page
        assert nasty in "".join(Reader(page).texts)


def _smaller(shown: Demo) -> Iterator[Demo]:
    curve = kaplan_meier(np.array([100.0, 200.0, 300.0]), np.array([False, False, False]))
    yield replace(shown, study=Result({"A": curve}, None, 3))
    dead = kaplan_meier(np.array([0.0, 0.0]), np.array([True, True]))
    yield replace(shown, study=Result({"A": _curve("A"), "D": dead}, None, 3))
    summary = Summary(shown.summary.feeds[:1], 1, 0, 0, 0, -0.6)
    yield replace(
        shown, study=Result({}, None, 0), scores=[], quarantine=[], unmapped=[], checks=[], summary=summary,
        report=Report(), edition=replace(shown.edition, tables={}),
    )  # fmt: skip


def test_a_demo_with_little_in_it_still_gives_a_page(shown: Demo, tmp_path: Path) -> None:
    for number, small in enumerate(_smaller(shown)):
        for page in _pages(small, tmp_path / str(number)).values():
            Reader(page)
            assert "nan" not in page and "None" not in page


def test_each_theme_has_every_colour() -> None:
    assert set(LIGHT) == set(DARK)
    assert len({LIGHT[name] for name in CHARTED}) == len(CHARTED)
    used = set(re.findall(r"var\(--(\w+)\)", (PAGE / "demo.css").read_text("utf-8")))
    assert used <= {*LIGHT, "font"}


def test_the_page_names_a_row_that_can_be_traced(pages: dict[str, str]) -> None:
    for page in pages.values():
        assert "isthmus trace demo/workspace measurement 4611686018427387904" in page


def test_the_registry_shows_its_groups_and_what_hospitals_know_unevenly(pages: dict[str, str], shown: Demo) -> None:
    assert shown.registry.uneven(2) == ["afp", "albumin"]
    for language in ("en", "zh"):
        assert shown.registry.pack.groups["laboratory"].names[language] in pages[language]
        assert shown.registry.pack.items["afp"].names[language] in pages[language]
    assert '>90%</td><td class="n">10%<' in pages["en"]
