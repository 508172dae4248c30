"""What the gate hands out of simulated hospitals' notes: no identifier of anybody, and the medicine still in it."""

from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from isthmus.base.progress import Silence
from isthmus.cdm.questions import note
from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.flow.workspace import Feed, Site, Workspace
from isthmus.gate.office.session import open_granted
from isthmus.gate.office.unit import Office
from isthmus.simulation.world import simulate
from lib import granted, leaks, workspace
from lib.granted import House

TEXTS = {"note": ["note_id", "person_id", "note_title", "note_text"], "note_nlp": ["note_id", "lexical_variant"],
         "observation": ["person_id", "value_as_string"]}  # fmt: skip


@pytest.fixture(scope="module")
def hospitals(tmp_path_factory: pytest.TempPathFactory) -> House:
    """Simulated hospitals that are not declared invented, linked, with a grant over their texts."""
    root = tmp_path_factory.mktemp("texts")
    simulate(root / "sim", sites=4, patients=160, seed=11, progress=Silence())
    opened = start.new(root / "ws", synthetic=False)
    feeds = pq.read_table(root / "sim" / "truth" / "feed.parquet").to_pylist()
    names = sorted({one["site"] for one in feeds})
    for name in names:
        mine = [one for one in feeds if one["site"] == name]
        exports = root / "sim" / "exports"
        parts = tuple(Feed(one["name"], str(exports / one["folder"]), one["pack"]) for one in mine)
        opened.keep_site(replace(Site(name, name, parts), conditions={"codes": ["HMB"]}))
    assert not ingest(opened).failed
    link(opened)
    house = granted.applied(granted.staffed(opened, names[0]), root, sites=names, tables=TEXTS)
    return granted.decided(house)


def test_no_identifier_is_in_what_the_gate_hands_out(hospitals: House) -> None:
    opened = Workspace(hospitals.root)
    identifiers = leaks.told(hospitals.root.parent / "sim" / "truth", opened)
    raw = [row["note_text"] for row in workspace.rows(opened, "note")]
    assert dict(leaks.hits(raw, identifiers))["name"] > 30, "the notes as they lie have names in them"
    for table, columns in TEXTS.items():
        for column in set(columns) - {"note_id", "person_id"}:
            done = hospitals.ask(f"select distinct {column} as text from {table} where {column} is not null", "ann",
                                 "--json")  # fmt: skip
            texts = [row["text"] for row in done.document()["rows"]]
            assert leaks.hits(texts, identifiers) == []
    assert len(texts) < len(raw)


def test_a_question_as_an_expression_reads_masked_texts_too(hospitals: House) -> None:
    opened = Workspace(hospitals.root)
    office = Office(opened.root, opened.records, opened.settings)
    account = office.accounts.get("ann")
    assert account is not None
    session = open_granted(office, opened.lake, account, hospitals.grant)
    found = session.ask(note.select("note_text")).column("note_text").to_pylist()
    raw = [row["note_text"] for row in workspace.rows(opened, "note")]
    assert len(found) == len(raw)
    assert all("姓名：[" in text for text in found if "姓名" in text)
    assert sum("肝细胞癌" in text for text in found) == sum("肝细胞癌" in text for text in raw)
    assert not session.ask(note.filter(note.note_text.contains("姓名：王"))).num_rows


def test_what_is_known_of_persons_cannot_be_asked_for(hospitals: House) -> None:
    for name in ("isthmus_known", "isthmus_identity", "identity"):
        done = hospitals.ask(f"select * from {name}")
        assert done.code != 0
        assert done.out == ""
