"""The way from an application to an answer with the records on PostgreSQL, where a server answers."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from lib.command import complaint
from lib.granted import applied, decided, peopled

SCHEMA = "isthmus_office"


@pytest.fixture
def records() -> Iterator[str]:
    """The address of a database in which a schema of our own is searched first."""
    pytest.importorskip("psycopg")
    url = os.environ.get("ISTHMUS_TEST_POSTGRESQL", "postgresql+psycopg:///postgres?host=/var/run/postgresql")
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(sa.text(f"drop schema if exists {SCHEMA} cascade"))
            connection.execute(sa.text(f"create schema {SCHEMA}"))
    except sa.exc.OperationalError as error:
        pytest.skip(f"no postgresql server answers: {type(error.orig).__name__}")
    yield f"{url}{'&' if '?' in url else '?'}options=-csearch_path%3D{SCHEMA}"
    with engine.begin() as connection:
        connection.execute(sa.text(f"drop schema {SCHEMA} cascade"))


@pytest.mark.services
def test_a_grant_is_given_used_and_taken_with_records_on_a_server(records: str, tmp_path: Path) -> None:
    house = decided(applied(peopled(tmp_path, records=records), tmp_path))
    counted = "select count(*) as n from person"
    (row,) = house.ask(counted, "ann", "--json").document()["rows"]
    assert row["n"] == 40
    assert house.use("cai", "revoke", "--reason", "the study is over").code == 0
    assert "What next" in complaint(house.ask(counted), 5)
    assert house.run("aud", "log", house.root, "--grant", house.grant, "--json").code == 0
