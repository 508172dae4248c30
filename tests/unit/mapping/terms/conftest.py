"""A small invented world of procedures: hospitals say 肿物摘除, 修补 and 造影检查, the list says it otherwise."""

import numpy as np
import pyarrow as pa
import pytest

from isthmus.mapping.terms.knowledge import Decisions
from isthmus.mapping.terms.model import Model

SITES = ["甲状腺", "乳房", "肝", "胆囊", "胃", "结肠", "直肠", "膀胱", "肾", "肺叶"]
SITES += ["食管", "声带", "子宫", "卵巢", "脾", "胰腺", "前列腺", "喉", "鼻窦", "腮腺"]
ACTS = {"肿物摘除术": "病损切除术", "修补手术": "成形术", "造影检查": "血管造影", "插管引流": "引流管置入术"}
SIDES = ("", "左", "右侧", "经内镜")


@pytest.fixture(scope="session")
def world() -> tuple[pa.Array, np.ndarray, Decisions]:
    """80 targets, the family of each, and 300 decisions on wordings; 20 more wordings are kept aside."""
    names = [site + act for site in SITES for act in ACTS.values()]
    wordings = [(side + site + act, names.index(site + ACTS[act])) for side in SIDES for site in SITES for act in ACTS]
    kept = np.random.default_rng(5).permutation(len(wordings))[:300]
    texts = pa.array([wordings[at][0] for at in kept])
    target = np.array([wordings[at][1] for at in kept])
    return pa.array(names), np.arange(len(names)) // len(ACTS), Decisions(texts, np.arange(300), target)


@pytest.fixture(scope="session")
def aside(world: tuple[pa.Array, np.ndarray, Decisions]) -> Decisions:
    """The 20 wordings on which no decision was made, with the right target of each."""
    names, _, decisions = world
    made = set(decisions.texts.to_pylist())
    called = names.to_pylist()
    rest = [
        (side + site + act, called.index(site + ACTS[act]))
        for side in SIDES
        for site in SITES
        for act in ACTS
        if side + site + act not in made
    ]
    return Decisions(pa.array([text for text, _ in rest]), np.arange(len(rest)), np.array([at for _, at in rest]))


@pytest.fixture(scope="session")
def model(world: tuple[pa.Array, np.ndarray, Decisions]) -> Model:
    """Trained on the small world."""
    return Model.learn(*world)
