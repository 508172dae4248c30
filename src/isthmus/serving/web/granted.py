"""The grants of whoever looks at a page, and sessions under them."""

from collections.abc import Mapping, Sequence

from isthmus.gate.committee.application import Grant
from isthmus.gate.office.session import Granted, open_granted
from isthmus.serving.web.shell.page import Asked
from isthmus.serving.web.waiting import short


def in_force(told: Asked) -> Sequence[Grant]:
    """The grants in force of whoever asks."""
    account = told.visitor.account
    if account is None:
        return ()
    found = (one.case.grant for one in told.house.cases() if one.case.standing(told.now) == "active")
    return [one for one in found if one is not None and account.name in one.people]


def summaries(told: Asked) -> Mapping[str, str]:
    """What each grant is for, in the applicant's words."""
    return {one.case.grant.id: one.asked.summary for one in told.house.cases() if one.case.grant is not None}


def session(told: Asked, grant: str, *, kind: str = "", edition: int | None = None) -> Granted:
    """A session under a grant, named as addresses have it, for whoever asks. Nothing is decided yet.

    Where the grant is for several kinds of purpose and none is named, it is the first of them. Raises RefusedError
    for who has not signed in.
    """
    person, house = told.visitor.demanded(), told.house
    mine = next((one for one in in_force(told) if short(one.id) == grant), None)
    kind = kind or (min(mine.kinds) if mine else "")
    return open_granted(house.office, house.workspace.lake, person, grant, kind=kind, edition=edition)
