"""The operational records of a workspace: one unit of work at a time, durable when it ends.

SQLite with a write-ahead log and full synchronisation by default; any SQLAlchemy URL in service.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Engine, create_engine, event, func, make_url, select, update
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.orm import Session, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from isthmus.base.clock import now
from isthmus.base.durable import FULL
from isthmus.base.errors import IntegrityError, IsthmusError
from isthmus.records.happened import fire
from isthmus.records.models import Batch, Model, Part, Published, Receipt, Watermark
from isthmus.records.spent import taken_over

Messages = Mapping[tuple[str, int, str], int]
"""How many messages of a kind came in a delivery: by feed, receipt and kind."""
SHARED_MEMORY = "SQLITE_IOERR_SHMSIZE"
"""What SQLite says where the file that its readers share could not get its size: there was no room for it."""
ASKED = 10_000  # ids named in one statement; databases have limits
event.listen(Model.metadata, "after_create", taken_over)


class Records:
    """Receipts, parts and batches."""

    def __init__(self, url: str) -> None:
        self.engine = connected(url)
        Model.metadata.create_all(self.engine)
        self.session = sessionmaker(self.engine, expire_on_commit=False)

    @contextmanager
    def _work(self) -> Iterator[Session]:
        """A unit of work: all of it is kept when the block ends well, none of it otherwise."""
        with self.session.begin() as session:
            yield session

    def delivered(self, site: str, feed: str) -> dict[str, int]:
        """SHA-256 and size in bytes of everything that came from a feed before."""
        with self._work() as session:
            found = session.execute(select(Receipt.sha256, Receipt.size).filter_by(site=site, feed=feed))
            return {row.sha256: row.size for row in found}

    def keep(self, receipts: Sequence[Receipt], *marks: Watermark) -> None:
        """Keep new receipts, and marks that are new or moved, together; applications are owed that data landed."""
        landed = Counter((receipt.site, receipt.feed) for receipt in receipts)
        with self._work() as session:
            session.add_all(receipts)
            for (site, feed), deliveries in sorted(landed.items()):
                fire(session, "landed", now(), site=site, feed=feed, deliveries=deliveries)
            for mark in marks:
                session.merge(mark)

    def watermark(self, site: str, feed: str, table: str) -> str | None:
        """How far a table of a feed's database was read, or None at the first time."""
        with self._work() as session:
            found = session.get(Watermark, (site, feed, table))
            return found.value if found else None

    def next_sequence(self, model: type[Receipt] | type[Batch]) -> int:
        """One more than the greatest sequence number so far."""
        with self._work() as session:
            return (session.scalar(select(func.max(model.sequence))) or 0) + 1

    def pending(self, site: str) -> Sequence[Receipt]:
        """Receipts of a site that no batch has taken up, in the order of arrival."""
        with self._work() as session:
            found = select(Receipt).filter_by(site=site, batch_id=None).order_by(Receipt.sequence)
            return session.scalars(found).all()

    def open_batch(self, batch: Batch, receipts: Sequence[Receipt]) -> None:
        """Begin a batch: from here on a retry takes up exactly these receipts under these mappings."""
        with self._work() as session:
            session.add(batch)
            session.flush()
            taken = [{"receipt_id": receipt.receipt_id, "batch_id": batch.batch_id} for receipt in receipts]
            if taken:
                session.execute(update(Receipt), taken)

    def batches(self, *states: str, site: str | None = None) -> Sequence[Batch]:
        """Batches in any of these states, in order; all when none is given. `site`: its own alone."""
        with self._work() as session:
            found = select(Batch).order_by(Batch.sequence)
            found = found if site is None else found.filter_by(site=site)
            return session.scalars(found.where(Batch.state.in_(states)) if states else found).all()

    def receipts(self, batch_id: str | None = None) -> Sequence[Receipt]:
        """Receipts of a batch, or all, in the order of arrival."""
        with self._work() as session:
            found = select(Receipt).order_by(Receipt.sequence)
            return session.scalars(found if batch_id is None else found.filter_by(batch_id=batch_id)).all()

    def staged(self, batch_id: str, parts: Sequence[Part], messages: Messages | None = None) -> None:
        """Note what the parts of a batch held; noting it again replaces the former note.

        Of `messages` that were in deliveries applications are owed that they were received.
        """
        with self._work() as session:
            noted = _known(session, [part.part_id for part in parts])
            session.add_all(part for part in parts if part.part_id not in noted)
            for part in parts:
                if part.part_id in noted:
                    session.merge(part)
            found = session.get(Batch, batch_id)
            assert found is not None
            for (feed, receipt, kind), many in sorted((messages or {}).items()) if found.state == "open" else ():
                fire(session, "received", now(), site=found.site, feed=feed, kind=kind, receipt=receipt, messages=many)
            found.state = "committed"

    def published(self, batches: Sequence[str], edition: int, digest: str) -> None:
        """Note in which edition batches were published, and the digest of its manifest; once, applications are owed it,
        and the results that the batches brought."""
        at = now()
        with self._work() as session:
            is_new = session.get(Published, edition) is None
            session.merge(Published(number=edition, digest=digest))
            found = session.scalars(select(Batch).where(Batch.batch_id.in_(batches))).all()
            if is_new:
                fire(session, "published", at, edition=edition, sites=sorted({batch.site for batch in found}))
            for batch in found:
                if batch.state != "published" and batch.replays is None:
                    fire(session, "ready", at, site=batch.site, batch=batch.batch_id)
                batch.state, batch.edition = "published", edition

    def part(self, part_id: int) -> tuple[Part, Receipt] | None:
        """A part and the receipt of its delivery."""
        with self._work() as session:
            part = session.get(Part, part_id)
            receipt = session.get(Receipt, part.receipt_id) if part else None
            return (part, receipt) if part and receipt else None

    def parts(self, receipts: Sequence[int] | None = None) -> Sequence[Part]:
        """Parts of some deliveries, or all."""
        with self._work() as session:
            found = select(Part).order_by(Part.receipt_id, Part.member)
            return session.scalars(found if receipts is None else found.where(Part.receipt_id.in_(receipts))).all()


