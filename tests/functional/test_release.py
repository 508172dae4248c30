"""What leaves: asked for, checked by machine and by two people, delivered with a manifest; and what does not leave."""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from lib import granted
from lib.command import Done, complaint, run
from lib.granted import House

BY_SEX = "select gender_concept_id as sex, count(*) as n from person group by all order by all"
BY_YEAR = "select year_of_birth as born, count(*) as n from person group by all order by all"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("release"), patients=40)


@pytest.fixture
def house(made: House, tmp_path: Path) -> House:
    """A copy, for what has left stays."""
    return made.copied(tmp_path / "ws")


def _request(house: House, *words: str | Path) -> Done:
    said = ("--grant", house.grant, "--counts", "n", "--context", "persons of the hospital")
    return house.run("ann", "release", "request", house.root, *words, *said, "--json")


def _approved(house: House, *words: str | Path) -> str:
    done = _request(house, *words)
    assert done.code == 0, done
    name = str(done.document()["release"])
    for who in ("chen", "chi"):
        assert house.run(who, "release", "check", house.root, name, "--said", "approve").code == 0
    return name


def _deliver(house: House, name: str, out: Path) -> Done:
    return house.run("chi", "release", "deliver", house.root, name, "--out", out)


def _file(folder: Path, name: str, *rows: str) -> Path:
    path = folder / name
    path.write_text("\n".join(rows) + "\n")
    return path


def test_from_application_to_released_table(house: House, tmp_path: Path) -> None:
    name = _approved(house, "--sql", BY_SEX)
    out = tmp_path / "out"
    assert _deliver(house, name, out).code == 0
    with (out / "table.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    true = house.ask(BY_SEX, "ann", "--json").document()["rows"]
    assert [row["sex"] for row in rows] == [str(row["sex"]) for row in true]
    assert all(
        int(row["n"]) % 5 == 0 and abs(int(row["n"]) - one["n"]) <= 2 for row, one in zip(rows, true, strict=True)
    )
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["files"]["table.csv"]["sha256"] == hashlib.sha256((out / "table.csv").read_bytes()).hexdigest()
    assert manifest["query_sha256"] == hashlib.sha256(BY_SEX.encode()).hexdigest()
    assert (manifest["grant"], manifest["checked_by"], manifest["requested_by"]) == (
        house.grant,
        ["chen", "chi"],
        "ann",
    )
    edition = house.root / "lake" / "editions" / f"{manifest['edition']['number']:06d}.json"
    assert manifest["edition"]["manifest_sha256"] == hashlib.sha256(edition.read_bytes()).hexdigest()
    assert run("verify", house.root).code == 0


def test_small_counts_of_an_answer_are_hidden(house: House, tmp_path: Path) -> None:
    name = _approved(house, "--sql", BY_YEAR)
    assert _deliver(house, name, tmp_path / "out").code == 0
    with (tmp_path / "out" / "table.csv").open() as stream:
        shown = [row["n"] for row in csv.DictReader(stream)]
    true = [row["n"] for row in house.ask(BY_YEAR, "ann", "--json").document()["rows"]]
    assert shown == ["[REDACTED]" if one <= 7 else str(one) for one in true]


FAULTS = {
    "a small count": (("sex,n", "m,20", "f,3"), "7 people or fewer"),
    "an unrounded count": (("sex,n", "m,21"), "not every cell is rounded"),
    "a column of identities": (("person_id,n", "8d17,20"), "may name people"),
    "no such counts": (("sex,many", "m,20"), "no column 'n'"),
    "words among the counts": (("sex,n", "m,many"), "something else than whole numbers"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_table_that_tells_too_much_does_not_leave(house: House, tmp_path: Path, name: str) -> None:
    rows, why = FAULTS[name]
    done = _request(house, _file(tmp_path, "t.csv", *rows))
    assert why in complaint(done, done.code)
    assert done.code in {3, 5}
    assert house.run("chen", "release", "list", house.root, "--json").document() == []


def test_what_tells_more_beside_an_earlier_release_of_another_use_does_not_leave(house: House, tmp_path: Path) -> None:
    name = _approved(house, _file(tmp_path, "one.csv", "sex,n", "m,20", "f,[REDACTED]"))
    assert _deliver(house, name, tmp_path / "one").code == 0
    other = granted.decided(granted.applied(house, tmp_path))
    whole = _file(tmp_path, "two.csv", "n", "20")
    assert "hidden can be narrowed" in complaint(_request(other, whole), 5)
    lines = house.run("aud", "log", house.root, "--grant", other.grant, "--json").document()
    assert lines[-1]["act"] == "refused"


def test_what_left_meanwhile_is_looked_at_before_delivery(house: House, tmp_path: Path) -> None:
    first = _approved(house, _file(tmp_path, "one.csv", "sex,n", "m,20", "f,[REDACTED]"))
    second = _approved(house, _file(tmp_path, "two.csv", "n", "20"))
    assert _deliver(house, first, tmp_path / "one").code == 0
    assert "left meanwhile" in complaint(_deliver(house, second, tmp_path / "two"), 5)
    assert not (tmp_path / "two").exists()


def test_nobody_checks_their_own_and_one_checker_is_not_enough(house: House, tmp_path: Path) -> None:
    done = _request(house, "--sql", BY_SEX)
    name = done.document()["release"]
    check = ("release", "check", house.root, name, "--said", "approve")
    assert "no checker" in complaint(house.run("ann", *check), 5)
    assert house.run("chen", *check).code == 0
    assert house.run("chen", *check).code == 0
    assert "2 checkers" in complaint(_deliver(house, name, tmp_path / "out"), 5)
    assert not (tmp_path / "out").exists()


def test_nothing_leaves_under_a_grant_that_was_revoked(house: House, tmp_path: Path) -> None:
    name = _approved(house, "--sql", BY_SEX)
    assert house.use("cai", "revoke", "--reason", "misuse").code == 0
    assert "revoked" in complaint(_deliver(house, name, tmp_path / "out"), 5)
    assert not (tmp_path / "out").exists()


def test_a_file_that_was_changed_after_the_check_does_not_leave(house: House, tmp_path: Path) -> None:
    name = _approved(house, "--sql", BY_SEX)
    (path,) = (house.root / "releases").glob("*/table.csv")
    path.write_text(path.read_text().replace("20", "21"))
    assert "not what was checked" in complaint(_deliver(house, name, tmp_path / "out"), 7)
