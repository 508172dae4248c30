"""Problem details (RFC 9457): every error of the API is one JSON document that says what, why and what next."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from isthmus.base.errors import InputError, IntegrityError, IsthmusError, RefusedError, UsageError

MEDIA = "application/problem+json"
PLACE = "/api/v1/problems/"
"""Where each kind of problem is described; its URI reference is the `type` of a problem."""
OF_STATUS = {404: "unknown", 405: "method", 406: "unacceptable", 413: "large", 415: "media", 429: "fast"}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem as `problems.yaml` has it."""

    name: str
    status: int
    title: Mapping[str, str]
    means: str
    next: str


class Problem(Exception):
    """An error of the API itself: its kind, a sentence, headers that go with it, and what is wrong with which field."""

    def __init__(
        self, kind: str, detail: str, *, headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, Any]] = (),
    ) -> None:  # fmt: skip
        super().__init__(detail)
        self.kind = kinds()[kind]
        self.detail = detail
        self.headers = dict(headers or {})
        self.errors = list(errors)


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds of problems by name."""
    text = resources.files("isthmus.serving.api").joinpath("problems.yaml").read_text(encoding="utf-8")
    return {
        name: Kind(name, one["status"], one["title"], one["means"], one["next"])
        for name, one in yaml.safe_load(text).items()
    }


def of(error: Exception) -> Problem:
    """The problem that an error is. What no sentence was written for tells nothing of itself."""
    match error:
        case Problem():
            return error
        case RefusedError():
            return Problem("refused", str(error))
        case InputError() | UsageError():
            return Problem("wrong", str(error))
        case IntegrityError():
            return Problem("altered", str(error))
        case IsthmusError():
            return Problem("failed", str(error))
        case RequestValidationError():
            errors = [{"at": [str(one) for one in each["loc"]], "why": each["msg"]} for each in error.errors()]
            return Problem(
                "wrong", "the request does not fit what is asked for here; `errors` says where.", errors=errors
            )
        case HTTPException():
            kind = OF_STATUS.get(error.status_code, "failed" if error.status_code >= 500 else "wrong")
            return Problem(kind, kinds()[kind].means, headers=error.headers)
        case _:
            return Problem(
                "failed", "something failed that no sentence was written for; the operator finds it by its id."
            )


@contextmanager
def looked_up() -> Iterator[None]:
    """A block that looks something up by what the address names: what is not there is a problem `unknown`."""
    try:
        yield
    except InputError as error:
        raise Problem("unknown", str(error)) from None


def told(problem: Problem, request: Request) -> JSONResponse:
    """A problem as it is sent. `instance` is the request's id."""
    language = "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else "en"
    body: dict[str, Any] = {
        "type": f"{PLACE}{problem.kind.name}",
        "title": problem.kind.title[language],
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": f"urn:isthmus:request:{getattr(request.state, 'id', '')}",
        "next": problem.kind.next,
    }
    if problem.errors:
        body["errors"] = problem.errors
    return JSONResponse(body, problem.kind.status, headers=problem.headers, media_type=MEDIA)
