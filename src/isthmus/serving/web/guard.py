"""What every request passes: a number of its own, who asks, whether a form is ours, and headers that close the page.

Addresses of programs (`/api`, `/fhir`, …) pass by: they have no cookies and headers of their own.
"""

from collections.abc import Awaitable, Callable, Mapping
from secrets import token_hex, token_urlsafe
from urllib.parse import urlsplit

from fastapi import Request, Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from isthmus.base.errors import RefusedError
from isthmus.gate.office.people import is_in_use
from isthmus.records.models import Account
from isthmus.serving.web.house import House
from isthmus.serving.web.shell.words import spoken
from isthmus.serving.web.visitor import THEMES, Visitor

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
SESSION, LANGUAGE, THEME = "isthmus", "isthmus-language", "isthmus-theme"
YEAR = 365 * 24 * 3600
PROGRAMS = ("/api/", "/fhir", "/cds-services")
Fault = Callable[[House, Request, Exception], Awaitable[Response]]
"""What is told where nobody foresaw an error."""
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """The outermost part of the workbench (ASGI)."""

    def __init__(self, app: ASGIApp, house: House, fault: Fault) -> None:
        self.app = app
        self.house = house
        self.fault = fault

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        number = token_hex(6)
        scope.setdefault("state", {})["number"] = number
        program = scope["path"].startswith(PROGRAMS)
        secure = scope["scheme"] == "https"

        begun = False

        async def answer(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Request-Id", number)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
                if not program:
                    headers.setdefault("Cache-Control", "private, no-cache")
                    headers.setdefault("Vary", "Cookie, Accept-Language")
            await send(message)

        try:
            await self.app(scope, receive, answer)
        except Exception as error:  # whatever it was: a page with a number, and the same headers as every other
            if begun:
                raise
            told = await self.fault(self.house, Request(scope, receive), error)
            await told(scope, receive, answer)


def cookie(secure: bool) -> str:
    """The name of the cookie of a session; where there is https, one that no other host can set."""
    return f"__Host-{SESSION}" if secure else SESSION


def held(request: Request) -> str:
    """What the cookie of the session holds, '' without one."""
    return request.cookies.get(cookie(request.url.scheme == "https")) or ""


def found(house: House, request: Request) -> Visitor:
    """Who asks, by cookie; what they like, by cookie or address."""
    value = held(request)
    name = house.sessions.name(value)
    account = house.fresh.of(("account", name), lambda: _acting(house, name)) if name else None
    if name and account is None:
        house.sessions.end_all(name)
    if not value:
        value = request.state.fresh = token_urlsafe(32)
    theme = request.cookies.get(THEME, "auto")
    language = spoken(
        request.query_params.get("lang"), request.cookies.get(LANGUAGE), request.headers.get("accept-language", "")
    )
    return Visitor(
        account, language, next((one for one in THEMES if one == theme), "auto"), house.sessions.token(value)
    )  # fmt: skip


def _acting(house: House, name: str) -> Account | None:
    """An account that may act, None where there is none of this name, or none any more."""
    account = house.office.accounts.get(name)
    return account if account is not None and is_in_use(house.office, account) else None


def demand_ours(house: House, request: Request, token: str) -> None:
    """Let a form pass that comes from a page of ours, in the browser that was given it. Raises RefusedError."""
    if not came_from_here(request.headers, request.url.netloc) or not house.sessions.fits(held(request), token):
        raise RefusedError(
            "the form did not come from an open page of this workbench, or the page was open too long. "
            "Open the page again and send its form."
        )


def came_from_here(headers: Headers, host: str) -> bool:
    """Whether a browser says that it sends a form of this site; one that says nothing of it is not believed."""
    site = headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        told = headers.get("referer")
        return told is not None and urlsplit(told).netloc == host
    return urlsplit(origin).netloc == host


def local(address: str) -> str:
    """An address of this workbench; its first page instead of any other."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if plain else "/"
