"""Every page, every link of it and every file behind it, read by each role where patients are real.

Nothing that stands for one patient is on any: no number of a person, a stay or a result, no number of the hospital's,
nothing of who somebody is, no day on which something happened to somebody. What is looked for comes from the lake
itself, so that a new page or column is found out.
"""

import re
import time
from collections.abc import Iterator, Mapping
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from fastapi import FastAPI

from isthmus.flow.workspace import Workspace
from isthmus.serving.web import counted
from isthmus.serving.web.pages.listed import PAGES
from isthmus.serving.web.shell import chart, files
from lib import granted, workspace
from lib.granted import House
from lib.reader import Reader, opened

LINK = re.compile(r'(?:href|src|action|data-[a-z]+)="(/[^"]*)"')
LEAVING = ("lang=", "theme=", "/static/", "/sign-out", "/preferences")
MOST = 300  # addresses that one role reads
IDENTITIES = ("name", "resident_id", "phone", "address", "identifier", "email", "contact_name", "contact_phone")
NUMBERS = {
    "person": ("person_id", "person_source_value"), "visit_occurrence": ("visit_occurrence_id",),
    "measurement": ("measurement_id",), "condition_occurrence": ("condition_occurrence_id",),
}  # fmt: skip
DAYS = {
    "visit_occurrence": ("visit_start_date", "visit_end_date"), "measurement": ("measurement_date",),
    "condition_occurrence": ("condition_start_date",),
}  # fmt: skip
MENDING = ("stew", "root")
"""They are told the number of a row that is an example of a fault, to trace it to the bytes that were delivered."""
SHORT = 6
"""A text shorter than this stands in a page by chance: it is looked for as a word of its own."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return granted.granted(tmp_path_factory.mktemp("crawled"), patients=5)


@pytest.fixture(scope="module")
def app(house: House) -> Iterator[FastAPI]:
    found = opened(house.root)
    counted.warm(found.state.house)
    for _ in range(600):
        if counted.findings(found.state.house) is not None:
            break
        time.sleep(0.1)
    yield found
    found.state.house.close()


@pytest.fixture(scope="module")
def secrets(house: House) -> Mapping[str, re.Pattern[str]]:
    """What is looked for, for those who mend what the site delivers, and for everybody else."""
    made = Workspace(house.root)
    rows = {
        table: {str(row[name]) for row in workspace.rows(made, table) for name in names}
        for table, names in NUMBERS.items()
    }
    written = workspace.rows(made, "identity")
    days = {str(row[name]) for table, names in DAYS.items() for row in workspace.rows(made, table) for name in names}
    persons = days | {str(row[name]) for row in written for name in IDENTITIES if row.get(name)} | rows["person"]
    assert len(persons) >= 10
    return {"mends": _any_of(persons), "reads": _any_of(persons.union(*rows.values()))}


def _any_of(words: set[str]) -> re.Pattern[str]:
    told = (re.escape(one) if len(one) >= SHORT else rf"(?<![\w-]){re.escape(one)}(?![\w-])"
            for one in sorted(words - {"None"}) if len(one) > 1)  # fmt: skip
    return re.compile("|".join(told))


def _addresses(house: House) -> list[str]:
    parts = {"{site}": "h01", "{case}": house.case.rpartition("/")[2], "{name}": "liver", "{table}": "person",
             "{column}": "person_id", "{finding}": "0", "{person}": "1", "{pair}": "1-2"}  # fmt: skip
    found = ["/runs/events", "/sites/h01/scorecard.pdf", "/cds-services", "/api/v1/openapi.json", "/fhir/openapi.json"]
    for page in PAGES:
        texts = (*files.SUFFIXES, *(set(chart.SUFFIXES) - {"png", "pdf"}))
        for address in (page.address, *(f"{page.file}.{suffix}" for suffix in texts)):
            for part, value in parts.items():
                address = address.replace(part, value)
            found.append(re.sub(r"\{\w+\}", "x", address))
    return found


def _followed(text: str, here: str) -> Iterator[str]:
    for found in LINK.findall(text):
        address = urljoin(here, unescape(found))
        if not urlsplit(address).netloc and not any(one in address for one in LEAVING):
            yield address


@pytest.mark.parametrize("who", ["ann", "cai", "aud", "chen", "stew", "root"])
def test_nothing_of_a_patient_is_on_what_anybody_reads(
    house: House, app: FastAPI, secrets: Mapping[str, re.Pattern[str]], who: str
) -> None:
    reader, waiting = Reader(app, who), _addresses(house)
    seen, shown = set(waiting), 0
    while waiting and shown < MOST:
        address = waiting.pop(0)
        answer = reader.get(address)
        assert answer.status_code < 500, (who, address)
        shown += 1
        held = answer.content.decode("utf-8", errors="replace")
        leak = secrets["mends" if who in MENDING else "reads"].search(held)
        assert leak is None, (who, address, leak and held[max(0, leak.start() - 80) : leak.end() + 20])
        if "html" in answer.headers.get("content-type", ""):
            for more in _followed(held, address):
                if more not in seen:
                    seen.add(more)
                    waiting.append(more)
    assert shown > len(PAGES), "too little was read for this to say anything"
