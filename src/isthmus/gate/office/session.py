"""A session under a grant: each question is looked at anew, logged, and only then answered, over what was granted.

Persons are joined (`gate/joined.py`) among the sites of the grant: of the others no file is opened. The state of the
grant is read from the records at every question, so that a suspension or a revocation holds at once. A question that is
refused gives no row and one entry in the log. One that is allowed is logged before its first row.
"""

import re
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from isthmus.base.clock import now
from isthmus.base.errors import InputError, IsthmusError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Columns, Grant
from isthmus.gate.desk import Desk, desk_over
from isthmus.gate.differing import differing
from isthmus.gate.grade.decision import PUBLIC, Allowed, Refused, Request, decide
from isthmus.gate.grade.keys import Keys
from isthmus.gate.grade.rewrite import RAW, Use, columns_of, lent, persons, rewritten, shifts, views
from isthmus.gate.joined import reading_of
from isthmus.gate.leaves import check
from isthmus.gate.lending import on_desk
from isthmus.gate.office.cases import granted
from isthmus.gate.office.people import is_in_use
from isthmus.gate.office.prepared import prepared
from isthmus.gate.office.quota import Quota, quota
from isthmus.gate.office.unit import Draft, Office
from isthmus.lake.asking import answer
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake
from isthmus.lake.locked import MistakenError, locked, straight
from isthmus.lake.plain import Plain, plain
from isthmus.ledger.entry import Value
from isthmus.records.models import Account

WORD = re.compile(r"\w+")
DAY = timedelta(days=1)
Taken = TypeVar("Taken", pa.Table, dict[str, pa.Table])
"""An answer: a table, or some by name."""


PERSON = {"person": frozenset({"person_id"})}


class Persons(NamedTuple):
    """Rows `person_id, number, days`: what stands for a person, and by how many days its dates are moved; and whether
    the dates of persons are moved at all."""

    rows: pa.Table
    moved: bool


