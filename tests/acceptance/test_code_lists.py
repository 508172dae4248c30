"""Outside code lists become vocabularies whole, and are found by what people type.

Lists: ICD-10 in its Beijing clinical edition 6.01 (40,474 codes, as the terms of CHIP-CDN) and in its insurance edition
(33,304, OpenDRG). Counts are those of the files' rows. The Beijing list is written as GB18030 here, as hospitals do.
"""

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from isthmus.flow import start
from isthmus.flow.terminology import pack as vocabulary_pack
from isthmus.flow.terminology.service import Terminology, Wanted
from lib import vocabularies, workspace

pytestmark = pytest.mark.acceptance
BEIJING, INSURANCE = "ICD10-BJ-6.01", "ICD10-YB-2.0"


def _rows(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))[1:]


@pytest.fixture(scope="module")
def lists(outside: Path) -> dict[str, list[list[str]]]:
    return {
        BEIJING: _rows(outside / "cn/diagnosis_terms/icd10_beijing_v601.csv"),
        INSURANCE: _rows(outside / "cn/opendrg_chs11/tables/icd10_yb.csv"),
    }


@pytest.fixture(scope="module")
def terms(lists: dict[str, list[list[str]]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminology]:
    root = tmp_path_factory.mktemp("lists")
    opened = start.new(root / "ws", synthetic=True)
    shared = {row[0] for row in lists[BEIJING]} & {row[0] for row in lists[INSURANCE]}
    same = dict(map(tuple, lists[INSURANCE]))  # type: ignore[arg-type] # rows of two texts
    maps = "".join(f"{code},{INSURANCE},{code},equal\n" for code, name in lists[BEIJING]
                   if code in shared and same[code] == name)  # fmt: skip
    for vocabulary, edition in ((INSURANCE, "2.0"), (BEIJING, "6.01")):
        text = "\n".join(['"code","name"', *(f'"{code}","{name}"' for code, name in lists[vocabulary])])
        pack = vocabularies.write(
            root, text.encode("gb18030"), vocabulary=vocabulary, edition=edition, hierarchy="code",
            maps=f"code,vocabulary,target,relation\n{maps}" if vocabulary == BEIJING else "",
        )  # fmt: skip
        loaded = vocabulary_pack.load(opened, pack)
        assert loaded.rows["concept"] == len(lists[vocabulary]) + 1  # one stands for the list itself
    ids = [row["concept_id"] for row in workspace.rows(opened, "concept")]
    assert len(ids) == len(set(ids))
    with Terminology.of(opened) as found:
        yield found


def test_every_code_is_there_with_its_edition(terms: Terminology, lists: dict[str, list[list[str]]]) -> None:
    told = {one["vocabulary"]: (one["edition"], one["codes"]) for one in terms.vocabularies()}
    assert told[BEIJING] == ("6.01", len(lists[BEIJING]))
    assert told[INSURANCE] == ("2.0", len(lists[INSURANCE]))


def test_the_same_code_of_two_editions_is_two_concepts(terms: Terminology) -> None:
    ours, theirs = (terms.validate(one, "C22.000").code for one in (BEIJING, INSURANCE))
    assert theirs is not None
    assert ours is None or ours.concept_id != theirs.concept_id


def test_every_name_is_found_first_by_itself(terms: Terminology, lists: dict[str, list[list[str]]]) -> None:
    chance = np.random.default_rng(17)
    chosen = [lists[BEIJING][at] for at in chance.choice(len(lists[BEIJING]), 300, replace=False)]
    own = Wanted(vocabularies=(BEIJING,))
    taken, first = [], 0
    for code, name in chosen:
        begun = time.perf_counter()
        hits = terms.search(name, own)
        taken.append(time.perf_counter() - begun)
        first += any(hit.code == code for hit in hits) and hits[0].name == name
    print(f"{first} of {len(chosen)} names first; 95 of 100 in {np.quantile(taken, 0.95) * 1e3:.1f} ms")
    assert first == len(chosen)


@pytest.mark.parametrize(
    ("text", "name"),
    [("gxba", "肝细胞癌"), ("ganxibaoai", "肝细胞癌"), ("gaoxueya", "高血压"), ("tnb", "糖尿病"),
     ("pangguangyan", "膀胱炎"), ("mxzsxfb", "其他慢性阻塞性肺病"), ("lanweiyan", "阑尾炎")],
)  # fmt: skip
def test_a_disease_is_found_as_it_is_typed(terms: Terminology, text: str, name: str) -> None:
    assert name in [hit.name for hit in terms.search(text, Wanted(vocabularies=(BEIJING,)), most=5)]
