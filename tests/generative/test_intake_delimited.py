"""Whatever a table holds, reading its file gives it back; whatever bytes come, reading ends in rows or rejects."""

import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isthmus.base.errors import IsthmusError
from isthmus.intake import delimited, lines, stream
from isthmus.intake.formats import READERS, guess
from isthmus.intake.header import split_text
from isthmus.intake.record import PLACE, Batch, Format, Part, Reject

TEXT = st.text(
    st.characters(codec="gb18030", exclude_categories=["Cs", "Cc"]) | st.sampled_from("\",\n\r\t;|' "),
    max_size=8,
)
NAMES = st.lists(st.sampled_from(["病人ID", "结果", "a", "b c", "单位", "x"]), min_size=2, max_size=5, unique=True)


def part_of(data: bytes, name: str = "table.csv") -> Part:
    return Part(name, lambda: io.BytesIO(data), len(data))


def read_all(data: bytes, fmt: Format) -> tuple[list[dict[str, object]], list[Reject]]:
    rows: list[dict[str, object]] = []
    rejects: list[Reject] = []
    for item in READERS[fmt.kind](part_of(data), fmt):
        if isinstance(item, Batch):
            rows += item.rows.to_pylist()
        else:
            rejects.append(item)
    return rows, rejects


@pytest.fixture(params=[64, 1 << 12])
def small_blocks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (request.param,))


def written(cell: str, delimiter: str, always: bool) -> str:
    needed = always or any(mark in cell for mark in (delimiter, '"', "\r", "\n"))
    return '"' + cell.replace('"', '""') + '"' if needed else cell


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    names = draw(NAMES)
    rows = draw(st.lists(st.lists(TEXT, min_size=len(names), max_size=len(names)), min_size=1, max_size=12))
    return names, rows


@given(
    table=tables(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-be"]),
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    always_quoted=st.booleans(),
)
@settings(max_examples=150, deadline=None)
@pytest.mark.usefixtures("small_blocks")
def test_a_table_comes_back_from_its_file(table, encoding, delimiter, end, always_quoted) -> None:  # type: ignore[no-untyped-def]
    names, rows = table
    records = [delimiter.join(written(cell, delimiter, always_quoted) for cell in row) for row in [names, *rows]]
    data = "".join(line + end for line in records if line).encode(encoding)
    fmt = Format("csv", {"delimiter": delimiter, "encoding": encoding})
    found, rejects = read_all(data, fmt)
    assert not rejects
    expected = [[cell or None for cell in row] for row in rows]
    assert [[row[name] for name in names] for row in found] == expected
    for row in found:
        passage = delimited.locate(part_of(data), fmt, int(str(row[PLACE])))
        fields = split_text(passage.text, lines.Syntax(delimiter.encode()))
        assert [field or None for field in fields] == [row[name] for name in names]


@given(data=st.binary(max_size=300) | st.text(st.sampled_from('a1",;\n\r|é中\t'), max_size=120).map(str.encode))
@example(b'a,b\n"')
@example(b'a,b\n1,"2\n3,4\n')
@settings(max_examples=300, deadline=None)
@pytest.mark.usefixtures("small_blocks")
def test_any_bytes_end_in_rows_rejects_or_one_sentence(data: bytes) -> None:
    for kind in ["csv", "fhir", "ndjson", "hl7v2", guess("x", data)]:
        try:
            rows, rejects = read_all(data, Format(kind))
        except IsthmusError:
            continue
        for row in rows:
            assert 0 <= int(str(row[PLACE])) <= len(data)
        for reject in rejects:
            assert 0 <= reject.place <= len(data) and reject.place + reject.length <= len(data)


@given(
    data=st.text(st.sampled_from('a1",\n\r'), max_size=60).map(str.encode),
    size=st.integers(1, 20),
    quote=st.sampled_from([None, b'"']),
)
@settings(max_examples=500, deadline=None)
def test_records_are_the_same_however_the_bytes_arrive(data: bytes, size: int, quote: bytes | None) -> None:
    syntax = lines.Syntax(b",", quote)
    whole = lines.cut(data, syntax, final=True)
    found: list[tuple[int, int]] = []
    rest, base = b"", 0
    for start in range(0, len(data), size):
        rest += data[start : start + size]
        part = lines.cut(rest, syntax, final=False)
        found += [(base + int(a), base + int(b)) for a, b in zip(part.starts, part.ends, strict=True)]
        rest, base = rest[part.used :], base + part.used
    last = lines.cut(rest, syntax, final=True)
    found += [(base + int(a), base + int(b)) for a, b in zip(last.starts, last.ends, strict=True)]
    assert found == list(zip(whole.starts.tolist(), whole.ends.tolist(), strict=True))


@given(data=st.text(st.sampled_from('a"",\n\r'), max_size=60).map(str.encode))
@settings(max_examples=500, deadline=None)
def test_counting_quotes_finds_the_same_records_as_following_them(data: bytes) -> None:
    syntax = lines.Syntax()
    quick, slow = lines.cut(data, syntax, final=True), lines._cut_slowly(data, syntax, final=True)
    assert quick.starts.tolist() == slow.starts.tolist()
    assert quick.ends.tolist() == slow.ends.tolist()
    assert quick.used == slow.used
