"""Every verb and every entry of the gate, with what stands before patients' rows behind it.

A new verb or a new entry fails this test until somebody has said what it is. Verbs of `ANSWERS` give data of patients
to people, and refuse without a grant where patients are real. Verbs of the operator work on the folder itself, which
whoever runs them can read anyway: they are the workspace's upkeep, and give rows to nobody but the operator.
"""

import inspect
from pathlib import Path

import pytest

from isthmus.base.errors import RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate import declared
from isthmus.gate import session as gate_session
from isthmus.gate.office import session as office_session
from isthmus.serving.cli.app import VERBS
from lib import granted
from lib.command import complaint, run
from lib.granted import House
from lib.tree import ROOT

ANSWERS = {"cohorts", "registry", "cases", "pathway", "ask", "release"}
OPERATOR = {
    # They bring data in, or say where it stands: they show source values or counts to who runs the folder.
    "site": "sample rows of an export that the operator can read",
    "ingest": "counts", "attach": "counts", "replay": "counts", "remap": "counts", "rebuild": "counts",
    "quarantine": "places of what could not be read", "unmapped": "source codes, for the one who maps them",
    "decide": "source codes, for the one who maps them", "map": "counts by table and column",
    "decisions": "codes and what they mean",
    "units": "counts of results by analyte", "quality": "counts", "findings": "places in the hospital's own files",
    "scorecard": "counts of one site for its own people",
    "profile": "counts by concept; under a grant of what it holds",
    "receipts": "names of files", "editions": "counts", "verify": "faults",
    "link": "pairs of records side by side, for the one who decides about them",
    "person": "all records of one person, for the operator who mends them",
    "trace": "one row and its source, for the operator who mends it",
}  # fmt: skip
NO_PATIENTS = {
    "demo": "invented patients", "init": "an empty folder", "simulate": "invented patients", "vocabulary": "concepts",
    "terms": "concepts", "doctor": "the machine", "people": "accounts", "use": "applications and grants; `use prepare` "
    "copies files of the lake into the lake, and tells their number and size",
    "log": "who asked what, never an answer", "evidence": "the same, with proofs", "witness": "hashes of the log",
    "incident": "the same, and how many persons",
    "serve": "opens the pages; where patients are real they show counts, masked, to who has signed in",
    "app": "what is installed; what an application reads it reads under its grant, in a service",
}  # fmt: skip
# Who takes rows out of the lake for people: the only modules of the gate that may import these parts of it.
READING = {
    "gate/session.py": "refuses unless all patients are invented",
    "gate/changes.py": "numbers of persons, to that session only, for what is kept and brought up to date",
    "gate/declared.py": "opened for an application, over invented patients; else it asks the session under a grant",
    "gate/desk.py": "opened by that session, and by the one under a grant over what it holds",
    "gate/differing.py": "called by the session under a grant, over the view of one table that it holds",
    "gate/joined.py": "says what is read, and reads nothing",
    "gate/patient.py": "opened by the session of applications, over invented patients only",
    "gate/office/session.py": "asks the grant at each question",
    "gate/office/attended.py": "asks the session under a grant, for the rows of one person",
    "gate/office/called.py": "asks the session under a grant what its persons are called",
    "gate/office/brought.py": "asks the session under a grant, over its view of one table",
    "gate/office/prepared.py": "copies files of the lake into the lake, and gives rows to nobody",
    "gate/office/affected.py": "counts persons, and tells no number of one",
    "gate/office/trail.py": "tells at which sites a person has rows, to an auditor",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.peopled(tmp_path_factory.mktemp("doors"), patients=3)


def test_every_verb_is_known() -> None:
    assert set(VERBS) == (ANSWERS & set(VERBS)) | set(OPERATOR) | set(NO_PATIENTS)


def test_every_reader_of_the_lake_in_the_gate_is_known() -> None:
    gate = ROOT / "src" / "isthmus" / "gate"
    doors = ("lake.asking", "lake.locked", "lake.plain", "lake.engine", "lake.lake")
    found = {
        path.relative_to(gate.parent).as_posix()
        for path in gate.rglob("*.py")
        if any(f"isthmus.{door} import" in path.read_text(encoding="utf-8") for door in doors)
    }
    assert found == set(READING)


def test_a_command_without_a_grant_gives_no_row(house: House, tmp_path: Path) -> None:
    definition = tmp_path / "1.json"
    definition.write_text('{"ConceptSets": [], "PrimaryCriteria": {"CriteriaList": [{"ConditionOccurrence": {}}]}}')
    sql = "select * from person"
    unknown = "20.500.99999/GRG33CB97QF2VTWKAHC"
    for words in (
        ("ask", house.root, "--grant", unknown, "--sql", sql),
        ("release", "request", house.root, "--grant", unknown, "--sql", sql, "--context", "persons", "--counts", "n"),
    ):
        if words[0] in VERBS:
            done = house.run("ann", *words)
            assert "there is no grant" in complaint(done, 5)
            assert done.out == ""
    out = ("--out", tmp_path / "out")
    for words in (
        ("cohorts", house.root, definition), ("registry", house.root, "liver", *out),
        ("cases", house.root, "liver"), ("cases", house.root, "liver", "visits"),
        ("pathway", house.root, "vte", *out),
    ):  # fmt: skip
        done = run(*words)
        assert done.code in {3, 5}
        assert done.out == ""
    assert not (tmp_path / "out").exists()


def test_the_session_of_invented_patients_refuses_real_ones(house: House) -> None:
    opened = Workspace(house.root)
    with pytest.raises(RefusedError, match="isthmus use apply"):
        gate_session.open_session(opened.lake, synthetic=opened.synthetic)


def test_every_public_entry_of_a_session_is_known() -> None:
    # What is kept belongs to editions of invented patients; under a grant nothing is kept and nothing compared.
    # `persons` gives identities beside what stands for them, to keep what people say of them: no application has it.
    invented = {"ask", "desk", "keep", "kept", "kept_before", "changed_since"}
    application = {"ask", "brought", "called", "patient", "steps"}
    for owner, known in (
        (gate_session.Session, invented), (office_session.Granted, {"ask", "changes", "persons", "sql", "steps"}),
        (declared.Invented, application), (declared.Declared, application),
    ):  # fmt: skip
        found = {name for name, _ in inspect.getmembers(owner, inspect.isfunction) if not name.startswith("_")}
        assert found == known


def test_without_a_token_nobody_asks(house: House) -> None:
    done = run("ask", house.root, "--grant", "GRG33CB97QF2VTWKAHC", "--sql", "select 1", "--as", "ann")
    assert "Set ISTHMUS_TOKEN" in complaint(done, 5)
    wrong = House(house.root, house.tokens | {"ann": house.tokens["bo"]}, grant="GRG33CB97QF2VTWKAHC")
    assert "not one of this account" in complaint(wrong.ask("select 1"), 5)
