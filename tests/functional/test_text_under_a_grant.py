"""What the gate hands out of simulated hospitals' notes: no identifier of anybody, and the medicine still in it."""

import pytest

from isthmus.cdm.questions import note
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.session import open_granted
from isthmus.gate.office.unit import Office
from lib import hospitals, leaks, workspace
from lib.granted import House

TEXTS = {"note": ["note_id", "person_id", "note_title", "note_text"], "note_nlp": ["note_id", "lexical_variant"],
         "observation": ["person_id", "value_as_string"]}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Simulated hospitals that are not declared invented, linked, with a grant over their texts."""
    return hospitals.hospitals(tmp_path_factory.mktemp("texts"), patients=160, tables=TEXTS)


def test_no_identifier_is_in_what_the_gate_hands_out(house: House) -> None:
    opened = Workspace(house.root)
    identifiers = leaks.told(house.root.parent / "sim" / "truth", opened)
    raw = [row["note_text"] for row in workspace.rows(opened, "note")]
    assert dict(leaks.hits(raw, identifiers))["name"] > 30, "the notes as they lie have names in them"
    for table, columns in TEXTS.items():
        for column in set(columns) - {"note_id", "person_id"}:
            done = house.ask(f"select distinct {column} as text from {table} where {column} is not null", "ann",
                                 "--json")  # fmt: skip
            texts = [row["text"] for row in done.document()["rows"]]
            assert leaks.hits(texts, identifiers) == []
    assert len(texts) < len(raw)


def test_a_question_as_an_expression_reads_masked_texts_too(house: House) -> None:
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    account = office.accounts.get("ann")
    assert account is not None
    session = open_granted(office, opened.lake, account, house.grant)
    found = session.ask(note.select("note_text")).column("note_text").to_pylist()
    raw = [row["note_text"] for row in workspace.rows(opened, "note")]
    assert len(found) == len(raw)
    assert all("姓名：[" in text for text in found if "姓名" in text)
    assert sum("肝细胞癌" in text for text in found) == sum("肝细胞癌" in text for text in raw)
    assert not session.ask(note.filter(note.note_text.contains("姓名：王"))).num_rows


def test_what_is_known_of_persons_cannot_be_asked_for(house: House) -> None:
    for name in ("isthmus_known", "isthmus_identity", "identity"):
        done = house.ask(f"select * from {name}")
        assert done.code != 0
        assert done.out == ""
