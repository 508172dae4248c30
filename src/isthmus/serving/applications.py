"""Applications on the web: their pages and routes below /apps, and their services of CDS Hooks 2.

Who asks is found by `person`; every answer is of the application, in threads or a process of its own, so that a slow
one keeps nobody waiting but who asked it.
"""

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse, JSONResponse

from isthmus.apps.contract import Asked, Told
from isthmus.apps.contract.bound import API, Call
from isthmus.apps.manager.given import EMPTY, STATUS
from isthmus.apps.manager.running import Manager, failure, told
from isthmus.base.errors import InputError, RefusedError
from isthmus.flow.workspace import Workspace
from isthmus.gate.office.people import known
from isthmus.gate.office.unit import Office
from isthmus.serving.api import problem
from isthmus.serving.fragment import clean

LOG = logging.getLogger("isthmus.apps")
METHODS = ["GET", "POST", "PUT", "DELETE"]
LARGEST = 10 << 20  # bytes of a request
SITE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a character
SCOPE = "ask"
# What a browser may be given of an application: nothing that runs, or styles a page of the house.
JSON = "application/json"
MEDIA = ("text/html", "text/plain", "text/csv", "application/fhir+json", "image/svg+xml")
TICK = 1.0  # seconds
# Hooks of the specification: each is about one patient.
HOOKS = frozenset(
    {
        "patient-view", "order-select", "order-sign", "order-dispatch", "encounter-start", "encounter-discharge",
        "appointment-book", "allergyintolerance-create", "problem-list-item-create", "medication-refill",
    }
)  # fmt: skip
LONGEST = 200  # characters of a patient's id
CLOSED = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}

Person = Callable[[Request], str]
Framed = Callable[[Request, Mapping[str, str], str], Response]


@dataclass(frozen=True, slots=True)
class Door:
    """What the endpoints share: the manager, who asks, and the frame of the house around a page."""

    manager: Manager
    person: Person
    framed: Framed

    async def answered(self, app: str, call: Call) -> Told:
        """What a call of an application says; errors as answers."""
        try:
            assert call.asked is not None
            future = await run_in_threadpool(self.manager.submit, app, call, person=call.asked.person)
            return told(await asyncio.wait_for(asyncio.wrap_future(future), self.manager.seconds + 1))
        except Exception as error:  # whatever went wrong in an application is an answer to who asked it
            return failure(app or call.name, error)

    async def asked(self, request: Request, path: str) -> Asked:
        """A request as an application sees it. Raises RefusedError or InputError."""
        person = await run_in_threadpool(self.person, request)
        body = b"".join([piece async for piece in _limited(request)])
        query = dict(request.query_params)
        site = query.pop("site", "")
        if site and not (SITE.fullmatch(site) and self.manager.has_site(site)):
            raise InputError("`site` names no site of this installation. `isthmus site list` shows them.")
        return Asked(
            method=request.method, path=path, query=query, body=_value(body), site=site, language=language(request),
            person=person,
        )  # fmt: skip

    async def page(self, request: Request) -> Response:
        """A page or a route of an application."""
        app, path = request.path_params["app"], request.path_params["path"]
        try:
            found = await self.answered(app, Call("answer", asked=await self.asked(request, path)))
        except (InputError, RefusedError) as error:
            found = failure(app, error)
        runs = self.manager.running().get(app)
        title = runs.gives["pages"].get(path) if runs and not path.startswith(API) else None
        if title and found.media == "text/html" and found.status == 200:
            return self.framed(request, title, await run_in_threadpool(clean, str(found.body)))
        return response(found)

    async def discovery(self, request: Request) -> Response:
        """The services of CDS Hooks that there are."""
        spoken = language(request)
        services = [
            {
                "id": name, "hook": one["hook"], "title": one["title"].get(spoken), "prefetch": one["prefetch"],
                "description": one["description"].get(spoken),
            }
            for runs in self.manager.running().values()
            for name, one in runs.gives["services"].items()
        ]  # fmt: skip
        return response(Told(body={"services": services}))

    async def service(self, request: Request) -> Response:
        """The cards of a service."""
        return await self._serviced(request, "service")

    async def feedback(self, request: Request) -> Response:
        """What became of cards."""
        return await self._serviced(request, "feedback")

    async def _serviced(self, request: Request, kind: str) -> Response:
        service = request.path_params["service"]
        try:
            asked = await self.asked(request, service)
            app = self.manager.giver(service)
            runs = self.manager.running().get(app)
            if runs is not None and kind == "service":
                _demand_call(asked.body, service, runs.gives["services"][service]["hook"])
            found = await self.answered(app, Call(kind, service, asked))
        except (InputError, RefusedError) as error:
            found = failure(service, error)
        return response(found)


def mount(app: FastAPI, manager: Manager, *, person: Person, framed: Framed | None = None) -> None:
    """Put the applications of a manager on the web. `person` finds the account that asks, "" for nobody, and raises
    RefusedError; `framed` puts a fragment of HTML into a page of the house."""
    door = Door(manager, person, framed or plainly)
    _offer(app, door)
    app.add_route("/apps/{app}/{path:path}", door.page, methods=METHODS)


