"""Answers to acts that programs asked for under keys of their own. An answer holds no row of a patient."""

from datetime import timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError as Taken

from isthmus.base.clock import now
from isthmus.records.models import Reply
from isthmus.records.store import Records, unit

KEPT = timedelta(days=7)


class Replies:
    """The answers in a workspace's records, each for a week."""

    def __init__(self, records: Records) -> None:
        self._session = records.session

    def begin(self, account: str, key: str, asked: str) -> Reply | None:
        """Take a key for what is asked; what was begun under it before, or None where this is the first time."""
        with unit(self._session) as session:
            session.execute(delete(Reply).where(Reply.at < now() - KEPT))
        try:
            with unit(self._session) as session:
                session.add(Reply(account=account, key=key, asked=asked, answer=None, at=now()))
        except Taken:
            with unit(self._session) as session:
                return session.get(Reply, (account, key))
        return None

    def end(self, account: str, key: str, answer: dict[str, Any]) -> None:
        """Keep the answer."""
        with unit(self._session) as session:
            where = (Reply.account == account, Reply.key == key)
            session.execute(update(Reply).where(*where).values(answer=answer))

    def forget(self, account: str, key: str) -> None:
        """Give a key back: what was asked was not done."""
        with unit(self._session) as session:
            session.execute(delete(Reply).where(Reply.account == account, Reply.key == key))
