"""`$export`: all that a grant holds, or what changed since a moment, by the asynchronous pattern of FHIR Bulk Data.

Nothing is written down beforehand. A job counts what there is in one edition and names addresses; each file is read
under the grant when it is fetched. No copy of anybody's data lies about, and a grant that ends ends its exports.
Jobs live in the memory of the process: after a restart they are unknown, and the export is begun anew.
"""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

import orjson
from fastapi import APIRouter, Header, Path, Query, Request, Response

from isthmus.serving.api.caller import Asking, Caller
from isthmus.serving.api.described import content
from isthmus.serving.api.fhir import pages, reading, told
from isthmus.serving.api.fhir.mapping import resources
from isthmus.serving.api.fhir.pages import Desk
from isthmus.serving.api.fhir.statement import MATCHED
from isthmus.serving.api.form import plain
from isthmus.serving.api.problem import Problem

router = APIRouter(tags=["export"])
NDJSON = "application/fhir+ndjson"
KEPT = 200  # jobs that are remembered
FORMS = {"application/fhir+ndjson", "application/ndjson", "ndjson"}
Name = Annotated[str, Path(pattern="^[0-9a-f]{32}$")]


@dataclass(frozen=True, slots=True)
class Part:
    """What a job found of one type: how many resources; the ids that came and went, where changes are meant."""

    total: int
    came: Sequence[str] | None = None
    gone: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """An export: whose, of which grant and edition, and what is found by type, once it is."""

    account: str
    grant: str
    edition: int
    request: str
    parts: Future[Mapping[str, Part]]


