"""What every request passes first: it gets an id, its body is measured, its answer gets the headers of the house."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from fastapi import Request
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from isthmus.serving.api.problem import Problem, told

HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Authorization, Accept, Accept-Language",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
Message = MutableMapping[str, Any]


class Door:
    """An ASGI application around another."""

    def __init__(self, app: ASGIApp, *, body: int) -> None:
        self._app = app
        self._body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name = secrets.token_hex(8)
        scope.setdefault("state", {})["id"] = name

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for key, value in {**HEADERS, "X-Request-Id": name}.items():
                    headers.setdefault(key, value)
                if (left := scope["state"].get("left")) is not None:
                    headers["X-Rate-Limit-Remaining"] = str(left)
            await send(message)

        try:
            whole = await self._read(scope, receive)
        except Problem as problem:
            await told(problem, Request(scope))(scope, receive, sending)
            return
        await self._app(scope, _again(whole, receive), sending)

    async def _read(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body. Raises Problem (413) as soon as it is known to be too long."""
        said = dict(scope["headers"]).get(b"content-length", b"0")
        if not said.isdigit() or int(said) > self._body:
            raise Problem("large", f"the body has more than {self._body:,} bytes; nothing was done.")
        whole: bytes = b""
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return whole
            whole += bytes(message.get("body", b""))
            if len(whole) > self._body:
                raise Problem("large", f"the body has more than {self._body:,} bytes; nothing was done.")
            if not message.get("more_body"):
                return whole


def _again(whole: bytes, receive: Receive) -> Callable[[], Awaitable[Message]]:
    """What was read, to be read once more; after it whatever comes."""
    waiting = [{"type": "http.request", "body": whole, "more_body": False}]

    async def receiving() -> Message:
        return waiting.pop() if waiting else await receive()

    return receiving
