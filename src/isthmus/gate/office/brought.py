"""The rows of a table that some deliveries brought, under a grant: for who is told that results are ready."""

from collections.abc import Collection
from datetime import datetime

import pyarrow as pa

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.committee.application import Columns, Grant
from isthmus.gate.grade.decision import Allowed
from isthmus.gate.grade.rewrite import Use, views
from isthmus.gate.joined import reading_of
from isthmus.gate.office.session import Granted
from isthmus.lake.asking import answer


def brought(session: Granted, table: str, parts: Collection[int]) -> pa.Table:
    """The rows of a table that the grant holds and that some parts of deliveries brought, as the edition has them.

    Raises RefusedError, which says why and what to do next.
    """

    def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> pa.Table:
        edition, source = session.edition.within(allowed.sites), QUESTIONS[table]
        view = views(Allowed(allowed.sites, {table: allowed.columns[table]}), use)[table]
        some = source.filter(source.part_id.isin([*parts]))
        asked = view.op().replace({source.op(): some.op()}).to_expr().limit(most + 1)
        return answer(session._lake, edition, asked, reading_of(edition, [table]), seconds=session._limits.longest)

    def naming(grant: Grant | None) -> Columns:
        return {table: frozenset()}

    return session.asking.answered(
        "changes", f"what of {table} {len(parts)} parts of deliveries brought", naming, answered
    )
