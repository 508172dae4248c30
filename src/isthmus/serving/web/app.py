"""The workbench put together: pages, their files and acts, sign-in, static files, and what an error looks like."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from anyio import to_thread
from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse

from isthmus.base.errors import InputError, IsthmusError, RefusedError
from isthmus.serving.api.app import SILENT, mount
from isthmus.serving.applications import ticking
from isthmus.serving.web import applied, counted, faults, following, frame, guard, scorecards, signing
from isthmus.serving.web.guard import Guard
from isthmus.serving.web.house import House
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart, files, style
from isthmus.serving.web.shell.page import Act, Asked, Missing, Page, View
from isthmus.serving.web.shell.words import speech

Handle = Callable[[Request], Awaitable[Response]]
Written = Callable[[Asked, View, str], tuple[bytes, str, dict[str, str]]]
LONGEST = 200_000  # characters of one field of a form
LOOK, LONGEST_WAIT = 1.0, 60.0  # seconds between two looks for a new edition; longer after each that failed
LOG = logging.getLogger("isthmus.web")
FOREVER = "public, max-age=31536000, immutable"


def create(root: Path) -> FastAPI:
    """The workbench of a workspace. Raises InputError where the folder is none."""
    house = House(root)
    app = FastAPI(
        title="Isthmus", docs_url=None, redoc_url=None, openapi_url=None, telemetry=SILENT, lifespan=living(house)
    )
    app.state.house = house
    house.after.append(counted.warm)
    app.add_middleware(Guard, house=house, fault=faults.unforeseen)
    faults.register(app, house)
    signing.register(app, house)
    following.register(app, house)
    scorecards.register(app, house)
    app.add_route("/static/{name}", _static, ["GET"])
    app.add_route("/preferences", _preferences(house), ["GET"])
    for page in PAGES:  # files first: a part of an address may hold a dot; `.vl.json` is no `.json`
        for suffix in chart.SUFFIXES:
            app.add_route(f"{page.file}.{suffix}", _file(house, page, suffix, _charted), ["GET"])
        for suffix in files.SUFFIXES:
            app.add_route(f"{page.file}.{suffix}", _file(house, page, suffix, _tabled), ["GET"])
    for page in PAGES:
        app.add_route(page.address, _shown(house, page), ["GET", "HEAD"])
        for name, act in page.acts.items():
            app.add_route(f"{page.file}/{name}", _done(house, page, act), ["POST"])
    mount(app, house.workspace)
    applied.mount(app, house)
    return app


def living(house: House) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What goes on while the workbench is open: editions are counted, and applications hear what happens.

    It opens when the newest edition is counted, and counts those that are published by others as soon as they are.
    """

    async def counting() -> None:
        seen: int | None = -1
        wait = LOOK
        while True:
            if (edition := house.edition) != seen:
                try:
                    if await to_thread.run_sync(counted.warm, house, abandon_on_cancel=True):
                        seen = edition
                    wait = LOOK
                except Exception as error:  # whatever it was, the pages that need it tell it when they are asked for
                    wait = min(2 * wait, LONGEST_WAIT)
                    LOG.warning(
                        "edition %s could not be counted beforehand (%s). Pages count it when they are asked for, and "
                        "tell what is wrong. It is tried again in %.0f s.", edition, type(error).__name__, wait,
                    )  # fmt: skip
            await asyncio.sleep(wait)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with suppress(IsthmusError):  # told by the pages
            await run_in_threadpool(counted.prepare, house)
        begun = asyncio.create_task(counting())
        ticks = asyncio.create_task(ticking(house.manager.tick))
        try:
            yield
        finally:
            ticks.cancel()
            begun.cancel()
            await run_in_threadpool(house.close)

    return lifespan


def asked(house: House, request: Request, page: Page, form: FormData | None = None) -> Asked:
    """The request as a page sees it; who asks may open the page."""
    visitor = guard.found(house, request)
    request.state.visitor = visitor
    if not visitor.signed and not house.synthetic:
        raise RefusedError("this workspace holds real patients, and is looked at under a name. Sign in.")
    if page.roles and not page.roles & visitor.roles:
        roles = ", ".join(sorted(page.roles))
        raise RefusedError(f"this page is opened by: {roles}. Sign in as one of them, or ask an administrator.")
    names: Mapping[str, str] = dict(request.path_params)
    listed = {key: [str(one) for one in form.getlist(key)] for key in form} if form else {}
    single = {key: many[-1] for key, many in listed.items()}
    words = speech(page.name, visitor.language, page.under)
    return Asked(house, visitor, words, names, dict(request.query_params), single, listed)


