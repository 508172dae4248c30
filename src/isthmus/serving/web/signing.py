"""Signing in and out: name, password and code, or a service elsewhere, make a session; its cookie is new each time."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.responses import HTMLResponse, RedirectResponse

from isthmus.base.errors import RefusedError
from isthmus.gate.office.people import known
from isthmus.serving.web import elsewhere, guard
from isthmus.serving.web.frame import around
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.render import rendered
from isthmus.serving.web.shell.words import speech
from isthmus.serving.web.throttle import Throttle

SCOPE = "use"
SHOWN = 12  # accounts of a demonstration: those that it was made with


def register(app: FastAPI, house: House) -> None:
    """Add the addresses of signing in and out."""
    throttle = Throttle()

    def entered(request: Request, name: str, to: str) -> Response:
        return _begun(house, request, name, to)

    def told(request: Request, fault: str, status: int, asking: bool) -> Response:
        return _page(house, request, fault, status, services.names, asking=asking)

    services = elsewhere.register(app, house, throttle, entered, told)

    async def form(request: Request) -> Response:
        return await house.lanes.pages.do(_page, house, request, "", 200, services.names)

    async def enter(request: Request) -> Response:
        sent = await request.form(max_files=0, max_fields=10, max_part_size=2000)
        values = {key: str(sent.get(key, "")) for key in ("token", "name", "password", "code", "to")}
        return await house.lanes.signing.do(_enter, house, request, values, throttle, services.names)

    async def leave(request: Request) -> Response:
        sent = await request.form(max_files=0, max_fields=10, max_part_size=2000)
        return await house.lanes.pages.do(_leave, house, request, str(sent.get("token", "")))

    app.add_route("/sign-in", form, ["GET"])
    app.add_route("/sign-in", enter, ["POST"])
    app.add_route("/sign-out", leave, ["POST"])


def _page(
    house: House, request: Request, fault: str, status: int, services: Sequence[str], *, asking: bool = False
) -> Response:  # fmt: skip
    visitor = guard.found(house, request)
    w = speech("", visitor.language)
    values = {
        **around(request, house, visitor, ""), "w": w, "name": w.name, "fault": fault,
        "to": request.query_params.get("to", "/"), "shown": _shown(house),
        "services": services, "asking": asking,
    }  # fmt: skip
    response = HTMLResponse(rendered("signin.html.j2", values), status)
    _keep(request, response, getattr(request.state, "fresh", ""))
    return response


def _shown(house: House) -> list[dict[str, Any]]:
    """The accounts of a demonstration, whose password everybody knows; none in any other workspace."""
    said = house.workspace.settings.get("demonstration")
    if not house.synthetic or not isinstance(said, Mapping):
        return []
    return [
        {"name": one.name, "roles": one.roles, "password": str(said.get("password", ""))}
        for one in house.office.accounts.first(SHOWN)
    ]  # fmt: skip


def _enter(
    house: House, request: Request, sent: Mapping[str, str], throttle: Throttle, services: Sequence[str]
) -> Response:  # fmt: skip
    guard.demand_ours(house, request, sent["token"])
    address = request.client.host if request.client else ""
    throttle.demand(address)
    try:
        account = known(house.office, sent["name"], SCOPE, shown=None, password=sent["password"], code=sent["code"])
    except RefusedError as refused:
        throttle.failed(address)
        return _page(house, request, str(refused), 403, services)
    return _begun(house, request, account.name, sent["to"])


def _begun(house: House, request: Request, name: str, to: str) -> Response:
    """A new session of an account, in place of whichever there was, and on to an address."""
    house.sessions.end(request.cookies.get(guard.cookie(request.url.scheme == "https")))
    response = RedirectResponse(guard.local(to), 303)
    _keep(request, response, house.sessions.begin(name))
    return response


def _leave(house: House, request: Request, token: str) -> Response:
    guard.demand_ours(house, request, token)
    secure = request.url.scheme == "https"
    house.sessions.end(request.cookies.get(guard.cookie(secure)))
    response = RedirectResponse("/", 303)
    response.delete_cookie(guard.cookie(secure), path="/", secure=secure, httponly=True, samesite="lax")
    response.headers["Clear-Site-Data"] = '"cache"'
    return response


def _keep(request: Request, response: Response, value: str) -> None:
    if value:
        secure = request.url.scheme == "https"
        response.set_cookie(guard.cookie(secure), value, httponly=True, samesite="lax", secure=secure, path="/")
