"""An application on trial meets the real gate, its own records, and every kind of call."""

from pathlib import Path

import pytest

from isthmus.apps.contract import InputError, PackError, Published, RefusedError, UsageError
from isthmus.apps.contract.trial import Trial
from lib.applications import CODE, MANIFEST, PEOPLE, write


def test_it_answers_pages_routes_and_services_and_keeps_records(tmp_path: Path) -> None:
    with Trial(write(tmp_path), {"person": PEOPLE}) as trial:
        assert trial.get("api/elders").body == {"elders": [1], "asked": 0}
        trial.tell(Published(1, ("invented",)))
        assert trial.get("api/elders").body == {"elders": [1], "asked": 1}
        assert trial.get("api/patients/2").body == {"person": 2, "born": [2010]}
        assert "<p>" in trial.get("overview").body
        assert trial.serve("elders-view", {"context": {"patientId": "1"}})["cards"][0]["summary"] == "1 elder"
        assert trial.get("api/nothing").status == 404
        trial.run("nightly")
        assert trial.learnt == {"elder": [{"person": 1}]}


def test_settings_are_the_defaults_unless_given(tmp_path: Path) -> None:
    with Trial(write(tmp_path), {"person": PEOPLE}, settings={"age": 10}) as trial:
        assert trial.get("api/elders").body["elders"] == [1, 2]
    with pytest.raises(InputError, match="`age` is 1 or more"):
        Trial(write(tmp_path), settings={"age": 0})
    with pytest.raises(UsageError, match="no setting 'size'"):
        Trial(write(tmp_path), settings={"size": 0})


@pytest.mark.parametrize("question", ["SELECT month_of_birth FROM person", "SELECT count(*) FROM death", "expression"])
def test_what_the_manifest_does_not_declare_is_refused(tmp_path: Path, question: str) -> None:
    with Trial(write(tmp_path), {"person": PEOPLE}) as trial, pytest.raises((RefusedError, InputError)) as told:
        trial.get("api/ask", sql=question)
    assert "month_of_birth" in str(told.value) or "does not declare death" in str(told.value)


def test_two_versions_are_there_at_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a")
    second = write(tmp_path / "b", manifest=MANIFEST.replace("1.0.0", "1.1.0"), code=CODE.replace("elder(s)", "senior"))
    with Trial(first, {"person": PEOPLE}) as old, Trial(second, {"person": PEOPLE}) as new:
        assert "elder(s)" in old.get("overview").body
        assert "senior" in new.get("overview").body
        assert "elder(s)" in old.get("overview").body


@pytest.mark.parametrize(
    ("was", "becomes", "told"),
    [
        ("version: 1.0.0", "version: one", "elders/app.yaml:2: application elders: `version` is three numbers"),
        ("contract: 1", "contract: 7", "elders/app.yaml:3: application elders: `contract` is 1 for this Isthmus"),
        ("zh: 老年人", "zh: ''", "elders/app.yaml:4: application elders: `title` has no text in 'zh'"),
        ("purpose: [CC]", "purpose: [XX]", "elders/app.yaml:5: application elders: `purpose` names kinds of purpose"),
        ("year_of_birth]", "age]", "elders/app.yaml:6: application elders: `person` names columns of the table"),
        ("person: [", "people: [", "elders/app.yaml:6: application elders: there is no table 'people'"),
        ("hooks: [published]", "hooks: [printed]", "elders/app.yaml:7: application elders: `hooks` are some of landed"),
        ("default: 65", "default: old", "elders/app.yaml:14: application elders, setting age: the default"),
        ("jobs: [nightly]", "jobs: [daily]", "gives nightly, which the manifest does not list under `jobs`"),
        ("hooks: [published]", "hooks: []", "the application has a method `published`, the manifest does not list it"),
        ("app: elders", "apps: elders", "elders/app.yaml:1: application ?: `apps` is not known here"),
    ],
)
def test_a_wrong_manifest_is_told_with_its_line(tmp_path: Path, was: str, becomes: str, told: str) -> None:
    assert was in MANIFEST
    with pytest.raises((PackError, InputError)) as error:
        Trial(write(tmp_path, manifest=MANIFEST.replace(was, becomes)))
    assert told in str(error.value)
