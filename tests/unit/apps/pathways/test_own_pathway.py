"""A pathway of the user's own: named by a setting, followed as those that come along, judged anew when changed."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import isthmus.apps.pathways
from isthmus.apps.contract import InputError, PackError
from isthmus.apps.contract.trial import Trial
from lib.pathways import B, Patient, document, tables

FOLDER = Path(isthmus.apps.pathways.__file__).parent
NOW = datetime(2020, 2, 1, 8, tzinfo=UTC)
RULE = {"exists": "b", "window": "that day to 40 after", "en": "B within forty days", "zh": "四十天内做乙"}
TITLE = {"en": "Ours", "zh": "本院路径"}


def written(
    folder: Path, rules: dict[str, Any] | None = None, *, name: str = "ours", file: str = "", **head: Any
) -> Path:
    """A folder with a pathway of a hospital's own; each time that it is written a second has passed."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{file or name}.yaml"
    before = path.stat().st_mtime_ns if path.exists() else 0
    path.write_bytes(document(rules or {"b in time": RULE}, pathway=name, title=TITLE, **head))
    os.utime(path, ns=(before + 10**9, before + 10**9))
    return folder


def trial(folder: Path | str, *pathways: str, **settings: Any) -> Trial:
    """Patient 1 has had nothing done; at the hospital of patient 2 such records are delivered."""
    people = [Patient(1, seen=(-100, 20)), Patient(2, done=[(1, B, "h1"), (3, B, "h1")])]
    named = {"knowledge": str(folder), "pathways": list(pathways or ("ours",)), "ahead": 60} | settings
    return Trial(FOLDER, tables(people), package="isthmus.apps.pathways", settings=named, at=NOW)


def cards(made: Trial, person: int = 1) -> list[dict[str, Any]]:
    told = made.serve("pathway-due-steps", {"hook": "patient-view", "context": {"patientId": str(person)}})
    found: list[dict[str, Any]] = dict(told)["cards"]
    return found


def test_it_is_followed_with_cards_page_values_and_reasons(tmp_path: Path) -> None:
    with trial(written(tmp_path / "pathways")) as made:
        (card,) = cards(made)
        assert card["summary"].startswith("Due until 2020-02-10: B within forty days")
        assert card["source"]["topic"]["code"] == "ours/b in time"
        assert made.get("api/pathways").body == {"pathways": ["ours"]}
        (rule,) = made.get("api/pathways/ours").body["rules"]
        assert (rule["met"], rule["not assessable"]) == (1, 1)
        assert "四十天内做乙" in made.get("pathway", "zh", pathway="ours").body
        (due,) = made.get("api/patients/1", "zh").body["due"]
        assert (due["title"], due["pathway_title"]) == ("四十天内做乙", "本院路径")
        overridden = {"outcome": "overridden", "overrideReason": {"reason": {"code": "declined"}}}
        made.feedback("pathway-due-steps", {"feedback": [{"card": card["uuid"], **overridden}]})
        assert cards(made) == []


def test_the_job_judges_all_that_are_followed_and_their_pages_lead_to_each_other(tmp_path: Path) -> None:
    written(tmp_path / "pathways", name="our second")
    with trial(written(tmp_path / "pathways"), "our second", "ours") as made:
        made.run("judge")
        assert {row["pathway"] for row in made.context(site="").records.find("judged")} == {"our second", "ours"}
        assert '<a href="?pathway=ours">Ours</a>' in made.get("pathway").body
        page = made.get("pathway", "zh", pathway="ours").body
        assert page.count("<a ") == 1
        assert '<a href="?pathway=our%20second">本院路径</a>' in page


def test_who_is_followed_is_judged_anew_when_the_file_has_changed(tmp_path: Path) -> None:
    folder = written(tmp_path / "pathways")
    with trial(folder) as made:
        made.run("judge")
        assert "Due until 2020-02-10" in cards(made)[0]["summary"]
        written(folder, {"sooner": RULE | {"window": "that day to 30 after"}})
        (card,) = cards(made)
        assert card["summary"].startswith("Overdue since 2020-01-31")
        assert [one["rule"] for one in made.get("api/pathways/ours").body["rules"]] == ["sooner"]
        kept = made.context().records.find("judged")
        assert cards(made) == [card]
        assert made.context().records.find("judged") == kept, "it is judged once by a file"


def test_one_that_is_called_as_one_that_comes_along_stands_in_its_place(tmp_path: Path) -> None:
    with trial(written(tmp_path / "pathways", name="liver"), "liver") as made:
        assert [one["rule"] for one in made.get("api/pathways/liver").body["rules"]] == ["b in time"]


def test_what_is_wrong_is_told_at_every_call_and_what_is_not_followed_harms_nobody(tmp_path: Path) -> None:
    folder = written(tmp_path / "pathways", {"b in time": RULE | {"exists": "d"}})
    with trial(folder) as made:
        for work in (lambda: cards(made), lambda: made.get("pathway"), lambda: made.run("judge")):
            with pytest.raises(PackError, match=r"ours\.yaml:\d+: rule b in time: there is no step 'd'\. Write one"):
                work()
    with trial(written(folder, name="sound"), "sound") as made:
        assert len(cards(made)) == 1


def test_a_file_that_is_called_otherwise_an_empty_folder_and_no_such_pathway_are_told(tmp_path: Path) -> None:
    folder = written(tmp_path / "pathways", name="other", file="ours")
    with trial(folder) as made, pytest.raises(PackError, match=r"ours\.yaml:1: .* called other, its file ours\. Make"):
        cards(made)
    with trial(tmp_path / "nowhere") as made, pytest.raises(InputError, match="holds no pathway"):
        cards(made)
    with trial("") as made, pytest.raises(InputError, match=r"no pathway 'ours'. Write one of liver, vte; one of your"):
        cards(made)
    with trial("", pathways=[]) as made, pytest.raises(InputError, match="no pathway is followed here"):
        made.get("pathway")


def test_a_request_names_a_pathway_and_no_file_of_the_server(tmp_path: Path) -> None:
    folder = written(tmp_path / "pathways")
    told = {"rule": "b in time", "person": 1, "begins": "2020-01-01", "reason": "declined"}
    with trial("", "vte") as made:
        for name in (str(folder / "ours.yaml"), "../pathways/packs/vte", "/etc/passwd"):
            with pytest.raises(InputError, match="there is no pathway"):
                made.post("api/deviations", told | {"pathway": name})


@pytest.mark.parametrize("domain", ["device", "visit", "drug", "condition"])
def test_events_that_the_application_reads_may_be_steps(tmp_path: Path, domain: str) -> None:
    steps = {"b": {"en": "B", "zh": "乙", domain: "any"}}
    with trial(written(tmp_path / "pathways", steps=steps)) as made:
        assert made.get("api/pathways/ours").body["episodes"] == 2


@pytest.mark.parametrize("domain", ["specimen", "note"])
def test_events_that_it_does_not_read_are_told_with_their_line(tmp_path: Path, domain: str) -> None:
    steps = {"b": {"en": "B", "zh": "乙", domain: "any"}}
    said = rf"ours\.yaml:\d+: step b: the application reads no {domain}, as its app\.yaml says\. Ask for another"
    with trial(written(tmp_path / "pathways", steps=steps)) as made, pytest.raises(PackError, match=said):
        cards(made)
