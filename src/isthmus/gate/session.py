"""A session: one person's work under one grant. It answers a question, or refuses.

This one is for invented patients, whom anyone may read, for trying things out. Real ones are read under a grant, in the
sessions of `office/session.py`.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager

import ibis.expr.operations as ops
import ibis.expr.types as ir
import pyarrow as pa

from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.changes import changed
from isthmus.gate.desk import Desk, desk_over
from isthmus.gate.joined import reading_of
from isthmus.gate.leaves import check
from isthmus.lake.asking import answer
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake


class Session:
    """Answers questions over one edition. Opened by `open_session`, handed down to who asks."""

    def __init__(self, lake: Lake, edition: Edition) -> None:
        self._lake = lake
        self.edition = edition

    def ask(self, question: ir.Table) -> pa.Table:
        """The answer to an unbound expression over `isthmus.cdm.questions`.

        Raises RefusedError when any leaf of it is not one of those tables, by identity.
        """
        check(question)
        names = sorted({node.name for node in question.op().find(ops.UnboundTable)})
        return answer(self._lake, self.edition, question, reading_of(self.edition, names))

    def desk(self) -> AbstractContextManager[Desk]:
        """Where a question of several steps is asked, for the length of a block."""
        return desk_over(self._lake, self.edition)

    def keep(self, name: str, content: bytes) -> None:
        """Keep something that was found in the edition beside it, as the bytes of a Parquet file."""
        self._lake.editions.keep(self.edition, name, content)

    def kept(self, name: str) -> bytes | None:
        """What was kept of the edition under a name, if anything. Raises IntegrityError when it was altered."""
        return self._lake.editions.kept(self.edition, name)

    def kept_before(self, name: str) -> tuple[int, bytes] | None:
        """The newest earlier edition of which something was kept under a name, and what; None where there is none."""
        for number in reversed(self._lake.editions.numbers()):
            if number < self.edition.number:
                content = self._lake.editions.kept(self._lake.editions.get(number), name)
                if content is not None:
                    return number, content
        return None

    def changed_since(self, number: int, *, persons: Collection[str], shared: Collection[str]) -> pa.Table | None:
        """The persons whose rows in some tables differ from those of an earlier edition (`isthmus.gate.changes`).

        None when anybody's answer may differ, for a table in `shared` has changed.
        """
        return changed(self._lake, self._lake.editions.get(number), self.edition, persons=persons, shared=shared)


def open_session(lake: Lake, *, synthetic: bool, edition: int | None = None) -> Session:
    """A session on an edition (the newest by default). Raises RefusedError unless all its patients are invented."""
    if not synthetic:
        raise RefusedError(
            "this workspace holds real patients, who are read under a grant only. Apply for one with "
            "`isthmus use apply`, then ask with `isthmus ask --grant`."
        )
    found = lake.editions.current() if edition is None else lake.editions.get(edition)
    if found is None:
        raise InputError("nothing is published yet. Run `isthmus ingest` first.")
    return Session(lake, found)
