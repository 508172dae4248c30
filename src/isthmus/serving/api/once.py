"""An act that happens once, however often it is sent: under the header `Idempotency-Key`."""

import hashlib
from collections.abc import Callable
from typing import Annotated, Any

import orjson
from fastapi import Header, Request
from fastapi.responses import JSONResponse

from isthmus.base.errors import IsthmusError
from isthmus.records.replies import Replies
from isthmus.serving.api.caller import Caller
from isthmus.serving.api.form import plain
from isthmus.serving.api.problem import Problem

Key = Annotated[
    str,
    Header(
        alias="Idempotency-Key", max_length=200, pattern="^[ -~]*$",
        description="A key of your own for this act: sent again within a week, it is answered as the first time.",
    ),
]  # fmt: skip


def once(
    by: Caller, request: Request, key: str, asked: Any, act: Callable[[], dict[str, Any]], *, status: int = 200
) -> JSONResponse:
    """What an act gives, or gave under this key before. `asked` is the body of the request.

    Raises Problem (409) when the key was used for something else, or when what came of it is not known.
    """
    if not key:
        return JSONResponse(_plain(act()), status)
    replies = Replies(by.house.opened.records)
    said = orjson.dumps([request.method, request.url.path, asked], option=orjson.OPT_SORT_KEYS, default=plain)
    digest = hashlib.sha256(said).hexdigest()
    before = replies.begin(by.account.name, key, digest)
    if before is not None:
        if before.asked != digest:
            raise Problem("conflict", "this Idempotency-Key was used for another request. Choose a new one.")
        if before.answer is None:
            raise Problem("conflict", "this act is under way, or broke off. Look at what it was about, then decide.")
        return JSONResponse(before.answer, status, headers={"Idempotent-Replayed": "true"})
    try:
        found = _plain(act())
    except (IsthmusError, Problem):
        replies.forget(by.account.name, key)  # it was refused, so that nothing was done
        raise
    replies.end(by.account.name, key, found)
    return JSONResponse(found, status)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(value, default=plain))
    return found
