"""Everything done under a grant as a pack that others check, and as a Five Safes RO-Crate."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from isthmus.gate.office.crate import NAME, faults
from isthmus.ledger.verify.pack import check_pack
from isthmus.ledger.verify.policy import read_policy
from lib import granted
from lib.command import complaint, run
from lib.granted import House

COUNT = "select gender_concept_id as sex, count(*) as n from person group by all"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A workspace with a grant under which was asked, refused and released."""
    made = granted.granted(tmp_path_factory.mktemp("evidence"), patients=40)
    assert made.ask("select count(*) from person").code == 0
    assert made.ask("select * from note").code == 5
    done = made.run("ann", "release", "request", made.root, "--grant", made.grant, "--sql", COUNT, "--counts", "n",
                    "--context", "persons by sex; nothing else is shown of them", "--json")  # fmt: skip
    for who in ("chen", "chi"):
        made.run(who, "release", "check", made.root, done.document()["release"], "--said", "approve")
    return made


@pytest.fixture(scope="module")
def pack(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("packs") / "pack"
    done = house.run("aud", "evidence", "pack", house.root, "--grant", house.grant, "--out", out)
    assert done.code == 0, done
    return out


def _check(house: House, pack: Path, *words: str | Path) -> object:
    return run("evidence", "check", pack, "--key", house.root / "keys" / "log.vkey", "--json", *words)


def test_a_pack_holds_and_nothing_is_missing(house: House, pack: Path) -> None:
    told = run("evidence", "check", pack, "--key", house.root / "keys" / "log.vkey", "--ledger",
               house.root / "ledger", "--json").document()  # fmt: skip
    lines = house.run("aud", "log", house.root, "--grant", house.grant, "--json").document()
    assert (told["holds"], told["whole"], told["about"]) == (True, True, house.grant)
    assert told["acts"] == len(lines) - 1, "all that was done before the pack itself"
    acts = {json.loads(line)["act"]["act"] for line in (pack / "acts.jsonl").read_text("utf-8").splitlines()}
    assert {"submit", "vote", "grant", "allowed", "refused", "request", "approve"} <= acts


def test_the_verifier_alone_checks_it(house: House, pack: Path, tmp_path: Path) -> None:
    policy = read_policy((pack / "policy").read_text("utf-8"))
    assert not check_pack(pack, policy, house.root / "ledger").faults
    other = granted.peopled(tmp_path, patients=3)
    stranger = read_policy(f"log {(other.root / 'keys/log.vkey').read_text('utf-8').strip()}\nquorum none\n")
    assert "not signed by the log" in check_pack(pack, stranger).faults[0]


def _altered(pack: Path) -> None:
    path = pack / "acts.jsonl"
    path.write_text(path.read_text("utf-8").replace("of use", "of luck"), "utf-8")


def _redigested(pack: Path) -> None:
    _altered(pack)
    manifest = json.loads((pack / "manifest.json").read_bytes())
    manifest["acts"] += 1
    (pack / "manifest.json").write_text(json.dumps(manifest), "utf-8")


def _shortened(pack: Path) -> None:
    path = pack / "acts.jsonl"
    path.write_text("".join(path.read_text("utf-8").splitlines(keepends=True)[:-1]), "utf-8")


def _swapped(pack: Path) -> None:
    one, other, *_ = sorted((pack / "proofs").iterdir())
    one.write_bytes(other.read_bytes())


def _dropped(pack: Path) -> None:
    next((pack / "proofs").iterdir()).unlink()


def _added(pack: Path) -> None:
    (pack / "more.csv").write_text("1")


@pytest.mark.parametrize("harm", [_altered, _redigested, _shortened, _swapped, _dropped, _added])
def test_a_pack_that_was_altered_is_found(
    house: House, pack: Path, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    copy = shutil.copytree(pack, tmp_path / "copy")
    harm(copy)
    assert _check(house, copy).code == 7  # type: ignore[attr-defined]  # a finished command


def test_who_may_not_see_what_was_done_gets_no_pack(house: House, tmp_path: Path) -> None:
    done = house.run("chen", "evidence", "pack", house.root, "--grant", house.grant, "--out", tmp_path / "no")
    assert "Ask an auditor" in complaint(done, 5)
    assert not (tmp_path / "no").exists()


def test_a_crate_is_whole_and_a_pack(house: House, tmp_path: Path) -> None:
    out = tmp_path / "crate"
    assert house.run("aud", "evidence", "crate", house.root, "--grant", house.grant, "--out", out).code == 0
    document = json.loads((out / NAME).read_bytes())
    there = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert faults(document, there) == []
    nodes = {one["@id"]: one for one in document["@graph"]}
    assert nodes["./"]["conformsTo"] == {"@id": "https://w3id.org/5s-crate/0.4"}
    kinds = [one["additionalType"]["@id"].partition("#")[2] for one in nodes.values() if "additionalType" in one]
    assert kinds.count("SignOff") == 3
    assert kinds.count("DisclosureCheck") == 2
    assert sum(one["@type"] == "CreateAction" for one in nodes.values()) == 3
    assert {"#person-ann", "#person-bo", "#data-person"} <= nodes.keys()
    assert _check(house, out).code == 0  # type: ignore[attr-defined]  # a finished command


def test_faults_of_a_crate_are_told() -> None:
    broken = {"@graph": [{"@id": "./", "@type": "Dataset", "hasPart": [{"@id": "gone.csv"}]},
                         {"@id": "a.csv", "@type": "File"}]}  # fmt: skip
    found = faults(broken, [])
    assert "gone.csv is named and not described" in found
    assert "the file a.csv is not there" in found
    assert "the root has no license" in found
