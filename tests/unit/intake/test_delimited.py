"""Rules of delimited text."""

import pytest

from isthmus.base.errors import Unreadable
from isthmus.intake import delimited, stream
from isthmus.intake.record import PLACE, Format
from lib.intake_parts import outcome, part_of

LAB = "病人ID,结果,单位\nP1,5.2,μmol/L\nP2,,g/L\n"
ROWS = [{"病人ID": "P1", "结果": "5.2", "单位": "μmol/L"}, {"病人ID": "P2", "结果": None, "单位": "g/L"}]


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be", "utf-32"], ids=str
)
def test_the_encoding_is_seen_in_the_content(encoding: str) -> None:
    found = outcome(LAB.encode(encoding), "csv")
    assert found.table() == ROWS
    assert found.sources() == ["P1,5.2,μmol/L", "P2,,g/L"]


def test_a_name_that_lies_about_the_encoding_is_not_believed() -> None:
    assert outcome(LAB.encode(), "csv", name="检验_GB2312.csv").table() == ROWS


def test_a_file_that_begins_in_ascii_is_decided_where_it_leaves_ascii(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "head_of", lambda part: stream.head_of(part, 64))
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (256,))
    text = "id,name\n" + "".join(f"{number},plain\n" for number in range(100)) + "100,中文\n101,甲胎蛋白\n"
    found = outcome(text.encode("gb18030"), "csv")
    assert [row["name"] for row in found.table()[-2:]] == ["中文", "甲胎蛋白"]


def test_latin_1_is_read_only_when_the_pack_says_so() -> None:
    data = "id,name\n1,Müller\n2,José\n".encode("latin-1")
    assert [row["name"] for row in outcome(data, "csv", {"encoding": "latin-1"}).table()] == ["Müller", "José"]


def test_big5_is_refused_by_name_rather_than_read_as_nonsense() -> None:
    traditional = "編號,診斷\n1,肝細胞癌\n2,慢性病毒性肝炎\n"
    with pytest.raises(Unreadable, match="it looks like Big5"):
        outcome(traditional.encode("big5"), "csv")
    found = outcome(traditional.encode("big5"), "csv", {"encoding": "big5"})
    assert [row["診斷"] for row in found.table()] == ["肝細胞癌", "慢性病毒性肝炎"]
    assert [row["診斷"] for row in outcome(traditional.encode("gb18030"), "csv").table()] == [
        "肝細胞癌",
        "慢性病毒性肝炎",
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_the_delimiter_is_guessed(delimiter: str, encoding: str) -> None:
    # 誀 ends in the byte of '|' in GB18030
    data = f"编号{delimiter}姓名\n1{delimiter}誀某\n2{delimiter}王\n".encode(encoding)
    assert outcome(data, "csv").table() == [{"编号": "1", "姓名": "誀某"}, {"编号": "2", "姓名": "王"}]


def test_a_place_is_the_first_byte_of_the_row() -> None:
    data = 'a,b\r\n\r\n1,"x\r\ny"\r\n\r\n2,z'.encode("gb18030")
    found = outcome(data, "csv")
    assert [row[PLACE] for row in found.rows[""]] == [data.index(b"1,"), data.index(b"2,")]
    assert found.sources() == ['1,"x\r\ny"', "2,z"]
    assert found.passage(data.index(b"2,")).line == 6


def test_blank_lines_are_no_rows() -> None:
    assert outcome(b"a,b\n\n1,2\n\r\n3,4\n\n", "csv").table() == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_undecodable_bytes_cost_one_row_and_no_other() -> None:
    data = "编号,姓名\n1,张三\n2,XX\n3,李四\n".encode("gb18030").replace(b"XX", b"\xff\xff")
    found = outcome(data, "csv")
    assert [row["姓名"] for row in found.table()] == ["张三", "李四"]
    assert found.rejected() == [("undecodable", b"2,\xff\xff")]
    assert "姓名" in found.rejects[0].detail


def test_a_broken_line_of_utf_8_does_not_make_the_file_gb18030() -> None:
    data = "编号,姓名\n1,张三\n2,李四\n3,XX\n4,王五\n".encode().replace(b"XX", "刘".encode("gb18030"))
    found = outcome(data, "csv")
    assert [row["姓名"] for row in found.table()] == ["张三", "李四", "王五"]
    assert [reason for reason, _ in found.rejected()] == ["undecodable"]


def test_a_lone_hanzi_that_could_be_a_letter_of_utf_8_is_a_hanzi() -> None:
    data = "id,sex,name\n1,女,x\n2,女,y\n".encode("gb18030")
    assert [row["sex"] for row in outcome(data, "csv").table()] == ["女", "女"]
    letters = "id,unit\n1,µmol/L\n2,Müller\n".encode()
    assert [row["unit"] for row in outcome(letters, "csv").table()] == ["µmol/L", "Müller"]


def test_a_nul_byte_is_no_text() -> None:
    found = outcome(b"a,b\n1,2\n3,\x00\n", "csv")
    assert found.table() == [{"a": "1", "b": "2"}]
    assert found.rejected() == [("undecodable", b"3,\x00")]


def test_rows_of_another_width_are_rejected_each_with_its_place() -> None:
    data = "编号,姓名\n1\n2,李四\n3,王,五\n4,赵\n".encode("gb18030")
    found = outcome(data, "csv")
    assert [row["编号"] for row in found.table()] == ["2", "4"]
    assert found.rejected() == [("wrong-width", b"1"), ("wrong-width", "3,王,五".encode("gb18030"))]
    assert found.rejects[1].detail == "the row has 3 fields, the header has 2"


def test_a_file_that_ends_inside_a_quote_is_truncated_there() -> None:
    found = outcome(b'a,b\n1,2\n3,"the report brea', "csv")
    assert found.table() == [{"a": "1", "b": "2"}]
    assert found.rejected() == [("truncated", b'3,"the report brea')]


def test_a_stray_quote_costs_its_own_line_only() -> None:
    found = outcome(b'a,b\n1,"2\n3,4\n5,6\n', "csv")
    assert found.table() == [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}]
    assert found.rejected() == [("truncated", b'1,"2')]


