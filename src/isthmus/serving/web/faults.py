"""What an error looks like: what happened, what was not changed, a number to name it by, and one next step.

Pages get a page, programs (by address or by what they accept) get a problem in JSON (RFC 9457). No trace leaves.
"""

import logging
from collections.abc import Mapping
from difflib import get_close_matches

import orjson
from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse

from isthmus.base.errors import InputError, IntegrityError, IsthmusError, RefusedError, UsageError
from isthmus.serving.web import guard
from isthmus.serving.web.frame import around
from isthmus.serving.web.house import House
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart, files
from isthmus.serving.web.shell.page import Missing
from isthmus.serving.web.shell.render import rendered
from isthmus.serving.web.shell.words import speech

LOG = logging.getLogger("isthmus.web")
KINDS: Mapping[int, str] = {400: "asked", 403: "refused", 404: "missing", 405: "asked", 413: "asked", 422: "asked"}
FILES = tuple(f".{suffix}" for suffix in (*files.SUFFIXES, *chart.SUFFIXES))
STATUSES: tuple[tuple[type[IsthmusError], int], ...] = (
    (Missing, 404), (RefusedError, 403), (UsageError, 422), (InputError, 422), (IntegrityError, 500),
    (IsthmusError, 503),
)  # fmt: skip


def register(app: FastAPI, house: House) -> None:
    """Have every error of the workbench's own addresses told in one way."""

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, IsthmusError)
        status = next(number for kind, number in STATUSES if isinstance(error, kind))
        return await told(house, request, status, str(error), getattr(error, "near", {}))

    async def plain(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        near = _near(request.url.path) if error.status_code == 404 else {}
        takes = (error.headers or {}).get("Allow", "") if error.status_code == 405 and not _is_page(request) else ""
        said = f"this address takes {takes}, and {request.method} was sent. Send it so." if takes else ""
        return await told(house, request, error.status_code, said, near)

    app.add_exception_handler(IsthmusError, ours)
    app.add_exception_handler(HTTPException, plain)


async def unforeseen(house: House, request: Request, error: Exception) -> Response:
    """What nobody foresaw: its kind and number go to the log of the server, never its text, which may hold data."""
    LOG.error("request %s: %s at %s", request.state.number, type(error).__name__, request.url.path)
    return await told(house, request, 500, "", {})


async def told(house: House, request: Request, status: int, text: str, near: Mapping[str, str]) -> Response:
    """An error as a page, or as a problem in JSON for who asks for data."""
    if not _is_page(request):
        return _problem(request, status, text)

    def made() -> Response:
        visitor = guard.found(house, request)
        w = speech("", visitor.language)
        values = {
            **around(request, house, visitor, ""), "w": w, "name": w.name, "status": status, "text": text,
            "kind": KINDS.get(status, "broken"), "near": near, "changed": request.method not in guard.SAFE,
            "form": _form(request),
        }  # fmt: skip
        return HTMLResponse(rendered("fault.html.j2", values), status)

    return await house.lanes.pages.do(made)


def _is_page(request: Request) -> bool:
    """Whether somebody looks, and no program asks for data."""
    return not request.url.path.endswith(FILES) and "text/html" in request.headers.get("accept", "")


def _problem(request: Request, status: int, text: str) -> Response:
    body = {
        "type": f"urn:isthmus:{KINDS.get(status, 'broken')}", "title": speech("",
        "en")(f"fault.{KINDS.get(status, 'broken')}"),
        "status": status, "detail": text, "instance": request.url.path, "request": request.state.number,
    }  # fmt: skip
    return Response(orjson.dumps(body), status, media_type="application/problem+json")


def _form(request: Request) -> str:
    """The page whose form was sent, '' where none was: its address is that of the act without the act."""
    if request.method in guard.SAFE or request.url.path.startswith("/sign-"):
        return ""
    page = request.url.path.rpartition("/")[0]
    return "/" if page in ("", "/overview") else page


def _near(path: str) -> dict[str, str]:
    """Pages whose addresses look like one that is not there."""
    plain = [page.address for page in PAGES if "{" not in page.address]
    wanted = [f"/{path.strip('/').split('/')[0]}", path]
    found = [one for text in wanted for one in get_close_matches(text, plain, 3, 0.55)]
    return {one: one for one in dict.fromkeys(found)}
