"""The pack `hl7v2`, rule by rule: small messages before, OMOP rows after."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from tests.lib.workspace import loaded, made, outcomes, rows

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace


def message(kind: str, *segments: str, sent: str = "20240301100000", control: str = "1") -> str:
    """A message with its head."""
    return "\r".join([rf"MSH|^~\&|APP|FAC|||{sent}||{kind}|{control}|P|2.5", *segments]) + "\r"


def segment(name: str, **fields: str) -> str:
    """A segment from its fields by number: segment("PV1", _2="I", _19="V77")."""
    numbered = {int(key[1:]): value for key, value in fields.items()}
    return "|".join([name, *(numbered.get(number, "") for number in range(1, max(numbered) + 1))])


def written(folder: Path, *messages: str, name: str = "day.hl7") -> Path:
    """A file of messages in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(messages), encoding="utf-8", newline="")
    return folder


ANN = "PID|1||X9^^^^SS~A1^^^^MR||Roe^Ann||19600229|F||2106-3^White^CDCREC|1 Elm St^^Springfield^IL^62701^USA"
STAY = segment("PV1", _2="I", _3="W1", _19="V77", _44="20240228091500", _45="20240303")

PLAIN = (
    message(
        "ADT^A01",
        "EVN|A01|20240228091501",
        ANN,
        STAY,
        "DG1|1||C22.0^Liver cell carcinoma^I10|||F",
        "DG1|2||local7^own code^L||20240229|A",
        "PR1|1||71388002^Procedure^SCT|||20240229",
        "AL1|1|DA|7980^Penicillin^RXNORM|SV",
        "NK1|1|Roe^Bob",
        control="a1",
    ),
    message(
        "ORU^R01",
        ANN,
        STAY,
        "ORC|RE|P1|F1",
        "OBR|1|P1|F1|24323-8^Panel^LN|||20240229080000",
        "OBX|1|NM|1742-6^ALT^LN||55|U/L|7-56||||F|||20240229080500",
        "OBX|2|SN|1834-1^AFP^LN||>^400|ng/mL|<10|H|||F",
        r"OBX|3|ST|X1^local\S\name^L||< 0.5|mg/dL||||F",
        "OBX|4|CWE|5195-3^HBsAg^LN||10828004^Positive^SCT~260415000^Not detected^SCT||||||F",
        r"OBX|5|FT|22636-5^Report^LN||first line\.br\second line||||||F",
        "OBX|6|NM|2951-2^Sodium^LN||pending||||||I",
        "OBX|7|NM|2823-3^Potassium^LN||||||||F",
        "OBX|8|ED|PDF^Report^L||^application^pdf^Base64^AAAA||||||F",
        "OBX|9|NM|1975-2^Bili^LN||9|mg/dL|||||W",
        "NTE|1|L|haemolysed",
        "SPM|1|S1||119297000^Blood^SCT|||||||||||||20240229080000",
        control="o1",
    ),
    message("ORM^O01", ANN, "ORC|NW|P2|||||||20240301", "OBR|1|P2||24627-2^CT chest^LN|||||||||fever", control="m1"),
    message("ORM^O01", ANN, "ORC|CA|P3", "OBR|1|P3||24627-2^CT chest^LN", control="m2"),
    message(
        "RDE^O11",
        ANN,
        STAY,
        "ORC|NW|R1",
        "RXE|^^^20240301^20240305|1191^Aspirin^RXNORM|100||mg||daily|||30",
        "RXR|PO^Oral",
        "RXC|A|4850^Glucose^RXNORM|500|mL",
        control="r1",
    ),
    message(
        "RAS^O17",
        ANN,
        STAY,
        "ORC|RE|R1|G1",
        segment(
            "RXA",
            _3="20240302080000",
            _4="20240302080500",
            _5="1191^Aspirin^RXNORM",
            _6="100",
            _7="mg",
            _15="LOT7",
            _20="CP",
        ),
        "RXR|IV",
        segment("RXA", _3="20240303080000", _5="1191^Aspirin^RXNORM", _6="100", _7="mg", _20="RE"),
        control="s1",
    ),
    message(
        "ADT^A04",
        "EVN|A04|20240305",
        segment("PID", _3="B2", _5="Poe", _7="1975", _29="20240306", _30="Y"),
        "PV1||O",
        control="a2",
    ),
    message("ADT^A04", "PID|||C3||Moe||197511|M", segment("PV1", _2="E", _44="2024"), control="a3"),
    message("ADT^A04", "PID|||||Nobody||19751101|M", control="a4"),
)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """The messages above, ingested."""
    base = tmp_path_factory.mktemp("plain")
    opened, _ = loaded(base, {"hl7": (written(base / "in", *PLAIN), "hl7v2")})
    return opened


def only(found: Sequence[dict[str, Any]], **wanted: object) -> dict[str, Any]:
    """The one row with these values."""
    rows_found = [row for row in found if all(row[name] == value for name, value in wanted.items())]
    assert len(rows_found) == 1, (wanted, len(rows_found))
    return rows_found[0]


