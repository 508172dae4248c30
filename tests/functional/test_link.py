"""`isthmus link`: persons of all sites, from registrations to what a question is answered."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pytest
from tests.unit.packs.test_hl7v2 import message, written

from isthmus.cdm.questions import QUESTIONS
from isthmus.flow import replay, verify
from isthmus.flow.ingest import ingest
from isthmus.flow.link import link
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import open_session
from lib import linked, workspace
from lib.command import Done, complaint, run
from lib.workspace import rows

KNOWN = linked.people()
TRUE = dict(zip(KNOWN.truth["record_id"].to_pylist(), KNOWN.truth["person"].to_pylist(), strict=True))
MOST = len(KNOWN.records) - 40


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three hospitals with most of their registrations, linked."""
    root = tmp_path_factory.mktemp("linked")
    opened = linked.hospitals(root, KNOWN.records)
    linked.deliver(root, KNOWN.records.slice(0, MOST), "first.csv")
    assert not ingest(opened).failed
    assert link(opened).edition is not None
    return root


@pytest.fixture
def root(whole: Path, tmp_path: Path) -> Path:
    """A copy of it, to be altered; its sites still read their folders of the first."""
    copy = tmp_path / "copy"
    shutil.copytree(whole, copy)
    for settings in (copy / "ws" / "sites").glob("*.toml"):
        settings.write_text(settings.read_text().replace(str(whole), str(copy)))
    return copy


@pytest.fixture
def opened(root: Path) -> Workspace:
    return Workspace(root / "ws")


def counted(opened: Workspace, table: str, edition: int | None = None) -> tuple[int, int]:
    """Rows and persons of a table, as a question is answered."""
    session = open_session(opened.lake, synthetic=True, edition=edition)
    asked = QUESTIONS[table].aggregate(
        rows=QUESTIONS[table].count(), persons=QUESTIONS[table].person_id.nunique()
    )  # fmt: skip
    row = session.ask(asked).to_pylist()[0]
    return row["rows"], row["persons"]


def subjects(opened: Workspace, edition: int | None = None) -> int:
    """How many people are in the cohort of everybody who had a visit."""
    path = opened.root.parent / "visited.json"
    path.write_text('{"ConceptSets": [], "PrimaryCriteria": {"CriteriaList": [{"VisitOccurrence": {}}]}}')
    out = opened.root.parent / "counts.csv"
    older = () if edition is None else ("--edition", str(edition))
    done = run("cohorts", opened.root, path, "--out", out, *older, "--json")
    assert done.code == 0, done
    return int(out.read_text().splitlines()[1].split(",")[2])


def two(opened: Workspace, *, joined: bool) -> tuple[int, int]:
    """Records of identity of two sites' persons who are one, or of two who are each alone and might be one."""
    links = rows(opened, "person_link")
    size: dict[int, list[int]] = {}
    for row in links:
        size.setdefault(row["person"], []).append(row["identity_id"])
    if joined:
        return next((some[0], some[1]) for some in size.values() if len(some) == 2)
    alone = {some[0] for some in size.values() if len(some) == 1}
    numbered = {row["identity_id"] for row in rows(opened, "identity") if row["resident_id"]}
    return min(alone - numbered), min(alone & numbered)


def person(opened: Workspace, record: int) -> int:
    """The person's number of a record of identity."""
    return next(int(row["person"]) for row in rows(opened, "person_link") if row["identity_id"] == record)


def decided(opened: Workspace, how: str, pair: tuple[int, int], *, by: str) -> Done:
    words = ("link", opened.root, f"--{how}", str(pair[0]), str(pair[1]), "--author", by, "--reason", "seen", "--json")
    return run(*words)


def test_the_records_of_one_person_are_linked(whole: Path) -> None:
    """Against the simulation's truth: nobody is merged with someone else, and few are missed."""
    found = linked.numbers(Workspace(whole / "ws"), KNOWN.records)
    assert len(found) == MOST
    pairs = {(a, b) for group in linked.groups(found) for a in group for b in group if a < b}
    true = {(a, b) for a in found for b in found if a < b and TRUE[a] == TRUE[b]}
    assert len(pairs & true) >= 0.99 * len(pairs)
    assert len(pairs & true) >= 0.95 * len(true)


