"""Progress as Server-Sent Events: each step as soon as it moves, and an end."""

from collections.abc import AsyncIterator

import orjson
from fastapi import FastAPI, Request, Response
from starlette.responses import StreamingResponse

from isthmus.base.errors import RefusedError
from isthmus.serving.page.words import Speech
from isthmus.serving.web import guard
from isthmus.serving.web.house import House
from isthmus.serving.web.lanes import FOLLOWERS
from isthmus.serving.web.shell.words import speech

BEAT = 5.0  # seconds after which something is sent, so that a closed page is noticed


def register(app: FastAPI, house: House) -> None:
    """Add the address at which a page follows the run."""
    following: set[object] = set()

    async def events(request: Request) -> Response:
        visitor = await house.lanes.pages.do(guard.found, house, request)
        if not visitor.signed and not house.synthetic:
            raise RefusedError("this workspace holds real patients, and is looked at under a name. Sign in.")
        if len(following) >= FOLLOWERS:
            raise RefusedError("too many pages follow the run. Look at it again in a minute.")
        return StreamingResponse(
            _told(house, request, following, speech("", visitor.language)), media_type="text/event-stream"
        )

    app.add_route("/runs/events", events, ["GET"])


async def _told(house: House, request: Request, following: set[object], w: Speech) -> AsyncIterator[bytes]:
    run, version, sent, me = house.run, -1, dict[str, object](), object()
    following.add(me)
    try:
        while run is not None and not await request.is_disconnected():
            version = await house.lanes.following.do(run.after, version, BEAT)
            over = run.over
            for step in run.steps(w):
                if sent.get(step["task"]) != step:
                    sent[step["task"]] = step
                    yield b"event: step\ndata: " + orjson.dumps(step) + b"\n\n"
            if over:
                break
            yield b": still here\n\n"
        yield b"event: end\ndata: {}\n\n"
    finally:
        following.discard(me)
