"""An evidence pack: acts as a folder that anybody can check with the log's key alone, without this workspace.

It has each act with the salt of its hash, a proof that its entry is in the log, and a manifest of all files. The pack
is an act itself: the hash of its manifest is logged, and the proof of that entry lies beside it. So the log's signature
is the pack's. `python -m isthmus.ledger.verify pack DIR --policy FILE` checks it by code that knows nothing of this.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isthmus.base.durable import replaced
from isthmus.base.errors import InputError
from isthmus.gate.office.trail import done_under
from isthmus.gate.office.unit import Draft, Office, content
from isthmus.gate.office.vault import policy
from isthmus.records.models import Account, Act

CODE = "EV"
WORDS = """\
# {title}

{count} acts, in the order in which they happened: `acts.jsonl`. Beside them `proofs` has for each that its entry is in
the log. `manifest.json` names every file with its SHA-256; `pack.json` is the act by which this pack was made, and
`pack.tlog-proof` proves that the log has it.

To check it, with Python and the folder `isthmus/ledger/verify` only:

    python -m isthmus.ledger.verify pack THIS-FOLDER --policy POLICY

`policy` here is what the workspace says its key is. Compare it with the key that you were given by another way. With
`--ledger DIR` and a copy of the log, the check also tells whether an act under the grant is missing here.
"""


@dataclass(frozen=True, slots=True)
class Made:
    """A pack that was written: its identifier, its folder, and how many acts it has."""

    id: str
    folder: Path
    acts: int


def under_grant(office: Office, grant: str, out: Path, *, by: Account, more: Mapping[str, bytes] | None = None) -> Made:
    """A pack of everything done under a grant. Whoever may see that may have it."""
    name = office.named(grant, "GR")
    return write(office, done_under(office, name, by=by), out, by=by, about=name, grant=name, more=more)


def write(
    office: Office, acts: Sequence[Act], out: Path, *, by: Account, about: str, grant: str = "",
    more: Mapping[str, bytes] | None = None,
) -> Made:  # fmt: skip
    """Write a pack about something into a new folder; `more` are other files to be in it."""
    if out.exists():
        raise InputError(f"{out} is there already. Name a new folder.")
    if not acts:
        raise InputError("nothing was done under this name, so that there is nothing to show.")
    proofs = office.proofs([act.entry for act in acts])
    files = {f"proofs/{_short(act.entry)}.tlog-proof": proofs[act.entry] for act in acts}
    files["acts.jsonl"] = b"".join(_line(act) + b"\n" for act in acts)
    files["policy"] = policy(office.keys).encode()
    files["README.md"] = WORDS.format(title=f"Evidence about {about}", count=len(acts)).encode()
    files |= dict(more or {})
    name = office.mint(CODE)
    listed = {path: hashlib.sha256(one).hexdigest() for path, one in sorted(files.items())}
    manifest = _json({"pack": name, "about": about, "grant": grant, "acts": len(acts), "files": listed})
    body = {"about": about, "manifest": hashlib.sha256(manifest).hexdigest()}
    draft = Draft(
        subject=name, kind="evidence", act="made", logged="object", grant=grant, body=body,
        fields={"act": "minted", "object": name},
    )  # fmt: skip
    (made,) = office.enter(by, draft)
    files |= {"manifest.json": manifest, "pack.json": _line(made) + b"\n"}
    files["pack.tlog-proof"] = office.proofs([made.entry])[made.entry]
    for path, one in files.items():
        with replaced(out / path) as stream:
            stream.write(one)
    return Made(name, out, len(acts))


def _line(act: Act) -> bytes:
    return json.dumps(
        {"entry": act.entry, "salt": act.salt, "act": json.loads(content(act))}, ensure_ascii=False
    ).encode()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True).encode()


def _short(entry: str) -> str:
    return entry.rpartition("/")[2]
