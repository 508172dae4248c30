"""Signing in with an account of another house: the way to its service and back (OpenID Connect, `federated.py`).

What was begun is kept on this side, for the browser that has its cookie, and used once. Nobody is in before whoever
came back is bound to an account here and has shown the account's second factor, if it has one.
"""

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.responses import RedirectResponse

from isthmus.base.clock import now
from isthmus.base.errors import RefusedError
from isthmus.gate.office import federated, people
from isthmus.gate.office.federated import WAIT, Begun
from isthmus.gate.office.provider import Provider, registered
from isthmus.serving.web import guard
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.page import Missing
from isthmus.serving.web.throttle import Throttle

COOKIE, BACK = "isthmus-elsewhere", "elsewhere_back"
LOST = "this sign-in was not begun in this browser, or has taken too long. Begin it anew."
MOST = 10_000  # sign-ins under way; the oldest goes first
Enter = Callable[[Request, str, str], Response]
"""A session for an account, and on to an address of the workbench."""
Told = Callable[[Request, str, int, bool], Response]
"""The page of signing in with what went wrong, its status, and whether it asks for the code of a second factor."""


@dataclass(frozen=True, slots=True)
class Way:
    """A sign-in under way: begun at a service, or (`name`) come back as an account whose second factor is asked for."""

    to: str
    until: datetime
    begun: Begun | None = None
    name: str = ""


class Ways:
    """Sign-ins under way, by the SHA-256 of what the browser's cookie holds."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Way] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, way: Way) -> str:
        """Keep a way; what the cookie is to hold."""
        value = secrets.token_urlsafe(32)
        with self._lock:
            self._held[_digest(value)] = way
            while len(self._held) > MOST:
                self._held.popitem(last=False)
        return value

    def take(self, value: str | None) -> Way | None:
        """The way of a cookie, this once; None where there is none, or it took too long."""
        with self._lock:
            found = self._held.pop(_digest(value or ""), None)
        return found if found is not None and now() < found.until else None


class Services:
    """The services that the operator registered; each is asked by one at a time."""

    def __init__(self, house: House) -> None:
        """Raises InputError or IntegrityError where they are not written as they have to be."""
        said = registered(house.workspace.settings, house.office.keys)
        self._held = {name: (Provider(one), threading.Lock()) for name, one in said.items()}

    @property
    def names(self) -> list[str]:
        """What they are called."""
        return list(self._held)

    def begin(self, name: str, redirect: str) -> Begun:
        """Begin a sign-in at one. Raises Missing where there is none of the name."""
        provider, lock = self._one(name)
        with lock:
            return federated.begin(provider, redirect)

    def named(self, house: House, name: str, begun: Begun, answer: Mapping[str, str]) -> Any:
        """The account of who came back from one. Raises RefusedError."""
        provider, lock = self._one(name)
        with lock:
            return federated.named(house.office, provider, begun, answer)

    def _one(self, name: str) -> tuple[Provider, threading.Lock]:
        if name not in self._held:
            raise Missing("there is no such sign-in service here.", {"/sign-in": "/sign-in"})
        return self._held[name]


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Signing in by way of services: away, back, and the code of a second factor."""

    house: House
    services: Services
    ways: Ways
    throttle: Throttle
    enter: Enter
    told: Told

    def begin(self, request: Request) -> Response:
        """Send the browser to a service."""
        name, to = request.path_params["service"], guard.local(request.query_params.get("to", "/"))
        self.throttle.demand(_address(request))
        try:
            begun = self.services.begin(name, str(request.url_for(BACK, service=name)))
        except RefusedError as refused:
            return self.told(request, str(refused), 403, False)
        way = self.ways.keep(Way(to, now() + WAIT, begun))
        return _with(request, RedirectResponse(begun.address, 303), way)

    def back(self, request: Request) -> Response:
        """Let in who came back, or ask for the code of their second factor."""
        self.throttle.demand(_address(request))
        way = self.ways.take(request.cookies.get(_cookie(request)))
        try:
            if way is None or way.begun is None:
                raise RefusedError(LOST)
            service, answer = request.path_params["service"], dict(request.query_params)
            account = self.services.named(self.house, service, way.begun, answer)
        except RefusedError as refused:
            return self._refused(request, refused)
        if account.second is None:
            return _off(request, self.enter(request, account.name, way.to))
        kept = self.ways.keep(Way(way.to, now() + WAIT, name=account.name))
        return _with(request, self.told(request, "", 200, True), kept)

    def code(self, request: Request, sent: Mapping[str, str]) -> Response:
        """Let in who came back and shows a code of their second factor."""
        guard.demand_ours(self.house, request, sent["token"])
        self.throttle.demand(_address(request))
        office, way = self.house.office, self.ways.take(request.cookies.get(_cookie(request)))
        account = office.accounts.get(way.name) if way is not None and way.name else None
        try:
            if way is None or account is None or not people.is_in_use(office, account):
                raise RefusedError(LOST)
            people.demand_second(office, account, sent["code"])
        except RefusedError as refused:
            return self._refused(request, refused)
        return _off(request, self.enter(request, account.name, way.to))

    def _refused(self, request: Request, why: RefusedError) -> Response:
        self.throttle.failed(_address(request))
        return _off(request, self.told(request, str(why), 403, False))


def register(app: FastAPI, house: House, throttle: Throttle, enter: Enter, told: Told) -> Services:
    """Add the addresses of signing in elsewhere; what the page of signing in shows of them."""
    found = Elsewhere(house, Services(house), Ways(), throttle, enter, told)

    async def begin(request: Request) -> Response:
        return await house.lanes.signing.do(found.begin, request)

    async def back(request: Request) -> Response:
        return await house.lanes.signing.do(found.back, request)

    async def code(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=10, max_part_size=2000)
        sent = {key: str(form.get(key, "")) for key in ("token", "code")}
        return await house.lanes.signing.do(found.code, request, sent)

    app.add_route("/sign-in/with/{service}", begin, ["GET"])
    app.add_route("/sign-in/from/{service}", back, ["GET"], name=BACK)
    app.add_route("/sign-in/code", code, ["POST"])
    return found.services


def _with(request: Request, response: Response, value: str) -> Response:
    """The answer with the cookie of a way, which the service's own page sends back when it leads here (lax)."""
    secure, age = request.url.scheme == "https", int(WAIT.total_seconds())
    response.set_cookie(
        _cookie(request), value, max_age=age, httponly=True, samesite="lax", secure=secure, path="/"
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


def _off(request: Request, response: Response) -> Response:
    secure = request.url.scheme == "https"
    response.delete_cookie(_cookie(request), path="/", secure=secure, httponly=True, samesite="lax")
    response.headers["Cache-Control"] = "no-store"
    return response


def _cookie(request: Request) -> str:
    return f"__Host-{COOKIE}" if request.url.scheme == "https" else COOKIE


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _digest(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()
