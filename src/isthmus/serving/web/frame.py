"""The frame of every page: bars, ribbon, side bar and footer around what the page shows."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlencode

from fastapi import Request, Response
from markupsafe import escape
from starlette.responses import HTMLResponse

from isthmus.serving.web import guard, waiting
from isthmus.serving.web.house import House
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart, files
from isthmus.serving.web.shell.page import GROUPS, Asked, Page, View
from isthmus.serving.web.shell.render import rendered
from isthmus.serving.web.visitor import NAME, TOKEN, Visitor

# Links of a page, but for the one that leads to the newest edition.
LINK = re.compile(
    r'(?<!rel="latest-version" )(?P<key>href|action)="(?P<path>/[^"?#]*)(?P<query>\?[^"#]*)?(?P<rest>#[^"]*)?"'
)


@dataclass(frozen=True, slots=True)
class Made:
    """A page with its holes, and its SHA-256. `owner` is for whom alone it was made; None: for all who are alike."""

    body: bytes
    digest: bytes
    owner: str | None


def response(request: Request, told: Asked, page: Page, view: Callable[[Asked], View]) -> Response:
    """The page as HTML, or that the browser has it already."""
    visitor = told.visitor
    made = _kept(request, told, page, view) if page.steady else _made(request, told, page, view)
    # The token of forms is masked anew each time and fits as long as its session: the tag holds the session instead.
    tag = tag_of(made.digest + f"{visitor.me}\n{guard.held(request)}".encode())
    if has(request, tag):
        return Response(status_code=304, headers={"ETag": tag})
    body = made.body.replace(TOKEN.encode(), visitor.token.encode())
    return HTMLResponse(body.replace(NAME.encode(), escape(visitor.me).encode()), headers={"ETag": tag})


def _kept(request: Request, told: Asked, page: Page, view: Callable[[Asked], View]) -> Made:
    """A page as it was made for somebody who may see the same, as long as nothing has changed."""
    visitor, fresh = told.visitor, told.house.fresh
    address = (request.url.path, tuple(request.query_params.multi_items()))
    alike = (page.name, *address, visitor.language, visitor.theme, visitor.signed, visitor.roles)

    def make() -> Made:
        return _made(request, told, page, view)

    found = fresh.of(alike, make)
    return found if found.owner in (None, visitor.me) else fresh.of((*alike, visitor.me), make)


def _made(request: Request, told: Asked, page: Page, view: Callable[[Asked], View]) -> Made:
    """The page with holes for what each gets of their own."""
    me, visitor = told.visitor.me, told.visitor.one_of_all()
    told = replace(told, visitor=visitor)
    shown = view(told).masked(told.mask)
    values = {
        **around(request, told.house, visitor, page.under or page.name), "w": told.w, "name": told.w.name,
        "view": shown, "page": page, "here": request.url.path, "file": shown.file or _file(request, page),
        "asked": dict(request.query_params), "begin": _begin(request), "mask": told.mask,
    }  # fmt: skip
    if taken := sorted(set(values) & set(shown.values)):
        raise ValueError(f"{page.name}: a value of the view is called {taken[0]}, as one of the frame")
    values |= _edition(request, told, page)
    text = rendered(f"{page.name}.html.j2", values | dict(shown.values))
    if page.pinned and told.pinned is not None:
        text = keeping(text, told.pinned)
    body = text.encode()
    return Made(body, hashlib.sha256(body).digest(), me if visitor.known else None)


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
        "synthetic": house.synthetic, "edition": edition, "newest": edition, "pinned": None, "present": False,
        "shared": "", "onward": _onward(request),
        "digest": house.digest(edition) if edition else "",
        "nav": list(_groups()), "lit": lit, "number": request.state.number, "waits": waiting.counts(house, visitor),
        "other": f"{request.url.path}?{urlencode({**query, 'lang': other})}", "path": request.url.path,
    }  # fmt: skip


def _edition(request: Request, told: Asked, page: Page) -> dict[str, Any]:
    """Of which edition the page is, whether its address says so, and an address that does, to be shared."""
    newest, edition = told.house.edition, told.edition if page.pinned else told.house.edition
    query = {key: value for key, value in request.query_params.items() if key not in ("lang", "edition")}
    return {
        "edition": edition, "digest": told.house.digest(edition) if edition else "", "newest": newest,
        "pinned": told.pinned if page.pinned else None, "present": bool(request.query_params.get("edition"))
        and not page.pinned,
        "shared": f"{request.url.path}?{urlencode({**query, 'edition': edition})}" if edition and page.pinned else "",
        "unpinned": request.url.path + (f"?{urlencode(query)}" if query else ""),
    }  # fmt: skip


def keeping(text: str, edition: int) -> str:
    """A page whose links to pages and files of numbers keep its edition, so that who follows them stays in it."""

    def kept(link: re.Match[str]) -> str:
        path, query, rest = link["path"], link["query"] or "", link["rest"] or ""
        if not _heeding().fullmatch(path) or re.search(r"(?:\?|;|&)(?:edition|since)=", query):
            return link[0]
        return f'{link["key"]}="{path}{query}{"&amp;" if query else "?"}edition={edition}{rest}"'

    return LINK.sub(kept, text)


@cache
def _heeding() -> re.Pattern[str]:
    """Addresses of pages that heed an edition, and of their files."""
    suffixes = "|".join(re.escape(f".{one}") for one in (*files.SUFFIXES, *chart.SUFFIXES))
    found = [re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(each)) for page in PAGES if page.pinned
             for each in {page.address, page.file}]  # fmt: skip
    return re.compile(f"(?:{'|'.join(found)})(?:{suffixes})?")


def _groups() -> Iterator[tuple[str, list[Page]]]:
    for group in GROUPS:
        listed = [page for page in PAGES if page.group == group]
        if listed:
            yield group, listed


def _onward(request: Request) -> str:
    """The address that was asked for, to come back to."""
    query = {key: value for key, value in request.query_params.items() if key != "lang"}
    return request.url.path + (f"?{urlencode(query)}" if query else "")


def _begin(request: Request) -> int:
    """From which row a long table is shown."""
    told = request.query_params.get("_next", "0")
    return int(told) if told.isdecimal() and len(told) < 9 else 0


def _file(request: Request, page: Page) -> str:
    return "/overview" if page.address == "/" else request.url.path
