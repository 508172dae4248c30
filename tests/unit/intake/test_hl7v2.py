"""Rules of HL7 v2 messages."""

import json

import hl7
import pytest

from isthmus.base.errors import Unreadable
from isthmus.intake import stream
from isthmus.intake.record import PLACE
from lib.intake_parts import Outcome, outcome

MESSAGE = [
    "MSH|^~\\&|LIS|甲医院|ISTHMUS|X|20240102030405||ORU^R01|M1|P|2.5",
    "PID|1||P1^^^A~P2^^^B||王^小明",
    "ORC|RE|1",
    "OBR|1|1||ALT^丙氨酸氨基转移酶^L",
    "OBX|1|NM|ALT^^L||52.0|U/L",
    "OBR|2|1||AFP^甲胎蛋白^L",
    "OBX|2|ST|AFP^^L||a\\S\\b\\T\\c|ng/mL",
    "ZLB|1|own",
]


def text_of(*segments: str, end: str = "\r") -> bytes:
    return "".join(segment + end for segment in segments).encode()


def count(found: Outcome) -> int:
    return sum(map(len, found.rows.values()))


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n", "\r\n\r\n"])
def test_segments_are_rows_whatever_ends_them(end: str) -> None:
    found = outcome(text_of(*MESSAGE, end=end), "hl7v2")
    assert sorted(found.rows) == ["MSH", "OBR", "OBX", "ORC", "PID", "ZLB"]
    assert [row["segment"] for row in found.rows["OBX"]] == [MESSAGE[4], MESSAGE[6]]
    assert [row["seq"] for row in found.rows["OBX"]] == ["5", "7"]
    assert found.sources("OBX") == [MESSAGE[4], MESSAGE[6]]
    assert not found.rejects


def test_a_row_carries_the_segments_that_give_it_context() -> None:
    last = outcome(text_of(*MESSAGE), "hl7v2").rows["OBX"][1]
    assert (last["msh"], last["pid"], last["obr"]) == (MESSAGE[0], MESSAGE[1], MESSAGE[5])
    assert last["pv1"] is None
    assert last["message"] == "LIS|甲医院|M1"


def test_context_does_not_leak_into_the_next_message() -> None:
    data = text_of(*MESSAGE, MESSAGE[0].replace("M1", "M2"), "OBX|1|NM|X||1")
    row = outcome(data, "hl7v2").rows["OBX"][2]
    assert (row["message"], row["pid"], row["obr"], row["seq"]) == ("LIS|甲医院|M2", None, None, "2")


def test_a_new_patient_in_a_message_has_no_visit_or_order_of_the_one_before() -> None:
    first = [*MESSAGE[:2], "PV1|1|I", *MESSAGE[2:5]]
    found = outcome(text_of(*first, "PID|2||P9", "OBX|2|NM|ALT^^L||60|U/L", "PV1|2|O", "NTE|1"), "hl7v2")
    assert found.rows["OBX"][0]["pv1"] == "PV1|1|I"
    other = found.rows["OBX"][1]
    assert (other["msh"], other["pid"]) == (MESSAGE[0], "PID|2||P9")
    assert [other[name] for name in ("pv1", "orc", "obr", "rxe")] == [None] * 4
    assert found.rows["NTE"][0]["pv1"] == "PV1|2|O"


def test_messages_across_blocks_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    data = b"".join(text_of(*(line.replace("M1", f"N{number}") for line in MESSAGE)) for number in range(40))
    whole = outcome(data, "hl7v2")
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (100,))
    pieces = outcome(data, "hl7v2")
    assert pieces.rows == whole.rows
    assert count(whole) == 40 * len(MESSAGE)


def test_frames_and_wrappers_part_messages() -> None:
    framed = b"\x0b" + text_of(*MESSAGE) + b"\x1c\r\x0b" + text_of(*MESSAGE) + b"\x1c\r"
    assert count(outcome(framed, "hl7v2")) == 2 * len(MESSAGE)
    wrapped = text_of("FHS|^~\\&|A", "BHS|^~\\&|A", *MESSAGE, "BTS|1", "FTS|1")
    found = outcome(wrapped, "hl7v2")
    assert [(row["message"], row["seq"]) for kind in ("FHS", "BTS") for row in found.rows[kind]] == [(None, None)] * 2
    assert not found.rejects