def _shown(house: House, page: Page) -> Handle:
    async def shown(request: Request) -> Response:
        def made() -> Response:
            told = asked(house, request, page)
            return frame.response(request, told, page, page.view)

        lane = house.lanes.acts if page.personal else house.lanes.pages  # a question to the gate may take long
        answer = kept(request, await lane.do(made))
        if page.personal:
            answer.headers["Cache-Control"] = "private, no-store"
        return answer

    return shown


def _file(house: House, page: Page, suffix: str, written: Written) -> Handle:
    async def file(request: Request) -> Response:
        def made() -> Response:
            told = asked(house, request, page)
            content, media, said = written(told, page.view(told).masked(told.mask), suffix)
            said |= {"ETag": frame.tag_of(content)}
            if frame.has(request, said["ETag"]):
                return Response(status_code=304, headers={"ETag": said["ETag"]})
            if page.personal:
                said |= {"Cache-Control": "private, no-store"}
            return Response(content, media_type=media, headers=said)

        return await house.lanes.acts.do(made)

    return file


def _tabled(told: Asked, view: View, suffix: str) -> tuple[bytes, str, dict[str, str]]:
    """A table of a page as a file, with its media type and headers. Raises Missing where there is none of the name."""
    name = told.query.get("table", "")
    table = view.table(name)
    if table is None:
        raise Missing(told.w("missing.table", name=name))
    content, said = files.written(table, suffix, marked="bom" in told.query)
    if suffix != "json":
        said |= {"Content-Disposition": f'attachment; filename="{table.name}.{suffix}"'}
    return content, files.SUFFIXES[suffix], said


def _charted(told: Asked, view: View, suffix: str) -> tuple[bytes, str, dict[str, str]]:
    """A chart of a page as a file. Raises Missing where there is none of the name, or no row to draw."""
    name = told.query.get("chart", "")
    found = view.chart(name)
    table = view.table(found.table) if found else None
    if found is None or table is None or not table.rows:
        raise Missing(told.w("missing.chart", name=name))
    content, said = chart.written(found, table, suffix, told.w)
    return content, chart.SUFFIXES[suffix], said | {
        "Content-Disposition": f'inline; filename="{found.name}.{suffix}"'
    }  # fmt: skip


def _done(house: House, page: Page, act: Act) -> Handle:
    async def done(request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=400, max_part_size=LONGEST)

        def made() -> Response:
            guard.demand_ours(house, request, str(form.get("token", "")))
            return RedirectResponse(act(asked(house, request, page, form)), 303)

        return await house.lanes.acts.do(made)

    return done


def kept(request: Request, response: Response) -> Response:
    """The answer with what a browser is to keep: a cookie for forms, and the language that was asked for."""
    secure = request.url.scheme == "https"
    how: dict[str, Any] = {"httponly": True, "samesite": "lax", "secure": secure, "path": "/"}
    fresh = getattr(request.state, "fresh", "")
    if fresh:
        response.set_cookie(guard.cookie(secure), fresh, **how)
    language = request.query_params.get("lang")
    if language in ("en", "zh"):
        response.set_cookie(guard.LANGUAGE, language, max_age=guard.YEAR, **how)
    return response


def _preferences(house: House) -> Handle:
    async def preferences(request: Request) -> Response:
        """Keep a language or a theme and go back to where the reader was."""
        back = RedirectResponse(guard.local(request.query_params.get("to", "/")), 303)
        how: dict[str, Any] = {"samesite": "lax", "secure": request.url.scheme == "https", "max_age": guard.YEAR}
        theme = request.query_params.get("theme")
        if theme in ("auto", "light", "dark"):
            back.set_cookie(guard.THEME, theme, httponly=False, **how)
        language = request.query_params.get("lang")
        if language in ("en", "zh"):
            back.set_cookie(guard.LANGUAGE, language, httponly=True, **how)
        return back

    return preferences


async def _static(request: Request) -> Response:
    found = style.files().get(request.path_params["name"])
    if found is None:
        raise InputError("there is no such file.")
    return Response(found[0], media_type=found[1], headers={"Cache-Control": FOREVER})
