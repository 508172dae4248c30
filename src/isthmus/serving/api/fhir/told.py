"""Answers of the facade: resources, Bundles and OperationOutcomes, as `application/fhir+json`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from fastapi import Request, Response

from isthmus.serving.api.form import plain
from isthmus.serving.api.problem import Problem, of

MEDIA = "application/fhir+json; charset=utf-8"
HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?|\[[0-9a-fA-F:]{2,45}\](:[0-9]{1,5})?")
ISSUES = {
    "unauthenticated": "login", "refused": "forbidden", "unknown": "not-found", "method": "not-supported",
    "unacceptable": "not-supported", "conflict": "conflict", "large": "too-long", "media": "not-supported",
    "wrong": "invalid", "fast": "throttled", "failed": "exception", "altered": "exception", "busy": "transient",
}  # fmt: skip
"""By kind of problem the code of an issue."""


def resource(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A resource as it is sent."""
    return Response(orjson.dumps(body, default=plain), status, headers=headers, media_type=MEDIA)


def base_of(request: Request, grant: str) -> str:
    """The address of a grant's facade, by which the caller came. A name of a host that is none is not repeated."""
    host = request.headers.get("host", "")
    if not HOST.fullmatch(host):
        raise Problem("wrong", "the header `Host` names no host.")
    return f"{request.url.scheme}://{host}/fhir/{grant}"


def bundle(base: str, links: Mapping[str, str], total: int, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A Bundle of what a search found."""
    entries = [
        {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": "match"}}
        for one in found
    ]
    body: dict[str, Any] = {
        "resourceType": "Bundle", "type": "searchset", "total": total,
        "link": [{"relation": name, "url": url} for name, url in links.items()],
    }  # fmt: skip
    return body | ({"entry": entries} if entries else {})


def outcome(request: Request, error: Exception) -> Response:
    """Whatever went wrong, as an OperationOutcome."""
    problem = of(error)
    issue: dict[str, Any] = {
        "severity": "error", "code": ISSUES[problem.kind.name], "diagnostics": problem.detail,
        "details": {"text": problem.kind.next},
    }  # fmt: skip
    if problem.errors:
        issue["expression"] = [".".join(one["at"]) for one in problem.errors]
    body = {"resourceType": "OperationOutcome", "issue": [issue]}
    return resource(body, problem.kind.status, problem.headers)
