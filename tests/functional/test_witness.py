"""Two of three hospitals and the commission sign a workspace's log; it cannot be set back or told anew after that."""

from pathlib import Path

import pytest

from lib import granted
from lib.command import Done, complaint, run
from lib.granted import House

NAMES = ("east", "west", "north", "commission")


def _policy(keys: dict[str, str]) -> str:
    lines = [f"witness {name} {keys[name]}" for name in NAMES]
    groups = ["group hospitals 2 east west north", "group consortium all hospitals commission", "quorum consortium"]
    return "\n".join([*lines, *groups, ""])


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A workspace with a grant, and four witnesses who have been appointed."""
    folder = tmp_path_factory.mktemp("witness")
    house = granted.granted(folder, patients=3)
    keys = {name: run("witness", "key", folder / name, f"{name}.example.org").out.strip() for name in NAMES}
    (folder / "policy").write_text(_policy(keys))
    done = house.run("root", "witness", "policy", house.root, folder / "policy")
    assert done.code == 0, done
    assert "quorum consortium" in done.out
    return house


def _signed(house: House, folder: Path, name: str, old: int = 0) -> Path:
    """The answer of a witness whose folder is below the house's."""
    asked, answer = folder / f"{name}.request", folder / f"{name}.answer"
    assert run("witness", "request", house.root, "--old", str(old), "--out", asked).code == 0
    log = house.root / "keys" / "log.vkey"
    done = run("witness", "sign", house.root.parent / name, asked, "--log", log, "--out", answer)
    assert done.code == 0, done
    return answer


def test_a_quorum_signs_and_verify_says_who(house: House, tmp_path: Path) -> None:
    assert "nobody yet" in run("verify", house.root).out
    for name in ("east", "commission"):
        assert run("witness", "take", house.root, _signed(house, tmp_path, name)).out.startswith("no checkpoint has")
        assert house.ask("select 1 as n").code == 0  # the log goes on meanwhile: each signs another checkpoint
    for name, old in (("east", 0), ("west", 0), ("commission", 0)):
        done = run("witness", "request", house.root, "--out", tmp_path / "again")
        assert done.code == 0
        if name != "west":
            said = complaint(_refused(house, tmp_path, name), 5)
            old = int(said.split("size ")[1].split()[0])
        _signed(house, tmp_path, name, old)
    done = run("witness", "take", house.root, *(tmp_path / f"{name}.answer" for name in ("east", "west", "commission")),
               "--json")  # fmt: skip
    found = done.document()
    assert found["signed"] == ["east", "west", "commission"]
    assert found["witnessed"] == found["published"] > 10
    done = run("verify", house.root)
    assert done.code == 0, done
    assert "east, west, commission" in " ".join(done.out.split())


def _refused(house: House, folder: Path, name: str) -> Done:
    log = house.root / "keys" / "log.vkey"
    return run("witness", "sign", house.root.parent / name, folder / "again", "--log", log, "--out", folder / "none")


def test_a_log_that_was_set_back_is_not_signed_and_shows(house: House, tmp_path: Path) -> None:
    """Records and log are put back together, as only the operator can: alone they agree with each other."""
    before = house.copied(tmp_path / "before")
    for number in range(3):
        assert house.ask(f"select {number} as n").code == 0
    _signed(house, tmp_path, "north")
    assert before.ask("select 7 as n").code == 0
    assert run("witness", "request", before.root, "--out", tmp_path / "again").code == 0
    assert "was signed last" in complaint(_refused(house, tmp_path, "north"), 5)
    size = run("witness", "show", before.root, "--json").document()["published"]
    asked = (tmp_path / "again").read_bytes().replace(b"old 0", b"old %d" % size)
    (tmp_path / "again").write_bytes(asked)
    assert "was signed last" in complaint(_refused(house, tmp_path, "north"), 5)
    assert not (tmp_path / "none").exists()


def test_what_was_witnessed_and_is_gone_is_found(house: House, tmp_path: Path) -> None:
    harmed = house.copied(tmp_path / "ws")
    for name in ("witnessed", "checkpoint"):
        path = harmed.root / "ledger" / name
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(one for one in lines if "east.example.org" not in one), encoding="utf-8")
    assert "lost signatures" in run("verify", harmed.root).err
    for text in ("quorum none\n", None):
        changed = house.copied(tmp_path / f"changed{text is None}")
        appointed = changed.root / "keys" / "witnesses"
        appointed.write_text(text) if text else appointed.unlink()
        done = run("verify", changed.root)
        assert done.code == 7
    again = house.copied(tmp_path / "again")
    appointed = again.root / "keys" / "witnesses"
    appointed.write_text(appointed.read_text().replace("hospitals 2", "hospitals 1"))
    assert "not those that were appointed" in run("verify", again.root).err


def test_answers_of_others_and_altered_ones_count_for_nothing(house: House, tmp_path: Path) -> None:
    assert run("witness", "key", tmp_path / "other", "other.example.org").code == 0
    asked, answer = tmp_path / "request", tmp_path / "answer"
    assert run("witness", "request", house.root, "--out", asked).code == 0
    log = house.root / "keys" / "log.vkey"
    assert run("witness", "sign", tmp_path / "other", asked, "--log", log, "--out", answer).code == 0
    assert "of no witness" in complaint(run("witness", "take", house.root, answer), 3)
    (tmp_path / "false").write_text(answer.read_text().replace("other.example.org", "east.example.org"))
    assert run("witness", "take", house.root, tmp_path / "false").code == 3
    old = (house.root.parent / "north" / "witness.key").read_text()
    assert old  # a key is made once: another one would have to be appointed
    assert run("witness", "key", house.root.parent / "north", "north.example.org").code == 3
    wrong = tmp_path / "wrong.vkey"
    wrong.write_text(run("witness", "key", tmp_path / "log", "log.example.org").out)
    done = run("witness", "sign", house.root.parent / "north", asked, "--log", wrong, "--out", tmp_path / "none")
    assert "not known here" in complaint(done, 5)


def test_only_an_administrator_appoints_and_none_who_signed_is_dropped(house: House, tmp_path: Path) -> None:
    policy = house.root.parent / "policy"
    assert "no administrator" in complaint(house.run("cai", "witness", "policy", house.root, policy), 5)
    (tmp_path / "none").write_text("quorum none\n")
    done = house.run("root", "witness", "policy", house.root, tmp_path / "none")
    assert "would lack signatures" in complaint(done, 3)
    (tmp_path / "bad").write_text("witness east x\nquorum east\n")
    assert "line 1" in complaint(house.run("root", "witness", "policy", house.root, tmp_path / "bad"), 3)
    unappointed = granted.peopled(tmp_path, patients=3)
    assert "has no witnesses" in complaint(run("witness", "request", unappointed.root, "--out", tmp_path / "x"), 3)


def test_a_pack_has_the_witnessed_checkpoint_and_is_checked_by_either_policy(house: House, tmp_path: Path) -> None:
    done = house.run("aud", "evidence", "pack", house.root, "--grant", house.grant, "--out", tmp_path / "pack")
    assert done.code == 0, done
    assert "group hospitals 2 east west north" in (tmp_path / "pack" / "policy").read_text()
    done = run("evidence", "check", tmp_path / "pack", "--key", house.root / "keys" / "log.vkey")
    assert done.code == 0, done
