"""Who has signed in: sessions on the server, with an idle and an absolute limit.

A session is in the memory of the process that serves; kept is the SHA-256 of what its cookie holds. A restart ends all.
"""

import hashlib
import hmac
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from isthmus.base.clock import now

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=10)
MOST = 20_000  # sessions at once; the one that was idle longest goes first


@dataclass(slots=True)
class Session:
    """A session: of an account, or ('') of somebody who only looked at a form."""

    name: str
    began: datetime
    seen: datetime


class Sessions:
    """All sessions of a process."""

    def __init__(self) -> None:
        self._held: dict[str, Session] = {}
        self._secret = secrets.token_bytes(32)
        self._lock = threading.Lock()

    def begin(self, name: str) -> str:
        """A new session of an account; what its cookie holds, given back this once."""
        value, at = secrets.token_urlsafe(32), now()
        with self._lock:
            if len(self._held) >= MOST:
                self._clear(at)
            self._held[_digest(value)] = Session(name, at, at)
        return value

    def name(self, value: str | None) -> str:
        """The account of a session that holds, '' where there is none; looking at it keeps it from idling."""
        if not value:
            return ""
        at = now()
        with self._lock:
            found = self._held.get(_digest(value))
            if found is None:
                return ""
            if at - found.seen > IDLE or at - found.began > ABSOLUTE:
                del self._held[_digest(value)]
                return ""
            found.seen = at
            return found.name

    def end(self, value: str | None) -> None:
        """End a session at once."""
        with self._lock:
            self._held.pop(_digest(value or ""), None)

    def end_all(self, name: str) -> None:
        """End every session of an account."""
        with self._lock:
            self._held = {key: one for key, one in self._held.items() if one.name != name}

    def token(self, value: str) -> str:
        """What forms of a cookie's holder bring along: other bytes each time, so that no length tells it."""
        told, mask = self._token(value), secrets.token_bytes(32)
        return (mask + bytes(a ^ b for a, b in zip(told, mask, strict=True))).hex()

    def fits(self, value: str, token: str) -> bool:
        """Whether a form's token is one of this cookie."""
        try:
            raw = bytes.fromhex(token)
        except ValueError:
            return False
        if len(raw) != 64 or not value:
            return False
        told = bytes(a ^ b for a, b in zip(raw[:32], raw[32:], strict=True))
        return hmac.compare_digest(told, self._token(value))

    def _token(self, value: str) -> bytes:
        return hmac.digest(self._secret, value.encode(), "sha256")

    def _clear(self, at: datetime) -> None:
        """Forget sessions that no longer hold, and the longest idle ones where there are still too many."""
        held = {
            key: one for key, one in self._held.items() if at - one.seen <= IDLE and at - one.began <= ABSOLUTE
        }  # fmt: skip
        kept = sorted(held, key=lambda key: held[key].seen)[-(MOST - MOST // 10) :]
        self._held = {key: held[key] for key in kept}


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
