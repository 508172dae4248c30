"""One person over time on pages: under a grant and no other way, logged first, and the same rows in all forms."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from fastapi import FastAPI

from isthmus.gate.grade.keys import FORM
from isthmus.serving.page.words import LANGUAGES, Speech
from isthmus.serving.web import patient
from isthmus.serving.web.shell.words import texts
from lib import granted
from lib.reader import Reader, opened

TABLES = {
    "person": ["person_id", "gender_concept_id", "year_of_birth"],
    "visit_occurrence": ["person_id", "visit_concept_id", "visit_start_date", "visit_end_date"],
    "condition_occurrence": ["person_id", "condition_concept_id", "condition_start_date"],
    "measurement": ["person_id", "measurement_concept_id", "measurement_date", "value_as_number", "unit_concept_id"],
    "drug_exposure": ["person_id", "drug_concept_id", "drug_exposure_start_date"],
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    """Twenty patients who are not invented, and a grant of ann's and bo's."""
    house = granted.granted(tmp_path_factory.mktemp("patients"), patients=20, tables=TABLES)
    found = opened(house.root)
    yield found
    found.state.house.close()


def _grant(app: FastAPI) -> str:
    case = app.state.house.cases()[0].case
    return str(case.grant.id.rpartition("/")[2])


def _fullest(app: FastAPI) -> str:
    rows = Reader(app, "ann").get(f"/patients/{_grant(app)}.json").json()["rows"]
    return str(max(rows, key=lambda row: row["measurement"] + row["visit"])["person_id"])


def _questions(app: FastAPI) -> list[str]:
    return [act.act for act in app.state.house.office.acts.all("question")]


def test_the_persons_of_a_grant_are_listed_page_by_page(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    reader, base = Reader(app, "ann"), f"/patients/{_grant(app)}"
    whole = [row["person_id"] for row in reader.get(f"{base}.json").json()["rows"]]
    assert len(whole) == 20 and whole == sorted(whole) and all(FORM.fullmatch(one) for one in whole)
    monkeypatch.setattr("isthmus.serving.web.pages.patients.PAGE", 8)
    walked, where = [], base
    while where:
        page = reader.get(where)
        walked += re.findall(r"<a href=\"/patients/\w+/([0-9a-f]{32})", page.text)
        further = re.search(r'rel="next" href="([^"]+)"', page.text)
        where = further[1].replace("&amp;", "&") if further else ""
    assert walked == whole
    assert f'href="{base}"' in reader.get("/patients").text


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_person_is_shown_over_time_and_every_event_is_in_the_table(app: FastAPI, language: str) -> None:
    reader, where = Reader(app, "ann", language=language), f"/patients/{_grant(app)}/{_fullest(app)}"
    page = reader.get(where)
    assert page.status_code == 200 and len(page.content) < 60_000
    drawings = re.findall(r"<svg class=\"chart timeline.*?</svg>", page.text, re.DOTALL)
    assert len(drawings) == 2  # for wide pages and for phones
    for one in drawings:
        root = ElementTree.fromstring(one)
        assert root.get("role") == "img" and root.get("aria-label") and root.findall(".//g/title")
        assert 'style="' not in one and "<script" not in one
    rows = reader.get(f"{where}.json").json()["rows"]
    told = {kind: sum(row["what"] == Speech(language, texts("patients"))(f"one.{kind}") for row in rows)
            for kind in ("visit", "condition", "measurement")}  # fmt: skip
    grant = app.state.house.cases()[0].case.grant
    assert {one.kind for one in patient.shown(grant)} == {"visit", "condition", "measurement", "drug"}
    counts = next(
        row for row in reader.get(f"/patients/{_grant(app)}.json").json()["rows"] if row["person_id"] in where
    )
    assert all(told[kind] == counts[kind] for kind in told) and sum(told.values()) > 0


def test_the_same_rows_leave_in_every_form_and_are_not_kept_on_the_way(app: FastAPI) -> None:
    reader, where = Reader(app, "ann"), f"/patients/{_grant(app)}/{_fullest(app)}"
    told = reader.get(f"{where}.json").json()
    lines = list(csv.reader(io.StringIO(reader.get(f"{where}.csv").text)))
    table = pq.read_table(io.BytesIO(reader.get(f"{where}.parquet").content))
    assert told["rows_here"] == told["rows_of"] == len(lines) - 1 == table.num_rows > 0
    assert told["rule"].startswith("grant ") and told["edition"] == app.state.house.edition
    spec = reader.get(f"{where}.vl.json").json()
    drawn = spec["vconcat"][0]["data"]["values"]
    assert len(drawn) == sum(row["day"] is not None for row in told["rows"])
    for suffix, begins in (("svg", b"<svg"), ("png", b"\x89PNG"), ("pdf", b"%PDF")):
        answer = reader.get(f"{where}.{suffix}")
        assert answer.status_code == 200 and answer.content.startswith(begins)
    for path in (where, f"{where}.json", f"{where}.png", f"/patients/{_grant(app)}"):
        assert reader.get(path).headers["cache-control"] == "private, no-store"


def test_kinds_are_chosen_and_the_files_follow(app: FastAPI) -> None:
    reader, where = Reader(app, "ann"), f"/patients/{_grant(app)}/{_fullest(app)}"
    rows = reader.get(f"{where}.json?kind=measurement").json()["rows"]
    assert rows and {row["what"] for row in rows} == {"Measurement"}
    assert f"{where}.csv?table=events&amp;kind=measurement" in reader.get(f"{where}?kind=measurement").text


def test_identities_are_pseudonyms_and_days_are_moved(app: FastAPI) -> None:
    reader, where = Reader(app, "ann"), f"/patients/{_grant(app)}/{_fullest(app)}"
    page = reader.get(where).text
    assert "moved by one and the same number of days" in page
    told = {date.fromisoformat(row["day"]) for row in reader.get(f"{where}.json").json()["rows"] if row["day"]}
    bo = Reader(app, "bo").get(f"{where}.json").json()["rows"]
    assert {date.fromisoformat(row["day"]) for row in bo if row["day"]} == told  # of one use, whoever of its people


def test_each_look_is_logged_and_nobody_else_looks(app: FastAPI) -> None:
    where = f"/patients/{_grant(app)}/{_fullest(app)}"
    before = len(_questions(app))
    assert Reader(app, "ann").get(f"{where}.csv").status_code == 200
    allowed = _questions(app)[before:]
    assert allowed and set(allowed) == {"allowed"}
    for who in (*set(granted.ROLES) - {"ann", "bo"}, ""):
        for path in (
            where,
            f"/patients/{_grant(app)}",
            *(f"{where}.{one}" for one in ("json", "csv", "png", "vl.json")),
        ):
            before = len(_questions(app))
            answer = Reader(app, who).get(path)
            assert answer.status_code == 403, (who, path)
            assert who == "" or _questions(app)[before:] == ["refused"]


@pytest.mark.parametrize("person", ["0" * 32, "1", "x" * 32, "' OR 1=1 --", "%27", "A" * 32])
def test_who_is_not_there_is_not_told_from_who_is_not_granted(app: FastAPI, person: str) -> None:
    answer = Reader(app, "ann").get(f"/patients/{_grant(app)}/{person}.json")
    assert answer.status_code == 404 and answer.json()["detail"] == "There is no such patient under this grant."


def test_a_grant_of_somebody_else_or_of_nobody_is_refused_alike(app: FastAPI) -> None:
    texts_of = {
        re.sub(r"GR\w+", "", Reader(app, who).get(f"/patients/{grant}.json").json()["detail"])
        for who, grant in (("stew", _grant(app)), ("stew", "GRG33CB97QF2VTWKAHC"))
    }
    assert all("What next" in one for one in texts_of)


def test_a_grant_without_whose_events_they_are_has_no_patients(tmp_path: Path) -> None:
    tables = {"visit_occurrence": ["visit_concept_id", "visit_start_date"]}
    house = granted.granted(tmp_path, patients=3, tables=tables)
    made = opened(house.root)
    assert "Apply for one" in Reader(made, "ann").get("/patients").text
    assert Reader(made, "ann").get(f"/patients/{_grant(made)}").status_code == 403
    made.state.house.close()


@pytest.mark.parametrize(("language", "told", "called"), [
    ("en", "The grant does not hold note. What next: leave it out, or ask for other terms.", "refused"),
    ("zh", "授权不包含 note。下一步：去掉它，或申请变更条款。", "拒绝"),
])  # fmt: skip
def test_a_refusal_is_told_in_the_readers_language_with_a_way_back_to_the_form(
    app: FastAPI, language: str, told: str, called: str
) -> None:
    sent = {"grant": _grant(app), "sql": "select * from note"}
    answer = Reader(app, "ann", language=language).post("/query/ask", sent)
    assert answer.status_code == 403 and told in answer.text
    assert '<a class="button strong" href="/query" data-back>' in answer.text
    rows = Reader(app, "aud", language=language).get("/log.json").json()["rows"]
    assert rows[0]["act"] == called
    assert re.match("the grant does not hold note; purpose HMB|授权不包含 note；用途 HMB", rows[0]["said"])
