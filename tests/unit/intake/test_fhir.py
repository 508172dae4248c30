"""Rules of FHIR documents, Bundles and lines."""

import json
import random

import pytest

from isthmus.base.errors import Unreadable
from isthmus.intake import fhir, jsonscan, stream
from isthmus.intake.record import PLACE, Format
from lib.intake_parts import outcome, part_of

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"text": '王 "小" \\ {x]'}]}
RESULT = {"resourceType": "Observation", "id": "o1", "valueQuantity": {"value": 5.20}}


def bundle(*entries: object, indent: int | None = 2) -> bytes:
    return json.dumps({"resourceType": "Bundle", "entry": list(entries)}, indent=indent, ensure_ascii=False).encode()


@pytest.mark.parametrize("indent", [None, 2])
def test_each_resource_of_a_bundle_is_the_exact_slice_of_its_text(indent: int | None) -> None:
    data = bundle({"fullUrl": "u", "resource": PATIENT}, {"resource": RESULT}, indent=indent)
    found = outcome(data, "fhir")
    assert {kind: [json.loads(row["resource"]) for row in rows] for kind, rows in found.rows.items()} == {
        "Observation": [RESULT],
        "Patient": [PATIENT],
    }
    for kind in found.rows:
        assert found.sources(kind) == [row["resource"] for row in found.table(kind)]
    assert found.passage(found.rows["Observation"][0][PLACE]).line == (1 if indent is None else 17)


def test_numbers_keep_their_digits() -> None:
    data = b'{"resourceType": "Observation", "valueQuantity": {"value": 5.200}}'
    assert "5.200" in outcome(data, "fhir").table("Observation")[0]["resource"]


def test_a_type_that_is_not_the_first_key_is_found() -> None:
    found = outcome(bundle({"resource": {"contained": [PATIENT], "resourceType": "Observation"}}), "fhir")
    assert list(found.rows) == ["Observation"]


def test_one_resource_and_an_array_are_documents_too() -> None:
    assert list(outcome(json.dumps(PATIENT, indent=1).encode(), "fhir").rows) == ["Patient"]
    assert list(outcome(json.dumps([PATIENT, RESULT], indent=1).encode(), "fhir").rows) == ["Observation", "Patient"]


def test_lines_are_seen_in_the_content() -> None:
    lines = [json.dumps(item).encode() for item in (PATIENT, RESULT, RESULT)]
    data = b"\n".join([*lines[:2], b"", lines[2]]) + b"\r\n"
    found = outcome(data, "fhir")
    assert len(found.table("Observation")) == 2
    assert found.sources("Patient") == [lines[0].decode()]
    assert found.passage(data.rindex(b'{"resourceType": "Obs')).line == 4


def test_a_broken_line_is_rejected_alone() -> None:
    data = json.dumps(PATIENT).encode() + b'\n{"resourceType": "Pat\n{"id": "x"}\n17\n' + json.dumps(RESULT).encode()
    found = outcome(data, "fhir")
    assert list(found.rows) == ["Observation", "Patient"]
    assert found.rejected() == [
        ("not-json", b'{"resourceType": "Pat'),
        ("not-resource", b'{"id": "x"}'),
        ("not-json", b"17"),
    ]


def test_json_lines_of_no_resources_are_rows_without_kind() -> None:
    assert outcome(b'{"a": 1}\n{"a": 2}\n', "ndjson").table() == [{"resource": '{"a": 1}'}, {"resource": '{"a": 2}'}]


def test_entries_without_a_resource_are_rejected_and_the_others_read() -> None:
    data = bundle({"resource": PATIENT}, 17, None, "x", {"request": {}}, {"resource": {"id": "x"}}, {"resource": 5})
    found = outcome(data, "fhir")
    assert list(found.rows) == ["Patient"]
    assert [reason for reason, _ in found.rejected()] == [
        *["not-resource"] * 5,
        "not-json",
    ]
    assert found.rejected()[0] == ("not-resource", b"17")


@pytest.mark.parametrize("entry", [5, {"a": 1}, "x"])
def test_an_entry_that_is_no_list_is_rejected(entry: object) -> None:
    found = outcome(json.dumps({"resourceType": "Bundle", "entry": entry}).encode(), "fhir")
    assert [item.reason for item in found.rejects] == ["not-resource"]


