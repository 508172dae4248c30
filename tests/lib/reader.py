"""Somebody at the workbench, without a browser: gets pages, sends forms, keeps cookies."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from isthmus.serving.web.app import create
from isthmus.serving.web.guard import cookie
from isthmus.serving.web.house import House

HERE = "http://workbench.test"
TOKEN = re.compile(r'name="token" value="([0-9a-f]+)"')


class Reader:
    """Pages and forms of one workbench; `name` is the account that has signed in, '' for nobody."""

    def __init__(self, app: FastAPI, name: str = "", *, language: str = "en", host: str = HERE) -> None:
        self.app, self.host, self.language = app, host, language
        self.cookies: dict[str, str] = {}
        if name:
            self.cookies[cookie(host.startswith("https"))] = self.house.sessions.begin(name)

    @property
    def house(self) -> House:
        """What the workbench has opened."""
        found: House = self.app.state.house
        return found

    def get(self, path: str, **headers: str) -> httpx.Response:
        """A page; redirects are not followed."""
        return self._sent("GET", path, None, headers)

    def post(
        self, path: str, form: Mapping[str, str | Sequence[str]], *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """A form, as an open page of the workbench sends it: with its token, unless another is given."""
        value = self.token() if token is None else token
        origin = {} if "Origin" in headers or "Sec-Fetch-Site" in headers else {"Origin": self.host}
        return self._sent("POST", path, {**form, "token": value}, {**origin, **headers})

    def token(self) -> str:
        """The token of a page with a form."""
        found = TOKEN.search(self.get("/sign-in").text)
        assert found is not None
        return found[1]

    def _sent(self, method: str, path: str, form: Any, headers: Mapping[str, str]) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            known = {"Accept": "text/html", "Accept-Language": self.language}
            async with httpx.AsyncClient(transport=transport, base_url=self.host, cookies=self.cookies) as client:
                return await client.request(method, path, data=form, headers={**known, **headers})

        answer = asyncio.run(send())
        for line in answer.headers.get_list("set-cookie"):
            name, _, value = line.split(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        return answer


def opened(root: Path) -> FastAPI:
    """The workbench of a workspace; nothing runs beside it but what is asked for."""
    return create(root)