def test_a_patient_is_known_by_the_number_that_is_a_medical_record_number(plain: Workspace) -> None:
    """PID-3 lists X9 (social security) and A1 (MR): the person is A1; a date of birth may stop at year or month."""
    people = {row["person_source_value"]: row for row in rows(plain, "person")}
    assert set(people) == {"A1", "B2", "C3"}
    ann = people["A1"]
    assert (ann["gender_concept_id"], ann["race_concept_id"], ann["ethnicity_concept_id"]) == (8532, 8527, 0)
    assert (ann["year_of_birth"], ann["month_of_birth"], ann["day_of_birth"]) == (1960, 2, 29)
    assert (people["B2"]["year_of_birth"], people["B2"]["month_of_birth"], people["B2"]["day_of_birth"]) == (
        1975,
        None,
        None,
    )
    assert (people["C3"]["year_of_birth"], people["C3"]["month_of_birth"], people["C3"]["day_of_birth"]) == (
        1975,
        11,
        None,
    )


def test_an_address_keeps_no_street(plain: Workspace) -> None:
    """PID-11: the town and the post code are kept, the street is identity."""
    place = only(rows(plain, "location"))
    assert (place["address_1"], place["city"], place["state"], place["zip"]) == (None, "Springfield", "IL", "62701")


def test_death_is_read_from_the_patient(plain: Workspace) -> None:
    """PID-29 and PID-30."""
    dead = only(rows(plain, "death"))
    assert str(dead["death_date"]) == "2024-03-06"
    assert dead["person_id"] == only(rows(plain, "person"), person_source_value="B2")["person_id"]


def test_visits(plain: Workspace) -> None:
    """PV1-44 and PV1-45; a registration without a date began when it was recorded; `2024` is no day: quarantined."""
    visits = rows(plain, "visit_occurrence")
    assert len(visits) == 2
    stay = only(visits, visit_concept_id=9201)
    assert (str(stay["visit_start_datetime"]), str(stay["visit_end_date"])) == ("2024-02-28 09:15:00", "2024-03-03")
    assert str(only(visits, visit_concept_id=9202)["visit_start_date"]) == "2024-03-05"
    ledger = [row for row in rows(plain, "record") if row["kind"] == "PV1" and row["outcome"] == "quarantined"]
    assert [row["reason"] for row in ledger] == ["visit_start_date: unreadable or missing"]


def test_diagnoses(plain: Workspace) -> None:
    """DG1: a code of the site's own is kept as it is; without a day of its own it was there on admission."""
    found = rows(plain, "condition_occurrence")
    final = only(found, condition_source_value="C22.0")
    assert (str(final["condition_start_date"]), final["condition_status_concept_id"]) == ("2024-02-28", 32896)
    own = only(found, condition_source_value="local7")
    assert (own["condition_concept_id"], str(own["condition_start_date"])) == (0, "2024-02-29")
    assert {final["visit_occurrence_id"], own["visit_occurrence_id"]} == {
        only(rows(plain, "visit_occurrence"), visit_concept_id=9201)["visit_occurrence_id"]
    }


def test_results_by_value_type(plain: Workspace) -> None:
    """NM, SN, numbers in plain text, codes with repetitions."""
    found = rows(plain, "measurement") + rows(plain, "observation")
    values = {row.get("measurement_source_value") or row.get("observation_source_value"): row for row in found}
    alt = values["1742-6"]
    assert (alt["value_as_number"], alt["unit_concept_id"], alt["range_low"], alt["range_high"]) == (
        55.0,
        8645,
        7.0,
        56.0,
    )
    assert (alt["measurement_concept_id"], str(alt["measurement_datetime"])) == (3006923, "2024-02-29 08:05:00")
    assert (alt["measurement_type_concept_id"]) == 32856
    afp = values["1834-1"]
    assert (afp["value_as_number"], afp["operator_concept_id"], afp["range_high"]) == (400.0, 4172704, 10.0)
    assert (values["X1"]["value_as_number"], values["X1"]["operator_concept_id"]) == (0.5, 4171756)
    answers = [
        row for row in found if "5195-3" in (row.get("measurement_source_value"), row.get("observation_source_value"))
    ]
    assert {row["value_source_value"] for row in answers} == {"Positive", "Not detected"}


def test_text_becomes_notes(plain: Workspace) -> None:
    """FT and NTE; an escape for a line break is a line break."""
    texts = {row["note_text"] for row in rows(plain, "note")}
    assert texts == {"first line\nsecond line", "haemolysed"}


def test_what_is_no_result_is_kept_with_a_reason(plain: Workspace) -> None:
    """Empty, a document, posted as wrong. `pending` is a result in words, its number is not there."""
    ledger = [row for row in rows(plain, "record") if row["kind"] == "OBX"]
    assert sorted(row["outcome"] for row in ledger) == ["kept"] * 3 + ["mapped"] * 6
    pending = only(rows(plain, "measurement"), measurement_source_value="2951-2")
    assert (pending["value_as_number"], pending["value_source_value"]) == (None, "pending")