class Granted:
    """One person's work under one grant on one edition. Opened by `open_granted`."""

    def __init__(self, office: Office, lake: Lake, edition: Edition, asker: "Asker") -> None:
        self._office = office
        self._lake = lake
        self.edition = edition
        self._asker = asker
        self._session = ""

    def ask(self, question: ir.Table) -> pa.Table:
        """The answer to an unbound expression over `isthmus.cdm.questions`, over what the grant holds of them.

        Raises RefusedError, which says why and what to do next.
        """
        check(question)
        named = columns_of(question)

        def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> pa.Table:
            edition, use = self._files(use, allowed)
            found = rewritten(question, use, at)
            asked = found.question.limit(most + 1)
            try:
                return answer(
                    self._lake, edition, asked, reading_of(edition, named), kept=found.kept,
                    seconds=self._limits.longest,
                )  # fmt: skip
            except IsthmusError:
                raise
            except Exception as error:  # whatever it is, its text may hold the SQL, and that a key
                raise InputError(
                    f"the question failed while it ran ({type(error).__name__}). Look at its casts and functions."
                ) from None

        return self._answered("question", _text(question), lambda grant: named, answered)

    def sql(self, text: str) -> pa.Table:
        """The rows of one SELECT over the tables of the grant, in a locked engine that holds nothing else; or on the
        files, where the statement is plain (`isthmus.lake.plain`).

        Raises RefusedError or InputError, which say why and what to do next.
        """
        named: dict[str, frozenset[str]] = {}

        def naming(grant: Grant | None) -> Columns:
            named.update((name, frozenset()) for name in sorted(_named(text, grant)))
            return named

        def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> pa.Table:
            edition, use = self._files(use, allowed)
            found = plain(text, allowed.columns)
            if found is not None:
                with suppress(MistakenError):  # what it names is told by who holds nothing else
                    return self._lent(text, found, edition, use, allowed, most)
            with locked(self._lake, edition, views(allowed, use), reading_of(edition, named)) as engine:
                return engine.rows(text, most=most, seconds=self._limits.longest)

        return self._answered("sql", text, naming, answered)

    def steps(self, text: str, work: Callable[[Desk], Taken], *, sparse: bool = False) -> Taken:
        """The answer of a question of several steps, a table or some by name, which `work` asks at a desk with what the
        grant holds; identities are numbers there. `text` says in words what is asked. Where it is `sparse`, what the
        grant does not hold is null or has no rows, and is not refused (`Desk.lacking` tells it).

        Raises RefusedError, which says why and what to do next.
        """

        def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> Taken:
            edition, use = self._files(use, allowed)
            with desk_over(self._lake, edition, on_desk(allowed, use, sparse=sparse), self._limits.longest) as desk:
                return work(desk)

        def naming(grant: Grant | None) -> Columns:
            return dict.fromkeys([*PUBLIC, *(grant.columns if grant else ())], frozenset[str]())

        return self._answered("steps", text, naming, answered)

    def persons(self, text: str, identities: Collection[int] = (), numbers: Collection[int] = ()) -> Persons:
        """Who of the persons of the grant have these identities or numbers (those of `steps`); for what people say of
        persons to be kept under the one and told under the other. Whoever asks is told no identity.

        Raises RefusedError, which says why and what to do next.
        """
        moved: list[bool] = []

        def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> pa.Table:
            moved.append(shifts(allowed))
            edition = self.edition.within(allowed.sites)
            asked = persons(allowed, use, identities, numbers)
            return answer(self._lake, edition, asked, reading_of(edition, PERSON), seconds=self._limits.longest)

        def naming(grant: Grant | None) -> Columns:
            return dict.fromkeys(grant.columns if grant else (), frozenset[str]()) | PERSON

        return Persons(self._answered("persons", text, naming, answered), moved[0])

    def changes(self, table: str, since: int) -> pa.Table:
        """The rows of a table that the grant holds and that came or left since an edition (`gate/differing.py`).

        Sites that are closed now are told of in neither. Raises RefusedError, and InputError for no such edition.
        """
        before = self._lake.editions.get(since)

        def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> pa.Table:
            pair = [edition.within(allowed.sites) for edition in (before, self.edition)]
            view = views(Allowed(allowed.sites, {table: allowed.columns[table]}), use)[table]
            return differing(self._lake, pair[0], pair[1], table, view, self._limits.longest)

        text = f"what of {table} came or left since edition {since}"
        return self._answered("changes", text, lambda grant: {table: frozenset()}, answered)

    def _files(self, use: Use, allowed: Allowed) -> tuple[Edition, Use]:
        """The edition within the sites that are open, with what was prepared for the use."""
        return prepared(self._lake, self.edition.within(allowed.sites), use, allowed)

    def _lent(self, text: str, found: Plain, edition: Edition, use: Use, allowed: Allowed, most: int) -> pa.Table:
        """The rows of a plain statement."""
        over, kept = lent(allowed, use, dict.fromkeys(found.tables, found.columns), found.counted)
        reading = reading_of(edition, found.tables).renamed(RAW, QUESTIONS)
        with straight(self._lake, edition, over, kept, reading) as engine:
            return engine.rows(text, most=most, seconds=self._limits.longest)

    @property
    def _limits(self) -> Quota:
        return quota(self._office.settings)

    def _answered(
        self,
        way: str,
        text: str,
        naming: Callable[[Grant | None], Columns],
        answered: Callable[[Use, datetime, Allowed, int], Taken],
    ) -> Taken:
        with self._office.open() as office:
            at = now()
            grant = self._asker.standing(office)
            found = self._decided(office, grant, naming(grant), at)
            body = {"way": way, "text": text, "edition": self.edition.number, "purpose": self._asker.kind}
            if self._asker.within is not None:
                body["application"] = self._asker.within.application
            if isinstance(found, Refused):
                raise self._refused(office, found, body, at)
            most = self._left(office)
            use = Use(
                grant=grant, person=self._asker.account.name, kind=self._asker.kind,
                keys=Keys(office.secret, self._asker.grant), special=_special(office.settings),
            )  # fmt: skip
            entry, question = self._allow(office, found, body, at)
        began = time.monotonic()
        try:
            taken = answered(use, at, found, most)
            tables = taken.values() if isinstance(taken, dict) else (taken,)
            count = sum(rows.num_rows for rows in tables)
            if count > most:
                raise RefusedError(
                    f"the answer has more than the {most:,} rows that are left of the grant's quota. Aggregate."
                )
        except IsthmusError:
            self._note(entry, {"rows": 0, "seconds": time.monotonic() - began, "outcome": "failed"})
            raise
        self._note(entry, {"rows": count, "seconds": time.monotonic() - began, "outcome": "answered"})
        return _named_after(taken, question)

    def _decided(self, office: Office, grant: Grant | None, named: Columns, at: datetime) -> Allowed | Refused:
        account = self._asker.account
        if not is_in_use(office, account):
            return Refused("person", "this account is not in use", "ask an administrator")
        found = decide(grant, Request(person=account.name, kind=self._asker.kind, at=at, columns=named))
        if isinstance(found, Allowed) and self._left(office) <= 0:
            return Refused("quota", "the rows or seconds of the grant are used up for 24 hours", "go on tomorrow")
        return found

    def _left(self, office: Office) -> int:
        """Rows that the grant may still have; 0 when its seconds are used up."""
        rows, seconds = office.acts.taken(self._asker.grant, now() - DAY)
        return 0 if seconds >= self._limits.seconds else self._limits.rows - rows

    def _refused(self, office: Office, found: Refused, body: dict[str, Any], at: datetime) -> RefusedError:
        session = self._session or office.mint("SE")
        draft = _question(office, self._asker.grant, session, "refused", {**body, "why": found.why}, found.reason)
        office.enter(self._asker.account, draft, at=at)
        return RefusedError(f"{found.why}. What next: {found.next}.")

    def _allow(self, office: Office, found: Allowed, body: dict[str, Any], at: datetime) -> tuple[str, str]:
        drafts = []
        if not self._session:
            self._session = office.mint("SE")
            fields: dict[str, Value] = {"act": "opened", "session": self._session, "grant": self._asker.grant}
            drafts.append(
                Draft(
                    subject=self._session, kind="session", act="opened", logged="session", grant=self._asker.grant,
                    fields=fields,
                )
            )  # fmt: skip
        tables = {name: sorted(measures) for name, measures in found.columns.items() if name not in PUBLIC}
        whole = {**body, "sites": sorted(found.sites), "tables": tables}
        draft = _question(office, self._asker.grant, self._session, "allowed", whole)
        entered = office.enter(self._asker.account, *drafts, draft, at=at)
        return entered[-1].entry, draft.subject

    def _note(self, entry: str, result: dict[str, Any]) -> None:
        with self._office.open() as office:
            office.acts.note(entry, result)


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


