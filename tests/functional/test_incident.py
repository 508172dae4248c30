"""When something goes wrong: recorded, counted from the log, contained, told in drafts, proved; and a drill."""

import json
from pathlib import Path

import pytest

from isthmus.flow.workspace import Workspace
from lib import granted, workspace
from lib.command import Done, complaint, run
from lib.granted import House

KIND = ("--kind", "access", "--what", "a token was found in a mail", "--since", "2026-01-01")
COUNT = "select count(*) as n from person"


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> House:
    house = granted.granted(tmp_path_factory.mktemp("incident"), patients=12)
    assert house.ask(COUNT).code == 0
    assert house.ask("select * from visit_occurrence").code == 0
    return house


@pytest.fixture
def house(asked: House, tmp_path: Path) -> House:
    return asked.copied(tmp_path / "ws")


def _open(house: House, *words: str, who: str = "root") -> str:
    done = house.run(who, "incident", "open", house.root, *KIND, "--grant", house.grant, *words, "--json")
    assert done.code == 0, done
    return str(done.document()["incident"])


def _do(house: House, act: str, name: str, *words: str | Path, who: str = "root") -> Done:
    return house.run(who, "incident", act, house.root, name, *words, "--json")


def test_who_is_affected_is_counted_from_the_log(house: House) -> None:
    reached = _do(house, "show", _open(house)).document()["affected"]
    persons = len(workspace.rows(Workspace(house.root), "person"))
    assert reached["persons"] == persons
    assert (reached["questions"], reached["sessions"], reached["people"]) == (2, 2, ["ann"])
    assert (reached["tables"], reached["sites"]) == (["person", "visit_occurrence"], [granted.SITE])


def test_what_lies_outside_of_the_time_is_not_counted(house: House) -> None:
    name = _open(house, "--until", "2026-01-02")
    reached = _do(house, "show", name).document()["affected"]
    assert (reached["questions"], reached["persons"], reached["grants"]) == (0, 0, [house.grant])


def test_grants_are_suspended_at_once(house: House) -> None:
    name = _open(house)
    assert _do(house, "contain", name).document() == {house.grant: "suspended"}
    assert "suspended" in complaint(house.ask(COUNT), 5)
    assert _do(house, "contain", name).document() == {house.grant: "suspended"}
    assert _do(house, "show", name).document()["state"] == "contained"
    assert run("verify", house.root).code == 0


def test_a_drill_suspends_nothing_and_is_called_one(house: House, tmp_path: Path) -> None:
    name = _open(house, "--drill")
    assert _do(house, "contain", name).document() == {house.grant: "would be suspended"}
    assert house.ask(COUNT).code == 0
    assert _do(house, "notify", name, "--out", tmp_path / "drafts").code == 0
    assert "this is a drill" in (tmp_path / "drafts" / "authority.en.md").read_text("utf-8")
    assert "本次为演练" in (tmp_path / "drafts" / "authority.zh.md").read_text("utf-8")


def test_who_may_not_suspend_is_told_so_and_the_rest_goes_on(house: House) -> None:
    told = _do(house, "contain", _open(house), who="aud").document()
    assert "not suspended" in told[house.grant]
    assert house.ask(COUNT).code == 0


def test_drafts_are_written_in_two_languages_and_nothing_is_sent(house: House, tmp_path: Path) -> None:
    name = _open(house)
    _do(house, "contain", name)
    told = _do(house, "notify", name, "--out", tmp_path / "drafts").document()
    assert (len(told["drafts"]), told["sent"]) == (6, False)
    persons = len(workspace.rows(Workspace(house.root), "person"))
    for language, words in (("en", f"at most {persons} persons"), ("zh", f"至多 {persons} 人")):
        text = (tmp_path / "drafts" / f"authority.{language}.md").read_text("utf-8")
        assert words in text
        assert f"{house.grant}: suspended" in text


def test_evidence_of_an_incident_can_be_checked(house: House, tmp_path: Path) -> None:
    name = _open(house)
    _do(house, "contain", name)
    assert _do(house, "evidence", name, "--out", tmp_path / "pack").code == 0
    key = house.root / "keys" / "log.vkey"
    found = run("evidence", "check", tmp_path / "pack", "--key", key, "--json").document()
    assert (found["holds"], found["about"]) == (True, name)
    acts = [json.loads(line)["act"] for line in (tmp_path / "pack" / "acts.jsonl").read_text("utf-8").splitlines()]
    assert {"open", "contain", "suspend", "allowed"} <= {one["act"] for one in acts}
    assert run("verify", house.root).code == 0


def test_a_closed_incident_stays_closed(house: House) -> None:
    name = _open(house)
    assert "--reason" in _do(house, "close", name).err
    assert _do(house, "close", name, "--reason", "the token was dead").document()["state"] == "closed"
    assert "is closed" in _do(house, "contain", name).err


def test_people_of_a_grant_open_no_incident(house: House) -> None:
    done = house.run("ann", "incident", "open", house.root, *KIND)
    assert "may not act on incidents" in complaint(done, 5)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--kind", "fire", "--what", "x"), "one of disclosure"),
        (("--kind", "loss", "--what", " "), "say in --what"),
        (("--kind", "loss", "--what", "x", "--since", "soon"), "is no moment"),
        (("--kind", "loss", "--what", "x", "--since", "2026-02-02", "--until", "2026-02-01"), "before it begins"),
        (("--kind", "loss", "--what", "x", "--grant", "GRG33CB97QF2VTWKAHC"), "there is no grant"),
    ],
)
def test_what_is_wrong_is_told(asked: House, words: tuple[str, ...], says: str) -> None:
    assert says in complaint(asked.run("root", "incident", "open", asked.root, *words), 3)
