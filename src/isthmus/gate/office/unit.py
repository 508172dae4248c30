"""One unit for records and log: an act is kept as intended, its entry is logged, then it is settled.

What happened is what is in the log. A process may be killed anywhere: whoever opens the office next settles intended
acts whose entries are in the log, and drops the others. Where the log cannot be written, the act does not happen.

Acts of threads that wait for their turn at once go in together. Log and keys stay open from one turn to the next, while
nothing else lies in their place.
"""

import fcntl
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from isthmus.base.clock import now
from isthmus.base.errors import InputError, IntegrityError, IsthmusError
from isthmus.base.together import Together
from isthmus.gate.office.vault import LOG_KEY, USES, Vault, opened
from isthmus.ledger.entry import Value, decode, encode, sealed, time_of
from isthmus.ledger.identifier import mint, parse
from isthmus.ledger.journal import NAME
from isthmus.ledger.log import Batch, Log
from isthmus.records.accounts import Accounts, Bindings
from isthmus.records.acts import Acts
from isthmus.records.models import Account, Act
from isthmus.records.store import Records

PREFIX = "20.500.99999"  # of identifiers, until the operator has a Handle prefix of their own
UNDER_WAY = 30.0  # seconds after which an act that another process began is settled for it
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


@dataclass(frozen=True, slots=True)
class Doing:
    """What is about to happen: acts of a person at a moment. Acts that are noted later are settled then."""

    person: Account
    drafts: Sequence[Draft]
    at: datetime
    noted_later: bool = False


@dataclass(frozen=True, slots=True)
class _Opened:
    """Keys and log as they were opened, and by which marks of their files it is known that they are those."""

    marks: Sequence[object]
    vault: Vault
    log: Log


