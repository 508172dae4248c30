"""What is shown afterwards, and what is found when it was altered."""

import shutil
import sqlite3
from pathlib import Path

import pytest

from isthmus.flow.workspace import Workspace
from lib import granted, workspace
from lib.command import complaint, run
from lib.granted import House


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A workspace with a grant under which was asked twice, once refused."""
    house = granted.granted(tmp_path_factory.mktemp("log"), patients=3)
    assert house.ask("select count(*) from person").code == 0
    assert house.ask("select * from note").code == 5
    return house


@pytest.fixture
def house(asked: House, tmp_path: Path) -> House:
    """A copy to harm."""
    return asked.copied(tmp_path / "ws")


def test_everything_done_under_a_grant_is_told(asked: House) -> None:
    lines = asked.run("aud", "log", asked.root, "--grant", asked.grant, "--json").document()
    assert [one["act"] for one in lines] == [
        *("submit", "match", "vote", "vote", "grant"),
        *("allowed", "opened", "refused"),
    ]
    assert {one["person"] for one in lines if one["kind"] == "question"} == {"ann"}
    assert "does not hold note" in lines[-1]["said"]


def test_who_used_data_about_a_person_is_told(asked: House) -> None:
    (known, *_) = [row["person_id"] for row in workspace.rows(Workspace(asked.root), "person")]
    (line,) = asked.run("aud", "log", asked.root, "--person", str(known), "--json").document()
    assert (line["person"], line["grant"]) == ("ann", asked.grant)
    assert asked.run("aud", "log", asked.root, "--person", "1", "--json").document() == []


def test_a_patient_is_told_who_used_the_data_and_for_what(house: House) -> None:
    mine, other, *_ = [row["person_id"] for row in workspace.rows(Workspace(house.root), "person")]
    for name, role in (("pat", "patient"), ("del", "delegate")):
        words = ("people", "add", house.root, name, "--role", role, "--scope", "log", "--person", str(mine), "--json")
        house.tokens[name] = house.run("root", *words).document()["token"]
        (line,) = house.run(name, "log", house.root, "--person", str(mine), "--json").document()
        assert (line["person"], line["grant"], line["act"]) == ("ann", house.grant, "allowed")
        assert line["said"].startswith("How long liver patients stay; purpose HMB, edition 2; tables person")
        assert "rows" not in line["said"]
        assert "not this person's" in complaint(house.run(name, "log", house.root, "--person", str(other)), 5)
        assert "no auditor" in complaint(house.run(name, "log", house.root), 5)
    assert run("verify", house.root).code == 0


def test_only_patients_and_delegates_have_a_number(house: House) -> None:
    for words in (("--role", "patient"), ("--role", "user", "--person", "1")):
        done = house.run("root", "people", "add", house.root, "pat", "--scope", "log", *words)
        assert "Name it with --person" in complaint(done, 3)


def test_who_is_no_auditor_is_told_nothing_of_others(asked: House) -> None:
    assert "no auditor" in complaint(asked.run("ann", "log", asked.root, "--person", "1"), 5)
    assert "no auditor" in complaint(asked.run("ann", "log", asked.root), 5)
    assert "Ask an auditor" in complaint(asked.run("chen", "log", asked.root, "--grant", asked.grant), 5)
    assert asked.run("bo", "log", asked.root, "--grant", asked.grant).code == 0


def test_the_log_is_proved(house: House) -> None:
    done = run("verify", house.root, "--json")
    assert done.code == 0, done
    (check,) = [one for one in done.document()["checks"] if "log" in one["check"]]
    assert check["looked_at"] == len(granted.ROLES) * 2 + 8


HARMS = {
    "a reason was rewritten": "update act set body = replace(body, 'of use', 'of luck') where act = 'vote'",
    "a question was given to another": "update act set person = 'bo' where kind = 'question'",
    "a question was taken away": "delete from act where kind = 'question'",
    "a vote was moved in time": "update act set at = '2026-01-01 00:00:00.000000' where act = 'vote'",
    "a grant was made": "update act set body = replace(body, 'h01', 'h02') where act = 'submit'",
}  # fmt: skip


@pytest.mark.parametrize("name", HARMS)
def test_a_record_that_was_altered_is_found(house: House, name: str) -> None:
    with sqlite3.connect(house.root / "records.db") as records:
        assert records.execute(HARMS[name]).rowcount > 0
    assert run("verify", house.root).code == 7


def test_a_log_that_was_altered_is_found(house: House) -> None:
    bundles = [path for path in (house.root / "ledger" / "tile" / "entries").rglob("*") if path.is_file()]
    bundle = max(bundles, key=lambda path: path.stat().st_size)
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(bytes(content))
    assert run("verify", house.root).code == 7


def test_a_log_that_was_taken_away_is_found(house: House) -> None:
    shutil.rmtree(house.root / "ledger")
    assert "none is begun anew" in complaint(house.ask("select 1 from person"), 7)
    assert run("verify", house.root).code == 7
    assert not (house.root / "ledger").exists()
