"""HL7 v2 messages that others wrote, through the pack `hl7v2` to OMOP.

Source: `fhir/hl7v2` of the outside data, test messages of public repositories (each line names its own and its
licence), versions 2.1 to 2.9. The expectations are computed here from the same messages in plain Python, and by
python-hl7 as a second reader.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import hl7
import pytest
from tests.lib.workspace import loaded, rows

from isthmus.flow.ingest import Report
from isthmus.flow.workspace import Workspace

pytestmark = pytest.mark.acceptance
SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}(\||$)")


@pytest.fixture(scope="module")
def messages(outside: Path) -> list[list[str]]:
    """Every message as its lines, separators as they are."""
    files = sorted((outside / "fhir" / "hl7v2").glob("*.ndjson"))
    texts = [
        json.loads(line)["message"] for file in files for line in file.read_text(encoding="utf-8").split("\n") if line
    ]
    return [[line for line in re.split(r"\r\n|\r|\n", text) if line.strip()] for text in texts]


@pytest.fixture(scope="module")
def ingested(outside: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Report]:
    """The messages in a workspace."""
    return loaded(tmp_path_factory.mktemp("hl7v2"), {"hl7": (outside / "fhir" / "hl7v2", "hl7v2")})


def accounted(report: Report) -> dict[str, Counter[str]]:
    """Outcomes by kind, over all files."""
    total: dict[str, Counter[str]] = defaultdict(Counter)
    for account in report.accounts[("h01", "hl7")]:
        for kind, outcomes in account.items():
            total[kind].update(outcomes)
    return total


def test_every_segment_is_accounted_for(messages: list[list[str]], ingested: tuple[Workspace, Report]) -> None:
    """Segments in = mapped + kept + duplicate + superseded + quarantined, kind by kind; nothing else is counted."""
    total = accounted(ingested[1])
    expected = Counter(line[:3] if SEGMENT.match(line) else "row" for message in messages for line in message)
    assert {kind: sum(outcomes.values()) for kind, outcomes in total.items()} == expected
    assert total["row"] == {"quarantined": expected["row"]}


def test_all_messages_are_landed_and_nearly_all_parsed(
    messages: list[list[str]], outside: Path, ingested: tuple[Workspace, Report]
) -> None:
    """Files are landed byte for byte; at least 99.5 % of messages have their head read and a segment beside it."""
    workspace, report = ingested
    for landed in report.landed["h01"]:
        assert not getattr(landed, "failed", None)
    kept = {path.read_bytes() for path in (workspace.root / "landing").rglob("*") if path.is_file()}
    assert {path.read_bytes() for path in (outside / "fhir" / "hl7v2").glob("*.ndjson")} <= kept
    parsed = sum(accounted(report)["MSH"].values()) - accounted(report)["MSH"]["quarantined"]
    assert parsed >= 0.995 * len(messages)


def test_every_kept_segment_has_a_reason(ingested: tuple[Workspace, Report]) -> None:
    """Kept and quarantined segments say why; those of standard kinds say it in words of their own."""
    for row in rows(ingested[0], "record"):
        if row["outcome"] in ("kept", "quarantined"):
            assert row["reason"]
            assert row["reason"] != "no rule of the pack applies" or row["kind"].startswith("Z"), row["kind"]


REACHED = {
    "PID": ("person", "death"),
    "PV1": ("visit_occurrence",),
    "DG1": ("condition_occurrence",),
    "AL1": ("observation",),
    "PR1": ("procedure_occurrence",),
    "OBX": ("measurement", "observation", "note"),
    "NTE": ("note",),
    "SPM": ("specimen",),
    "OBR": ("observation",),
    "RXE": ("drug_exposure",),
    "RXC": ("drug_exposure",),
    "RXA": ("drug_exposure",),
}


def test_the_families_reach_omop(ingested: tuple[Workspace, Report]) -> None:
    """ADT, ORU, ORM and OML, RDE, and medicines given: each kind of segment has rows in its tables."""
    workspace, _ = ingested
    ledger = [row for row in rows(workspace, "record") if row["outcome"] == "mapped"]
    kinds = {(row["part_id"], row["place"]): row["kind"] for row in ledger}
    for table in {table for tables in REACHED.values() for table in tables}:
        seen = {kinds.get((row["part_id"], row["place"])) for row in rows(workspace, table)}
        assert {kind for kind, tables in REACHED.items() if table in tables} <= seen, table
    given = rows(workspace, "drug_exposure")
    types = {(kinds[row["part_id"], row["place"]], row["drug_type_concept_id"]) for row in given}
    assert types >= {("RXE", 32838), ("RXC", 32838), ("RXA", 32818)}


def field(segment: str, number: int, component: int = 1) -> str:
    """A component of the first repetition of a field, escapes untouched; MSH counts from its separator."""
    parts = segment.split("|")
    number -= segment.startswith("MSH")
    if number >= len(parts):
        return ""
    pieces = parts[number].split("~")[0].split("^")
    text = pieces[component - 1].split("&")[0] if component <= len(pieces) else ""
    return "" if text == '""' else text


def patient_of(pid: str) -> str:
    """The number marked MR, else the first of PID-3, else PID-2, PID-4."""
    listed = [(one + "^^^^^").split("^") for one in ((pid.split("|") + [""] * 5)[3]).split("~")]
    marked = [one[0] for one in listed if one[4] in ("MR", "MRN") and one[0].strip()]
    return (
        next(
            (
                number
                for number in (*marked, *(one[0] for one in listed), field(pid, 2), field(pid, 4))
                if number.strip()
            ),
            "",
        )
        .split("&")[0]
        .strip()
    )


def day(text: str) -> str:
    """The day of a time, '' when it is none."""
    found = re.match(r"(?:19|20|18)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])|\d{4}-\d\d-\d\d", text)
    return found.group().replace("-", "") if found else ""


def numbers(messages: list[list[str]]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], float | None]]:
    """(key, version, number) of each OBX of type NM that can be placed at a patient and a day."""
    for message in messages:
        seen = {"PID": "", "OBR": "", "ORC": "", "EVN": "", "MSH": message[0]}
        if not message[0].startswith("MSH|^~\\&"):
            continue
        for line in message:
            name = line[:3]
            if name in seen:
                seen[name] = line
            if name != "OBX" or field(line, 2) != "NM":
                continue
            obr, orc, sent = seen["OBR"], seen["ORC"], field(message[0], 7)
            own = [field(line, 14), field(obr, 7), field(obr, 22)]
            recorded = [next(filter(None, (field(seen["EVN"], 6), field(seen["EVN"], 2), sent)), "")]
            when = next(filter(None, map(day, own if any(own) else recorded)), "")
            order = next(filter(None, (field(obr, 3), field(obr, 2), field(orc, 3), field(orc, 2), *own[:2])), "")
            named = next(filter(None, (field(line, 3, part) for part in (1, 4, 2, 5))), "")
            patient = patient_of(seen["PID"]) if seen["PID"] else ""
            value, status = field(line, 5), field(line, 11)
            rank = {"C": "2", "D": "2", "W": "2", "F": "1", "X": "1", "U": "1"}.get(status, "0")
            known = value != "" or status in ("D", "W", "X", "N")
            key: tuple[str, ...] = (
                patient,
                order,
                field(obr, 4) or field(obr, 4, 4),
                "|".join((obr.split("|") + [""] * 30)[26:27]),
                named,
                field(line, 4),
            )
            if not (patient and order and named):
                key = (*key, str(id(line)))
            good = patient and when and value and status not in ("D", "W", "X", "N")
            number = re.fullmatch(r"[<>=~]*(-?\d*\.?\d+(?:[eE][+-]?\d+)?)", value.replace(",", "").replace(" ", ""))
            yield (
                key,
                (str(int(known)), re.sub(r"\D.*", "", sent)[:14], rank, field(message[0], 10)),
                float(number[1]) if good and number else None,
            )


def test_every_number_of_a_result_is_a_number_in_omop(
    messages: list[list[str]], ingested: tuple[Workspace, Report]
) -> None:
    """OBX of type NM: of each result the newest state, and its number; counted here in plain Python."""
    newest: dict[tuple[str, ...], tuple[tuple[str, ...], float | None]] = {}
    for key, version, number in numbers(messages):
        if key not in newest or version >= newest[key][0]:
            newest[key] = (version, number)
    expected = Counter((key[0], key[4], number) for key, (_, number) in newest.items() if number is not None)
    workspace, _ = ingested
    people = {row["person_id"]: row["person_source_value"] for row in rows(workspace, "person")}
    found: Counter[tuple[str, str, float]] = Counter()
    for table in ("measurement", "observation"):
        for row in rows(workspace, table):
            if row["value_as_number"] is not None and row["person_id"] in people:
                found[people[row["person_id"]], row[f"{table}_source_value"] or "", row["value_as_number"]] += 1
    missing = {key: count for key, count in expected.items() if key[0] in set(people.values()) and found[key] < count}
    assert sum(expected.values()) > 500
    assert not missing, (
        f"{len(missing)} of {len(expected)} numbers are missing: codes {sorted({key[1] for key in missing})[:9]}"
    )


def words_of(parsed: hl7.Message) -> tuple[set[str], set[str], set[str]]:
    """Names of results, their values (whole and in parts) and patients' numbers, unescaped by python-hl7."""
    names, texts, patients = set(), set(), set()
    for segment in parsed:
        kind = str(segment[0])
        if kind == "OBX" and len(segment) > 5:
            parts = [str(part) for part in (str(segment[3]).split("~")[0] + "^^^^").split("^")[:5]]
            names |= {parsed.unescape(text) for part in parts for text in (part, part.split("&")[0])}
            texts.add(parsed.unescape(str(segment[5])).replace("~", "\n"))
            for answer in str(segment[5]).split("~"):
                pieces = (answer, *answer.split("^"), *(piece.split("&")[0] for piece in answer.split("^")))
                texts |= {parsed.unescape(piece) for piece in pieces}
        if kind == "PID":
            fields = [str(segment[number]) for number in (2, 3, 4) if len(segment) > number]
            patients |= {answer.split("^")[0].strip() for text in fields for answer in text.split("~")}
    return names, texts, patients


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # python-hl7 logs by a method that is going away
def test_fields_agree_with_python_hl7(messages: list[list[str]], ingested: tuple[Workspace, Report]) -> None:
    """Names of results, their values in words, and patients' numbers, as python-hl7 reads and unescapes them."""
    workspace, _ = ingested
    usual = [message for message in messages if message[0].startswith("MSH|^~\\&")]
    # Messages with separators of their own are looked through as text: python-hl7 takes them apart otherwise.
    other = "\r".join(line for message in messages if message not in usual for line in message)
    read = [words_of(hl7.parse("\r".join(line for line in message if SEGMENT.match(line)))) for message in usual]
    names, texts, patients = (set().union(*(one[index] for one in read)) for index in range(3))
    found = {row["person_source_value"] for row in rows(workspace, "person")}
    assert [one for one in found - patients if one not in other] == []
    observed = [row for row in rows(workspace, "observation") if row["observation_type_concept_id"] == 32856]
    called = {row["measurement_source_value"] for row in rows(workspace, "measurement")}
    called |= {row["observation_source_value"] for row in observed}
    assert [one for one in called - names - {None} if one not in other] == []
    answers = [row["value_as_string"] for row in observed if row["value_as_string"]]
    strange = [text for text in answers if text not in texts and "^" not in text]
    assert len(strange) <= 0.01 * len(answers)
