"""What an identifier leads to: a record of typed values, after the Digital Object Architecture (Handle, DOIP).

A record says what the object is, how to recognise it, under which condition it may be had, in what state it is and
where it lies. It is a value: where records are kept is for others to decide, and each change goes into the log by its
hash.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass

from isthmus.base.errors import InputError
from isthmus.ledger.entry import words
from isthmus.ledger.identifier import parse

_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,63}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_STEPS: Mapping[str, frozenset[str]] = {
    "minted": frozenset({"active", "withdrawn"}),
    "active": frozenset({"superseded", "withdrawn", "gone"}),
    "superseded": frozenset({"withdrawn", "gone"}),
    "withdrawn": frozenset({"active", "gone"}),
    "gone": frozenset(),
}


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one object.

    `content_type` is a media type, `digest` SHA-256 over the content, `access` and `state` words of `words.csv`,
    `location` a path inside the workspace or an address (none once it is gone), `successor` the identifier that
    supersedes it.
    """

    identifier: str
    content_type: str
    digest: str
    access: str
    state: str
    location: str | None = None
    successor: str | None = None

    def __post_init__(self) -> None:
        """Raises InputError for a value of no known form."""
        parse(self.identifier)
        if self.successor is not None:
            parse(self.successor)
        right = (
            _TYPE.fullmatch(self.content_type)
            and _DIGEST.fullmatch(self.digest)
            and self.access in words()["access"]
            and self.state in words()["object"]
        )
        if not right:
            raise InputError("a record needs a media type, a SHA-256, an access condition and a state that are known.")
        if (self.state == "gone") != (self.location is None) or (self.state == "superseded") != bool(self.successor):
            raise InputError("only what is gone has no location, and only what is superseded has a successor.")

    @property
    def content(self) -> bytes:
        """The record in canonical JSON."""
        values = {name: value for name, value in asdict(self).items() if value is not None}
        return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def hash(self) -> str:
        """What the log keeps of it."""
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    @classmethod
    def parse(cls, content: bytes) -> "Record":
        """Read a record. Raises InputError for anything else."""
        try:
            return cls(**json.loads(content))
        except (TypeError, ValueError):
            raise InputError("this is no record of an identifier. Restore it from a copy.") from None

    def moved(self, state: str, **changes: str | None) -> "Record":
        """The record in its next state. Raises InputError for a step that cannot be: what is gone stays gone."""
        if state not in _STEPS[self.state]:
            raise InputError(f"an object that is {self.state} cannot become {state}. Mint a new identifier instead.")
        if state == "gone":
            changes["location"] = None
        return Record.parse(json.dumps({**asdict(self), "successor": None, **changes, "state": state}).encode())

    def values(self) -> list[dict[str, object]]:
        """The record as the list of typed values that a Handle server gives."""
        pairs = (
            ("TYPE", self.content_type),
            ("SHA256", self.digest.removeprefix("sha256:")),
            ("ACCESS", self.access),
            ("STATE", self.state),
            ("URL", self.location),
            ("SUCCESSOR", self.successor),
        )
        given = [(kind, value) for kind, value in pairs if value is not None]
        return [
            {"index": number, "type": kind, "data": {"format": "string", "value": value}}
            for number, (kind, value) in enumerate(given, start=1)
        ]
