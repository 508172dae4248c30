"""The outbox: what was decided is told in the same unit of work, so that neither is there without the other.

Who decides adds events; nobody takes them away. They go back into the lake as a source: a feed of the records' own
database, read from its last number on, whose receipt and mark are kept together (`isthmus.flow.land`). So each event is
delivered, whatever dies in between, and makes one record.
"""

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from isthmus.records.models import Decision, Event


def tell(session: Session, made: Sequence[Decision]) -> None:
    """Put decisions into the outbox, within the unit of work that makes them; a revocation has the topic `revoked`."""
    first = (session.scalar(select(func.max(Event.number))) or 0) + 1
    session.add_all(
        Event(
            number=first + at, topic=one.kind if one.revokes is None else "revoked", site=one.site,
            subject=one.subject, key=one.key, answer=_text(one.answer if one.revokes is None else one.revokes),
            author=one.author, at=one.made_at,
        )
        for at, one in enumerate(made)
    )  # fmt: skip


def _text(answer: Any) -> str:
    return json.dumps(answer, ensure_ascii=False, sort_keys=True)
