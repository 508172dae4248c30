"""One unit for records and log: an act is kept as intended, its entry is logged, then it is settled.

What happened is what is in the log. A process may be killed anywhere: whoever opens the office next settles intended
acts whose entries are in the log, and drops the others. Where the log cannot be written, the act does not happen.
"""

import fcntl
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from isthmus.base.clock import now
from isthmus.base.errors import InputError, IntegrityError, IsthmusError
from isthmus.gate.office.vault import Vault, opened
from isthmus.ledger.entry import Value, decode, encode, sealed, time_of
from isthmus.ledger.identifier import mint, parse
from isthmus.ledger.log import Batch, Log
from isthmus.records.accounts import Accounts, Bindings
from isthmus.records.acts import Acts
from isthmus.records.models import Account, Act
from isthmus.records.store import Records

PREFIX = "20.500.99999"  # of identifiers, until the operator has a Handle prefix of their own
KINDS = ("people", "use", "session", "question", "release", "incident", "evidence")
"""All kinds of acts."""
APPOINTED = "witnesses appointed"
"""The act by which the log gets its witnesses."""
HASHED = {
    "grant": "terms", "question": "plan", "object": "record", "decision": "content", "release": "content",
    "incident": "content",
}  # fmt: skip
"""The field of each kind of entry that has the hash of the act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An act that is about to happen, and its entry: `logged` is the entry's kind, `fields` are those of the kind."""

    subject: str
    kind: str
    act: str
    logged: str
    number: int = 1
    grant: str = ""
    role: str = ""
    body: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, Value] = field(default_factory=dict)


class Office:
    """The records, the log and the keys of one workspace."""

    def __init__(self, root: Path, records: Records, settings: Mapping[str, Any]) -> None:
        self.root = root
        self.settings = settings
        self.acts = Acts(records)
        self.accounts = Accounts(records)
        self.bindings = Bindings(records)
        self._log: Log | None = None
        self._vault: Vault | None = None

    @property
    def ledger(self) -> Path:
        """The folder of the log."""
        return self.root / "ledger"

    @property
    def keys(self) -> Path:
        """The folder of the secrets."""
        return self.root / "keys"

    @property
    def secret(self) -> bytes:
        """The secret of all uses, while the office is open."""
        assert self._vault is not None  # only asked for inside of `open`
        return self._vault.uses

    def mint(self, code: str) -> str:
        """A new identifier."""
        return mint(str(self.settings.get("prefix", PREFIX)), code)

    def named(self, text: str, code: str) -> str:
        """An identifier as somebody typed it, with or without the prefix. InputError when it is none of this kind."""
        full = text if "/" in text else f"{self.settings.get('prefix', PREFIX)}/{text}"
        if parse(full)[1] != code:
            raise InputError(f"this identifier is of another kind. One that begins with {code} is needed.")
        return full.strip().upper()

    @contextmanager
    def open(self) -> Iterator["Office"]:
        """Be the only one who acts, for the length of a block; what others began and did not end is cleared first.

        Raises IsthmusError when records, keys or log are down: then nobody acts and nobody reads.
        """
        try:
            begun = (self.ledger / "journal.sqlite").exists()
            if not begun and self.acts.begun():
                raise IntegrityError("the log is gone. Restore the folder `ledger` from a copy; none is begun anew.")
            self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.keys / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._vault = opened(self.keys, begun=begun)
                self._log = Log(self.ledger, self._vault.log)
                try:
                    self._clear()
                    yield self
                finally:
                    self._log.close()
                    self._log, self._vault = None, None
        except (SQLAlchemyError, OSError) as error:
            raise IsthmusError(
                f"records, keys or log cannot be used ({type(error).__name__}), so that nothing is done and nothing "
                "shown. Have the operator look at the disk and the folders of the workspace."
            ) from None

    def enter(self, person: Account, *drafts: Draft, at: datetime | None = None) -> list[Act]:
        """Let acts happen, all or none: durable in records and log when this returns."""
        assert self._log is not None  # only inside of `open`
        moment = at or now()
        acts, batches = [], []
        for draft in drafts:
            act, entry = _prepared(draft, person, moment, self.mint("EN"))
            acts.append(act)
            batches.append(Batch(act.entry, [entry]))
        names = [act.entry for act in acts]
        self.acts.intend(acts)
        try:
            self._log.append(*batches)
        except Exception:  # whatever it was, the log alone says whether the acts have happened
            with suppress(Exception):  # if it cannot be asked now, who opens the office next does, and this one is told
                self._clear()
            raise
        self.acts.settle(names)
        return acts

    def entries(self) -> list[Mapping[str, Value]]:
        """All entries of the log, in order."""
        assert self._log is not None  # only inside of `open`
        self._log.publish()
        return [decode(one) for one in self._log.entries()]

    def proofs(self, names: Collection[str]) -> dict[str, bytes]:
        """The proof files of entries, by their identifiers; of those that are in the log."""
        wanted = set(names)
        found = {str(one["id"]): at for at, one in enumerate(self.entries()) if one["id"] in wanted}
        assert self._log is not None  # only inside of `open`
        return {name: self._log.proof(at) for name, at in found.items()}

    @property
    def log(self) -> Log:
        """The log, while the office is open."""
        assert self._log is not None  # only asked for inside of `open`
        return self._log

    def publish(self) -> None:
        """Bring what was logged into tiles. That it is durable does not depend on it."""
        assert self._log is not None  # only inside of `open`
        self._log.publish()

    def _clear(self) -> None:
        assert self._log is not None  # only inside of `open`
        waiting = self.acts.intended()
        there = [name for name in waiting if self._log.has(name)]
        if waiting:
            self.acts.settle(there)
            self.acts.drop([name for name in waiting if name not in there])


def content(act: Act) -> bytes:
    """What the hash of an act's entry stands for."""
    values = {
        "subject": act.subject, "number": act.number, "kind": act.kind, "grant": act.grant, "at": act.at.isoformat(),
        "person": act.person, "role": act.role, "act": act.act, "body": act.body, "entry": act.entry,
    }  # fmt: skip
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _prepared(draft: Draft, person: Account, at: datetime, name: str) -> tuple[Act, bytes]:
    """The record and the entry of an act."""
    act = Act(
        subject=draft.subject, number=draft.number, kind=draft.kind, grant=draft.grant, at=at, person=person.name,
        role=draft.role, act=draft.act, body=dict(draft.body), salt="", entry=name, settled=False,
    )  # fmt: skip
    fields = {"id": name, "at": time_of(at), "by": person.actor, **draft.fields}
    if draft.logged in HASHED:
        hashed, salt = sealed(content(act))
        act.salt = salt.hex()
        fields[HASHED[draft.logged]] = hashed
    return act, encode(draft.logged, fields)


def numbered(acts: Sequence[Act]) -> int:
    """The number of the next act on a subject."""
    return max((act.number for act in acts), default=0) + 1
