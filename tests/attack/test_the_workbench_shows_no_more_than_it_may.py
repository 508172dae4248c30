"""The workbench attacked from outside: forms of other sites, stolen and old cookies, addresses, names, small groups."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.gate.office import people
from isthmus.gate.office.unit import Office
from isthmus.serving.web import counted, sessions, throttle
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart, files
from lib import granted
from lib.reader import HERE, Reader, opened

SUFFIXES = (*files.SUFFIXES, *chart.SUFFIXES)
PASSWORD = "a long enough password"
# Who may do what; every other role is refused, and nothing is done.
MAY = {
    ("request", "vote"): {"cai", "dan", "eve"}, ("request", "grant"): {"cai", "dan", "eve"},
    ("request", "reject"): {"cai", "dan", "eve"}, ("request", "return"): {"cai", "dan", "eve"},
    ("request", "match"): {"platform"}, ("request", "clear"): {"stew"}, ("request", "veto"): {"stew"},
    ("request", "withdraw"): {"ann", "bo"}, ("request", "shorten"): {"cai", "dan", "eve"},
    ("request", "suspend"): {"cai", "dan", "eve", "stew", "root"}, ("request", "resume"): {"cai", "dan", "eve",
     "stew", "root"},
    ("request", "revoke"): {"cai", "dan", "eve", "stew"}, ("request_new", "apply"): {"ann", "bo"},
    ("site", "replay"): {"stew", "platform", "root"},
    ("finding", "say"): {"stew", "platform", "root", "cai", "dan", "eve"},
}  # fmt: skip


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Five real patients: every count of them is to be hidden."""
    folder = tmp_path_factory.mktemp("real")
    house = granted.applied(granted.peopled(folder, patients=5), folder)
    app = opened(house.root)
    with app.state.house.office.open() as office:
        root = office.accounts.get("root")
        people.add(office, "pat", ["user"], [], PASSWORD, by=root)
    yield app
    app.state.house.close()


def _filled(app: FastAPI, address: str) -> str:
    case = Reader(app, "aud").house.cases()[0].id.rpartition("/")[2]
    parts = {"{site}": "h01", "{case}": case, "{name}": "liver", "{finding}": "0", "{person}": "1"}
    for part, value in parts.items():
        address = address.replace(part, value)
    return re.sub(r"\{\w+\}", "x", address)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_real_patients_are_looked_at_under_a_name(real: FastAPI, page: object) -> None:
    address = _filled(real, page.address)  # type: ignore[attr-defined]  # a page, as parametrised
    file = _filled(real, page.file)  # type: ignore[attr-defined]  # the same
    for where in (address, *(f"{file}.{suffix}" for suffix in SUFFIXES)):
        assert Reader(real).get(where).status_code in (403, 404), where


def test_a_small_group_is_hidden_on_every_page_and_in_every_form(real: FastAPI) -> None:
    reader = Reader(real, "aud")
    rows = reader.get("/overview.json").json()["rows"]
    assert [row["people"] for row in rows] == ["≤7"]
    assert "≤7" in reader.get("/overview.csv").text and "≤7" in reader.get("/").text
    assert all(isinstance(row["quarantined"], str) or row["quarantined"] % 5 == 0 for row in rows)


def test_a_small_group_is_hidden_in_every_chart(real: FastAPI) -> None:
    reader = Reader(real, "aud")
    for count in (counted.years, counted.checks, counted.findings):
        count(reader.house)
    reader.house.memory.wait(600)
    hidden = 0
    for base, name in {"/overview": "years", "/sites/h01": "feeds", "/lineage": "lineage"}.items():
        spec = reader.get(f"{base}.vl.json?chart={name}").json()
        layers = [spec, *spec.get("layer", ())]
        rows = [row for one in layers for row in one.get("data", {}).get("values", ()) if "n" in row]
        assert rows and all(row["n"] is None or (row["n"] % 5 == 0 and not 0 < row["n"] <= 7) for row in rows), base
        hidden += sum(row["n"] is None for row in rows)
    assert hidden


def test_registries_of_real_patients_are_not_built_here(real: FastAPI) -> None:
    assert Reader(real, "ann").post("/registries/liver/build", {}).status_code == 403


@pytest.mark.parametrize(("page", "act"), sorted(MAY), ids=lambda one: one)
def test_an_act_is_done_by_its_roles_and_nobody_else(real: FastAPI, page: str, act: str) -> None:
    found = next(one for one in PAGES if one.name == page)
    address = _filled(real, f"{found.file}/{act}")
    office = Reader(real).house.office
    for name in (*granted.ROLES, ""):
        before = len(office.acts.all("use", "people", "release"))
        answer = Reader(real, name).post(address, {"favour": "yes", "reason": "", "state": "mended"})
        if name not in MAY[page, act]:
            assert answer.status_code == 403, (name, answer.status_code)
            assert len(office.acts.all("use", "people", "release")) == before
        else:
            assert answer.status_code in (303, 403, 404, 422), (name, answer.status_code)


def test_every_act_of_every_page_is_in_the_table() -> None:
    told = {(page.name, act) for page in PAGES for act in page.acts}
    assert {one for one in told if one[0] in {page for page, _ in MAY}} == set(MAY)