def test_a_bundle_without_entries_has_no_rows() -> None:
    found = outcome(b'{"resourceType": "Bundle", "type": "collection"}', "fhir")
    assert (found.rows, found.rejects) == ({}, [])


def test_a_bundle_that_breaks_off_gives_what_is_complete() -> None:
    data = bundle({"resource": PATIENT}, {"resource": RESULT}, {"resource": PATIENT})
    cut = data[: data.index(b'"valueQuantity"') + 30]
    found = outcome(cut, "fhir")
    assert list(found.rows) == ["Patient"]
    assert [item.reason for item in found.rejects] == ["truncated"]
    assert cut[found.rejects[0].place :].strip(b" ,\n").startswith(b'{\n      "resource"')


def test_a_broken_entry_costs_itself_only() -> None:
    data = bundle({"resource": PATIENT}, {"resource": RESULT}).replace(b'"id": "p1"', b'"id": p1')
    found = outcome(data, "fhir")
    assert list(found.rows) == ["Observation"]
    assert [item.reason for item in found.rejects] == ["not-json"]


def test_what_follows_the_document_is_told() -> None:
    data = bundle({"resource": PATIENT}) + b"\n" + bundle({"resource": RESULT})
    found = outcome(data, "fhir")
    assert list(found.rows) == ["Patient"]
    assert "more follows" in found.rejects[0].detail


def test_a_resource_that_is_no_utf_8_is_rejected() -> None:
    broken = bundle({"resource": RESULT}, {"resource": PATIENT}).replace("王".encode(), "王".encode("gb18030"))
    found = outcome(broken, "fhir")
    assert list(found.rows) == ["Observation"]
    assert [(item.reason, item.kind) for item in found.rejects] == [("undecodable", "Patient")]


@pytest.mark.parametrize("data", [b"", b"  \n", b"\xef\xbb\xbf"])
def test_nothing_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable) as error:
        outcome(data, "fhir")
    assert error.value.reason == "empty"


@pytest.mark.parametrize("data", [b"<Bundle/>", b'{"resourceType": "Pati', b"{" * 100_000, b'{"a": 1} x'])
def test_what_is_not_json_is_unreadable(data: bytes) -> None:
    with pytest.raises(Unreadable):
        outcome(data, "fhir")


@pytest.mark.parametrize("block", [7, 64, 1000])
def test_a_long_bundle_is_followed_entry_by_entry(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    dice = random.Random(1)
    letters = 'a"\\{}[],: 中\n'
    resources = [
        {"resourceType": "Observation", "id": "".join(dice.choices(letters, k=dice.randrange(30)))} for _ in range(50)
    ]
    data = b"\xef\xbb\xbf" + bundle(*({"resource": item, "entry": [1]} for item in resources))
    short = outcome(data, "fhir")
    monkeypatch.setattr(fhir, "WHOLE", 16)
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (block,))
    long = outcome(data, "fhir")
    assert long.rows == short.rows
    assert [json.loads(row["resource"]) for row in long.rows["Observation"]] == resources
    assert (long.rejects, short.rejects) == ([], [])


def test_an_entry_over_the_limit_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fhir, "WHOLE", 16)
    monkeypatch.setattr(stream.Blocks.__init__, "__defaults__", (256,))
    data = bundle({"resource": PATIENT}, {"resource": PATIENT | {"x": "y" * 3000}})
    found = outcome(data, "fhir", {"max_record": 1000})
    assert len(found.table("Patient")) == 1
    assert [item.reason for item in found.rejects] == ["too-long"]


def test_the_first_value_ends_where_its_brackets_close() -> None:
    assert jsonscan.first_value(b'{"a": "}", "b": [1]} {') == 20
    assert jsonscan.first_value(b'{"a": [') is None


def test_a_bundle_in_a_line_is_opened() -> None:
    data = bundle({"resource": PATIENT}, indent=None) + b"\n" + json.dumps(RESULT).encode()
    found = outcome(data, "fhir")
    assert list(found.rows) == ["Observation", "Patient"]
    assert fhir.locate(part_of(data), Format("fhir"), found.rows["Patient"][0][PLACE]).text.startswith(
        '{"resourceType"'
    )
