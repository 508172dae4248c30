"""A grant as a product: what it says of itself, pages, forms, tags, and what changed from edition to edition."""

import io
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from isthmus.flow.ingest import ingest
from isthmus.flow.workspace import Workspace
from lib import granted, harbour
from lib.calling import bearer, problem, serving, short
from lib.granted import APPLICATION, House

TABLES = {
    **APPLICATION["tables"],
    "person": ["person_id", "gender_concept_id", "year_of_birth", "person_source_value"],
    "measurement": [
        "measurement_id", "person_id", "measurement_concept_id", "measurement_date", "value_as_number",
        "unit_source_value",
    ],
    "condition_occurrence": ["person_id", "condition_concept_id"],
}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("product"), patients=20, tables=TABLES)


@pytest.fixture(scope="module")
def client(house: House) -> Iterator[httpx.Client]:
    with serving(house) as found:
        yield found


def place(house: House, table: str) -> str:
    return f"/api/v1/grants/{short(house.grant)}/tables/{table}"


def get(client: httpx.Client, house: House, address: str, **more: Any) -> httpx.Response:
    answer = client.get(address, headers=bearer(house), **more)
    assert answer.status_code == 200, answer.text
    return answer


def every(client: httpx.Client, house: House, address: str) -> list[dict[str, Any]]:
    """The rows of all pages from an address on; what each page says of those after it is seen to hold."""
    rows: list[dict[str, Any]] = []
    left = None
    while address:
        answer = get(client, house, address)
        body = answer.json()
        assert left is None or body["left"] == left - body["count"]
        assert int(answer.headers["x-rows-left"]) == body["left"]
        assert body["count"] == len(body["rows"]) <= int(answer.headers["x-row-limit"])
        assert ('rel="next"' in answer.headers.get("link", "")) == bool(body["next"])
        left = body["left"]
        rows += body["rows"]
        address = body["next"]
    assert left == 0
    return rows


def bag(rows: list[dict[str, Any]]) -> Counter[str]:
    return Counter(str(sorted(row.items(), key=lambda one: one[0])) for row in rows)


def test_a_grant_says_exactly_what_it_delivers(house: House, client: httpx.Client) -> None:
    body = get(client, house, place(house, "")[:-1]).json()
    person = next(one for one in body["tables"] if one["table"] == "person")
    assert {one["name"]: one["measure"] for one in person["columns"]} == {
        "person_id": "pseudonymise", "gender_concept_id": "allow", "year_of_birth": "allow", "site": "allow",
    }  # fmt: skip
    assert [one["name"] for one in person["left_out"]] == ["person_source_value"]
    assert body["sites"] == ["h01"] and body["standing"] == "active" and body["edition"] == 2
    assert body["from"] < body["until"] == "2027-06-30T00:00:00Z"
    for one in body["tables"]:
        rows = get(client, house, next(form for form in one["forms"] if form.endswith("json"))).json()
        assert [column["name"] for column in rows["columns"]] == [column["name"] for column in one["columns"]]


@pytest.mark.parametrize("table", ["measurement", "condition_occurrence", "person"])
def test_pages_together_are_the_table_each_row_once(house: House, client: httpx.Client, table: str) -> None:
    whole = get(client, house, f"{place(house, table)}.json?size=50000").json()
    assert whole["next"] is None and whole["left"] == 0
    paged = every(client, house, f"{place(house, table)}.json?size=7")
    assert len(paged) == len(whole["rows"]) > 7
    assert bag(paged) == bag(whole["rows"])
    some = every(client, house, f"{place(house, table)}.json?size=7&columns=person_id,site")
    assert bag(some) == bag([{name: row[name] for name in ("person_id", "site")} for row in whole["rows"]])


def test_every_form_has_the_same_rows(house: House, client: httpx.Client) -> None:
    readers = {
        "parquet": lambda raw: pq.read_table(io.BytesIO(raw)),
        "arrow": lambda raw: pa.ipc.open_stream(raw).read_all(),
        "csv": lambda raw: pa_csv.read_csv(io.BytesIO(raw)),
    }
    found = {}
    for suffix, reader in readers.items():
        answer = get(client, house, f"{place(house, 'measurement')}.{suffix}?size=50")
        rows = reader(answer.content)
        assert int(answer.headers["x-row-count"]) == rows.num_rows == 50
        found[suffix] = rows.select(["measurement_id", "measurement_date", "value_as_number"]).to_pylist()
        if suffix != "csv":
            assert rows.schema.metadata[b"isthmus.edition"] == b"2"
    assert found["parquet"] == found["arrow"] == found["csv"]