def test_other_separators_become_the_usual_ones() -> None:
    found = outcome(b"MSH#*!?@#LIS#H#####ORU*R01#M1\rPID#1##P1*a!P2#x|y^z&q~r\r", "hl7v2")
    assert found.rows["MSH"][0]["segment"] == "MSH|^~\\&|LIS|H|||||ORU^R01|M1"
    assert found.rows["PID"][0]["segment"] == "PID|1||P1^a~P2|x\\F\\y\\S\\z\\T\\q\\R\\r"


def test_a_fifth_encoding_character_stays() -> None:
    found = outcome(b"MSH|^~\\&#|LIS|H||||||M1\rPID|1||a#b\r", "hl7v2")
    assert found.rows["MSH"][0]["segment"] == "MSH|^~\\&#|LIS|H||||||M1"
    assert found.rows["PID"][0]["segment"] == "PID|1||a#b"


def test_segments_without_a_header_are_rejected_together() -> None:
    found = outcome(text_of("PID|1", "OBX|1", *MESSAGE), "hl7v2")
    assert [(item.reason, item.count) for item in found.rejects] == [("no-header", 2)]
    assert count(found) == len(MESSAGE)


def test_a_line_that_is_no_segment_is_rejected() -> None:
    found = outcome(text_of(*MESSAGE[:2], "second line of a note", *MESSAGE[2:], end="\n"), "hl7v2")
    assert found.rejected() == [("no-segment", b"second line of a note")]
    assert count(found) == len(MESSAGE)


def test_a_line_feed_in_a_field_is_text_where_carriage_returns_end_segments() -> None:
    found = outcome(text_of(*MESSAGE[:4], "OBX|1|TX|R||line one\nline two"), "hl7v2")
    assert found.rows["OBX"][0]["segment"].endswith("line one\nline two")


@pytest.mark.parametrize("charset", ["", "|||||GB 18030-2000"])
def test_gb18030_is_read_by_header_or_content(charset: str) -> None:
    data = text_of(MESSAGE[0] + charset, *MESSAGE[1:]).decode().encode("gb18030")
    found = outcome(data, "hl7v2")
    assert found.rows["PID"][0]["segment"] == MESSAGE[1]
    assert found.sources("PID") == [MESSAGE[1]]


def test_a_segment_that_is_no_text_is_rejected_alone() -> None:
    data = text_of(*MESSAGE).replace("王".encode(), b"\xff\xff")
    found = outcome(data, "hl7v2")
    assert [(item.reason, item.kind) for item in found.rejects] == [("undecodable", "PID")]
    assert count(found) == len(MESSAGE) - 1


def test_a_message_without_id_is_named_by_its_content() -> None:
    row = outcome(b"MSH|^~\\&|A|B\rPID|1\r", "hl7v2").rows["PID"][0]
    assert row["message"].startswith("sha256:")


def test_a_message_over_the_limit_is_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (128,))
    data = text_of(MESSAGE[0], "OBX|1|ED|" + "x" * 3000, *MESSAGE)
    found = outcome(data, "hl7v2", {"max_record": 1000})
    assert [item.reason for item in found.rejects] == ["too-long"]
    assert count(found) == len(MESSAGE)


def test_json_lines_carry_messages() -> None:
    texts = ["\r".join(MESSAGE), "\n".join(MESSAGE).replace("王", "😀\u0007")]
    data = "\n".join(json.dumps({"id": 1, "hl7": text}) for text in texts).encode()
    found = outcome(data, "hl7v2", {"json_field": "hl7"})
    assert count(found) == 2 * len(MESSAGE)
    for kind, rows in found.rows.items():
        assert [json.loads(f'"{text}"') for text in found.sources(kind)] == [row["segment"] for row in rows]


def test_a_file_without_any_segment_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        outcome(b"a,b\n1,2\n", "hl7v2")


def test_fields_agree_with_another_parser() -> None:
    data = text_of(*MESSAGE)
    ours = outcome(data, "hl7v2")
    theirs = hl7.parse(data.decode())
    assert str(theirs["PID"][0][3]) == ours.rows["PID"][0]["segment"].split("|")[3]
    for mine, other in zip(ours.rows["OBX"], theirs["OBX"], strict=True):
        assert mine["segment"].split("|") == [str(field) for field in other]
    assert [row[PLACE] for row in ours.rows["MSH"]] == [0]
