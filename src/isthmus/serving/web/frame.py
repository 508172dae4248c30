"""The frame of every page: bars, ribbon, side bar and footer around what the page shows."""

import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from starlette.responses import HTMLResponse

from isthmus.serving.web import guard, waiting
from isthmus.serving.web.house import House
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell.page import GROUPS, Asked, Page, View
from isthmus.serving.web.shell.render import rendered
from isthmus.serving.web.visitor import Visitor


def response(request: Request, told: Asked, page: Page, view: View, status: int = 200) -> Response:
    """The page as HTML, or that the browser has it already."""
    values = {
        **around(request, told.house, told.visitor, page.under or page.name), "w": told.w, "name": told.w.name,
        "view": view, "page": page, "here": request.url.path, "file": view.file or _file(request, page),
        "asked": dict(request.query_params), "begin": _begin(request), "mask": told.mask,
    }  # fmt: skip
    if taken := sorted(set(values) & set(view.values)):
        raise ValueError(f"{page.name}: a value of the view is called {taken[0]}, as one of the frame")
    values |= view.values
    body = rendered(f"{page.name}.html.j2", values).encode()
    # The token of forms is masked anew each time and fits as long as its session: the tag holds the session instead.
    tag = tag_of(body.replace(told.visitor.token.encode(), guard.held(request).encode()))
    if has(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    return HTMLResponse(body, status, headers={"ETag": tag})


def tag_of(content: bytes) -> str:
    """The entity tag of an answer."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def has(request: Request, tag: str) -> bool:
    """Whether who asks says that they have the answer with this tag already."""
    return tag in {one.strip() for one in request.headers.get("if-none-match", "").split(",")}


def around(request: Request, house: House, visitor: Visitor, lit: str) -> dict[str, Any]:
    """What the frame shows, whatever page is in it; `lit` is the entry of the side bar that is marked."""
    numbers = house.numbers()
    edition = numbers[-1] if numbers else None
    query = {key: value for key, value in request.query_params.items() if key != "lang"}
    other = "zh" if visitor.language == "en" else "en"
    return {
        "visitor": visitor, "language": "zh-CN" if visitor.language == "zh" else "en", "theme": visitor.theme,
        "synthetic": house.synthetic, "edition": edition, "editions": numbers[::-1][:20],
        "digest": house.digest(edition) if edition else "",
        "nav": list(_groups()), "lit": lit, "number": request.state.number, "waits": waiting.counts(house, visitor),
        "other": f"{request.url.path}?{urlencode({**query, 'lang': other})}", "path": request.url.path,
    }  # fmt: skip


def _groups() -> Iterator[tuple[str, list[Page]]]:
    for group in GROUPS:
        listed = [page for page in PAGES if page.group == group]
        if listed:
            yield group, listed


def _begin(request: Request) -> int:
    """From which row a long table is shown."""
    told = request.query_params.get("_next", "0")
    return int(told) if told.isdecimal() and len(told) < 9 else 0


def _file(request: Request, page: Page) -> str:
    return "/overview" if page.address == "/" else request.url.path
