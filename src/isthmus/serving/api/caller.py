"""Who calls: an account shown by a bearer token, looked at anew for each request. No cookie counts, no other header."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from isthmus.base.errors import RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.people import known
from isthmus.gate.office.unit import Office
from isthmus.records.models import Account
from isthmus.serving.api.limits import Desks, Limits, Pace
from isthmus.serving.api.problem import Problem

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="isthmus"'}
BEARER = HTTPBearer(
    auto_error=False, bearerFormat="isthmus.NUMBER.SECRET", description="`isthmus people token` makes one."
)


@dataclass(frozen=True, slots=True)
class House:
    """What all requests share: the workspace, its limits, and who has how much left."""

    opened: Workspace
    limits: Limits
    pace: Pace
    wrong: Pace
    desks: Desks

    def office(self) -> Office:
        """The office for one request; what it holds open belongs to whoever opened it."""
        return Office(self.opened.root, self.opened.records, self.opened.settings)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, with the house and the office for this one request."""

    house: House
    office: Office
    account: Account


def house_of(request: Request) -> House:
    """The house that answers a request."""
    found = request.app.state.house
    assert isinstance(found, House)  # `mount` put it there
    return found


def caller(scope: str) -> Callable[..., Caller]:
    """A dependency: the caller, whose token has to be for this scope; '' for any."""

    def calling(
        request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)] = None
    ) -> Caller:
        house = house_of(request)
        office = house.office()
        account = _shown(house, office, request, shown, scope)
        request.state.left = house.pace.take(account.name)
        return Caller(house, office, account)

    return calling


def _shown(
    house: House, office: Office, request: Request, shown: HTTPAuthorizationCredentials | None, scope: str
) -> Account:
    address = request.client.host if request.client else ""
    if shown is None or len(request.headers.getlist("authorization")) != 1:
        house.wrong.take(address)
        raise Problem("unauthenticated", "the request has no single bearer token.", headers=CHALLENGE)
    number = shown.credentials.partition(".")[2].partition(".")[0]
    found = office.accounts.token(number) if number.isalnum() else None
    held = found.scope[0] if found else scope  # who it is comes first, what the token is for second
    try:
        account = known(office, found.name if found else "", held, shown=shown.credentials, password=None)
    except RefusedError as error:
        house.wrong.take(address)
        raise Problem("unauthenticated", str(error), headers=CHALLENGE) from None
    if found is None or (scope and scope not in found.scope):
        raise Problem(
            "refused", f"the token is not for {scope}. Ask for one with that scope: `isthmus people token`.",
            headers={"WWW-Authenticate": f'Bearer realm="isthmus", error="insufficient_scope", scope="{scope}"'},
        )  # fmt: skip
    return account


Asking = Annotated[Caller, Depends(caller("ask"))]
Using = Annotated[Caller, Depends(caller("use"))]
Releasing = Annotated[Caller, Depends(caller("release"))]
Logging = Annotated[Caller, Depends(caller("log"))]
Anyone = Annotated[Caller, Depends(caller(""))]
