"""Simulated identities: the same for the same seed, true where nothing slipped, and wrong as often as was asked."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from isthmus.base.errors import UsageError
from isthmus.cdm.identity.resident import residents
from isthmus.simulation.identities import RECORDS, TRUTH, Identities, identities
from isthmus.simulation.identities.slips import lunar


@pytest.fixture(scope="module")
def drawn() -> Identities:
    return identities(persons=10_000, sites=10, seed=7)


def _joined(drawn: Identities) -> pa.Table:
    table = drawn.records
    for name in ("person", "twin", "slips"):
        table = table.append_column(name, drawn.truth[name])
    return table


def _says(table: pa.Table, word: str) -> pa.ChunkedArray:
    return pc.match_substring(table["slips"], word)


def test_the_same_arguments_give_the_same_tables(drawn: Identities) -> None:
    again = identities(persons=10_000, sites=10, seed=7)
    assert again.records.equals(drawn.records)
    assert again.truth.equals(drawn.truth)
    assert not identities(persons=10_000, sites=10, seed=8).records.equals(drawn.records)


def test_each_record_has_its_truth(drawn: Identities) -> None:
    assert drawn.records.schema.equals(RECORDS)
    assert drawn.truth.schema.equals(TRUTH)
    assert drawn.records["record_id"].to_pylist() == drawn.truth["record_id"].to_pylist()
    assert pc.count_distinct(drawn.truth["person"]).as_py() == 10_000
    assert 23_000 < len(drawn.records) < 25_000


def test_numbers_that_did_not_slip_are_valid_and_nobody_elses(drawn: Identities) -> None:
    table = _joined(drawn)
    table = table.filter(pc.and_(table["resident_id"].is_valid(), pc.invert(_says(table, "number"))))
    read = residents(table["resident_id"].combine_chunks())
    assert read["reason"].null_count == len(read)
    pairs = pa.table({"number": read["number"], "person": table["person"]}).group_by(["number", "person"]).aggregate([])
    assert len(pairs) == pc.count_distinct(pairs["number"]).as_py() == pc.count_distinct(pairs["person"]).as_py()


def test_a_number_that_slipped_is_seen_by_its_check_digit(drawn: Identities) -> None:
    table = _joined(drawn)
    slipped = pc.and_(_says(table, "number-digit"), pc.invert(_says(table, "number-15")))
    read = residents(table.filter(slipped)["resident_id"].combine_chunks())
    assert len(read) > 100
    assert read["reason"].null_count == 0


@pytest.mark.parametrize("word", ["name-", "sex", "birth-", "number-[tdl]|number-missing", "phone-", "address"])
def test_three_fields_in_a_hundred_slip(drawn: Identities, word: str) -> None:
    share = pc.mean(pc.match_substring_regex(drawn.truth["slips"], word).cast(pa.int8())).as_py()
    assert 0.02 < share < 0.035  # a field that is not given cannot slip


def test_no_slips_where_none_are_asked_for() -> None:
    clean = identities(persons=2_000, sites=3, errors=0.0, seed=7)
    words = {word for slips in pc.unique(clean.truth["slips"]).to_pylist() for word in slips.split(" ")}
    assert words <= {"", "number-15", "romanised", "married", "newborn", "number-of-mother"}


def test_twins_are_born_together_and_have_neighbouring_numbers(drawn: Identities) -> None:
    table = _joined(drawn).to_pylist()
    number = {row["person"]: row for row in table if row["resident_id"] and "number" not in row["slips"]}
    pairs = [(row, number[row["twin"]]) for row in number.values() if row["twin"] in number and row["sex"] != "?"]
    assert pairs
    for one, other in pairs:
        assert one["resident_id"][:14] == other["resident_id"][:14]
        apart = abs(int(one["resident_id"][14:17]) - int(other["resident_id"][14:17]))
        assert apart <= 3


def test_newborns_are_known_by_their_mothers_name(drawn: Identities) -> None:
    table = _joined(drawn)
    born = table.filter(_says(table, "newborn"))
    assert len(born) > 100
    assert pc.all(pc.match_substring_regex(born["name"], "[女子]$")).as_py()


def test_lunar_dates_are_those_of_the_calendar_to_a_day() -> None:
    # The festivals of the fifth of the fifth and the fifteenth of the eighth month, of years without a leap month.
    days = {"2018-06-18": "2018-05-05", "2015-06-20": "2015-05-05", "2010-09-22": "2010-08-15",
            "2019-09-13": "2019-08-15", "2021-09-21": "2021-08-15", "1999-09-24": "1999-08-15"}  # fmt: skip
    common, written = (np.array([*some], dtype="datetime64[D]") for some in (days.keys(), days.values()))
    assert np.abs(lunar(common.astype(np.int64)) - written.astype(np.int64)).max() <= 1


@pytest.mark.parametrize("wrong", [{"persons": 0}, {"sites": 0}, {"records": 0.5}, {"errors": 2.0}, {"seed": -1}])
def test_numbers_that_make_no_population_are_refused(wrong: dict[str, float]) -> None:
    arguments = {"persons": 10, "sites": 1, "seed": 1} | wrong
    with pytest.raises(UsageError):
        identities(**arguments)  # type: ignore[arg-type]
