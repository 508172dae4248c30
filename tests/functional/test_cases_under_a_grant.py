"""Cases of real patients: found, ruled on and told under a grant, by its numbers and in its dates."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from isthmus.flow.workspace import Workspace
from isthmus.gate.grade.keys import Keys
from isthmus.gate.office.unit import Office
from lib import granted, granted_registry
from lib.command import complaint, run
from lib.granted import House
from lib.granted_registry import ALL, PEOPLE, SITE

ENROLMENT = """
visits:
  baseline: {en: baseline, zh: 基线, day: 0, window: -30..30}
"""
DIAGNOSED = date(2020, 3, 1)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted_registry.made(tmp_path_factory.mktemp("cases"), ENROLMENT)


@pytest.fixture
def shifted(house: House, tmp_path: Path) -> House:
    """The same under a grant that moves dates."""
    (tmp_path / "tiny").symlink_to(house.root.parent / "tiny")
    copied = house.copied(tmp_path / "ws")
    return granted.decided(granted.applied(copied, tmp_path, sites=[SITE], tables=ALL, grade=3))


def _done(house: House, *words: str | int | Path, who: str = "ann") -> Any:
    pack = house.root.parent / "tiny"
    done = house.run(who, "cases", house.root, pack, *map(str, words), "--grant", house.grant, "--json")
    assert done.code == 0, done
    return done.document()


def _keys(house: House) -> Keys:
    opened = Workspace(house.root)
    with Office(opened.root, opened.records, opened.settings).open() as office:
        return Keys(office.secret, house.grant)


def _numbers(house: House) -> dict[int, int]:
    """By number of the grant the person."""
    keys = _keys(house)
    return {int(keys.pseudonym(one)[:15], 16): one for one in PEOPLE}


def test_everybody_is_found_under_a_number_of_the_grant_in_its_dates(house: House, shifted: House) -> None:
    for one, moves in ((house, False), (shifted, True)):
        told, keys = _done(one), _keys(one)
        assert told["counts"] == {"enrolled": 3, "found": 3}
        found = {row["person_id"]: row["index_date"] for row in told["candidates"]}
        expected = {
            number: str(DIAGNOSED + timedelta(days=keys.days(person) if moves else 0))
            for number, person in _numbers(one).items()
        }
        assert {number: day[:10] for number, day in found.items()} == expected


def test_what_is_said_is_kept_of_the_person_and_holds_in_every_grant(house: House, shifted: House) -> None:
    number, person = min(_numbers(shifted).items())
    other, gone = max(_numbers(shifted).items())
    _done(shifted, "confirm", number, "--reason", "biopsy", "--day", "2020-05-05")
    _done(shifted, "withdraw", other, "--reason", "letter", who="bo")
    kept = [one for one in Workspace(shifted.root).decisions.all() if one.kind in {"case", "consent"}]
    assert [(one.key, one.author, one.reason) for one in kept] == [
        (str(person), "ann", "biopsy"), (str(gone), "bo", "letter"),
    ]  # fmt: skip
    true = date(2020, 5, 5) - timedelta(days=_keys(shifted).days(person))
    assert kept[0].answer["day"] == str(true)
    (confirmed, withdrawn) = _done(shifted, "history")["rulings"]
    assert (confirmed["person_id"], confirmed["day"][:10]) == (number, "2020-05-05")
    assert withdrawn["person_id"] == other
    exact = granted.decided(granted.applied(shifted, shifted.root.parent, sites=[SITE], tables=ALL, grade=4))
    told = _done(exact)
    assert told["counts"] == {"confirmed": 1, "enrolled": 2, "found": 1, "out": 1}
    days = {row["person_id"]: row["index_date"][:10] for row in told["candidates"]}
    assert days[{one: at for at, one in _numbers(exact).items()}[person]] == str(true)
    built = exact.run("ann", "registry", exact.root, exact.root.parent / "tiny", "--grant", exact.grant, "--json")
    assert built.document()["patients"] == 2


def test_nobody_outside_the_grant_is_ruled_on_or_told_of(house: House, tmp_path: Path) -> None:
    words = ("cases", house.root, house.root.parent / "tiny")
    grant = ("--grant", house.grant)
    for strange in (PEOPLE[0], 2**59):  # the person's own number is none of the grant
        done = house.run("ann", *words, "refute", str(strange), "--reason", "x", *grant)
        assert f"has no person {strange}" in complaint(done, 3)
    assert "not among the people" in complaint(house.run("cai", *words, *grant), 5)
    assert "Leave --author out" in complaint(house.run("ann", *words, *grant, "--author", "bo"), 2)
    assert not [one for one in Workspace(house.root).decisions.all() if one.kind in {"case", "consent"}]
    (tmp_path / "tiny").symlink_to(house.root.parent / "tiny")
    few = {"condition_occurrence": "all"}
    blind = granted.decided(granted.applied(house.copied(tmp_path / "ws"), tmp_path, sites=[SITE], tables=few, grade=4))
    assert _done(blind)["candidates"] == []
    done = blind.run("ann", *("cases", blind.root, tmp_path / "tiny"), "refute", "1", "--reason", "x", "--grant",
                     blind.grant)  # fmt: skip
    assert "the grant does not hold" in complaint(done, 5)


def test_visits_are_told_where_dates_are_true_and_refused_where_they_move(house: House, shifted: House) -> None:
    assert _done(house, "visits")["counts"] == {"baseline": {"overdue": 3}}
    done = shifted.run("ann", "cases", shifted.root, shifted.root.parent / "tiny", "visits", "--grant", shifted.grant)
    assert "whose visit is overdue" in complaint(done, 5)


def test_each_look_and_each_ruling_is_in_the_log(shifted: House) -> None:
    opened = Workspace(shifted.root)
    office = Office(opened.root, opened.records, opened.settings)
    before = {act.entry for act in office.acts.under(shifted.grant)}
    number = min(_numbers(shifted))
    _done(shifted)
    _done(shifted, "refute", number, "--reason", "metastasis")
    texts = [
        str(act.body["text"]) for act in office.acts.under(shifted.grant)
        if act.entry not in before and act.kind == "question"
    ]  # fmt: skip
    assert all(text.startswith("cases of registry tiny 1 (") for text in texts)
    assert [text.partition("): ")[2] for text in texts] == [
        "candidates with their evidence", f"refuted is said of {number}", "of whom something was said",
    ]  # fmt: skip
    assert run("verify", shifted.root).code == 0