@pytest.mark.parametrize("headers", [
    {"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
     {"Sec-Fetch-Site": "same-site"},
    {"Origin": HERE + ".evil.test"}, {"Origin": "", "Referer": "http://evil.test/"},
])  # fmt: skip
def test_a_form_of_another_site_is_refused(real: FastAPI, headers: dict[str, str]) -> None:
    reader = Reader(real, "cai")
    case = reader.house.cases()[0].id.rpartition("/")[2]
    answer = reader.post(f"/requests/{case}/vote", {"favour": "yes"}, **headers)
    assert answer.status_code == 403 and "did not come from an open page" in answer.text


@pytest.mark.parametrize("token", ["", "00", "zz", "0" * 128, "f" * 128])
def test_a_form_without_the_token_of_its_cookie_is_refused(real: FastAPI, token: str) -> None:
    assert Reader(real, "cai").post("/sign-out", {}, token=token).status_code == 403


def test_a_token_of_another_visitor_is_refused(real: FastAPI) -> None:
    assert Reader(real, "cai").post("/sign-out", {}, token=Reader(real, "dan").token()).status_code == 403


def test_tokens_are_other_bytes_each_time(real: FastAPI) -> None:
    reader = Reader(real, "cai")
    assert reader.token() != reader.token()


def test_a_session_begins_anew_with_each_sign_in_and_ends_at_once(real: FastAPI) -> None:
    reader = Reader(real)
    reader.get("/sign-in")
    before = dict(reader.cookies)
    answer = reader.post("/sign-in", {"name": "pat", "password": PASSWORD, "to": "/you"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/you")
    line = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("isthmus="))
    assert "HttpOnly" in line and "SameSite=lax" in line and reader.cookies != before
    assert reader.get("/you").status_code == 200
    stolen = Reader(real)
    stolen.cookies = dict(reader.cookies)
    assert reader.post("/sign-out", {}).status_code == 303
    assert stolen.get("/you").status_code == 403


def test_over_https_the_cookie_is_bound_to_the_host(real: FastAPI) -> None:
    reader = Reader(real, host="https://workbench.test")
    line = reader.get("/sign-in").headers.get_list("set-cookie")[0]
    assert line.startswith("__Host-isthmus=") and "Secure" in line and "HttpOnly" in line
    assert "max-age" in reader.get("/sign-in").headers["strict-transport-security"]


def test_wrong_passwords_lock_and_name_no_account(real: FastAPI) -> None:
    texts = set()
    for name in ("pat", "nobody-of-this-name"):
        answer = Reader(real).post("/sign-in", {"name": name, "password": "wrong wrong wrong"})
        assert answer.status_code == 403
        texts.add(re.search(r'role="alert"><p[^>]*>([^<]+)<', answer.text)[1])  # type: ignore[index]  # the page has one
    assert len(texts) == 1


def test_one_address_may_not_try_on_and_on() -> None:
    counted = throttle.Throttle()
    for _ in range(10 * throttle.TRIES):  # who signs in rightly is not counted
        counted.demand("10.0.0.1")
    for _ in range(throttle.TRIES):
        counted.failed("10.0.0.1")
    with pytest.raises(Exception, match="too many tries"):
        counted.demand("10.0.0.1")
    counted.demand("10.0.0.2")


def test_a_session_ends_when_idle_and_in_any_case(monkeypatch: pytest.MonkeyPatch) -> None:
    at = sessions.now()
    monkeypatch.setattr(sessions, "now", lambda: at)
    held = sessions.Sessions()
    value = held.begin("ann")
    step = sessions.IDLE - timedelta(seconds=1)
    for _ in range(int(sessions.ABSOLUTE / step)):
        at += step
        assert held.name(value) == "ann"
    at += step
    assert held.name(value) == ""
    idle = held.begin("ann")
    at += sessions.IDLE + timedelta(seconds=1)
    assert held.name(idle) == ""


@pytest.mark.parametrize(
    "to", ["//evil.test", "https://evil.test", "/\\evil.test", "javascript:alert(1)", "/a\r\nX: y"]
)
def test_nobody_is_sent_to_another_site(real: FastAPI, to: str) -> None:
    answer = Reader(real).post("/sign-in", {"name": "pat", "password": PASSWORD, "to": to})
    assert answer.status_code == 303 and answer.headers["location"] == "/"
    kept = Reader(real).get(f"/preferences?theme=dark&to={to.replace(chr(13), '%0D').replace(chr(10), '%0A')}")
    assert kept.headers["location"] == "/"


def test_every_answer_closes_the_page(real: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.serving.web.counted.quarantine", lambda house: {}["x"])
    reader = Reader(real, "aud")
    for path, status in (
        ("/", 200),
        ("/nope", 404),
        ("/sites", 500),
        ("/static/none.css", 422),
        ("/overview.csv", 200),
    ):
        answer = reader.get(path)
        assert answer.status_code == status, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "*" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "same-origin"
        assert "no-cache" in answer.headers["cache-control"] and "private" in answer.headers["cache-control"]


def test_what_people_and_hospitals_write_is_text_on_a_page(tmp_path: Path) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    bad = '"><script>alert(1)</script>'
    house = granted.applied(granted.peopled(folder, patients=3), folder, summary=bad)
    made = Workspace(house.root)
    site = made.site("h01")
    made.keep_site(type(site)(site.name, bad, site.feeds, site.automatic, site.worse, site.conditions))
    app = opened(house.root)
    for path in ("/", "/sites", "/sites/h01", "/requests", "/lineage", "/quality", f"/sites/{bad}"):
        assert "<script>alert" not in Reader(app, "aud").get(path).text, path
    app.state.house.close()


def test_an_account_that_is_disabled_has_no_session(real: FastAPI) -> None:
    reader = Reader(real)
    with reader.house.office.open() as office:
        root = office.accounts.get("root")
        assert root is not None
        people.add(office, "gone", ["auditor"], [], PASSWORD, by=root)
    gone = Reader(real, "gone")
    assert gone.get("/").status_code == 200
    with reader.house.office.open() as office:
        people.disable(office, "gone", by=root)
    assert gone.get("/").status_code == 403


def test_the_office_of_a_test_is_that_of_the_workbench(real: FastAPI) -> None:
    assert isinstance(Reader(real).house.office, Office)
