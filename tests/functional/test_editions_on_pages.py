"""An address that names an edition gives the numbers of that edition: page, files, charts, and pages further on."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from isthmus.flow import start
from isthmus.flow.ingest import ingest
from isthmus.serving.web import counted
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell.page import Page
from lib import granted, harbour, workspace
from lib.reader import Reader, opened


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Two editions: of twelve persons, then of more."""
    folder = tmp_path_factory.mktemp("editions")
    harbour.deliver(folder / "in", number=1, patients=12)
    made = start.new(folder / "ws", synthetic=True)
    workspace.add(made, harbour.feeds(folder / "packs", folder / "in"))
    assert not ingest(made).failed
    first = made.lake.editions.numbers()[-1]
    harbour.deliver(folder / "in", number=2, patients=30)
    assert not ingest(made).failed
    found = opened(granted.staffed(made).root)
    found.state.first = first
    assert made.lake.editions.numbers()[-1] > first
    for number in (first, None):
        counted.years(found.state.house, number), counted.checks(found.state.house, number)
    found.state.house.memory.wait(600)
    yield found
    found.state.house.close()


ROWS = {"/overview": "people", "/sites": "people", "/sites/h01": "records", "/lineage": "rows", "/catalogue": "rows"}


@pytest.mark.parametrize("base", ROWS)
def test_numbers_and_files_are_those_of_the_edition_that_the_address_names(app: FastAPI, base: str) -> None:
    reader, first = Reader(app, "aud"), app.state.first
    then, now = (reader.get(f"{base}.json{asked}").json() for asked in (f"?edition={first}", ""))
    assert (then["edition"], now["edition"]) == (first, app.state.house.edition)
    before, after = (sum(row[ROWS[base]] or 0 for row in one["rows"]) for one in (then, now))
    assert 0 < before < after
    assert reader.get(f"{base}.csv?edition=e{first:06d}").headers["x-edition"] == str(first)
    page = reader.get(f"{'/' if base == '/overview' else base}?edition={first}").text
    assert f"numbers of edition e{first:06d}" in page and f"<b>e{first:06d}</b>" in page
    for link in re.findall(
        r'href="(/(?!static|sites/h01/scorecard)[^"]+\.(?:csv|json|parquet|svg|png|pdf|vl\.json)[^"]*)"', page
    ):
        assert f"edition={first}" in link, link
    if f"{base}.vl.json" in page:
        told = reader.get(f"{base}.vl.json?edition={first}").json()["usermeta"]["isthmus"]
        assert told["edition"] == first


@pytest.mark.parametrize(
    "page", [one for one in PAGES if one.pinned and "{" not in one.address], ids=lambda one: one.name
)
def test_a_page_says_which_edition_it_shows_and_links_that_keep_it(app: FastAPI, page: Page) -> None:
    reader, first, newest = Reader(app, "aud"), app.state.first, app.state.house.edition
    shown = reader.get(page.address).text
    assert f'href="{page.address}?edition={newest}"' in shown and 'class="pinned"' not in shown
    assert f'href="{page.address}?edition={first}"' not in shown
    pinned = reader.get(f"{page.address}?edition={first}").text
    assert f'href="{page.address}">' in pinned.split('class="pinned"')[1].split("</p>")[0]
    inside = pinned.split('class="pinned"')[1].split("<footer")[0]
    followed = re.findall(r'href="(/(?:sites|catalogue|quality|lineage|cohorts)[^"#]*)"', inside.split("</p>", 1)[1])
    pages = [one for one in followed if not one.startswith(("/quality/findings", "/sites/h01/"))]
    assert all(f"edition={first}" in one for one in pages), pages
    answer = reader.get(f"{page.address}?edition={first}&lang=zh").text
    assert f"这里是版次 e{first:06d} 的数字" in answer


def test_a_page_that_tells_the_present_says_so(app: FastAPI) -> None:
    reader = Reader(app, "aud")
    for path in ("/codes", "/linkage", "/requests", "/log", "/quality/findings"):
        assert "tells the present" in reader.get(f"{path}?edition={app.state.first}").text
        assert "tells the present" not in reader.get(path).text


@pytest.mark.parametrize("asked", ["0", "999999", "-1", "x", "e", "1.0", "1e3", "９", "99999999999999999999"])
def test_an_edition_that_there_is_not_is_told(app: FastAPI, asked: str) -> None:
    for path in ("/sites", "/sites.json", "/overview.png", "/cohorts", "/catalogue/person.csv"):
        answer = Reader(app, "aud").get(f"{path}?edition={asked}")
        assert answer.status_code == 404, (path, answer.status_code)


def test_what_was_counted_of_an_edition_is_not_told_of_another(app: FastAPI) -> None:
    reader, first = Reader(app, "aud"), app.state.first
    order = [f"?edition={first}", "", f"?edition={first}", ""]
    people = [sum(row["people"] for row in reader.get(f"/overview.json{one}").json()["rows"]) for one in order]
    assert people[0] == people[2] < people[1] == people[3]
    texts = [reader.get(f"/{one}").text for one in order]
    assert texts[0] != texts[1]
