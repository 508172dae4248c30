"""What the pages about pathways tell a reader to write is written, run, and followed by the application."""

import re
import shlex
from pathlib import Path
from typing import Any

from isthmus.apps.contract import Asked
from isthmus.apps.manager.running import Manager
from isthmus.apps.pathways.reader import read, shipped
from isthmus.cdm.starter import starter
from isthmus.flow.invented import invented
from isthmus.flow.workspace import Workspace
from lib.advised import BORN, condition
from lib.command import run
from lib.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "pathway.md"
GUIDE = (ROOT / "docs" / "how-to" / "follow-a-pathway.md").read_text(encoding="utf-8")
(EXAMPLE,) = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
CANCER, IMAGING, RESECTION, STAGE, IA = 201519, 2000001406, 4322818, 2000001102, 2000001131


def test_the_pack_on_the_page_is_read() -> None:
    pack = read(EXAMPLE.encode(), file="page.yaml")
    (rule,) = pack.rules.values()
    assert rule.legs[0].window.text == "28 before to that day"
    assert pack.steps["resection"].treatment


def test_the_page_names_every_pack_that_comes_along() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{name}` |" in text for name in shipped())


def _rows() -> dict[str, list[dict[str, Any]]]:
    """One who was resected without imaging, and another one at a hospital that images."""
    span = {"observation_period_start_date": "2018-01-01", "observation_period_end_date": "2019-05-31"}
    return {
        "concept": starter()["concept"].to_pylist(),
        "person": [{"person_id": one, **BORN} for one in (1, 2)],
        "observation_period": [{"observation_period_id": one, "person_id": one, **span} for one in (1, 2)],
        "condition_occurrence": [condition(one, CANCER, "2019-04-01", who=one) for one in (1, 2)],
        "observation": [
            {"observation_id": 1, "person_id": 1, "observation_concept_id": STAGE, "value_as_concept_id": IA,
             "observation_date": "2019-04-02"}
        ],
        "procedure_occurrence": [
            {"procedure_occurrence_id": at, "person_id": who, "procedure_concept_id": concept, "procedure_date": day}
            for at, (who, concept, day) in enumerate(
                ((1, RESECTION, "2019-05-01"), (2, IMAGING, "2019-04-03"), (2, IMAGING, "2019-05-20")), start=1
            )
        ],
    }  # fmt: skip


def test_a_pathway_of_ones_own_is_taken_by_the_command_and_followed_on_the_wards(tmp_path: Path) -> None:
    """The commands of the page in their order."""
    root = invented(tmp_path / "WS", _rows()).root
    (root / "pathways").mkdir()
    changed = EXAMPLE.replace("valid: 2024-01-01 to open", "valid: 2018-01-01 to open")
    (root / "pathways" / "small.yaml").write_text(changed, encoding="utf-8")
    assert "Write your own" in GUIDE and "`isthmus pathway WS NAME` takes it" in GUIDE
    done = run("pathway", str(root), "small", "--json")
    assert done.code == 0, done
    ward = GUIDE[GUIDE.index("## On the wards") : GUIDE.index("## Try it")]
    lines = [one for fence in re.findall(r"^```sh\n(.*?)^```$", ward, re.M | re.S) for one in fence.splitlines()]
    assert len(lines) == 4
    for line in lines:
        words = shlex.split(line.replace("$PWD/WS", str(root)))[1:]
        done = run(*(str(root) if word == "WS" else word for word in words))
        assert done.code == 0, (line, done)
    manager = Manager(Workspace(root))
    try:
        told = manager.answer("pathways", Asked(path="pathway", query={"pathway": "small"}))
        assert told.status == 200, told.body
        assert "Imaging within 28 days before a resection" in told.body
        due = manager.answer("pathways", Asked(path="api/patients/1", language="zh")).body["due"]
        assert ("肝切除前 28 天内行增强影像", "示例路径") in {(one["title"], one["pathway_title"]) for one in due}
    finally:
        manager.close()
