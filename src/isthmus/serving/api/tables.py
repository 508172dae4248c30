"""A grant as a product: the columns, rows and refresh that were approved, page by page, from edition to edition."""

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any

import pyarrow as pa
from fastapi import APIRouter, Depends, Header, Path, Query, Response

from isthmus.gate.committee.application import Grant
from isthmus.gate.office.session import open_granted
from isthmus.serving.api import delivery
from isthmus.serving.api.caller import Asking, Caller
from isthmus.serving.api.delivery import Wanted
from isthmus.serving.api.described import ROWS
from isthmus.serving.api.form import SUFFIXES, Answer, written
from isthmus.serving.api.grants import asked, in_force, own, short, told
from isthmus.serving.api.problem import Problem, looked_up

router = APIRouter(tags=["delivery"])
MOST_CHANGES = "changes are given in one answer; where they are too many, take the table anew"


@dataclass(frozen=True, slots=True)
class Terms:
    """What was asked for besides the table: see `GET /api/v1/openapi.json`."""

    columns: str
    edition: int | None
    size: int | None
    next: str
    since: int | None
    sheet: bool
    purpose: str


def terms(  # noqa: PLR0917 each parameter is one of the address
    columns: Annotated[str, Query(max_length=4000, description="Some of the table's columns: `a,b`.")] = "",
    edition: Annotated[int | None, Query(ge=1, le=999_999, description="An older edition.")] = None,
    size: Annotated[int | None, Query(ge=1, description="Rows of a page.")] = None,
    next: Annotated[str, Query(max_length=2000, description="Where the page before ended.")] = "",  # noqa: A002 its name in the address
    since: Annotated[int | None, Query(ge=1, le=999_999, description="Only what came or left since.")] = None,
    sheet: Annotated[bool, Query(description="A CSV for spreadsheets: byte order mark, no formulas.")] = False,
    purpose: Annotated[str, Query(max_length=80, description="The kind of purpose, if there are several.")] = "",
) -> Terms:
    """The terms of an address."""
    return Terms(columns, edition, size, next, since, sheet, purpose)


Asked = Annotated[Terms, Depends(terms)]


@router.get("/grants/{grant}/tables")
def tables(grant: str, by: Asking) -> dict[str, Any]:
    """What the grant delivers: each table's columns with their measures, sites, period, the newest edition."""
    held = own(by, grant)
    found = in_force(by, held)
    newest = by.house.opened.lake.editions.current()
    return {
        **told(held),
        "refresh": "every edition; `since=` gives what came or left since one",
        "edition": newest.number if newest else None,
        "published_at": newest.body["published_at"] if newest else None,
        "tables": [
            {**delivery.contract(found, name), "forms": [f"{_place(found, name)}.{suffix}" for suffix in SUFFIXES]}
            for name in sorted(found.columns)
        ],
        "limits": {"page": by.house.limits.page, "longest": by.house.limits.longest, "changes": MOST_CHANGES},
    }


@router.get(
    "/grants/{grant}/tables/{table}.{suffix}", response_model=None, response_class=Response,
    responses={**ROWS, 304: {"description": "What you hold is what there is."}},
)  # fmt: skip
def table(
    grant: str,
    table: Annotated[str, Path(pattern="^[a-z][a-z_]{0,62}$")],
    suffix: Annotated[str, Path(pattern="^(json|csv|parquet|arrow)$")],
    by: Asking,
    terms: Asked,
    if_none_match: Annotated[str, Header(max_length=400)] = "",
) -> Response:
    """A page of a table as it was granted, or what of it came or left since an edition.

    Rows stand in the order of the table's key. `next` (in JSON) and the header `Link` lead to the next page of the same
    edition; the last page has neither. `X-Row-Limit` tells the page's size, `X-Rows-Left` the rows after it.
    """
    found = in_force(by, own(by, grant), terms.purpose)
    columns = _columns(found, table, terms.columns)
    wanted, number = _wanted(by, found, table, columns, terms)
    tag = _tag(by, found, wanted, number, f"{suffix} {terms}")
    if if_none_match and tag in {one.strip() for one in if_none_match.split(",")}:
        return Response(status_code=304, headers={"ETag": tag})
    with by.house.desks.one():
        session = open_granted(
            by.office, by.house.opened.lake, by.account, found.id, kind=terms.purpose, edition=number
        )
        if terms.since is not None:
            rows = session.changes(table, terms.since)
            answer = _changes(rows, columns, terms.since, number)
        else:
            answer = _page(session.sql(wanted.sql), wanted, found, number, f"{_place(found, table)}.{suffix}", terms)
    return written(
        Answer(answer.rows, answer.told, {**answer.headers, "ETag": tag}), SUFFIXES[suffix],
        sheet=terms.sheet and suffix == "csv",
    )  # fmt: skip


