"""aMAP beside the calculator of its authors' hospital group (`onc/cancerverse_parity/amap_cases.json`, 15 answers).

Source: https://mdac.cuhk.edu.hk/calculators/amap/, which prints whole numbers: equal once rounded, and the same group.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.lake.engine import Engine
from isthmus.research.scores.reader import shipped
from lib.scored import by_engine

pytestmark = pytest.mark.acceptance

GROUPS = {"Low": "low", "Intermediate": "medium", "High": "high"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = Engine(tmp_path, threads=1)
    yield made
    made.close()


def test_amap_gives_the_answers_of_the_published_calculator(outside: Path, engine: Engine) -> None:
    cases = json.loads((outside / "onc" / "cancerverse_parity" / "amap_cases.json").read_text())["cases"]
    rows = [
        {
            "age": case["age"],
            "sex": "male" if case["male"] else "female",
            "bilirubin": case["bili"],
            "albumin": case["alb"],
            "platelets": case["plt"],
        }
        for case in cases
    ]
    answers = by_engine(engine, shipped()["amap"], rows)
    print("aMAP:", [(answer["value"], case["score"]) for answer, case in zip(answers, cases, strict=True)])
    assert len(cases) == 15
    assert [round(answer["value"]) for answer in answers] == [case["score"] for case in cases]
    assert [answer["grade"] for answer in answers] == [GROUPS[case["risk_group"]] for case in cases]
