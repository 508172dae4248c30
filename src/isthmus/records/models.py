"""The tables of the operational records."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Model(DeclarativeBase):
    """Base of all records."""


class Receipt(Model):
    """The durable proof that a delivery has arrived: its bytes lie in the landing under `sha256`."""

    __tablename__ = "receipt"
    __table_args__ = (UniqueConstraint("site", "feed", "sha256"), Index("receipt_by_batch", "batch_id"))

    receipt_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    site: Mapped[str]
    feed: Mapped[str]
    name: Mapped[str]
    sha256: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)
    received_at: Mapped[datetime]
    sequence: Mapped[int] = mapped_column(index=True)
    batch_id: Mapped[str | None] = mapped_column(ForeignKey("batch.batch_id"))


class Part(Model):
    """A file inside a delivery (the delivery itself, or a member of an archive), and the account of its records."""

    __tablename__ = "part"

    part_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.receipt_id"), index=True)
    batch_id: Mapped[str] = mapped_column(index=True)
    member: Mapped[str]
    format: Mapped[str]
    options: Mapped[dict[str, object]] = mapped_column(JSON)
    account: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON)


class Batch(Model):
    """A set of deliveries of one site that goes into the lake together, under one version of the mappings.

    `replays` is null, or says which records of which edition are mapped again instead. `decisions` is the sequence of
    the last decision that was made when it was opened, `mapping_ids` the id of each feed's mapping.
    """

    __tablename__ = "batch"

    batch_id: Mapped[str] = mapped_column(primary_key=True)
    site: Mapped[str]
    sequence: Mapped[int]
    state: Mapped[str]
    replays: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    mappings: Mapped[dict[str, str]] = mapped_column(JSON)
    mapping_ids: Mapped[dict[str, int]] = mapped_column(JSON)
    decisions: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    edition: Mapped[int | None]


class Published(Model):
    """An edition that was published, and the SHA-256 of its manifest."""

    __tablename__ = "edition"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str]


class Watermark(Model):
    """How far a table of a feed's database has been read: the greatest value of its watermark column, as text."""

    __tablename__ = "watermark"

    site: Mapped[str] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(primary_key=True)
    table: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class Decision(Model):
    """What a person, or a measured method, decided about the meaning of data. Decisions are added, never changed.

    `kind` "term": what the code `key` of the system `subject` means; `answer` lists concept ids, none where it has no
    concept. `kind` "repair": whether the proposal `key` is right; `answer` is `{"confirm": true}` or false. `site` ""
    stands for all sites. `how` is "person" or "automatic", `model` what proposed it. A decision with `revokes` takes
    another one back.
    """

    __tablename__ = "decision"
    __table_args__ = (
        Index("decision_by_subject", "kind", "subject", "key"), Index("decision_by_kind", "kind", "sequence"),
    )  # fmt: skip

    decision_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(unique=True)
    kind: Mapped[str]
    site: Mapped[str]
    subject: Mapped[str]
    key: Mapped[str]
    wording: Mapped[str]
    answer: Mapped[Any] = mapped_column(JSON)
    how: Mapped[str]
    model: Mapped[str]
    confidence: Mapped[float | None]
    author: Mapped[str]
    made_at: Mapped[datetime]
    reason: Mapped[str]
    revokes: Mapped[int | None] = mapped_column(BigInteger)


class Event(Model):
    """What was decided in the records and is told to the lake: written in the unit of work that decided it.

    The table is read as any other source, by its `number` (packs/outbox). Events are added, never changed.
    """

    __tablename__ = "outbox"

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    topic: Mapped[str]
    site: Mapped[str]
    subject: Mapped[str]
    key: Mapped[str]
    answer: Mapped[str]
    author: Mapped[str]
    at: Mapped[datetime]


class Account(Model):
    """A person or service that acts. `actor` is its identifier in the log; `sites` are those it speaks for.

    `password` is a hash of Argon2id, null where only tokens are admitted. After too many wrong ones, none is looked at
    before `locked_until` (UTC). `second` is the secret of a second factor, if there is one, `step` the last code used.
    """

    __tablename__ = "account"

    name: Mapped[str] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(unique=True)
    roles: Mapped[list[str]] = mapped_column(JSON)
    sites: Mapped[list[str]] = mapped_column(JSON)
    password: Mapped[str | None]
    failures: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None]
    second: Mapped[str | None]
    step: Mapped[int] = mapped_column(BigInteger, default=0)
    made_at: Mapped[datetime]


class Token(Model):
    """What a program shows instead of a password. Kept is the SHA-256 of its secret; `scope` are verbs."""

    __tablename__ = "token"

    token_id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)
    digest: Mapped[str]
    scope: Mapped[list[str]] = mapped_column(JSON)
    expires_at: Mapped[datetime]


class Binding(Model):
    """An account of another house that acts as one here: `who` is the SHA-256 of issuer and subject."""

    __tablename__ = "binding"

    who: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(ForeignKey("account.name"), index=True)


class Act(Model):
    """Something that somebody did under the eyes of the gate. Acts are added, never changed.

    `subject` is what it was done to (an application, a release, a question, an account), `number` counts acts on it.
    `entry` is the identifier of its entry in the log, which holds the hash of `body` that `salt` opens. An act that is
    not `settled` has not happened yet: its entry may not be in the log. `result` is filled in when an answer was given.
    """

    __tablename__ = "act"
    __table_args__ = (
        Index("act_by_kind", "kind", "grant"), Index("act_by_grant", "grant", "at"),
        Index("act_of_subject", "kind", "settled", "subject", "at"),
    )  # fmt: skip

    subject: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    grant: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime]
    person: Mapped[str]
    role: Mapped[str]
    act: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(JSON)
    salt: Mapped[str]
    entry: Mapped[str] = mapped_column(unique=True)
    settled: Mapped[bool] = mapped_column(default=False)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)


class Reply(Model):
    """What was answered to an act that a program asked for under a key of its own, so that it happens once.

    `asked` is the SHA-256 of what was asked; `answer` is null while the act is under way, or when it broke off.
    """

    __tablename__ = "reply"

    account: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    asked: Mapped[str]
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    at: Mapped[datetime]
