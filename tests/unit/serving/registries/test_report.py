"""The report of a registry: what stands in it, in both languages, from which edition, pack and table."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

from isthmus.base.errors import PackError
from isthmus.research.registries.pack import load
from isthmus.serving.registries.kept import Kept
from isthmus.serving.registries.report.write import html
from lib import kept as lib
from lib import registries

TAG = re.compile(r"<[^>]+>")


class Half(HTMLParser):
    """The sections of one language, as texts with | between what stands apart."""

    def __init__(self, language: str, page: str) -> None:
        super().__init__()
        _, _, rest = page.partition(f'<div id="{language}"')
        self.parts = [re.sub(r"(\s*\|\s*)+", "|", TAG.sub("|", one)) for one in rest.split('<section class="part">')]
        if language == "zh":
            end = next(at for at, one in enumerate(self.parts) if "Disease registry" in one)
            self.parts = self.parts[: end + 1]

    def part(self, title: str) -> str:
        """The section of a title."""
        (found,) = [one for one in self.parts if one.startswith(f"|{title}|")]
        return found


@pytest.fixture
def made(tmp_path: Path) -> Kept:
    return lib.kept(tmp_path)


def test_the_page_is_one_file_without_script_and_host(made: Kept) -> None:
    page = html(made).decode()
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)|url\(|@import", page)
    assert "Patients &lt;at&gt; diagnosis" in page


def test_table_one_has_medians_and_shares_of_those_known(made: Kept) -> None:
    part = Half("en", html(made).decode()).part("Patients &lt;at&gt; diagnosis")
    assert "|All|n = 3|stage A|n = 2|stage B|n = 1|" in part
    assert "|female|2|66.7%|2|100%|0|0%|" in part
    assert "|albumin|g/L|31.5|31.2–31.8|31.5|31.2–31.8|–|" in part
    assert "|alcohol, much|1|100%|1|100%|0|" in part
    assert "|not known|2|1|1|" in part


def test_curves_have_numbers_at_risk_and_say_where_they_end(made: Kept) -> None:
    part = Half("en", html(made).decode()).part("Survival by stage")
    assert "|Patients at risk|" in part
    assert "|stage B|1|1|" in part
    assert "|stage B|1|1|13.1|100%|100%–100%|–|–|" in part  # one patient, one death after 400 days


def test_an_end_point_says_in_words_what_it_counts(made: Kept) -> None:
    page = html(made).decode()
    assert "From index to death." in Half("en", page).part("Survival by stage")
    assert "自索引日至死亡。" in Half("zh", page).part("生存曲线")


def test_the_flow_counts_who_is_left_and_why(tmp_path: Path) -> None:
    made = lib.kept(tmp_path)
    cases = {"found": 3, "refuted": 2, "out": 1, "enrolled": 3}
    stage = pa.array([None, "A", "B"])  # of one nobody told it
    rows = made.table("person")
    lib.put(made.folder / "person.parquet", rows.set_column(rows.column_names.index("stage"), "stage", stage))
    kept = Kept(made.folder, made.pack, {**made.about, "cases": cases}, synthetic=True)
    part = Half("en", html(kept).decode()).part("Flow of patients")
    told = "|Candidates found by the rules|6|ruled to be no case|2|refused or withdrew|1|Enrolled|3|not known|1|"
    assert told + "stage group known|2|" in part
    assert "refused or withdrew: 1" in part  # beside the arrow
    assert "|and followed up after the diagnosis|2|" in part


def test_of_whom_only_a_yes_is_told_there_is_no_share(tmp_path: Path) -> None:
    made = lib.kept(tmp_path)
    rows = made.table("person")
    sexes = pa.array(["female", None, None])
    lib.put(made.folder / "person.parquet", rows.set_column(rows.column_names.index("sex"), "sex", sexes))
    part = Half("en", html(Kept(made.folder, made.pack, made.about, synthetic=True)).decode()).part(
        "Patients &lt;at&gt; diagnosis"
    )
    assert "|female|1|1|0|not known|2|" in part


LINE_HEAD = lib.HEAD + "  - {group: therapy, en: Therapy, zh: 治疗, row: line}\n"
RESPONSE = (
    "response,CR,complete,完全,,\nresponse,PR,partial,部分,,\nresponse,SD,stable,稳定,,\nresponse,NE,none,不可评,,\n"
)


def _responding(folder: Path, entry: str) -> Path:
    best = registries.item("best", "choice", list="response", pick="lowest")
    return registries.write(
        folder, {**lib.ITEMS, "therapy": [best]}, LINE_HEAD,
        **(lib.FILES | {"lists_csv": lib.LISTS + RESPONSE, "report_yaml": entry}),
    )  # fmt: skip


def test_responses_are_counted_by_line_of_those_assessed(tmp_path: Path) -> None:
    """Worked by hand: 2 of 4 answer, Wilson's interval of which is 15 to 85 %; 3 of 4 do not progress."""
    read = load(_responding(tmp_path / "tiny", "answers: {table: response, en: Responses, zh: 疗效, item: best}\n"))
    made = lib.kept(tmp_path / "other")
    told = [(1, "CR"), (1, "PR"), (1, "SD"), (1, "NE"), (1, None), (2, None)]
    lines = pa.table({"line": [line for line, _ in told], "best": pa.array([best for _, best in told], pa.string())})
    lib.put(made.folder / "therapy.parquet", lines)
    part = Half("en", html(Kept(made.folder, read, made.about, synthetic=True)).decode()).part("Responses")
    assert "|line 1|5|4|1|1|1|1|50.0%|15%–85%|75.0%|line 2|1|0|0|0|0|0|–|–|" in part


