"""Tables with noise: a person counts once, the budget is spent and no more, and the manifest says all of it."""

import json
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from isthmus.base.errors import InputError, RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.committee.application import Budget
from isthmus.gate.office import private
from isthmus.gate.office.private import Asked, statement
from isthmus.gate.office.session import Granted, open_granted
from isthmus.gate.office.unit import Office
from lib import granted, workspace
from lib.command import complaint
from lib.granted import House

TABLES = {
    "person": ["person_id", "gender_concept_id", "year_of_birth"],
    "measurement": ["person_id", "measurement_concept_id", "value_as_number"],
}
ALL = Budget(Decimal("0.1"))


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    made = granted.granted(tmp_path, tables=TABLES, privacy={"epsilon": 1, "delta": 0.00001})
    if find_spec("opendp") is None:  # the noise itself has tests of its own
        monkeypatch.setattr(private, "noisy", lambda values, reach, epsilon, delta: list(values))
    return made


def _office(house: House) -> tuple[Office, Granted]:
    opened = Workspace(house.root)
    office = Office(opened.root, opened.records, opened.settings)
    account = office.accounts.get("ann")
    assert account is not None
    return office, open_granted(office, opened.lake, account, house.grant)


def _without_noise(house: House, monkeypatch: pytest.MonkeyPatch, asked: Asked) -> dict[str, Sequence[str]]:
    monkeypatch.setattr(private, "noisy", lambda values, reach, epsilon, delta: list(values))
    office, session = _office(house)
    person = office.accounts.get("ann")
    assert person is not None
    _, verdict, table = private.request(office, session, person, house.grant, asked, "patients of h01")
    assert verdict.answer != "fail", verdict
    return dict(table.columns)


