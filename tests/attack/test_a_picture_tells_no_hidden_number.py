"""Counts that are hidden as numbers are measured on the pictures that are drawn of them."""

import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.serving.web.shell import charts
from lib import granted, workspace
from lib.granted import House
from lib.linked import alias
from lib.reader import Reader, opened

WIDTH = re.compile(r'class="wire"[^>]*stroke-width="([\d.]+)"')
OF_A_SITE = 2.0  # the breadth of lines from a site, whatever it has


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("drawn"), patients=5)


@pytest.fixture(scope="module")
def app(house: House) -> Iterator[FastAPI]:
    found = opened(house.root)
    yield found
    found.state.house.close()


def test_the_breadth_of_a_line_is_of_what_may_be_shown(house: House, app: FastAPI) -> None:
    made = Workspace(house.root)
    edition = made.lake.editions.current()
    assert edition is not None
    rows = {name: len(workspace.rows(made, name)) for name in ("person", "visit_occurrence", "measurement")}
    assert rows["person"] == 5
    broad = {float(one) for one in WIDTH.findall(Reader(app, "aud").get("/lineage").text)} - {OF_A_SITE}
    assert len(broad) > 1
    measured = {round(max(rows.values()) * ((one - 1) / 9) ** 2) for one in broad}
    assert not measured & {1, 2, 3, 4, 5, 6, 7}


def test_a_line_over_editions_is_of_rounded_numbers(
    house: House, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[list[int]] = []
    monkeypatch.setattr(charts, "spark", lambda values, label: drawn.append(list(values)) or "")
    opened_again = Workspace(house.root)
    ids = sorted({row["person_id"] for row in workspace.rows(opened_again, "person")})
    alias(opened_again, {ids[0]: ids[1]})
    assert Reader(app, "aud").get("/").status_code == 200
    assert any(drawn)
    assert all(one % 5 == 0 for line in drawn for one in line)
