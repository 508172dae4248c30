"""Every page of the workbench, in both languages and every suffix, over a small workspace."""

import hashlib
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from isthmus.base import clock
from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.gate.office import cases
from isthmus.records.owed import Owing
from isthmus.serving.page.words import LANGUAGES
from isthmus.serving.web.counted import checks, findings, years
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart
from isthmus.serving.web.shell.page import Page
from isthmus.serving.web.shell.words import texts
from lib import granted, harbour, workspace
from lib.reader import Reader, opened

HTML = 60_000  # bytes of a page
CHARTS = {"overview": {"years"}, "lineage": {"lineage"}, "site": {"feeds"}, "quality": {"completeness"}}
"""The charts of pages that have any without more being asked."""
INSIDE = re.compile(r"""<script(?![^>]*\bsrc=)|\son\w+\s*=\s*["']|\sstyle\s*=\s*["']|javascript:""", re.IGNORECASE)
FOREIGN = re.compile(r"""(?:src|href|action)=["'](?:https?:)?//""")
WORDS = re.compile(r"\bw\('([a-z_.]+)'")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder = tmp_path_factory.mktemp("workbench")
    harbour.deliver(folder / "in", number=1, patients=30)
    made = start.new(folder / "ws", synthetic=True)
    workspace.add(made, harbour.feeds(folder / "packs", folder / "in"))
    assert not ingest(made).failed
    (made.root / "cohorts").mkdir()
    (made.root / "cohorts/liver.yaml").write_text("{enter: [{condition: any}]}")
    house = granted.applied(granted.staffed(made), folder)
    assert house.use("platform", "match").code == 0
    found = opened(made.root)
    Reader(found, "aud").get("/cohorts")
    for count in (years, checks, findings):  # what is counted beside the requests is there
        count(found.state.house)
    found.state.house.memory.wait(600)
    yield found
    found.state.house.close()


def _addresses(app: FastAPI, page: Page) -> list[str]:
    """Addresses of a page, its parts filled in with what there is; none where there is no such thing."""
    reader = Reader(app, "aud")
    if page.name == "code" or page.personal:  # which code, its query says; persons are looked at under a grant
        return []
    if "{" not in page.address:
        return [page.address]
    site = reader.house.workspace.sites()[0].name
    case = reader.house.cases()[0].id.rpartition("/")[2]
    found = findings(reader.house) or []
    parts = {
        "{site}": site, "{case}": case, "{name}": "liver", "{person}": "1", "{grant}": "GR0",
        "{finding}": found[0].finding.finding_id if found else "0",
    }  # fmt: skip
    address = page.address
    for part, value in parts.items():
        address = address.replace(part, value)
    return [address] if "{" not in address else []


def _who(page: Page) -> str:
    return next(iter(sorted(page.roles)), "aud") if not page.roles else _account(page)


def _account(page: Page) -> str:
    return next(name for name, roles in granted.ROLES.items() if set(roles) & page.roles)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_whole_small_and_closed(app: FastAPI, page: Page, language: str) -> None:
    for address in _addresses(app, page):
        answer = Reader(app, _account(page) if page.roles else "aud", language=language).get(address)
        assert answer.status_code == 200, (address, answer.text[-2000:])
        assert len(answer.content) < HTML, address
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}"' in answer.text
        assert not INSIDE.search(answer.text), address
        assert not FOREIGN.search(answer.text), address
        assert answer.text.count("<h1") == 1, address
        ElementTree.fromstring(f"<x>{'<p/>'.join(re.findall(r'<svg.*?</svg>', answer.text, re.DOTALL))}</x>")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_table_of_a_page_leaves_whole_in_every_form(app: FastAPI, page: Page) -> None:
    reader = Reader(app, _account(page) if page.roles else "aud")
    for address in _addresses(app, page):
        base = "/overview" if address == "/" else address
        first = reader.get(f"{base}.json")
        if first.status_code == 404:  # a page without a table
            continue
        names = {json.loads(first.text)["table"]} | set(re.findall(r"\.csv\?table=(\w+)", reader.get(address).text))
        for name in names:
            told = reader.get(f"{base}.json?table={name}").json()
            assert told["rows_here"] == len(told["rows"]) == told["rows_of"], (base, name)
            lines = reader.get(f"{base}.csv?table={name}")
            assert lines.headers["x-rows"] == str(told["rows_of"]) and lines.headers["x-content-sha256"]
            table = pq.read_table(io.BytesIO(reader.get(f"{base}.parquet?table={name}").content))
            assert table.num_rows == told["rows_of"]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_chart_of_a_page_leaves_whole_in_every_form(app: FastAPI, page: Page, language: str) -> None:
    reader = Reader(app, _account(page) if page.roles else "aud", language=language)
    for address in _addresses(app, page):
        base = "/overview" if address == "/" else address
        shown = reader.get(address).text
        names = set(re.findall(r"\.svg\?chart=(\w+)", shown))
        if page.name in CHARTS:
            assert names == CHARTS[page.name], address
        for name in names:
            spec = reader.get(f"{base}.vl.json?chart={name}")
            told = spec.json()["usermeta"]["isthmus"]
            table = reader.get(f"{base}.json?table={told['table']}").json()
            assert told["rows_here"] == told["rows_of"] == table["rows_of"] and told["edition"] == table["edition"]
            drawn = {one: reader.get(f"{base}.{one}?chart={name}") for one in ("svg", "png", "pdf")}
            for one, answer in {"vl.json": spec, **drawn}.items():
                assert answer.status_code == 200 and answer.headers["x-rows"] == str(told["rows_of"]), (base, name, one)
                assert hashlib.sha256(answer.content).hexdigest() == answer.headers["x-content-sha256"]
                assert answer.headers["content-type"] == chart.SUFFIXES[one]
            assert len(ElementTree.fromstring(drawn["svg"].content).findall(".//{*}text")) > 2
            assert "<script" not in drawn["svg"].text and not FOREIGN.search(drawn["svg"].text)
            assert drawn["png"].content.startswith(b"\x89PNG") and drawn["pdf"].content.startswith(b"%PDF")


