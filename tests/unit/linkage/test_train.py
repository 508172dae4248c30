"""What cannot be learnt is said, and never passed over."""

import duckdb
import pyarrow as pa
import pytest

from isthmus.base.errors import InputError
from isthmus.linkage import rules
from isthmus.linkage.model import train
from isthmus.linkage.normal import normal
from isthmus.simulation.identities import identities


@pytest.fixture(scope="module")
def drawn() -> pa.Table:
    return identities(persons=1_500, sites=3, seed=5).records


def _train(records: pa.Table) -> None:
    chosen = rules.packed("chinese")
    with duckdb.connect() as connection:
        train(connection, normal(records, chosen.fields), chosen)


@pytest.mark.parametrize("count", [0, 1, 20])
def test_too_few_records_are_refused(drawn: pa.Table, count: int) -> None:
    with pytest.raises(InputError, match=f"these {count} records are too few"):
        _train(drawn.slice(0, count))


def test_what_no_block_can_teach_is_named(drawn: pa.Table) -> None:
    with pytest.raises(InputError, match="nothing could be learnt of name"):
        _train(drawn.drop_columns(["resident_id", "phone"]))


def test_records_need_an_id_and_a_site(drawn: pa.Table) -> None:
    with pytest.raises(InputError, match="need a column site"):
        _train(drawn.drop_columns(["site"]))
