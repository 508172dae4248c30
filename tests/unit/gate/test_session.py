"""What the gate refuses, and with which words."""

from collections.abc import Callable
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pytest

from isthmus.base.errors import InputError, RefusedError
from isthmus.cdm.questions import QUESTIONS
from isthmus.flow import start
from isthmus.flow.workspace import Workspace
from isthmus.gate.session import Session, open_session


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return start.new(tmp_path_factory.mktemp("gate") / "ws", synthetic=True)


@pytest.fixture
def session(made: Workspace) -> Session:
    return open_session(made.lake, synthetic=True)


def test_a_workspace_of_real_patients_answers_nobody(tmp_path: Path) -> None:
    made = start.new(tmp_path / "ws")
    assert not made.synthetic
    with pytest.raises(
        RefusedError, match=r"^this workspace holds real patients, who are read under a grant only"
    ) as refused:
        open_session(made.lake, synthetic=made.synthetic)
    assert refused.value.exit_code == 5
    assert not Workspace(made.root).synthetic, "it stays one when it is opened again"


def test_an_edition_that_is_not_there_is_said(made: Workspace) -> None:
    with pytest.raises(InputError, match="there is no edition 9"):
        open_session(made.lake, synthetic=True, edition=9)


def test_a_question_over_the_given_tables_is_answered(session: Session) -> None:
    assert session.ask(QUESTIONS["person"].count().as_table()).to_pylist()[0].popitem()[1] == 0


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("a table of that name with other columns", lambda: ibis.table({"secret": "string"}, name="person")),
        (
            "a table of that name in another database",
            lambda: ibis.table(QUESTIONS["person"].schema(), name="person", database="other"),
        ),
        ("a look-alike", lambda: ibis.table(QUESTIONS["person"].schema(), name="person")),
        (
            "a look-alike beside the table itself",
            lambda: QUESTIONS["person"].union(ibis.table(QUESTIONS["person"].schema(), name="person")),
        ),
        ("rows brought along", lambda: ibis.memtable(pa.table({"person_id": [1]}))),
        (
            "a file through a union",
            lambda: QUESTIONS["person"].select("person_id").union(
                ibis.table({"person_id": "int64"}, name="read_parquet('x.parquet')")
            ),
        ),
        (
            "a table in a subquery",
            lambda: QUESTIONS["person"].filter(
                QUESTIONS["person"].person_id.isin(ibis.table({"id": "int64"}, name="secret").id)
            ),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_question_that_reaches_further_is_refused(session: Session, name: str, make: Callable[[], ir.Table]) -> None:
    question = make()
    with pytest.raises(RefusedError, match="which no grant gave") as refused:
        session.ask(question)
    assert refused.value.exit_code == 5


def test_a_function_of_ones_own_is_refused(session: Session) -> None:
    @ibis.udf.scalar.python
    def peek(value: int) -> int:
        return value

    person = QUESTIONS["person"]
    with pytest.raises(RefusedError, match="peek"):
        session.ask(person.select(seen=peek(person.person_id)))
