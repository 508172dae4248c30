"""The client: small, typed, and it takes no answer for whole that is not.

It speaks to the addresses that docs/reference/api.md documents and shares no code with the server.
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
FAST, BUSY = 429, 503
EDITION = b"isthmus.edition"  # in the metadata of a table: the edition that its rows are of


class Failed(Exception):
    """A problem that the server told: `kind` is its name, `next` what to do, `request` the id for the operator."""

    def __init__(self, told: Mapping[str, Any], status: int) -> None:
        super().__init__(str(told.get("detail", f"the server answered {status}")))
        self.status = status
        self.kind = str(told.get("type", "")).rpartition("/")[2]
        self.next = str(told.get("next", ""))
        self.request = str(told.get("instance", ""))


class Client:
    """A connection to one workspace as one account. Use it in a `with` block, or close it."""

    def __init__(self, base: str, token: str, *, timeout: float = 120.0) -> None:
        self._http = httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=timeout)

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
        return [Grant(self, one["grant"].rpartition("/")[2]) for one in self.json("GET", "/api/v1/grants")["grants"]]

    def grant(self, name: str) -> "Grant":
        """One of them, by its identifier."""
        return Grant(self, name.rpartition("/")[2])

    def editions(self) -> list[dict[str, Any]]:
        """The newest editions."""
        found: list[dict[str, Any]] = self.json("GET", "/api/v1/editions")["editions"]
        return found

    def json(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """A document from any address. Raises Failed with what the server told."""
        found: dict[str, Any] = self.sent(method, path, body, headers).json()
        return found

    def arrow(self, method: str, path: str, body: Any = None) -> tuple[pa.Table, httpx.Response]:
        """A table from any address that has one, and the answer that it came with.

        Raises Failed with what the server told, or when the answer is not what its headers say.
        """
        answer = self.sent(method, path, body, {"Accept": ARROW})
        with pa.ipc.open_stream(answer.content) as stream:
            rows = stream.read_all()
        digest = base64.b64encode(hashlib.sha256(answer.content).digest()).decode()
        told = (answer.headers.get("Content-Digest"), answer.headers.get("X-Row-Count"))
        if told != (f"sha-256=:{digest}:", str(rows.num_rows)):
            raise Failed({"detail": "the answer is not what its count and hash say. Ask again."}, answer.status_code)
        return rows, answer

    def sent(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response:
        """An answer; where the server says to wait, it waits. Raises Failed for a problem."""
        for turn in range(PATIENT + 1):
            answer = self._http.request(method, path, json=body, headers=dict(headers))
            if answer.status_code not in {FAST, BUSY} or turn == PATIENT:
                break
            time.sleep(float(answer.headers.get("Retry-After", "1")))
        if answer.is_success:
            return answer
        told = answer.json() if "json" in answer.headers.get("Content-Type", "") else {}
        raise Failed(told, answer.status_code)


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
        return [Table(self, one["table"]) for one in self.about()["tables"]]

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
        return pa.concat_tables([one.replace_schema_metadata(None) for one in pages]).replace_schema_metadata(
            {EDITION: pages[0].schema.metadata[EDITION]}
        )

    def pages(self, *, edition: int | None = None, size: int = 10_000) -> Iterator[pa.Table]:
        """Its pages, all of the same edition."""
        place = f"{self._place}?size={size}" + (f"&edition={edition}" if edition else "")
        while place:
            rows, answer = self.grant.client.arrow("GET", place)
            yield rows
            place = answer.links.get("next", {}).get("url", "")

    def changes(self, since: int) -> pa.Table:
        """What came (`change` is added) and left (removed) since an edition."""
        return self.grant.client.arrow("GET", f"{self._place}?since={since}")[0]

    def follow(self, held: pa.Table) -> pa.Table:
        """A copy that `arrow` or `follow` gave, brought up to the newest edition by what came and left since."""
        changes = self.changes(int(held.schema.metadata[EDITION]))
        said, rows = changes["change"], changes.drop_columns(["change"]).cast(held.schema)
        came, left = (rows.filter(pc.equal(said, one)) for one in ("added", "removed"))
        made = pa.concat_tables([_without(held, left), came])
        return made.replace_schema_metadata({EDITION: changes.schema.metadata[EDITION]})

    @property
    def _place(self) -> str:
        return f"/api/v1/grants/{self.grant.name}/tables/{self.name}.arrow"


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
