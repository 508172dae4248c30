"""What answers under a grant took, added up by ten minutes: a day of it is read with every question.

It is written in the unit of work that notes the answer. Acts keep each answer's own.
"""

from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, MetaData, bindparam, delete, func, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from isthmus.base.clock import now
from isthmus.records.models import Act, Model

MINUTES, KEPT = 10, timedelta(days=2)


class Spent(Model):
    """Rows and seconds of the answers to what was asked under a grant within MINUTES from `since`."""

    __tablename__ = "act_spent"

    grant: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    rows: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[float]


SUM = select(func.coalesce(func.sum(Spent.rows), 0), func.coalesce(func.sum(Spent.seconds), 0.0)).where(
    Spent.grant == bindparam("grant"), Spent.since >= bindparam("since")
)
MORE = (
    update(Spent)
    .where(Spent.grant == bindparam("of"), Spent.since == bindparam("from"))
    .values(rows=Spent.rows + bindparam("more_rows"), seconds=Spent.seconds + bindparam("more_seconds"))
)


def total(connection: Connection, grant: str, since: datetime) -> tuple[int, float]:
    """Rows and seconds of all answers under a grant after a moment; those of MINUTES before it may be counted too."""
    rows, seconds = connection.execute(SUM, {"grant": grant, "since": begun(since)}).one()
    return int(rows), float(seconds)


def add(connection: Connection, grant: str, at: datetime, rows: int, seconds: float) -> None:
    """Add what the answer to something asked at a moment took. What is too old to be asked for is forgotten."""
    since = begun(at)
    more = {"of": grant, "from": since, "more_rows": rows, "more_seconds": seconds}
    if connection.execute(MORE, more).rowcount == 0:
        connection.execute(delete(Spent).where(Spent.grant == grant, Spent.since < since - KEPT))
        connection.execute(insert(Spent).values(grant=grant, since=since, rows=rows, seconds=seconds))


def begun(at: datetime) -> datetime:
    """When the span began in which a moment lies."""
    return at.replace(minute=at.minute - at.minute % MINUTES, second=0, microsecond=0)


def taken_over(_: MetaData, connection: Connection, *, tables: Collection[Any], **more: object) -> None:
    """Where the table was made just now: add up what was answered before."""
    if Spent.__table__ not in tables:
        return
    rows, seconds = Act.result["rows"].as_integer(), Act.result["seconds"].as_float()
    asked = select(Act.grant, Act.at, rows, seconds).where(Act.at > now() - KEPT, Act.settled.is_(True), rows >= 0)
    found: dict[tuple[str, datetime], Counter[str]] = {}
    for grant, at, many, took in connection.execute(asked):
        found.setdefault((grant, begun(at)), Counter()).update(rows=many, seconds=took)
    for (grant, since), one in found.items():
        connection.execute(insert(Spent).values(grant=grant, since=since, rows=one["rows"], seconds=one["seconds"]))