class Jobs:
    """The exports of one process, the oldest forgotten first."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, Job] = OrderedDict()
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(1, thread_name_prefix="export")

    def begin(self, at: Desk, types: Sequence[str], since: str, request: str) -> str:
        """Begin a job; its name."""
        name = secrets.token_hex(16)
        parts = self._workers.submit(_found, at, types, since)
        with self._lock:
            self._held[name] = Job(at.by.account.name, at.grant.id, at.edition, request, parts)
            while len(self._held) > KEPT:
                self._held.popitem(last=False)
        return name

    def of(self, by: Caller, grant: str, name: str) -> Job:
        """A job of this caller under this grant. Raises Problem for any other, as for one that there is not."""
        found = self._held.get(name)
        if found is None or found.account != by.account.name or found.grant != grant:
            raise Problem("unknown", "there is no such export of yours. Begin it anew with `$export`.")
        return found

    def drop(self, name: str) -> None:
        """Forget a job."""
        with self._lock:
            found = self._held.pop(name, None)
        if found:
            found.parts.cancel()


@router.get("/{grant}/$export", response_model=None, response_class=Response, status_code=202)
def begin(
    grant: str,
    by: Asking,
    request: Request,
    prefer: Annotated[str, Header(max_length=200)] = "",
    _type: Annotated[str, Query(max_length=400, description="Some types, as `Patient,Condition`.")] = "",
    _since: Annotated[str, Query(max_length=40, description="Only what came or left since a moment.")] = "",
    _outputFormat: Annotated[str, Query(max_length=60)] = NDJSON,  # noqa: N803 its name in FHIR
) -> Response:
    """Begin an export. `Content-Location` leads to where it tells how it goes."""
    if "respond-async" not in prefer.replace(" ", "").split(","):
        raise Problem("wrong", "an export is asynchronous: send `Prefer: respond-async`.")
    if _outputFormat not in FORMS:
        raise Problem("wrong", f"an export is {NDJSON}.")
    at = pages.desk(by, grant)
    types = [one for one in _type.split(",") if one] or [one for one in resources() if _is_held(at, one)]
    for one in types:
        pages.held(at, one)
    if _since:
        pages.edition_at(at, _since)
    name = _jobs(request).begin(at, types, _since, str(request.url))
    return Response(status_code=202, headers={"Content-Location": f"{told.base_of(request, grant)}/$export/{name}"})


@router.get(
    "/{grant}/$export/{name}", response_model=None, response_class=Response,
    responses={**content("application/json"), 202: {"description": "It is under way."}},
)  # fmt: skip
def status(grant: str, name: Name, by: Asking, request: Request) -> Response:
    """How an export goes: 202 while it is under way, then the manifest with the addresses of its files."""
    at = pages.desk(by, grant)
    job = _jobs(request).of(by, at.grant.id, name)
    if not job.parts.done():
        return Response(status_code=202, headers={"X-Progress": "counting", "Retry-After": "1"})
    base = told.base_of(request, grant)
    output, deleted = [], []
    for kind, part in job.parts.result().items():
        size = _size(by, part)
        output += [
            {
                "type": kind,
                "url": f"{base}/$export/{name}/{kind}/{place}",
                "count": min(size, part.total - place * size),
            }
            for place in range(-(-part.total // size))
        ]
        if part.gone:
            deleted.append({"type": "Bundle", "url": f"{base}/$export/{name}/deleted/{kind}", "count": len(part.gone)})
    body = by.house.opened.lake.editions.get(job.edition).body
    manifest = {
        "transactionTime": body["published_at"], "request": job.request, "requiresAccessToken": True,
        "output": output, "deleted": deleted, "error": [],
    }  # fmt: skip
    return Response(orjson.dumps(manifest), media_type="application/json")


@router.delete("/{grant}/$export/{name}", response_model=None, response_class=Response, status_code=202)
def drop(grant: str, name: Name, by: Asking, request: Request) -> Response:
    """Forget an export."""
    at = pages.desk(by, grant)
    _jobs(request).of(by, at.grant.id, name)
    _jobs(request).drop(name)
    return Response(status_code=202)


@router.get(
    "/{grant}/$export/{name}/deleted/{kind}", response_model=None, response_class=Response, responses=content(NDJSON)
)
def deleted(grant: str, name: Name, kind: str, by: Asking, request: Request) -> Response:
    """What is gone of a type: a Bundle that deletes it."""
    job = _jobs(request).of(by, pages.desk(by, grant).grant.id, name)
    part = _part(job, kind)
    entries = [{"request": {"method": "DELETE", "url": f"{kind}/{one}"}} for one in part.gone]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    return Response(orjson.dumps(bundle) + b"\n", media_type=NDJSON)


@router.get(
    "/{grant}/$export/{name}/{kind}/{place}", response_model=None, response_class=Response, responses=content(NDJSON)
)
def file(
    grant: str, name: Name, kind: str, place: Annotated[int, Path(ge=0, le=1_000_000)], by: Asking, request: Request
) -> Response:
    """A file of an export: resources, one a line, read under the grant as it stands now."""
    job = _jobs(request).of(by, pages.desk(by, grant).grant.id, name)
    part = _part(job, kind)
    size = _size(by, part)
    if place * size >= part.total:
        raise Problem("unknown", "the export has no such file. Its manifest lists them.")
    at = pages.desk(by, grant, job.edition)
    resource, columns = pages.held(at, kind)
    ids = None if part.came is None else list(part.came[place * size : (place + 1) * size])
    wanted = pages.unpaged(resource, columns, size, skip=0 if ids is not None else place * size, ids=ids)
    rows = at.asked(wanted.sql).to_pylist()
    lines = [
        orjson.dumps(reading.read(resource, row, columns, at.edition), default=plain) for row in rows
    ]  # fmt: skip
    headers = {"X-Row-Count": str(len(lines)), "X-Edition": str(at.edition)}
    return Response(b"".join(line + b"\n" for line in lines), headers=headers, media_type=NDJSON)


def _found(at: Desk, types: Sequence[str], since: str) -> Mapping[str, Part]:
    """What there is of each type."""
    found = {}
    for kind in types:
        resource, columns = pages.held(at, kind)
        before = pages.edition_at(at, since) if since else 0
        if before:
            came, gone = pages.changed(at, resource, before)
            found[kind] = Part(len(came), came, gone)
        else:
            page = pages.unpaged(resource, columns, 1, skip=0, ids=None)
            found[kind] = Part(int(at.asked(page.counting)[MATCHED][0].as_py()))
    return found


def _size(by: Caller, part: Part) -> int:
    """Resources of a file. Those that are named one by one are fewer."""
    return by.house.limits.longest if part.came is None else min(pages.CHANGED, by.house.limits.longest)


def _part(job: Job, kind: str) -> Part:
    if not job.parts.done() or kind not in job.parts.result():
        raise Problem("unknown", "the export has no such file. Its manifest lists them.")
    return job.parts.result()[kind]


def _is_held(at: Desk, kind: str) -> bool:
    try:
        pages.held(at, kind)
    except Problem:
        return False
    return True


def _jobs(request: Request) -> Jobs:
    found = request.app.state.jobs
    assert isinstance(found, Jobs)  # the facade put it there
    return found
