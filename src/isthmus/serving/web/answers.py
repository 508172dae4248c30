"""Answers that were given under a grant, kept in memory for who asked them, and for a short while only."""

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyarrow as pa

from isthmus.base.clock import now

MOST, WHILE = 40, timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, and to whose question under which grant, for which kind of purpose."""

    name: str
    grant: str
    edition: int
    sql: str
    rows: pa.Table
    at: datetime
    kind: str = ""


class Answers:
    """The answers of a process; the oldest goes first."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Answer] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, name: str, grant: str, edition: int, sql: str, rows: pa.Table, *, kind: str = "") -> str:
        """Keep an answer; the name under which it is taken."""
        key = secrets.token_urlsafe(12)
        with self._lock:
            self._held[key] = Answer(name, grant, edition, sql, rows, now(), kind)
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        return key

    def take(self, key: str, name: str) -> Answer | None:
        """An answer, for who asked; None for anybody else, and when it is too old."""
        with self._lock:
            found = self._held.get(key)
            if found is not None and now() - found.at > WHILE:
                del self._held[key]
                found = None
        return found if found is not None and found.name == name and name else None