def offer(app: FastAPI, manager: Manager, *, person: Person) -> None:
    """Put nothing but the services of CDS Hooks on the web."""
    _offer(app, Door(manager, person, plainly))


def _offer(app: FastAPI, door: Door) -> None:
    app.add_route("/cds-services", door.discovery, methods=["GET"])
    app.add_route("/cds-services/{service}", door.service, methods=["POST"])
    app.add_route("/cds-services/{service}/feedback", door.feedback, methods=["POST"])


async def ticking(turn: Callable[[], object]) -> None:
    """Have a manager follow what is decided, and whatever else `turn` does, every second until it is cancelled."""
    while True:
        try:
            await run_in_threadpool(turn)
        except Exception as error:  # records that are locked for a moment must not end it
            LOG.warning("applications were not followed for a moment (%s)", type(error).__name__)
        await asyncio.sleep(TICK)


def bearer(opened: Workspace) -> Person:
    """Finds who asks by a bearer token of scope `ask`; nobody is asked over invented patients."""
    office = Office(opened.root, opened.records, opened.settings)

    def person(request: Request) -> str:
        shown = request.headers.get("authorization", "")
        if not shown and opened.synthetic:
            return ""
        token = shown.partition(" ")[2].strip() if shown.lower().startswith("bearer ") else ""
        number = token.partition(".")[2].partition(".")[0]
        found = office.accounts.token(number) if number.isalnum() else None
        return known(office, found.name if found else "", SCOPE, shown=token or None, password=None).name

    return person


def language(request: Request) -> str:
    """The language that a request prefers: zh or en."""
    said = request.query_params.get("lang") or request.headers.get("accept-language", "")
    return "zh" if said.lower().startswith("zh") else "en"


def response(found: Told) -> Response:
    """An answer as it is sent: JSON, or a text of the media type that the application gives."""
    try:
        return _written(found)
    except (ValueError, TypeError, RecursionError):  # no number, half a character, a value of its own kind
        return _written(Told(status=500, body={"error": "an application gave what cannot be sent. Tell its maker."}))


def _written(found: Told) -> Response:
    if type(found.status) is not int or found.status not in STATUS:
        raise TypeError
    if found.status in EMPTY:
        return Response(status_code=found.status, headers=CLOSED)
    if found.status >= 400 and isinstance(found.body, dict) and found.body.keys() == {"error"}:
        return JSONResponse(_problem(found), found.status, headers=CLOSED, media_type=problem.MEDIA)
    if found.media == JSON:
        return JSONResponse(found.body, found.status, headers=CLOSED)
    if found.media not in MEDIA:
        return _written(Told(status=500, body={"error": f"an application may not give {str(found.media)[:40]}."}))
    return Response(str(found.body), found.status, media_type=found.media, headers=CLOSED)


def _problem(found: Told) -> Mapping[str, Any]:
    """An error of an application or the gate as problem details (RFC 9457)."""
    known = {403: "refused", 404: "unknown"}
    kind = problem.kinds()[known.get(found.status, "wrong" if found.status < 500 else "failed")]
    return {
        "type": f"{problem.PLACE}{kind.name}", "title": kind.title["en"], "status": found.status,
        "detail": found.body["error"],
    }  # fmt: skip


def plainly(request: Request, title: Mapping[str, str], fragment: str) -> Response:
    """A page without the frame of the house."""
    spoken = language(request)
    head = f'<!doctype html><html lang="{spoken}"><meta charset="utf-8"><title>{escape(title.get(spoken, ""))}</title>'
    return HTMLResponse(f"{head}<main>{fragment}</main></html>", headers=CLOSED)


def _value(body: bytes) -> Any:
    """The value that a body has as JSON, None of an empty one. Raises InputError for what is none."""
    try:
        value = json.loads(body, parse_constant=_no_number) if body else None
        if HALF.search(body):
            json.dumps(value, ensure_ascii=False).encode()  # half a character is no text, and could not be kept
    except (ValueError, RecursionError):
        raise InputError("the body of the request is no JSON. Send JSON, or nothing.") from None
    return value


def _no_number(name: str) -> None:
    raise ValueError(name)


def _demand_call(body: Any, service: str, hook: str) -> None:
    """Raise InputError unless a body is a call of a hook as every application may count on it.

    A patient is named by a text: the numbers of an edition are longer than programs keep exactly.
    """
    if not isinstance(body, dict) or not isinstance(body.get("context"), dict):
        raise InputError(
            "a call is an object with `hook`, `hookInstance` and `context`. Send it as CDS Hooks 2 has it."
        )
    if body.get("hook") != hook:
        raise InputError(f"the service {service} answers the hook {hook}. Name it as `hook`, or call another service.")
    patient = body["context"].get("patientId", "" if hook in HOOKS else "-")
    if not isinstance(patient, str) or not patient or len(patient) > LONGEST:
        raise InputError(f"`context.patientId` is a text of 1 to {LONGEST} characters. Send the patient's id so.")


async def _limited(request: Request) -> Any:
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > LARGEST:
            raise InputError(f"the request is larger than {LARGEST >> 20} MiB. Send less at once.")
        yield piece
