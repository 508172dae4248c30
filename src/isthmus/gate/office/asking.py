"""A question under a grant, from the decision on it to the note of what came of it.

The state of the grant is looked at with every question, so that a suspension or a revocation holds at once. What is
refused gives no row and one entry in the log; what is allowed is in the log before its first row. Questions of threads
that wait at once are decided and logged in one turn (`unit.Office.together`).
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import pyarrow as pa

from isthmus.base.clock import now
from isthmus.base.errors import InputError, RefusedError
from isthmus.gate.committee.application import Columns, Grant
from isthmus.gate.grade.decision import PUBLIC, Allowed, Refused, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import Use
from isthmus.gate.office.cases import granted
from isthmus.gate.office.people import is_in_use
from isthmus.gate.office.quota import Quota, quota
from isthmus.gate.office.unit import Doing, Draft, Office
from isthmus.ledger.entry import Value
from isthmus.records.models import Account, Act

DAY = timedelta(days=1)
Taken = TypeVar("Taken", pa.Table, dict[str, pa.Table])
"""An answer: a table, or some by name."""


@dataclass(frozen=True, slots=True)
class Within:
    """An application that asks in somebody's name, and the columns that its manifest declares."""

    application: str
    columns: Columns


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks under which grant, for which kind of purpose, and through which application, if through one."""

    account: Account
    grant: str
    kind: str
    within: Within | None = None

    def standing(self, office: Office) -> Grant | None:
        """The grant as it stands now, of its columns those that an application declares; None where there is none."""
        found = granted(office, self.grant)
        grant = found.case.grant if found else None
        if grant is None or grant.id != self.grant:
            return None
        return grant if self.within is None else replace(grant, columns=_common(grant.columns, self.within.columns))


@dataclass(slots=True)
class _Asked:
    """A question on its way: when it was asked, what was decided, the acts by which it is kept, and the rows left."""

    at: datetime
    found: Allowed | Refused
    session: str
    drafts: list[Draft]
    most: int = 0
    use: Use | None = None


class Asking:
    """Asks one question after the other, or several at once, in the name of `asker` on the edition of a number."""

    def __init__(self, office: Office, edition: int, asker: Asker) -> None:
        self._office, self._edition, self._asker = office, edition, asker
        self._session = ""
        self._special = _special(office.settings)

    @property
    def limits(self) -> Quota:
        """What a grant gives in a day."""
        return quota(self._office.settings)

    def answered(
        self,
        way: str,
        text: str,
        naming: Callable[[Grant | None], Columns],
        answered: Callable[[Use, datetime, Allowed, int], Taken],
    ) -> Taken:
        """What `answered` gives once the question is allowed and logged. `naming` says which columns it names.

        Raises RefusedError, which says why and what to do next, and what `answered` raises.
        """
        asked: list[_Asked] = []

        def decided(office: Office) -> Doing:
            one = self._decided(office, way, text, naming)
            asked.append(one)
            return Doing(self._asker.account, one.drafts, one.at, noted_later=isinstance(one.found, Allowed))

        acts = self._office.together(decided)
        one = asked[-1]
        if isinstance(one.found, Refused):
            raise RefusedError(f"{one.found.why}. What next: {one.found.next}.")
        assert one.use is not None  # as it is allowed
        self._session = one.session  # it is in the log
        return self._noted(acts, one.most, partial(answered, one.use, one.at, one.found, one.most))

    def _noted(self, acts: Sequence[Act], most: int, answered: Callable[[], Taken]) -> Taken:
        """The answer, after it is noted what came of the question."""
        began, count, outcome = time.monotonic(), 0, "failed"
        try:
            taken = answered()
            tables = taken.values() if isinstance(taken, dict) else (taken,)
            many = sum(rows.num_rows for rows in tables)
            if many > most:
                raise RefusedError(
                    f"the answer has more than the {most:,} rows that are left of the grant's quota. Aggregate."
                )
            count, outcome = many, "answered"
        finally:
            result = {"rows": count, "seconds": time.monotonic() - began, "outcome": outcome}
            self._office.note(acts, result)
        return _named_after(taken, acts[-1].subject)

    def _decided(self, office: Office, way: str, text: str, naming: Callable[[Grant | None], Columns]) -> _Asked:
        at, asker = now(), self._asker
        grant, left = asker.standing(office), self._left(office, at)
        request = Request(person=asker.account.name, kind=asker.kind, at=at, columns=naming(grant))
        found = self._decision(office, request, grant, left)
        body = {"way": way, "text": text, "edition": self._edition, "purpose": asker.kind}
        if asker.within is not None:
            body["application"] = asker.within.application
        session = self._session or office.mint("SE")
        if isinstance(found, Refused):
            draft = _question(office, asker.grant, session, "refused", {**body, "why": found.why}, found.reason)
            return _Asked(at, found, session, [draft])
        tables = {name: sorted(measures) for name, measures in found.columns.items() if name not in PUBLIC}
        body |= {"sites": sorted(found.sites), "tables": tables}
        drafts = [] if self._session else [_opened(asker.grant, session)]
        drafts.append(_question(office, asker.grant, session, "allowed", body))
        use = Use(
            grant=grant, person=asker.account.name, kind=asker.kind, keys=Keys(office.secret, asker.grant),
            special=self._special,
        )  # fmt: skip
        return _Asked(at, found, session, drafts, left, use)

    def _decision(self, office: Office, request: Request, grant: Grant | None, left: int) -> Allowed | Refused:
        if not is_in_use(office, self._asker.account):
            return Refused("person", "this account is not in use", "ask an administrator")
        found = decide(grant, request)
        if isinstance(found, Allowed) and left <= 0:
            return Refused("quota", "the rows or seconds of the grant are used up for 24 hours", "go on tomorrow")
        return found

    def _left(self, office: Office, at: datetime) -> int:
        """Rows that the grant may still have; 0 when its seconds are used up."""
        rows, seconds = office.acts.taken(self._asker.grant, at - DAY)
        return 0 if seconds >= self.limits.seconds else self.limits.rows - rows


def _named_after(taken: Taken, question: str) -> Taken:
    """What was taken, with the question that it answers."""
    if isinstance(taken, dict):
        return {name: rows.replace_schema_metadata({"question": question}) for name, rows in taken.items()}
    return taken.replace_schema_metadata({"question": question})


def _common(granted: Columns, declared: Columns) -> Columns:
    """The columns of a grant that are declared too."""
    both = {table: columns & declared[table] for table, columns in granted.items() if table in declared}
    return {table: columns for table, columns in both.items() if columns}


def _opened(grant: str, session: str) -> Draft:
    fields: dict[str, Value] = {"act": "opened", "session": session, "grant": grant}
    return Draft(subject=session, kind="session", act="opened", logged="session", grant=grant, fields=fields)


def _question(office: Office, grant: str, session: str, act: str, body: Mapping[str, Any], reason: str = "") -> Draft:
    name = office.mint("QU")
    fields: dict[str, Value] = {"act": act, "question": name, "session": session, "grant": grant}
    if reason:
        fields["reason"] = reason
    return Draft(subject=name, kind="question", act=act, logged="question", grant=grant, body=body, fields=fields)


def _special(settings: Mapping[str, Any]) -> frozenset[int]:
    """Concepts of diseases of the highest grade, which the operator lists in isthmus.toml."""
    said = settings.get("special", [])
    if not isinstance(said, list) or not all(type(one) is int for one in said):
        raise InputError("isthmus.toml: `special` is a list of concept ids, as [439727]. Correct it.")
    return frozenset(said)
