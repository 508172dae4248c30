"""`python -m verify log DIR --policy FILE [--known CHECKPOINT]… [--editions FILE]`, `… proof FILE --policy FILE`,
`… pack DIR --policy FILE [--ledger DIR]`.

Leaves with 0 when all holds, 7 when something does not, 2 for wrong use. Answers are one JSON document.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from .log import check_log
from .note import Refuted
from .pack import check_pack
from .policy import read_policy
from .proof import check_proof, shown


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the verifier."""
    parser = argparse.ArgumentParser(prog="verify", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    log = commands.add_parser("log", help="a whole log")
    log.add_argument("target", type=Path)
    log.add_argument("--known", type=Path, action="append", default=[], help="a checkpoint that was seen before")
    log.add_argument("--editions", type=Path, help='JSON: {"identifier": "SHA-256 of the manifest", …}')
    log.add_argument("--quorum", action="store_true", help="fail also when too few witnesses have signed")
    proof = commands.add_parser("proof", help="a proof file")
    proof.add_argument("target", type=Path)
    pack = commands.add_parser("pack", help="an evidence pack")
    pack.add_argument("target", type=Path)
    pack.add_argument("--ledger", type=Path, help="a copy of the log, to see that no act is missing")
    for command in (log, proof, pack):
        command.add_argument("--policy", type=Path, required=True, help="whose signatures count (C2SP tlog-policy)")
    chosen = parser.parse_args(arguments)
    try:
        found = {"proof": _proof, "pack": _pack, "log": _log}[chosen.command](chosen)
    except (Refuted, OSError, ValueError) as error:
        found = {"holds": False, "faults": [str(error)]}
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 0 if found["holds"] else 7


def _log(chosen: argparse.Namespace) -> dict[str, object]:
    policy = read_policy(chosen.policy.read_text(encoding="utf-8"))
    editions = json.loads(chosen.editions.read_bytes()) if chosen.editions else None
    known = [path.read_bytes() for path in chosen.known]
    report = check_log(chosen.target, policy, known=known, editions=editions)
    if chosen.quorum and not report.quorum:
        report.faults.append("too few of the witnesses that the policy asks for have signed")
    return {"holds": not report.faults, **asdict(report)}


def _proof(chosen: argparse.Namespace) -> dict[str, object]:
    policy = read_policy(chosen.policy.read_text(encoding="utf-8"))
    proven = check_proof(chosen.target.read_bytes(), policy)
    facts = {"index": proven.index, "origin": proven.origin, "size": proven.size, "witnesses": proven.witnesses}
    return {"holds": True, **facts, "entry": shown(proven)}


def _pack(chosen: argparse.Namespace) -> dict[str, object]:
    found = check_pack(chosen.target, read_policy(chosen.policy.read_text(encoding="utf-8")), chosen.ledger)
    return {"holds": not found.faults, **asdict(found)}


if __name__ == "__main__":
    sys.exit(main())
