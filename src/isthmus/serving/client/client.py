"""The client: small, typed, and it takes no answer for whole that is not.

It speaks to the addresses that docs/reference/api.md documents and shares no code with the server. What it is sent it
does not trust: the token goes to no other host, and an answer has an end in size and in time.
"""

import base64
import hashlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
import pyarrow as pa
import pyarrow.compute as pc

ARROW = "application/vnd.apache.arrow.stream"
PATIENT = 5  # times that it waits where the server asks it to
WAIT = 60  # seconds that it waits at most each time; who is asked to wait longer is told so
WHOLE = 10  # timeouts that an answer may take in all, from its first byte to its last
FAST, BUSY = 429, 503
EDITION = b"isthmus.edition"  # in the metadata of a table: the edition that its rows are of
AGAIN = "Ask again; if it stays so, look at who stands between you and the server."


class Failed(Exception):
    """A problem that the server told: `kind` is its name, `next` what to do, `request` the id for the operator.

    Or an answer that is none: then `kind` and `request` are empty, and `status` is 0 where nothing was answered.
    """

    def __init__(self, told: Mapping[str, Any], status: int) -> None:
        super().__init__(str(told.get("detail", f"the server answered {status}")))
        self.status = status
        self.kind = str(told.get("type", "")).rpartition("/")[2]
        self.next = str(told.get("next", ""))
        self.request = str(told.get("instance", ""))