def test_a_person_counts_once_however_many_rows(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = workspace.rows(Workspace(house.root), "measurement")
    found = _without_noise(house, monkeypatch, Asked(table="measurement", budget=ALL))
    assert found == {"group": ["all"], "persons": [str(len({one["person_id"] for one in rows}))]}
    assert len(rows) > len({one["person_id"] for one in rows})


def test_groups_are_those_that_were_named(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    people = Counter(str(one["gender_concept_id"]) for one in workspace.rows(Workspace(house.root), "person"))
    asked = Asked(table="person", by="gender_concept_id", groups=("8507", "8532", "77"), budget=ALL)
    found = _without_noise(house, monkeypatch, asked)
    assert found == {"gender": ["8507", "8532", "77"], "persons": [str(people["8507"]), str(people["8532"]), "0"]}


def test_values_are_brought_between_their_bounds(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = workspace.rows(Workspace(house.root), "measurement")
    of: dict[int, list[float]] = {}
    for one in rows:
        if one["value_as_number"] is not None:
            of.setdefault(one["person_id"], []).append(one["value_as_number"])
    clamped = [min(max(max(values), 5.0), 40.0) for values in of.values()]
    assert any(max(values) > 40 for values in of.values())
    whole = {"table": "measurement", "of": "value_as_number", "each": "max", "low": Decimal(5), "high": Decimal(40)}
    total = _without_noise(house, monkeypatch, Asked(give="sum", places=1, budget=ALL, **whole))  # type: ignore[arg-type]
    assert float(total["sum"][0]) == pytest.approx(sum(round(one, 1) for one in clamped))
    mean = _without_noise(house, monkeypatch, Asked(give="mean", places=1, budget=ALL, **whole))  # type: ignore[arg-type]
    assert float(mean["mean"][0]) == pytest.approx(sum(clamped) / len(clamped), abs=0.06)


def test_what_one_person_changes_is_within_the_reach(house: House) -> None:
    asked = Asked(table="measurement", of="value_as_number", give="sum", low=Decimal(-7), high=Decimal("2.5"), places=2,
                  budget=ALL)  # fmt: skip
    assert asked.reach >= 700
    assert "least(greatest(CAST(v AS DOUBLE), -7), 2.5)" in statement(asked)


@pytest.mark.parametrize(("said", "why"), [
    ({"table": "concept"}, "no table of persons"), ({"table": "person", "by": "site; drop"}, "no column"),
    ({"table": "person", "by": "gender_concept_id"}, "with its groups"),
    ({"table": "person", "give": "sum", "of": "person_id", "high": Decimal(1)}, "column of numbers"),
    ({"table": "measurement", "give": "mean", "of": "value_as_number"}, "need bounds"),
    ({"table": "measurement", "give": "sum", "of": "value_as_number", "high": Decimal(10**9), "places": 6}, "bounds"),
])  # fmt: skip
def test_what_makes_no_sense_is_told(said: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError, match=why):
        Asked(budget=ALL, **said)


def test_a_value_is_a_value(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    trick = "8507') OR 1=1 --"
    asked = Asked(table="person", by="gender_concept_id", groups=(trick,), only={"year_of_birth": (trick,)}, budget=ALL)
    assert _without_noise(house, monkeypatch, asked)["persons"] == ["0"]


def test_what_the_grant_does_not_hold_is_refused(house: House) -> None:
    office, session = _office(house)
    person = office.accounts.get("ann")
    assert person is not None
    with pytest.raises(RefusedError, match="does not hold visit_occurrence"):
        private.request(office, session, person, house.grant, Asked(table="visit_occurrence", budget=ALL), "x")
    assert _left(house) == Budget(Decimal(1), Decimal("0.00001"))


def _left(house: House) -> Budget:
    office, _ = _office(house)
    with office.open():
        return private.left(office, _grant(office, house))


def _grant(office: Office, house: House) -> Any:
    return private.releases.rules_of(office, house.grant)[0]


def test_a_budget_is_spent_and_then_it_is_over(house: House) -> None:
    words = ("release", "private", house.root, "person", "--grant", house.grant, "--context", "patients of h01")
    for _ in range(2):
        done = house.run("ann", *words, "--epsilon", "0.4", "--json")
        assert done.code == 0, done
    assert _left(house).epsilon == Decimal("0.2")
    said = complaint(house.run("ann", *words, "--epsilon", "0.3"), 5)
    assert "epsilon 0.2 and delta 0.00001 are left" in said and "What next" in said
    assert "delta" in complaint(house.run("ann", *words, "--epsilon", "0.1", "--delta", "0.0001"), 5)
    assert house.run("ann", *words, "--epsilon", "0.2", "--json").code == 0
    assert _left(house).epsilon == 0
    office, _ = _office(house)
    with office.open():
        refused = [one for one in office.entries() if one["kind"] == "release" and one.get("reason") == "quota"]
    assert len(refused) == 2
    assert house.run("ann", "verify", house.root).code in {0, 2}


def test_sixteen_at_once_spend_no_more_than_there_is(house: House) -> None:
    person = _office(house)[0].accounts.get("ann")
    assert person is not None
    asked = Asked(table="person", budget=Budget(Decimal("0.15")))

    def spend(_: int) -> bool:
        own, at = _office(house)
        try:
            private.request(own, at, person, house.grant, asked, "patients of h01")
        except RefusedError:
            return False
        return True

    with ThreadPoolExecutor(16) as many:
        done = list(many.map(spend, range(16)))
    assert sum(done) == 6
    assert _left(house).epsilon == Decimal("0.10")


def test_without_a_budget_there_is_none(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, tables=TABLES)
    said = complaint(house.run("ann", "release", "private", house.root, "person", "--grant", house.grant, "--context",
                               "x", "--epsilon", "0.1"), 5)  # fmt: skip
    assert "epsilon 0 and delta 0 are left" in said and "`privacy`" in said


def test_the_manifest_states_what_was_spent(house: House, tmp_path: Path) -> None:
    done = house.run("ann", "release", "private", house.root, "measurement.value_as_number", "--grant", house.grant,
                     "--context", "patients of h01", "--give", "mean", "--bounds", "0:100", "--places", "1",
                     "--epsilon", "0.5", "--json")  # fmt: skip
    assert done.code == 0, done
    name = done.document()["release"]
    for who in ("chen", "chi"):
        assert house.run(who, "release", "check", house.root, name, "--said", "approve").code == 0
    out = tmp_path / "out"
    assert house.run("chen", "release", "deliver", house.root, name, "--out", out).code == 0
    said = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["differential_privacy"]
    assert {name: said[name] for name in ("epsilon", "delta", "give", "low", "high", "unit", "mechanism")} == {
        "epsilon": "0.5", "delta": "0", "give": "mean", "low": "0", "high": "100", "unit": "person",
        "mechanism": "discrete Laplace",
    }  # fmt: skip
    assert said["budget"]["epsilon"] == "1" and said["left"]["epsilon"] == "0.5"
    assert (out / "table.csv").read_text(encoding="utf-8").splitlines()[0] == "group,persons,mean"


@pytest.mark.skipif(find_spec("opendp") is not None, reason="OpenDP is installed")
def test_without_the_library_it_is_told_what_to_install(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, tables=TABLES, privacy={"epsilon": 1})
    said = complaint(house.run("ann", "release", "private", house.root, "person", "--grant", house.grant, "--context",
                               "x", "--epsilon", "0.1"), 3)  # fmt: skip
    assert "isthmus[dp]" in said