def test_linking_again_changes_nothing(opened: Workspace) -> None:
    before = opened.lake.editions.numbers()
    done = run("link", opened.root, "--json")
    assert done.code == 0, done
    assert (done.document()["edition"], done.document()["scored"]) == (None, 0)
    assert opened.lake.editions.numbers() == before


def test_a_question_sees_one_person_and_a_former_edition_answers_as_before(opened: Workspace) -> None:
    persons = len({row["person"] for row in rows(opened, "person_link")})
    current = opened.lake.editions.numbers()[-1]
    assert counted(opened, "person") == (persons, persons)
    assert counted(opened, "visit_occurrence") == (MOST, persons)
    assert counted(opened, "person", current - 1) == (MOST, MOST)
    assert counted(opened, "visit_occurrence", current - 1) == (MOST, MOST)


def test_reports_count_patient_numbers_and_say_how_many_people_they_are(whole: Path) -> None:
    """Held against the links themselves, and never against what the reports read."""
    opened = Workspace(whole / "ws")
    person = {row["person_id"]: row["person"] for row in rows(opened, "person_link")}
    at: dict[str, list[int]] = {}
    for row in rows(opened, "person"):
        at.setdefault(row["site"], []).append(person[row["person_id"]])
    told = run("profile", opened.root, "--small", "0", "--json").document()["patients"]
    assert (told["linked"], told["numbers"], told["persons"]) == (True, MOST, len(set(person.values())))
    assert [one["site"] for one in told["sites"]] == sorted(at)
    for one in told["sites"]:
        others = {someone for site, some in at.items() if site != one["site"] for someone in some}
        own = at[one["site"]]
        assert (one["numbers"], one["persons"]) == (len(own), len(set(own)))
        assert one["elsewhere"] == len(set(own) & others) > 0
        assert run("quality", opened.root, "--site", one["site"], "--json").document()["patients"] == {
            "linked": True, **one,
        }  # fmt: skip
    before = run("profile", opened.root, "--edition", str(opened.lake.editions.numbers()[-2]), "--json").document()
    assert (before["patients"]["linked"], before["patients"]["persons"]) == (False, MOST)


def test_a_person_with_two_numbers_in_one_system_is_a_finding_that_leads_to_the_file(whole: Path) -> None:
    opened = Workspace(whole / "ws")
    person = {row["person_id"]: row["person"] for row in rows(opened, "person_link")}
    at: dict[tuple[str, int], int] = {}
    for row in rows(opened, "person"):
        key = (row["site"], person[row["person_id"]])
        at[key] = at.get(key, 0) + 1
    expected: dict[str, int] = {}
    for (site, _), numbers in at.items():
        if numbers > 1:
            expected[site] = expected.get(site, 0) + numbers
    assert expected
    found = [one for one in run("findings", opened.root, "--json").document() if one["kind"] == "several"]
    assert {one["site"]: one["rows"] for one in found} == expected
    for one in found:
        assert one["places"][0]["line"]
        assert one["places"][0]["columns"]
    card = opened.root.parent / "card.html"
    site = found[0]["site"]
    assert run("scorecard", opened.root, site, "--out", card).code == 0
    assert f"{sum(key[0] == site for key in at):,} persons by the linkage" in card.read_text("utf-8")


def test_what_is_new_is_linked_when_it_is_ingested(root: Path, opened: Workspace) -> None:
    before = linked.numbers(opened, KNOWN.records)
    linked.deliver(root, KNOWN.records.slice(MOST), "second.csv")
    report = ingest(opened)
    assert not report.failed
    assert report.edition is not None
    after = linked.numbers(opened, KNOWN.records)
    assert len(after) == len(KNOWN.records)
    kept = [record for record in before if after[record] == before[record]]
    assert len(kept) >= 0.99 * len(before), "persons keep their numbers"
    old = {TRUE[record] for record in before}
    joined = [one for one in after if one not in before and after[one] in set(before.values())]
    assert len(joined) >= 0.9 * sum(TRUE[one] in old for one in after if one not in before)
    assert not run("link", root / "ws", "--json").document()["scored"], "nothing was left for the verb"


