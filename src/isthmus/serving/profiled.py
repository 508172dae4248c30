"""A profile counted at a desk under a grant: the statements of the profile as steps that a desk admits."""

from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
from sqlglot import exp

from isthmus.flow.profile import Profile, counted
from isthmus.gate.desk import Desk
from isthmus.gate.office.session import Granted


class AtDesk:
    """A desk in the form in which a profile is counted (`isthmus.flow.profile.Counting`)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def create(self, name: str, select: exp.Query) -> int:
        """Fill a table with the rows of a statement, in place of what it held; returns their number."""
        return self._desk.make(name, select)

    def insert(self, name: str, select: exp.Query) -> None:
        """Append the rows of a statement to a table, by the names of columns."""
        for branch in _branches(select):
            self._desk.add(name, branch)

    def create_view(self, name: str, select: exp.Query) -> None:
        """Give the rows of a statement a name."""
        self._desk.make(name, select)

    def drop(self, name: str) -> None:
        """Forget a table."""
        self._desk.drop(name)

    def rows(self, select: exp.Query) -> pa.Table:
        """The rows of a statement."""
        return self._desk.take(select)


def granted(session: Granted, source_name: str) -> tuple[Profile, Mapping[str, Sequence[str]]]:
    """The profile of what a grant holds of an edition, and by table what of it the grant does not hold."""
    done: list[tuple[Profile, Mapping[str, Sequence[str]]]] = []

    def work(desk: Desk) -> dict[str, pa.Table]:
        found = counted(AtDesk(desk), session.edition, source_name)
        done.append((found, desk.lacking))
        return {"results": found.results, "distributions": found.distributions}

    session.steps("profile: the analyses of OHDSI Achilles", work, sparse=True)
    return done[0]


def _branches(select: exp.Query) -> Iterator[exp.Query]:
    """The parts of a union one by one; of a part that only wraps a statement with WITH, that statement."""
    if isinstance(select, exp.Union):
        yield from _branches(select.left)
        yield from _branches(select.right)
        return
    source = select.args.get("from_")
    inner = source.this.this if source is not None and isinstance(source.this, exp.Subquery) else None
    is_whole = len(select.selects) == 1 and isinstance(select.selects[0], exp.Star)
    yield inner if is_whole and isinstance(inner, exp.Query) and inner.ctes else select
