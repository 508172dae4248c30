"""A witness refuses forks and rollbacks, remembers before it answers, and keeps the evidence."""

import json
from pathlib import Path

import pytest

from isthmus.base.errors import InputError, IntegrityError
from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from isthmus.ledger.note import Checkpoint, Note
from isthmus.ledger.quorum import Quorum, Witnessing, policy
from isthmus.ledger.verify.note import Refuted, read_checkpoint
from isthmus.ledger.verify.policy import read_policy
from isthmus.ledger.witness import Unwitnessed, Witness, answer, proof_of_fork, request
from lib import logs


def _status(witness: Witness, content: bytes) -> int:
    with pytest.raises(Unwitnessed) as refused:
        witness.add_checkpoint(content, time=7)
    return refused.value.status


def test_a_growing_log_is_signed_each_time(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path, mldsa=True)
    whole = logs.entries(60)
    for number in range(3):
        made.log.append(Batch(str(number), whole[number * 20 : number * 20 + 20]))
        note = made.witness(made.log.publish())
        assert made.quorum.is_met(note)
        assert len(note.signatures) == 5
    seen = made.witnesses["east"].seen(logs.ORIGIN)
    assert seen is not None
    assert Checkpoint.parse(seen.text).size == 60


def test_two_of_three_hospitals_and_the_commission(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    made.log.append(Batch("a", logs.entries(5)))
    note = made.log.publish()
    read = read_policy(made.policy)
    for names, enough in [
        (("east", "west", "north"), False),
        (("east", "commission"), False),
        (("east", "west", "commission"), True),
    ]:
        lines = []
        for name in names:
            witness = Witness(tmp_path / "-".join(names) / name, made.witnesses[name].key, made.witnesses[name].logs)
            lines += answer(witness.add_checkpoint(request(0, [], note), time=1))
        full = note.with_signatures(lines)
        assert made.quorum.is_met(full) is enough
        assert read.suffices(read.accepts(read_checkpoint(full.content))) is enough


def _forked(tmp_path: Path, count: int) -> tuple[logs.Consortium, Note]:
    """A log of 40 witnessed entries, and a checkpoint of the same key over another history."""
    made = logs.consortium(tmp_path)
    made.log.append(Batch("a", logs.entries(40)))
    made.witness(made.log.publish())
    evil = Log(tmp_path / "evil", made.log.key)
    evil.append(Batch("a", logs.entries(count, seed=2)))
    return made, evil.publish()


def test_a_fork_of_the_same_size_is_refused_and_kept_as_evidence(tmp_path: Path) -> None:
    made, other = _forked(tmp_path, 40)
    witness = made.witnesses["east"]
    assert _status(witness, request(40, [], other)) == 422
    assert _status(witness, request(0, [], other)) == 409
    ((refused, ours),) = witness.forks()
    assert proof_of_fork(Checkpoint.parse(refused.text), Checkpoint.parse(ours.text))
    assert refused.signed_by(made.log.key.vkey)
    assert ours.signed_by(made.log.key.vkey)


def test_a_fork_that_has_grown_is_refused(tmp_path: Path) -> None:
    made, other = _forked(tmp_path, 50)
    proof = Log(tmp_path / "evil", made.log.key).consistency(40)
    assert _status(made.witnesses["east"], request(40, proof, other)) == 422


def test_a_rollback_is_refused(tmp_path: Path) -> None:
    made, other = _forked(tmp_path, 30)
    witness = made.witnesses["east"]
    assert _status(witness, request(30, [], other)) == 409
    assert _status(witness, request(0, [], other)) == 409
    assert _status(witness, request(40, [], other)) == 400


def test_strangers_and_false_signatures_are_refused(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    witness = made.witnesses["east"]
    note = made.log.publish()
    stranger = Log(tmp_path / "stranger", Key.make("example.net/other")).publish()
    assert _status(witness, request(0, [], stranger)) == 404
    false = Log(tmp_path / "false", Key.make(logs.ORIGIN)).publish()
    assert _status(witness, request(0, [], false)) == 403
    made.log.append(Batch("a", logs.entries(2)))
    moved = Note(made.log.publish().text, note.signatures)
    assert _status(witness, request(0, [], moved)) == 403
    assert _status(witness, request(0, [bytes(32)], made.log.publish())) == 422
    for content in (b"", b"old 1\n\n", b"old 01\n\n" + note.content, b"old 0\nAA*\n\n" + note.content):
        assert _status(witness, content) == 400
    assert witness.seen(logs.ORIGIN) is None


def test_the_same_checkpoint_is_signed_again(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    made.log.append(Batch("a", logs.entries(9)))
    note = made.witness(made.log.publish(), "east")
    assert made.witnesses["east"].add_checkpoint(request(9, [], note), time=9)


def test_a_witness_with_an_altered_memory_signs_nothing(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    made.log.append(Batch("a", logs.entries(9)))
    note = made.witness(made.log.publish(), "east")
    (path,) = (tmp_path / "east").glob("*.json")
    body = json.loads(path.read_bytes())
    body["note"] = body["note"].replace("\n9\n", "\n8\n")
    path.write_text(json.dumps(body))
    with pytest.raises(IntegrityError):
        made.witnesses["east"].add_checkpoint(request(9, [], note), time=9)


def test_a_key_that_does_not_cosign_makes_no_witness(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cosigns"):
        Witness(tmp_path, Key.make("w"), {})


def test_a_false_cosignature_is_not_taken(tmp_path: Path) -> None:
    made = logs.consortium(tmp_path)
    note = made.log.publish()
    made.log.append(Batch("a", logs.entries(2)))
    late = answer(made.witnesses["east"].add_checkpoint(request(0, [], made.log.publish()), time=3))
    with pytest.raises(IntegrityError, match="does not fit"):
        made.log.cosign(note, late, made.quorum)


def test_what_cannot_be_a_group_is_refused() -> None:
    one, two = Key.make("a", "ed25519-cosign").vkey, Key.make("b", "ed25519-cosign").vkey
    for least, members in [
        (0, (Witnessing("a", one),)),
        (2, (Witnessing("a", one),)),
        (1, (Witnessing("a", one), Witnessing("a", two))),
        (1, (Witnessing("a", one), Witnessing("b", one))),
        (1, (Witnessing("a b", one),)),
        (1, ()),
    ]:
        with pytest.raises(InputError):
            Quorum.some("g", least, *members)


@pytest.mark.parametrize(
    "extra",
    [
        "",
        "quorum g\nquorum g\n",
        "quorum x\n",
        "group h 2 w\nquorum h\n",
        "group h 1 g w\nquorum h\n",
        "group w 1 g\nquorum g\n",
        "group h any\nquorum g\n",
        "witness none KEY\nquorum g\n",
        "witness v KEY\nquorum g\n",
        "quorum g\nnonsense\n",
    ],
)
def test_a_policy_that_cannot_be_is_refused(extra: str) -> None:
    key = Key.make("w", "ed25519-cosign").vkey
    text = policy([Key.make("log").vkey], Quorum.any_of("g", Witnessing("w", key)))
    assert read_policy(text).quorum == "g"
    with pytest.raises(Refuted):
        read_policy(text.removesuffix("quorum g\n") + extra.replace("KEY", key.text))
