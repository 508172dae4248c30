"""Rows of one person at a time, from connections that stay open: to open one takes longer than to answer."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from queue import Empty, LifoQueue
from threading import Lock

import pyarrow as pa
from ibis.backends.duckdb import Backend

from isthmus.cdm.questions import QUESTIONS
from isthmus.gate.joined import JOINING, WHOLE, reading_of, rules, views_of
from isthmus.lake.asking import opened
from isthmus.lake.edition import Edition
from isthmus.lake.engine import limited
from isthmus.lake.lake import Lake

SECONDS = 60.0  # of one person
PERSON, PERIODS = "person_id", "observation_period"
SETTINGS = ("SET parquet_metadata_cache = true", "SET threads = 1")
NUMBERS = """
    SELECT person_id FROM {alias} WHERE person = {person:d}
    UNION SELECT {person:d} WHERE NOT EXISTS (SELECT 1 FROM {alias} WHERE person_id = {person:d})
"""


class Reader:
    """Some columns of tables of one edition, by person. Many threads may ask; each has a connection of its own."""

    def __init__(self, lake: Lake, edition: Edition, columns: Mapping[str, Sequence[str]]) -> None:
        """`columns` of each table that has a person. Close it in the end."""
        self._lake, self._edition, self._columns = lake, edition, columns
        # Tables whose rows are read as they lie, with the numbers that a person has at the sites; not those of which
        # one row speaks for the person.
        views = views_of(edition, columns)
        self._joined = frozenset(views) - frozenset(rules()) - {PERIODS}
        self._free: LifoQueue[Backend] = LifoQueue()
        self._opened, self._opening = ExitStack(), Lock()

    def person(self, person: int) -> Mapping[str, pa.Table]:
        """The rows of a person, by table."""
        with self._lent() as connection, limited(connection.con, SECONDS):
            ask = connection.con.execute
            numbers = ask(NUMBERS.format(alias=JOINING, person=person)).fetchall() if self._joined else ()
            found = {}
            for table, columns in self._columns.items():
                where = f'"{table}" WHERE {PERSON} = {person:d}'
                if table in self._joined:
                    # Over the rows as they lie, which are in the order of these numbers; a view would read them all.
                    columns = [f"{person:d}::BIGINT AS {PERSON}" if one == PERSON else one for one in columns]
                    listed = ", ".join(f"{number:d}" for (number,) in numbers) or "NULL"
                    where = f'"{WHOLE}{table}" WHERE {PERSON} IN ({listed})'
                found[table] = ask(f"SELECT {', '.join(columns)} FROM {where}").to_arrow_table()
            return found

    def close(self) -> None:
        """Close the connections that nobody uses; those in use end with their call."""
        with self._opening:
            self._opened.close()

    @contextmanager
    def _lent(self) -> Iterator[Backend]:
        try:
            connection = self._free.get_nowait()
        except Empty:
            with self._opening:
                reading = reading_of(self._edition, self._columns)
                connection = self._opened.enter_context(opened(self._lake, self._edition, reading))
            for setting in SETTINGS:
                connection.raw_sql(setting)
        try:
            yield connection
        finally:
            self._free.put(connection)


def of_persons(columns: Mapping[str, frozenset[str]]) -> dict[str, list[str]]:
    """Of some columns those of tables that have a person, each table's in order."""
    return {
        table: [one for one in QUESTIONS[table].columns if one in held]
        for table, held in sorted(columns.items())
        if PERSON in held
    }