def test_orders(plain: Workspace) -> None:
    """ORM: an order is an observation or a procedure of type order (32833); the one that was cancelled is none."""
    found = [row for row in rows(plain, "observation") if row["observation_type_concept_id"] == 32833]
    order = only(found)
    assert (order["observation_source_value"], order["value_source_value"]) == ("24627-2", "fever")
    assert str(order["observation_date"]) == "2024-03-01"


def test_medicines_ordered_and_given(plain: Workspace) -> None:
    """RXE and RXC are prescriptions (32838), RXA a record of giving (32818); a refusal is no exposure."""
    found = rows(plain, "drug_exposure")
    ordered = only(found, drug_type_concept_id=32838, drug_source_value="1191")
    assert (str(ordered["drug_exposure_start_date"]), str(ordered["drug_exposure_end_date"])) == (
        "2024-03-01",
        "2024-03-05",
    )
    assert (ordered["quantity"], ordered["route_source_value"], ordered["sig"]) == (30.0, "Oral", "daily")
    assert only(found, drug_source_value="4850")["quantity"] == 500.0
    given = only(found, drug_type_concept_id=32818)
    assert (given["lot_number"], str(given["drug_exposure_end_datetime"])) == ("LOT7", "2024-03-02 08:05:00")
    assert given["route_source_value"] == "IV"


def test_who_is_not_named_is_quarantined(plain: Workspace) -> None:
    """A patient without any number."""
    ledger = [
        row["reason"] for row in rows(plain, "record") if row["kind"] == "PID" and row["outcome"] == "quarantined"
    ]
    assert ledger == ["no-person"]


def result(patient: str, status: str, value: str, sent: str, number: int) -> str:
    """One potassium of one order in one of its states."""
    return message(
        "ORU^R01",
        f"PID|||{patient}||X||1950|M",
        f"OBR|1||F{patient}|K^Potassium^L|||20240229080000",
        f"OBX|{number}|NM|2823-3^Potassium^LN||{value}|mmol/L|||||{status}",
        sent=sent,
        control=f"{patient}{status}",
    )


STATES = (("P", "4.0", "20240301080000", 2), ("F", "4.1", "20240301090000", 2), ("C", "4.2", "20240301100000", 1))


@pytest.mark.parametrize("deliveries", [1, 3])
def test_a_result_ends_in_its_newest_state_whatever_the_order(tmp_path: Path, deliveries: int) -> None:
    """Preliminary, final, corrected: a patient for each order of arrival, in one file or in three deliveries."""
    orders = list(permutations(STATES))
    files = [[result(f"N{index}", *order[step]) for index, order in enumerate(orders)] for step in range(len(STATES))]
    opened = made(tmp_path / "ws", {"hl7": (tmp_path / "in", "hl7v2")})
    if deliveries == 1:
        files = [[one for file in files for one in file]]
    for step, file in enumerate(files):
        written(tmp_path / "in", *file, name=f"{step}.hl7")
        report = ingest(opened)
        assert not report.failed
    found = rows(opened, "measurement")
    assert [row["value_as_number"] for row in found] == [4.2] * len(orders)
    assert len({row["measurement_id"] for row in found}) == len(orders)


def test_an_admission_that_is_cancelled_is_no_visit(tmp_path: Path) -> None:
    """A01 then A08 with a new class, A01 then A11; the A11 may arrive first."""

    def admission(kind: str, patient: str, sent: str, klass: str = "I") -> str:
        began = "" if kind == "A11" else "20240301"
        stay = segment("PV1", _2=klass, _19=f"V{patient}", _44=began)
        return message(f"ADT^{kind}", f"PID|||{patient}||X||1950|M", stay, sent=sent, control=kind + patient)

    folder = written(
        tmp_path / "in",
        admission("A01", "1", "20240301080000"),
        admission("A08", "1", "20240301090000", "E"),
        admission("A01", "2", "20240301080000"),
        admission("A11", "2", "20240301090000"),
        admission("A11", "3", "20240301090000"),
        admission("A01", "3", "20240301080000"),
    )
    opened, _ = loaded(tmp_path, {"hl7": (folder, "hl7v2")})
    assert [(row["visit_source_value"]) for row in rows(opened, "visit_occurrence")] == ["E"]
    assert outcomes(opened, kind="PV1") == {"mapped": 1, "kept": 2, "superseded": 3}


def test_a_site_brings_its_own_codes(tmp_path: Path) -> None:
    """A pack that extends this one supplies codes/local.csv; codes of system L or 99xxx are looked up there."""
    pack = tmp_path / "ours"
    (pack / "codes").mkdir(parents=True)
    (pack / "pack.yaml").write_text("pack: ours\nextends: hl7v2\n")
    (pack / "codes" / "local.csv").write_text("code,name,concept_id\nGPT,ALT by its old name,3006923\n")
    result_of_ours = message(
        "ORU^R01", "PID|||1||X||1950|M", "OBR|1||7|Z^Z^L|||20240229", "OBX|1|NM|GPT^GPT^99LAB||7|U/L|||||F"
    )
    opened, _ = loaded(tmp_path, {"hl7": (written(tmp_path / "in", result_of_ours), pack)})
    assert only(rows(opened, "measurement"))["measurement_concept_id"] == 3006923
