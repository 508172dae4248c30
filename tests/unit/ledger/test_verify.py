"""The verifier: what it finds, that it stands alone, and that it shares nothing with the writer."""

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import isthmus.ledger.verify as verifier
from isthmus.ledger import entry
from isthmus.ledger.identifier import mint
from isthmus.ledger.key import Key
from isthmus.ledger.log import Batch, Log
from isthmus.ledger.quorum import policy
from isthmus.ledger.verify.log import check_log
from isthmus.ledger.verify.note import Refuted
from isthmus.ledger.verify.policy import read_policy
from isthmus.ledger.verify.proof import check_proof
from lib import logs

FOLDER = Path(verifier.__file__).parent


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add("." * node.level + (node.module or "").split(".")[0])
    return found


def test_the_verifier_imports_nothing_of_isthmus() -> None:
    for path in FOLDER.glob("*.py"):
        outside = {name for name in _imports(path) if name.split(".")[0] not in sys.stdlib_module_names}
        siblings = {f".{one.stem}" for one in FOLDER.glob("*.py")}
        assert outside <= siblings | {"cryptography"}, path.name


def test_the_writer_imports_nothing_of_the_verifier() -> None:
    for path in FOLDER.parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("isthmus.ledger.verify"), path.name
                assert "verify" not in {alias.name for alias in node.names}, path.name


def _alone(tmp_path: Path, *arguments: object) -> tuple[int, dict[str, object]]:
    """Run a copy of the folder, with Python isolated from everything of ours."""
    shutil.copytree(FOLDER, tmp_path / "alone" / "verify", dirs_exist_ok=True)
    lines = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'alone')!r})",
        "from verify.__main__ import main",
        "code = main(sys.argv[1:])",
        "assert not [name for name in sys.modules if name.startswith('isthmus')]",
        "sys.exit(code)",
    )
    code = "\n".join(lines)
    run = subprocess.run(
        [sys.executable, "-I", "-c", code, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


def test_it_runs_alone_on_a_log_and_on_a_proof(tmp_path: Path) -> None:
    made = logs.filled(tmp_path / "made", 300)
    rules = tmp_path / "policy"
    rules.write_text(made.policy)
    code, found = _alone(tmp_path, "log", made.folder, "--policy", rules, "--quorum")
    assert (code, found["holds"], found["published"], found["pending"]) == (0, True, 300, 30)
    assert found["witnesses"] == ["east", "north", "commission"]
    proof = tmp_path / "entry.tlog-proof"
    proof.write_bytes(made.log.proof(123))
    code, found = _alone(tmp_path, "proof", proof, "--policy", rules)
    assert (code, found["index"], found["size"]) == (0, 123, 300)
    assert str(found["entry"]).encode() == made.log.entry(123)
    proof.write_bytes(made.log.proof(123).replace(b"index 123", b"index 124"))
    code, found = _alone(tmp_path, "proof", proof, "--policy", rules)
    assert (code, found["holds"]) == (7, False)


def test_every_part_of_a_proof_file_matters(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 300, pending=0)
    rules = read_policy(made.policy)
    content = made.log.proof(200)
    assert check_proof(content, rules).entry == made.log.entry(200)
    lines = content.decode().split("\n")
    for number, line in enumerate(lines):
        if line:
            harmed = [*lines[:number], line[:-3] + ("A" if line[-3] != "A" else "B") + line[-2:], *lines[number + 1 :]]
            with pytest.raises(Refuted):
                check_proof("\n".join(harmed).encode(), rules)
    with pytest.raises(Refuted, match="another entry"):
        check_proof(content, rules, made.log.entry(201))


def test_a_proof_of_an_entry_that_is_not_witnessed_yet_lacks_the_quorum(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 300, pending=5)
    made.log.publish()
    assert check_proof(made.log.proof(299), read_policy(made.policy)).size == 300
    with pytest.raises(Refuted, match="too few"):
        check_proof(made.log.proof(301), read_policy(made.policy))
    alone = read_policy(policy([made.log.key.vkey], None))
    assert check_proof(made.log.proof(301), alone).index == 301


def test_a_log_that_was_cut_back_or_rewritten_contradicts_what_was_seen(tmp_path: Path) -> None:
    key = Key.make(logs.ORIGIN)
    rules = read_policy(policy([key.vkey], None))
    log = Log(tmp_path / "true", key)
    log.append(Batch("a", logs.entries(30)))
    seen = log.publish().content
    cut = Log(tmp_path / "cut", key)
    cut.append(Batch("a", logs.entries(29)))
    cut.publish()
    other = Log(tmp_path / "other", key)
    other.append(Batch("a", logs.entries(35, seed=2)))
    other.publish()
    assert check_log(tmp_path / "true", rules, known=[seen]).faults == []
    assert "cut back" in "".join(check_log(tmp_path / "cut", rules, known=[seen]).faults)
    assert "history was changed" in "".join(check_log(tmp_path / "other", rules, known=[seen]).faults)
    assert "not signed" in "".join(
        check_log(tmp_path / "true", read_policy(policy([Key.make(logs.ORIGIN).vkey], None))).faults
    )


def test_editions_must_be_those_that_were_logged(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 100, pending=10)
    read = [entry.decode(one) for one in logs.entries(110)]
    editions = {
        str(one["edition"]): str(one["manifest"]).removeprefix("sha256:") for one in read if one["kind"] == "edition"
    }
    rules = read_policy(made.policy)
    assert len(editions) == 3
    assert check_log(made.folder, rules, editions=editions).faults == []
    name = min(editions)
    altered = {**editions, name: "0" * 64}
    missing = {key: value for key, value in editions.items() if key != name}
    added = {**editions, mint(logs.PREFIX, "ED"): "0" * 64}
    for harmed, fault in ((altered, "is not the one"), (missing, "is not there"), (added, "never logged")):
        assert fault in "".join(check_log(made.folder, rules, editions=harmed).faults)


def test_an_entry_logged_twice_or_of_another_form_is_told(tmp_path: Path) -> None:
    key = Key.make(logs.ORIGIN)
    log = Log(tmp_path, key, check=len)
    one, two = logs.entries(2)
    log.append(Batch("a", [one, two]), Batch("b", [one]), Batch("c", [b'{"id":"x","kind":"Zhang San was here"}']))
    log.publish()
    faults = check_log(tmp_path, read_policy(policy([key.vkey], None))).faults
    assert faults == ["entry 2 repeats the identifier of another", "entry 3 is not of the form of an entry"]


def test_a_foreign_signature_is_told_unless_strangers_are_allowed(tmp_path: Path) -> None:
    made = logs.filled(tmp_path, 50)
    alone = read_policy(policy([made.log.key.vkey], None))
    assert "does not name" in "".join(check_log(made.folder, alone).faults)
    assert check_log(made.folder, alone, strangers=True).faults == []