def test_a_sheet_begins_with_a_mark_and_runs_nothing(house: House, client: httpx.Client) -> None:
    raw = get(client, house, f"{place(house, 'person')}.csv?sheet=true").content
    assert raw.startswith(b"\xef\xbb\xbf")


def test_what_did_not_change_is_not_sent_again(house: House, client: httpx.Client) -> None:
    address = f"{place(house, 'person')}.json"
    tag = get(client, house, address).headers["etag"]
    again = client.get(address, headers=bearer(house, **{"If-None-Match": tag}))
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(f"{address}?size=3", headers=bearer(house, **{"If-None-Match": tag})).status_code == 200


def test_limits_are_told_and_never_silent(house: House, client: httpx.Client) -> None:
    most = client.get("/api/v1/").json()["limits"]["longest"]
    over = client.get(f"{place(house, 'person')}.json?size={most + 1}", headers=bearer(house))
    assert f"{most:,}" in problem(over, 422, "wrong")["detail"]


def test_a_new_delivery_is_in_the_next_answer_and_what_changed_can_be_taken_alone(tmp_path: Path) -> None:
    house = granted.granted(tmp_path, patients=20, tables=TABLES)
    with serving(house) as client:
        address = f"{place(house, 'measurement')}.json?size=50000"
        before = get(client, house, address).json()
        began = time.monotonic()
        harbour.deliver(house.root.parent / "in", number=2, patients=20)
        report = ingest(Workspace(house.root))
        assert not report.failed
        after = get(client, house, address).json()
        assert time.monotonic() - began < 60
        assert after["edition"] > before["edition"] and len(after["rows"]) > len(before["rows"])
        pinned = get(client, house, f"{address}&edition={before['edition']}").json()
        assert bag(pinned["rows"]) == bag(before["rows"])
        for table in TABLES:
            _follows(client, house, table, before["edition"])


def _follows(client: httpx.Client, house: House, table: str, since: int) -> None:
    """What came and left makes the new table of the old one."""
    address = f"{place(house, table)}.json"
    old = bag(get(client, house, f"{address}?size=50000&edition={since}").json()["rows"])
    new = bag(get(client, house, f"{address}?size=50000").json()["rows"])
    changes = get(client, house, f"{address}?since={since}").json()["rows"]
    came, left = ([one for one in changes if one["change"] == said] for said in ("added", "removed"))
    for rows in (came, left):
        for one in rows:
            del one["change"]
    assert not bag(left) - old
    assert (old - bag(left)) + bag(came) == new, table
    assert len(changes) < sum(new.values()) or table != "measurement"


def test_a_burst_waits_in_front_of_the_door_and_loses_nothing(house: House, client: httpx.Client) -> None:
    def asked(number: int) -> int:
        with httpx.Client(base_url=client.base_url, timeout=120) as mine:
            return mine.get(f"{place(house, 'person')}.json?size={number + 1}", headers=bearer(house)).status_code

    with ThreadPoolExecutor(12) as many:
        assert list(many.map(asked, range(12))) == [200] * 12


def test_fhir_tells_what_came_since_a_moment(tmp_path: Path) -> None:
    house = granted.granted(
        tmp_path, patients=20, tables={**TABLES, "measurement": [*TABLES["measurement"], "unit_concept_id"]}
    )
    with serving(house) as client:
        base = f"/fhir/{short(house.grant)}/Observation"
        before = get(client, house, f"{base}?_count=5000").json()
        time.sleep(1.1)  # editions are dated to the second
        moment = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        harbour.deliver(house.root.parent / "in", number=2, patients=20)
        assert not ingest(Workspace(house.root)).failed
        after = get(client, house, f"{base}?_count=5000").json()
        since = get(client, house, f"{base}?_count=5000&_lastUpdated=ge{moment}").json()
        old = {one["resource"]["id"]: _said(one) for one in before["entry"]}
        new = {one["resource"]["id"]: _said(one) for one in after["entry"]}
        assert {one["resource"]["id"] for one in since["entry"]} == {
            key for key, said in new.items() if old.get(key) != said
        }
        assert 0 < since["total"] < after["total"]
        # Editions are dated to the second: what came with the one of a moment came at it, and not after it.
        newest = Workspace(house.root).lake.editions.current()
        assert newest is not None
        at = str(newest.body["published_at"])
        told = {sign: get(client, house, f"{base}?_count=5000&_lastUpdated={sign}{at}").json() for sign in ("ge", "gt")}
        assert (told["ge"]["total"], told["gt"]["total"]) == (since["total"], 0)


def _said(entry: dict[str, Any]) -> dict[str, Any]:
    """A resource but for its edition."""
    return {name: value for name, value in entry["resource"].items() if name != "meta"}