def test_a_chart_that_is_not_there_says_so(app: FastAPI) -> None:
    for path in ("/overview.svg?chart=none", "/log.png", "/overview.vl.json?chart=none", "/log.pdf"):
        answer = Reader(app, "aud").get(path)
        assert answer.status_code == 404 and answer.headers["content-type"] == "application/problem+json", path
        assert "no chart" in answer.json()["detail"]


def test_what_cannot_be_drawn_whole_is_refused_and_its_numbers_are_there(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chart, "MOST", 3)
    answer = Reader(app, "aud").get("/quality.png?chart=completeness")
    assert answer.status_code == 422 and "Take .vl.json" in answer.json()["detail"]
    assert Reader(app, "aud").get("/quality.vl.json?chart=completeness").status_code == 200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_word_that_a_template_says_is_there_in_both_languages(page: Page) -> None:
    folder = Path(__file__).parents[2] / "src/isthmus/serving/web"
    known = texts(page.name, page.under)
    said = WORDS.findall((folder / f"pages/{page.name}.html.j2").read_text(encoding="utf-8"))
    assert not [key for key in said if key not in known and not key.endswith(".")]
    assert not [(key, one) for key, both in known.items() for one in LANGUAGES if not both.get(one, "").strip()]
    if page.group:
        assert f"page.{page.name}" in texts("")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_heads_of_columns_are_words(app: FastAPI, page: Page) -> None:
    reader = Reader(app, _account(page) if page.roles else "aud")
    sites = {site.name for site in reader.house.workspace.sites()}
    for address in _addresses(app, page):
        heads = re.findall(r'<th scope="col"[^>]*>([^<]+)</th>', reader.get(address).text)
        assert not [head for head in heads if re.fullmatch(r"[a-z_]+", head) and head not in sites], address


def test_what_is_not_there_says_so_and_names_what_is_near(app: FastAPI) -> None:
    answer = Reader(app).get("/sitez")
    assert answer.status_code == 404 and 'href="/sites"' in answer.text
    assert Reader(app).get("/sites/h99").status_code == 404
    problem = Reader(app).get("/sites/h99.json")
    assert problem.headers["content-type"] == "application/problem+json" and problem.json()["status"] == 404


