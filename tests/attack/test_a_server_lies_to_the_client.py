"""A server that is not what it should be answers the typed client, or who stands between: it is not believed."""

import base64
import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pyarrow as pa
import pytest

from isthmus.serving.client import Client, Failed
from isthmus.serving.client import client as module

TABLE = "/api/v1/grants/GR1/tables/person.arrow"
Said = tuple[int, Mapping[str, str], bytes]


def rows(*names: str, edition: int | None = 3) -> bytes:
    found = pa.table({"person_id": list(names)}, schema=pa.schema([("person_id", pa.string())]))
    if edition is not None:
        found = found.replace_schema_metadata({"isthmus.edition": str(edition)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, found.schema) as stream:
        stream.write_table(found)
    return bytes(sink.getvalue())


def page(content: bytes, count: int, left: int, follow: str = "", **headers: str) -> Said:
    digest = base64.b64encode(hashlib.sha256(content).digest()).decode()
    told = {"Content-Digest": f"sha-256=:{digest}:", "X-Row-Count": str(count), "X-Rows-Left": str(left)}
    return 200, {**told, **({"Link": f'<{follow}>; rel="next"'} if follow else {}), **headers}, content


def document(value: Any, status: int = 200, media: str = "application/json", **headers: str) -> Said:
    return status, {"Content-Type": media, **headers}, value if isinstance(value, bytes) else json.dumps(value).encode()


@contextmanager
def lying(said: Callable[[str], Said], calls: list[Mapping[str, str]] | None = None, **terms: Any) -> Iterator[Client]:
    """A client of a server that answers as it is told by the path that is asked."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if calls is not None:
                calls.append({"path": self.path, **dict(self.headers)})
            status, headers, content = said(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | dict(headers)).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 its name in the library
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    held = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    held.start()
    try:
        with Client(f"http://127.0.0.1:{server.server_port}", "secret", **{"timeout": 5.0, **terms}) as client:
            yield client
    finally:
        server.shutdown()
        server.server_close()
        held.join()


def failed(client: Client, what: str = "[a-z]") -> Failed:
    with pytest.raises(Failed, match=what) as told:
        client.grant("GR1").table("person").arrow()
    assert str(told.value) and "secret" not in str(told.value)
    return told.value


def test_the_token_goes_to_no_other_host() -> None:
    elsewhere: list[Mapping[str, str]] = []
    with lying(lambda path: page(rows("c"), 1, 0), elsewhere) as other:
        address = str(other._http.base_url)
        for place in (f"{address}/x", f"//{address.partition('//')[2]}/x"):
            with lying(lambda path, place=place: page(rows("a"), 1, 1, place)) as client:  # type: ignore[misc]
                failed(client)
        moved: Said = (307, {"Location": f"{address}/x"}, b"")
        with lying(lambda path: moved) as client:
            assert failed(client).status == 307
    assert elsewhere == []


@pytest.mark.parametrize(
    ("first", "later", "what"),
    [
        (page(rows("a"), 1, 1), None, "one after the other"),
        (page(rows("a"), 1, 1, TABLE), page(rows("a"), 1, 1, TABLE), "one after the other"),
        (page(rows("a"), 1, 2, f"{TABLE}?b"), page(rows("c"), 1, 0), "one after the other"),
        (page(rows("a"), 1, 1, f"{TABLE}?b"), page(rows("b", edition=4), 1, 0), "one after the other"),
        (page(rows("a"), 1, 0, **{"X-Rows-Left": ""}), None, "one after the other"),
        (page(rows("a", edition=None), 1, 0), None, "of which edition"),
        (page(rows("a"), 2, 0), None, "its count"),
        (page(rows("a"), 1, 0, **{"Content-Digest": "sha-256=:AAAA:"}), None, "its hash"),
        (page(rows("a")[:-40], 1, 0), None, "no table"),
        (page(b"<html>sign in to the wireless network</html>", 1, 0), None, "no table"),
        (page(gzip.compress(rows("a")), 1, 0, **{"Content-Encoding": "gzip"}), None, "packed"),
        (page(rows("a"), 1, 0, **{"Content-Length": "9999"}), None, "no whole answer"),
    ],
)  # fmt: skip
def test_what_is_not_whole_is_not_taken(first: Said, later: Said | None, what: str) -> None:
    with lying(lambda path: later if later and "size=" not in path else first, timeout=0.5) as client:
        failed(client, what)


def test_offsets_that_lead_out_of_an_answer_are_not_followed() -> None:
    good = rows("aaaa", "bbbb", "cccc")
    offsets = b"".join(number.to_bytes(4, "little") for number in (0, 4, 8, 12))
    assert good.count(offsets) == 1
    wild = good.replace(offsets, offsets[:12] + (1 << 30).to_bytes(4, "little"))
    with lying(lambda path: page(wild, 3, 0)) as client:
        failed(client, "no table")


def test_an_answer_has_an_end_in_size_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    with lying(lambda path: page(rows("a" * 100_000), 1, 0), largest=50_000) as client:
        failed(client, "more than 50,000 bytes")
    monkeypatch.setattr(module, "WHOLE", 0)
    with lying(lambda path: page(rows("a"), 1, 0)) as client:
        failed(client, "no end within")


@pytest.mark.parametrize(
    ("asked", "slept"),
    [("7", [7] * 5), ("1000000000", []), ("Wed, 21 Oct 2099 07:28:00 GMT", [1] * 5), ("-5", [1] * 5), ("", [1] * 5)],
)  # fmt: skip
def test_a_wait_is_no_longer_than_is_sensible(monkeypatch: pytest.MonkeyPatch, asked: str, slept: list[float]) -> None:
    waits: list[float] = []
    monkeypatch.setattr(module.time, "sleep", waits.append)
    busy = document({"detail": "full", "type": "/api/v1/problems/busy"}, 503, **{"Retry-After": asked})
    with lying(lambda path: busy) as client:
        told = failed(client, "full")
    assert (told.kind, waits) == ("busy", slept)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"[", b"[" * 100_000, b"null", b"[1]", b'"x"', b'{"grants": {"a": 1}}', b'{"grants": [1]}', b"\xff\xfe",
        b'{"detail": ["x"], "type": 5}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [200, 403, 500])
def test_a_document_that_is_none_is_told_as_a_failure(body: bytes, status: int) -> None:
    with lying(lambda path: document(body, status)) as client, pytest.raises(Failed):
        client.grants()


def test_nobody_who_answers_is_told_as_a_failure() -> None:
    with Client("http://127.0.0.1:1", "secret", timeout=0.5) as client:
        assert failed(client, "no whole answer").status == 0