@contextmanager
def unit(sessions: sessionmaker[Session]) -> Iterator[Session]:
    """A unit of work of what people do. Raises IntegrityError where a record is not of the form that was written."""
    try:
        with sessions.begin() as session:
            yield session
    except (ValueError, TypeError) as error:
        raise IntegrityError(
            f"a record cannot be read ({type(error).__name__}); it was altered. Restore the records from a copy."
        ) from None


def digests(records: Records) -> Mapping[int, str]:
    """The digest of every published manifest, by the number of its edition."""
    with records._work() as session:
        return {one.number: one.digest for one in session.scalars(select(Published))}


def latest(records: Records, site: str, feed: str, name: str) -> Receipt | None:
    """The last receipt of a feed's deliveries of this name."""
    with records._work() as session:
        found = select(Receipt).filter_by(site=site, feed=feed, name=name).order_by(Receipt.sequence.desc()).limit(1)
        return session.scalar(found)


def since(records: Records, state: str) -> dict[str, datetime]:
    """The sites that have a batch in this state, and when the last of these was opened."""
    with records._work() as session:
        found = select(Batch.site, Batch.opened_at).filter_by(state=state).order_by(Batch.sequence)
        return {one.site: one.opened_at for one in session.execute(found)}


def origins(records: Records, parts: Collection[int]) -> dict[int, tuple[Part, Receipt]]:
    """Parts, each with the receipt of its delivery, by id."""
    found: dict[int, tuple[Part, Receipt]] = {}
    ids = sorted(parts)
    with records._work() as session:
        for first in range(0, len(ids), ASKED):
            both = select(Part, Receipt).join(Receipt, Receipt.receipt_id == Part.receipt_id)
            some = session.execute(both.where(Part.part_id.in_(ids[first : first + ASKED])))
            found |= {part.part_id: (part, receipt) for part, receipt in some}
    return found


def _known(session: Session, parts: Sequence[int]) -> set[int]:
    """Which of these parts are noted."""
    known: set[int] = set()
    for first in range(0, len(parts), ASKED):
        known |= set(session.scalars(select(Part.part_id).where(Part.part_id.in_(parts[first : first + ASKED]))))
    return known


def total(accounts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """Accounts added up: record kind → outcome → count."""
    summed: dict[str, dict[str, int]] = {}
    for account in accounts:
        for kind, outcomes in account.items():
            row = summed.setdefault(kind, {})
            for outcome, count in outcomes.items():
                row[outcome] = row.get(outcome, 0) + count
    return summed


def _full(context: ExceptionContext) -> None:
    """A database that has no room left is told in words; the unit of work is undone as for any other error."""
    said = str(context.original_exception)
    if "disk is full" in said or "No space left on device" in said or _error(context) == SHARED_MEMORY:
        raise IsthmusError(FULL) from context.original_exception


def _error(context: ExceptionContext) -> str:
    return str(getattr(context.original_exception, "sqlite_errorname", ""))


def connected(url: str) -> Engine:
    """An engine of a database. SQLite is durable with every commit, and lets others read meanwhile."""
    # A server's connection is given back with each unit of work: a command lives for a few of them.
    engine = (
        create_engine(url) if make_url(url).get_backend_name() == "sqlite" else create_engine(url, poolclass=NullPool)
    )
    event.listen(engine, "handle_error", _full)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _durable(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
            cursor = connection.cursor()
            cursor.execute("PRAGMA journal_mode = WAL")
            cursor.execute("PRAGMA synchronous = FULL")
            cursor.execute("PRAGMA foreign_keys = ON")
            cursor.close()

    return engine