def test_something_unforeseen_tells_its_number_and_nothing_else(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("isthmus.serving.web.counted.map_of", lambda house: {}["patient 4711"])
    answer = Reader(app).get("/lineage")
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.text
    assert "4711" not in answer.text and "Traceback" not in answer.text


def test_a_language_that_is_asked_for_is_kept(app: FastAPI) -> None:
    reader = Reader(app)
    assert "总览" in reader.get("/?lang=zh").text
    assert "总览" in reader.get("/").text


def test_a_site_is_held_back_only_by_its_own_settings(app: FastAPI) -> None:
    assert "held" not in [row["state"] for row in Reader(app).get("/overview.json").json()["rows"]]


def test_a_member_of_the_committee_votes_and_the_log_has_it(app: FastAPI) -> None:
    reader = Reader(app, "cai")
    case = reader.house.cases()[0].id.rpartition("/")[2]
    before = len(reader.house.office.acts.all("use"))
    answer = reader.post(f"/requests/{case}/vote", {"favour": "yes", "reason": "of use"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/requests/{case}?done")
    assert dict(reader.house.cases()[0].case.votes) == {"cai": True}
    assert len(reader.house.office.acts.all("use")) == before + 1
    again = reader.post(f"/requests/{case}/vote", {"favour": "no", "reason": "changed my mind"})
    assert again.status_code in (303, 403)


def test_an_application_is_handed_in_by_a_form(app: FastAPI) -> None:
    reader = Reader(app, "ann")
    form = {
        "summary": "How long do they stay?", "kind": ["HMB"], "site": ["h01"], "until": "2027-05-01", "grade": "3",
        "column": ["person.person_id", "person.year_of_birth"], "people": "bo", "ethics": "1",
    }  # fmt: skip
    answer = reader.post("/requests/new/apply", form)
    assert answer.status_code == 303, answer.text
    made = reader.house.cases()[-1]
    assert made.asked.summary == "How long do they stay?" and made.asked.people == {"ann", "bo"}
    assert reader.post("/requests/new/apply", {**form, "site": ["h77"]}).status_code == 422


def test_a_finding_is_explained_by_the_steward_of_its_site(app: FastAPI) -> None:
    reader = Reader(app, "stew")
    listed = findings(reader.house)
    assert listed
    name = listed[0].finding.finding_id
    said = {"state": "explained", "reason": "It is so."}
    assert reader.post(f"/quality/findings/{name}/say", said).status_code == 303
    assert "It is so." in reader.get(f"/quality/findings/{name}").text
    assert Reader(app, "ann").post(f"/quality/findings/{name}/say", said).status_code == 403


def test_what_a_browser_has_is_not_sent_again_and_only_to_the_same_session(app: FastAPI) -> None:
    reader = Reader(app, "aud")
    for address in ("/", "/requests", "/quality.csv", "/quality.json"):
        first = reader.get(address)
        again = reader.get(address, **{"If-None-Match": first.headers["etag"]})
        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), address
        assert "private" in again.headers["cache-control"] and "Cookie" in again.headers["vary"]
    tag = reader.get("/requests").headers["etag"]
    other = Reader(app, "ann").get("/requests", **{"If-None-Match": tag})
    assert other.status_code == 200 and other.headers["etag"] != tag


def test_a_case_is_read_again_only_when_there_is_more_of_it(app: FastAPI) -> None:
    house = Reader(app, "aud").house
    before = house.cases()
    assert [id(one) for one in house.cases()] == [id(one) for one in before]
    name = before[0].id
    with house.acting() as office:
        person = office.accounts.get("dan")
        assert person is not None
        cases.do(office, cases.file(office, name), person, "vote", {"favour": True, "reason": "of use"})
    after = house.cases()
    assert "dan" in after[0].case.votes and "dan" not in before[0].case.votes
    assert [one.case for one in after] == [one.case for one in cases.files(house.office)]


def test_what_applications_were_not_told_of_is_shown_to_an_administrator(app: FastAPI) -> None:
    reader = Reader(app, "root")
    assert "Nothing waits" in reader.get("/administration").text
    owing = Owing(reader.house.workspace.records, "here:1")
    owing.has("recall", ["published", "landed"])
    owing.fire("landed", clock.now(), apps=["recall"], site="h01", feed="his", deliveries=2)
    for _ in range(2):
        owing.fire("published", clock.now(), apps=["recall"], edition=1, sites=[])
    for one in owing.claim("recall", clock.now(), 3):
        if one.hook == "published":
            owing.failed(one.number, clock.now(), "FailedError", "KeyError at app.py:12")
    told = {language: Reader(app, "root", language=language).get("/administration").text for language in LANGUAGES}
    for language, words in {
        "en": ("Edition published", "The application failed", "Waits", "Data landed", "Not tried yet, or under way"),
        "zh": ("版本发布", "应用出错", "等待", "数据到达", "尚未尝试或正在进行"),
    }.items():
        assert [word for word in (*words, "recall", "KeyError at app.py:12") if word not in told[language]] == []
    rows = reader.get("/administration.json?table=waiting").json()["rows"]
    assert {(row["app"], row["events"], row["tries"], row["place"]) for row in rows} == {
        ("recall", 1, 1, ""), ("recall", 2, 1, "KeyError at app.py:12"),
    }  # fmt: skip
    owing.has("recall", [])
    assert "Nothing waits" in reader.get("/administration").text
