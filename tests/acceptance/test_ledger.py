"""Outside vectors of the log, each exactly.

Sources: transparency-dev/merkle testdata (518 cases of inclusion, consistency and of both for subtrees, Apache-2.0);
transparency-dev/tessera testdata (a log of 15 entries with 16 signed checkpoints, Apache-2.0); C2SP specifications
(CC BY 4.0) with the example of signed-note.
"""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from isthmus.ledger.key import Key, Vkey
from isthmus.ledger.log import Batch, Log
from isthmus.ledger.note import Checkpoint, Note
from isthmus.ledger.tiles import Tiles
from isthmus.ledger.tree import inclusion, is_consistent, is_included, leaf_hash
from isthmus.ledger.verify import tree
from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.note import is_signed, read_checkpoint, read_key
from isthmus.ledger.verify.policy import read_policy

pytestmark = pytest.mark.acceptance

TESSERA = "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
# As in the sample log, with its spelling.
WORDS = [
    *("one", "two", "three", "four", "five", "six", "seven", "eit", "nain", "ten"),
    *("ileven", "twelf", "threeten", "fourten", "fivten"),
]


def _vectors(outside: Path, kind: str) -> list[dict[str, Any]]:
    files = sorted((outside / "priv/merkle/testdata" / kind).rglob("*.json"))
    return [json.loads(path.read_bytes()) for path in files]


def _hashes(case: dict[str, Any], *names: str) -> list[bytes]:
    return [base64.b64decode(case[name]) for name in names]


def _proof(case: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(one) for one in case["proof"] or []]


def test_inclusion(outside: Path) -> None:
    cases = _vectors(outside, "inclusion")
    assert len(cases) == 98
    for case in cases:
        root, leaf = _hashes(case, "root", "leafHash")
        index, size, proof = case["leafIdx"], case["treeSize"], _proof(case)
        assert is_included(proof, leaf, index, size=size, root=root) is not case["wantErr"], case["desc"]
        assert tree.included(proof, leaf, index, size, root) is not case["wantErr"], case["desc"]


def test_consistency(outside: Path) -> None:
    cases = _vectors(outside, "consistency")
    assert len(cases) == 98
    for case in cases:
        old, new = _hashes(case, "root1", "root2")
        sizes, proof = (case["size1"], case["size2"]), _proof(case)
        assert is_consistent(proof, sizes[0], old, sizes[1], new) is not case["wantErr"], case["desc"]
        assert tree.consistent(proof, sizes[0], old, sizes[1], new) is not case["wantErr"], case["desc"]


def test_inclusion_in_a_subtree(outside: Path) -> None:
    cases = _vectors(outside, "subtreeinclusion")
    assert len(cases) == 204
    for case in cases:
        root, leaf = _hashes(case, "root", "leafHash")
        subtree = case["start"], case["end"]
        found = tree.included_within(_proof(case), leaf, case["leafIdx"], subtree, root)
        assert found is not case["wantErr"], case["desc"]


def test_consistency_of_a_subtree(outside: Path) -> None:
    cases = _vectors(outside, "subtreeconsistency")
    assert len(cases) == 118
    for case in cases:
        inner, root = _hashes(case, "root1", "root2")
        found = tree.consistent_within(_proof(case), (case["start"], case["end"]), inner, case["size"], root)
        assert found is not case["wantErr"], case["desc"]


def test_every_checkpoint_of_tesseras_log_is_verified_by_both(outside: Path) -> None:
    notes = sorted((outside / "app/tessera-log/testdata/log").glob("checkpoint*"))
    assert len(notes) == 17
    for path in notes:
        content = path.read_bytes()
        assert Note.parse(content).signed_by(Vkey.parse(TESSERA)), path.name
        assert is_signed(read_checkpoint(content), read_key(TESSERA)), path.name


def test_tesseras_tiles_give_its_roots_and_proofs(outside: Path) -> None:
    folder = outside / "app/tessera-log/testdata/log"
    for size in range(1, 16):
        checkpoint = Checkpoint.parse(Note.parse((folder / f"checkpoint.{size}").read_bytes()).text)
        held = Tiles(folder, size)
        assert (checkpoint.size, held.span(0, size)) == (size, checkpoint.root)
        assert [one.decode() for one in held.entries()] == WORDS[:size]
        for index in range(size):
            path = inclusion(held.span, index, 0, size)
            assert tree.included(path, leaf_hash(WORDS[index].encode()), index, size, checkpoint.root)


def test_the_same_entries_give_the_same_files_as_tessera_wrote(outside: Path, tmp_path: Path) -> None:
    theirs = outside / "app/tessera-log/testdata/log"
    log = Log(tmp_path, Key.make("example.com/log/testdata"), check=len)
    for word in WORDS:
        log.append(Batch(word, [word.encode()]))
        log.publish()
    files = sorted(path.relative_to(theirs) for path in (theirs / "tile").rglob("*") if path.is_file())
    assert len(files) == 30
    assert {path: (tmp_path / path).read_bytes() for path in files} == {
        path: (theirs / path).read_bytes() for path in files
    }


def test_the_verifier_accepts_tesseras_whole_log(outside: Path, tmp_path: Path) -> None:
    theirs = outside / "app/tessera-log/testdata/log"
    shutil.copytree(theirs / "tile", tmp_path / "tile")
    shutil.copy(theirs / "checkpoint", tmp_path / "checkpoint")
    policy = read_policy(f"log {TESSERA}\nquorum none\n")
    known = [(theirs / f"checkpoint.{size}").read_bytes() for size in range(16)]
    report = check_log(tmp_path, policy, known=known, typed=False)
    assert (report.faults, report.published) == ([], 15)


def test_the_example_of_signed_note(outside: Path) -> None:
    text = (outside / "app/c2sp/signed-note.md").read_text(encoding="utf-8")
    found = re.search(
        r"^ {4}(?P<vkey>example\.com/foo\+\S+)$.*?^```\n(?P<note>.*?)^```", text, re.DOTALL | re.MULTILINE
    )
    assert found is not None
    assert Note.parse(found["note"].encode()).signed_by(Vkey.parse(found["vkey"]))
