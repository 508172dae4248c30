"""Trees, proofs and quorums against the recursive definitions, and against each other."""

import random
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.ledger.key import Key
from isthmus.ledger.note import Checkpoint, Note, signed
from isthmus.ledger.quorum import Quorum, Witnessing, policy
from isthmus.ledger.tiles import Tiles, grow
from isthmus.ledger.tree import (
    Edge,
    inclusion,
    is_consistent,
    is_included,
    is_subtree,
    leaf_hash,
    subtree_consistency,
)
from isthmus.ledger.verify import tree
from isthmus.ledger.verify.note import read_checkpoint
from isthmus.ledger.verify.policy import read_policy
from lib import merkle

ENTRIES = [b"entry %d" % number for number in range(70)]
KEYS = [Key("w", "ed25519-cosign", bytes([number]) * 32) for number in range(6)]


def _span(start: int, end: int) -> bytes:
    return merkle.mth(ENTRIES[start:end])


@given(st.integers(1, 70), st.data())
def test_inclusion_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    other = data.draw(st.integers(0, 80))
    path, root = inclusion(_span, index, 0, size), _span(0, size)
    assert path == merkle.path(index, ENTRIES[:size])
    leaf = leaf_hash(ENTRIES[index])
    for found in (is_included(path, leaf, other, size=size, root=root), tree.included(path, leaf, other, size, root)):
        assert found is (other == index)


@given(st.integers(1, 70), st.data())
def test_consistency_is_proved_and_nothing_else(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))
    proof = merkle.proof(old, ENTRIES[:size])
    assert subtree_consistency(_span, 0, old, size) == proof
    one, other = _span(0, old), data.draw(st.sampled_from([_span(0, old), _span(0, 1), bytes(32)]))
    for found in (
        is_consistent(proof, old, other, size, _span(0, size)),
        tree.consistent(proof, old, other, size, _span(0, size)),
    ):
        assert found is (one == other)


@given(st.integers(1, 70), st.data())
def test_subtrees_are_proved(size: int, data: st.DataObject) -> None:
    ranges = [(low, high) for low in range(size) for high in range(low + 1, size + 1) if is_subtree(low, high)]
    start, end = data.draw(st.sampled_from(ranges))
    proof = subtree_consistency(_span, start, end, size)
    assert proof == merkle.subproof(start, end, ENTRIES[:size], True)
    assert tree.consistent_within(proof, (start, end), _span(start, end), size, _span(0, size))
    index = data.draw(st.integers(start, end - 1))
    path = inclusion(_span, index, start, end)
    assert tree.included_within(path, leaf_hash(ENTRIES[index]), index, (start, end), _span(start, end))


@given(st.lists(st.integers(0, 40), max_size=4))
def test_the_right_edge_knows_the_root(groups: list[int]) -> None:
    edge, size = Edge(), 0
    whole = [b"%d" % number for number in range(sum(groups))]
    for count in groups:
        edge.extend(leaf_hash(one) for one in whole[size : size + count])
        size += count
        assert edge.root() == merkle.mth(whole[:size]) == tree.fold([leaf_hash(one) for one in whole[:size]])


@settings(max_examples=8, deadline=None)
@given(st.lists(st.integers(1, 700), min_size=1, max_size=3))
def test_tiles_that_grow_in_any_steps_hold_the_same(steps: list[int]) -> None:
    whole = [b"%d" % number for number in range(sum(steps))]
    size = 0
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for count in steps:
            assert grow(root, size, whole[size : size + count], root / "drafts") == merkle.mth(whole[: size + count])
            size += count
        assert list(Tiles(root, size).entries()) == whole


def _quorum(chance: random.Random, names: list[str], depth: int, path: str = "g") -> Quorum:
    members: list[Quorum | Witnessing] = []
    for number in range(chance.randint(1, 3)):
        if depth and chance.random() < 0.5 and len(names) > 1:
            members.append(_quorum(chance, names, depth - 1, f"{path}{number}"))
        elif names:
            name = names.pop()
            members.append(Witnessing(name, KEYS[int(name[1:])].vkey))
    if not members:
        members.append(Witnessing(f"{path}-", Key("w", "ed25519-cosign", path.encode().ljust(32)).vkey))
    return Quorum.some(path, chance.randint(1, len(members)), *members)


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.sets(st.integers(0, 5)))
def test_writer_and_verifier_agree_on_every_quorum(chance: random.Random, signing: set[int]) -> None:
    names = ["w1", "w2", "w3", "w4", "w5"]
    chance.shuffle(names)
    quorum = _quorum(chance, names, 2) if chance.random() < 0.9 else Quorum.any_of("g", Witnessing("w0", KEYS[0].vkey))
    log = Key("log", "ed25519", bytes(32))
    text = Checkpoint("log", 0, merkle.mth([])).text
    note = Note(text, (signed(text, log), *(signed(text, KEYS[number], time=5) for number in sorted(signing))))
    read = read_policy(policy([log.vkey], quorum))
    assert read.suffices(read.accepts(read_checkpoint(note.content))) is quorum.is_met(note)