def test_records_all_at_once_give_the_same_persons(root: Path, opened: Workspace, tmp_path: Path) -> None:
    """Under the same model: incrementally, and from nothing."""
    linked.deliver(root, KNOWN.records.slice(MOST), "second.csv")
    ingest(opened)
    anew = linked.hospitals(tmp_path / "anew", KNOWN.records)
    shutil.copytree(opened.root / "linkage", anew.root / "linkage")
    linked.deliver(tmp_path / "anew", KNOWN.records, "all.csv")
    assert not ingest(anew).failed
    one, other = (linked.groups(linked.numbers(each, KNOWN.records)) for each in (opened, anew))
    assert len(one ^ other) <= 2


def test_merge_split_and_merge_again(opened: Workspace) -> None:
    """Ids stay, the history is complete, and every former edition answers as it did."""
    left, right = two(opened, joined=False)
    answers = [subjects(opened)]
    alone = (person(opened, left), person(opened, right))
    for how, authors in (("same", "a"), ("apart", "bc"), ("same", "a")):
        for author in authors:
            assert decided(opened, how, (left, right), by=author).code == 0
        assert link(opened).edition is not None
        answers.append(subjects(opened))
    now = opened.lake.editions.numbers()[-1]
    assert [subjects(opened, now - 3 + at) for at in range(4)] == answers
    assert answers == [answers[0], answers[0] - 1, answers[0], answers[0] - 1]
    kept = person(opened, left)
    assert kept == person(opened, right)
    assert kept in alone
    told = [[event for event, *_ in linked.events(opened, now - 2 + at)] for at in range(3)]
    assert told == [["merged"], ["split"], ["merged"]]
    gone = next(iter(set(alone) - {kept}))
    found = run("person", opened.root, str(gone), "--json").document()
    assert found["number"] == kept, "a number that was merged away leads to the person"
    assert len(found["records"]) == 2


def test_a_split_needs_two_people(opened: Workspace) -> None:
    pair = two(opened, joined=True)
    assert decided(opened, "apart", pair, by="ann").document()["second"]
    assert link(opened).edition is None
    assert person(opened, pair[0]) == person(opened, pair[1])
    assert "another person" in complaint(decided(opened, "apart", pair, by="ann"), 2)
    assert not decided(opened, "apart", pair, by="bob").document()["second"]
    assert link(opened).linked.split == 1
    assert person(opened, pair[0]) != person(opened, pair[1])


def test_taking_back_a_merge_needs_two_people_and_a_split_one(opened: Workspace) -> None:
    pair = two(opened, joined=False)
    made = decided(opened, "same", pair, by="ann").document()["decision"]
    assert link(opened).linked.merged == 1
    words = ("link", opened.root, "--revoke", str(made), "--reason", "wrong", "--json")
    assert "isthmus link" in complaint(run("decisions", opened.root, "--revoke", str(made), "--reason", "x"), 2)
    assert run(*words, "--author", "ann").document()["second"]
    link(opened)
    assert person(opened, pair[0]) == person(opened, pair[1])
    assert run(*words, "--author", "bob").code == 0
    link(opened)
    assert person(opened, pair[0]) != person(opened, pair[1])


def test_pairs_are_reviewed_with_one_key(opened: Workspace, press: Callable[..., Done]) -> None:
    waiting = link(opened).linked.waiting
    assert waiting > 1
    done = press("yunsq", "link", opened.root, "--review", "--json", "--author", "ann")
    assert done.code == 0, done
    assert done.document() == {"open": waiting, "same": 0, "apart": 1, "second": 0, "skipped": 1, "undone": 1}
    made = link(opened)
    assert made.linked.waiting == waiting - 1


def test_a_person_is_shown_with_the_reasons(opened: Workspace) -> None:
    left, right = two(opened, joined=True)
    done = run("person", opened.root, str(person(opened, left)), "--json")
    found = done.document()
    assert {one["identity_id"] for one in found["records"]} == {left, right}
    assert {one["file"] for one in found["records"]} == {"first.csv"}
    assert all(one["line"] > 1 for one in found["records"])
    (reason,) = found["reasons"]
    assert reason["steps"][0]["comparison"] == "any two records"
    weight = next(row["weight"] for row in rows(opened, "person_link") if row["identity_id"] == left)
    assert reason["steps"][-1]["total"] == pytest.approx(weight, abs=1e-3)
    assert "nobody has the number 7" in complaint(run("person", opened.root, "7"), 3)