def open_granted(
    office: Office,
    lake: Lake,
    account: Account,
    grant: str,
    *,
    kind: str = "",
    edition: int | None = None,
    within: Within | None = None,
) -> Granted:
    """A session under a grant on an edition (the newest by default); `kind` of purpose, if the grant has several.

    An application that asks is told `within`: it gets no more than it declares.
    """
    found = lake.editions.current() if edition is None else lake.editions.get(edition)
    if found is None:
        raise InputError("nothing is published yet. Run `isthmus ingest` first.")
    asker = Asker(account, office.named(grant, "GR"), kind, within)
    with office.open():
        standing = asker.standing(office)
    if not kind and standing is not None:
        if len(standing.kinds) > 1 and account.name in standing.people:
            raise InputError(f"the grant is for {', '.join(sorted(standing.kinds))}. Name one with --purpose.")
        asker = replace(asker, kind=min(standing.kinds))
    return Granted(office, lake, found, asker)


def _named_after(taken: Taken, question: str) -> Taken:
    """What was taken, with the question that it answers."""
    if isinstance(taken, dict):
        return {name: rows.replace_schema_metadata({"question": question}) for name, rows in taken.items()}
    return taken.replace_schema_metadata({"question": question})


def _common(granted: Columns, declared: Columns) -> Columns:
    """The columns of a grant that are declared too."""
    both = {table: columns & declared[table] for table, columns in granted.items() if table in declared}
    return {table: columns for table, columns in both.items() if columns}


def _question(office: Office, grant: str, session: str, act: str, body: Mapping[str, Any], reason: str = "") -> Draft:
    name = office.mint("QU")
    fields: dict[str, Value] = {"act": act, "question": name, "session": session, "grant": grant}
    if reason:
        fields["reason"] = reason
    return Draft(subject=name, kind="question", act=act, logged="question", grant=grant, body=body, fields=fields)


def _text(question: ir.Table) -> str:
    """A question as it was asked, before anything of the grant is in it."""
    return str(ibis.to_sql(question, dialect="duckdb"))


def _named(text: str, grant: Grant | None) -> set[str]:
    """The tables that a statement names, and those of the grant whose names stand anywhere in it.

    More than it needs does no harm: what is not in the grant is refused, what is in it may be read.
    """
    there = set(PUBLIC) | (set(grant.columns) if grant else set())
    return _tables(text) | (set(WORD.findall(text.lower())) & there)


def _tables(text: str) -> set[str]:
    """Tables of the model that a statement reads by their names; none where it cannot be parsed."""
    try:
        found = [one for one in sqlglot.parse(text, dialect="duckdb") if one is not None]
    except SqlglotError:
        return set()
    own = {cte.alias_or_name.lower() for one in found for cte in one.find_all(exp.CTE)}
    return {table.name.lower() for one in found for table in one.find_all(exp.Table)} & set(QUESTIONS) - own


def _special(settings: Mapping[str, Any]) -> frozenset[int]:
    """Concepts of diseases of the highest grade, which the operator lists in isthmus.toml."""
    said = settings.get("special", [])
    if not isinstance(said, list) or not all(type(one) is int for one in said):
        raise InputError("isthmus.toml: `special` is a list of concept ids, as [439727]. Correct it.")
    return frozenset(said)
