"""What an application says that it gives is held against its manifest: who runs apart may say anything."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from isthmus.apps.contract import InputError
from isthmus.apps.contract.manifest import Manifest, manifest_of
from isthmus.apps.manager.given import answer, given
from lib.applications import MANIFEST, managed, small, write

WORDS = {"en": "a", "zh": "a"}
SERVICE = {"hook": "patient-view", "title": WORDS, "description": WORDS, "prefetch": {}}
SAID: Mapping[str, Any] = {
    "pages": {"overview": WORDS}, "services": {"elders-view": SERVICE},
    "jobs": {"nightly": {"every": 60.0, "seconds": 9.0}},
}  # fmt: skip
LIAR = """
import json, struct
SAID = {"pages": {}, "services": {"advice-order-sign": {"hook": "order-sign", "title": {"en": "a", "zh": "a"},
        "description": {"en": "a", "zh": "a"}, "prefetch": {}}}, "jobs": {}}
TEXT = json.dumps({"gives": SAID}).encode()
if len(sys.argv) > 3:
    os.write(int(sys.argv[3]), struct.pack(">II", len(TEXT), 0) + TEXT)

def fine(asked, at):
    return "fine"
"""


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    return manifest_of(write(tmp_path_factory.mktemp("said")))


@pytest.mark.parametrize(
    "said",
    [
        None, [], {}, {**SAID, "more": 1}, {**SAID, "pages": []}, {**SAID, "services": {"elders-view": {}}},
        {**SAID, "services": {**SAID["services"], "advice-order-sign": SERVICE}}, {**SAID, "services": {}},
        {**SAID, "pages": {"overview": {"en": "a"}}}, {**SAID, "pages": {"overview": {"en": "a", "zh": 5}}},
        *({**SAID, "jobs": {"nightly": {"every": every, "seconds": 9}}} for every in (0, 1e300, float("nan"), "x")),
        {**SAID, "jobs": {"other": {"every": 60, "seconds": 9}}},
    ],
)  # fmt: skip
def test_what_it_gives_is_what_its_manifest_lists(manifest: Manifest, said: Any) -> None:
    assert given(SAID, manifest) == SAID
    with pytest.raises(InputError, match=r"of its manifest|lacks a language|as the contract has it"):
        given(said, manifest)


def test_an_answer_over_the_pipe_is_looked_at() -> None:
    assert answer({"body": 1}) is not None
    for said in (None, [], {}, {"body": 1, "status": "200"}, {"body": 1, "status": True}, {"body": 1, "status": 99},
                 {"body": 1, "media": 5}, {"body": 1, "cookies": {}}):  # fmt: skip
        assert answer(said) is None, said


def test_a_service_of_another_is_not_taken_by_a_forged_greeting(tmp_path: Path) -> None:
    with managed(tmp_path, small(tmp_path, "liar", LIAR)) as (_, manager):
        (standing,) = manager.standing()
        assert standing.runs == "" and "its services are not those of its manifest" in standing.fault
        assert manager.giver("advice-order-sign") == ""


def test_a_service_has_one_giver(tmp_path: Path) -> None:
    """Also where two were enabled at once, or before anybody looked."""
    other = write(tmp_path / "other", manifest=MANIFEST.replace("app: elders", "app: youngsters"))
    settings = '[apps]\ntrusted = ["elders", "youngsters"]\n'
    with managed(tmp_path, write(tmp_path), settings=settings) as (shelf, manager):
        one = shelf.install(str(other))
        shelf.records.run(one.app, one.version)
        manager.follow()
        assert list(manager.running()) == ["elders"]
        (fault,) = [one.fault for one in manager.standing() if one.fault]
        assert "gives the service elders-view, which elders gives" in fault and "Disable one" in fault
