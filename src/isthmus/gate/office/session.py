"""A session under a grant: each question is looked at anew, logged, and only then answered, over what was granted.

Persons are joined (`gate/joined.py`) among the sites of the grant: of the others no file is opened. The state of the
grant is read from the records at every question, so that a suspension or a revocation holds at once. A question that is
refused gives no row and one entry in the log. One that is allowed is logged before its first row.
"""

import re
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from isthmus.base.errors import InputError, IsthmusError
from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Columns, Grant
from isthmus.gate.desk import Desk, desk_over
from isthmus.gate.differing import differing
from isthmus.gate.grade.decision import PUBLIC, Allowed
from isthmus.gate.grade.rewrite import RAW, Use, columns_of, lent, persons, rewritten, shifts, views
from isthmus.gate.joined import reading_of
from isthmus.gate.leaves import check
from isthmus.gate.lending import on_desk
from isthmus.gate.office.asking import Asker, Asking, Taken, Within
from isthmus.gate.office.prepared import prepared
from isthmus.gate.office.quota import Quota
from isthmus.gate.office.unit import Office
from isthmus.lake.asking import answer
from isthmus.lake.edition import Edition
from isthmus.lake.lake import Lake
from isthmus.lake.locked import MistakenError, locked, straight
from isthmus.lake.plain import Plain, plain
from isthmus.records.models import Account

WORD = re.compile(r"\w+")


PERSON = {"person": frozenset({"person_id"})}


class Persons(NamedTuple):
    """Rows `person_id, number, days`: what stands for a person, and by how many days its dates are moved; and whether
    the dates of persons are moved at all."""

    rows: pa.Table
    moved: bool


class Granted:
    """One person's work under one grant on one edition. Opened by `open_granted`."""

    def __init__(self, office: Office, lake: Lake, edition: Edition, asker: Asker) -> None:
        self._office = office
        self._lake = lake
        self.edition = edition
        self._asker = asker
        self.asking = Asking(office, edition.number, asker)

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

        return self.asking.answered("question", _text(question), lambda grant: named, answered)

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

        return self.asking.answered("sql", text, naming, answered)

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

        return self.asking.answered("steps", text, naming, answered)

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

        return Persons(self.asking.answered("persons", text, naming, answered), moved[0])

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
        return self.asking.answered("changes", text, lambda grant: {table: frozenset()}, answered)

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
        return self.asking.limits


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