class Client:
    """A connection to one workspace as one account. Use it in a `with` block, or close it.

    `timeout`: seconds to wait for each piece of an answer; `largest`: bytes of an answer that are taken at most.
    """

    def __init__(self, base: str, token: str, *, timeout: float = 120.0, largest: int = 1 << 30) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"}
        self._http = httpx.Client(base_url=base, headers=headers, timeout=timeout)
        self._whole, self._largest = WHOLE * timeout, largest

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def grants(self) -> list["Grant"]:
        """The grants of this account."""
        return [Grant(self, str(one.get("grant")).rpartition("/")[2]) for one in self._listed("grants")]

    def grant(self, name: str) -> "Grant":
        """One of them, by its identifier."""
        return Grant(self, name.rpartition("/")[2])

    def editions(self) -> list[dict[str, Any]]:
        """The newest editions."""
        return self._listed("editions")

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """A document from any address. Raises Failed with what the server told."""
        answer = self.sent(method, path, body, headers)
        found = _document(answer)
        if found is None:
            raise _untrue("the answer is no document of JSON.", answer.status_code)
        return found

    def arrow(self, method: str, path: str, body: Any = None) -> tuple[pa.Table, httpx.Response]:
        """A table from any address that has one, and the answer that it came with.

        Raises Failed with what the server told, or when the answer is not what its headers say.
        """
        answer = self.sent(method, path, body, {"Accept": ARROW})
        digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
        if answer.headers.get("Content-Digest") != f"sha-256=:{digest}:":
            raise _untrue("the answer is not what its hash says.", answer.status_code)
        try:
            with pa.ipc.open_stream(answer.content) as stream:
                rows = stream.read_all()
            rows.validate(full=True)  # offsets that lead out of what was sent would be followed
        except (pa.ArrowException, OSError, MemoryError):
            raise _untrue("the answer is no table.", answer.status_code) from None
        if answer.headers.get("X-Row-Count") != str(rows.num_rows):
            raise _untrue("the answer is not what its count says.", answer.status_code)
        return rows, answer

    def sent(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        """An answer; where the server says to wait, it waits. `path` is an address of this server.

        Raises Failed for a problem, and for what is no whole answer.
        """
        if not path.startswith("/"):
            raise _untrue("the address leads away from this server, and the token stays with it.", 0)
        for turn in range(PATIENT + 1):
            answer = self._received(method, path, body, headers)
            wait = _seconds(answer)
            if answer.status_code not in {FAST, BUSY} or turn == PATIENT or wait > WAIT:
                break
            time.sleep(wait)
        if answer.is_success:
            return answer
        raise Failed(_document(answer) or {}, answer.status_code)

    def _received(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        """An answer as it was sent, to its end. Raises Failed where it has none, or is packed."""
        try:
            with self._http.stream(method, path, json=body, headers=dict(headers)) as answer:
                if answer.headers.get("Content-Encoding", "identity") != "identity":
                    raise _untrue("the answer is packed, which was not asked for.", answer.status_code)
                whole = b"".join(self._pieces(answer))
            return httpx.Response(answer.status_code, headers=answer.headers, content=whole, request=answer.request)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise _untrue(f"the server gave no whole answer ({type(error).__name__}).", 0) from error

    def _pieces(self, answer: httpx.Response) -> Iterator[bytes]:
        size, end = 0, time.monotonic() + self._whole
        for piece in answer.iter_raw():
            size += len(piece)
            if size > self._largest:
                raise _untrue(f"the answer has more than {self._largest:,} bytes.", answer.status_code)
            if time.monotonic() > end:
                raise _untrue(f"the answer has no end within {self._whole:g} s.", answer.status_code)
            yield piece

    def _listed(self, name: str) -> list[dict[str, Any]]:
        found = self.json("GET", f"/api/v1/{name}").get(name)
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise _untrue(f"the answer lists no {name}.", 200)
        return found


def _document(answer: httpx.Response) -> dict[str, Any] | None:
    """The document of JSON that an answer is; None where it is none."""
    try:
        found = answer.json() if "json" in answer.headers.get("Content-Type", "") else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _seconds(answer: httpx.Response) -> int:
    """How long the server asks to wait; 1 where it does not say so in seconds."""
    told = answer.headers.get("Retry-After", "")
    return int(told[:9]) if told.isascii() and told.isdigit() else 1


def _untrue(what: str, status: int) -> Failed:
    """What is raised for an answer that is not to be taken."""
    return Failed({"detail": what, "next": AGAIN}, status)


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant, as far as this account may use it."""

    client: Client
    name: str

    def about(self) -> dict[str, Any]:
        """What it delivers: tables with their columns and measures, sites, period, the newest edition."""
        return self.client.json("GET", f"/api/v1/grants/{self.name}/tables")

    def table(self, name: str) -> "Table":
        """One of its tables."""
        return Table(self, name)

    def tables(self) -> list["Table"]:
        """All of them."""
        found = self.about().get("tables")
        if not isinstance(found, list) or not all(isinstance(one, dict) and "table" in one for one in found):
            raise _untrue("the answer lists no tables.", 200)
        return [Table(self, str(one["table"])) for one in found]

    def ask(self, sql: str, *, edition: int | None = None) -> pa.Table:
        """The answer to one SELECT."""
        body = {"sql": sql, "edition": edition}
        return self.client.arrow("POST", f"/api/v1/grants/{self.name}/questions", body)[0]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of a grant."""

    grant: Grant
    name: str

    def arrow(self, *, edition: int | None = None, size: int = 10_000) -> pa.Table:
        """All of its rows in one edition (the newest by default), page after page. The metadata says which edition."""
        pages = list(self.pages(edition=edition, size=size))
        try:
            whole = pa.concat_tables([one.replace_schema_metadata(None) for one in pages])
        except pa.ArrowException:
            raise _untrue("the pages have not the same columns.", 200) from None
        return whole.replace_schema_metadata({EDITION: b"%d" % _edition(pages[0])})

    def pages(self, *, edition: int | None = None, size: int = 10_000) -> Iterator[pa.Table]:
        """Its pages, all of the same edition. Raises Failed where they are not, or where one of them is missing."""
        place = f"{self._place}?size={size}" + (f"&edition={edition}" if edition else "")
        before: int | None = None
        while place:
            rows, answer = self.grant.client.arrow("GET", place)
            edition = _edition(rows) if edition is None else edition
            left = str(answer.headers.get("X-Rows-Left", ""))
            place = answer.links.get("next", {}).get("url", "")
            whole = left.isascii() and left.isdigit() and (before is None or int(left) + rows.num_rows == before)
            if not whole or _edition(rows) != edition or (int(left) > 0) != bool(place):
                raise _untrue("the pages are not those of one edition, one after the other.", answer.status_code)
            before = int(left)
            yield rows

    def changes(self, since: int) -> pa.Table:
        """What came (`change` is added) and left (removed) since an edition."""
        return self.grant.client.arrow("GET", f"{self._place}?since={since}")[0]

    def follow(self, held: pa.Table) -> pa.Table:
        """A copy that `arrow` or `follow` gave, brought up to the newest edition by what came and left since."""
        changes = self.changes(_edition(held))
        try:
            said, rows = changes["change"], changes.drop_columns(["change"]).cast(held.schema)
        except (pa.ArrowException, ValueError, KeyError):
            raise _untrue("what changed has other columns than what is held.", 200) from None
        came, left = (rows.filter(pc.equal(said, one)) for one in ("added", "removed"))
        made = pa.concat_tables([_without(held, left), came])
        return made.replace_schema_metadata({EDITION: b"%d" % _edition(changes)})

    @property
    def _place(self) -> str:
        return f"/api/v1/grants/{self.grant.name}/tables/{self.name}.arrow"


def _edition(rows: pa.Table) -> int:
    """The edition that rows are of, by their metadata. Raises Failed where they do not say."""
    told = (rows.schema.metadata or {}).get(EDITION, b"")
    if not told.isdigit():
        raise _untrue("the rows do not say of which edition they are. Take the table anew.", 200)
    return int(told)


def _without(held: pa.Table, left: pa.Table) -> pa.Table:
    """The rows that are held less those that left; of equal ones as many as left."""
    where = pc.is_in(_as_text(held), value_set=_as_text(left))
    gone = Counter(_as_text(left).to_pylist())
    doubtful = held.filter(where)
    kept = []
    for text in _as_text(doubtful).to_pylist():  # these are few: rows equal to one that left
        kept.append(gone[text] == 0)
        gone[text] -= gone[text] > 0
    return pa.concat_tables([held.filter(pc.invert(where)), doubtful.filter(pa.array(kept, pa.bool_()))])


def _as_text(rows: pa.Table) -> pa.ChunkedArray:
    """Each row as one text."""
    columns = [pc.fill_null(pc.cast(column, pa.string()), "\0") for column in rows.columns]
    return pc.binary_join_element_wise(*columns, "\x1f")