def test_every_cell_of_the_completeness_has_a_number(made: Kept) -> None:
    part = Half("en", html(made).decode()).part("Completeness")
    assert "|albumin|67%|2/3|67%|2/3|" in part
    assert "|By hospital and period|" in part


def test_every_section_says_edition_pack_and_table_in_both_languages(made: Kept) -> None:
    page = html(made).decode()
    for language, said in (
        ("en", "Source: edition 4, pack tiny 7, table"),
        ("zh", "来源：版次 4，数据包 tiny 7，数据表"),
    ):
        parts = Half(language, page).parts[1:]
        assert len(parts) == 9
        assert all(said in one for one in parts)
    assert "|白蛋白|" in Half("zh", page).part("基线")


def test_findings_and_regimens_are_counted(made: Kept) -> None:
    half = Half("en", html(made).decode())
    assert "|Albumin is low.|low|error|1|Look.|" in half.part("Findings by rule")
    assert "|X alone|1|1|" in half.part("Regimens")


def test_a_registry_without_patients_has_a_page(tmp_path: Path) -> None:
    made = lib.kept(tmp_path)
    for name in ("endpoint", "person"):
        path = made.folder / f"{name}.parquet"
        table = made.table(name).slice(0, 0)
        path.unlink()
        lib.put(path, table)
    assert "No patient of this edition" in html(Kept(made.folder, made.pack, made.about, synthetic=True)).decode()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("a: {table: pie}", "report.yaml:1: entry a of the report says neither `table` nor `figure`"),
        ("a: {table: baseline, rows: [weight]}", "entry a of the report names 'weight', which is no item of this pack"),
        ("a: {table: baseline, rows: [drug]}", "names drug, whose group given has several rows of a patient"),
        ("a: {figure: survival, endpoint: pfs, by: stage}", "'pfs' is no end point. Known: os."),
        ("a: {figure: survival, endpoint: os, by: albumin}", "divided by albumin, which is of the type 'number'"),
        ("a: {table: completeness, need: optional}", "completeness does not count 'optional'"),
        ("a: {table: lines, by: stage}", "entry a of the report has no 'by'"),
        ("a: {table: response, item: stage}", "'stage' is no item of lines with the codes CR and PR"),
    ],
)
def test_what_is_wrong_in_a_report_is_told_with_its_line(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(PackError) as told:
        load(lib.pack(tmp_path / "tiny", report_yaml=entry + "\n"))
    assert said in str(told.value)
