"""`isthmus cases`: candidates beside the simulation's truth, rulings with reasons, consent, visits."""

import sys
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from isthmus.base.identity import digest63
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from isthmus.research.registries import cases
from isthmus.research.registries.pack import load
from isthmus.research.registries.plan import plan
from lib import hospitals
from lib.command import complaint, run


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hundred people at four hospitals; a third get a liver tumour. Ingested, and not linked."""
    root = tmp_path_factory.mktemp("cases")
    hospitals.simulated(root, patients=300, linked=False)
    return root


def _truth(root: Path) -> set[int]:
    """The numbers of people with a liver tumour, at the sites where they were treated for it."""
    ill = pq.read_table(root / "sim" / "truth" / "liver.parquet").to_pylist()
    return {digest63(one["site"], one["keyspace"], "person", one["person_key"]) for one in ill}


def _found(root: Path, *, coded: bool) -> dict[int, float]:
    """Candidates with their points by the liver's rules; without codes, the rules about the diagnosis find nobody."""
    opened = Workspace(root / "ws")
    pack = load("liver")
    session = open_session(opened.lake, synthetic=True)
    with session.desk() as desk:
        made = plan(pack)
        found = cases.found(desk, pack)
        if not coded:
            others = [one.name for one in pack.enrolment.finders if one.definition is not None]
            diagnoses = [1, others.index("coded_again") + 2]
            found = found.filter(pc.invert(pc.is_in(found.column("cohort"), value_set=pa.array(diagnoses, pa.int32()))))
        for name, rows in made.tables.items():
            desk.lay(name, rows)
        cases.enrol(desk, made, found, ())
        listed, _ = cases.queue(desk)
    return dict(zip(listed.column("person_id").to_pylist(), listed.column("score").to_pylist(), strict=True))


def _told(found: Mapping[int, float], ill: set[int]) -> tuple[float, float]:
    """Sensitivity and positive predictive value."""
    right = len(ill & found.keys())
    return right / len(ill), right / len(found)


def test_candidates_beside_the_truth(simulated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The simulation codes every tumour, and knows nobody who looks like a patient and is none: so PPV is easy here.

    How much the other rules find is seen where no hospital had coded a diagnosis: those who were staged in a form or a
    note and treated or examined at the same place, which is two in three.
    """
    ill = _truth(simulated)
    coded, uncoded = (_told(_found(simulated, coded=one), ill) for one in (True, False))
    with capsys.disabled():
        for name, (sensitivity, value) in (("all rules", coded), ("without codes", uncoded)):
            said = f"{len(ill)} patients, {name}: sensitivity {sensitivity:.3f}, predictive value {value:.3f}"
            sys.stdout.write(f"\n{said}")
    assert coded == (1.0, 1.0)
    assert uncoded[0] >= 0.6
    assert uncoded[1] >= 0.99


def test_what_people_say_holds_from_the_next_build_on(simulated: Path) -> None:
    before = run("cases", simulated / "ws", "liver", "--json").document()
    one, other, third = (row["person_id"] for row in before["candidates"][:3])
    assert [each["rule"] for each in before["candidates"][0]["evidence"]]
    assert before["counts"]["found"] == before["counts"]["enrolled"]
    acts = (
        ("confirm", one, "--day", "2019-05-05"), ("refute", other), ("withdraw", third, "--day", "2020-01-01"),
    )  # fmt: skip
    for act, person, *more in acts:
        done = run("cases", simulated / "ws", "liver", act, person, "--reason", "seen", "--author", "ann", *more)
        assert done.code == 0, done.err
    after = run("cases", simulated / "ws", "liver", "--json").document()["counts"]
    assert after == {
        "confirmed": 1, "enrolled": before["counts"]["enrolled"] - 2, "found": before["counts"]["found"] - 3,
        "out": 1, "refuted": 1,
    }  # fmt: skip
    built = run("registry", simulated / "ws", "liver", "--out", simulated / "out", "--json").document()
    assert built["cases"] == after
    assert built["patients"] == after["enrolled"]
    enrolled = pq.read_table(simulated / "out" / "enrolment.parquet").to_pylist()
    assert {row["person_id"]: row["state"] for row in enrolled}[one] == "confirmed"
    for path in (simulated / "out").glob("*.parquet"):
        rows = pq.read_table(path)
        if "person_id" in rows.column_names and path.stem not in ("candidate", "evidence"):
            assert not {other, third} & set(rows.column("person_id").to_pylist()), path.stem
    told = run("cases", simulated / "ws", "liver", "history", "--json").document()["rulings"]
    assert [(each["person_id"], each["answer"], each["author"], each["reason"]) for each in told] == [
        (one, "confirmed", "ann", "seen"), (other, "refuted", "ann", "seen"), (third, "withdrawn", "ann", "seen"),
    ]  # fmt: skip


def test_visits_are_counted_and_the_overdue_listed(simulated: Path) -> None:
    told = run("cases", simulated / "ws", "liver", "visits", "--on", "2022-06-30", "--json").document()
    assert set(told["counts"]) == {"baseline", "follow_up", "long_follow_up"}
    assert told["counts"]["baseline"]["done"] > 100
    overdue = [row["days_over"] for row in told["visits"]]
    assert overdue == sorted(overdue, reverse=True)
    assert {row["state"] for row in told["visits"]} == {"overdue"}


def test_what_cannot_be_ruled_is_said(simulated: Path) -> None:
    for words, said in (
        (("confirm",), "say whom"), (("confirm", 1), "a ruling needs a reason"),
        (("confirm", 1, "--reason", "x"), "the edition has no person 1"),
        (("duplicate", 1, "--reason", "x"), "a duplicate is one of somebody else"),
        (("hide", 1), "'hide' is nothing that is done here"),
        (("confirm", 1, "--reason", "x", "--day", "soon"), "'soon' is no day"),
    ):  # fmt: skip
        assert said in complaint(run("cases", simulated / "ws", "liver", *words), {"the edition": 3}.get(said[:11], 2))
