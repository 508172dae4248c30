"""An evidence pack: acts that are in the log as they are shown, in a folder that is as it was logged.

Checked from the folder, the policy and, if it is at hand, a copy of the log: then also that nothing is missing.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path

from .entry import read_entry
from .log import published
from .note import Refuted
from .policy import Policy
from .proof import check_proof

OUTSIDE = {"manifest.json", "pack.json", "pack.tlog-proof"}


@dataclass
class Pack:
    """What was found. The pack holds when `faults` is empty; `whole` is None where no log was at hand to compare."""

    about: str = ""
    acts: int = 0
    whole: bool | None = None
    faults: list[str] = field(default_factory=list)


def check_pack(folder: Path, policy: Policy, ledger: Path | None = None) -> Pack:
    """Check the pack in a folder."""
    pack = Pack()
    try:
        manifest = _read(folder, "manifest.json")
        told = json.loads(manifest)
        pack.about = str(told["about"])
        made = json.loads(_read(folder, "pack.json"))
        entry = _proved(_read(folder, "pack.tlog-proof"), made, policy)
        if entry.get("object") != told["pack"] or made["act"]["body"]["manifest"] != _digest(manifest):
            pack.faults.append("the manifest is not the one that was logged")
        _files(folder, told["files"], pack)
        entries = _acts(folder, policy, pack)
        if pack.acts != told["acts"]:
            pack.faults.append("the pack has another number of acts than its manifest says")
        if ledger is not None and told["grant"]:
            _whole(ledger, policy, told["grant"], entries | {str(entry["id"])}, pack)
    except Refuted as error:
        pack.faults.append(str(error))
    except (ValueError, KeyError, TypeError):
        pack.faults.append("a file of the pack cannot be read")
    return pack


def _files(folder: Path, listed: dict[str, str], pack: Pack) -> None:
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - OUTSIDE
    pack.faults += [f"the file {name} is not of the pack" for name in sorted(there - set(listed))]
    for name, digest in listed.items():
        if name not in there:
            pack.faults.append(f"the file {name} is gone")
        elif _digest(_read(folder, name)) != digest:
            pack.faults.append(f"the file {name} was altered")


def _acts(folder: Path, policy: Policy, pack: Pack) -> set[str]:
    found: set[str] = set()
    for line in _read(folder, "acts.jsonl").splitlines():
        shown = json.loads(line)
        name = str(shown["entry"])
        try:
            _proved(_read(folder, f"proofs/{name.rpartition('/')[2]}.tlog-proof"), shown, policy)
        except Refuted as error:
            pack.faults.append(f"the act of entry {name}: {error}")
        found.add(name)
        pack.acts += 1
    return found


def _proved(proof: bytes, shown: dict[str, object], policy: Policy) -> dict[str, str | int]:
    """The entry of an act: it is in the log, and its hash, if it has one, is that of the act as it is shown."""
    fields = read_entry(check_proof(proof, policy).entry)
    act = shown["act"]
    if fields is None or not isinstance(act, dict) or not fields["id"] == shown["entry"] == act["entry"]:
        raise Refuted("the proof is of another entry")
    hashes = {name: value for name, value in fields.items() if str(value).startswith("sha256:")}
    plain = json.dumps(act, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    if hashes:
        digest = hmac.new(bytes.fromhex(str(shown["salt"])), plain, hashlib.sha256).hexdigest()
        if f"sha256:{digest}" not in hashes.values():
            raise Refuted("what is shown is not what was logged")
    elif (act["subject"], act["grant"]) != (fields.get("session"), fields.get("grant")):
        raise Refuted("what is shown is not what was logged")
    return fields


def _whole(ledger: Path, policy: Policy, grant: str, shown: set[str], pack: Pack) -> None:
    """Every entry of the log that names the grant is in the pack, up to the pack's own."""
    missing = []
    last = max((at for at, raw in enumerate(published(ledger, policy)) if (read_entry(raw) or {}).get("id") in shown),
               default=-1)  # fmt: skip
    for at, raw in enumerate(published(ledger, policy)):
        fields = read_entry(raw) or {}
        if at <= last and fields.get("grant") == grant and fields.get("id") not in shown:
            missing.append(str(fields.get("id")))
    pack.whole = not missing
    pack.faults += [f"the entry {name} of the log is about the grant and is not in the pack" for name in missing]


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise Refuted(f"{name} cannot be read ({error.strerror})") from None


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