class Office:
    """The records, the log and the keys of one workspace."""

    def __init__(self, root: Path, records: Records, settings: Mapping[str, Any]) -> None:
        self.root = root
        self.settings = settings
        self.acts = Acts(records)
        self.accounts = Accounts(records)
        self.bindings = Bindings(records)
        self.kept: dict[str, Any] = {}  # of grants, what `cases` read of their acts
        self._log: Log | None = None
        self._vault: Vault | None = None
        self._opened: _Opened | None = None
        self._seen: dict[str, float] = {}  # entries of acts that others began, and when they were seen first
        self._begun: set[str] = set()  # entries of acts that happened, of which it is not noted yet what came of them
        self._together: Together[Callable[[Office], Doing], Sequence[Act]] = Together(self._turn)

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
        with self._alone():
            self._clear()
            yield self

    def enter(self, person: Account, *drafts: Draft, at: datetime | None = None) -> list[Act]:
        """Let acts happen, all or none: durable in records and log when this returns."""
        (acts,) = self._entered([Doing(person, drafts, at or now())])
        return acts

    def together(self, work: Callable[["Office"], Doing]) -> Sequence[Act]:
        """Let happen what `work` decides on while nobody else acts, with what others do who wait at the same time.

        The acts are in the log when this returns. `note` has to be told what came of those that are noted later.
        Raises what `work` raises.
        """
        return self._together.ask(work)

    def note(self, acts: Sequence[Act], result: dict[str, Any]) -> None:
        """Note what came of acts that were to be noted later."""
        try:
            with self._working():
                self.acts.note(acts, result)
        finally:  # where it could not be noted, who opens the office next settles them
            self._begun.difference_update([act.entry for act in acts])

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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._working():
            begun = (self.ledger / NAME).exists()
            if not begun and self.acts.count():
                raise IntegrityError("the log is gone. Restore the folder `ledger` from a copy; none is begun anew.")
            self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.keys / ".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                found = self._brought(begun)
                self._vault, self._log = found.vault, found.log
                try:
                    yield
                finally:
                    self._log, self._vault = None, None

    @contextmanager
    def _working(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, OSError) as error:
            raise IsthmusError(
                f"records, keys or log cannot be used ({type(error).__name__}), so that nothing is done and nothing "
                "shown. Have the operator look at the disk and the folders of the workspace."
            ) from None

    def _brought(self, begun: bool) -> _Opened:
        """Keys and log: those of the last time, where nothing else lies in their place."""
        former = self._opened
        if former is None or former.marks != self._marks():
            self._opened = None
            if former is not None and former.marks[0] == os.getpid():
                former.log.close()
            vault = opened(self.keys, begun=begun)
            log = Log(self.ledger, vault.log)
            self._opened = _Opened(self._marks(), vault, log)
        assert self._opened is not None
        return self._opened

    def _marks(self) -> Sequence[object]:
        """The process, and by which file and which change of it the journal and the keys are known."""
        return (os.getpid(), _mark(self.ledger / NAME)[:2], *(_mark(self.keys / name) for name in (LOG_KEY, USES)))

    def _turn(self, works: Sequence[Callable[["Office"], Doing]]) -> Sequence[Sequence[Act] | Exception]:
        """One turn: each decides, then what they decided on happens."""
        with self._alone():
            self._clear(self._begun, patient=True)
            decided = [self._decided(work) for work in works]
            entered = iter(self._entered([one for one in decided if isinstance(one, Doing)]))
            return [next(entered) if isinstance(one, Doing) else one for one in decided]

    def _decided(self, work: Callable[["Office"], Doing]) -> Doing | Exception:
        try:
            return work(self)
        except (SQLAlchemyError, OSError):  # records are down: nobody acts
            raise
        except Exception as error:  # it is raised where this was asked
            return error

    def _entered(self, doing: Sequence[Doing]) -> list[list[Act]]:
        """Let acts happen, all or none."""
        assert self._log is not None  # only inside of a turn
        prepared = [[_prepared(one, draft, self.mint("EN")) for draft in one.drafts] for one in doing]
        acts = [[act for act, _ in some] for some in prepared]
        later = {act.entry for one, some in zip(doing, acts, strict=True) for act in some if one.noted_later}
        now_settled = [act.entry for some in acts for act in some if act.entry not in later]
        if not later and not now_settled:
            return acts
        self.acts.intend([act for some in acts for act in some])
        try:
            self._log.append(*(Batch(act.entry, [entry]) for some in prepared for act, entry in some))
        except Exception:  # whatever it was, the log alone says whether the acts have happened
            with suppress(Exception):  # if it cannot be asked now, who opens the office next does, and this one is told
                self._clear()
            raise
        self._begun.update(later)
        if now_settled:
            self.acts.settle(now_settled)
        return acts

    def _clear(self, known: Collection[str] = (), *, patient: bool = False) -> None:
        """Settle or drop what others began and did not end. Of acts that are `known` it is known that they happened.

        `patient`: what is in the log may be under way in another process; it is settled when it was seen for a while.
        """
        assert self._log is not None  # only inside of a turn
        waiting = [name for name in self.acts.intended(KINDS) if name not in known]
        there = [name for name in waiting if self._log.has(name)]
        gone = [name for name in waiting if name not in there]
        if patient:
            now_seen = time.monotonic()
            self._seen = {name: self._seen.get(name, now_seen) for name in there}
            there = [name for name, first in self._seen.items() if now_seen - first > UNDER_WAY]
        if there:
            self.acts.settle(there)
        if gone:
            self.acts.drop(gone)


def content(act: Act) -> bytes:
    """What the hash of an act's entry stands for."""
    values = {
        "subject": act.subject, "number": act.number, "kind": act.kind, "grant": act.grant, "at": act.at.isoformat(),
        "person": act.person, "role": act.role, "act": act.act, "body": act.body, "entry": act.entry,
    }  # fmt: skip
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _mark(path: Path) -> Sequence[object]:
    """By what a file is known: where it lies, then how and when it was written; nothing where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return (found.st_dev, found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _prepared(doing: Doing, draft: Draft, name: str) -> tuple[Act, bytes]:
    """The record and the entry of an act."""
    person, at = doing.person, doing.at
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