def _columns(grant: Grant, table: str, named: str) -> tuple[str, ...]:
    """The columns that are asked for, in the model's order."""
    there = delivery.columns_of(grant, table)
    if not there:
        raise Problem("unknown", "the grant delivers no such table. The grant's `tables` list what it delivers.")
    wanted = [one.strip() for one in named.split(",") if one.strip()]
    if missing := sorted(set(wanted) - there.keys()):
        raise Problem("wrong", f"the grant delivers no {table}.{missing[0][:60]}. Its `tables` list what it delivers.")
    return tuple(name for name in there if not wanted or name in wanted)


def _wanted(by: Caller, grant: Grant, table: str, columns: tuple[str, ...], terms: Terms) -> tuple[Wanted, int]:
    """The page that is asked for, and its edition."""
    limits = by.house.limits
    size = limits.page if terms.size is None else terms.size
    if size > limits.longest:
        raise Problem("wrong", f"a page has at most {limits.longest:,} rows. Ask for fewer, and follow `next`.")
    mark = delivery.decoded(terms.next, delivery.bound(grant, table, columns)) if terms.next else None
    if mark and (terms.since or terms.edition not in {None, mark.edition}):
        raise Problem("wrong", "`next` goes on in its own edition; leave `since` and `edition` out.")
    editions = by.house.opened.lake.editions
    number = mark.edition if mark else terms.edition or max(editions.numbers(), default=0)
    with looked_up():
        for one in (number, terms.since or number):
            editions.get(one)
    if terms.since is not None and terms.since > number:
        raise Problem("wrong", f"`since` is an edition before {number}.")
    return Wanted(table, columns, size, mark), number


def _page(rows: pa.Table, wanted: Wanted, grant: Grant, number: int, place: str, terms: Terms) -> Answer:
    from_here = rows[delivery.LEFT][0].as_py() if rows.num_rows else 0
    left = max(0, from_here - (wanted.mark.skip if wanted.mark else 0) - rows.num_rows)
    question = asked(rows.schema.metadata)
    rows = rows.drop_columns([delivery.LEFT]).replace_schema_metadata(None)
    mark = wanted.after(rows, delivery.bound(grant, wanted.table, wanted.columns), number) if left else None
    more = f"{place}?next={delivery.encoded(mark)}&size={wanted.size}" if mark else None
    if more and terms.columns:
        more += f"&columns={','.join(wanted.columns)}"
    if more and terms.purpose:
        more += f"&purpose={terms.purpose}"
    headers = {"X-Row-Limit": str(wanted.size), "X-Rows-Left": str(left), **_headers(number, question)}
    headers |= {"Link": f'<{more}>; rel="next"'} if more else {}
    return Answer(
        rows, {"table": wanted.table, "edition": number, "question": question, "left": left, "next": more}, headers
    )


def _changes(rows: pa.Table, columns: tuple[str, ...], since: int, number: int) -> Answer:
    question = asked(rows.schema.metadata)
    kept = rows.select(["change", *columns]).replace_schema_metadata(None)
    return Answer(
        kept, {"edition": number, "since": since, "question": question},
        {"X-Since": str(since), **_headers(number, question)},
    )  # fmt: skip


def _headers(number: int, question: str) -> dict[str, str]:
    return {"X-Edition": str(number), "X-Question": question}


def _tag(by: Caller, grant: Grant, wanted: Wanted, number: int, terms: str) -> str:
    """An entity tag from edition, page and what the grant holds by now: the same while the answer would be the same."""
    digest = by.house.opened.lake.editions.get(number).digest
    said = f"{digest} {grant.id} {sorted(grant.open_sites)} {grant.grade} {wanted.sql} {terms}"
    return f'"{hashlib.sha256(said.encode()).hexdigest()[:32]}"'


def _place(grant: Grant, table: str) -> str:
    return f"/api/v1/grants/{short(grant.id)}/tables/{table}"