def test_people_are_not_linked_against_a_constraint(opened: Workspace) -> None:
    """Two valid different resident numbers stay two people, whatever is decided; and it is told."""
    valid = {row["identity_id"]: row["resident_id"] for row in rows(opened, "identity") if row["resident_id"]}
    whole = [one for one, number in valid.items() if len(number) == 18]
    left, right = next((a, b) for a in whole for b in whole if valid[a][:17] != valid[b][:17] and a != b)
    refused = link(opened).linked.refused
    assert decided(opened, "same", (left, right), by="ann").code == 0
    found = link(opened).linked
    assert person(opened, left) != person(opened, right)
    assert found.refused == refused + 1


def test_what_verifies_and_rebuilds_a_lake_knows_the_links(opened: Workspace, tmp_path: Path) -> None:
    verify.demand(verify.verify(opened))
    replay.demand_same(replay.rebuild(opened, tmp_path / "rebuilt"))


def test_nobody_is_linked_where_nothing_is_known(tmp_path: Path) -> None:
    opened = linked.hospitals(tmp_path, KNOWN.records)
    assert "no record of identity" in complaint(run("link", opened.root), 3)
    assert "nobody was linked" in complaint(run("person", opened.root, "1"), 3)
    few = KNOWN.records.filter(pc.equal(KNOWN.records["record_id"], 0))
    linked.deliver(tmp_path, few, "few.csv")
    ingest(opened)
    assert "could not be trained" in complaint(run("link", opened.root), 3)
    assert not list((opened.root / "linkage").glob("*.json")), "a model that was not learnt is not kept"


def test_rules_are_named_or_a_file(opened: Workspace) -> None:
    assert "there are no rules nonsense" in complaint(run("link", opened.root, "--rules", "nonsense"), 3)


def test_a_hospitals_merge_is_honoured_unless_two_numbers_forbid_it(root: Path, opened: Workspace) -> None:
    """ADT A40, in the order in which it happens: patients first, the merge in a later delivery."""
    first, second = [
        row["resident_id"] for row in rows(opened, "identity") if len(row["resident_id"] or "") == 18
    ][:2]  # fmt: skip
    patients = {"P1": ("赵大海", ""), "P2": ("无名氏", ""), "P3": ("孙一", first), "P4": ("钱二", second)}
    came = [
        message(
            "ADT^A04", "EVN|A04", f"PID|1||{number}^^^E^MR~{resident}^^^CHN^NI||{name}||19{at}10203|M", control=number
        )
        for at, (number, (name, resident)) in enumerate(patients.items(), start=6)
    ]
    written(root / "in" / "east", *came, name="a.hl7")
    workspace.add(opened, {"hl7": (root / "in" / "east", "hl7v2")}, site="east")
    assert not ingest(opened).failed
    person = {row["record_number"]: row["person_id"] for row in rows(opened, "identity") if row["site"] == "east"}
    assert len(linked.groups({row["person_id"]: row["person"] for row in east(opened, person)})) == 4
    before = sum(row["cut"] == "constraint" for row in rows(opened, "person_pair"))
    merges = [
        message("ADT^A40", "EVN|A40", f"PID|1||{a}^^^E^MR", f"MRG|{b}^^^E^MR", control=a)
        for a, b in (["P1", "P2"], ["P3", "P4"])
    ]
    written(root / "in" / "east", *merges, name="b.hl7")
    assert not ingest(opened).failed
    number = {row["person_id"]: row["person"] for row in east(opened, person)}
    assert number[person["P1"]] == number[person["P2"]]
    assert number[person["P3"]] != number[person["P4"]]
    assert link(opened).linked.refused == before + 1


def east(opened: Workspace, person: dict[str, int]) -> list[dict[str, int]]:
    """The links of the persons of one hospital."""
    return [row for row in rows(opened, "person_link") if row["person_id"] in set(person.values())]


def test_what_became_of_persons_is_told_by_the_ingest(root: Path, opened: Workspace) -> None:
    linked.deliver(root, KNOWN.records.slice(MOST), "second.csv")
    done = run("ingest", opened.root)
    assert done.code == 0, done
    persons = len({row["person"] for row in rows(opened, "person_link")})
    assert f"Persons: {persons}, of {len(rows(opened, 'identity'))} records of identity" in " ".join(done.out.split())