def test_a_quote_inside_a_field_is_text() -> None:
    found = outcome(b'a,b\n5" scar,x\n"say ""hi""",y\n', "csv")
    assert [row["a"] for row in found.table()] == ['5" scar', 'say "hi"']


def test_quotes_can_be_switched_off() -> None:
    assert outcome(b'a\tb\n"x\ty\n', "csv", {"quote": "none"}).table() == [{"a": '"x', "b": "y"}]


def test_a_record_over_the_limit_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (256,))
    data = b"a,b\n1,2\n3," + b"x" * 5000 + b"\n5,6\n"
    found = outcome(data, "csv", {"max_record": 1000})
    assert [row["a"] for row in found.table()] == ["1", "5"]
    assert [(item.reason, item.place) for item in found.rejects] == [("too-long", 8)]


def test_header_lines_below_the_names_are_skipped() -> None:
    data = b"name\tstage\nCDE_1\tCDE_2\nbarcode\tstage\nx\tII\n"
    assert outcome(data, "csv", {"header": 0, "skip_after_header": 2}).table() == [{"name": "x", "stage": "II"}]
    assert outcome(data, "csv", {"header": 2}).table() == [{"barcode": "x", "stage": "II"}]


def test_a_file_without_header_takes_the_names_of_the_pack() -> None:
    found = outcome(b"1,2\n3,4\n", "csv", {"columns": ["a", "b"]})
    assert found.table() == [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]


def test_names_are_stripped_numbered_and_told_apart() -> None:
    found = outcome("\ufeff id ,,id,_place\n1,2,3,4\n".encode(), "csv")
    assert found.table() == [{"id": "1", "column 2": "2", "id (2)": "3", "_place (2)": "4"}]


def test_texts_that_mean_null_are_null() -> None:
    data = "a,b\n无,1\n[Not Available],2\n".encode("gb18030")
    assert [row["a"] for row in outcome(data, "csv", {"nulls": ["无", "[Not Available]"]}).table()] == [None, None]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (bytes(range(256)) * 20, "binary"),
        (b"PK\x03\x04 and so on", "binary"),
        (b"a,b\n" + b"\xff\xfe\xfd,\x81\n" * 50, "undecodable"),
    ],
    ids=["nothing", "garbage", "a zip", "no known encoding"],
)
def test_what_is_no_text_is_unreadable(data: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as error:
        outcome(data, "csv")
    assert error.value.reason == reason


def test_a_header_alone_gives_no_rows() -> None:
    assert outcome(b"a,b\n", "csv").table() == []


def test_a_stream_that_breaks_gives_what_came_before() -> None:
    class Breaking:
        def __init__(self) -> None:
            self.pieces = [b"a,b\n1,2\n3", b""]

        def __enter__(self) -> "Breaking":
            return self

        def __exit__(self, *error: object) -> None:
            pass

        def read(self, size: int) -> bytes:
            piece = self.pieces.pop(0)
            if not piece:
                raise Unreadable("damaged", "broken")
            return piece

    part = part_of(b"")
    object.__setattr__(part, "open", Breaking)
    items = list(delimited.read(part, Format("csv")))
    assert items[0].rows.to_pylist() == [{PLACE: 4, "a": "1", "b": "2"}]  # type: ignore[union-attr]
    assert (items[1].reason, items[1].place, items[1].length) == ("damaged", 8, 1)  # type: ignore[union-attr]
