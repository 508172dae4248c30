"""What persons are called under a grant of whom somebody has the numbers that they have at a desk."""

from collections.abc import Collection
from datetime import datetime

import pyarrow as pa

from isthmus.gate.committee.application import Columns, Grant
from isthmus.gate.grade.column import graded
from isthmus.gate.grade.decision import Allowed
from isthmus.gate.grade.rewrite import Use, persons
from isthmus.gate.joined import reading_of
from isthmus.gate.office.session import PERSON, Granted
from isthmus.lake.asking import answer


def called(session: Granted, numbers: Collection[int]) -> dict[int, str]:
    """The pseudonyms of persons of the grant by their numbers; of others nothing.

    Raises RefusedError, which says why and what to do next.
    """

    def answered(use: Use, at: datetime, allowed: Allowed, most: int) -> pa.Table:
        edition = session.edition.within(allowed.sites)
        people = persons(allowed, use, (), numbers)
        name = people.person_id.cast("string")
        if allowed.columns["person"]["person_id"] == "pseudonymise":
            name = use.keys.pseudonyms(people.person_id, graded("person", "person_id").width)
        asked = people.select(number=people.number, name=name)
        return answer(session._lake, edition, asked, reading_of(edition, PERSON), seconds=session._limits.longest)

    def naming(grant: Grant | None) -> Columns:
        return PERSON

    found = session.asking.answered("persons", f"what {len(numbers)} persons are called", naming, answered).to_pylist()
    return {row["number"]: row["name"] for row in found}
