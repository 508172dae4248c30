"""What the packs say of who a person is: in table `identity`, as it was written, and nowhere else."""

from pathlib import Path
from typing import Any

from tests.lib.workspace import loaded, rows
from tests.unit.packs.test_hl7v2 import message, written

from isthmus.base.identity import digest63
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.grade.column import HIGHEST, graded, readable
from isthmus.mapping.identity import IDENTITY, TEXTS

LI = "PID|1||P1^^^H1^MR~110105194912310021^^^CHN^NI||李^秀英||19491231|F|||人民路8号^^北京^^100020||13800138000"


def said(row: dict[str, Any]) -> dict[str, str]:
    """The texts of a row of identity that are filled."""
    return {name: row[name] for name in TEXTS if row[name] is not None}


def test_a_message_tells_who_the_patient_is(tmp_path: Path) -> None:
    opened, _ = loaded(tmp_path, {"hl7": (written(tmp_path / "in", message("ADT^A04", "EVN|A04", LI)), "hl7v2")})
    (row,) = rows(opened, "identity")
    assert row["person_id"] == rows(opened, "person")[0]["person_id"]
    assert said(row) == {
        "record_number": "P1", "name": "李秀英", "given_name": "秀英", "surname": "李", "sex": "F",
        "birth_date": "19491231", "resident_id": "110105194912310021", "phone": "13800138000", "address": "人民路8号",
        "street": "人民路8号", "city": "北京", "postcode": "100020",
    }  # fmt: skip
    assert row["same_person_id"] is None


def test_a_merge_of_two_numbers_is_the_hospitals_word_that_both_are_one(tmp_path: Path) -> None:
    merge = message("ADT^A40", "EVN|A40", "PID|1||P1^^^H1^MR", "MRG|P2^^^H1^MR", sent="20240401", control="9")
    accounts = message("ADT^A41", "EVN|A41", "PID|1||P1^^^H1^MR", "MRG|P3^^^H1^MR", control="10")
    other = message("ADT^A04", "EVN|A04", LI.replace("P1^", "P2^"), control="2")
    folder = written(tmp_path / "in", message("ADT^A04", "EVN|A04", LI), other, merge, accounts)
    opened, _ = loaded(tmp_path, {"hl7": (folder, "hl7v2")})
    person = {row["person_source_value"]: row["person_id"] for row in rows(opened, "person")}
    told = [row for row in rows(opened, "identity") if row["same_person_id"]]
    assert [(row["person_id"], row["same_person_id"], said(row)) for row in told] == [
        (person["P1"], person["P2"], {"record_number": "P2"})
    ]


def test_no_question_reaches_identity_and_no_grant_reads_it() -> None:
    assert IDENTITY.name not in QUESTIONS
    assert not [name for name in QUESTIONS if name.startswith("person_")]
    for column in ("identity_id", "person_id", "same_person_id", *TEXTS):
        assert graded(IDENTITY.name, column).grade == HIGHEST
    assert not readable(IDENTITY.name, frozenset(TEXTS), HIGHEST - 1)


def test_a_records_identity_has_the_same_id_whenever_it_is_read(tmp_path: Path) -> None:
    opened, _ = loaded(tmp_path, {"hl7": (written(tmp_path / "in", message("ADT^A04", "EVN|A04", LI)), "hl7v2")})
    (row,) = rows(opened, "identity")
    record = next(one["record_id"] for one in rows(opened, "record") if one["kind"] == "PID")
    assert row["identity_id"] == record ^ digest63("identity", "identity")
